#define TR_LOG_AREA "http"

#include "control/http_internal.h"
#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void tr_http_request_destroy(struct tr_http_request *request)
{
	if (!request)
		return;
	if (request->response)
		MHD_destroy_response(request->response);
	tr_http_stream_destroy(request->stream);
	for (unsigned i = 0; i < request->header_count; i++)
		free(request->headers[i].value);
	free(request->path);
	free(request->method);
	free(request->body);
	free(request);
}

int tr_http_request_create(struct tr_http_server *server, struct MHD_Connection *connection,
	const char *path, const char *method, struct tr_http_request **ret_request)
{
	TR_CLEANUP(tr_http_request_destroyp)
	struct tr_http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return -ENOMEM;
	request->server = server;
	request->connection = connection;
	request->begun_ns = tr_clock_now_ns();
	request->path = strdup(path);
	request->method = strdup(method);
	if (!request->path || !request->method)
		return -ENOMEM;
	*ret_request = tr_take(request);
	return 0;
}

enum MHD_Result tr_http_request_add_body(
	struct tr_http_request *request, const char *data, size_t size)
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

/* ---- what was asked ---- */

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

struct parameters {
	bool (*take)(const char *name, const char *value, void *user);
	void *user;
};

static enum MHD_Result on_parameter(
	void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const struct parameters *parameters = data;

	(void)kind;
	return parameters->take(name, value ? value : "", parameters->user) ? MHD_YES : MHD_NO;
}

void tr_http_request_each_parameter(const struct tr_http_request *request,
	bool (*take)(const char *name, const char *value, void *user), void *user)
{
	struct parameters parameters = {take, user};

	MHD_get_connection_values(
		request->connection, MHD_GET_ARGUMENT_KIND, on_parameter, &parameters);
}

/* ---- the answer ---- */

void tr_http_request_add_header(
	struct tr_http_request *request, const char *name, const char *value)
{
	unsigned i = 0;

	while (i < request->header_count && strcmp(request->headers[i].name, name) != 0)
		i++;
	char *copy = i < TR_HTTP_HEADERS_MAX ? strdup(value) : NULL;
	if (!copy) {
		tr_debug("an answer goes without its %s: no memory", name);
		return;
	}
	free(request->headers[i].value);
	request->headers[i].name = name;
	request->headers[i].value = copy;
	if (i == request->header_count)
		request->header_count++;
}

static void add_headers(const struct tr_http_request *request, struct MHD_Response *response)
{
	for (unsigned i = 0; i < request->header_count; i++)
		if (MHD_add_response_header(response, request->headers[i].name,
			    request->headers[i].value) != MHD_YES)
			tr_debug("an answer goes without its %s", request->headers[i].name);
}

void tr_http_request_respond(
	struct tr_http_request *request, unsigned status, struct MHD_Response *response)
{
	if (response)
		add_headers(request, response);
	request->response = response;
	request->status = status;
	if (request->is_held) {
		tr_http_server_take_held(request->server, request);
		request->is_held = false;
		MHD_resume_connection(request->connection);
		/* Not now: this may come from within the library. */
		tr_http_server_run_soon(request->server);
	}
}

void tr_http_request_answer_bytes(struct tr_http_request *request, unsigned status,
	const char *type, const void *bytes, size_t size)
{
	/* It copies, but takes what is not const. */
	struct MHD_Response *response =
		MHD_create_response_from_buffer(size, (void *)bytes, MHD_RESPMEM_MUST_COPY);

	if (type)
		tr_http_request_add_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	tr_http_request_respond(request, status, response);
}

void tr_http_request_answer(
	struct tr_http_request *request, unsigned status, const char *type, const char *text)
{
	tr_http_request_answer_bytes(request, status, type, text, strlen(text));
}

void tr_http_request_call_after(
	struct tr_http_request *request, void (*call)(void *user), void *user)
{
	request->call = call;
	request->user = user;
}

/* ---- files ---- */

static void format_date(time_t when, char *out, size_t size)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm = {0};

	gmtime_r(&when, &tm); /* HTTP's words are English ones: no strftime() */
	snprintf(out, size, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* A range counts for a GET only, and only while the file is the one that the client knows. */
static int find_range(const struct tr_http_request *request, const struct stat *st, const char *tag,
	int64_t *first, int64_t *count)
{
	const char *range = tr_http_request_header(request, MHD_HTTP_HEADER_RANGE);
	const char *condition = tr_http_request_header(request, MHD_HTTP_HEADER_IF_RANGE);

	*first = 0;
	*count = st->st_size;
	if (!range || strcmp(request->method, MHD_HTTP_METHOD_GET) != 0 ||
		(condition && strcmp(condition, tag) != 0))
		return 0;
	int rc = tr_http_range_parse(range, st->st_size, first, count);
	return rc == 0 ? 1 : rc == -EINVAL ? 0 : rc;
}

int tr_http_request_answer_file(
	struct tr_http_request *request, const char *type, int fd, int64_t *ret_size)
{
	int64_t first, count;
	char tag[64], date[64], range[80];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	*ret_size = st.st_size;
	snprintf(tag, sizeof(tag), "\"%" PRIx64 "-%" PRIx64 ".%lx\"", (int64_t)st.st_size,
		(int64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	int is_part = find_range(request, &st, tag, &first, &count);
	if (is_part < 0)
		return is_part;
	struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(
		(uint64_t)count, fd, (uint64_t)first); /* it closes the descriptor */
	if (!response)
		return -ENOMEM;
	format_date(st.st_mtim.tv_sec, date, sizeof(date));
	tr_http_request_add_header(request, MHD_HTTP_HEADER_ETAG, tag);
	tr_http_request_add_header(request, MHD_HTTP_HEADER_LAST_MODIFIED, date);
	tr_http_request_add_header(request, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	tr_http_request_add_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (is_part) {
		snprintf(range, sizeof(range), "bytes %" PRId64 "-%" PRId64 "/%" PRId64, first,
			first + count - 1, (int64_t)st.st_size);
		tr_http_request_add_header(request, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	}
	tr_http_request_respond(
		request, is_part ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
	return 0;
}
