/*
 * The supervisor's own parts see each other here: supervisor.c (its life, the table's orders, what
 * the node asks), supervisor_slot.c (a slot's process comes, speaks and goes) and supervisor_say.c
 * (words to the node and to slots, and the jobs they are about).
 */
#ifndef TR_SUPERVISOR_SUPERVISOR_INTERNAL_H
#define TR_SUPERVISOR_SUPERVISOR_INTERNAL_H

#include "supervisor/backoff.h"
#include "supervisor/slotdoor.h"
#include "supervisor/slotjob.h"
#include "supervisor/slotlink.h"
#include "supervisor/supervisor.h"
#include "system/runtime_dir.h"

#define TR_SUPERVISOR_TIMER_ACCURACY_US 10000

struct slot {
	struct tr_supervisor *supervisor;
	unsigned number; /* from 1 */
	enum tr_slotlife_state state;
	struct tr_slotdoor *door; /* NULL: we start the process */
	struct tr_slotlink *link; /* NULL while away */
	sd_event_source *messages, *exit, *log;
	sd_event_source *timer; /* of the state: another process, or patience at its end */
	struct tr_backoff backoff;
	int64_t launched_ns;
	unsigned starts;
	unsigned vain_starts; /* in a row, of processes that were lost before they were ready */
	bool is_word_idle;    /* the slot's own last word */
	bool is_waited_for;   /* its door is open, and a recording waits at it: `timer` ends that */
	char problem[512];
	char runtime_base[PATH_MAX];
	struct tr_message_ready ready;
	struct tr_slotjob *jobs;
	struct tr_message *start;		 /* of the job that runs; holds secrets */
	char ended_session[TR_MESSAGE_NAME_MAX]; /* stopped without files: its failure follows */
};

/* What the node is to hear, from the loop. */
struct report {
	struct report *next;
	unsigned slot;
	uint64_t job;
	struct tr_message message;
};

struct tr_supervisor {
	sd_event *event;
	struct tr_supervisor_settings settings;
	struct tr_supervisor_events events;
	void *user;
	char program[PATH_MAX];
	struct tr_account account;
	struct report *reports;
	sd_event_source *reporter;
	sd_event_source *housekeeper; /* for files that are never made */
	uint64_t last_job;
	char *encoders; /* as a slot found them; NULL: not yet */
	unsigned asker; /* the slot that looks; 0: none */
	int64_t asked_ns;
	unsigned slot_count;
	struct slot slots[];
};

/* ---- supervisor.c ---- */

/* Sets the slot's one timer; until the slot must have spoken again, by its state. */
void tr_supervisor_set_timer(struct slot *slot, int64_t after_ns);
void tr_supervisor_be_patient(struct slot *slot);
int64_t tr_supervisor_ready_ms(const struct slot *slot);

/* Puts an event to the table of slotlife.h, and carries out its orders. */
void tr_supervisor_feed(struct slot *slot, enum tr_slotlife_event event);

/* ---- supervisor_slot.c ---- */

/* Passes on what the process has written to its standard error. */
void tr_supervisor_read_log(struct slot *slot);

/* The process is gone, or is to be: `why` is said. */
void tr_supervisor_lose_slot(struct slot *slot, const char *why, bool is_hung);

/* The loop's: a process of the service manager's has connected; the slot's timer; files that were
 * never made. */
void tr_supervisor_on_enter(int fd, pid_t pid, uid_t uid, void *user);
int tr_supervisor_on_timer(sd_event_source *source, uint64_t now_us, void *data);
int tr_supervisor_on_housekeeping(sd_event_source *source, uint64_t now_us, void *data);

/* ---- supervisor_encoders.c ---- */

/* A slot's process has come: it is told what there is to encode with, or looks. */
void tr_supervisor_greet_encoders(struct slot *slot);

/* What it found; it is gone, or ready without a word: another one looks. */
void tr_supervisor_on_encoders(struct slot *slot, const char *found);
void tr_supervisor_lose_asker(struct slot *slot);

/* ---- supervisor_say.c ---- */

/* To the node: kept, and told from the loop by on_report(). */
int tr_supervisor_on_report(sd_event_source *source, void *user);
void tr_supervisor_tell(struct slot *slot, uint64_t job, const struct tr_message *message);
void tr_supervisor_report_stopped(struct slot *slot, const struct tr_slotjob *job,
	enum tr_reason reason, const char *sentence);

/* What is the matter with the slot, for its condition. */
void tr_supervisor_note_problem(struct slot *slot, const char *format, ...) TR_PRINTF(2, 3);

/* To the slot. What cannot be sent at once goes when watch_line() says that it can. */
TR_CHECKED int tr_supervisor_configure(struct slot *slot);
void tr_supervisor_send(struct slot *slot, const struct tr_message *message, int fd);
void tr_supervisor_send_start(struct slot *slot, bool is_resume);
void tr_supervisor_send_finishes(struct slot *slot);
void tr_supervisor_watch_line(struct slot *slot);

/* Jobs: their folders belong to the slot's user while it has them. */
TR_CHECKED int tr_supervisor_lend_folder(struct slot *slot, int folder);
void tr_supervisor_wipe_start(struct slot *slot);
void tr_supervisor_forget_job(struct slot *slot, struct tr_slotjob *job);
void tr_supervisor_release_job(struct slot *slot, bool has_files);
void tr_supervisor_return_jobs(struct slot *slot);
void tr_supervisor_drop_late_jobs(struct slot *slot);

#endif
