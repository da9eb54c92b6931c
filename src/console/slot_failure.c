#include "console/slot_failure.h"

#include "core/clock.h"
#include "protocol/node_words.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_NS (10 * TR_NS_PER_S)

static void take_picture(struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct tr_slot_failure *failure = user;

	(void)console;
	failure->job = NULL;
	if (!result->picture)
		return; /* it failed without one, or it is removed */
	size_t size = (size_t)result->picture->width * (size_t)result->picture->height * 3;
	uint8_t *rgb = malloc(size);
	if (!rgb)
		return;
	memcpy(rgb, result->picture->rgb, size);
	free(failure->picture.rgb);
	failure->picture = *result->picture;
	failure->picture.rgb = rgb;
}

static void fetch_picture(struct tr_console *console, struct tr_slot_failure *failure)
{
	TR_CLEANUP(tr_freep)
	char *folder = tr_node_client_escape(tr_node_words_text(failure->session, "folder"));
	char path[2048];

	if (!folder || !folder[0])
		return;
	snprintf(path, sizeof(path), "/v1/recordings/%s/files/failure.png", folder);
	failure->job = tr_job_picture(console, path, take_picture, failure);
}

/* The newest comes first. */
static const json_t *find_failed(const json_t *sessions, unsigned slot)
{
	size_t i;
	json_t *session;

	json_array_foreach((json_t *)sessions, i, session)
	{
		if (tr_node_words_int(session, "slot") == slot &&
			tr_node_words_is(session, "is_failure"))
			return session;
	}
	return NULL;
}

static void take_sessions(
	struct tr_console *console, const struct tr_job_result *result, void *user)
{
	struct tr_slot_failure *failure = user;
	const json_t *failed;

	failure->job = NULL;
	if (result->rc < 0)
		return;
	failed = find_failed(json_object_get(result->json, "sessions"), failure->slot);
	if (!failed ||
		(failure->session && !strcmp(tr_node_words_text(failed, "session_id"),
					     tr_node_words_text(failure->session, "session_id"))))
		return;
	json_decref(failure->session);
	failure->session = json_incref((json_t *)failed);
	free(tr_take(failure->picture.rgb));
	fetch_picture(console, failure);
}

void tr_slot_failure_tick(struct tr_console *console, struct tr_slot_failure *failure)
{
	int64_t now_ns = tr_clock_now_ns();

	if (failure->job || !tr_console_view(console)->is_up ||
		(failure->looked_ns && now_ns - failure->looked_ns < AGAIN_NS))
		return;
	failure->looked_ns = now_ns;
	failure->job = tr_job_call(console, "GET", "/v1/sessions", NULL, take_sessions, failure);
}

void tr_slot_failure_clear(struct tr_slot_failure *failure)
{
	tr_job_drop(failure->job);
	json_decref(failure->session);
	free(failure->picture.rgb);
}
