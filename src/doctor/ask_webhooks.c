#include "doctor/doctor_internal.h"
#include "doctor/http_look.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 5000

/* The scheme and the host: what is behind them may be a secret. */
static void shorten(const char *url, char *out, size_t size)
{
	const char *host = strstr(url, "://");
	const char *start = host ? host + 3 : url;
	size_t length = strcspn(start, "/?#");
	const char *at = memchr(start, '@', length);

	if (at) {
		length -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	snprintf(out, size, "%.*s%.*s", host ? (int)(host + 3 - url) : 0, url, (int)length, start);
}

static const char *word_of(const struct tr_http_look *look)
{
	switch (look->fault) {
	case TR_HTTP_LOOK_NAME:
		return "its name does not exist";
	case TR_HTTP_LOOK_REFUSED:
		return "it refuses the connection: nobody listens there";
	case TR_HTTP_LOOK_LATE:
		return "it does not answer";
	case TR_HTTP_LOOK_CERTIFICATE:
		return "its certificate is not trusted";
	default:
		return "the connection fails";
	}
}

static void ask_subscriber(struct tr_doctor *doctor, const char *url)
{
	char shown[300], command[400];
	struct tr_http_look look;
	const struct tr_http_look_settings settings = {.url = url,
		.ca_file = doctor->config->webhooks.ca_file,
		.stays = true,
		.timeout_ms = TIMEOUT_MS};

	shorten(url, shown, sizeof(shown));
	if (tr_http_look_take(&settings, &look) < 0)
		return;
	snprintf(command, sizeof(command),
		"curl -v %s # the service there; or take it out of the list", shown);
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = look.fault == TR_HTTP_LOOK_CERTIFICATE ? "webhook-certificate"
			 : look.fault == TR_HTTP_LOOK_NAME	? "webhook-no-dns"
			 : look.fault == TR_HTTP_LOOK_LATE	? "webhook-silent"
								: "webhook-refused",
		.meaning = "Recordings go on, but whoever listens there does not hear of them.",
		.cure = {.file = doctor->settings->config_path,
			.setting = "webhooks.subscribers",
			.text = command},
	};
	if (look.fault != TR_HTTP_LOOK_FINE)
		tr_findings_add(doctor->findings, &finding, "the webhook subscriber %s: %s", shown,
			word_of(&look));
	else
		tr_findings_ok(doctor->findings, "%s answers", shown);
	tr_http_look_fini(&look);
}

void tr_ask_webhooks(struct tr_doctor *doctor)
{
	tr_doctor_enter(doctor, "webhooks", NULL);
	for (unsigned i = 0; i < doctor->config->webhooks.subscriber_count; i++)
		ask_subscriber(doctor, doctor->config->webhooks.subscribers[i]);
}
