/* Starting telerecd anew, without cutting what is recorded. */
#include "console/console.h"
#include "console/dialog.h"
#include "console/setup_internal.h"
#include "core/clock.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BACK_NS (60 * TR_NS_PER_S)

enum phase { ASKING, DRAINING, STARTING, COMING };

struct restart {
	enum phase phase;
	bool has_systemd;
	int64_t started_ms, since_ns; /* the old one's start */
	struct tr_job *job;
	tr_setup_done_fn *done;
	void *user;
};

/* ---- what the set-up's pages ask ---- */

const char *tr_setup_config(struct tr_console *console)
{
	const char *path = tr_console_settings(console)->config;
	return path ? path : "/etc/telerec/telerec.conf";
}

bool tr_setup_needs_root(struct tr_console *console)
{
	char folder[4096];

	snprintf(folder, sizeof(folder), "%s", tr_setup_config(console));
	char *slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	return access(slash ? folder : ".", W_OK) < 0;
}

const char *tr_setup_node(struct tr_console *console)
{
	const char *node = tr_console_settings(console)->node.node;
	return node && strcmp(node, TR_NODE_CLIENT_SOCKET) != 0 ? node : NULL;
}

bool tr_setup_is_appliance(void)
{
	return access("/usr/lib/telerec-image", F_OK) == 0;
}

/* Recordings, and not "slots_busy": a slot that starts or is not well takes none, and has nothing
 * to lose. */
unsigned tr_setup_count_busy(struct tr_console *console)
{
	const struct tr_model_view *view = tr_console_view(console);
	unsigned count = 0;

	if (view->is_up && !view->slots)
		return (unsigned)tr_node_words_int(view->node, "slots_busy");
	for (size_t i = 0; view->is_up && i < json_array_size(view->slots); i++)
		count += json_is_object(json_object_get(json_array_get(view->slots, i), "session"));
	return count;
}

/* ---- the steps ---- */

static void close_restart(void *state)
{
	struct restart *restart = state;

	tr_job_drop(restart->job);
	free(restart);
}

static void leave(struct tr_console *console, struct restart *restart, bool is_done)
{
	tr_setup_done_fn *done = restart->done;
	void *user = restart->user;

	tr_console_pop(console);
	if (done)
		done(console, is_done, user);
}

static void take_started(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct restart *restart = user;
	bool is_good = result->rc == 0 && (!restart->has_systemd || result->status == 0);
	char text[900];

	restart->job = NULL;
	restart->phase = COMING;
	restart->since_ns = tr_clock_now_ns();
	if (is_good)
		return;
	snprintf(text, sizeof(text),
		"%.400s\n\nThe settings are saved. They are in effect when telerecd has been started "
		"anew, as root:\n\nsystemctl restart telerecd",
		tr_job_words(result));
	leave(console, restart, false);
	tr_dialog_message(console, "telerecd was not started anew", TR_ROLE_WARNING, text);
}

static void start(struct tr_console *console, struct restart *restart)
{
	static const char *const argv[] = {
		"/usr/bin/systemctl", "restart", "telerecd.service", NULL};

	restart->phase = STARTING;
	if (restart->has_systemd) {
		restart->job = tr_job_run(console, argv, NULL, true, take_started, restart);
	} else {
		json_t *body = json_pack("{s:b}", "leave", 1);
		restart->job =
			tr_job_call(console, "POST", "/v1/drain", body, take_started, restart);
		json_decref(body);
	}
}

static void take_drained(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct restart *restart = user;

	(void)console, (void)result; /* the next tick looks at what runs */
	restart->job = NULL;
}

static void forget(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	(void)console, (void)result, (void)user;
}

static void tick(struct tr_console *console, void *state)
{
	struct restart *restart = state;
	const struct tr_model_view *view = tr_console_view(console);
	int64_t started_ms = tr_node_words_int(view->node, "started_ms");

	if (restart->job)
		return;
	if (restart->phase == DRAINING && (!view->is_up || tr_setup_count_busy(console) == 0))
		start(console, restart);
	else if (restart->phase == COMING && view->is_up && started_ms != restart->started_ms) {
		tr_console_say(console, TR_ROLE_GOOD, "telerecd runs with the new settings.");
		leave(console, restart, true);
	} else if (restart->phase == COMING && tr_clock_now_ns() - restart->since_ns > BACK_NS) {
		leave(console, restart, false);
		tr_dialog_message(console, "telerecd does not come back", TR_ROLE_BAD,
			"It was started anew and does not answer. It says why in its log:\n\n"
			"systemctl status telerecd\njournalctl -u telerecd -n 20");
	}
}

