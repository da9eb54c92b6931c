/* A line of our log taken apart. Pure. */
#ifndef TR_DAEMON_LOGLINE_H
#define TR_DAEMON_LOGLINE_H

#include "core/log.h"

#include <stdbool.h>
#include <stdint.h>

struct tr_logline {
	int64_t ms; /* wall clock */
	enum tr_log_level level;
	char area[40];
	unsigned slot; /* 0: of none */
	char session_id[128];
	char text[1024];
};

/* As it was logged here: slot and session are found in the text. */
void tr_logline_make(
	struct tr_logline *line, enum tr_log_level level, const char *area, const char *text);

/* As another of our programs wrote it: "slot 2, session abc: warning: video: ...". `level` counts
 * where the line has no word for it; NONE: info. What cannot be taken apart is text. */
void tr_logline_parse(struct tr_logline *line, enum tr_log_level level, const char *raw);

struct tr_logline_filter {
	const char *session_id; /* "": any */
	unsigned slot;		/* 0: any */
	int level;		/* this and worse; 0: any */
	int64_t since_ms;
	unsigned limit; /* of lines, the last ones */
};

bool tr_logline_fits(const struct tr_logline *line, const struct tr_logline_filter *filter);

#endif
