#include "system/update.h"

#include "core/file.h"
#include "system/grubenv.h"
#include "system/tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define INFO_MS 300000
#define INSTALL_MS 3600000
#define EDIT_MS 60000
#define COMMAND_LINE_MAX 8192

struct tr_update_place tr_update_here(const char *version)
{
	return (struct tr_update_place){.command_line = "/proc/cmdline",
		.grubenv = TR_UPDATE_GRUBENV,
		.keyring = TR_UPDATE_KEYRING,
		.version = version};
}

/* ---- versions ---- */

static int rank(char c)
{
	return c == '~' ? -1 : c == '\0' ? 0 : isalpha((unsigned char)c) ? c : c + 256;
}

int tr_update_compare(const char *a, const char *b)
{
	while (*a || *b) {
		while ((*a && !isdigit((unsigned char)*a)) || (*b && !isdigit((unsigned char)*b))) {
			char x = isdigit((unsigned char)*a) ? '\0' : *a;
			char y = isdigit((unsigned char)*b) ? '\0' : *b;
			if (x != y)
				return rank(x) - rank(y);
			a++;
			b++;
		}
		a += strspn(a, "0");
		b += strspn(b, "0");
		size_t n = strspn(a, "0123456789"), m = strspn(b, "0123456789");
		if (n != m)
			return n < m ? -1 : 1;
		int order = strncmp(a, b, n);
		if (order != 0)
			return order;
		a += n;
		b += m;
	}
	return 0;
}

/* ---- state ---- */

