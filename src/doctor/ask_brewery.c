#include "doctor/doctor_internal.h"
#include "doctor/visit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

static const char *const unseen =
	"Jicofo never sees this recorder: \"Recording unavailable\" in the meeting.";

static void make_nick(char *out, size_t size)
{
	unsigned number = 0;

	if (getrandom(&number, sizeof(number), 0) < 0)
		number = (unsigned)getpid();
	snprintf(out, size, "telerec-check-%08x", number);
}

static void fail_brewery(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	enum tr_server_piece piece, const char *cause, const char *sentence)
{
	struct tr_finding finding = {
		.status = TR_FINDING_FAILURE, .cause = cause, .meaning = unseen};

	tr_doctor_add_with_snippet(doctor, &finding, server->environment, piece, "%s", sentence);
}

static void explain_silence(
	struct tr_doctor *doctor, const struct tr_doctor_server *server, const char *room)
{
	char text[2600];

	snprintf(text, sizeof(text),
		"nobody answered when %s@%s came to the control room %s: most likely "
		"mod_muc_filter_access leaves out that domain",
		server->environment->control.username, server->environment->control.domain, room);
	fail_brewery(doctor, server, TR_SERVER_PIECE_FILTER, "brewery-silent", text);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

/* What follows from the account's domain is either the better guess, or missing. */
static void explain_no_muc(
	struct tr_doctor *doctor, const struct tr_doctor_server *server, const char *condition)
{
	const struct tr_config_environment *environment = server->environment;
	char text[1000], usual[300], line[400];

