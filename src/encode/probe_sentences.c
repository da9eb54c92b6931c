/* What is wrong with a GPU, in a sentence, and what to do about it. Each case is something that
 * people have met. */
#include "encode/probe_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define DRIVER_NOT_FOUND (-1) /* libva's, when no file has the name */
#define NO_RESOURCES 2	      /* VA_STATUS_ERROR_ALLOCATION_FAILED */

#define SAY(out, ...) snprintf((out), sizeof(out), __VA_ARGS__)

static bool is(const char *text, const char *wanted)
{
	return !strcmp(text, wanted);
}

static bool is_intel(const struct tr_probe_symptom *s)
{
	return is(s->vendor, "Intel") || is(s->kernel_driver, "i915") || is(s->kernel_driver, "xe");
}

static bool is_nvidia(const struct tr_probe_symptom *s)
{
	return is(s->vendor, "NVIDIA") || is(s->kernel_driver, "nouveau") ||
	       !strncmp(s->kernel_driver, "nvidia", 6);
}

/* ---- opening the node ---- */

static void explain_permission(const struct tr_probe_symptom *s, struct tr_probe_finding *ret)
{
	SAY(ret->cause, "no-permission");
	if (s->is_container || !s->group[0]) {
		SAY(ret->problem,
			"user %d may not open %s: it belongs to group %d%s%s%s, which this user is "
			"not in.",
			s->uid, s->node, s->gid, s->group[0] ? " (" : "", s->group,
			s->group[0] ? ")" : "");
		SAY(ret->cure, "start the container with --device /dev/dri --group-add %d", s->gid);
		return;
	}
	SAY(ret->problem,
		"user %d may not open %s: it belongs to group %s, which this user is not in.",
		s->uid, s->node, s->group);
	SAY(ret->cure, "usermod -aG %s \"$(id -un %d)\", then log in or start the service anew",
		s->group, s->uid);
}

static void explain_open(const struct tr_probe_symptom *s, struct tr_probe_finding *ret)
{
	if (s->error == EACCES) {
		explain_permission(s, ret);
	} else if (s->error == EPERM) {
		SAY(ret->cause, "device-forbidden");
		SAY(ret->problem,
			"%s is there, but the control group of this process does not allow devices "
			"of its kind.",
			s->node);
		if (s->is_container)
			SAY(ret->cure, "start the container with --device /dev/dri");
		else
			SAY(ret->cure, "DeviceAllow=char-drm rw in the service's unit");
	} else if (s->error == ENOENT || s->error == ENXIO || s->error == ENODEV) {
		SAY(ret->cause, "no-device");
		SAY(ret->problem, "the kernel has a GPU at %s, but there is no such device here.",
			s->node);
		if (s->is_container)
			SAY(ret->cure, "start the container with --device /dev/dri");
		else
			SAY(ret->cure, "udevadm trigger --subsystem-match=drm");
	} else {
		SAY(ret->cause, "cannot-open");
		SAY(ret->problem, "%s cannot be opened: %s.", s->node, strerror(s->error));
		SAY(ret->cure, "journalctl -k says what the kernel's driver %s has to say",
			s->kernel_driver);
	}
}

/* ---- starting the driver ---- */

static void explain_nvidia(struct tr_probe_finding *ret)
{
	SAY(ret->cause, "no-encoder");
	SAY(ret->problem,
		"NVIDIA's GPUs do not encode through VA-API, the way telerec uses; this one is not "
		"used.");
	SAY(ret->cure, "nothing need be done: another GPU or software encodes");
}

static void explain_missing_driver(const struct tr_probe_symptom *s, struct tr_probe_finding *ret)
{
	const char *package = is_intel(s) ? "intel-media-va-driver-non-free (from non-free; or "
					    "intel-media-va-driver)"
			      : is(s->kernel_driver, "amdgpu") || is(s->kernel_driver, "radeon")
				      ? "mesa-va-drivers"
				      : "";
	const char *name = getenv("LIBVA_DRIVER_NAME"), *path = getenv("LIBVA_DRIVERS_PATH");

	SAY(ret->cause, "no-driver");
	if (is(s->kernel_driver, "i915") && !name)
		SAY(ret->problem,
			"libva finds neither of the drivers \"iHD\" and \"i965\" for the GPU at %s "
			"(kernel driver i915).",
			s->node);
	else if (s->driver[0])
		SAY(ret->problem,
			"libva finds no driver \"%s\" for the GPU at %s (kernel driver %s).",
			s->driver, s->node, s->kernel_driver);
	else
		SAY(ret->problem, "libva knows no driver for the GPU at %s (kernel driver %s).",
			s->node, s->kernel_driver[0] ? s->kernel_driver : "unknown");
	size_t used = 0;
	if (package[0])
		used = (size_t)SAY(ret->cure, "apt install %s", package);
	else if (!name && !path)
		SAY(ret->cure, "nothing is known that makes this kind of GPU encode");
	if (name || path)
		snprintf(ret->cure + used, sizeof(ret->cure) - used,
			"%sunset LIBVA_DRIVER_NAME and LIBVA_DRIVERS_PATH, which say %.40s%s%.100s",
			used > 0 ? "; or " : "", name ? name : "", name && path ? " in " : "",
			path ? path : "");
}

