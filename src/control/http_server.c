#define TR_LOG_AREA "http"

#include "control/http_server.h"

#include "core/clock.h"
#include "core/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 64
#define BACKLOG 32
#define MEMORY_PER_CONNECTION 16384
#define TIMEOUT_S 30
#define LAST_RUNS 10

struct tr_http_request {
	struct tr_http_server *server;
	struct MHD_Connection *connection;
	char *path;
	char *method;
	int64_t begun_ns;
	char *body;
	size_t size; /* may be more than `body` holds: then it is too large */
	size_t capacity;
	bool is_handed_over;
	bool is_held;	 /* suspended until there is an answer */
	unsigned status; /* 0: no answer yet */
	struct MHD_Response *response;
	void (*call)(void *user);
	void *user;
	struct tr_http_request *next; /* tr_http_server.held, .finished */
};

struct tr_http_server {
	sd_event *event;
	struct tr_http_server_settings settings;
	int port;
	struct MHD_Daemon *daemon;
	sd_event_source *io;
	sd_event_source *timer;
	sd_event_source *later; /* calls what `finished` ones asked for */
	struct tr_http_request *held;
	struct tr_http_request *finished;
	bool is_resuming; /* a held request goes on: the library must be run again */
	bool is_ending;
};

/* ---- requests ---- */

static void free_request(struct tr_http_request *request)
{
	if (!request)
		return;
	if (request->response)
		MHD_destroy_response(request->response);
	free(request->path);
	free(request->method);
	free(request->body);
	free(request);
}

static void free_requestp(struct tr_http_request **request)
{
	free_request(*request);
}

static void take_from(struct tr_http_request **list, struct tr_http_request *request)
{
	for (; *list; list = &(*list)->next)
		if (*list == request) {
			*list = request->next;
			return;
		}
}

static void run_soon(struct tr_http_server *server)
{
	server->is_resuming = true;
	sd_event_source_set_time_relative(server->timer, 0);
	sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
}

const char *tr_http_request_path(const struct tr_http_request *request)
{
	return request->path;
}

const char *tr_http_request_method(const struct tr_http_request *request)
{
	return request->method;
}

const char *tr_http_request_header(const struct tr_http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *tr_http_request_body(const struct tr_http_request *request, size_t *ret_size)
{
	*ret_size = request->size;
	return request->body ? request->body : "";
}

void tr_http_request_answer(
	struct tr_http_request *request, unsigned status, const char *type, const char *text)
{
	/* It copies, but takes what is not const. */
	request->response =
		MHD_create_response_from_buffer(strlen(text), (char *)text, MHD_RESPMEM_MUST_COPY);
	if (request->response && type &&
		MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONTENT_TYPE, type) !=
			MHD_YES)
		tr_debug("an answer goes without its type: no memory");
	request->status = status;
	if (request->is_held) {
		take_from(&request->server->held, request);
		request->is_held = false;
		MHD_resume_connection(request->connection);
		run_soon(request->server); /* not now: this may come from within the library */
	}
}

void tr_http_request_call_after(
	struct tr_http_request *request, void (*call)(void *user), void *user)
{
	request->call = call;
	request->user = user;
}

static int call_finished(sd_event_source *source, void *data)
{
	struct tr_http_server *server = data;
	struct tr_http_request *request = server->finished;

	(void)source;
	if (!request)
		return 0;
	server->finished = request->next;
	if (server->finished)
		sd_event_source_set_enabled(server->later, SD_EVENT_ONESHOT);
	void (*call)(void *) = request->call;
	void *user = request->user;
	free_request(request);
	call(user); /* may destroy us */
	return 0;
}

/* ---- what the library asks ---- */

static enum MHD_Result begin_request(struct tr_http_server *server,
	struct MHD_Connection *connection, const char *path, const char *method, void **context)
{
	TR_CLEANUP(free_requestp) struct tr_http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return MHD_NO;
	request->server = server;
	request->connection = connection;
	request->begun_ns = tr_clock_now_ns();
	request->path = strdup(path);
	request->method = strdup(method);
	if (!request->path || !request->method)
		return MHD_NO;
	*context = tr_take(request);
	return MHD_YES;
}

