#include "cli/record_show.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

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

/* To the first of several live lines. */
static void put_up(const struct tr_record_show *show)
{
	char text[32];

	snprintf(text, sizeof(text), "\033[%uA", show->drawn - 1);
	put(show, text);
}

void tr_record_show_clear(struct tr_record_show *show)
{
	if (show->drawn > 1)
		put_up(show);
	if (show->drawn > 0)
		put(show, show->drawn > 1 ? "\r\033[J" : "\r\033[K");
	show->drawn = 0;
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

void tr_record_show_stream(struct tr_record_show *show, const struct tr_message_stream *stream)
{
	unsigned i = 0;

	while (i < show->stream_count && strcmp(show->streams[i].name, stream->name) != 0)
		i++;
	if (i == TR_RECORD_SHOW_STREAMS_MAX)
		return;
	show->streams[i] = *stream;
	if (i == show->stream_count)
		show->stream_count++;
}

static void format_losses(const struct tr_message_stream *stream, char *out, size_t size)
{
	char again[40] = "", lost[40] = "";

	if (stream->reconnects > 0)
		snprintf(again, sizeof(again), ", %lld reconnect%s", (long long)stream->reconnects,
			stream->reconnects > 1 ? "s" : "");
	if (stream->dropped > 0)
		snprintf(lost, sizeof(lost), ", %lld pictures lost", (long long)stream->dropped);
	snprintf(out, size, "%s%s", again, lost);
}

void tr_record_show_format_stream(const struct tr_message_stream *stream, char *out, size_t size)
{
	bool is_up = !strcmp(stream->state, "streaming");
	char losses[90];

	format_losses(stream, losses, sizeof(losses));
	if (is_up)
		snprintf(out, size, "  %s: streaming  %lld kbit/s, %lld ms queued%s", stream->name,
			(long long)stream->kbps, (long long)stream->queued_ms, losses);
	else
		snprintf(out, size, "  %s: %s%s%s%.300s", stream->name, stream->state, losses,
			stream->problem[0] ? ": " : "", stream->problem);
	make_harmless(out);
}

void tr_record_show_sum_up_stream(const struct tr_message_stream *stream, char *out, size_t size)
{
	bool has_ended = !strcmp(stream->state, "refused") || !strcmp(stream->state, "gave up");
	char losses[90], bytes[16];

	format_losses(stream, losses, sizeof(losses));
	tr_text_format_bytes(stream->bytes, bytes, sizeof(bytes));
	snprintf(out, size, "%s  (%s%s%s%s%s%.300s)", stream->name, bytes, losses,
		has_ended ? ", " : "", has_ended ? stream->state : "", has_ended ? ": " : "",
		has_ended ? stream->problem : "");
	make_harmless(out);
}

/* Lines that are wider than the terminal would be two. */
static void cut_to_width(const struct tr_record_show *show, char *line)
{
	struct winsize window;

	if (!show->is_live || ioctl(show->fd, TIOCGWINSZ, &window) < 0 || window.ws_col < 20)
		return;
	size_t width = window.ws_col - 1U;
	if (strlen(line) <= width)
		return;
	while (width > 0 && ((unsigned char)line[width] & 0xc0) == 0x80)
		width--; /* not within a character */
	line[width] = '\0';
}

static void put_line(struct tr_record_show *show, char *text)
{
	char line[TR_RECORD_SHOW_LINE_MAX + 16];

	cut_to_width(show, text);
	if (show->is_live)
		snprintf(line, sizeof(line), "%s\r%s\033[K", show->drawn ? "\n" : "", text);
	else
		snprintf(line, sizeof(line), "%s\n", text);
	put(show, line);
	show->drawn += show->is_live;
}

void tr_record_show_progress(
	struct tr_record_show *show, const struct tr_message_progress *progress, int64_t now_ns)
{
	char text[TR_RECORD_SHOW_LINE_MAX];

	if (show->is_quiet)
		return;
	if (!show->is_live && show->plain_ns && now_ns - show->plain_ns < PLAIN_EVERY_NS)
		return;
	show->plain_ns = now_ns;
	if (show->drawn > 1) /* up again; each line is drawn over, so nothing flickers */
		put_up(show);
	show->drawn = 0;
	tr_record_show_format(progress, text, sizeof(text));
	put_line(show, text);
	for (unsigned i = 0; i < show->stream_count; i++) {
		tr_record_show_format_stream(&show->streams[i], text, sizeof(text));
		put_line(show, text);
	}
}
