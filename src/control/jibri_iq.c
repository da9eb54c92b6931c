#include "control/jibri_iq.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "protocol/message.h"

#define APP_DATA_MAX (1 << 20)

static int copy(xmpp_stanza_t *jibri, const char *name, char **ret)
{
	const char *value = xmpp_stanza_get_attribute(jibri, name);

	*ret = strdup(value ? value : "");
	return *ret ? 0 : -ENOMEM;
}

static bool says(xmpp_stanza_t *jibri, const char *name, const char *word)
{
	const char *value = xmpp_stanza_get_attribute(jibri, name);

	return value && !strcasecmp(value, word);
}

static int read_rtcstats(xmpp_stanza_t *jibri)
{
	const char *value = xmpp_stanza_get_attribute(jibri, "rtcstats_enabled");

	return value && *value ? !strcasecmp(value, "true") : -1;
}

int tr_jibri_iq_parse(xmpp_stanza_t *jibri, struct tr_jibri_iq **ret_iq)
{
	TR_CLEANUP(tr_jibri_iq_destroyp) struct tr_jibri_iq *iq = calloc(1, sizeof(*iq));
	if (!iq)
		return -ENOMEM;

	if (says(jibri, "action", "start"))
		iq->action = TR_JIBRI_IQ_START;
	else if (says(jibri, "action", "stop"))
		iq->action = TR_JIBRI_IQ_STOP;
	if (says(jibri, "recording_mode", "file"))
		iq->mode = TR_JIBRI_IQ_FILE;
	else if (says(jibri, "recording_mode", "stream"))
		iq->mode = TR_JIBRI_IQ_STREAM;
	iq->rtcstats = read_rtcstats(jibri);
	if (copy(jibri, "room", &iq->room) < 0 || copy(jibri, "session_id", &iq->session_id) < 0 ||
		copy(jibri, "streamid", &iq->stream_id) < 0 ||
		copy(jibri, "you_tube_broadcast_id", &iq->broadcast_id) < 0 ||
		copy(jibri, "sipaddress", &iq->sip_address) < 0 ||
		copy(jibri, "app_data", &iq->app_data) < 0)
		return -ENOMEM;
	if (!iq->sip_address[strspn(iq->sip_address, " \t\r\n")])
		iq->sip_address[0] = '\0';
	*ret_iq = tr_take(iq);
	return 0;
}

void tr_jibri_iq_destroy(struct tr_jibri_iq *iq)
{
	if (!iq)
		return;
	free(iq->room);
	free(iq->session_id);
	free(iq->stream_id);
	free(iq->broadcast_id);
	free(iq->sip_address);
	free(iq->app_data);
	free(iq);
}

static char *with_prefix(const char *prefix, const char *text)
{
	char *joined;

	return asprintf(&joined, "%s%s", prefix, text) < 0 ? NULL : joined;
}

static bool starts(const char *text, const char *start)
{
	return !strncasecmp(text, start, strlen(start));
}

char *tr_jibri_iq_stream_url(const struct tr_jibri_iq *iq)
{
	if (!iq->stream_id[0] || starts(iq->stream_id, "rtmp://") ||
		starts(iq->stream_id, "rtmps://"))
		return strdup(iq->stream_id);
	return with_prefix("rtmp://a.rtmp.youtube.com/live2/", iq->stream_id);
}

char *tr_jibri_iq_view_url(const struct tr_jibri_iq *iq)
{
	if (!iq->broadcast_id[0] || starts(iq->broadcast_id, "http://") ||
		starts(iq->broadcast_id, "https://"))
		return strdup(iq->broadcast_id);
	return with_prefix("http://youtu.be/", iq->broadcast_id);
}

int tr_jibri_iq_metadata(const struct tr_jibri_iq *iq, char **ret_text)
{
	size_t size = strlen(iq->app_data);
	char *text = NULL;

	if (size > APP_DATA_MAX)
		return -EFBIG;
	if (size > 0) {
		json_t *data = json_loads(iq->app_data, 0, NULL);
		json_t *metadata = json_object_get(data, "file_recording_metadata");
		if (json_is_object(metadata))
			text = json_dumps(metadata, JSON_COMPACT);
		bool is_object = json_is_object(data), is_lost = json_is_object(metadata) && !text;
		json_decref(data);
		if (!is_object)
			return -EBADMSG;
		if (is_lost)
			return -ENOMEM;
	}
	if (text && strlen(text) >= TR_MESSAGE_JSON_MAX) {
		free(text);
		return -EFBIG;
	}
	if (!text)
		text = strdup("");
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

static xmpp_stanza_t *build_jibri(xmpp_ctx_t *ctx, const struct tr_jibri_iq_report *report)
{
	static const char *const words[] = {
		[TR_JIBRI_IQ_PENDING] = "pending",
		[TR_JIBRI_IQ_ON] = "on",
		[TR_JIBRI_IQ_OFF] = "off",
	};
	bool has_failure = report->failure && report->status == TR_JIBRI_IQ_OFF;
	xmpp_stanza_t *jibri = xmpp_stanza_new(ctx);
	if (!jibri)
		return NULL;

	if (xmpp_stanza_set_name(jibri, "jibri") != XMPP_EOK ||
		xmpp_stanza_set_ns(jibri, TR_JIBRI_IQ_NS) != XMPP_EOK ||
		xmpp_stanza_set_attribute(jibri, "status", words[report->status]) != XMPP_EOK)
		goto no_memory;
	if (report->sip_address && report->sip_address[0] &&
		xmpp_stanza_set_attribute(jibri, "sipaddress", report->sip_address) != XMPP_EOK)
		goto no_memory;
	if (report->session_id && report->session_id[0] &&
		xmpp_stanza_set_attribute(jibri, "session_id", report->session_id) != XMPP_EOK)
		goto no_memory;
	if (has_failure && (xmpp_stanza_set_attribute(jibri, "failure_reason", report->failure) ||
				   xmpp_stanza_set_attribute(jibri, "should_retry",
					   report->should_retry ? "true" : "false")))
		goto no_memory;
	return jibri;

no_memory:
	xmpp_stanza_release(jibri);
	return NULL;
}

xmpp_stanza_t *tr_jibri_iq_build(xmpp_ctx_t *ctx, const char *to, const char *id, bool is_answer,
	const struct tr_jibri_iq_report *report)
{
	xmpp_stanza_t *iq = xmpp_iq_new(ctx, is_answer ? "result" : "set", id);
	xmpp_stanza_t *jibri = build_jibri(ctx, report);

	if (!iq || !jibri || (to && xmpp_stanza_set_to(iq, to) != XMPP_EOK) ||
		xmpp_stanza_add_child_ex(iq, jibri, 0) != XMPP_EOK) {
		if (iq)
			xmpp_stanza_release(iq);
		if (jibri)
			xmpp_stanza_release(jibri);
		return NULL;
	}
	return iq;
}
