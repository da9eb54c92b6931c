#include "cli/verbs.h"
#include "core/text.h"
#include "system/disks.h"
#include "system/install.h"
#include "system/tool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define LINE_MAX_BYTES 128
#define SYSTEMCTL_MS 30000

enum {
	OPTION_DISK = 1,
	OPTION_FROM,
	OPTION_JSON,
	OPTION_KEEP_DATA,
	OPTION_LIST,
	OPTION_POWEROFF,
	OPTION_REBOOT,
	OPTION_YES_ERASE,
};

static const struct tr_option options[] = {
	{"list", NULL, "only show the disks", OPTION_LIST},
	{"disk", "PATH", "the disk to install on; asked for without it", OPTION_DISK},
	{"yes-erase", "PATH", "do not ask: the same disk once more", OPTION_YES_ERASE},
	{"keep-data", NULL, "keep the settings and recordings on the disk", OPTION_KEEP_DATA},
	{"from", "DIR", "the medium, if not the one that was booted", OPTION_FROM},
	{"reboot", NULL, "restart when it is done", OPTION_REBOOT},
	{"poweroff", NULL, "switch off when it is done", OPTION_POWEROFF},
	{"json", NULL, "print JSON: disks, steps as lines, the result", OPTION_JSON},
	{0},
};

struct order {
	const char *disk, *yes_erase, *from;
	const char *then; /* "reboot", "poweroff" or NULL */
	bool keeps_data, is_json, only_lists;
	char step[64]; /* the last one shown */
	int percent;
};

static void show_disks(const struct tr_disks *disks)
{
	for (unsigned i = 0; i < disks->count; i++) {
		const struct tr_disk *disk = &disks->disks[i];
		const char *obstacle = tr_disks_obstacle(disk);
		char bytes[16], what[1024];
		tr_text_format_bytes(disk->bytes, bytes, sizeof(bytes));
		tr_disks_describe(disk, what, sizeof(what));
		printf("%s  %s  %s%s%s%s\n    holds: %s\n", disk->path, bytes,
			disk->model[0] ? disk->model : "no model name", disk->bus[0] ? " (" : "",
			disk->bus, disk->bus[0] ? ")" : "", what);
		if (obstacle)
			printf("    cannot be used: %s\n", obstacle);
		else if (tr_install_finds_data(disk->path))
			puts("    has data of a telerec, which --keep-data keeps");
	}
	if (disks->count == 0)
		puts("This machine has no disk.");
}

static void show_list(const struct order *order, const struct tr_disks *disks)
{
	if (!order->is_json) {
		show_disks(disks);
		return;
	}
	json_t *list = tr_disks_to_json(disks);
	json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
}

/* What a person types, without the line's end; false at the input's end. */
static bool read_words(const char *question, char *out, size_t size)
{
	printf("%s", question);
	fflush(stdout);
	if (!fgets(out, (int)size, stdin))
		return false;
	out[strcspn(out, "\r\n")] = '\0';
	return true;
}

/* The disk, from the options or from the person; NULL after saying why. */
static const struct tr_disk *choose(struct order *order, const struct tr_disks *disks)
{
	static char typed[LINE_MAX_BYTES];

	if (!order->disk) {
		show_disks(disks);
		if (!read_words(
			    "\nInstall on which disk? All of it is erased. Name, or nothing to leave: ",
			    typed, sizeof(typed)) ||
			!typed[0]) {
			puts("\nNothing was changed.");
			return NULL;
		}
		order->disk = typed;
	}
	const struct tr_disk *disk = tr_disks_find(disks, order->disk);
	if (!disk)
		fprintf(stderr,
			"telerec install: there is no disk \"%s\"; `telerec install --list` shows them. Nothing was changed.\n",
			order->disk);
	const char *obstacle = disk ? tr_disks_obstacle(disk) : NULL;
	if (obstacle)
		fprintf(stderr, "telerec install: %s cannot be used: %s. Nothing was changed.%s\n",
			disk->path, obstacle,
			strstr(obstacle, "at " TR_INSTALL_DATA)
				? " The stick's menu has an entry that leaves all disks untouched: start with it to install on this one."
				: "");
	return obstacle ? NULL : disk;
}

/* Nobody erases a disk by a slip of the finger: its name has to be typed. */
static bool is_sure(const struct order *order, const struct tr_disk *disk)
{
	char question[512], what[256], typed[LINE_MAX_BYTES], bytes[16];
	const char *name = strrchr(disk->path, '/') + 1;

	if (order->yes_erase) {
		const char *again = strrchr(order->yes_erase, '/');
		bool is_same = !strcmp(order->yes_erase, order->disk) ||
			       !strcmp(again ? again + 1 : order->yes_erase, name);
		if (!is_same)
			fprintf(stderr,
				"telerec install: --yes-erase %s is another disk than %s. Nothing was changed.\n",
				order->yes_erase, disk->path);
		return is_same;
	}
	tr_text_format_bytes(disk->bytes, bytes, sizeof(bytes));
	tr_disks_describe(disk, what, sizeof(what));
	snprintf(question, sizeof(question),
		"\n%s (%s, %s) holds: %.200s\n%s\nType %s to go on, anything else to leave: ",
		disk->path, disk->model[0] ? disk->model : "no model name", bytes, what,
		order->keeps_data ? "Its data partition stays; all else on it is lost."
				  : "All of it is lost.",
		name);
	if (read_words(question, typed, sizeof(typed)) && !strcmp(typed, name))
		return true;
	puts("\nNothing was changed.");
	return false;
}

