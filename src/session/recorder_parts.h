/*
 * What the files of the recorder share: its members, and each file's functions for the others.
 * Nobody else includes this.
 *
 *   recorder.c          the table's events and orders, life and death
 *   recorder_control.c  words from and to the parent
 *   recorder_display.c  the X server, ours or somebody else's
 *   recorder_page.c     sound, browser, and the meeting or page in it
 *   recorder_economy.c  saving room on the disk
 *   recorder_encoders.c which encoders there are
 *   recorder_file.c     the pipeline while it runs
 *   recorder_filing.c   files being finished after it
 */
#ifndef TR_SESSION_RECORDER_PARTS_H
#define TR_SESSION_RECORDER_PARTS_H

#include "audio/soundcard.h"
#include "browser/meeting.h"
#include "core/clock.h"
#include "core/mailbox.h"
#include "display/xserver.h"
#include "protocol/message.h"
#include "session/finisher.h"
#include "session/machine.h"
#include "session/pipeline.h"
#include "session/preview.h"
#include "session/recorder.h"
#include "session/rung_choice.h"

#define TR_RECORDER_EVENTS_MAX 16

/* A recording that has ended and whose files are being made, while the slot may record the next. */
struct tr_recorder_filing {
	struct tr_recorder_filing *next;
	struct tr_recorder *recorder;
	struct tr_finisher finisher;
	int folder;
	enum tr_reason reason; /* why it ended */
	char sentence[TR_MESSAGE_SENTENCE_MAX];
	char session_id[TR_MESSAGE_NAME_MAX];
};

/* From the threads to the loop. */
struct tr_recorder_news {
	struct tr_recorder_filing *finished; /* this one is done; NULL: */
	enum tr_pipeline_news pipeline;
};

struct tr_recorder {
	sd_event *event;
	sd_event_source *control_source;
	sd_event_source *news_source;
	sd_event_source *progress_timer;
	sd_event_source *started_timer;
	sd_event_source *end_timer;
	sd_event_source *display_source;
	sd_event_source *display_timer; /* waits for somebody else's X server to come back */
	struct tr_line *line;		/* NULL when the parent has gone */
	struct tr_mailbox *news;
	struct tr_programs programs;
	struct tr_preview *preview;

	enum tr_machine_state state;
	enum tr_machine_event events[TR_RECORDER_EVENTS_MAX]; /* to be handled, oldest first */
	unsigned event_count;
	bool is_handling;
	bool must_quit;

	struct tr_rung_choice *rung_choice; /* while it is being found out */
	sd_event_source *rungs_source;	    /* ... and its end */
	bool awaits_encoders;		    /* ... or to be told */
	bool is_ready_held;		    /* until then */
	bool has_new_rungs;		    /* for the next recording's ladder */
	struct tr_rung_list new_rungs;
	struct tr_ladder ladder;	    /* the running pipeline's, too */
	struct tr_message_configure config; /* its hosts are those of the running browser */
	struct tr_xserver xserver;
	bool had_display;	     /* it came up, or could be attached to, at least once */
	int64_t display_deadline_ns; /* of display_timer */
	struct tr_soundcard *soundcard;
	struct tr_browser *browser;
	struct tr_meeting *meeting; /* NULL: a plain page; kept until the next start */
	unsigned browser_starts;
	unsigned repairs;
	int64_t repaired_ns;
	unsigned reloads;		      /* of the page, in this recording */
	char refused_id[TR_MESSAGE_NAME_MAX]; /* of the start that came last and cannot be */

	/* the recording */
	struct tr_message_start request;
	int folder;			   /* -1: none */
	struct tr_recorder_filing *filing; /* of the running one, NULL before it runs */
	struct tr_pipeline *pipeline;
	int64_t asked_ns;  /* when the start came */
	int64_t joined_ns; /* when the page was there; 0: not yet */
	int64_t end_ns;	   /* when to stop, 0: when asked */
	int64_t progress_ns;
	int64_t progress_bytes;
	bool was_no_sound_said;
	bool was_low_disk_said;
	int economy;		     /* level that holds */
	struct tr_quality economies; /* only its members of that name */
	enum tr_reason reason;	     /* why it ends, TR_REASON_NONE: as it should */
	char sentence[TR_MESSAGE_SENTENCE_MAX];

	struct tr_recorder_filing *filings; /* of earlier ones */
};

/* ---- recorder.c ---- */

/* Orders may post events; those wait until the table's step is complete. */
void tr_recorder_post(struct tr_recorder *recorder, enum tr_machine_event event);

/* The first reason counts: what comes after it is mostly its consequence. */
void tr_recorder_note_reason(struct tr_recorder *recorder, enum tr_reason reason,
	const char *format, ...) TR_PRINTF(3, 4);