/* What is too large is counted and thrown away, so that the client gets to read the answer. */
static enum MHD_Result add_to_body(struct tr_http_request *request, const char *data, size_t size)
{
	const struct tr_http_server_settings *settings = &request->server->settings;
	int64_t age_ns = tr_clock_now_ns() - request->begun_ns;

	if (age_ns > settings->timeout_s * TR_NS_PER_S)
		return MHD_NO;
	request->size += size;
	if (request->size > settings->body_max)
		return MHD_YES;
	if (request->size > request->capacity) {
		size_t capacity = request->size < 4096 ? 4096 : 2 * request->size;
		char *body = realloc(request->body, capacity);
		if (!body)
			return MHD_NO;
		request->body = body;
		request->capacity = capacity;
	}
	memcpy(request->body + request->size - size, data, size);
	return MHD_YES;
}

static enum MHD_Result hand_over(struct tr_http_request *request)
{
	struct tr_http_server *server = request->server;

	request->is_handed_over = true;
	if (request->size > server->settings.body_max)
		tr_http_request_answer(request, MHD_HTTP_CONTENT_TOO_LARGE, NULL, "");
	else
		server->settings.handle(request, server->settings.user);
	if (request->status)
		return MHD_YES;
	request->is_held = true;
	request->next = server->held;
	server->held = request;
	MHD_suspend_connection(request->connection);
	return MHD_YES;
}

/* Comes for the head of a request, for each piece of its body, for its end, and again when it goes
 * on after it was held. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *path,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **context)
{
	struct tr_http_server *server = data;
	struct tr_http_request *request = *context;

	(void)version;
	if (server->is_ending)
		return MHD_NO;
	if (!request)
		return begin_request(server, connection, path, method, context);
	if (*upload_size > 0) {
		size_t size = *upload_size;
		*upload_size = 0;
		return add_to_body(request, upload, size);
	}
	if (!request->is_handed_over && hand_over(request) != MHD_YES)
		return MHD_NO;
	if (request->is_held)
		return MHD_YES;
	if (!request->response)
		return MHD_NO;
	return MHD_queue_response(connection, request->status, request->response);
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct tr_http_server *server = data;
	struct tr_http_request *request = *context;

	(void)connection;
	(void)code;
	*context = NULL;
	if (!request)
		return;
	take_from(&server->held, request);
	if (!request->call || server->is_ending) {
		free_request(request);
		return;
	}
	request->next = NULL;
	struct tr_http_request **last = &server->finished;
	while (*last)
		last = &(*last)->next;
	*last = request;
	sd_event_source_set_enabled(server->later, SD_EVENT_ONESHOT);
}

__attribute__((format(printf, 2, 0))) static void on_log(
	void *data, const char *format, va_list args)
{
	char text[300];

	(void)data;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	tr_debug("%s", text);
}

/* ---- the loop ---- */

static void run(struct tr_http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	server->is_resuming = false;
	MHD_run(server->daemon);
	if (server->is_resuming) {
		run_soon(server);
		return;
	}
	if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES) {
		sd_event_source_set_enabled(server->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time_relative(server->timer, timeout_ms * 1000);
	sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	(void)source;
	(void)fd;
	(void)revents;
	run(data);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t now_us, void *data)
{
	(void)source;
	(void)now_us;
	run(data);
	return 0;
}

static int watch(struct tr_http_server *server)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	sd_event *event = server->event;

	int rc = info ? sd_event_add_io(event, &server->io, info->epoll_fd, EPOLLIN, on_io, server)
		      : -ENOTSUP;
	if (rc >= 0)
		rc = sd_event_add_time_relative(
			event, &server->timer, CLOCK_MONOTONIC, 0, 0, on_timer, server);
	if (rc >= 0)
		rc = sd_event_add_defer(event, &server->later, call_finished, server);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(server->later, SD_EVENT_OFF);
	return rc < 0 ? tr_fail(rc, "the HTTP server cannot be watched") : 0;
}

