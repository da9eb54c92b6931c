#include "cli/boot_health.h"
#include "cli/update_source.h"
#include "cli/verbs.h"
#include "core/text.h"
#include "system/tool.h"
#include "system/update.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define EXIT_REFUSED 3 /* the update is wrong for this machine, or none is needed */
#define SYSTEMCTL_MS 30000

enum {
	OPTION_CHECK = 1,
	OPTION_FORCE,
	OPTION_FROM_STICK,
	OPTION_JSON,
	OPTION_REBOOT,
	OPTION_SOCKET,
	OPTION_WAIT,
};

static const struct tr_option options[] = {
	{"from-stick", NULL, "the newest update on a stick that is plugged in", OPTION_FROM_STICK},
	{"check", NULL, "only verify it, and say whether it fits", OPTION_CHECK},
	{"force", NULL, "also one that is not newer, or while a trial runs", OPTION_FORCE},
	{"reboot", NULL, "restart into it", OPTION_REBOOT},
	{"wait", "TIME", "boot-ok: for a slot to prove itself, else restart", OPTION_WAIT},
	{"socket", "PATH", "boot-ok: telerecd's, if not the usual one", OPTION_SOCKET},
	{"json", NULL, "status: print JSON", OPTION_JSON},
	{0},
};

struct order {
	const char *what; /* "status", "boot-ok", a file or a URL; NULL */
	const char *socket;
	bool only_checks, is_forced, from_stick, reboots, is_json;
	int64_t wait_ms; /* -1: not said */
	struct tr_update_place place;
	char why[TR_UPDATE_WHY];
};

static int complain(const struct order *order, int code)
{
	fprintf(stderr, "telerec update: %s\n", order->why);
	return code;
}

static int read_state(struct order *order, struct tr_update_state *state)
{
	int rc = tr_update_read_state(&order->place, state);

	if (rc < 0)
		snprintf(order->why, sizeof(order->why),
			"GRUB's memory of the slots (%s) cannot be read (%s): see `systemctl status telerec-own-disk`",
			order->place.grubenv, strerror(-rc));
	return rc;
}

static int restart(struct order *order)
{
	const char *const argv[] = {"systemctl", "--no-block", "reboot", NULL};

	int rc = tr_tool_run(argv, SYSTEMCTL_MS, 0, NULL);
	if (rc == 0)
		return 0;
	snprintf(order->why, sizeof(order->why), "this machine does not restart: do it by hand");
	return complain(order, 1);
}

/* ---- status ---- */

