/*
 * The files around a recording: which part is written now, and what is made of the parts at the
 * end (one MP4, report, poster, state).
 *
 * Ending runs on a thread of its own, at low priority: it may take minutes for hours of video.
 */
#ifndef TR_SESSION_FINISHER_H
#define TR_SESSION_FINISHER_H

#include "core/cleanup.h"
#include "media/grade.h"
#include "protocol/message.h"
#include "session/broadcast.h"
#include "storage/recording.h"

#include <pthread.h>

struct tr_finisher_result {
	int rc;			 /* 0, or why the parts stay as they are */
	char file[NAME_MAX + 1]; /* names in the folder, "" for none */
	char poster[NAME_MAX + 1];
	char report[NAME_MAX + 1];
	char grade[8];
	int64_t duration_ms;
	int64_t bytes;
};

/* On the finisher's thread, last. */
typedef void tr_finisher_done_fn(void *user);

struct tr_finisher {
	struct tr_recording recording;
	const char *part; /* being written; in `recording`; NULL: none, it only streams */
	struct tr_broadcast *broadcast; /* to be closed, before all else; NULL: none */

	/* the thread's between start and join */
	int folder; /* borrowed */
	struct tr_quality quality;
	bool must_measure; /* the recorder's figures are lost */
	bool is_running;
	pthread_t thread;
	tr_finisher_done_fn *on_done;
	void *user;
	struct tr_finisher_result result;
};

/* Notes in state.json that a part is begun, and names it in `part`. For a resumed recording it is
 * the one after the last. -EEXIST when the folder holds another recording, -errno; said. */
TR_CHECKED int tr_finisher_begin(
	struct tr_finisher *finisher, int folder, const struct tr_message_start *request);

/* For the folder of a recorder that died: reads its state. -ENOENT, -EBADMSG and the like; said. */
TR_CHECKED int tr_finisher_take_up(struct tr_finisher *finisher, int folder);

/* Starts the thread: joins the parts, judges, writes report and poster. `quality`
 * NULL: its recorder died, so the figures are taken from the file. `trouble`: why the recording
 * ended early, or NULL (copied). The folder must stay open until the join. -errno. */
TR_CHECKED int tr_finisher_start(struct tr_finisher *finisher, int folder,
	const struct tr_quality *quality, const char *trouble, tr_finisher_done_fn *on_done,
	void *user);

/* Waits for the thread (at once after on_done). What came out. */
const struct tr_finisher_result *tr_finisher_join(struct tr_finisher *finisher);

#endif
