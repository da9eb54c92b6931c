/*
 * The one element that Jicofo and a recorder exchange, <jibri/>: read from a stanza, and made. By
 * its reader's rules: enumerated values in any case, an empty attribute is none, what is unknown
 * and what is inside is ignored.
 */
#ifndef TR_CONTROL_JIBRI_IQ_H
#define TR_CONTROL_JIBRI_IQ_H

#include "core/cleanup.h"

#include <stdbool.h>

#include <strophe.h>

#define TR_JIBRI_IQ_NS "http://jitsi.org/protocol/jibri"

enum tr_jibri_iq_action { TR_JIBRI_IQ_NO_ACTION, TR_JIBRI_IQ_START, TR_JIBRI_IQ_STOP };
enum tr_jibri_iq_mode { TR_JIBRI_IQ_NO_MODE, TR_JIBRI_IQ_FILE, TR_JIBRI_IQ_STREAM };

/* A request. Strings are never NULL, "" for none; app_data and stream_id are secrets. */
struct tr_jibri_iq {
	enum tr_jibri_iq_action action;
	enum tr_jibri_iq_mode mode;
	int rtcstats; /* 0, 1; -1: not said */
	char *room, *session_id, *stream_id, *broadcast_id, *sip_address, *app_data;
};

/* What a recorder says, as an answer to a request or of its own. */
enum tr_jibri_iq_status { TR_JIBRI_IQ_PENDING, TR_JIBRI_IQ_ON, TR_JIBRI_IQ_OFF };
struct tr_jibri_iq_report {
	enum tr_jibri_iq_status status;
	const char *failure;		      /* "busy", "error", NULL; only with off */
	bool should_retry;		      /* with a failure */
	const char *session_id, *sip_address; /* NULL or "": none */
};

/* Gives the request in the element. -ENOMEM. */
TR_CHECKED int tr_jibri_iq_parse(xmpp_stanza_t *jibri, struct tr_jibri_iq **ret_iq);
void tr_jibri_iq_destroy(struct tr_jibri_iq *iq);

/* The URL to stream to: `stream_id`, or YouTube's with that key. Gives it; NULL without memory. */
char *tr_jibri_iq_stream_url(const struct tr_jibri_iq *iq);

/* Where the stream is watched. Gives it, "" for nowhere; NULL without memory. */
char *tr_jibri_iq_view_url(const struct tr_jibri_iq *iq);

/* The JSON object for metadata.json in app_data. Gives it as text, "" for none. -EBADMSG when
 * app_data is no JSON object, -EFBIG when it or the text is too long to carry, -ENOMEM. */
TR_CHECKED int tr_jibri_iq_metadata(const struct tr_jibri_iq *iq, char **ret_text);

/* Gives an IQ: a result with that id, or of type "set" when `is_answer` is false. NULL without
 * memory. */
xmpp_stanza_t *tr_jibri_iq_build(xmpp_ctx_t *ctx, const char *to, const char *id, bool is_answer,
	const struct tr_jibri_iq_report *report);

TR_CLEANUP_DEFINE(struct tr_jibri_iq, tr_jibri_iq_destroy)

#endif
