#include "browser/cdp_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "core/log.h"

#define TR_LOG_AREA "cdp"
#define READ_SIZE (64 << 10)
#define KEEP_SIZE ((size_t)1 << 20) /* a larger buffer is given back after its message */

struct tr_cdp_pipe {
	int fd;
	sd_event_source *source;
	tr_cdp_pipe_message_fn on_message;
	tr_cdp_pipe_closed_fn on_closed;
	void *user;
	bool is_closed;
	struct tr_cdp_framer in;
	char *out;
	size_t out_sent, out_used, out_capacity;
	char chunk[READ_SIZE];
};

/* Doubles `*bytes` until `needed` fit. */
static int grow(char **bytes, size_t *capacity, size_t needed)
{
	size_t size = *capacity ? *capacity : 4096;

	if (needed <= *capacity)
		return 0;
	while (size < needed)
		size *= 2;
	char *larger = realloc(*bytes, size);
	if (!larger)
		return -ENOMEM;
	*bytes = larger;
	*capacity = size;
	return 0;
}

static int append(struct tr_cdp_framer *framer, const char *bytes, size_t size)
{
	if (framer->used + size > framer->limit) {
		framer->is_skipping = true;
		framer->dropped++;
		return 0;
	}
	int rc = grow(&framer->bytes, &framer->capacity, framer->used + size + 1);
	if (rc < 0)
		return rc;
	memcpy(framer->bytes + framer->used, bytes, size);
	framer->used += size;
	framer->bytes[framer->used] = '\0';
	return 0;
}

static void start_message(struct tr_cdp_framer *framer)
{
	framer->used = 0;
	framer->is_skipping = false;
	if (framer->capacity > KEEP_SIZE) {
		free(tr_take(framer->bytes));
		framer->capacity = 0;
	}
}

int tr_cdp_pipe_feed(struct tr_cdp_framer *framer, const void *bytes, size_t size,
	tr_cdp_pipe_message_fn fn, void *user)
{
	const char *next = bytes;

	while (size) {
		const char *end = memchr(next, '\0', size);
		size_t length = end ? (size_t)(end - next) : size;
		int rc = framer->is_skipping ? 0 : append(framer, next, length);
		if (rc < 0)
			return rc;
		if (!end)
			return 0;
		if (!framer->is_skipping)
			fn(framer->bytes, framer->used, user);
		start_message(framer);
		next = end + 1;
		size -= length + 1;
	}
	return 0;
}

void tr_cdp_pipe_release(struct tr_cdp_framer *framer)
{
	free(tr_take(framer->bytes));
	framer->used = framer->capacity = 0;
}

static void end(struct tr_cdp_pipe *pipe, int rc)
{
	if (pipe->is_closed)
		return;
	pipe->is_closed = true;
	sd_event_source_set_enabled(pipe->source, SD_EVENT_OFF);
	pipe->on_closed(rc, pipe->user);
}

/* Writes what waits. 0 also when not all went. */
static int flush(struct tr_cdp_pipe *pipe)
{
	while (pipe->out_sent < pipe->out_used) {
		ssize_t n = send(pipe->fd, pipe->out + pipe->out_sent,
			pipe->out_used - pipe->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return errno == ECONNRESET ? -EPIPE : -errno;
		if (n < 0)
			return sd_event_source_set_io_events(pipe->source, EPOLLIN | EPOLLOUT);
		pipe->out_sent += (size_t)n;
	}
	pipe->out_sent = pipe->out_used = 0;
	return sd_event_source_set_io_events(pipe->source, EPOLLIN);
}

static int receive(struct tr_cdp_pipe *pipe)
{
	unsigned dropped = pipe->in.dropped;

	ssize_t n = recv(pipe->fd, pipe->chunk, sizeof(pipe->chunk), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? -EPIPE : -errno;
	int rc = tr_cdp_pipe_feed(&pipe->in, pipe->chunk, (size_t)n, pipe->on_message, pipe->user);
	if (pipe->in.dropped != dropped)
		tr_warning("the browser sent a message of more than %zu MiB, which is ignored",
			pipe->in.limit >> 20);
	return rc;
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	(void)source;
	(void)fd;
	struct tr_cdp_pipe *pipe = user;
	int rc = 0;

	if (revents & EPOLLOUT)
		rc = flush(pipe);
	if (rc >= 0 && revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		rc = receive(pipe);
	if (rc < 0)
		end(pipe, rc);
	return 0;
}

int tr_cdp_pipe_open(sd_event *event, int fd, tr_cdp_pipe_message_fn on_message,
	tr_cdp_pipe_closed_fn on_closed, void *user, struct tr_cdp_pipe **ret_pipe)
{
	TR_CLEANUP(tr_closep) int own_fd = fd;
	TR_CLEANUP(tr_cdp_pipe_closep) struct tr_cdp_pipe *pipe = calloc(1, sizeof(*pipe));

	if (!pipe)
		return -ENOMEM;
	pipe->fd = tr_take_fd(&own_fd);
	pipe->in.limit = TR_CDP_PIPE_LIMIT;
	pipe->on_message = on_message;
	pipe->on_closed = on_closed;
	pipe->user = user;
	int rc = sd_event_add_io(event, &pipe->source, pipe->fd, EPOLLIN, on_ready, pipe);
	if (rc < 0)
		return rc;
	*ret_pipe = tr_take(pipe);
	return 0;
}

void tr_cdp_pipe_close(struct tr_cdp_pipe *pipe)
{
	if (!pipe)
		return;
	sd_event_source_disable_unref(pipe->source);
	close(pipe->fd);
	tr_cdp_pipe_release(&pipe->in);
	free(pipe->out);
	free(pipe);
}

int tr_cdp_pipe_send(struct tr_cdp_pipe *pipe, const char *text, size_t length)
{
	if (pipe->is_closed)
		return -EPIPE;
	if (pipe->out_sent) { /* keep the buffer's start for what waits */
		memmove(pipe->out, pipe->out + pipe->out_sent, pipe->out_used - pipe->out_sent);
		pipe->out_used -= pipe->out_sent;
		pipe->out_sent = 0;
	}
	if (length >= TR_CDP_PIPE_LIMIT - pipe->out_used)
		return -ENOBUFS;
	int rc = grow(&pipe->out, &pipe->out_capacity, pipe->out_used + length + 1);
	if (rc < 0)
		return rc;
	memcpy(pipe->out + pipe->out_used, text, length);
	pipe->out[pipe->out_used + length] = '\0';
	pipe->out_used += length + 1;
	/* A dead peer is told by the reader, so that there is one place that says it. */
	rc = flush(pipe);
	return rc < 0 ? -EPIPE : 0;
}
