#include "doctor/http_look.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define BODY_MAX (512 * 1024)
#define REDIRECTS_MAX 8L

struct body {
	char *text;
	size_t used;
};

static size_t take_data(char *data, size_t one, size_t count, void *user)
{
	struct body *body = user;
	size_t size = one * count;
	size_t room = BODY_MAX - body->used;

	memcpy(body->text + body->used, data, size < room ? size : room);
	body->used += size < room ? size : room;
	return size;
}

static size_t take_header(char *data, size_t one, size_t count, void *user)
{
	struct tr_http_look *look = user;
	size_t size = one * count;
	char line[200];

	snprintf(line, sizeof(line), "%.*s", (int)(size < 199 ? size : 199), data);
	if (!strncasecmp(line, "date:", 5)) {
		time_t theirs = curl_getdate(line + 5, NULL);
		look->has_date = theirs > 0;
		look->ahead_s = (int64_t)theirs - (int64_t)time(NULL);
	}
	return size;
}

static enum tr_http_look_fault fault_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return TR_HTTP_LOOK_FINE;
	case CURLE_COULDNT_RESOLVE_HOST:
		return TR_HTTP_LOOK_NAME;
	case CURLE_COULDNT_CONNECT:
		return TR_HTTP_LOOK_REFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return TR_HTTP_LOOK_LATE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return TR_HTTP_LOOK_CERTIFICATE;
	default:
		return TR_HTTP_LOOK_OTHER;
	}
}

static int read_days_left(CURL *curl)
{
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
		info->num_of_certs < 1)
		return -1;
	for (const struct curl_slist *at = info->certinfo[0]; at; at = at->next) {
		if (strncmp(at->data, "Expire date:", 12) != 0)
			continue;
		time_t end = curl_getdate(at->data + 12, NULL);
		return end > 0 ? (int)((end - time(NULL)) / 86400) : -1;
	}
	return -1;
}

static void set_options(CURL *curl, const struct tr_http_look_settings *settings,
	struct tr_http_look *look, struct body *body)
{
	curl_easy_setopt(curl, CURLOPT_URL, settings->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, settings->stays ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)settings->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)settings->timeout_ms * 2);
	curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "telerec-doctor");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, look);
	if (settings->ca_file && settings->ca_file[0])
		curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca_file);
	if (settings->ignore_certificate) {
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (settings->post)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, settings->post);
}

static void take_result(CURL *curl, CURLcode code, const char *words, struct tr_http_look *look)
{
	char *url = NULL;
	long status = 0, redirects = 0;

	look->fault = fault_of(code);
	snprintf(look->word, sizeof(look->word), "%s", words[0] ? words : curl_easy_strerror(code));
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_REDIRECT_COUNT, &redirects);
	if (redirects > 0 && curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK &&
		url)
		snprintf(look->location, sizeof(look->location), "%s", url);
	look->status = (int)status;
	look->days_left = read_days_left(curl);
}

int tr_http_look_take(const struct tr_http_look_settings *settings, struct tr_http_look *ret_look)
{
	struct tr_http_look look = {.days_left = -1};
	struct body body = {.text = calloc(1, BODY_MAX + 1)};
	char words[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = NULL;

	if (!curl || !body.text) {
		curl_easy_cleanup(curl);
		free(body.text);
		return -ENOMEM;
	}
	set_options(curl, settings, &look, &body);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
	if (settings->post)
		headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (headers)
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	CURLcode code = curl_easy_perform(curl);
	take_result(curl, code, words, &look);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	body.text[body.used] = '\0';
	look.body = body.text;
	*ret_look = look;
	return 0;
}

void tr_http_look_fini(struct tr_http_look *look)
{
	free(look->body);
	look->body = NULL;
}
