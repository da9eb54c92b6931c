#include "protocol/node_client.h"

#include "protocol/event_stream.h"
#include "protocol/node_client_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define TIMEOUT_MS 30000
#define CONNECT_MS 8000
#define ANSWER_MAX (64 << 20)
#define PATH_SIZE 4096

/* One request and what comes back. */
struct transfer {
	struct tr_node_client *client;
	const char *method, *path, *type, *text; /* text NULL: no body */
	int64_t offset;
	int64_t skip;	    /* the node sends the file from its beginning */
	int64_t total_size; /* -1: not known */
	tr_node_client_data_fn *take;
	struct tr_event_stream *events;
	tr_node_client_event_fn *call;
	void *user;
	char *answer; /* NUL-terminated */
	size_t size;
	bool has_begun;
	int rc; /* of a function of the caller's, or ours */
};

/* ---- settings ---- */

static bool is_loopback(const char *authority)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; i < TR_COUNT(names); i++) {
		size_t length = strlen(names[i]);
		if (!strncmp(authority, names[i], length) &&
			(!authority[length] || authority[length] == ':'))
			return true;
	}
	return false;
}

static int take_node(struct tr_node_client *client, const char *node)
{
	bool is_tls = !strncmp(node, "https://", 8);
	const char *authority = strstr(node, "://");

	if (node[0] == '/') {
		if (strlen(node) >= sizeof(((struct sockaddr_un *)0)->sun_path))
			return tr_node_client_refuse(
				client, -EINVAL, "the socket's path %s is too long", node);
		client->socket_path = strdup(node);
		client->base = strdup("http://localhost");
		return client->socket_path && client->base ? 0 : -ENOMEM;
	}
	if (!authority || (!is_tls && strncmp(node, "http://", 7) != 0))
		return tr_node_client_refuse(client, -EINVAL,
			"\"%s\" is no node: give an address like https://recorder.example.org:8443 "
			"or the full path of a socket",
			node);
	authority += 3;
	if (authority[strcspn(authority, "?#@")] || strcspn(authority, "/") + 1 < strlen(authority))
		return tr_node_client_refuse(client, -EINVAL,
			"\"%s\" must be only https://HOST:PORT, with nothing behind it", node);
	if (!is_tls && client->token && !is_loopback(authority))
		return tr_node_client_refuse(client, -EINVAL,
			"the token would go over the network for everybody to read: use https:// for "
			"%s",
			authority);
	client->base = strdup(node);
	if (!client->base)
		return -ENOMEM;
	client->base[strcspn(client->base, "/") + 2 + strcspn(authority, "/")] = '\0';
	return 0;
}

static int copy(char **place, const char *text)
{
	*place = text && text[0] ? strdup(text) : NULL;
	return text && text[0] && !*place ? -ENOMEM : 0;
}