/* Says that the slot can record, once it is known what encodes. */
void tr_recorder_do_ready(struct tr_recorder *recorder);

/* The end of the request: nothing of it is known any more. */
void tr_recorder_forget_request(struct tr_recorder *recorder);

/* Says that `refused_id` cannot start now. */
void tr_recorder_do_refuse(struct tr_recorder *recorder);

/* Ends the process when that is what waits for a quiet moment. */
void tr_recorder_consider_end(struct tr_recorder *recorder);

/* ---- recorder_encoders.c ---- */

/* Looks what the machine has; the parent's word about it; before a recording: the newest. */
void tr_recorder_ask_encoders(struct tr_recorder *recorder);
void tr_recorder_on_encoders(
	struct tr_recorder *recorder, const struct tr_message_encoders *encoders);
void tr_recorder_renew_ladder(struct tr_recorder *recorder);

/* ---- recorder_control.c ---- */

int tr_recorder_on_control(sd_event_source *source, int socket, uint32_t revents, void *user);
void tr_recorder_send(struct tr_recorder *recorder, const struct tr_message *message);
void tr_recorder_warn(struct tr_recorder *recorder, const char *format, ...) TR_PRINTF(2, 3);
void tr_recorder_send_failed(struct tr_recorder *recorder, const char *session_id,
	enum tr_reason reason, const char *sentence, const char *file);
void tr_recorder_send_state(struct tr_recorder *recorder);
void tr_recorder_send_stopped(struct tr_recorder *recorder, bool has_files);

/* A tr_preview_done_fn. */
void tr_recorder_send_picture(int fd, size_t size, int width, int rc, void *user);

/* ---- recorder_display.c ---- */

void tr_recorder_do_display(struct tr_recorder *recorder);
void tr_recorder_do_redisplay(struct tr_recorder *recorder);

/* ---- recorder_page.c ---- */

/* Notes the reason when there can be no sound at all. */
TR_CHECKED int tr_recorder_choose_sound(struct tr_recorder *recorder);
bool tr_recorder_has_sound(const struct tr_recorder *recorder);
void tr_recorder_do_browser(struct tr_recorder *recorder);
void tr_recorder_do_open(struct tr_recorder *recorder);
void tr_recorder_do_leave(struct tr_recorder *recorder);
void tr_recorder_stop_browser(struct tr_recorder *recorder);
void tr_recorder_forget_meeting(struct tr_recorder *recorder);

/* ---- recorder_economy.c ---- */

/* From now on the recording takes less room on the disk, or no longer less; said, and kept for its
 * report. Nothing that records is fine. */
void tr_recorder_economize(struct tr_recorder *recorder, int level);

/* What held since the start, for the report. Forgets it. */
void tr_recorder_end_economy(struct tr_recorder *recorder, struct tr_quality *quality);

/* ---- recorder_file.c ---- */

int tr_recorder_on_news(sd_event_source *source, int fd, uint32_t revents, void *user);
int tr_recorder_on_progress(sd_event_source *source, uint64_t usec, void *user);
int tr_recorder_on_started_timer(sd_event_source *source, uint64_t usec, void *user);
int tr_recorder_on_time_over(sd_event_source *source, uint64_t usec, void *user);
void tr_recorder_do_record(struct tr_recorder *recorder);
void tr_recorder_do_stop(struct tr_recorder *recorder);
void tr_recorder_do_fail(struct tr_recorder *recorder);

/* As a reason what made writing fail. */
enum tr_reason tr_recorder_reason_of(int rc);

/* ---- recorder_filing.c ---- */

/* NULL: no memory. */
struct tr_recorder_filing *tr_recorder_filing_create(
	struct tr_recorder *recorder, const char *session_id);
void tr_recorder_filing_destroy(struct tr_recorder_filing *filing);

/* Its files are made from now on; takes it. `quality` as tr_finisher_start() has it. */
void tr_recorder_filing_start(struct tr_recorder_filing *filing, const struct tr_quality *quality);

/* Once `finished` has come in the news: says how the files came out, and frees it. */
void tr_recorder_filing_end(struct tr_recorder_filing *filing);

/* Makes the files of a recording whose recorder died; takes the folder. */
void tr_recorder_finish_leftover(struct tr_recorder *recorder, const char *session_id, int folder);

/* Waits for all files that are being made, and says how they came out. */
void tr_recorder_finish_filings(struct tr_recorder *recorder);

/* How many more recordings may be finished at the same time as these. */
bool tr_recorder_can_file(const struct tr_recorder *recorder);

#endif
