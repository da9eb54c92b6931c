#define TR_LOG_AREA "node-api"

#include "control/node_api_internal.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX (1 << 20)
#define TOO_LARGE                                                                                  \
	"{\"error\":{\"status\":413,\"sentence\":\"The body is too large: 1 MiB at most\"}}"
#define TOKEN_MIN 16
#define PEM_MAX (1 << 20)
#define HEARTBEAT_MS 15000

/* Answers to callers without the token wait a second, and only so many at a time. */
#define REFUSALS_MAX 8
#define REFUSAL_NS TR_NS_PER_S

struct tr_node_api_refusal {
	struct tr_http_request *request;
	int64_t due_ns;
	struct tr_node_api_refusal *next; /* oldest first */
};

const struct tr_snapshot *tr_node_api_look(struct tr_node_api *api)
{
	memset(api->snapshot, 0, sizeof(*api->snapshot));
	api->source->read(api->source->user, api->snapshot);
	return api->snapshot;
}

/* ---- who may ---- */

static void answer_refusal(struct tr_http_request *request)
{
	tr_http_request_add_header(request, "WWW-Authenticate", "Bearer");
	tr_node_api_reply_error(request, TR_HTTP_UNAUTHORIZED, NULL,
		"The token is missing or wrong: send \"Authorization: Bearer TOKEN\" with api.token "
		"of this node's secrets.conf");
}