static int run_status(struct order *order)
{
	struct tr_update_state state;

	if (read_state(order, &state) < 0)
		return complain(order, 1);
	if (order->is_json) {
		json_t *object = json_pack("{s:s s:s s:s s:s s:b s:b}", "version",
			order->place.version, "slot", state.slot, "proven", state.proven, "next",
			state.next, "is_trial", state.is_trial, "other_ok", state.other_ok);
		json_dumpf(object, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(object);
		return 0;
	}
	if (!state.slot[0]) {
		printf("telerec %s runs from a stick, or is installed as a package: there are no slots.\n",
			order->place.version);
		return 0;
	}
	printf("telerec %s runs from slot %s, which %s.\n", order->place.version, state.slot,
		state.is_trial ? "is on trial: it has yet to prove that it records"
			       : "has proved that it records");
	if (state.next[0] && strcmp(state.next, state.slot) != 0)
		printf("Slot %s is booted next.\n", state.next);
	printf("Slot %s %s.\n", state.slot[0] == 'A' ? "B" : "A",
		state.other_ok ? "holds a system" : "holds no system to fall back on");
	return 0;
}

/* ---- boot-ok ---- */

/* A trial that was lost: the other slot is GRUB's next choice, for this one had its single boot. */
static int give_up(struct order *order, const struct tr_update_state *state, const char *why)
{
	bool can_go_back = state->other_ok && state->proven[0];

	snprintf(order->why, sizeof(order->why),
		"slot %s (telerec %s) did not prove itself: %.400s. %s", state->slot,
		order->place.version, why,
		can_go_back ? "The machine restarts with the slot of before"
			    : "There is no other slot to go back to, so it stays");
	fprintf(stderr, "telerec update: %s\n", order->why);
	if (can_go_back)
		(void)restart(order);
	return 1;
}

static int run_boot_ok(struct order *order)
{
	struct tr_update_state state;
	char why[512];

	if (read_state(order, &state) < 0)
		return complain(order, 1);
	if (!state.slot[0] || !state.is_trial)
		return 0;
	if (order->wait_ms >= 0 &&
		tr_boot_health_wait(order->socket, order->wait_ms, why, sizeof(why)) < 0)
		return give_up(order, &state, why);
	if (tr_update_keep(&order->place, &state, order->why, sizeof(order->why)) < 0)
		return complain(order, 1);
	printf("Slot %s (telerec %s) records well, and is kept.\n", state.slot,
		order->place.version);
	return 0;
}

/* ---- install ---- */

/* Not newer, or on trial, is for a person to decide; the rest is wrong in any case. */
static bool may_be_forced(int rc)
{
	return rc == -EALREADY || rc == -EAGAIN;
}

static int install(struct order *order, const struct tr_update_state *state,
	const struct tr_update_bundle *bundle, const char *file)
{
	const char *other = state->slot[0] == 'A' ? "B" : "A";

	/* Forced in a trial: what runs is what is gone back to, for the other slot is written over.
	 */
	if (state->is_trial &&
		tr_update_keep(&order->place, state, order->why, sizeof(order->why)) < 0)
		return complain(order, 1);
	printf("Writing telerec %s to slot %s; slot %s goes on running. This takes minutes.\n",
		bundle->version, other, state->slot);
	fflush(stdout);
	if (tr_update_install(file, order->why, sizeof(order->why)) < 0) {
		fprintf(stderr,
			"telerec update: %s. Slot %s is as it was, and is booted; slot %s cannot be used until an update succeeds.\n",
			order->why, state->slot, other);
		return 1;
	}
	printf("Slot %s has telerec %s. %s it is tried: it stays when it proves that it records, else slot %s comes back by itself.\n",
		other, bundle->version, order->reboots ? "Now" : "At the next restart",
		state->slot);
	fflush(stdout);
	return order->reboots ? restart(order) : 0;
}

static int judge_and_install(struct order *order, const char *file)
{
	struct tr_update_bundle bundle;
	struct tr_update_state state;

	int rc = tr_update_inspect(&order->place, file, &bundle, order->why, sizeof(order->why));
	if (rc < 0)
		return complain(order, rc == -EKEYREJECTED ? EXIT_REFUSED : 1);
	if (read_state(order, &state) < 0)
		return complain(order, 1);
	rc = tr_update_judge(&order->place, &state, &bundle, order->why, sizeof(order->why));
	if (rc < 0 && !(order->is_forced && may_be_forced(rc)))
		return complain(order, EXIT_REFUSED);
	if (order->only_checks) {
		printf("%s is telerec %s, signed rightly, and fits: %s runs.\n", file,
			bundle.version, order->place.version);
		return 0;
	}
	return install(order, &state, &bundle, file);
}

static int run_install(struct order *order)
{
	struct tr_update_source source = {0};

	int rc = tr_update_source_open(
		order->from_stick ? NULL : order->what, &source, order->why, sizeof(order->why));
	int code = rc < 0 ? complain(order, 1) : judge_and_install(order, source.file);
	tr_update_source_close(&source);
	return code;
}

/* ---- the verb ---- */

static int take_option(struct order *order, int id, const char *value)
{
	order->only_checks |= id == OPTION_CHECK;
	order->is_forced |= id == OPTION_FORCE;
	order->from_stick |= id == OPTION_FROM_STICK;
	order->reboots |= id == OPTION_REBOOT;
	order->is_json |= id == OPTION_JSON;
	if (id == OPTION_SOCKET)
		order->socket = value;
	if (id == OPTION_WAIT && tr_text_parse_duration(value, &order->wait_ms) < 0)
		return tr_options_refuse(
			"update", "--wait must be a time such as 20m, not ", value);
	if (id == 0 && order->what)
		return tr_options_refuse(
			"update", "one update at a time: what is this for? ", value);
	if (id == 0)
		order->what = value;
	return 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct order order = {.wait_ms = -1, .place = tr_update_here(TR_VERSION)};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take_option(&order, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc < 0)
		return TR_EXIT_USAGE;
	if (!order.what && !order.from_stick && order.only_checks) {
		tr_options_refuse(
			"update", "--check of what? Name a file, a URL, or ", "--from-stick");
		return TR_EXIT_USAGE;
	}
	if (!order.from_stick && (!order.what || !strcmp(order.what, "status")))
		return run_status(&order);
	if (order.what && !strcmp(order.what, "boot-ok"))
		return run_boot_ok(&order);
	signal(SIGHUP, SIG_IGN);
	return run_install(&order);
}

const struct tr_verb tr_verb_update = {"update", "[status|FILE|URL|boot-ok]",
	"Puts a signed update in the other system slot, and tells about the slots.", options, run};
