#include "cli/verbs.h"
#include "config/config.h"
#include "core/log.h"
#include "core/text.h"
#include "doctor/doctor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_CONFIG = 1, OPTION_JSON, OPTION_FIX, OPTION_ONLY, OPTION_QUICK, OPTION_ROOM };

static const struct tr_option options[] = {
	{"config", "FILE", "look at this telerec.conf", OPTION_CONFIG},
	{"only", "AREA", "only config, network, tls, control, brewery, call, page ...",
		OPTION_ONLY},
	{"quick", NULL, "start no browser, join no meeting, write nothing", OPTION_QUICK},
	{"room", "NAME", "join this room instead of a new one", OPTION_ROOM},
	{"fix", NULL, "change what is local and safe, and say so", OPTION_FIX},
	{"json", NULL, "print JSON", OPTION_JSON},
	{0},
};

static int refuse_area(const char *area)
{
	const char *near = tr_text_nearest(area, tr_doctor_areas());

	fprintf(stderr, "telerec doctor: there is no area \"%.60s\"", area);
	if (near)
		fprintf(stderr, "; did you mean \"%s\"?\n", near);
	else
		for (const char *const *name = tr_doctor_areas(); *name; name++)
			fprintf(stderr, "%s%s%s", name == tr_doctor_areas() ? "; they are " : ", ",
				*name, name[1] ? "" : "\n");
	return -EINVAL;
}

static bool is_area(const char *word)
{
	for (const char *const *name = tr_doctor_areas(); *name; name++)
		if (!strcmp(*name, word))
			return true;
	return false;
}

/* What may be a room of Jitsi's, and needs no quoting anywhere. */
static bool is_room(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	return name[0] && name[0] != '.' && strlen(name) < 128 && !name[strspn(name, letters)];
}

static int take(struct tr_doctor_settings *settings, bool *is_json, int id, const char *value)
{
	switch (id) {
	case OPTION_CONFIG:
		settings->config_path = value;
		return 0;
	case OPTION_JSON:
		*is_json = true;
		return 0;
	case OPTION_FIX:
		settings->may_fix = true;
		return 0;
	case OPTION_QUICK:
		settings->is_quick = true;
		return 0;
	case OPTION_ONLY:
		settings->only = value;
		return is_area(value) ? 0 : refuse_area(value);
	case OPTION_ROOM:
		settings->room = value;
		if (is_room(value))
			return 0;
		fputs("telerec doctor: --room is the name of a room: letters, digits, '-', '_' and "
		      "'.'\n",
			stderr);
		return -EINVAL;
	}
	if (settings->environment) {
		fputs("telerec doctor: name one environment, or none for all\n", stderr);
		return -EINVAL;
	}
	settings->environment = value;
	return 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct tr_doctor_settings settings = {.config_path = TR_CONFIG_DEFAULT_PATH};
	struct tr_findings findings;
	const char *value;
	bool is_json = false;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(&settings, &is_json, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc < 0)
		return TR_EXIT_USAGE;
	tr_log_set_level(TR_LOG_ERROR);
	signal(SIGPIPE, SIG_IGN);
	rc = tr_findings_init(&findings);
	findings.out = is_json ? NULL : stdout; /* it takes a while: as it comes */
	findings.only = settings.only;
	if (rc == 0)
		rc = tr_doctor_run(&settings, &findings);
	if (rc == -ENOENT)
		fprintf(stderr, "telerec doctor: there is no environment \"%.100s\" in %s\n",
			settings.environment, settings.config_path);
	else if (rc < 0)
		fprintf(stderr, "telerec doctor: %s\n", strerror(-rc));
	else if (is_json)
		tr_findings_print_json(&findings, stdout);
	else
		tr_findings_print_sum(&findings, stdout);
	int code = rc == -ENOENT ? TR_EXIT_USAGE : rc < 0 ? 3 : tr_findings_exit_code(&findings);
	tr_findings_fini(&findings);
	return code;
}

const struct tr_verb tr_verb_doctor = {"doctor", "[ENVIRONMENT]",
	"Says what stands in the way of recordings, and what to change.", options, run};
