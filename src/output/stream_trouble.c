#include "output/stream_trouble_internal.h"

#include "core/clock.h"
#include "output/stream_certificate_internal.h"

#include <ctype.h>
#include <libavformat/avformat.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ASK_AGAIN_MS 2000
#define SRT_SILENCE_NS (2 * TR_NS_PER_S)

/* ---- libavformat's messages ---- */

/* The log callback has no user pointer; the thread tells whose message it is. */
static _Thread_local struct tr_stream_words *listener;

static void hear(void *context, int level, const char *format, va_list arguments)
{
	if (!listener) {
		av_log_default_callback(context, level, format, arguments);
		return;
	}
	if (!strcmp(format, "Type answer %d\n"))
		listener->handshake = va_arg(arguments, int);
	if (level > AV_LOG_WARNING || listener->size + 1 >= TR_STREAM_WORDS_SIZE)
		return;
	size_t room = TR_STREAM_WORDS_SIZE - listener->size;
	int length = vsnprintf(listener->text + listener->size, room, format, arguments);
	if (length > 0)
		listener->size += (size_t)length < room ? (size_t)length : room - 1;
}

static void hear_from_now_on(void)
{
	av_log_set_callback(hear);
}

void tr_stream_trouble_listen(struct tr_stream_trouble *trouble)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, hear_from_now_on);
	trouble->words = (struct tr_stream_words){0};
	listener = &trouble->words;
}

void tr_stream_trouble_stop_listening(void)
{
	listener = NULL;
}

/* ---- sentences ---- */

int tr_stream_trouble_say(struct tr_stream_link_problem *problem,
	enum tr_stream_link_trouble trouble, const char *format, ...)
{
	va_list arguments;

	problem->trouble = trouble;
	va_start(arguments, format);
	vsnprintf(problem->sentence, sizeof(problem->sentence), format, arguments);
	va_end(arguments);
	return -EIO;
}

/* Some servers repeat in their answer what they were asked for. */
static bool holds_secret(const struct tr_stream_trouble *trouble, const char *text)
{
	static const char separators[] = "@/?#&=;:,";
	char part[TR_STREAM_URL_SIZE];

	for (const char *at = strstr(trouble->url, "://"); *at;) {
		at += strspn(at, separators);
		size_t length = strcspn(at, separators);
		snprintf(part, sizeof(part), "%.*s", (int)length, at);
		if (length > 3 && !strcasestr(trouble->where.host, part) && strcasestr(text, part))
			return true;
		at += length;
	}
	return false;
}

/* What an RTMP server answered, in brackets, or nothing. */
static void quote_server(const struct tr_stream_trouble *trouble, char *out, size_t size)
{
	static const char mark[] = "Server error: ";
	const char *text = NULL;
	char line[200];

	for (const char *at = trouble->words.text; (at = strstr(at, mark)); text = at)
		at += strlen(mark);
	out[0] = '\0';
	if (!text)
		return;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	for (char *at = line; *at; at++)
		if (!isprint((unsigned char)*at))
			*at = '?';
	if (line[0] && !holds_secret(trouble, line))
		snprintf(out, size, " (it says: %s)", line);
}

static bool has_heard(const struct tr_stream_trouble *trouble, const char *word)
{
	return strcasestr(trouble->words.text, word) != NULL;
}

/* An answer of TLS, before there is one of the server behind it. */
static int explain_tls(
	const struct tr_stream_trouble *trouble, struct tr_stream_link_problem *problem)
{
	const char *host = trouble->where.host;
	char reason[160];

	if (has_heard(trouble, "certificate failed verification")) {
		if (!tr_stream_certificate_explain(&trouble->where, trouble->ca_file, ASK_AGAIN_MS,
			    reason, sizeof(reason)))
			snprintf(reason, sizeof(reason), "is not trusted");
		return tr_stream_trouble_say(
			problem, TR_STREAM_LINK_REFUSED, "the certificate of %s %s", host, reason);
	}
	if (has_heard(trouble, "owner does not match"))
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_REFUSED,
			"the certificate of %s was issued for another name", host);
	if (has_heard(trouble, "unexpected TLS packet") || has_heard(trouble, "fatal alert") ||
		has_heard(trouble, "handshake fail"))
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_REFUSED,
			"%s port %d does not speak TLS with us", host, trouble->where.port);
	return 0;
}

