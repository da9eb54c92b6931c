#include "test.h"

#include "http_client.h"

#include "core/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_NS (60 * TR_NS_PER_S)
#define TURN_US 10000

static void open_to(
	struct http_client *client, sd_event *event, const struct sockaddr *address, size_t size)
{
	client->event = event;
	client->size = 0;
	client->heard[0] = '\0';
	client->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(client->fd >= 0);
	assert_int_equal(connect(client->fd, address, (socklen_t)size), 0);
}

void http_client_open(struct http_client *client, sd_event *event, int port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	open_to(client, event, (const struct sockaddr *)&address, sizeof(address));
}

void http_client_open_socket(struct http_client *client, sd_event *event, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	open_to(client, event, (const struct sockaddr *)&address, sizeof(address));
}

void http_client_close(struct http_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

static void turn(struct http_client *client, uint64_t at_most_us)
{
	assert_true(sd_event_run(client->event, at_most_us) >= 0);
}

bool http_client_send(struct http_client *client, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = send(client->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return false;
		bytes += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
		turn(client, TURN_US / 10);
	}
	return true;
}

/* False at the end of the stream. */
static bool hear(struct http_client *client)
{
	ssize_t n = recv(client->fd, client->heard + client->size,
		sizeof(client->heard) - 1 - client->size, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		return false;
	client->size += n > 0 ? (size_t)n : 0;
	client->heard[client->size] = '\0';
	return true;
}

void http_client_header(
	const struct http_client *client, const char *name, char *value, size_t size)
{
	const char *end = strstr(client->heard, "\r\n\r\n");
	const char *line = strstr(client->heard, "\r\n");

	value[0] = '\0';
	for (; line && line < end; line = strstr(line + 2, "\r\n"))
		if (!strncasecmp(line + 2, name, strlen(name)) && line[2 + strlen(name)] == ':') {
			line += 2 + strlen(name) + 1;
			line += strspn(line, " ");
			snprintf(value, size, "%.*s", (int)strcspn(line, "\r"), line);
			return;
		}
}

const char *http_client_body(const struct http_client *client)
{
	const char *end = strstr(client->heard, "\r\n\r\n");
	return end ? end + 4 : "";
}

/* The bytes of one whole answer, or 0. */
static size_t answer_size(const struct http_client *client)
{
	char length[32];

	if (!strstr(client->heard, "\r\n\r\n"))
		return 0;
	http_client_header(client, "Content-Length", length, sizeof(length));
	size_t whole =
		(size_t)(http_client_body(client) - client->heard) + strtoul(length, NULL, 10);
	return client->size >= whole ? whole : 0;
}

static int answer_status(const struct http_client *client)
{
	int status = 0;
	return sscanf(client->heard, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

int http_client_wait(struct http_client *client)
{
	int64_t deadline_ns = tr_clock_now_ns() + PATIENCE_NS;
	size_t before = answer_size(client);

	memmove(client->heard, client->heard + before, client->size - before + 1);
	client->size -= before;
	while (answer_size(client) == 0) {
		assert_true(tr_clock_now_ns() < deadline_ns);
		turn(client, TURN_US);
		if (!hear(client))
			return answer_size(client) ? answer_status(client) : 0;
	}
	return answer_status(client);
}

bool http_client_wait_for(struct http_client *client, const char *text)
{
	int64_t deadline_ns = tr_clock_now_ns() + PATIENCE_NS;

	while (!strstr(client->heard, text)) {
		assert_true(tr_clock_now_ns() < deadline_ns);
		turn(client, TURN_US);
		if (!hear(client))
			return strstr(client->heard, text) != NULL;
	}
	return true;
}

bool http_client_hears_within(struct http_client *client, int ms)
{
	int64_t deadline_ns = tr_clock_now_ns() + ms * TR_NS_PER_MS;
	struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};

	while (tr_clock_now_ns() < deadline_ns) {
		turn(client, TURN_US);
		if (poll(&poll_fd, 1, 0) > 0)
			return true;
	}
	return false;
}

int http_client_ask(struct http_client *client, sd_event *event, int port, const char *request_line,
	const char *head, const char *body)
{
	char text[32768];

	http_client_open(client, event, port);
	int size = snprintf(text, sizeof(text),
		"%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n%s\r\n%s", request_line,
		strlen(body), head, body);
	assert_true(size < (int)sizeof(text));
	assert_true(http_client_send(client, text, (size_t)size));
	int status = http_client_wait(client);
	http_client_close(client);
	return status;
}
