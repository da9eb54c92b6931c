/* What a person sees while `telerec record` or `telerec stream` runs: a live line on a terminal,
 * with one more for each target of a stream, else plain lines every ten seconds; log lines and news
 * come between without tearing them. */
#ifndef TR_CLI_RECORD_SHOW_H
#define TR_CLI_RECORD_SHOW_H

#include "protocol/message.h"

#define TR_RECORD_SHOW_STREAMS_MAX 8
#define TR_RECORD_SHOW_LINE_MAX 640

struct tr_record_show {
	int fd;		  /* standard error */
	bool is_live;	  /* a terminal: the same lines, drawn over and over */
	bool is_quiet;	  /* news of trouble only */
	unsigned drawn;	  /* live lines on the screen; the cursor is in the last */
	int64_t plain_ns; /* time of the last plain line, 0: none yet */
	unsigned stream_count;
	struct tr_message_stream streams[TR_RECORD_SHOW_STREAMS_MAX]; /* as they were last */
};

void tr_record_show_init(struct tr_record_show *show, int fd, bool is_quiet);

/* A line of its own: what a person should know. Not shown when quiet, unless it is trouble. */
void tr_record_show_news(struct tr_record_show *show, bool is_trouble, const char *format, ...)
	TR_PRINTF(3, 4);

void tr_record_show_progress(
	struct tr_record_show *show, const struct tr_message_progress *progress, int64_t now_ns);

/* Of one target: shown with the next progress. */
void tr_record_show_stream(struct tr_record_show *show, const struct tr_message_stream *stream);

/* Takes the live lines off the screen. */
void tr_record_show_clear(struct tr_record_show *show);

/* The progress as one line of text. */
void tr_record_show_format(const struct tr_message_progress *progress, char *out, size_t size);

/* How a target is, and how it was in the end. */
void tr_record_show_format_stream(const struct tr_message_stream *stream, char *out, size_t size);
void tr_record_show_sum_up_stream(const struct tr_message_stream *stream, char *out, size_t size);

#endif
