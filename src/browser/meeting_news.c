#include "browser/meeting_news.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNT_MAX 100000
#define KBPS_MAX 1000000000

static bool is_true(json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static int64_t number_of(json_t *object, const char *key, int64_t max)
{
	json_t *value = json_object_get(object, key);
	double number = json_is_number(value) ? json_number_value(value) : 0;

	if (!(number > 0))
		return 0;
	return number < (double)max ? (int64_t)number : max;
}

/* Printable ASCII only: it may end in a sentence. */
static void copy_text(json_t *object, const char *key, char out[static TR_MEETING_NEWS_TEXT])
{
	const char *text = json_string_value(json_object_get(object, key));
	size_t used = 0;

	for (; text && *text && used < TR_MEETING_NEWS_TEXT - 1; text++)
		if (*text > ' ' && *text < 0x7f)
			out[used++] = *text;
	out[used] = '\0';
}

static void parse_state(json_t *object, struct tr_meeting_news *news)
{
	char connection[TR_MEETING_NEWS_TEXT];

	copy_text(object, "connection", connection);
	copy_text(object, "connectionError", news->connection_error);
	copy_text(object, "conferenceError", news->conference_error);
	news->has_app = is_true(object, "app");
	news->is_joined = is_true(object, "joined");
	news->is_no_recorder = json_is_false(json_object_get(object, "recorder"));
	news->is_in_lobby = is_true(object, "lobby");
	news->sample = (struct tr_call_sample){
		.participants = (int)number_of(object, "participants", COUNT_MAX),
		.muted = (int)number_of(object, "muted", COUNT_MAX),
		.telephones = (int)number_of(object, "telephones", COUNT_MAX),
		.download_kbps = number_of(object, "download", KBPS_MAX),
		.is_connected = !strcasecmp(connection, "connected"),
		.has_shared_video = is_true(object, "video"),
		.is_kicked = is_true(object, "kicked"),
	};
}

static int parse_member(json_t *object, struct tr_meeting_news *news)
{
	const char *jid = json_string_value(json_object_get(object, "jid"));
	json_t *identity = json_object_get(object, "identity");

	if (!jid || !jid[0] || strlen(jid) >= sizeof(news->jid) || !json_is_object(identity))
		return -EPROTO;
	snprintf(news->jid, sizeof(news->jid), "%s", jid);
	news->identity = json_incref(identity);
	return 0;
}

int tr_meeting_news_parse(const char *payload, struct tr_meeting_news *news)
{
	int rc = 0;

	*news = (struct tr_meeting_news){0};
	size_t length = strnlen(payload, TR_MEETING_NEWS_MAX + 1);
	json_t *object = length <= TR_MEETING_NEWS_MAX
				 ? json_loadb(payload, length, JSON_REJECT_DUPLICATES, NULL)
				 : NULL;
	const char *type = json_string_value(json_object_get(object, "t"));
	if (!type) {
		rc = -EPROTO;
	} else if (!strcmp(type, "state")) {
		news->kind = TR_MEETING_NEWS_STATE;
		parse_state(object, news);
	} else if (!strcmp(type, "member")) {
		news->kind = TR_MEETING_NEWS_MEMBER;
		rc = parse_member(object, news);
	} else if (!strcmp(type, "away")) {
		news->kind = TR_MEETING_NEWS_AWAY;
		copy_text(object, "origin", news->origin);
	} else {
		rc = -EPROTO;
	}
	json_decref(object);
	return rc;
}

void tr_meeting_news_release(struct tr_meeting_news *news)
{
	json_decref(news->identity);
	news->identity = NULL;
}
