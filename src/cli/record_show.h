/* What a person sees while `telerec record` runs: a live line on a terminal, else a plain line
 * every ten seconds; log lines and news come between without tearing it. */
#ifndef TR_CLI_RECORD_SHOW_H
#define TR_CLI_RECORD_SHOW_H

#include "protocol/message.h"

struct tr_record_show {
	int fd;		  /* standard error */
	bool is_live;	  /* a terminal: one line, drawn over and over */
	bool is_quiet;	  /* news of trouble only */
	bool is_drawn;	  /* the live line is on the screen */
	int64_t plain_ns; /* time of the last plain line, 0: none yet */
};

void tr_record_show_init(struct tr_record_show *show, int fd, bool is_quiet);

/* A line of its own: what a person should know. Not shown when quiet, unless it is trouble. */
void tr_record_show_news(struct tr_record_show *show, bool is_trouble, const char *format, ...)
	TR_PRINTF(3, 4);

void tr_record_show_progress(
	struct tr_record_show *show, const struct tr_message_progress *progress, int64_t now_ns);

/* Takes the live line off the screen. */
void tr_record_show_clear(struct tr_record_show *show);

/* The progress as one line of text. */
void tr_record_show_format(const struct tr_message_progress *progress, char *out, size_t size);

#endif