int tr_node_client_create(
	const struct tr_node_client_settings *settings, struct tr_node_client **ret_client)
{
	TR_CLEANUP(tr_node_client_destroyp)
	struct tr_node_client *client = calloc(1, sizeof(*client));

	if (!client || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	client->timeout_ms = settings->timeout_ms > 0 ? settings->timeout_ms : TIMEOUT_MS;
	client->curl = curl_easy_init();
	int rc = client->curl ? copy(&client->token, settings->token) : -ENOMEM;
	if (rc == 0)
		rc = copy(&client->ca_file, settings->ca_file);
	if (rc == 0)
		rc = take_node(client, settings->node ? settings->node : TR_NODE_CLIENT_SOCKET);
	if (rc == -ENOMEM)
		return rc;
	client->is_broken = rc < 0;
	*ret_client = tr_take(client);
	return rc;
}

void tr_node_client_destroy(struct tr_node_client *client)
{
	if (!client)
		return;
	if (client->token)
		explicit_bzero(client->token, strlen(client->token));
	curl_easy_cleanup(client->curl);
	free(client->socket_path);
	free(client->base);
	free(client->token);
	free(client->ca_file);
	free(client);
}

const char *tr_node_client_problem(const struct tr_node_client *client)
{
	return client->problem;
}

int tr_node_client_status(const struct tr_node_client *client)
{
	return client->status;
}

char *tr_node_client_escape(const char *word)
{
	char *escaped = curl_easy_escape(NULL, word, 0);
	char *text = escaped ? strdup(escaped) : NULL;

	curl_free(escaped);
	return text;
}

/* ---- what comes ---- */

static int read_status(struct transfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->client->curl, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

/* "bytes 5-9/10", or "bytes * /10" without the space. */
static int64_t read_range(struct transfer *transfer, int64_t *ret_start)
{
	struct curl_header *header;
	long long total = -1, start = -1;

	if (curl_easy_header(transfer->client->curl, "Content-Range", 0, CURLH_HEADER, -1,
		    &header) != CURLHE_OK)
		return -1;
	if (sscanf(header->value, "bytes %lld-%*d/%lld", &start, &total) != 2 &&
		sscanf(header->value, "bytes */%lld", &total) != 1)
		return -1;
	*ret_start = start;
	return total;
}

/* Of a download: where in the file we are. */
static int begin(struct transfer *transfer)
{
	int64_t start = -1;
	curl_off_t length = -1;

	transfer->has_begun = true;
	if (read_status(transfer) == 206) {
		transfer->total_size = read_range(transfer, &start);
		if (start != transfer->offset)
			return tr_node_client_refuse(transfer->client, -EPROTO,
				"the node sent another part of the file than was asked for");
		return 0;
	}
	curl_easy_getinfo(transfer->client->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	transfer->total_size = length;
	transfer->skip = transfer->offset;
	return 0;
}

static int collect(struct transfer *transfer, const char *data, size_t size)
{
	if (transfer->size + size > ANSWER_MAX)
		return tr_node_client_refuse(
			transfer->client, -EPROTO, "the answer is longer than 64 MiB");
	char *more = realloc(transfer->answer, transfer->size + size + 1);
	if (!more)
		return -ENOMEM;
	transfer->answer = more;
	memcpy(more + transfer->size, data, size);
	transfer->size += size;
	more[transfer->size] = '\0';
	return 0;
}

static int hand_over(struct transfer *transfer, const char *data, size_t size)
{
	int rc = transfer->has_begun ? 0 : begin(transfer);

	if (rc < 0)
		return rc;
	size_t skipped = transfer->skip < (int64_t)size ? (size_t)transfer->skip : size;
	transfer->skip -= (int64_t)skipped;
	return size == skipped ? 0
			       : transfer->take(data + skipped, size - skipped,
					 transfer->total_size, transfer->user);
}

static size_t on_data(char *data, size_t one, size_t size, void *user)
{
	struct transfer *transfer = user;

	(void)one; /* always 1 */
	if (read_status(transfer) >= 300 || (!transfer->take && !transfer->events))
		transfer->rc = collect(transfer, data, size);
	else if (transfer->take)
		transfer->rc = hand_over(transfer, data, size);
	else
		transfer->rc = tr_event_stream_feed(transfer->events, data, size);
	return transfer->rc == 0 ? size : CURL_WRITEFUNC_ERROR;
}

static int on_event(const char *type, const char *data, void *user)
{
	struct transfer *transfer = user;
	json_t *object = json_loads(data, JSON_DECODE_ANY, NULL);

	if (!object)
		return 0; /* nothing that this API says */
	int rc = transfer->call(type, object, transfer->user);
	json_decref(object);
	return rc;
}

static int on_tick(
	void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	struct transfer *transfer = user;

	(void)down_all, (void)down, (void)up_all, (void)up;
	if (transfer->rc == 0 && transfer->call)
		transfer->rc = transfer->call(NULL, NULL, transfer->user);
	return transfer->rc != 0;
}

/* ---- the request ---- */

static void set_up_connection(struct tr_node_client *client)
{
	CURL *curl = client->curl;

	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->detail);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "telerec/" TR_VERSION);
	if (client->socket_path) {
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
		return;
	}
	if (client->token) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
		curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, client->token);
	}
	if (client->ca_file) {
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
	}
}

static void set_up_times(const struct transfer *transfer)
{
	CURL *curl = transfer->client->curl;
	long timeout_ms = transfer->client->timeout_ms;

	if (transfer->take || transfer->events) {
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (timeout_ms + 999) / 1000);
	} else {
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	}
}

static int set_up(const struct transfer *transfer, struct curl_slist **headers)
{
	CURL *curl = transfer->client->curl;
	char url[PATH_SIZE + 1024], line[160], range[32];

	curl_easy_reset(curl);
	set_up_connection(transfer->client);
	set_up_times(transfer);
	int length = snprintf(url, sizeof(url), "%s%s", transfer->client->base, transfer->path);
	if ((size_t)length >= sizeof(url))
		return tr_node_client_refuse(transfer->client, -EINVAL, "the request is too long");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, transfer->method);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_tick);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	snprintf(range, sizeof(range), "%lld-", (long long)transfer->offset);
	if (transfer->offset > 0)
		curl_easy_setopt(curl, CURLOPT_RANGE, range);
	if (!transfer->text)
		return 0;
	snprintf(line, sizeof(line), "Content-Type: %s", transfer->type);
	*headers = curl_slist_append(NULL, line);
	struct curl_slist *more = curl_slist_append(*headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, transfer->text);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(transfer->text));
	return *headers && more ? 0 : -ENOMEM;
}

