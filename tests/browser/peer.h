/* A scripted browser: the other end of a DevTools pipe, read and written by the test itself. */
#ifndef TR_TESTS_BROWSER_PEER_H
#define TR_TESTS_BROWSER_PEER_H

#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "core/clock.h"

struct peer {
	sd_event *event;
	int fd; /* its end */
	char bytes[1 << 16];
	size_t used;
};

static inline int peer_start(struct peer *peer)
{
	int fds[2];

	memset(peer, 0, sizeof(*peer));
	assert_true(sd_event_new(&peer->event) >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	peer->fd = fds[1];
	return fds[0];
}

static inline void peer_stop(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	sd_event_unref(peer->event);
}

/* Lets the loop do all that is ready. */
static inline void peer_run(struct peer *peer)
{
	while (sd_event_run(peer->event, 0) > 0)
		;
}

/* The oldest call that was sent; the test owns it. */
static inline json_t *peer_take(struct peer *peer)
{
	char *end;

	while (!(end = memchr(peer->bytes, '\0', peer->used))) {
		ssize_t n = recv(peer->fd, peer->bytes + peer->used,
			sizeof(peer->bytes) - peer->used, MSG_DONTWAIT);
		if (n <= 0)
			return NULL;
		peer->used += (size_t)n;
	}
	json_t *call = json_loads(peer->bytes, 0, NULL);
	assert_non_null(call);
	size_t length = (size_t)(end - peer->bytes) + 1;
	memmove(peer->bytes, peer->bytes + length, peer->used - length);
	peer->used -= length;
	return call;
}

/* Skips to the next call of `method`. */
static inline json_t *peer_expect(struct peer *peer, const char *method)
{
	for (;;) {
		json_t *call = peer_take(peer);
		if (!call)
			fail_msg("no call of %s", method);
		if (!strcmp(json_string_value(json_object_get(call, "method")), method))
			return call;
		json_decref(call);
	}
}

static inline void peer_write(struct peer *peer, const char *text)
{
	assert_int_equal(send(peer->fd, text, strlen(text) + 1, MSG_NOSIGNAL), strlen(text) + 1);
	peer_run(peer);
}

/* Answers (takes) the call; `members` is what stands behind the id, such as "\"result\":{}". */
static inline void peer_answer(struct peer *peer, json_t *call, const char *members)
{
	char text[2048];

	snprintf(text, sizeof(text), "{\"id\":%d,%s}",
		(int)json_integer_value(json_object_get(call, "id")), members);
	json_decref(call);
	peer_write(peer, text);
}

#endif
