/* The files of recordings that have ended are made beside what the slot records next. */
#define TR_LOG_AREA "slot"
#include "core/log.h"
#include "session/recorder_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILINGS_MAX 8

struct tr_recorder_filing *tr_recorder_filing_create(
	struct tr_recorder *recorder, const char *session_id)
{
	struct tr_recorder_filing *filing = calloc(1, sizeof(*filing));

	if (!filing)
		return NULL;
	filing->recorder = recorder;
	filing->folder = -1;
	snprintf(filing->session_id, sizeof(filing->session_id), "%s", session_id);
	return filing;
}

void tr_recorder_filing_destroy(struct tr_recorder_filing *filing)
{
	if (!filing)
		return;
	tr_broadcast_close(filing->finisher.broadcast, NULL);
	if (filing->folder >= 0)
		close(filing->folder);
	free(filing);
}

bool tr_recorder_can_file(const struct tr_recorder *recorder)
{
	unsigned count = 0;

	for (const struct tr_recorder_filing *f = recorder->filings; f; f = f->next)
		count++;
	return count < FILINGS_MAX;
}

static void unlink_filing(struct tr_recorder *recorder, const struct tr_recorder_filing *filing)
{
	struct tr_recorder_filing **place = &recorder->filings;

	while (*place && *place != filing)
		place = &(*place)->next;
	if (*place)
		*place = filing->next;
}

static void send_finished(struct tr_recorder *recorder, const char *session_id,
	const struct tr_finisher_result *result)
{
	struct tr_message message = {.type = TR_MESSAGE_FINISHED};
	struct tr_message_finished *finished = &message.finished;

	snprintf(finished->session_id, sizeof(finished->session_id), "%s", session_id);
	snprintf(finished->file, sizeof(finished->file), "%s", result->file);
	snprintf(finished->poster, sizeof(finished->poster), "%s", result->poster);
	snprintf(finished->report, sizeof(finished->report), "%s", result->report);
	snprintf(finished->grade, sizeof(finished->grade), "%s", result->grade);
	finished->duration_ms = result->duration_ms;
	finished->bytes = result->bytes;
	tr_recorder_send(recorder, &message);
}

/* Says how the files came out; frees. */
static void end_filing(struct tr_recorder_filing *filing, const struct tr_finisher_result *result)
{
	struct tr_recorder *recorder = filing->recorder;
	char sentence[200];

	unlink_filing(recorder, filing);
	if (!tr_reason_is_clean(filing->reason)) {
		tr_recorder_send_failed(recorder, filing->session_id, filing->reason,
			filing->sentence, result->file);
	} else if (result->rc < 0) {
		snprintf(sentence, sizeof(sentence),
			"the recording is complete, but could not be made one file: %s",
			strerror(-result->rc));
		tr_recorder_send_failed(recorder, filing->session_id,
			tr_recorder_reason_of(result->rc), sentence, result->file);
	} else {
		send_finished(recorder, filing->session_id, result);
	}
	tr_recorder_filing_destroy(filing);
}

/* On the finisher's thread. */
static void on_finished(void *user)
{
	struct tr_recorder_filing *filing = user;
	struct tr_recorder_news news = {.finished = filing};

	if (tr_mailbox_push(filing->recorder->news, &news) < 0)
		tr_error("the end of a recording was lost");
}

void tr_recorder_filing_start(struct tr_recorder_filing *filing, const struct tr_quality *quality)
{
	struct tr_finisher_result nothing = {0};
	bool is_clean = tr_reason_is_clean(filing->reason);

	filing->next = filing->recorder->filings;
	filing->recorder->filings = filing;
	nothing.rc = tr_finisher_start(&filing->finisher, filing->folder, quality,
		is_clean ? NULL : filing->sentence, on_finished, filing);
	if (nothing.rc < 0)
		end_filing(filing, &nothing);
}

void tr_recorder_filing_end(struct tr_recorder_filing *filing)
{
	end_filing(filing, tr_finisher_join(&filing->finisher));
}

void tr_recorder_finish_filings(struct tr_recorder *recorder)
{
	struct tr_recorder_filing *filing;

	while ((filing = recorder->filings)) {
		recorder->filings = filing->next;
		tr_recorder_filing_end(filing);
	}
}

void tr_recorder_finish_leftover(struct tr_recorder *recorder, const char *session_id, int folder)
{
	TR_CLEANUP(tr_closep) int given = folder;
	struct tr_recorder_filing *filing = tr_recorder_filing_create(recorder, session_id);
	int rc = !filing ? -ENOMEM : given < 0 ? -EBADF : 0;

	if (rc == 0 && !tr_recorder_can_file(recorder))
		rc = -EBUSY;
	if (rc == 0)
		rc = tr_finisher_take_up(&filing->finisher, given);
	if (rc < 0) {
		tr_recorder_send_failed(recorder, session_id, TR_REASON_INTERNAL,
			"what an earlier recorder left cannot be finished", "");
		tr_recorder_filing_destroy(filing);
		return;
	}
	filing->folder = tr_take_fd(&given);
	tr_recorder_filing_start(filing, NULL);
}
