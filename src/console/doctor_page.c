/* The doctor's findings, with what to do about each. */
#include "console/dialog.h"
#include "console/qr_view.h"
#include "console/screens.h"
#include "console/setup_internal.h"
#include "console/text_view.h"
#include "core/clock.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 400

struct doctor {
	char environment[NAME_MAX_BYTES];
	struct tr_text_view *view;
	struct tr_job *job;
	json_t *findings; /* NULL: none yet */
	bool is_brief;	  /* only what is wrong */
	bool is_quick;
	int64_t began_ns;
	char fingerprint[128], fingerprint_of[NAME_MAX_BYTES]; /* to accept, and whose */
	tr_setup_done_fn *done;
	void *user;
};

static void close_doctor(void *state)
{
	struct doctor *doctor = state;

	tr_job_drop(doctor->job);
	json_decref(doctor->findings);
	tr_text_view_destroy(doctor->view);
	free(doctor);
}

/* ---- the findings as text ---- */

static const struct {
	const char *status, *mark;
	enum tr_role role;
} looks[] = {{"ok", "ok     ", TR_ROLE_GOOD}, {"note", "note   ", TR_ROLE_DIM},
	{"warning", "WARNING", TR_ROLE_WARNING}, {"failure", "FAULT  ", TR_ROLE_BAD},
	{"skipped", "-      ", TR_ROLE_DIM}};

static bool is_status(const json_t *finding, const char *status)
{
	return !strcmp(tr_node_words_text(finding, "status"), status);
}

static unsigned count_of(const json_t *findings, const char *status)
{
	unsigned count = 0;
	json_t *finding;
	size_t i;

	json_array_foreach((json_t *)findings, i, finding) count += is_status(finding, status);
	return count;
}

