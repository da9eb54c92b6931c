#include "core/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 2048

/* The one exception to "no globals beyond main": see the design's notes on the log. */
static atomic_int max_level = TR_LOG_INFO;
static char process_label[201];
static tr_log_hear_fn *listener;
static void *listener_user;

void tr_log_set_level(enum tr_log_level level)
{
	max_level = (int)level;
}

void tr_log_set_label(const char *label)
{
	snprintf(process_label, sizeof(process_label), "%s", label ? label : "");
}

void tr_log_set_listener(tr_log_hear_fn *hear, void *user)
{
	listener = hear;
	listener_user = user;
}

static const char *level_word(enum tr_log_level level)
{
	switch (level) {
	case TR_LOG_ERROR:
		return "error: ";
	case TR_LOG_WARNING:
		return "warning: ";
	default:
		return "";
	}
}

static void tell_listener(enum tr_log_level level, const char *area, const char *text, int rc)
{
	char whole[LINE_MAX_BYTES];

	snprintf(whole, sizeof(whole), "%s%s%s", text, rc < 0 ? ": " : "",
		rc < 0 ? strerror(-rc) : "");
	listener(level, area, whole, listener_user);
}

/* One line, one write(): lines of several processes on one terminal do not mix. */
static void write_line(enum tr_log_level level, const char *area, const char *text, int rc)
{
	char line[LINE_MAX_BYTES];
	bool journal = getenv("JOURNAL_STREAM") != NULL;
	char prefix[8] = "";

	if (journal)
		snprintf(prefix, sizeof(prefix), "<%d>", (int)level);
	int length = snprintf(line, sizeof(line) - 1, "%s%s%s%s%s: %s%s%s", prefix, process_label,
		process_label[0] ? ": " : "", journal ? "" : level_word(level), area, text,
		rc < 0 ? ": " : "", rc < 0 ? strerror(-rc) : "");
	if (length < 0)
		return;
	if (length > (int)sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	if (listener)
		tell_listener(level, area, text, rc);
	for (int i = 0; i < length; i++) /* what came from outside must not forge lines */
		if ((unsigned char)line[i] < 0x20 && line[i] != '\t')
			line[i] = ' ';
	line[length] = '\n';
	if (write(STDERR_FILENO, line, (size_t)length + 1) < 0)
		return; /* nobody is left to tell */
}

void tr_log_write(enum tr_log_level level, const char *area, const char *format, ...)
{
	int saved = errno;
	char text[LINE_MAX_BYTES];
	va_list args;

	if ((int)level <= max_level) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		write_line(level, area, text, 0);
	}
	errno = saved;
}

int tr_log_fail(int rc, const char *area, const char *format, ...)
{
	int saved = errno;
	char text[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	write_line(TR_LOG_ERROR, area, text, rc);
	errno = saved;
	return rc;
}
