#include "fake/node_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define REQUEST_MAX 65536

struct node_server {
	int fd, port;
	char token[128];
	const struct node_server_route *routes;
	unsigned used[256];
	pthread_t thread;
	pthread_mutex_t lock;
	unsigned connection_count;
	struct connection {
		struct node_server *server;
		int fd;
		pthread_t thread;
	} connections[CONNECTIONS_MAX];
	char log[1 << 18], shown[1 << 18];
};

static void note(struct node_server *server, const char *kind, const char *text)
{
	pthread_mutex_lock(&server->lock);
	size_t length = strlen(server->log);
	snprintf(server->log + length, sizeof(server->log) - length, "%s%s\n", kind, text);
	pthread_mutex_unlock(&server->lock);
}

static void send_all(int fd, const void *data, size_t size)
{
	while (size > 0) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		data = (const char *)data + sent;
		size -= (size_t)sent;
	}
}

/* The value of a header into `out`, "" when it is not there. */
static void find_header(const char *head, const char *name, char *out, size_t size)
{
	out[0] = '\0';
	for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		size_t length = strlen(name);
		if (strncasecmp(line + 2, name, length) != 0 || line[2 + length] != ':')
			continue;
		const char *value = line + 3 + length + strspn(line + 3 + length, " ");
		snprintf(out, size, "%.*s", (int)strcspn(value, "\r"), value);
		return;
	}
}

/* The head and the body, which is where the second NUL-terminated string begins. */
static char *read_request(struct node_server *server, int fd, char *buffer)
{
	size_t size = 0;
	char *end = NULL, length[32];
	ssize_t got;

	while (!end && size < REQUEST_MAX - 1 &&
		(got = recv(fd, buffer + size, REQUEST_MAX - 1 - size, 0)) > 0) {
		size += (size_t)got;
		buffer[size] = '\0';
		end = strstr(buffer, "\r\n\r\n");
	}
	if (!end)
		return NULL;
	char *body = end + 4;
	end[2] = '\0';
	find_header(buffer, "Content-Length", length, sizeof(length));
	size_t wanted = (size_t)strtoul(length, NULL, 10);
	while (size < (size_t)(body - buffer) + wanted && size < REQUEST_MAX - 1 &&
		(got = recv(fd, buffer + size, REQUEST_MAX - 1 - size, 0)) > 0)
		size += (size_t)got;
	buffer[size] = '\0';
	if (size != (size_t)(body - buffer) + wanted)
		note(server, "FAULT ", "a body that is not as long as it says");
	return body;
}

static void check_head(struct node_server *server, const char *head, const char *body)
{
	char value[256];

	if (!strstr(head, " HTTP/1.1\r\n"))
		note(server, "FAULT ", "not HTTP/1.1");
	find_header(head, "Host", value, sizeof(value));
	if (!value[0])
		note(server, "FAULT ", "no Host");
	find_header(head, "Content-Type", value, sizeof(value));
	if (body[0] && strcmp(value, "application/json") != 0 && strcmp(value, "text/plain") != 0)
		note(server, "FAULT ", "a body of another type");
	if (!body[0] && value[0])
		note(server, "FAULT ", "a type without a body");
	find_header(head, "Expect", value, sizeof(value));
	if (value[0])
		note(server, "FAULT ", "it expects something");
}

static const struct node_server_route *find_route(struct node_server *server, const char *request)
{
	const struct node_server_route *found = NULL;

	pthread_mutex_lock(&server->lock);
	for (unsigned i = 0; server->routes[i].request; i++) {
		if (strcmp(server->routes[i].request, request) != 0)
			continue;
		found = &server->routes[i];
		if (server->used[i]++ == 0)
			break;
	}
	pthread_mutex_unlock(&server->lock);
	return found;
}

static void wait_for_end(int fd)
{
	char byte;

	while (recv(fd, &byte, 1, 0) > 0)
		;
}

static void answer(int fd, int status, const char *type, const char *extra, const char *body,
	size_t size, const struct node_server_route *route)
{
	char head[512];
	bool is_open = route && route->stays_open;

	snprintf(head, sizeof(head), "HTTP/1.1 %d x\r\nContent-Type: %s\r\n%sConnection: close\r\n",
		status, type, extra);
	send_all(fd, head, strlen(head));
	if (!is_open) {
		snprintf(head, sizeof(head), "Content-Length: %zu\r\n", size);
		send_all(fd, head, strlen(head));
	}
	send_all(fd, "\r\n", 2);
	send_all(fd, body, route && route->cut && route->cut < size ? route->cut : size);
	if (is_open)
		wait_for_end(fd);
}