static int perform(struct transfer *transfer)
{
	struct tr_node_client *client = transfer->client;
	struct curl_slist *headers = NULL;

	if (client->is_broken)
		return -EINVAL;
	client->problem[0] = client->detail[0] = '\0';
	client->status = 0;
	int rc = set_up(transfer, &headers);
	CURLcode code = rc == 0 ? curl_easy_perform(client->curl) : CURLE_OK;
	curl_slist_free_all(headers);
	if (rc < 0)
		return rc;
	client->status = read_status(transfer);
	if (transfer->rc != 0)
		return transfer->rc;
	return code == CURLE_OK ? 0
				: tr_node_client_complain(client, code, read_status(transfer) > 0,
					  transfer->events);
}

/* ---- calls ---- */

/* What was collected as JSON; the rest of a call. */
static int read_answer(struct transfer *transfer, json_t **ret_json)
{
	struct tr_node_client *client = transfer->client;
	json_error_t error;
	json_t *json =
		transfer->size > 0 ? json_loadb(transfer->answer, transfer->size, 0, &error) : NULL;

	if (client->status >= 300) {
		int rc = tr_node_client_complain_status(client, json);
		*ret_json = json;
		return rc;
	}
	if (transfer->size > 0 && !json)
		return tr_node_client_refuse(client, -EPROTO,
			"%s does not answer as a node does: its answer is no "
			"JSON (%s)",
			client->socket_path ? client->socket_path : client->base, error.text);
	*ret_json = json;
	return 0;
}

int tr_node_client_send_text(struct tr_node_client *client, const char *method, const char *path,
	const char *type, const char *text, json_t **ret_json)
{
	struct transfer transfer = {
		.client = client, .method = method, .path = path, .type = type, .text = text};
	int rc = perform(&transfer);

	*ret_json = NULL;
	if (rc == 0)
		rc = read_answer(&transfer, ret_json);
	if (transfer.answer)
		explicit_bzero(transfer.answer, transfer.size);
	free(transfer.answer);
	return rc;
}

int tr_node_client_call(struct tr_node_client *client, const char *method, const char *path,
	const json_t *body, json_t **ret_json)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	*ret_json = NULL;
	if (body && !text)
		return -ENOMEM;
	int rc = tr_node_client_send_text(client, method, path, "application/json", text, ret_json);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}

/* The rest of a call that gives no JSON: says what an error's JSON says. */
static int end_long(struct transfer *transfer, int rc)
{
	json_t *json = NULL;

	if (rc == 0 && transfer->client->status >= 300)
		rc = read_answer(transfer, &json);
	json_decref(json);
	free(transfer->answer);
	return rc;
}

int tr_node_client_download(struct tr_node_client *client, const char *path, int64_t offset,
	tr_node_client_data_fn *take, void *user)
{
	struct transfer transfer = {.client = client,
		.method = "GET",
		.path = path,
		.offset = offset,
		.total_size = -1,
		.take = take,
		.user = user};
	int64_t start = -1;
	int rc = perform(&transfer);

	if (rc == 0 && client->status == 416) {
		int64_t total = read_range(&transfer, &start);
		free(transfer.answer);
		return total == offset ? 0
				       : tr_node_client_refuse(client, -ERANGE,
						 "the node's file is shorter than what "
						 "is here already");
	}
	if (rc == 0 && client->status < 300 && transfer.skip > 0)
		rc = tr_node_client_refuse(
			client, -ERANGE, "the node's file is shorter than what is here already");
	return end_long(&transfer, rc);
}

int tr_node_client_follow(
	struct tr_node_client *client, const char *path, tr_node_client_event_fn *call, void *user)
{
	struct transfer transfer = {
		.client = client, .method = "GET", .path = path, .call = call, .user = user};
	TR_CLEANUP(tr_event_stream_destroyp)
	struct tr_event_stream *events = tr_event_stream_create(on_event, &transfer);

	if (!events)
		return -ENOMEM;
	transfer.events = events;
	int rc = perform(&transfer);
	if (rc == 0 && client->status < 300)
		rc = tr_node_client_refuse(
			client, -EPIPE, "the node has ended the stream of events");
	return end_long(&transfer, rc);
}
