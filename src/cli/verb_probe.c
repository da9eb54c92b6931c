#include "cli/probe_show.h"
#include "cli/verbs.h"
#include "core/appliance.h"
#include "core/text.h"
#include "doctor/machine_probe.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_JSON = 1, OPTION_BROWSER, OPTION_SELF_TEST };

static const struct tr_option options[] = {
	{"browser", "PATH", "look at this Chromium", OPTION_BROWSER},
	{"json", NULL, "print JSON", OPTION_JSON},
	{"self-test", NULL, "encode with every encoder, compare the pictures, measure the speed",
		OPTION_SELF_TEST},
	{0},
};

static void print_row(const char *what, bool is_there, const char *answer, const char *remedy)
{
	printf("%-10s %s %s%s%s\n", what, is_there ? "yes" : "NO ", answer,
		is_there || !remedy[0] ? "" : ": ", is_there ? "" : remedy);
}

static void print_text(const struct tr_machine_probe *probe)
{
	char text[80], memory[16];
	bool has_sandbox = probe->has_user_namespaces || probe->has_setuid_sandbox;
	bool has_sound = probe->sound_plugin[0] || probe->has_loopback;

	print_row("Browser", probe->browser[0],
		probe->browser[0] ? probe->browser_version : "no Chromium that runs",
		tr_appliance_cure("", "apt install chromium"));
	print_row("X server", probe->xserver[0], probe->xserver[0] ? probe->xserver : "no Xvfb",
		tr_appliance_cure("", "apt install xvfb"));
	print_row("Sandbox", has_sandbox,
		probe->has_user_namespaces ? "user namespaces"
		: has_sandbox		   ? "setuid helper"
					   : "neither user namespaces nor Chromium's setuid helper",
		"apt install chromium-sandbox, or sysctl kernel.unprivileged_userns_clone=1");
	print_row("Sound", has_sound,
		probe->sound_plugin[0] && probe->has_loopback ? "our ALSA plug-in, and snd-aloop"
		: probe->sound_plugin[0]		      ? "our ALSA plug-in"
		: probe->has_loopback			      ? "snd-aloop"
				      : "neither our ALSA plug-in nor snd-aloop",
		"is telerec installed completely?");
	tr_text_format_bytes(probe->memory_bytes, memory, sizeof(memory));
	snprintf(text, sizeof(text), "%d cores, %s of memory", probe->cores, memory);
	print_row("Machine", true, text, "");
	if (probe->encoding)
		tr_probe_show(probe->encoding, stdout);
	else
		print_row("Encoder", false, "none", "is telerec installed completely?");
}

static void print_json(const struct tr_machine_probe *probe)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:b, s:O?, s:I, s:i, s:s}",
		"browser", probe->browser, "browser_version", probe->browser_version, "xserver",
		probe->xserver, "user_namespaces", probe->has_user_namespaces, "setuid_sandbox",
		probe->has_setuid_sandbox, "sound_plugin", probe->sound_plugin, "snd_aloop",
		probe->has_loopback, "encoding", probe->encoding, "memory_bytes",
		(json_int_t)probe->memory_bytes, "cores", probe->cores, "obstacle",
		tr_reason_name(tr_machine_probe_obstacle(probe)));
	if (object)
		json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct tr_machine_probe probe;
	const char *value, *browser = NULL;
	bool is_json = false, is_testing = false;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0) {
		if (id == 0) {
			fprintf(stderr, "telerec probe: what is \"%s\"?\n", value);
			return TR_EXIT_USAGE;
		}
		is_json = is_json || id == OPTION_JSON;
		is_testing = is_testing || id == OPTION_SELF_TEST;
		browser = id == OPTION_BROWSER ? value : browser;
	}
	if (rc < 0)
		return TR_EXIT_USAGE;
	tr_machine_probe_take(browser, is_testing, &probe);
	if (is_json)
		print_json(&probe);
	else
		print_text(&probe);
	enum tr_reason obstacle = tr_machine_probe_obstacle(&probe);
	if (!is_json && obstacle == TR_REASON_NONE)
		puts("This machine can record.");
	else if (!is_json)
		printf("This machine cannot record yet: %s\n", tr_reason_sentence(obstacle));
	tr_machine_probe_release(&probe);
	return tr_reason_exit_code(obstacle);
}

const struct tr_verb tr_verb_probe = {
	"probe", "", "Tells what this machine can do, and what is missing.", options, run};
