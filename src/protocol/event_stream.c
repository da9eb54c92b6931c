#include "protocol/event_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define EVENT_MAX (1 << 20)

struct text {
	char *bytes;
	size_t size, capacity; /* a NUL is always behind the bytes, when there are any */
};

struct tr_event_stream {
	tr_event_stream_fn *call;
	void *user;
	struct text line, type, data;
	bool has_data;
	bool is_too_long; /* the event that comes is */
	bool was_return;  /* a '\n' now is the second half of the end of a line */
};

static int add(struct text *text, const char *bytes, size_t size)
{
	if (text->size + size + 1 > text->capacity) {
		size_t capacity = (text->size + size + 1) * 2;
		char *more = realloc(text->bytes, capacity);
		if (!more)
			return -ENOMEM;
		text->bytes = more;
		text->capacity = capacity;
	}
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
	text->bytes[text->size] = '\0';
	return 0;
}

static void clear(struct text *text)
{
	text->size = 0;
	if (text->bytes)
		text->bytes[0] = '\0';
}

struct tr_event_stream *tr_event_stream_create(tr_event_stream_fn *call, void *user)
{
	struct tr_event_stream *stream = calloc(1, sizeof(*stream));

	if (stream) {
		stream->call = call;
		stream->user = user;
	}
	return stream;
}

void tr_event_stream_destroy(struct tr_event_stream *stream)
{
	if (!stream)
		return;
	free(stream->line.bytes);
	free(stream->type.bytes);
	free(stream->data.bytes);
	free(stream);
}

static int end_event(struct tr_event_stream *stream)
{
	int rc = 0;

	if (stream->has_data && !stream->is_too_long)
		rc = stream->call(stream->type.size ? stream->type.bytes : "message",
			stream->data.bytes, stream->user);
	clear(&stream->type);
	clear(&stream->data);
	stream->has_data = stream->is_too_long = false;
	return rc;
}

static int add_data(struct tr_event_stream *stream, const char *value)
{
	int rc = 0;

	if (stream->data.size + strlen(value) > EVENT_MAX) {
		stream->is_too_long = true;
		return 0;
	}
	if (stream->has_data)
		rc = add(&stream->data, "\n", 1);
	stream->has_data = true;
	return rc < 0 ? rc : add(&stream->data, value, strlen(value));
}

/* "field: value"; a line that begins with ':' is a comment. */
static int end_line(struct tr_event_stream *stream)
{
	char *line = stream->line.bytes;

	if (stream->line.size == 0)
		return end_event(stream);
	char *colon = strchr(line, ':');
	const char *value = line + stream->line.size;
	if (colon) {
		value = colon + 1 + (colon[1] == ' ');
		*colon = '\0';
	}
	if (!strcmp(line, "data"))
		return add_data(stream, value);
	if (strcmp(line, "event") != 0)
		return 0;
	clear(&stream->type);
	return add(&stream->type, value, strlen(value));
}

static int take_text(struct tr_event_stream *stream, const char *data, size_t size)
{
	if (stream->line.size + size <= EVENT_MAX)
		return add(&stream->line, data, size);
	stream->is_too_long = true;
	return 0;
}

int tr_event_stream_feed(struct tr_event_stream *stream, const char *data, size_t size)
{
	const char *end = data + size;

	while (data < end) {
		if (stream->was_return && *data == '\n') {
			stream->was_return = false;
			data++;
			continue;
		}
		stream->was_return = false;
		const char *stop = data;
		while (stop < end && *stop != '\n' && *stop != '\r')
			stop++;
		int rc = take_text(stream, data, (size_t)(stop - data));
		if (rc == 0 && stop < end) {
			stream->was_return = *stop == '\r';
			rc = end_line(stream);
			clear(&stream->line);
			stop++;
		}
		if (rc != 0)
			return rc;
		data = stop;
	}
	return 0;
}