/* A line a step; on a terminal its progress, too. */
static void tell(const char *step, int percent, void *user)
{
	struct order *order = user;
	bool is_new = strcmp(order->step, step) != 0;
	bool moves = percent >= order->percent + 10 || (percent == 100 && order->percent < 100);

	if (!is_new && !moves)
		return;
	snprintf(order->step, sizeof(order->step), "%s", step);
	order->percent = percent;
	if (order->is_json) {
		printf("{\"step\": \"%s\", \"percent\": %d}\n", step, percent);
	} else if (is_new) {
		printf("%s%s\n", step, strcmp(step, "done") ? " ..." : "");
	} else {
		printf("    %d %%\n", percent);
	}
	fflush(stdout);
}

static void tell_failure(const struct order *order, const struct tr_install_result *result)
{
	const char *state =
		!result->is_touched ? "Nothing was changed."
		: order->keeps_data
			? "The disk does not boot now; its data partition is as it was. Run `telerec install` with --keep-data again."
			: "The disk does not boot now, and what was on it is gone. Run `telerec install` again.";

	if (order->is_json) {
		json_t *object = json_pack("{s:b s:b s:s s:s}", "done", false, "touched",
			result->is_touched, "problem", result->why, "state", state);
		json_dumpf(object, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(object);
	}
	fprintf(stderr, "telerec install: %s. %s\n", result->why, state);
}

static int leave(const struct order *order)
{
	const char *const argv[] = {"systemctl", "--no-block", order->then, NULL};

	if (!order->then)
		return 0;
	int rc = tr_tool_run(argv, SYSTEMCTL_MS, 0, NULL);
	if (rc != 0)
		fprintf(stderr,
			"telerec install: the system is on the disk, but this machine does not %s: do it by hand\n",
			order->then);
	return rc != 0;
}

static int install(struct order *order, const char *path)
{
	struct tr_install_result result;
	const struct tr_install_wish wish = {.disk = path,
		.medium = order->from ? order->from : TR_INSTALL_MEDIUM,
		.data = order->from ? NULL : TR_INSTALL_DATA,
		.keeps_data = order->keeps_data};

	/* The terminal may go; the disk should not stay half written for it. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	int rc = tr_install_run(&wish, tell, order, &result);
	if (rc < 0) {
		tell_failure(order, &result);
		return 1;
	}
	if (order->is_json)
		puts("{\"done\":true}");
	else
		printf("telerec is on %s. Take the stick out, and restart the machine.\n", path);
	fflush(stdout);
	return leave(order);
}

/* A file stands for a disk when it is named twice: images are made so. */
static bool is_file(const struct order *order)
{
	struct stat st;

	return order->disk && order->yes_erase && !strcmp(order->disk, order->yes_erase) &&
	       stat(order->disk, &st) == 0 && S_ISREG(st.st_mode);
}

static int find_and_install(struct order *order)
{
	TR_CLEANUP(tr_freep) struct tr_disks *disks = calloc(1, sizeof(*disks));

	if (!disks)
		return 1;
	if (is_file(order))
		return install(order, order->disk);
	int rc = tr_disks_read(disks);
	if (rc < 0) {
		fprintf(stderr, "telerec install: lsblk does not tell which disks there are (%s)\n",
			strerror(-rc));
		return 1;
	}
	if (order->only_lists) {
		show_list(order, disks);
		return 0;
	}
	const struct tr_disk *disk = choose(order, disks);
	return disk && is_sure(order, disk) ? install(order, disk->path) : 1;
}

static int take_option(struct order *order, int id, const char *value)
{
	order->is_json |= id == OPTION_JSON;
	order->keeps_data |= id == OPTION_KEEP_DATA;
	order->only_lists |= id == OPTION_LIST;
	if (id == OPTION_DISK)
		order->disk = value;
	if (id == OPTION_YES_ERASE)
		order->yes_erase = value;
	if (id == OPTION_FROM)
		order->from = value;
	if (id == OPTION_REBOOT)
		order->then = "reboot";
	if (id == OPTION_POWEROFF)
		order->then = "poweroff";
	if (id == 0)
		return tr_options_refuse("install", "the disk is named by --disk, not ", value);
	return 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct order order = {0};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take_option(&order, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc < 0)
		return TR_EXIT_USAGE;
	if (order.yes_erase && !order.disk)
		order.disk = order.yes_erase;
	if (order.is_json && !order.yes_erase && !order.only_lists) {
		fputs("telerec install: --json asks nothing: it needs --yes-erase or --list\n",
			stderr);
		return TR_EXIT_USAGE;
	}
	return find_and_install(&order);
}

const struct tr_verb tr_verb_install = {
	"install", "", "Puts this system on a disk, which is erased.", options, run};