static void show_cure(struct doctor *doctor, const json_t *cure)
{
	const char *file = tr_node_words_text(cure, "file"),
		   *where = tr_node_words_text(cure, "where");
	const char *setting = tr_node_words_text(cure, "setting");
	const char *text = tr_node_words_text(cure, "text");

	if (!text[0] && !setting[0])
		return;
	if (file[0])
		tr_text_view_add_format(doctor->view, TR_ROLE_STRONG, 8,
			"        %s%sIn %s%s%s:", where, where[0] ? ": " : "", file,
			setting[0] ? ", " : "", setting);
	else if (setting[0])
		tr_text_view_add_format(
			doctor->view, TR_ROLE_STRONG, 8, "        Change %s:", setting);
	else
		tr_text_view_add_format(doctor->view, TR_ROLE_STRONG, 8,
			"        Run%s%s:", where[0] ? " " : "", where);
	while (*text) {
		size_t length = strcspn(text, "\n");
		tr_text_view_add_format(
			doctor->view, TR_ROLE_TEXT, 14, "          %.*s", (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static void show_finding(struct doctor *doctor, const json_t *finding, const char **area)
{
	const char *name = tr_node_words_text(finding, "area"), *mark = "";
	const char *meaning = tr_node_words_text(finding, "meaning");
	enum tr_role role = TR_ROLE_TEXT;

	for (size_t i = 0; i < TR_COUNT(looks); i++)
		if (is_status(finding, looks[i].status)) {
			mark = looks[i].mark;
			role = looks[i].role;
		}
	if (strcmp(*area, name) != 0)
		tr_text_view_add_format(doctor->view, TR_ROLE_STRONG, 0, "%s", name);
	*area = name;
	bool is_bad = is_status(finding, "failure") || is_status(finding, "warning");
	tr_text_view_add_format(
		doctor->view, role, 8, "%s %s", mark, tr_node_words_text(finding, "sentence"));
	if (is_bad && meaning[0])
		tr_text_view_add_format(doctor->view, TR_ROLE_TEXT, 8, "        %s", meaning);
	if (is_bad)
		show_cure(doctor, json_object_get(finding, "cure"));
}

static void show_sum(struct doctor *doctor)
{
	unsigned bad = count_of(doctor->findings, "failure");
	unsigned odd = count_of(doctor->findings, "warning");

	if (bad > 0)
		tr_text_view_add_format(doctor->view, TR_ROLE_BAD, 0,
			"%u %s in the way of recordings. The first one is the one to mend first.",
			bad, bad == 1 ? "fault is" : "faults are");
	else
		tr_text_view_add_format(doctor->view, odd > 0 ? TR_ROLE_WARNING : TR_ROLE_GOOD, 0,
			"Recordings will work.%s", odd > 0 ? " There are warnings." : "");
	if (doctor->fingerprint[0])
		tr_text_view_add(doctor->view, TR_ROLE_STRONG, 0,
			"The server's certificate is not trusted yet: a shows its fingerprint, to accept it.");
	tr_text_view_add(doctor->view, TR_ROLE_TEXT, 0, "");
}

/* The certificate that could be accepted: the cure of the finding has the setting. */
static void find_fingerprint(struct doctor *doctor)
{
	static const char mark[] = "fingerprint = \"";
	json_t *finding;
	size_t i;

	doctor->fingerprint[0] = '\0';
	json_array_foreach(doctor->findings, i, finding)
	{
		const char *cause = tr_node_words_text(finding, "cause");
		const char *text = tr_node_words_text(json_object_get(finding, "cure"), "text");
		const char *at = strstr(text, mark);
		if (!is_status(finding, "failure") || !at ||
			(strcmp(cause, "tls-untrusted") != 0 &&
				strcmp(cause, "tls-self-signed") != 0))
			continue;
		at += strlen(mark);
		snprintf(doctor->fingerprint, sizeof(doctor->fingerprint), "%.*s",
			(int)strcspn(at, "\""), at);
		snprintf(doctor->fingerprint_of, sizeof(doctor->fingerprint_of), "%s",
			tr_node_words_text(finding, "environment"));
		return;
	}
}

static void show(struct doctor *doctor)
{
	const char *area = "";
	json_t *finding;
	size_t i;

	tr_text_view_clear(doctor->view);
	tr_text_view_go_top(doctor->view);
	find_fingerprint(doctor);
	show_sum(doctor);
	/* What is wrong comes first: the rest is for who wants to know. */
	json_array_foreach(doctor->findings, i, finding) if (is_status(finding, "failure"))
		show_finding(doctor, finding, &area);
	if (doctor->is_brief)
		return;
	if (count_of(doctor->findings, "failure") > 0)
		tr_text_view_add(doctor->view, TR_ROLE_TEXT, 0, "");
	area = "";
	json_array_foreach(doctor->findings, i, finding) if (!is_status(finding, "failure"))
		show_finding(doctor, finding, &area);
}

/* ---- running ---- */

static void take_findings(
	struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct doctor *doctor = user;

	(void)console;
	doctor->job = NULL;
	if (json_is_array(result->json)) {
		json_decref(doctor->findings);
		doctor->findings = json_incref((json_t *)result->json);
		show(doctor);
		return;
	}
	tr_text_view_clear(doctor->view);
	tr_text_view_add(doctor->view, TR_ROLE_BAD, 0, "The doctor could not do its work:");
	tr_text_view_add(doctor->view, TR_ROLE_TEXT, 0, tr_job_words(result));
}

static void examine(struct tr_console *console, struct doctor *doctor)
{
	const char *argv[9] = {"telerec", "doctor", "--json", "--config", tr_setup_config(console)};
	unsigned count = 5;

	if (doctor->job)
		return;
	if (doctor->is_quick)
		argv[count++] = "--quick";
	if (doctor->environment[0])
		argv[count++] = doctor->environment;
	argv[count] = NULL;
	doctor->began_ns = tr_clock_now_ns();
	doctor->job = tr_job_run(
		console, argv, NULL, tr_setup_needs_root(console), take_findings, doctor);
}

static int open_doctor(struct tr_console *console, const void *argument, void **ret_state)
{
	const struct tr_doctor_request *request = argument;
	struct doctor *doctor = calloc(1, sizeof(*doctor));

	if (!doctor || tr_text_view_create(0, &doctor->view) < 0) {
		free(doctor);
		return -ENOMEM;
	}
	if (request) {
		snprintf(doctor->environment, sizeof(doctor->environment), "%s",
			request->environment ? request->environment : "");
		doctor->done = request->done;
		doctor->user = request->user;
	}
	examine(console, doctor);
	*ret_state = doctor;
	return 0;
}

/* ---- accepting a certificate ---- */

static void take_accepted(
	struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct doctor *doctor = user;

	doctor->job = NULL;
	if (tr_setup_is_written(console, result, "The certificate is trusted from now on."))
		examine(console, doctor);
}

static void accept_fingerprint(struct tr_console *console, void *user)
{
	struct doctor *doctor = user;
	char key[TR_SETUP_KEY_MAX];

	if (doctor->job)
		return;
	snprintf(key, sizeof(key), "environments[%.400s].fingerprint", doctor->fingerprint_of);
	doctor->job = tr_setup_write(
		console, json_pack("{s:s}", key, doctor->fingerprint), take_accepted, doctor);
}

static void ask_accept(struct tr_console *console, struct doctor *doctor)
{
	char text[1200];

	snprintf(text, sizeof(text),
		"The XMPP server of %s shows a certificate that nobody whom this machine knows has "
		"signed. Its SHA-256 fingerprint is\n\n%s\n\nOn the Jitsi server this tells what it "
		"must be:\n\nopenssl x509 -in /etc/prosody/certs/auth.DOMAIN.crt -noout -sha256 "
		"-fingerprint\n\nWhen they differ, somebody is between: do not accept it then.",
		doctor->fingerprint_of, doctor->fingerprint);
	tr_dialog_confirm(console, "Trust this certificate?", text, "they are the same: trust it",
		accept_fingerprint, doctor);
}

/* ---- the lines for a camera ---- */

#define WHERE_MAX 300

/* The lines of all that is wrong, the faults first. */
static unsigned collect_lines(const struct doctor *doctor, const char *status, unsigned count,
	struct tr_qr_item items[static TR_QR_ITEMS_MAX],
	char where[static TR_QR_ITEMS_MAX][WHERE_MAX])
{
	json_t *finding;
	size_t i;

	json_array_foreach(doctor->findings, i, finding)
	{
		const json_t *cure = json_object_get(finding, "cure");
		const char *text = tr_node_words_text(cure, "text");
		const char *file = tr_node_words_text(cure, "file");
		const char *machine = tr_node_words_text(cure, "where");
		if (!is_status(finding, status) || !text[0] || count == TR_QR_ITEMS_MAX)
			continue;
		snprintf(where[count], WHERE_MAX, "%s%s%s", machine,
			machine[0] && file[0] ? ": " : "", file);
		items[count] = (struct tr_qr_item){
			tr_node_words_text(finding, "sentence"), where[count], text};
		count++;
	}
	return count;
}

static void show_code(struct tr_console *console, const struct doctor *doctor)
{
	struct tr_qr_item items[TR_QR_ITEMS_MAX];
	char where[TR_QR_ITEMS_MAX][WHERE_MAX];
	unsigned count = collect_lines(doctor, "failure", 0, items, where);

	count = collect_lines(doctor, "warning", count, items, where);
	const struct tr_qr_request request = {.items = items, .count = count};
	if (count > 0)
		tr_console_push(console, &tr_screen_qr, &request);
	else
		tr_console_say(console, TR_ROLE_DIM, "There are no lines to paste.");
}

/* ---- the screen ---- */

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct doctor *doctor = state;
	const struct tr_area inside = tr_draw_part(area, 0, 1, area->rows, area->columns - 2);

	(void)console;
	if (doctor->job) {
		int seconds = (int)((tr_clock_now_ns() - doctor->began_ns) / TR_NS_PER_S);
		tr_draw_format(&inside, 0, 0, 0, TR_ROLE_STRONG, "Looking at %s ... %d s",
			doctor->environment[0] ? doctor->environment : "everything", seconds);
		tr_draw_paragraph(&(struct tr_area){inside.term, inside.top + 2, inside.left,
					  inside.rows - 2, inside.columns},
			0, TR_ROLE_DIM,
			doctor->is_quick
				? "Files, network, accounts and the control room."
				: "Files, network, accounts, the control room, and a meeting of its own "
				  "with the real browser. Up to a minute.",
			false);
		return;
	}
	tr_text_view_draw(doctor->view, &inside);
}

static void leave(struct tr_console *console, struct doctor *doctor)
{
	tr_setup_done_fn *done = doctor->done;
	void *user = doctor->user;

	tr_console_pop(console);
	if (done)
		done(console, true, user);
}

/* The page of the environment again, then the doctor. */
static void edit(struct tr_console *console, const struct doctor *doctor)
{
	const struct tr_setup_request request = {
		.page = &tr_setup_page_jitsi, .entry = doctor->environment};

	if (doctor->environment[0])
		tr_console_push(console, &tr_screen_setup_page, &request);
	else
		tr_console_push(console, &tr_screen_setup, NULL);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct doctor *doctor = state;

	if (doctor->job)
		return TR_SCREEN_IGNORED;
	if (tr_text_view_key(doctor->view, key))
		return TR_SCREEN_TAKEN;
	switch (key) {
	case TR_KEY_ENTER:
		leave(console, doctor);
		return TR_SCREEN_TAKEN;
	case 'r':
	case 'k':
		doctor->is_quick = key == 'k';
		examine(console, doctor);
		return TR_SCREEN_TAKEN;
	case 'f':
		doctor->is_brief = !doctor->is_brief;
		show(doctor);
		return TR_SCREEN_TAKEN;
	case 'x':
		show_code(console, doctor);
		return TR_SCREEN_TAKEN;
	case 'e':
		edit(console, doctor);
		return TR_SCREEN_TAKEN;
	case 'a':
		if (doctor->fingerprint[0])
			ask_accept(console, doctor);
		else
			tr_console_say(console, TR_ROLE_DIM, "There is no certificate to accept.");
		return TR_SCREEN_TAKEN;
	}
	return TR_SCREEN_IGNORED;
}

static bool may_leave(struct tr_console *console, void *state)
{
	leave(console, state);
	return false;
}

const struct tr_screen tr_screen_doctor = {
	.name = "doctor",
	.title = "Doctor",
	.help = "Asks every part of the set-up whether it would work, in the order in which they\n"
		"need each other, and says what to change: the first fault is the one to mend first.\n\n"
		"r        look again\n"
		"k        a quick look: without browser and meeting\n"
		"f        faults only, or everything\n"
		"e        change the settings of this Jitsi server\n"
		"x        the lines to paste as a QR code, for a camera\n"
		"a        accept the server's certificate, after comparing its fingerprint\n"
		"Enter    go on",
	.keys = "Enter go on|r again|f faults|x QR code|e edit|a accept",
	.open = open_doctor,
	.draw = draw,
	.key = key,
	.may_leave = may_leave,
	.close = close_doctor,
};