/* A small file of the kernel's, which tells no size. */
static int read_command_line(const char *path, char *out, size_t size)
{
	TR_CLEANUP(tr_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	if (n < 0)
		return -errno;
	out[n] = '\0';
	return 0;
}

static void find_slot(const char *line, char out[static 2])
{
	const char *at = strstr(line, "rauc.slot=");

	out[0] = '\0';
	if (at && (at == line || at[-1] == ' ') && (at[10] == 'A' || at[10] == 'B'))
		out[0] = at[10];
	out[1] = '\0';
}

static bool is_set(const char *block, size_t size, char slot, const char *what)
{
	char name[16], value[TR_GRUB_VALUE_MAX] = "";

	snprintf(name, sizeof(name), "%c_%s", slot, what);
	return tr_grubenv_get(block, size, name, value, sizeof(value)) == 0 && !strcmp(value, "1");
}

/* As the menu of the disk (firmware-image/grub/disk.cfg) decides. */
static void find_next(const char *block, size_t size, struct tr_update_state *state)
{
	char order[TR_GRUB_VALUE_MAX] = "";

	if (tr_grubenv_get(block, size, "ORDER", order, sizeof(order)) < 0)
		order[0] = '\0';
	for (const char *slot = order; *slot; slot++) {
		if ((*slot != 'A' && *slot != 'B') || !is_set(block, size, *slot, "OK"))
			continue;
		if (*slot == state->proven[0] || !is_set(block, size, *slot, "TRY")) {
			state->next[0] = *slot;
			return;
		}
	}
	state->next[0] = state->proven[0];
}

int tr_update_read_state(const struct tr_update_place *place, struct tr_update_state *ret_state)
{
	char line[COMMAND_LINE_MAX], proven[TR_GRUB_VALUE_MAX] = "";
	TR_CLEANUP(tr_freep) char *block = NULL;
	size_t size;

	*ret_state = (struct tr_update_state){0};
	int rc = read_command_line(place->command_line, line, sizeof(line));
	if (rc < 0)
		return rc;
	find_slot(line, ret_state->slot);
	if (!ret_state->slot[0])
		return 0;
	rc = tr_file_read(AT_FDCWD, place->grubenv, TR_GRUBENV_SIZE, &block, &size);
	if (rc == 0)
		rc = tr_grubenv_get(block, size, "PROVEN", proven, sizeof(proven));
	if (rc < 0)
		return rc == -EINVAL ? -EBADMSG : rc;
	if (!strcmp(proven, "A") || !strcmp(proven, "B"))
		ret_state->proven[0] = proven[0];
	ret_state->is_trial = strcmp(ret_state->proven, ret_state->slot) != 0;
	ret_state->other_ok = is_set(block, size, ret_state->slot[0] == 'A' ? 'B' : 'A', "OK");
	find_next(block, size, ret_state);
	return 0;
}

/* ---- bundles ---- */

static int refuse_info(const char *file, char *output, char *why, size_t size)
{
	const char *last = tr_tool_last_line(output);

	if (strstr(last, "signature verification failed") || strstr(last, "erify error")) {
		snprintf(why, size,
			"%s is not signed with the key that this machine takes updates of (%.200s): get the update from where the image came from",
			file, last);
		return -EKEYREJECTED;
	}
	snprintf(why, size, "%s is no update, or damaged (%.200s): fetch it again", file, last);
	return -EBADMSG;
}

static int read_info(const char *output, struct tr_update_bundle *ret_bundle)
{
	const char *at = strchr(output, '{');
	json_t *info = at ? json_loads(at, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	const char *version = json_string_value(json_object_get(info, "version"));
	const char *compatible = json_string_value(json_object_get(info, "compatible"));

	if (version && compatible) {
		snprintf(ret_bundle->version, sizeof(ret_bundle->version), "%s", version);
		snprintf(ret_bundle->compatible, sizeof(ret_bundle->compatible), "%s", compatible);
	}
	int rc = version && compatible ? 0 : -EBADMSG;
	json_decref(info);
	return rc;
}

int tr_update_inspect(const struct tr_update_place *place, const char *file,
	struct tr_update_bundle *ret_bundle, char *why, size_t size)
{
	char keyring[512];
	TR_CLEANUP(tr_freep) char *output = NULL;

	if (access(file, R_OK) < 0) {
		snprintf(why, size, "%s cannot be read (%s)", file, strerror(errno));
		return -ENOENT;
	}
	if (access(place->keyring, R_OK) < 0) {
		snprintf(why, size,
			"this machine has no certificate to verify updates with (%s): updates are for the appliance's image",
			place->keyring);
		return -ENOENT;
	}
	snprintf(keyring, sizeof(keyring), "--keyring=%s", place->keyring);
	const char *const argv[] = {"rauc", keyring, "info", "--output-format=json", file, NULL};
	int rc = tr_tool_run(argv, INFO_MS, 1, &output);
	if (rc == -ENOENT)
		snprintf(why, size, "RAUC, which installs updates, is missing");
	else if (rc < 0)
		snprintf(why, size, "RAUC does not answer (%s)", strerror(-rc));
	if (rc < 0)
		return rc;
	if (rc > 0)
		return refuse_info(file, output, why, size);
	rc = read_info(output, ret_bundle);
	if (rc < 0)
		snprintf(why, size, "%s does not say which version it is", file);
	return rc;
}

int tr_update_judge(const struct tr_update_place *place, const struct tr_update_state *state,
	const struct tr_update_bundle *bundle, char *why, size_t size)
{
	if (!state->slot[0]) {
		snprintf(why, size,
			"this system does not run from an installed disk, so there is no slot to put an update in; `telerec install` puts it on one");
		return -ENOTSUP;
	}
	if (strcmp(bundle->compatible, TR_UPDATE_COMPATIBLE) != 0) {
		snprintf(why, size, "the update is for \"%s\", and this is a \"%s\"",
			bundle->compatible, TR_UPDATE_COMPATIBLE);
		return -EMEDIUMTYPE;
	}
	int order = tr_update_compare(bundle->version, place->version);
	if (order <= 0) {
		snprintf(why, size,
			"the update is version %s, and %s runs, which is %s: --force installs it all the same",
			bundle->version, place->version, order < 0 ? "newer" : "the same");
		return -EALREADY;
	}
	if (state->is_trial) {
		snprintf(why, size,
			"the system that runs (slot %s) has not proved itself yet, and an update would take the place of the last good one: wait until it has (`telerec update status`), or use --force",
			state->slot);
		return -EAGAIN;
	}
	return 0;
}

int tr_update_install(const char *file, char *why, size_t size)
{
	const char *const argv[] = {"rauc", "install", file, NULL};
	TR_CLEANUP(tr_freep) char *output = NULL;

	int rc = tr_tool_run(argv, INSTALL_MS, 1, &output);
	if (rc < 0)
		snprintf(why, size, "RAUC could not be run to its end (%s)", strerror(-rc));
	else if (rc > 0)
		snprintf(why, size, "RAUC did not install it: %.400s", tr_tool_last_line(output));
	return rc > 0 ? -EIO : rc;
}

int tr_update_keep(const struct tr_update_place *place, const struct tr_update_state *state,
	char *why, size_t size)
{
	char ok[16], try[16], proven[16];
	TR_CLEANUP(tr_freep) char *output = NULL;
	const char *const rauc[] = {"rauc", "status", "mark-good", "booted", NULL};

	/* What RAUC notes is for its own status; GRUB's memory is what counts, and is written in
	 * one piece. */
	(void)!tr_tool_run(rauc, EDIT_MS, 1, NULL);
	snprintf(ok, sizeof(ok), "%s_OK=1", state->slot);
	snprintf(try, sizeof(try), "%s_TRY=0", state->slot);
	snprintf(proven, sizeof(proven), "PROVEN=%s", state->slot);
	const char *const edit[] = {"grub-editenv", place->grubenv, "set", ok, try, proven, NULL};
	int rc = tr_tool_run(edit, EDIT_MS, 1, &output);
	if (rc != 0)
		snprintf(why, size, "GRUB's memory (%s) cannot be written: %.300s", place->grubenv,
			rc < 0 ? strerror(-rc) : tr_tool_last_line(output));
	return rc > 0 ? -EIO : rc;
}
