#include "cli/boot_health.h"
#include "cli/kernel_show.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/text.h"
#include "system/aloop.h"
#include "system/aloop_setup.h"
#include "system/capacity.h"
#include "system/kernel_place.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_PATH "/etc/telerec/telerec.conf"
#define EXIT_NOT_HERE 3 /* this machine's kernel cannot be changed from here */

enum {
	OPTION_DRY_RUN = 1,
	OPTION_INSTALL,
	OPTION_JSON,
	OPTION_NO_TRIAL,
	OPTION_ROOT,
	OPTION_SLOTS,
	OPTION_SOCKET,
	OPTION_WAIT,
};

static const struct tr_option options[] = {
	{"dry-run", NULL, "change nothing, show each change as a diff", OPTION_DRY_RUN},
	{"slots", "N", "load: cards for so many slots", OPTION_SLOTS},
	{"install", NULL, "use-generic: install the kernel's package, if need be", OPTION_INSTALL},
	{"no-trial", NULL, "use-generic: the default at once", OPTION_NO_TRIAL},
	{"wait", "TIME", "boot-ok: for a slot to prove itself", OPTION_WAIT},
	{"socket", "PATH", "boot-ok: telerecd's, if not the usual one", OPTION_SOCKET},
	{"root", "DIR", "look at the files below DIR", OPTION_ROOT},
	{"json", NULL, "print JSON", OPTION_JSON},
	{0},
};

struct order {
	const char *action, *file, *socket;
	struct tr_change change;
	struct tr_kernel_wish wish;
	int64_t slots, wait_ms; /* -1: not said */
	bool is_json;
};

/* 0, or the exit code: those who ask in scripts want to know whether it failed or cannot be. */
static int report(const struct order *order, int rc)
{
	if (rc < 0)
		fprintf(stderr, "telerec kernel %s: %s\n", order->action,
			order->change.why[0] ? order->change.why : strerror(-rc));
	return rc == -ENOTSUP ? EXIT_NOT_HERE : rc < 0;
}

static int read_status(struct order *order, struct tr_kernel_status *status)
{
	int rc = tr_kernel_read(order->change.root, status);

	return rc < 0 ? tr_change_fail(&order->change, rc,
				"the running kernel cannot be found below \"%s\": is /proc mounted?",
				order->change.root)
		      : 0;
}

/* As many as telerecd would start; and whether it must have the kernel's cards. */
static unsigned count_slots(const struct order *order, bool *ret_needs_loopback)
{
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	struct tr_capacity capacity;
	char why[300];

	*ret_needs_loopback = false;
	if (!config || !complaints)
		return 1;
	if (access(CONFIG_PATH, R_OK) < 0 ||
		tr_config_load_public(CONFIG_PATH, config, complaints) < 0)
		tr_config_set_defaults(config);
	*ret_needs_loopback = !strcmp(config->sound.source, "loopback");
	if (order->slots > 0)
		return (unsigned)order->slots;
	if (config->slots > 0)
		return (unsigned)config->slots;
	tr_capacity_read("", &capacity);
	return tr_capacity_count_slots(&capacity, config->video.width, config->video.height,
		config->video.frame_rate, 0, why, sizeof(why));
}

