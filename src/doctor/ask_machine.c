#include "core/file.h"
#include "doctor/doctor_internal.h"
#include "doctor/machine_probe.h"
#include "encode/probe.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLICIES_FOLDER "/etc/chromium/policies/managed"
#define POLICIES POLICIES_FOLDER "/telerec.json"

extern const char tr_doctor_policies[]; /* conf/chromium/policies.json, made by the build */

static const char *const meaning = "No recording can be made on this machine.";

static bool fail(
	struct tr_doctor *doctor, const char *cause, const char *command, const char *sentence)
{
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = cause,
		.meaning = meaning,
		.cure = {.text = command},
	};

	tr_findings_add(doctor->findings, &finding, "%s", sentence);
	return false;
}

static bool check_browser(struct tr_doctor *doctor, const struct tr_machine_probe *probe)
{
	if (!probe->browser[0] && doctor->config->browser.path[0]) {
		tr_doctor_fail_setting(doctor, meaning, "no-browser", "browser.path",
			"path = \"\"; // in browser: finds the installed one",
			"browser.path names no Chromium that runs");
		return false;
	}
	if (!probe->browser[0])
		return fail(doctor, "no-browser", "apt-get install chromium chromium-sandbox\n",
			"no Chromium that runs is installed");
	tr_findings_ok(doctor->findings, "%s", probe->browser_version);
	if (!probe->has_user_namespaces && !probe->has_setuid_sandbox)
		return fail(doctor, "no-sandbox",
			"sysctl -w kernel.unprivileged_userns_clone=1\n"
			"# or: apt-get install chromium-sandbox\n",
			"the browser cannot run with its sandbox: neither user namespaces nor its "
			"setuid helper are there");
	tr_findings_ok(doctor->findings, "the browser's sandbox has %s",
		probe->has_user_namespaces ? "user namespaces" : "its setuid helper");
	return true;
}

static bool check_display(struct tr_doctor *doctor, const struct tr_machine_probe *probe)
{
	if (!probe->xserver[0])
		return fail(doctor, "no-x", "apt-get install xvfb\n",
			"there is no X server (Xvfb) for the browser to draw on");
	tr_findings_ok(doctor->findings, "X server %s", probe->xserver);
	return true;
}

static bool check_sound(struct tr_doctor *doctor, const struct tr_machine_probe *probe)
{
	const char *source = doctor->config->sound.source;
	bool has_plugin = probe->sound_plugin[0] != '\0';

	if (!strcmp(source, "none")) {
		tr_findings_note(doctor->findings, "recordings are without sound (sound.source)");
		return true;
	}
	if (!strcmp(source, "pcm"))
		return true; /* only trying tells */
	if (!strcmp(source, "loopback") && !probe->has_loopback)
		return false; /* the question about the kernel has told it */
	if (strcmp(source, "loopback") != 0 && !has_plugin &&
		(!probe->has_loopback || !strcmp(source, "plugin")))
		return fail(doctor, "no-sound", "apt-get install --reinstall telerec\n",
			"neither telerec's ALSA plug-in nor the kernel's snd-aloop is there");
	tr_findings_ok(doctor->findings, "sound by %s",
		strcmp(source, "loopback") != 0 && has_plugin ? "telerec's ALSA plug-in"
							      : "the kernel's snd-aloop");
	return true;
}

static const char *get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Of others, a virtual machine's too, nobody expects it. */
static bool may_encode(const json_t *device)
{
	const char *vendor = get_text(device, "vendor");

	return !strcmp(vendor, "Intel") || !strcmp(vendor, "AMD");
}

/* A GPU that is there and not used: recordings are made all the same, at a higher price. */
static void check_gpus(struct tr_doctor *doctor, const json_t *encoding)
{
	const json_t *device;
	size_t i;

	json_array_foreach(json_object_get(encoding, "devices"), i, device)
	{
		const struct tr_finding finding = {
			.status = TR_FINDING_WARNING,
			.cause = get_text(device, "cause"),
			.meaning = "Another GPU or software encodes: fewer recordings at a time.",
			.cure = {.text = get_text(device, "cure")},
		};
		if (!get_text(device, "problem")[0])
			tr_findings_ok(doctor->findings, "the GPU at %s can encode (%s)",
				get_text(device, "node"), get_text(device, "driver_text"));
		else if (!may_encode(device))
			tr_findings_note(doctor->findings, "%s", get_text(device, "problem"));
		else
			tr_findings_add(
				doctor->findings, &finding, "%s", get_text(device, "problem"));
	}
}

/* What video.encoder asks for by name, and is not to be had. */
static void check_choice(struct tr_doctor *doctor, const json_t *encoding)
{
	const struct tr_config *config = doctor->config;
	struct tr_rung_list list;
	char problem[600];

	if (tr_probe_choose(encoding, config->video.encoder, config->video.width,
		    config->video.height, &list, problem, sizeof(problem)) < 0)
		return;
	if (problem[0])
		tr_doctor_fail_setting(doctor,
			"Recordings are made, but not by the encoder that was asked for.",
			"encoder-missing", "video.encoder",
			"encoder = \"auto\"; // in video: the best that works", problem);
	else
		tr_findings_ok(doctor->findings, "recordings are encoded by %s%s",
			list.rungs[0].name,
			list.count > 1 ? ", and by the next encoder when it fails" : "");
}

static bool check_encoders(struct tr_doctor *doctor, const struct tr_machine_probe *probe)
{
	const json_t *rung, *item;
	unsigned count = 0;
	size_t i;

	check_gpus(doctor, probe->encoding);
	json_array_foreach(json_object_get(probe->encoding, "rungs"), i, rung) count +=
		json_is_true(json_object_get(rung, "works"));
	if (count == 0)
		return fail(doctor, "no-encoder", "apt-get install --reinstall telerec\n",
			"no encoder works here, not even the one in software");
	json_array_foreach(json_object_get(probe->encoding, "advice"), i, item)
		tr_findings_note(doctor->findings, "%s", json_string_value(item));
	check_choice(doctor, probe->encoding);
	return true;
}

/* The file as the package installs it, by root. */
static bool fix_policies(struct tr_doctor *doctor)
{
	if (!doctor->settings->may_fix || geteuid() != 0 ||
		tr_file_make_folders(POLICIES_FOLDER, 0755) < 0)
		return false;
	TR_CLEANUP(tr_closep)
	int fd = open(POLICIES, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || tr_file_write_all(fd, tr_doctor_policies, strlen(tr_doctor_policies)) < 0)
		return false;
	tr_findings_note(doctor->findings, "fixed: %s was written", POLICIES);
	return true;
}

static void check_policies(struct tr_doctor *doctor)
{
	struct stat st;

	if (stat(POLICIES, &st) < 0 && !fix_policies(doctor))
		tr_findings_note(doctor->findings,
			"%s is not there: the browser may show hints of its own in recordings",
			POLICIES);
}

void tr_ask_machine(struct tr_doctor *doctor)
{
	const char *path = doctor->config->browser.path;
	struct tr_machine_probe probe;

	tr_doctor_enter(doctor, "machine", NULL);
	tr_machine_probe_take(path[0] ? path : NULL, false, &probe);
	bool is_ready = check_display(doctor, &probe);
	is_ready = check_browser(doctor, &probe) && is_ready;
	is_ready = check_sound(doctor, &probe) && is_ready;
	is_ready = check_encoders(doctor, &probe) && is_ready;
	check_policies(doctor);
	tr_machine_probe_release(&probe);
	doctor->is_machine_ready = is_ready;
}
