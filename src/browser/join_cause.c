#include "browser/join_cause.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* By the error that the page names; the first that fits. */
static const struct {
	const char *error;
	bool is_final;
	const char *sentence;
} causes[] = {
	{"conference.passwordRequired", true,
		"the room is locked with a password, and the server does not exempt the recorder's "
		"account from it"},
	{"conference.connectionError.accessDenied", true,
		"somebody in the meeting refused to let the recorder in from the lobby"},
	{"conference.connectionError.membersOnly", false,
		"the recorder was left waiting in the room's lobby: let it in, or exempt the "
		"recorder's domain from the lobby on the server"},
	{"conference.connectionError.notAllowed", true,
		"the server does not let the recorder into the room"},
	{"conference.max_users", true, "the room is full: the server lets nobody else in"},
	{"conference.authenticationRequired", false,
		"no host has opened the meeting yet, and the recorder cannot open it"},
	{"conference.destroyed", true, "the meeting was ended while the recorder joined"},
	{"conference.reservationError", false, "the server's reservation system refused the room"},
	{"conference.", false, "the meeting's server could not let the recorder into the room"},
	{"connection.", false, "the page could not connect to the meeting's XMPP server"},
};

static const char refused_login[] =
	"the meeting's server refused the recorder's log-in: check the name and the password of "
	"its account (the call login), and that the account exists on the server";
static const char wanted_login[] =
	"the meeting's server wants a log-in, and no account is set for the recorder (the call "
	"login)";
static const char no_overrides[] =
	"the meeting's pages do not take options from the address (config.iAmRecorder did not "
	"arrive): allow URL overrides in the server's config.js, or the recorder would join as an "
	"ordinary participant";

const char *tr_join_cause_format_ms(int64_t ms, char out[static 32])
{
	if (ms >= 60000 && ms % 60000 == 0)
		snprintf(out, 32, "%" PRId64 " min", ms / 60000);
	else
		snprintf(out, 32, "%g s", (double)ms / 1000);
	return out;
}

static const char *cause_of_error(const char *error, bool *ret_is_final)
{
	for (size_t i = 0; error[0] && i < TR_COUNT(causes); i++)
		if (!strncmp(error, causes[i].error, strlen(causes[i].error))) {
			*ret_is_final = causes[i].is_final;
			return causes[i].sentence;
		}
	return NULL;
}

/* The most likely reason that the page names, or NULL. */
static const char *find_cause(const struct tr_join_state *state, bool *ret_is_final)
{
	const struct tr_meeting_news *news = state->news;

	*ret_is_final = true;
	if (!strcmp(news->connection_error, "connection.passwordRequired"))
		return state->has_login ? refused_login : wanted_login;
	if (news->is_joined && news->is_no_recorder)
		return no_overrides;
	const char *cause = cause_of_error(news->conference_error, ret_is_final);
	if (cause)
		return cause;
	*ret_is_final = false;
	if (news->is_in_lobby)
		return cause_of_error("conference.connectionError.membersOnly", ret_is_final);
	cause = cause_of_error(news->connection_error, ret_is_final);
	if (cause)
		return cause;
	return news->is_no_recorder ? no_overrides : NULL;
}

bool tr_join_cause_is_final(const struct tr_join_state *state)
{
	bool is_final = false;

	return find_cause(state, &is_final) && is_final;
}

void tr_join_cause_describe(const struct tr_join_state *state, char *out, size_t size)
{
	const struct tr_meeting_news *news = state->news;
	const char *error =
		news->conference_error[0] ? news->conference_error : news->connection_error;
	bool is_final;
	char time[32];

	const char *cause = find_cause(state, &is_final);
	if (state->away[0])
		snprintf(out, size,
			"the meeting's address leads to another site (%s), where the recorder cannot "
			"log in: give the address where the meetings really are",
			state->away);
	else if (cause)
		snprintf(out, size, "%s%s%s%s", cause, error[0] ? " (" : "", error,
			error[0] ? ")" : "");
	else if (!news->has_app)
		snprintf(out, size,
			"the page was loaded, but it is no Jitsi meeting or its scripts do not run: "
			"check the address");
	else
		snprintf(out, size,
			"the page was loaded, but did not join the meeting within %s and gave no "
			"reason; the picture shows what it showed",
			tr_join_cause_format_ms(state->timeout_ms, time));
}
