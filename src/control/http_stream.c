#define TR_LOG_AREA "http"

#include "control/http_internal.h"
#include "core/log.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define BLOCK 8192 /* at most that much at a time to the library */

struct tr_http_stream {
	struct tr_http_server *server;
	struct MHD_Connection *connection;
	sd_event_source *watch; /* for the client's end: the library does not look while it waits */
	bool is_waiting;	/* the connection is suspended until there is something to send */
	bool is_ended;
	size_t limit, first, size; /* of the ring */
	tr_http_stream_gone_fn *gone;
	void *user;
	struct tr_http_stream *next; /* tr_http_server.streams */
	char bytes[];
};

static void go_on(struct tr_http_stream *stream)
{
	if (!stream->is_waiting)
		return;
	stream->is_waiting = false;
	MHD_resume_connection(stream->connection);
	tr_http_server_run_soon(stream->server);
}

static void copy_out(struct tr_http_stream *stream, char *out, size_t size)
{
	size_t straight = stream->limit - stream->first;
	size_t part = size < straight ? size : straight;

	memcpy(out, stream->bytes + stream->first, part);
	memcpy(out + part, stream->bytes, size - part);
	stream->first = (stream->first + size) % stream->limit;
	stream->size -= size;
}

/* What the library asks for the next bytes. */
static ssize_t read_stream(void *data, uint64_t position, char *out, size_t max)
{
	struct tr_http_stream *stream = data;
	size_t size = stream->size < max ? stream->size : max;

	(void)position;
	if (size > 0) {
		copy_out(stream, out, size);
		return (ssize_t)size;
	}
	if (stream->is_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	stream->is_waiting = true;
	MHD_suspend_connection(stream->connection);
	return 0;
}

static int on_client_end(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct tr_http_stream *stream = data;

	(void)fd;
	(void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	stream->is_ended = true;
	stream->size = 0;
	go_on(stream);
	return 0;
}

static int watch(struct tr_http_stream *stream)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (!info)
		return -ENOTSUP;
	return sd_event_add_io(stream->server->event, &stream->watch, info->connect_fd, EPOLLRDHUP,
		on_client_end, stream);
}

int tr_http_request_answer_stream(struct tr_http_request *request, const char *type, size_t limit,
	tr_http_stream_gone_fn *gone, void *user, struct tr_http_stream **ret_stream)
{
	TR_CLEANUP(tr_freep) struct tr_http_stream *stream = calloc(1, sizeof(*stream) + limit);

	if (!stream)
		return -ENOMEM;
	stream->server = request->server;
	stream->connection = request->connection;
	stream->limit = limit;
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK, read_stream, stream, NULL);
	if (!response)
		return -ENOMEM;
	int rc = watch(stream);
	if (rc < 0) {
		MHD_destroy_response(response);
		return rc;
	}
	stream->gone = gone;
	stream->user = user;
	stream->next = request->server->streams;
	request->server->streams = stream;
	request->stream = *ret_stream = tr_take(stream);
	tr_http_request_add_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	tr_http_request_respond(request, MHD_HTTP_OK, response);
	return 0;
}

int tr_http_stream_push(struct tr_http_stream *stream, const void *bytes, size_t size)
{
	if (stream->is_ended || size > stream->limit - stream->size)
		return -ENOBUFS;
	size_t place = (stream->first + stream->size) % stream->limit;
	size_t straight = stream->limit - place;
	size_t part = size < straight ? size : straight;
	memcpy(stream->bytes + place, bytes, part);
	memcpy(stream->bytes, (const char *)bytes + part, size - part);
	stream->size += size;
	go_on(stream);
	return 0;
}

void tr_http_stream_end_all(struct tr_http_server *server)
{
	for (struct tr_http_stream *stream = server->streams; stream; stream = stream->next) {
		stream->is_ended = true; /* what waits is still sent */
		go_on(stream);
	}
}

void tr_http_stream_destroy(struct tr_http_stream *stream)
{
	if (!stream)
		return;
	for (struct tr_http_stream **link = &stream->server->streams; *link; link = &(*link)->next)
		if (*link == stream) {
			*link = stream->next;
			break;
		}
	sd_event_source_disable_unref(stream->watch);
	if (stream->gone)
		stream->gone(stream->user);
	free(stream);
}
