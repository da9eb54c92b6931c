/* What webhooks say, in Jibri's words (version 1 of its webhooks). */
#ifndef TR_CONTROL_WEBHOOK_BODY_H
#define TR_CONTROL_WEBHOOK_BODY_H

#include "control/actions.h"
#include "protocol/reason.h"

/* One JSON object, to be freed. -ENOMEM. */
TR_CHECKED int tr_webhook_body_status(
	const char *id, const struct tr_control_presence *presence, char **ret_text);

/* A session is on; or it is over, `is_failure` with the reason and a sentence. */
TR_CHECKED int tr_webhook_body_on(const char *id, const char *session_id, char **ret_text);
TR_CHECKED int tr_webhook_body_off(const char *id, const char *session_id, bool is_failure,
	enum tr_reason reason, const char *sentence, char **ret_text);

#endif
