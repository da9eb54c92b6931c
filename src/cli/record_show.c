#include "cli/record_show.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PLAIN_EVERY_NS (10 * TR_NS_PER_S)
#define METER_WIDTH 12
#define METER_FLOOR_DB (-48.0)

void tr_record_show_init(struct tr_record_show *show, int fd, bool is_quiet)
{
	const char *term = getenv("TERM");

	*show = (struct tr_record_show){.fd = fd, .is_quiet = is_quiet};
	show->is_live = isatty(fd) && term && strcmp(term, "dumb") != 0;
}

static void put(const struct tr_record_show *show, const char *text)
{
	if (tr_file_write_all(show->fd, text, strlen(text)) < 0)
		return; /* nobody looks any more; the recording goes on */
}

void tr_record_show_clear(struct tr_record_show *show)
{
	if (show->is_drawn)
		put(show, "\r\033[K");
	show->is_drawn = false;
}

/* What a page or a file's name brings must not move the cursor. */
static void make_harmless(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

void tr_record_show_news(struct tr_record_show *show, bool is_trouble, const char *format, ...)
{
	char text[TR_MESSAGE_SENTENCE_MAX + 256];
	va_list args;

	if (show->is_quiet && !is_trouble)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	make_harmless(text);
	tr_record_show_clear(show);
	size_t length = strlen(text);
	text[length] = '\n';
	text[length + 1] = '\0';
	put(show, text);
}

static void format_meter(double peak_db, char out[METER_WIDTH + 1])
{
	double part = peak_db > METER_FLOOR_DB ? 1 - peak_db / METER_FLOOR_DB : 0;
	int filled = (int)(part * METER_WIDTH + 0.5);

	for (int i = 0; i < METER_WIDTH; i++)
		out[i] = i < filled ? '#' : '.';
	out[METER_WIDTH] = '\0';
}

void tr_record_show_format(const struct tr_message_progress *progress, char *out, size_t size)
{
	char meter[METER_WIDTH + 1], level[16], bytes[16], left[16], dropped[40] = "";
	long long s = progress->time_ms / 1000;

	format_meter(progress->peak_db, meter);
	if (progress->peak_db > -100)
		snprintf(level, sizeof(level), "%3.0f dB", progress->peak_db);
	else
		snprintf(level, sizeof(level), "silent");
	tr_text_format_bytes(progress->bytes, bytes, sizeof(bytes));
	tr_text_format_bytes(progress->free_bytes, left, sizeof(left));
	if (progress->frames_dropped > 0)
		snprintf(dropped, sizeof(dropped), ", %lld lost",
			(long long)progress->frames_dropped);
	snprintf(out, size,
		"%02lld:%02lld:%02lld  %lld pictures%s  %.0f kbit/s  [%s] %s  %s  %s free%s%s",
		s / 3600, s / 60 % 60, s % 60, (long long)progress->frames_encoded, dropped,
		progress->video_kbps, meter, level, bytes, left, progress->note[0] ? "  " : "",
		progress->note);
	make_harmless(out);
}

void tr_record_show_progress(
	struct tr_record_show *show, const struct tr_message_progress *progress, int64_t now_ns)
{
	char text[400], line[420];

	if (show->is_quiet)
		return;
	if (!show->is_live && show->plain_ns && now_ns - show->plain_ns < PLAIN_EVERY_NS)
		return;
	tr_record_show_format(progress, text, sizeof(text));
	show->plain_ns = now_ns;
	snprintf(line, sizeof(line), show->is_live ? "\r%s\033[K" : "%s\n", text);
	put(show, line);
	show->is_drawn = show->is_live;
}
