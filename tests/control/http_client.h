/* A client that shares its thread and loop with the server: it sends bytes as they are and turns
 * the loop until the answer is there. */
#ifndef TR_TESTS_HTTP_CLIENT_H
#define TR_TESTS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct http_client {
	sd_event *event;
	int fd;
	size_t size;
	char heard[65536]; /* all that came, terminated */
};

/* To 127.0.0.1, or to a Unix socket. Fails the test when it cannot. */
void http_client_open(struct http_client *client, sd_event *event, int port);
void http_client_open_socket(struct http_client *client, sd_event *event, const char *path);
void http_client_close(struct http_client *client);

/* All of it, turning the loop where the server does not read fast enough. False when the server
 * has closed. */
bool http_client_send(struct http_client *client, const char *bytes, size_t size);

/* Turns the loop until an answer is complete, and gives its status; 0 when the server closed
 * without one. Takes the answer before it out of `heard`. */
int http_client_wait(struct http_client *client);

/* Turns the loop until `text` has come; false when the server has closed before. */
bool http_client_wait_for(struct http_client *client, const char *text);

/* True when an answer, or the end, comes within `ms`: for what must not come. */
bool http_client_hears_within(struct http_client *client, int ms);

/* Of the answer: "" when there is none. The value of a header ends at `value`'s size. */
const char *http_client_body(const struct http_client *client);
void http_client_header(
	const struct http_client *client, const char *name, char *value, size_t size);

/* One request on a connection of its own, and its status. `head` are further header lines, each
 * with its CRLF. */
int http_client_ask(struct http_client *client, sd_event *event, int port, const char *request_line,
	const char *head, const char *body);

#endif