static int on_refusal_due(sd_event_source *source, uint64_t now_us, void *data)
{
	struct tr_node_api *api = data;
	struct tr_node_api_refusal *refusal;

	(void)now_us;
	while ((refusal = api->refusals) && refusal->due_ns <= tr_clock_now_ns()) {
		api->refusals = refusal->next;
		api->refusal_count--;
		answer_refusal(refusal->request);
		free(refusal);
	}
	if (!refusal)
		return 0;
	sd_event_source_set_time(source, (uint64_t)(refusal->due_ns / 1000) + 1);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void refuse_later(struct tr_node_api *api, struct tr_http_request *request)
{
	struct tr_node_api_refusal **last = &api->refusals, *refusal = NULL;

	if (api->refusal_count < REFUSALS_MAX)
		refusal = calloc(1, sizeof(*refusal));
	if (!refusal) {
		tr_node_api_reply_too_many(request, "1");
		return;
	}
	if (api->refusal_count == 0)
		tr_warning("a caller over TCP has not shown the token");
	refusal->request = request;
	refusal->due_ns = tr_clock_now_ns() + REFUSAL_NS;
	while (*last)
		last = &(*last)->next;
	*last = refusal;
	api->refusal_count++;
	sd_event_source_set_time(api->refusal_timer, (uint64_t)(api->refusals->due_ns / 1000) + 1);
	sd_event_source_set_enabled(api->refusal_timer, SD_EVENT_ONESHOT);
}

/* A page in a browser on this machine can send requests here without asking anybody, and by a name
 * that it lets point here it could even read the answers. */
static bool is_from_page(const struct tr_node_api *api, const struct tr_http_request *request)
{
	const char *site = tr_http_request_header(request, "Sec-Fetch-Site");

	return tr_http_request_header(request, "Origin") || (site && strcmp(site, "none") != 0) ||
	       !tr_node_api_access_host_is_ours(tr_http_request_header(request, "Host"), api->name);
}

/* A proxy before the socket may bring pages, too, with the rights of whoever looks at them. */
static bool is_admitted_at_socket(struct tr_http_request *request)
{
	const char *site = tr_http_request_header(request, "Sec-Fetch-Site");

	if (!site || strcmp(site, "cross-site") != 0)
		return true;
	tr_node_api_reply_error(
		request, TR_HTTP_FORBIDDEN, NULL, "Pages of other sites may not ask this node");
	return false;
}

static bool is_admitted(struct tr_node_api *api, struct tr_http_request *request)
{
	if (*api->token) {
		const char *shown = tr_http_request_header(request, "Authorization");
		if (tr_node_api_access_has_token(shown, api->token))
			return true;
		refuse_later(api, request);
		return false;
	}
	if (!is_from_page(api, request))
		return true;
	tr_node_api_reply_error(request, TR_HTTP_FORBIDDEN, NULL,
		"Web pages may not ask this node, and its name must be an IP address or localhost; "
		"set api.token to be asked by other names");
	return false;
}

/* ---- what is asked ---- */

struct query_taker {
	struct tr_node_api_call *call;
	char name[64], why[300];
	bool is_wrong;
};

static bool take_parameter(const char *name, const char *value, void *user)
{
	struct query_taker *taker = user;

	taker->is_wrong =
		tr_node_api_query_take(&taker->call->query, taker->call->route->parameters, name,
			value, taker->why, sizeof(taker->why)) < 0;
	if (taker->is_wrong)
		snprintf(taker->name, sizeof(taker->name), "%s", name);
	return !taker->is_wrong;
}

static bool read_query(struct tr_node_api_call *call)
{
	struct query_taker taker = {.call = call};

	tr_node_api_query_init(&call->query, call->route->parameters);
	tr_http_request_each_parameter(call->request, take_parameter, &taker);
	if (taker.is_wrong)
		tr_node_api_reply_error(
			call->request, TR_HTTP_BAD_REQUEST, taker.name, "%s", taker.why);
	return !taker.is_wrong;
}

/* Only a client that is no web page can name these types without being asked before. */
static bool is_of_type(const struct tr_http_request *request, const char *wanted)
{
	const char *type = tr_http_request_header(request, "Content-Type");
	size_t length = type ? strcspn(type, "; \t") : 0;

	return length == strlen(wanted) && !strncasecmp(type, wanted, length);
}

static bool read_body(struct tr_node_api_call *call)
{
	bool is_text = call->route->body == TR_NODE_API_TEXT_BODY;
	const char *wanted = is_text ? "text/plain" : TR_NODE_API_JSON;
	char member[64], why[300];
	size_t size;

	if (!strcmp(call->route->method, "GET"))
		return true;
	const char *body = tr_http_request_body(call->request, &size);
	bool has_type = tr_http_request_header(call->request, "Content-Type") != NULL;
	if ((size > 0 || has_type || is_text) && !is_of_type(call->request, wanted)) {
		tr_node_api_reply_error(call->request, TR_HTTP_WRONG_TYPE, NULL,
			"The body's Content-Type must be %s", wanted);
		return false;
	}
	if (is_text)
		return true;
	if (tr_node_api_query_read_body(body, size, call->route->members, &call->body, member,
		    sizeof(member), why, sizeof(why)) == 0)
		return true;
	tr_node_api_reply_error(call->request, TR_HTTP_BAD_REQUEST, member, "%s", why);
	return false;
}

static void answer(struct tr_node_api *api, struct tr_http_request *request)
{
	struct tr_node_api_call call = {.api = api, .request = request};
	const char *method = tr_http_request_method(request);
	const char *path = tr_http_request_path(request);
	char allow[100];

	call.route = tr_node_api_routes_find(method, path, &call, allow, sizeof(allow));
	if (!call.route && *allow) {
		tr_http_request_add_header(request, "Allow", allow);
		tr_node_api_reply_error(request, TR_HTTP_METHOD_NOT_ALLOWED, NULL,
			"Here these methods are understood: %s", allow);
	} else if (!call.route) {
		tr_node_api_reply_error(request, TR_HTTP_NOT_FOUND, NULL,
			"There is no such path; /v1/openapi.yaml names all");
	} else if (read_query(&call) && read_body(&call)) {
		call.route->answer(&call);
	}
	json_decref(call.body);
}

static void handle(struct tr_http_request *request, void *user)
{
	struct tr_node_api_door *door = user;

	tr_http_request_add_header(request, "X-Content-Type-Options", "nosniff");
	tr_http_request_add_header(request, "Cache-Control", "no-store");
	if (door->is_tcp ? is_admitted(door->api, request) : is_admitted_at_socket(request))
		answer(door->api, request);
}

/* ---- its doors ---- */

static int open_door(struct tr_node_api_door *door, struct tr_http_server_settings *settings)
{
	settings->is_guarded = true;
	settings->body_max = BODY_MAX;
	settings->large_type = TR_NODE_API_JSON;
	settings->large_text = TOO_LARGE;
	settings->handle = handle;
	settings->user = door;
	return tr_http_server_create(door->api->event, settings, &door->server);
}

static int open_socket(struct tr_node_api *api, const struct tr_node_api_settings *settings)
{
	struct tr_http_server_settings server = {
		.socket_path = settings->socket_path,
		.socket_mode = settings->socket_mode,
	};
	return open_door(&api->socket, &server);
}

static int check_address(const struct tr_node_api_settings *settings)
{
	bool has_tls = *settings->certificate_file || *settings->key_file;

	if (has_tls && (!*settings->certificate_file || !*settings->key_file))
		return tr_fail(
			-EINVAL, "api.certificate and api.key go together: one of them is not set");
	if (*settings->token && strlen(settings->token) < TOKEN_MIN)
		return tr_fail(
			-EINVAL, "api.token is too short: %d characters at least", TOKEN_MIN);
	if (tr_node_api_access_is_loopback(settings->bind) || (has_tls && *settings->token))
		return 0;
	return tr_fail(-EINVAL,
		"the node API is not served at %s: others than this machine reach that address, so "
		"api.certificate, api.key and api.token must be set",
		settings->bind);
}

static int read_pem(const char *path, char **ret)
{
	size_t size;

	int rc = tr_file_read(AT_FDCWD, path, PEM_MAX, ret, &size);
	return rc < 0 ? tr_fail(rc, "cannot read %s for the node API", path) : 0;
}

static void free_secret(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

static int open_tcp(struct tr_node_api *api, const struct tr_node_api_settings *settings)
{
	TR_CLEANUP(tr_freep) char *certificate = NULL;
	TR_CLEANUP(free_secret) char *key = NULL;

	int rc = check_address(settings);
	if (rc == 0 && *settings->certificate_file)
		rc = read_pem(settings->certificate_file, &certificate);
	if (rc == 0 && *settings->key_file)
		rc = read_pem(settings->key_file, &key);
	if (rc < 0)
		return rc;
	struct tr_http_server_settings server = {
		.bind = settings->bind,
		.port = settings->port,
		.certificate = certificate,
		.key = key,
	};
	return open_door(&api->tcp, &server);
}

static int start(struct tr_node_api *api, const struct tr_node_api_settings *settings)
{
	api->heartbeat_ms = settings->heartbeat_ms ? settings->heartbeat_ms : HEARTBEAT_MS;
	api->token = strdup(settings->token);
	api->name = strdup(settings->name ? settings->name : "");
	api->snapshot = calloc(1, sizeof(*api->snapshot));
	if (!api->token || !api->name || !api->snapshot)
		return -ENOMEM;
	int rc = sd_event_add_time(
		api->event, &api->refusal_timer, CLOCK_MONOTONIC, 0, 0, on_refusal_due, api);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(api->refusal_timer, SD_EVENT_OFF);
	if (rc >= 0)
		rc = tr_node_api_events_begin(api);
	if (rc >= 0 && *settings->socket_path)
		rc = open_socket(api, settings);
	if (rc >= 0 && settings->port >= 0)
		rc = open_tcp(api, settings);
	return rc < 0 ? rc : 0;
}

int tr_node_api_create(sd_event *event, const struct tr_node_api_settings *settings,
	const struct tr_node_api_source *source, struct tr_node_api **ret_api)
{
	TR_CLEANUP(tr_node_api_destroyp) struct tr_node_api *api = calloc(1, sizeof(*api));

	if (!api)
		return -ENOMEM;
	api->event = sd_event_ref(event);
	api->source = source;
	api->socket.api = api->tcp.api = api;
	api->tcp.is_tcp = true;
	int rc = start(api, settings);
	if (rc < 0)
		return rc;
	*ret_api = tr_take(api);
	return 0;
}

void tr_node_api_destroy(struct tr_node_api *api)
{
	if (!api)
		return;
	tr_http_server_destroy(api->socket.server); /* ends the listeners, too */
	tr_http_server_destroy(api->tcp.server);
	tr_node_api_events_end(api);
	tr_node_api_pictures_end(api);
	while (api->refusals) {
		struct tr_node_api_refusal *refusal = api->refusals;
		api->refusals = refusal->next;
		free(refusal);
	}
	sd_event_source_disable_unref(api->refusal_timer);
	free_secret(&api->token);
	free(api->name);
	free(api->snapshot);
	sd_event_unref(api->event);
	free(api);
}

int tr_node_api_port(const struct tr_node_api *api)
{
	return api->tcp.server ? tr_http_server_port(api->tcp.server) : -1;
}