static void explain_failed_driver(const struct tr_probe_symptom *s, struct tr_probe_finding *ret)
{
	SAY(ret->cause, "driver-failed");
	SAY(ret->problem, "the driver %s does not start on the GPU at %s (VA status %d).",
		s->driver[0] ? s->driver : "?", s->node, s->status);
	if (is(s->driver, "i965"))
		SAY(ret->cure, "apt install intel-media-va-driver: this GPU is newer than i965");
	else if (is(s->driver, "iHD"))
		SAY(ret->cure, "a newer kernel (Debian's backports have one): "
			       "this one is older than the GPU; or a virtual machine without the "
			       "device");
	else if (s->status == NO_RESOURCES)
		SAY(ret->cure,
			"nothing in a virtual machine without a real GPU; else journalctl -k");
	else
		SAY(ret->cure, "journalctl -k says whether the kernel's driver has trouble");
}

static void explain_start(const struct tr_probe_symptom *s, struct tr_probe_finding *ret)
{
	if (strstr(s->words, "has no function __vaDriverInit")) {
		SAY(ret->cause, "driver-version");
		SAY(ret->problem, "the driver %s is made for another version of libva.", s->driver);
		SAY(ret->cure, "apt install --reinstall libva2 and the driver, both from the same "
			       "Debian release");
	} else if (is_nvidia(s)) {
		explain_nvidia(ret);
	} else if (s->status == DRIVER_NOT_FOUND && !strstr(s->words, "init failed")) {
		explain_missing_driver(s, ret);
	} else {
		explain_failed_driver(s, ret);
	}
}

/* ---- encoding ---- */

static void explain_encoders(const struct tr_probe_symptom *s, struct tr_probe_finding *ret)
{
	if (is_nvidia(s)) {
		explain_nvidia(ret);
		return;
	}
	SAY(ret->cause, "no-encoder");
	if (s->has_h264)
		SAY(ret->problem, "the driver %s can decode H.264 on %s, but not encode it.",
			s->driver, s->node);
	else
		SAY(ret->problem, "the driver %s knows no H.264 on %s.", s->driver, s->node);
	if (is_intel(s))
		SAY(ret->cure,
			"apt install intel-media-va-driver-non-free (from non-free): the free "
			"build leaves encoders out");
	else if (!s->has_h264 && is(s->vendor, "AMD"))
		SAY(ret->cure,
			"a Mesa that was built with H.264 (Debian's is: apt install --reinstall "
			"mesa-va-drivers)");
	else
		SAY(ret->cure, "nothing need be done: another GPU or software encodes");
}

static void explain_test(const struct tr_probe_symptom *s, struct tr_probe_finding *ret)
{
	bool is_rate = strstr(s->words, "does not support any RC mode") != NULL;
	bool is_empty = strstr(s->words, "empty packet") != NULL;

	SAY(ret->cause, "test-failed");
	SAY(ret->problem, "the self-test on %s failed: %.250s.", s->node, s->words);
	if (is_intel(s) && s->is_low_power && (is_rate || is_empty)) {
		SAY(ret->cause, "no-firmware");
		SAY(ret->cure,
			"apt install firmware-misc-nonfree, and i915.enable_guc=2 on the "
			"kernel's command line: the low-power encoder's bitrate control needs "
			"the HuC firmware");
		return;
	}
	SAY(ret->cure, "nothing need be done: telerec takes another way to encode");
}

static void explain_end(const struct tr_probe_symptom *s, struct tr_probe_finding *ret)
{
	const char *where = s->place == TR_PROBE_TEST ? "in its self-test" : "while it was asked";
	const char *driver = s->driver[0] ? s->driver : "?";

	if (s->has_hung) {
		SAY(ret->cause, "driver-hangs");
		SAY(ret->problem, "the driver %s of %s hung %s%s%s.", driver, s->node, where,
			s->stage[0] ? ", in " : "", s->stage);
	} else if (WIFSIGNALED(s->wait_status)) {
		SAY(ret->cause, "driver-crashes");
		SAY(ret->problem, "the driver %s of %s crashed %s%s%s (signal %d, %s).", driver,
			s->node, where, s->stage[0] ? ", in " : "", s->stage,
			WTERMSIG(s->wait_status), strsignal(WTERMSIG(s->wait_status)));
	} else {
		SAY(ret->cause, "driver-exits");
		SAY(ret->problem, "the driver %s of %s ended the process %s%s%s (exit code %d).",
			driver, s->node, where, s->stage[0] ? ", in " : "", s->stage,
			WEXITSTATUS(s->wait_status));
	}
	SAY(ret->cure,
		"journalctl -k shows whether the GPU hung; a restart of the machine and newer "
		"drivers are what helps most");
}

void tr_probe_explain(const struct tr_probe_symptom *symptom, struct tr_probe_finding *ret)
{
	*ret = (struct tr_probe_finding){0};
	if (symptom->has_ended || symptom->has_hung)
		explain_end(symptom, ret);
	else if (symptom->place == TR_PROBE_OPEN)
		explain_open(symptom, ret);
	else if (symptom->place == TR_PROBE_START)
		explain_start(symptom, ret);
	else if (symptom->place == TR_PROBE_ENCODERS)
		explain_encoders(symptom, ret);
	else if (symptom->place == TR_PROBE_TEST)
		explain_test(symptom, ret);
}
