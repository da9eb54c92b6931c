/* Which encoders the slot has: what it finds itself, or what the parent was told by another slot.
 */
#define TR_LOG_AREA "slot"
#include "core/clock.h"
#include "core/log.h"
#include "session/recorder_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The ladder belongs to a running recording, and learns there. */
static void use(struct tr_recorder *recorder, const struct tr_rung_list *list, const char *problem)
{
	recorder->awaits_encoders = false;
	if (recorder->pipeline) {
		recorder->new_rungs = *list;
		recorder->has_new_rungs = true;
	} else {
		tr_ladder_init(&recorder->ladder, list);
	}
	if (problem[0])
		tr_recorder_warn(recorder, "%s", problem);
	if (recorder->is_ready_held && recorder->state == TR_MACHINE_IDLE)
		tr_recorder_do_ready(recorder);
}

void tr_recorder_renew_ladder(struct tr_recorder *recorder)
{
	if (recorder->has_new_rungs)
		tr_ladder_init(&recorder->ladder, &recorder->new_rungs);
	recorder->has_new_rungs = false;
}

static int on_found(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tr_recorder *recorder = user;
	TR_CLEANUP(tr_freep) struct tr_message *message = calloc(1, sizeof(*message));
	struct tr_rung_list list = {0};
	char problem[300], unheard[4], *found = message ? message->encoders.found : unheard;

	(void)source, (void)fd, (void)revents;
	tr_rung_choice_finish(recorder->rung_choice, &list, problem, sizeof(problem), found,
		message ? sizeof(message->encoders.found) : sizeof(unheard));
	recorder->rungs_source = sd_event_source_disable_unref(recorder->rungs_source);
	tr_rung_choice_destroy(tr_take(recorder->rung_choice));
	if (message && recorder->config.is_told_encoders) {
		message->type = TR_MESSAGE_ENCODERS;
		tr_recorder_send(recorder, message);
	}
	use(recorder, &list, problem);
	return 0;
}

void tr_recorder_ask_encoders(struct tr_recorder *recorder)
{
	const struct tr_message_configure *config = &recorder->config;

	if (recorder->rung_choice)
		return; /* the answer is on its way */
	int rc = tr_rung_choice_start(&recorder->programs, config->encoder, config->width,
		config->height, &recorder->rung_choice);
	if (rc == 0)
		rc = sd_event_add_io(recorder->event, &recorder->rungs_source,
			tr_rung_choice_fd(recorder->rung_choice), EPOLLIN, on_found, recorder);
	if (rc >= 0)
		return;
	tr_rung_choice_destroy(tr_take(recorder->rung_choice));
	use(recorder, &(struct tr_rung_list){0}, "no GPU can be asked for: software encodes");
}

void tr_recorder_on_encoders(
	struct tr_recorder *recorder, const struct tr_message_encoders *encoders)
{
	const struct tr_message_configure *config = &recorder->config;
	struct tr_rung_list list = {0};
	char problem[300] = "";

	if (!encoders->found[0]) {
		tr_recorder_ask_encoders(recorder);
		return;
	}
	if (tr_rung_choice_read(encoders->found, config->encoder, config->width, config->height,
		    &list, problem, sizeof(problem)) < 0)
		snprintf(problem, sizeof(problem),
			"what was found to encode with cannot be read: software encodes");
	use(recorder, &list, problem);
}
