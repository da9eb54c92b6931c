/*
 * Where a session streams to: what was asked for, if the operator allows it and unless a rule sends
 * it elsewhere, and what the operator has for the room. Pure; the rules are those of the
 * configuration.
 *
 * Targets are secrets: no sentence holds more of one than tr_stream_url_redact() shows.
 */
#ifndef TR_DAEMON_STREAMS_H
#define TR_DAEMON_STREAMS_H

#include "config/config.h"
#include "control/actions.h"
#include "protocol/message.h"

/* 0 when the request asks for no stream, or for one that is possible; else -EINVAL or -EACCES with
 * a sentence in `why`: no node with these rules can serve it. */
TR_CHECKED int tr_streams_check(const struct tr_config *rules,
	const struct tr_control_start *request, char *why, size_t why_size);

/* Fills what a slot is told of mode, streams and file. The request has been checked. -errno. */
TR_CHECKED int tr_streams_fill(const struct tr_config *rules,
	const struct tr_control_start *request, struct tr_message_start *to);

#endif
