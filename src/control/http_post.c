#define TR_LOG_AREA "http-post"

#include "control/http_post.h"

#include "core/log.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

struct call {
	struct tr_http_post *post;
	CURL *easy;
	struct curl_slist *headers;
	tr_http_post_done_fn *done;
	void *user;
	char problem[CURL_ERROR_SIZE];
	struct call *next;
};

struct tr_http_post {
	sd_event *event;
	sd_event_source *timer;
	CURLM *multi;
	char *ca_file;
	struct call *calls;
};

static void free_call(struct call *call)
{
	struct call **at = &call->post->calls;

	while (*at && *at != call)
		at = &(*at)->next;
	if (*at)
		*at = call->next;
	curl_multi_remove_handle(call->post->multi, call->easy);
	curl_easy_cleanup(call->easy);
	for (struct curl_slist *header = call->headers; header; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(call->headers);
	free(call);
}

static void tell_done(struct tr_http_post *post)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(post->multi, &left)) != NULL) {
		struct call *call = NULL;
		long status = 0;
		char problem[CURL_ERROR_SIZE] = "";
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		if (code == CURLE_OK)
			curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		else
			snprintf(problem, sizeof(problem), "%s",
				call->problem[0] ? call->problem : curl_easy_strerror(code));
		tr_http_post_done_fn *done = call->done;
		void *user = call->user;
		free_call(call);
		done((unsigned)status, problem, user);
	}
}

/* ---- libcurl's sockets and timer ---- */

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct tr_http_post *post = user;
	int mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		   (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		   (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
	int running;

	(void)source;
	curl_multi_socket_action(post->multi, fd, mask, &running);
	tell_done(post);
	return 0;
}

/* Called by libcurl, maybe from within the above: the source outlives its own handler. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *attached)
{
	struct tr_http_post *post = user;
	sd_event_source *source = attached;
	uint32_t events =
		(what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		sd_event_source_disable_unref(source);
		curl_multi_assign(post->multi, fd, NULL);
		return 0;
	}
	if (source)
		return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
	if (sd_event_add_io(post->event, &source, fd, events, on_socket, post) < 0)
		return -1;
	curl_multi_assign(post->multi, fd, source);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_http_post *post = user;
	int running;

	(void)source, (void)usec;
	curl_multi_socket_action(post->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	tell_done(post);
	return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct tr_http_post *post = user;

	(void)multi;
	if (timeout_ms < 0)
		return sd_event_source_set_enabled(post->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	int rc = sd_event_source_set_time_relative(post->timer, (uint64_t)timeout_ms * 1000);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(post->timer, SD_EVENT_ONESHOT);
	return rc < 0 ? -1 : 0;
}

/* ---- requests ---- */

static size_t throw_away(char *data, size_t size, size_t count, void *user)
{
	(void)data, (void)user;
	return size * count;
}

static int add_header(struct call *call, const char *name, const char *value)
{
	TR_CLEANUP(tr_freep) char *line = NULL;

	if (asprintf(&line, "%s%s", name, value) < 0) {
		line = NULL;
		return -ENOMEM;
	}
	struct curl_slist *headers = curl_slist_append(call->headers, line);
	explicit_bzero(line, strlen(line));
	if (!headers)
		return -ENOMEM;
	call->headers = headers;
	return 0;
}

static int set_options(
	struct call *call, const char *ca_file, const struct tr_http_post_request *request)
{
	CURL *easy = call->easy;

	bool is_fine = curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body) == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
		       curl_easy_setopt(easy, CURLOPT_USERAGENT, "telerec/" TR_VERSION) == CURLE_OK;
	if (is_fine && ca_file[0])
		is_fine = curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) == CURLE_OK;
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->problem);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	return is_fine ? 0 : -ENOMEM;
}

int tr_http_post_send(struct tr_http_post *post, const struct tr_http_post_request *request)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	call->post = post;
	call->done = request->done;
	call->user = request->user;
	call->next = post->calls;
	post->calls = call;
	call->easy = curl_easy_init();
	int rc = call->easy ? 0 : -ENOMEM;
	if (rc == 0)
		rc = add_header(call, "Content-Type: ", request->type);
	if (rc == 0 && request->token)
		rc = add_header(call, "Authorization: Bearer ", request->token);
	if (rc == 0)
		rc = set_options(call, post->ca_file, request);
	if (rc == 0 && curl_multi_add_handle(post->multi, call->easy) != CURLM_OK)
		rc = -EINVAL;
	if (rc < 0)
		free_call(call);
	return rc;
}

/* ---- life ---- */

int tr_http_post_create(sd_event *event, const char *ca_file, struct tr_http_post **ret_post)
{
	TR_CLEANUP(tr_http_post_destroyp) struct tr_http_post *post = calloc(1, sizeof(*post));
	if (!post)
		return -ENOMEM;
	post->event = sd_event_ref(event);
	post->ca_file = strdup(ca_file);
	/* Counted by libcurl: whoever else uses it may do the same. */
	if (!post->ca_file || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return tr_fail(-ENOMEM, "no HTTP client");
	post->multi = curl_multi_init();
	if (!post->multi) {
		curl_global_cleanup();
		return tr_fail(-ENOMEM, "no HTTP client");
	}
	int rc = sd_event_add_time(
		event, &post->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_timer, post);
	if (rc < 0)
		return tr_fail(rc, "no timer");
	curl_multi_setopt(post->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(post->multi, CURLMOPT_SOCKETDATA, post);
	curl_multi_setopt(post->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(post->multi, CURLMOPT_TIMERDATA, post);
	*ret_post = tr_take(post);
	return 0;
}

void tr_http_post_destroy(struct tr_http_post *post)
{
	if (!post)
		return;
	while (post->calls)
		free_call(post->calls);
	if (post->multi) {
		curl_multi_cleanup(post->multi);
		curl_global_cleanup();
	}
	sd_event_source_disable_unref(post->timer);
	sd_event_unref(post->event);
	free(post->ca_file);
	free(post);
}
