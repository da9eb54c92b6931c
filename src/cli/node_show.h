/* A node's answers as text for people, to a stream; `width` as in text_table.h. */
#ifndef TR_CLI_NODE_SHOW_H
#define TR_CLI_NODE_SHOW_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

void tr_node_show_slots(FILE *out, const json_t *slots, unsigned width);
void tr_node_show_slot(FILE *out, const json_t *slot, int64_t now_ms);

/* Those that run, and the newest `ended_most` of those that ended. */
void tr_node_show_sessions(
	FILE *out, const json_t *sessions, unsigned ended_most, int64_t now_ms, unsigned width);
void tr_node_show_session(FILE *out, const json_t *session, int64_t now_ms);

void tr_node_show_recordings(FILE *out, const json_t *recordings, int64_t now_ms, unsigned width);
void tr_node_show_recording(FILE *out, const json_t *recording);

/* An event, or a line of the log, on one line. */
void tr_node_show_event(FILE *out, const json_t *event);
void tr_node_show_log(FILE *out, const json_t *line);

#endif