/* ---- the socket ---- */

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	const struct sockaddr_in6 *in6 = (const void *)address;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* An address only: a name could make the daemon wait for a name server. */
static int find_address(const char *host, int port, struct addrinfo **ret)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	char service[16];

	snprintf(service, sizeof(service), "%d", port);
	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	int error = getaddrinfo(host, service, &hints, ret);
	if (error == EAI_MEMORY)
		return -ENOMEM;
	return error ? tr_fail(-EINVAL, "\"%s\" is not an IP address to listen at", host) : 0;
}

static int read_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = {.in6 = {0}};
	socklen_t length = sizeof(address);

	if (getsockname(fd, &address.any, &length) < 0)
		return -errno;
	return ntohs(
		address.any.sa_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
}

static int open_socket(const struct addrinfo *address, int *ret_fd)
{
	const int on = 1;

	TR_CLEANUP(tr_closep)
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = tr_take_fd(&fd);
	return 0;
}

static int listen_at(struct tr_http_server *server, int *ret_fd, unsigned *ret_flags)
{
	const struct tr_http_server_settings *settings = &server->settings;
	struct addrinfo *address = NULL;

	int rc = find_address(settings->bind, settings->port, &address);
	if (rc < 0)
		return rc;
	rc = open_socket(address, ret_fd);
	bool is_open = !is_loopback(address->ai_addr);
	*ret_flags = address->ai_family == AF_INET6 ? MHD_USE_DUAL_STACK : 0;
	freeaddrinfo(address);
	if (rc < 0)
		return tr_fail(rc, "cannot listen at %s port %d", settings->bind, settings->port);
	server->port = read_port(*ret_fd);
	if (is_open)
		tr_warning("whoever reaches %s port %d may start and stop recordings",
			settings->bind, server->port);
	return 0;
}

static int start(struct tr_http_server *server)
{
	unsigned flags = 0;
	int fd = -1;

	int rc = listen_at(server, &fd, &flags);
	if (rc < 0)
		return rc;
	flags |= MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, server,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)server->settings.timeout_s, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_PER_CONNECTION, MHD_OPTION_END);
	if (!server->daemon) /* which has closed the socket */
		return tr_fail(-EIO, "the HTTP server for port %d does not start", server->port);
	return watch(server);
}

int tr_http_server_create(sd_event *event, const struct tr_http_server_settings *settings,
	struct tr_http_server **ret_server)
{
	TR_CLEANUP(tr_http_server_destroyp)
	struct tr_http_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->event = sd_event_ref(event);
	server->settings = *settings;
	if (!server->settings.timeout_s)
		server->settings.timeout_s = TIMEOUT_S;
	int rc = start(server);
	if (rc < 0)
		return rc;
	server->settings.bind = NULL; /* was borrowed */
	*ret_server = tr_take(server);
	return 0;
}

/* Answers that were given, but not sent: a socket takes these few bytes at once. */
static void send_answers(struct tr_http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms = 0;

	for (int i = 0; i < LAST_RUNS && timeout_ms == 0; i++) {
		MHD_run(server->daemon);
		if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES)
			return;
	}
}

void tr_http_server_destroy(struct tr_http_server *server)
{
	if (!server)
		return;
	if (server->is_resuming)
		send_answers(server);
	server->is_ending = true;
	while (server->held) { /* the library does not end with a suspended connection */
		struct tr_http_request *request = server->held;
		server->held = request->next;
		request->is_held = false;
		MHD_resume_connection(request->connection);
	}
	sd_event_source_disable_unref(server->io);
	sd_event_source_disable_unref(server->timer);
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	sd_event_source_disable_unref(server->later);
	while (server->finished) {
		struct tr_http_request *request = server->finished;
		server->finished = request->next;
		free_request(request);
	}
	sd_event_unref(server->event);
	free(server);
}

int tr_http_server_port(const struct tr_http_server *server)
{
	return server->port;
}
