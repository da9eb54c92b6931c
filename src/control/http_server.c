#define TR_LOG_AREA "http"

#include "control/http_internal.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONNECTIONS_MAX 64
#define MEMORY_PER_CONNECTION 16384
#define TIMEOUT_S 30
#define LAST_RUNS 10
/* For old ones that no client of ours needs. */
#define TLS_VERSIONS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* ---- requests ---- */

static void take_from(struct tr_http_request **list, struct tr_http_request *request)
{
	for (; *list; list = &(*list)->next)
		if (*list == request) {
			*list = request->next;
			return;
		}
}

void tr_http_server_take_held(struct tr_http_server *server, struct tr_http_request *request)
{
	take_from(&server->held, request);
}

void tr_http_server_run_soon(struct tr_http_server *server)
{
	server->is_resuming = true;
	sd_event_source_set_time_relative(server->timer, 0);
	sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
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
	tr_http_request_destroy(request);
	call(user); /* may destroy us */
	return 0;
}

/* ---- what the library asks ---- */

static enum MHD_Result begin_request(struct tr_http_server *server,
	struct MHD_Connection *connection, const char *path, const char *method, void **context)
{
	struct tr_http_request *request = NULL;

	int rc = tr_http_request_create(server, connection, path, method, &request);
	*context = request;
	return rc == 0 ? MHD_YES : MHD_NO;
}

static enum MHD_Result hand_over(struct tr_http_request *request)
{
	struct tr_http_server *server = request->server;

	request->is_handed_over = true;
	if (request->size > server->settings.body_max)
		tr_http_request_answer(request, MHD_HTTP_CONTENT_TOO_LARGE,
			server->settings.large_type,
			server->settings.large_text ? server->settings.large_text : "");
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
		return tr_http_request_add_body(request, upload, size);
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
		tr_http_request_destroy(request);
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
		tr_http_server_run_soon(server);
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
			event, &server->timer, CLOCK_MONOTONIC, 0, 1, on_timer, server);
	if (rc >= 0)
		rc = sd_event_add_defer(event, &server->later, call_finished, server);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(server->later, SD_EVENT_OFF);
	return rc < 0 ? tr_fail(rc, "the HTTP server cannot be watched") : 0;
}

/* ---- life ---- */

static int start_library(struct tr_http_server *server, int fd, unsigned flags)
{
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, server->certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, server->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (char *)TLS_VERSIONS},
		{MHD_OPTION_END, 0, NULL},
	};

	if (server->certificate)
		flags |= MHD_USE_TLS;
	else
		tls[0] = tls[TR_COUNT(tls) - 1];
	flags |= MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, server,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)server->settings.timeout_s, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_PER_CONNECTION, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (server->daemon)
		return 0;
	if (server->certificate) /* a failed start has closed the socket */
		return tr_fail(-EKEYREJECTED,
			"the certificate or its key cannot be used: both must be PEM, and the key "
			"the certificate's");
	return tr_fail(-EIO, "the HTTP server for port %d does not start", server->port);
}

static int copy_settings(
	struct tr_http_server *server, const struct tr_http_server_settings *settings)
{
	server->settings = *settings;
	if (!server->settings.timeout_s)
		server->settings.timeout_s = TIMEOUT_S;
	if (!settings->certificate)
		return 0;
	server->certificate = strdup(settings->certificate);
	server->key = strdup(settings->key);
	return server->certificate && server->key ? 0 : -ENOMEM;
}

static int start(struct tr_http_server *server)
{
	unsigned flags = 0;
	int fd = -1;

	int rc = tr_http_listen_open(server, &fd, &flags);
	if (rc == 0)
		rc = start_library(server, fd, flags);
	return rc < 0 ? rc : watch(server);
}

int tr_http_server_create(sd_event *event, const struct tr_http_server_settings *settings,
	struct tr_http_server **ret_server)
{
	TR_CLEANUP(tr_http_server_destroyp)
	struct tr_http_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->event = sd_event_ref(event);
	int rc = copy_settings(server, settings);
	if (rc == 0)
		rc = start(server);
	if (rc < 0)
		return rc;
	server->settings.bind = NULL; /* these were borrowed */
	server->settings.socket_path = NULL;
	server->settings.certificate = server->settings.key = NULL;
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
	tr_http_stream_end_all(server);
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
		tr_http_request_destroy(request);
	}
	tr_http_listen_remove(server);
	free(server->socket_path);
	free(server->certificate);
	if (server->key)
		explicit_bzero(server->key, strlen(server->key));
	free(server->key);
	sd_event_unref(server->event);
	free(server);
}

int tr_http_server_port(const struct tr_http_server *server)
{
	return server->port;
}
