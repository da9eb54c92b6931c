#include "control/webhook_body.h"

#include "control/jibri_health.h"

#include <errno.h>

/* Takes the root. */
static int dump(json_t *root, char **ret_text)
{
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

	json_decref(root);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

int tr_webhook_body_status(
	const char *id, const struct tr_control_presence *presence, char **ret_text)
{
	return dump(json_pack("{s:o, s:o}", "jibriId", tr_jibri_health_text(id), "status",
			    tr_jibri_health_pack(presence)),
		ret_text);
}

/* Jibri tells what is wrong with the one session from what is wrong with the machine. */
static bool is_of_session(enum tr_reason reason)
{
	switch (reason) {
	case TR_REASON_BAD_REQUEST:
	case TR_REASON_PAGE_FAILED:
	case TR_REASON_PAGE_TIMEOUT:
	case TR_REASON_JOIN_FAILED:
	case TR_REASON_NO_MEDIA:
	case TR_REASON_ICE_FAILED:
	case TR_REASON_CANCELLED:
	case TR_REASON_STREAM_REFUSED:
	case TR_REASON_STREAM_LOST:
		return true;
	default:
		return tr_reason_is_clean(reason);
	}
}

static json_t *pack_failure(enum tr_reason reason, const char *sentence)
{
	const char *detail = sentence[0] ? sentence : tr_reason_sentence(reason);

	return json_pack("{s:s, s:{s:s, s:o}}", "reason", "ERROR", "error", "scope",
		is_of_session(reason) ? "SESSION" : "SYSTEM", "detail",
		tr_jibri_health_text(detail));
}

/* Takes the two. */
static int make_session(const char *id, const char *session_id, const char *status, json_t *failure,
	json_t *should_retry, char **ret_text)
{
	return dump(
		json_pack("{s:o, s:{s:o, s:s, s:n, s:o, s:o}}", "jibriId", tr_jibri_health_text(id),
			"session", "sessionId", tr_jibri_health_text(session_id), "status", status,
			"sipAddress", "failure", failure, "shouldRetry", should_retry),
		ret_text);
}

int tr_webhook_body_on(const char *id, const char *session_id, char **ret_text)
{
	return make_session(id, session_id, "ON", json_null(), json_null(), ret_text);
}

int tr_webhook_body_off(const char *id, const char *session_id, bool is_failure,
	enum tr_reason reason, const char *sentence, char **ret_text)
{
	if (!is_failure)
		return make_session(id, session_id, "OFF", json_null(), json_null(), ret_text);
	/* As over XMPP: other nodes would be refused, too. */
	return make_session(id, session_id, "OFF", pack_failure(reason, sentence),
		json_boolean(reason != TR_REASON_STREAM_REFUSED), ret_text);
}
