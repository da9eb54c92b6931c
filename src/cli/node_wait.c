#include "cli/node_wait.h"

#include "protocol/node_words.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ASK_EVERY_US 500000

int tr_node_wait_session(struct tr_node_verb *verb, const char *session_id,
	enum tr_node_wait_until until, json_t **ret_session)
{
	TR_CLEANUP(tr_freep) char *word = tr_node_client_escape(session_id);

	for (;; usleep(ASK_EVERY_US)) {
		json_t *session = NULL;
		int code = tr_node_verb_call(
			verb, "GET", NULL, &session, "/v1/sessions/%s", word ? word : "");
		if (code != 0)
			return code;
		bool has_ended = !strcmp(tr_node_words_text(session, "state"), "ended");
		bool is_on = tr_node_words_int(session, "on_ms") > 0;
		if ((until == TR_NODE_WAIT_ON && (is_on || has_ended)) ||
			(has_ended && tr_node_words_is(session, "is_over"))) {
			bool has_failed = tr_node_words_is(session, "is_failure") ||
					  (until == TR_NODE_WAIT_ON && !is_on);
			*ret_session = session;
			return has_failed ? TR_EXIT_FAILED : 0;
		}
		json_decref(session);
	}
}

unsigned tr_node_wait_count_sessions(const json_t *slots)
{
	unsigned count = 0;
	json_t *slot;
	size_t i;

	json_array_foreach((json_t *)slots, i, slot) count +=
		json_is_object(json_object_get(slot, "session"));
	return count;
}

/* 1: it is; 0: not yet; -errno of the client. A slot of a node that drains counts as busy, so it is
 * the sessions that tell. */
static int look(struct tr_node_verb *verb, json_t **ret_error)
{
	json_t *node = NULL, *slots = NULL;
	int rc = tr_node_client_call(verb->client, "GET", "/v1/slots", NULL, &slots);

	if (rc == 0)
		rc = tr_node_client_call(verb->client, "GET", "/v1/node", NULL, &node);
	if (rc == 0)
		rc = tr_node_wait_count_sessions(json_object_get(slots, "slots")) == 0 &&
		     tr_node_words_int(node, "recordings_finishing") == 0;
	if (rc < 0)
		*ret_error = json_incref(node ? node : slots);
	json_decref(node);
	json_decref(slots);
	return rc;
}

int tr_node_wait_idle(struct tr_node_verb *verb, bool is_leaving)
{
	for (;; usleep(ASK_EVERY_US)) {
		json_t *error = NULL;
		int rc = look(verb, &error);
		if (rc < 0 && is_leaving && rc != -EREMOTEIO) {
			json_decref(error);
			return 0;
		}
		if (rc < 0)
			return tr_node_verb_tell(verb, rc, error);
		if (rc > 0 && !is_leaving)
			return 0;
	}
}
