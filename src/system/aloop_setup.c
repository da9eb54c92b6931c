#include "system/aloop_setup.h"

#include "system/aloop.h"
#include "system/kernel_place.h"

#include <errno.h>

static int refuse(struct tr_change *change, const struct tr_kernel_status *status)
{
	const char *version = status->running.version;

	if (status->slot_cards > 0 && status->container[0])
		return 0; /* the host has given us cards: nothing is wrong but their number */
	if (status->container[0])
		return tr_change_fail(change, -ENOTSUP,
			"This is a container (%s): only the host can load snd-aloop.",
			status->container);
	if (status->running.aloop == TR_ALOOP_PACKAGED)
		return tr_change_fail(change, -ENOTSUP,
			"snd-aloop for the running kernel %s is in a package that is not "
			"installed: \"apt install %s\".",
			version, status->running.aloop_package);
	if (status->running.aloop == TR_ALOOP_ABSENT && !status->running.has_modules)
		return tr_change_fail(change, -ENOTSUP,
			"The modules of the running kernel %s are not on this machine; after an "
			"upgrade of the kernel, reboot.",
			version);
	if (status->running.aloop == TR_ALOOP_ABSENT)
		return tr_change_fail(change, -ENOTSUP,
			"The running kernel %s has no snd-aloop. \"telerec kernel use-generic\" "
			"chooses one that has; without it telerec's own ALSA plug-in carries the "
			"sound.",
			version);
	if (status->is_blocked && status->running.aloop == TR_ALOOP_LOADABLE)
		return tr_change_fail(change, -EPERM,
			"modprobe.d forbids snd-aloop: \"grep -rn snd.aloop /etc/modprobe.d "
			"/usr/lib/modprobe.d\" shows the line to remove.");
	return 0;
}

static int write_files(struct tr_change *change, unsigned slots)
{
	char text[1024];

	int rc = tr_aloop_write_modprobe(slots, text, sizeof(text));
	if (rc < 0)
		return tr_change_fail(change, rc, "There are 1 to %d slots.", TR_ALOOP_SLOTS_MAX);
	rc = tr_change_file(change, TR_ALOOP_MODPROBE, text);
	if (rc == 0)
		rc = tr_aloop_write_load(text, sizeof(text));
	if (rc == 0)
		rc = tr_change_file(change, TR_ALOOP_LOAD, text);
	return rc;
}

int tr_aloop_set_up(struct tr_change *change, const struct tr_kernel_status *status, unsigned slots)
{
	char options[TR_ALOOP_OPTIONS_MAX];

	int rc = refuse(change, status);
	if (rc == 0)
		rc = tr_aloop_options(slots, options, sizeof(options));
	if (rc == -EINVAL)
		return tr_change_fail(change, rc, "There are 1 to %d slots.", TR_ALOOP_SLOTS_MAX);
	if (rc == 0)
		rc = write_files(change, slots);
	if (rc < 0)
		return rc;
	if (change->is_dry_run) {
		if (status->slot_cards >= slots)
			tr_change_say(change, "The cards are there already.");
		else
			tr_change_say(change, "would run: modprobe snd-aloop %s", options);
		return 0;
	}
	rc = tr_aloop_load(change->root, slots, change->why, sizeof(change->why));
	if (rc == 0)
		tr_change_say(change, "The loopback sound cards tr1 to tr%u are there.", slots);
	return rc;
}

int tr_aloop_take_down(struct tr_change *change, bool *ret_was_there)
{
	bool was_there = tr_kernel_has(change->root, TR_ALOOP_MODPROBE) ||
			 tr_kernel_has(change->root, TR_ALOOP_LOAD);

	int rc = tr_change_file(change, TR_ALOOP_LOAD, NULL);
	if (rc == 0)
		rc = tr_change_file(change, TR_ALOOP_MODPROBE, NULL);
	if (ret_was_there)
		*ret_was_there = was_there;
	return rc;
}