static int open_restart(struct tr_console *console, const void *argument, void **ret_state)
{
	(void)console;
	*ret_state = *(struct restart *const *)argument;
	return 0;
}

/* ---- the screen ---- */

static void describe(
	struct tr_console *console, const struct restart *restart, char *out, size_t size)
{
	unsigned busy = tr_setup_count_busy(console);

	if (restart->phase == ASKING && busy > 0)
		snprintf(out, size,
			"The settings are saved. telerecd takes them when it starts. %u recording%s "
			"now.\n\nw: when they have ended; no new one begins until then\ne: now, and END the "
			"recordings\nEsc: later",
			busy, busy == 1 ? " runs" : "s run");
	else if (restart->phase == ASKING)
		snprintf(out, size,
			"The settings are saved. telerecd takes them when it starts. Nothing is recorded "
			"now, so nothing is lost; it takes some seconds.\n\ny: start it anew now\nEsc: "
			"later");
	else if (restart->phase == DRAINING)
		snprintf(out, size,
			"Waiting for %u recording%s to end; no new one begins until then.\n\nEsc: not "
			"now, and new ones begin again",
			busy, busy == 1 ? "" : "s");
	else if (restart->has_systemd || restart->phase == STARTING)
		snprintf(out, size, "A moment: it ends, starts and answers again.");
	else
		snprintf(out, size,
			"It has ended. No service manager runs here: whoever started it has to start it "
			"again.");
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	int columns = area->columns < 72 ? area->columns : 72,
	    rows = area->rows < 12 ? area->rows : 12;
	const struct tr_area box = tr_draw_part(
		area, (area->rows - rows) / 2, (area->columns - columns) / 2, rows, columns);
	char text[600];

	tr_draw_clear(&box, TR_ROLE_TEXT);
	const struct tr_area edge = tr_draw_box(&box, "Start telerecd anew");
	const struct tr_area inside = tr_draw_part(&edge, 1, 1, edge.rows - 1, edge.columns - 2);
	describe(console, state, text, sizeof(text));
	tr_draw_paragraph(&inside, 0, TR_ROLE_TEXT, text, false);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct restart *restart = state;
	bool is_busy = tr_setup_count_busy(console) > 0;

	if (key == TR_KEY_ESCAPE)
		return TR_SCREEN_IGNORED;
	if (restart->phase != ASKING)
		return TR_SCREEN_TAKEN;
	if (is_busy ? key == 'e' : key == 'y' || key == TR_KEY_ENTER) {
		start(console, restart);
	} else if (is_busy && key == 'w') {
		restart->phase = DRAINING;
		restart->job =
			tr_job_call(console, "POST", "/v1/drain", NULL, take_drained, restart);
	} else if (key == 'n') {
		leave(console, restart, false);
	}
	return TR_SCREEN_TAKEN;
}

static bool may_leave(struct tr_console *console, void *state)
{
	struct restart *restart = state;

	if (restart->phase == DRAINING)
		(void)tr_job_call(console, "DELETE", "/v1/drain", NULL, forget, NULL);
	leave(console, restart, false);
	return false;
}

static const struct tr_screen screen = {
	.name = "restart",
	.title = "telerecd",
	.help = "telerecd takes its settings when it starts. What is recorded is not cut for it.",
	.keys = "",
	.open = open_restart,
	.draw = draw,
	.key = key,
	.tick = tick,
	.may_leave = may_leave,
	.close = close_restart,
	.is_overlay = true,
};

void tr_setup_restart(struct tr_console *console, tr_setup_done_fn *done, void *user)
{
	struct restart *restart = calloc(1, sizeof(*restart));

	if (!restart)
		return;
	*restart = (struct restart){
		.has_systemd = access("/run/systemd/system", F_OK) == 0,
		.started_ms = tr_node_words_int(tr_console_view(console)->node, "started_ms"),
		.done = done,
		.user = user,
	};
	tr_console_push(console, &screen, &restart);
}
