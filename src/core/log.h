/*
 * Log lines to standard error, which is the journal under systemd and a terminal elsewhere.
 *
 * A source file names its area once: #define TR_LOG_AREA "grab". A line names the subject, the
 * cause, and what happens next. Secrets never: URLs go through tr_text_redact(). Every call keeps
 * errno. Any thread may log; a line is one write().
 */
#ifndef TR_CORE_LOG_H
#define TR_CORE_LOG_H

#include "core/cleanup.h"

enum tr_log_level {
	TR_LOG_NONE = 0,
	TR_LOG_ERROR = 3,   /* a recording or the appliance is harmed */
	TR_LOG_WARNING = 4, /* we coped */
	TR_LOG_INFO = 6,    /* who follows a recording wants it; a dozen lines each */
	TR_LOG_DEBUG = 7,
};

/* Lines above `level` are not written. Default: TR_LOG_INFO. */
void tr_log_set_level(enum tr_log_level level);

/* Put before every line of this process, for example "slot 2, session abc, room x"; NULL for none.
 * Cut at 200 bytes. Called from the main thread only. */
void tr_log_set_label(const char *label);

/* Hears every line that is written, from the thread that writes it: it must not log. NULL: nobody.
 * Set while there is one thread. */
typedef void tr_log_hear_fn(
	enum tr_log_level level, const char *area, const char *text, void *user);
void tr_log_set_listener(tr_log_hear_fn *hear, void *user);

void tr_log_write(enum tr_log_level level, const char *area, const char *format, ...)
	TR_PRINTF(3, 4);

/* Logs an error with the text of -rc appended, and returns rc. */
int tr_log_fail(int rc, const char *area, const char *format, ...) TR_PRINTF(3, 4);

#define tr_error(...) tr_log_write(TR_LOG_ERROR, TR_LOG_AREA, __VA_ARGS__)
#define tr_warning(...) tr_log_write(TR_LOG_WARNING, TR_LOG_AREA, __VA_ARGS__)
#define tr_info(...) tr_log_write(TR_LOG_INFO, TR_LOG_AREA, __VA_ARGS__)
#define tr_debug(...) tr_log_write(TR_LOG_DEBUG, TR_LOG_AREA, __VA_ARGS__)
#define tr_fail(rc, ...) tr_log_fail(rc, TR_LOG_AREA, __VA_ARGS__)

#endif