/* Of SRT there is one code for all; but a refusal comes at once, and silence takes libsrt 3 s. */
static int explain_srt(
	const struct tr_stream_trouble *trouble, struct tr_stream_link_problem *problem)
{
	if (tr_clock_now_ns() - trouble->from_ns >= SRT_SILENCE_NS)
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_NETWORK,
			"%s port %d does not answer", trouble->where.host, trouble->where.port);
	return tr_stream_trouble_say(problem, TR_STREAM_LINK_REFUSED,
		"%s port %d refuses the stream: stream id or passphrase wrong", trouble->where.host,
		trouble->where.port);
}

/* The server was reached, and then ended it. */
static int explain_refusal(
	const struct tr_stream_trouble *trouble, struct tr_stream_link_problem *problem)
{
	const char *host = trouble->where.host;
	int port = trouble->where.port;
	char quoted[256];

	quote_server(trouble, quoted, sizeof(quoted));
	if (tr_stream_url_is_http(trouble->where.scheme))
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_REFUSED,
			"%s does not take the upload: address or access wrong", host);
	if (trouble->where.scheme == TR_STREAM_URL_SRT)
		return explain_srt(trouble, problem);
	if (trouble->words.handshake == 0)
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_NETWORK,
			"%s port %d ends the connection without a word: no RTMP server is there, "
			"or one that is just starting",
			host, port);
	if (trouble->words.handshake != 3)
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_REFUSED,
			"%s port %d does not speak RTMP", host, port);
	if (has_heard(trouble, "already publishing")) /* nginx-rtmp */
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_IN_USE,
			"%s refuses the stream: it has one with this stream key%s", host, quoted);
	return tr_stream_trouble_say(problem, TR_STREAM_LINK_REFUSED,
		"%s refuses the stream: stream key, application or password wrong%s", host, quoted);
}

/* Why no connection came about. */
int tr_stream_trouble_explain_open(
	const struct tr_stream_trouble *trouble, int rc, struct tr_stream_link_problem *problem)
{
	const char *host = trouble->where.host;
	int port = trouble->where.port;

	switch (rc) {
	case AVERROR(ENOMEM):
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_MEMORY, "out of memory");
	case AVERROR(ECONNREFUSED):
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_NETWORK,
			"no streaming server answers at %s port %d (connection refused)", host,
			port);
	case AVERROR(EHOSTUNREACH):
	case AVERROR(ENETUNREACH):
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_NETWORK,
			"%s cannot be reached (no route to it)", host);
	case AVERROR(ETIMEDOUT):
	case AVERROR_EXIT:
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_NETWORK,
			"%s port %d does not answer (%d s)", host, port,
			(trouble->connect_timeout_ms + 999) / 1000);
	case AVERROR_HTTP_SERVER_ERROR:
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_NETWORK,
			"%s answers that it has a problem of its own", host);
	case AVERROR_PROTOCOL_NOT_FOUND:
	case AVERROR_MUXER_NOT_FOUND:
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_REFUSED,
			"this machine's FFmpeg cannot stream to such a URL");
	default:
		if (explain_tls(trouble, problem) < 0)
			return -EIO;
		return explain_refusal(trouble, problem);
	}
}

/* Why a connection that stood does so no more. */
int tr_stream_trouble_explain_send(
	const struct tr_stream_trouble *trouble, int rc, struct tr_stream_link_problem *problem)
{
	const char *host = trouble->where.host;
	char reason[100];

	switch (rc) {
	case AVERROR(ENOMEM):
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_MEMORY, "out of memory");
	case AVERROR(ETIMEDOUT):
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_NETWORK,
			"%s took no data for %d s", host, (trouble->io_timeout_ms + 999) / 1000);
	case AVERROR_EOF:
	case AVERROR(EIO):
	case AVERROR(EPIPE):
	case AVERROR(ECONNRESET):
		return tr_stream_trouble_say(
			problem, TR_STREAM_LINK_CLOSED, "%s has closed the connection", host);
	case AVERROR_EXIT:
		return tr_stream_trouble_say(
			problem, TR_STREAM_LINK_NETWORK, "%s was too slow at the end", host);
	default:
		if (av_strerror(rc, reason, sizeof(reason)) < 0)
			snprintf(reason, sizeof(reason), "error %d", rc);
		return tr_stream_trouble_say(problem, TR_STREAM_LINK_NETWORK,
			"the connection to %s broke (%s)", host, reason);
	}
}
