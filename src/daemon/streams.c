#define TR_LOG_AREA "streams"

#include "daemon/streams.h"

#include "config/slot_request.h"
#include "core/log.h"
#include "output/target_list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fail(char *why, size_t why_size, const char *what, const char *fault, int rc)
{
	snprintf(why, why_size, "%s %s", what, fault);
	return rc;
}

static bool is_allowed(const struct tr_config *rules, const char *url)
{
	for (unsigned i = 0; i < rules->stream.allowed_count; i++) {
		const char *pattern = rules->stream.allowed[i];
		if (tr_stream_url_is_allowed(url, &pattern, 1))
			return true;
	}
	return false;
}

static int rewrite(const struct tr_config *rules, const char *url, char *out, size_t size)
{
	struct tr_stream_url_rewrite pairs[TR_CONFIG_REWRITES_MAX];

	for (unsigned i = 0; i < rules->stream.rewrite_count; i++)
		pairs[i] = (struct tr_stream_url_rewrite){
			rules->stream.rewrites[i].match, rules->stream.rewrites[i].to};
	return tr_stream_url_rewrite(url, pairs, rules->stream.rewrite_count, out, size);
}

/* The URL to open for what was asked for. */
static int find_target(const struct tr_config *rules, const struct tr_control_start *request,
	char *out, size_t size, char *why, size_t why_size)
{
	char url[TR_STREAM_URL_SIZE], shown[TR_STREAM_URL_SHOWN_SIZE];

	if (!request->stream_url[0])
		return fail(why, why_size, "the stream", "has no target", -EINVAL);
	int rc = tr_stream_url_resolve(request->stream_url, url, sizeof(url));
	if (rc < 0)
		return fail(why, why_size, "the target", tr_target_list_fault(rc), -EINVAL);
	tr_stream_url_redact(url, shown, sizeof(shown));
	rc = -EACCES;
	if (!is_allowed(rules, url))
		fail(why, why_size, shown, "is nothing that stream.allowed lets through", rc);
	else if (rewrite(rules, url, out, size) < 0)
		rc = fail(why, why_size, shown, "becomes no target by stream.rewrite", -EINVAL);
	else
		rc = 0;
	explicit_bzero(url, sizeof(url));
	return rc;
}

int tr_streams_check(const struct tr_config *rules, const struct tr_control_start *request,
	char *why, size_t why_size)
{
	char url[TR_STREAM_URL_SIZE];

	if (request->kind != TR_CONTROL_STREAM)
		return 0;
	int rc = find_target(rules, request, url, sizeof(url), why, why_size);
	explicit_bzero(url, sizeof(url));
	return rc;
}

static bool is_for(const struct tr_config_room *room, const struct tr_control_start *request)
{
	const char *pattern = room->match;

	return (request->room[0] && tr_stream_url_is_allowed(request->room, &pattern, 1)) ||
	       tr_stream_url_is_allowed(request->meeting_url, &pattern, 1);
}

static void add_room(const struct tr_config_room *room, struct tr_target_list *list)
{
	for (unsigned i = 0; i < room->stream_count; i++) {
		int rc = tr_target_list_add(list, room->streams[i]);
		if (rc < 0 && rc != -EEXIST)
			tr_warning("rooms, \"%s\": target %u %s; it is left out", room->match,
				i + 1, tr_target_list_fault(rc));
	}
}

static int add_asked(const struct tr_config *rules, const struct tr_control_start *request,
	struct tr_target_list *list)
{
	char url[TR_STREAM_URL_SIZE], why[400];

	int rc = find_target(rules, request, url, sizeof(url), why, sizeof(why));
	if (rc < 0)
		return tr_fail(rc, "%s", why);
	rc = tr_target_list_add(list, url);
	explicit_bzero(url, sizeof(url));
	return rc;
}

int tr_streams_fill(const struct tr_config *rules, const struct tr_control_start *request,
	struct tr_message_start *to)
{
	bool is_stream = request->kind == TR_CONTROL_STREAM;
	bool is_recorded = !is_stream || rules->stream.record_too;
	TR_CLEANUP(tr_freep) struct tr_target_list *list = calloc(1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	int rc = is_stream ? add_asked(rules, request, list) : 0;
	for (unsigned i = 0; rc == 0 && i < rules->room_count; i++) {
		if (!is_for(&rules->rooms[i], request))
			continue;
		is_recorded |= rules->rooms[i].record_too;
		add_room(&rules->rooms[i], list);
	}
	snprintf(to->mode, sizeof(to->mode), "%s",
		request->is_page ? "page"
		: is_stream	 ? "stream"
				 : "file");
	to->is_without_file = !is_recorded;
	if (rc == 0 && list->count > 0)
		rc = tr_slot_request_fill_streams(rules, list, to);
	tr_target_list_wipe(list);
	return rc;
}
