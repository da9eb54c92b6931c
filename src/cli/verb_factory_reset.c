#include "cli/verbs.h"
#include "core/file.h"
#include "system/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DATA "/data"
#define REQUEST "factory-reset" /* firmware-image's reset-data does what it says */
#define SYSTEMCTL_MS 30000

enum { OPTION_CANCEL = 1, OPTION_DATA, OPTION_KEEP, OPTION_REBOOT, OPTION_YES };

static const struct tr_option options[] = {
	{"keep-recordings", NULL, "only the settings go", OPTION_KEEP},
	{"yes", NULL, "do not ask", OPTION_YES},
	{"reboot", NULL, "restart at once", OPTION_REBOOT},
	{"cancel", NULL, "take the request back", OPTION_CANCEL},
	{"data", "DIR", "the data partition's folder, if not /data", OPTION_DATA},
	{0},
};

static bool is_sure(bool keeps)
{
	char typed[32];

	printf("At the next restart all settings, passwords and keys of this machine go%s.\nType reset to go on, anything else to leave: ",
		keeps ? "; the recordings stay" : ", and all recordings");
	fflush(stdout);
	return fgets(typed, sizeof(typed), stdin) && !strcmp(typed, "reset\n");
}

static int cancel(int dirfd)
{
	bool was_there = unlinkat(dirfd, REQUEST, 0) == 0;

	(void)fsync(dirfd);
	puts(was_there ? "Nothing is reset." : "No reset was asked for.");
	return 0;
}

static int request(int dirfd, bool keeps, bool reboots)
{
	const char *const argv[] = {"systemctl", "--no-block", "reboot", NULL};
	const char *text = keeps ? "keep-recordings\n" : "all\n";

	int rc = tr_file_replace(dirfd, REQUEST, text, strlen(text));
	if (rc < 0) {
		fprintf(stderr,
			"telerec factory-reset: the request cannot be written (%s). Nothing was changed.\n",
			strerror(-rc));
		return 1;
	}
	printf("At the next restart this machine is as new%s. `telerec factory-reset --cancel` takes it back until then.\n",
		keeps ? ", but for its recordings" : "");
	fflush(stdout);
	if (reboots && tr_tool_run(argv, SYSTEMCTL_MS, 0, NULL) != 0) {
		fputs("telerec factory-reset: this machine does not restart: do it by hand\n",
			stderr);
		return 1;
	}
	return 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	bool keeps = false, yes = false, reboots = false, cancels = false;
	const char *value, *data = DATA;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0) {
		keeps |= id == OPTION_KEEP;
		yes |= id == OPTION_YES;
		reboots |= id == OPTION_REBOOT;
		cancels |= id == OPTION_CANCEL;
		if (id == OPTION_DATA)
			data = value;
		if (id == 0 && tr_options_refuse(verb->name, "what is this for? ", value) < 0)
			return TR_EXIT_USAGE;
	}
	if (rc < 0)
		return TR_EXIT_USAGE;
	TR_CLEANUP(tr_closep) int dirfd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || faccessat(dirfd, "recordings", F_OK, 0) < 0) {
		fprintf(stderr,
			"telerec factory-reset: %s is no data partition of the appliance; an installed package is reset by apt-get purge telerec\n",
			data);
		return 1;
	}
	if (cancels)
		return cancel(dirfd);
	if (!yes && !is_sure(keeps)) {
		puts("\nNothing was changed.");
		return 1;
	}
	return request(dirfd, keeps, reboots);
}

const struct tr_verb tr_verb_factory_reset = {
	"factory-reset", "", "Makes the appliance as new at the next restart.", options, run};