static void answer_route(int fd, const struct node_server_route *route, const char *range)
{
	size_t size = route->size ? route->size : strlen(route->body ? route->body : "");
	const char *type = route->type ? route->type : "application/json";
	size_t from = 0;
	char extra[160] = "";

	if (route->hangs) {
		wait_for_end(fd);
		return;
	}
	if (!route->has_ranges || sscanf(range, "bytes=%zu-", &from) != 1) {
		answer(fd, route->status ? route->status : 200, type, "", route->body, size, route);
		return;
	}
	if (from >= size) {
		snprintf(extra, sizeof(extra), "Content-Range: bytes */%zu\r\n", size);
		answer(fd, 416, type, extra, "", 0, NULL);
		return;
	}
	snprintf(
		extra, sizeof(extra), "Content-Range: bytes %zu-%zu/%zu\r\n", from, size - 1, size);
	answer(fd, 206, type, extra, route->body + from, size - from, route);
}

static void serve_request(struct node_server *server, int fd, char *buffer)
{
	char request[2048], line[REQUEST_MAX], range[64], given[256], wanted[160];
	char *body = read_request(server, fd, buffer);

	if (!body)
		return;
	check_head(server, buffer, body);
	const char *end = strstr(buffer, " HTTP/");
	snprintf(request, sizeof(request), "%.*s", end ? (int)(end - buffer) : 0, buffer);
	find_header(buffer, "Range", range, sizeof(range));
	snprintf(line, sizeof(line), "%s%s%s%s%s%s", request, range[0] ? " [" : "", range,
		range[0] ? "]" : "", body[0] ? " " : "", body);
	note(server, "", line);
	find_header(buffer, "Authorization", given, sizeof(given));
	snprintf(wanted, sizeof(wanted), "%s%s", server->token[0] ? "Bearer " : "", server->token);
	if (strcmp(given, wanted) != 0) {
		const char *text = "{\"error\":{\"status\":401,\"sentence\":\"no\"}}";
		answer(fd, 401, "application/json", "", text, strlen(text), NULL);
		return;
	}
	const struct node_server_route *route = find_route(server, request);
	if (!route)
		note(server, "FAULT not in the table: ", request);
	if (route)
		answer_route(fd, route, range);
	else
		answer(fd, 500, "application/json", "", "{}", 2, NULL);
}

static void *serve(void *user)
{
	struct connection *connection = user;
	char *buffer = malloc(REQUEST_MAX);

	if (buffer)
		serve_request(connection->server, connection->fd, buffer);
	free(buffer);
	shutdown(connection->fd, SHUT_RDWR);
	return NULL;
}

static void *accept_all(void *user)
{
	struct node_server *server = user;
	int fd;

	while ((fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (server->connection_count == CONNECTIONS_MAX)
			abort();
		struct connection *connection = &server->connections[server->connection_count];
		*connection = (struct connection){.server = server, .fd = fd};
		if (pthread_create(&connection->thread, NULL, serve, connection) != 0)
			abort();
		server->connection_count++;
	}
	return NULL;
}

static int listen_at(struct node_server *server, const char *path)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	struct sockaddr_in inet = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(inet);

	server->fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (path) {
		snprintf(local.sun_path, sizeof(local.sun_path), "%s", path);
		return bind(server->fd, (void *)&local, sizeof(local)) < 0 ||
		       listen(server->fd, 16) < 0;
	}
	if (bind(server->fd, (void *)&inet, sizeof(inet)) < 0 || listen(server->fd, 16) < 0 ||
		getsockname(server->fd, (void *)&inet, &size) < 0)
		return -1;
	server->port = ntohs(inet.sin_port);
	return 0;
}

struct node_server *node_server_start(
	const char *path, const char *token, const struct node_server_route *routes)
{
	struct node_server *server = calloc(1, sizeof(*server));

	if (!server || listen_at(server, path) != 0)
		abort();
	server->routes = routes;
	snprintf(server->token, sizeof(server->token), "%s", token ? token : "");
	pthread_mutex_init(&server->lock, NULL);
	if (pthread_create(&server->thread, NULL, accept_all, server) != 0)
		abort();
	return server;
}

void node_server_stop(struct node_server *server)
{
	if (!server)
		return;
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
	for (unsigned i = 0; i < server->connection_count; i++) {
		shutdown(server->connections[i].fd, SHUT_RDWR);
		pthread_join(server->connections[i].thread, NULL);
		close(server->connections[i].fd);
	}
	pthread_mutex_destroy(&server->lock);
	free(server);
}

int node_server_port(const struct node_server *server)
{
	return server->port;
}

const char *node_server_log(struct node_server *server)
{
	pthread_mutex_lock(&server->lock);
	memcpy(server->shown, server->log, sizeof(server->shown));
	pthread_mutex_unlock(&server->lock);
	return server->shown;
}

unsigned node_server_count(struct node_server *server, const char *request)
{
	unsigned count = 0;
	size_t length = strlen(request);

	for (const char *line = node_server_log(server); line && *line;) {
		count += !strncmp(line, request, length) && line[length] == '\n';
		line = strchr(line, '\n');
		line += line ? 1 : 0;
	}
	return count;
}