	snprintf(text, sizeof(text),
		"the server has no rooms on %s (%s): brewery.domain is wrong, or the component is "
		"missing",
		environment->brewery.domain, condition);
	snprintf(usual, sizeof(usual), "internal.%s", environment->control.domain);
	if (!strcasecmp(usual, environment->brewery.domain)) {
		fail_brewery(doctor, server, TR_SERVER_PIECE_BREWERY_HOST, "no-muc", text);
		return;
	}
	snprintf(line, sizeof(line), "domain = \"%s\"; // the one in Jicofo's brewery-jid", usual);
	tr_doctor_fail_setting(doctor, unseen, "no-muc", "environments.brewery.domain", line, text);
}

/* The server's answer to the joining, by the table of what each condition means here. */
static void explain_refusal(struct tr_doctor *doctor, struct tr_visit *visit,
	const struct tr_doctor_server *server, const char *room, const struct tr_visit_room *seen)
{
	static const char *const nobody[] = {"service-unavailable", "remote-server-not-found",
		"remote-server-timeout", "feature-not-implemented", NULL};
	const struct tr_config_environment *environment = server->environment;
	const char *condition = seen->condition;
	char text[3000];

	/* Prosody says not-allowed, too, for hosts that are elsewhere. */
	bool is_nobody = is_one_of(condition, nobody) ||
			 (!strcmp(condition, "not-allowed") &&
				 !tr_visit_is_there(visit, environment->brewery.domain));
	if (is_nobody) {
		explain_no_muc(doctor, server, condition);
	} else if (!strcmp(condition, "not-allowed")) {
		snprintf(text, sizeof(text),
			"the control room %s does not exist, and only admins may make rooms there "
			"(not-allowed): Jicofo has not made it",
			room);
		fail_brewery(doctor, server, TR_SERVER_PIECE_JICOFO, "creation-restricted", text);
	} else if (!strcmp(condition, "item-not-found")) {
		snprintf(text, sizeof(text),
			"the control room %s is locked (item-not-found): whoever made it has not "
			"set it up, and muc_room_locking is on",
			room);
		fail_brewery(doctor, server, TR_SERVER_PIECE_BREWERY_HOST, "room-locked", text);
	} else if (!strcmp(condition, "registration-required") || !strcmp(condition, "forbidden")) {
		snprintf(text, sizeof(text),
			"%s@%s may not enter the control room %s (%s): it is for members only, or "
			"the account is banned",
			environment->control.username, environment->control.domain, room,
			condition);
		fail_brewery(doctor, server, TR_SERVER_PIECE_BREWERY_HOST, condition, text);
	} else {
		snprintf(text, sizeof(text), "the control room %s cannot be entered (%s%s%s)", room,
			condition, seen->words[0] ? ": " : "", seen->words);
		fail_brewery(doctor, server, TR_SERVER_PIECE_BREWERY_HOST, "brewery-refused", text);
	}
}

static const struct tr_visit_occupant *find_nick(const struct tr_visit_room *seen, const char *nick)
{
	for (unsigned i = 0; i < seen->count; i++)
		if (!strcmp(seen->occupants[i].nick, nick))
			return &seen->occupants[i];
	return NULL;
}

/* Whoever has our nick must be our own telerecd. */
static void check_nick(struct tr_doctor *doctor, const struct tr_doctor_server *server,
	const struct tr_visit_room *seen)
{
	const struct tr_config_environment *environment = server->environment;
	const char *nick = environment->brewery.nickname;
	const struct tr_visit_occupant *occupant = find_nick(seen, nick);
	char own[TR_VISIT_JID_SIZE], line[300];

	if (!occupant)
		return;
	snprintf(own, sizeof(own), "%s@%s", environment->control.username,
		environment->control.domain);
	bool is_own = !occupant->jid[0] || !strcasecmp(own, occupant->jid);
	if (is_own && doctor->is_node_here) {
		tr_findings_ok(doctor->findings, "\"%s\" is in the control room", nick);
		return;
	}
	snprintf(line, sizeof(line), "nickname = \"%.100s-2\"; // or any other", nick);
	const struct tr_finding finding = {
		.status = TR_FINDING_WARNING,
		.cause = "nick-taken",
		.meaning =
			is_own ? "The two look like one to Jicofo until telerecd notices and takes "
				 "another nick."
			       : "telerecd takes another nick by itself, so that the server's logs "
				 "name another one than is configured.",
		.cure = {.file = doctor->settings->config_path,
			.setting = "environments.brewery.nickname",
			.text = line},
	};
	tr_findings_add(doctor->findings, &finding,
		"the nick \"%s\" in the control room is taken by %s%s", nick,
		is_own ? "another machine with the same account, for telerecd does not run here"
		       : occupant->jid,
		is_own ? "" : " (conflict)");
}

static bool is_focus(
	const struct tr_doctor_server *server, const struct tr_visit_occupant *occupant)
{
	const char *focus = server->environment->focus_jid;

	if (focus[0] && occupant->jid[0])
		return !strcasecmp(focus, occupant->jid);
	return !strncmp(occupant->jid, "focus@", 6) || !strcmp(occupant->nick, "focus");
}

/* Servers may hide their rooms: then the usual name is asked for. */
static void find_near(struct tr_visit *visit, const struct tr_config_environment *environment,
	char *out, size_t size)
{
	static const char usual[] = "jibribrewery";
	char room[600];

	tr_visit_find_room(
		visit, environment->brewery.domain, environment->brewery.room, out, size);
	snprintf(room, sizeof(room), "%s@%s", usual, environment->brewery.domain);
	if (!out[0] && strcasecmp(environment->brewery.room, usual) != 0 &&
		tr_visit_is_there(visit, room))
		snprintf(out, size, "%s", usual);
}

static void explain_no_focus(struct tr_doctor *doctor, struct tr_visit *visit,
	const struct tr_doctor_server *server, const char *room, const struct tr_visit_room *seen)
{
	const struct tr_config_environment *environment = server->environment;
	char near[160] = "", line[300], text[2800];

	if (seen->is_new)
		find_near(visit, environment, near, sizeof(near));
	if (near[0]) {
		snprintf(text, sizeof(text),
			"there was no control room %s, but there is a room \"%s\" on the same "
			"server: brewery.room is misspelt here or in Jicofo",
			room, near);
		snprintf(line, sizeof(line), "room = \"%s\";", near);
		tr_doctor_fail_setting(
			doctor, unseen, "brewery-name", "environments.brewery.room", line, text);
		return;
	}
	const struct tr_visit_occupant *other = find_nick(seen, "focus");
	if (environment->focus_jid[0] && other && other->jid[0]) {
		snprintf(text, sizeof(text),
			"focus_jid is %s, but Jicofo is in the control room as %s",
			environment->focus_jid, other->jid);
		snprintf(line, sizeof(line), "focus_jid = \"%.250s\";", other->jid);
		tr_doctor_fail_setting(
			doctor, unseen, "wrong-focus", "environments.focus_jid", line, text);
		return;
	}
	snprintf(text, sizeof(text),
		"Jicofo is not in the control room %s%s%s: it has another brewery-jid, or was not "
		"restarted",
		room, environment->focus_jid[0] ? " under focus_jid's account" : "",
		seen->is_new ? ", where nobody was" : "");
	fail_brewery(doctor, server, TR_SERVER_PIECE_JICOFO, "no-focus", text);
}

static void check_occupants(struct tr_doctor *doctor, struct tr_visit *visit,
	const struct tr_doctor_server *server, const char *room, const struct tr_visit_room *seen)
{
	unsigned recorders = 0;
	bool has_focus = false;

	for (unsigned i = 0; i < seen->count; i++) {
		has_focus = has_focus || is_focus(server, &seen->occupants[i]);
		recorders += seen->occupants[i].is_recorder;
	}
	if (!has_focus)
		explain_no_focus(doctor, visit, server, room, seen);
	else
		tr_findings_ok(doctor->findings,
			"the control room %s is open, Jicofo is in it, and %u recorder%s", room,
			recorders, recorders == 1 ? "" : "s");
	check_nick(doctor, server, seen);
}

void tr_ask_brewery(
	struct tr_doctor *doctor, struct tr_visit *visit, const struct tr_doctor_server *server)
{
	const struct tr_config_environment *environment = server->environment;
	struct tr_visit_room *seen = calloc(1, sizeof(*seen));
	char room[600], nick[64];

	tr_doctor_enter(doctor, "brewery", environment);
	snprintf(room, sizeof(room), "%s@%s", environment->brewery.room,
		environment->brewery.domain);
	make_nick(nick, sizeof(nick));
	int rc = seen ? tr_visit_look_into(visit, room, nick, seen) : -ENOMEM;
	if (rc == -ETIMEDOUT)
		explain_silence(doctor, server, room);
	else if (rc < 0)
		fail_brewery(doctor, server, TR_SERVER_PIECE_NONE, "brewery-lost",
			"the connection ended when the control room was to be entered");
	else if (seen->condition[0])
		explain_refusal(doctor, visit, server, room, seen);
	else
		check_occupants(doctor, visit, server, room, seen);
	free(seen);
}