static int run_status(struct order *order)
{
	struct tr_kernel_finding findings[TR_KERNEL_FINDINGS_MAX];
	struct tr_kernel_status status;
	struct tr_kernel_choice choice;
	bool needs_loopback;

	int rc = read_status(order, &status);
	if (rc < 0)
		return report(order, rc);
	if (tr_kernel_read_choice(order->change.root, &choice) < 0)
		choice = (struct tr_kernel_choice){0};
	unsigned slots = count_slots(order, &needs_loopback);
	unsigned count = tr_kernel_find(&status, &choice, slots, needs_loopback, findings);
	if (order->is_json) {
		json_t *object = tr_kernel_to_json(&status);
		json_object_set_new(
			object, "choice", json_string(tr_kernel_phase_name(choice.phase)));
		json_object_set_new(object, "chosen_kernel", json_string(choice.version));
		json_object_set_new(
			object, "findings", tr_kernel_findings_to_json(findings, count));
		json_dumpf(object, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(object);
	} else {
		tr_kernel_show_status(&status, &choice);
		tr_kernel_show_findings(findings, count);
	}
	return status.running.aloop < TR_ALOOP_LOADABLE && status.slot_cards == 0;
}

/* The host's commands, where only the host can do it. */
static void show_host_advice(const struct order *order, const struct tr_kernel_status *status)
{
	if (!order->is_json && (status->container[0] || status->loader != TR_LOADER_GRUB))
		printf("%s:\n%s",
			status->container[0] ? "What the host has to do"
					     : "How to choose another kernel here",
			tr_kernel_host_advice(status));
}

static int run_load(struct order *order)
{
	struct tr_kernel_status status;
	bool needs_loopback;

	int rc = read_status(order, &status);
	if (rc < 0)
		return report(order, rc);
	rc = tr_aloop_set_up(&order->change, &status, count_slots(order, &needs_loopback));
	int code = report(order, rc);
	if (rc == -ENOTSUP && status.running.aloop == TR_ALOOP_ABSENT)
		show_host_advice(order, &status);
	return code;
}

static int run_use_generic(struct order *order)
{
	struct tr_kernel_status status;

	int rc = tr_kernel_use_generic(&order->change, &order->wish);
	int code = report(order, rc);
	if (rc == -ENOTSUP && tr_kernel_read(order->change.root, &status) == 0)
		show_host_advice(order, &status);
	return code;
}

static int run_undo(struct order *order)
{
	bool was_there;

	int rc = tr_aloop_take_down(&order->change, &was_there);
	if (rc == 0)
		rc = tr_kernel_undo(&order->change);
	return report(order, rc);
}

/* In a boot without a trial there is nothing to wait for. */
static int run_boot_ok(struct order *order)
{
	struct tr_kernel_choice choice;
	struct tr_kernel_status status;

	int rc = tr_kernel_read_choice(order->change.root, &choice);
	if (rc == 0 && choice.phase != TR_KERNEL_TRIAL)
		return 0;
	if (rc == 0)
		rc = read_status(order, &status);
	if (rc == 0 && order->wait_ms >= 0 && !strcmp(status.running.version, choice.version)) {
		char why[512];
		rc = tr_boot_health_wait(order->socket, order->wait_ms, why, sizeof(why));
		if (rc < 0)
			(void)tr_change_fail(&order->change, rc,
				"the kernel %s stays on trial: %s. \"telerec kernel boot-ok\" without --wait makes it the default all the same",
				choice.version, why);
	}
	if (rc == 0)
		rc = tr_kernel_boot_ok(&order->change);
	return report(order, rc);
}

static int run_check_config(struct order *order)
{
	struct tr_kernel_status status;
	char path[PATH_MAX];

	if (order->file)
		return tr_kernel_show_config(order->file, order->is_json);
	int rc = read_status(order, &status);
	if (rc == 0)
		rc = tr_text_format(path, sizeof(path), "%s/boot/config-%s", order->change.root,
			status.running.version);
	return rc == 0 ? tr_kernel_show_config(path, order->is_json) : report(order, rc);
}

static const struct {
	const char *name;
	int (*run)(struct order *order);
} actions[] = {{"status", run_status}, {"load", run_load}, {"use-generic", run_use_generic},
	{"undo", run_undo}, {"boot-ok", run_boot_ok}, {"check-config", run_check_config}};

static int take_option(struct order *order, int id, const char *value)
{
	const char *wrong = NULL;

	order->change.is_dry_run |= id == OPTION_DRY_RUN;
	order->wish.may_install |= id == OPTION_INSTALL;
	order->wish.skips_trial |= id == OPTION_NO_TRIAL;
	order->is_json |= id == OPTION_JSON;
	if (id == OPTION_SOCKET)
		order->socket = value;
	if (id == OPTION_ROOT)
		order->change.root = strcmp(value, "/") ? value : "";
	if (id == OPTION_SLOTS &&
		tr_text_parse_int(value, 1, TR_ALOOP_SLOTS_MAX, &order->slots) < 0)
		wrong = "--slots must be 1 to 16";
	if (id == OPTION_WAIT && tr_text_parse_duration(value, &order->wait_ms) < 0)
		wrong = "--wait must be a time such as 10m";
	if (id == 0 && !order->action)
		order->action = value;
	else if (id == 0 && !order->file)
		order->file = value;
	else if (id == 0)
		wrong = "too many words";
	if (wrong)
		fprintf(stderr, "telerec kernel: %s\n", wrong);
	return wrong ? -EINVAL : 0;
}

static int complain_action(const char *word)
{
	const char *names[TR_COUNT(actions) + 1] = {0};

	for (size_t i = 0; i < TR_COUNT(actions); i++)
		names[i] = actions[i].name;
	const char *near = tr_text_nearest(word, names);
	fprintf(stderr, "telerec kernel: there is no \"%s\"%s%s%s; see `telerec kernel --help`\n",
		word, near ? ", did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return TR_EXIT_USAGE;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct order order = {.change = {.root = "", .out = stdout}, .slots = -1, .wait_ms = -1};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take_option(&order, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc < 0)
		return TR_EXIT_USAGE;
	if (!order.action)
		order.action = "status";
	if (order.file && strcmp(order.action, "check-config") != 0)
		return complain_action(order.file);
	/* A change is ended in order, whatever the terminal says. */
	signal(SIGHUP, SIG_IGN);
	if (strcmp(order.action, "boot-ok") != 0 && strcmp(order.action, "status") != 0)
		signal(SIGINT, SIG_IGN);
	for (size_t i = 0; i < TR_COUNT(actions); i++)
		if (!strcmp(order.action, actions[i].name))
			return actions[i].run(&order);
	return complain_action(order.action);
}

const struct tr_verb tr_verb_kernel = {"kernel",
	"[status|load|use-generic|undo|boot-ok|check-config [FILE]]",
	"Tells about the kernel and its sound cards, and puts them right.", options, run};
