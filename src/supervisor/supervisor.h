/*
 * Keeps the machine's slot processes alive and the recordings in them going: starts the processes
 * (or waits for those that the service manager starts), notices when one dies or hangs, and starts
 * it again after a growing pause. A recording survives its slot's death: the next process goes on
 * in the same folder, and files that were not made yet are made by it.
 *
 * What becomes of a slot is the pure table of slotlife.h. Everything runs on the given loop's
 * thread; the events come from the loop, never from within a call.
 */
#ifndef TR_SUPERVISOR_SUPERVISOR_H
#define TR_SUPERVISOR_SUPERVISOR_H

#include "protocol/message.h"
#include "supervisor/slotlife.h"

#include <systemd/sd-event.h>

/* Zero means the default. */
struct tr_supervisor_limits {
	/* 90 s: from the process to ready; as much more after each that was lost before, at most
	 * five times as long. */
	int64_t ready_ms;
	int64_t started_ms; /* 60 s: to `started`, added to the page's and the join's own time */
	int64_t silence_ms; /* 30 s: without a word while it records */
	int64_t stopped_ms; /* 20 s: from stop to `stopped` */
	int64_t clear_ms;   /* 90 s: from `stopped` to idle */
	int64_t finish_ms;  /* 2 h: from `stopped` to the files */
	int64_t quit_ms;    /* 10 s: from quit to the process's end */
	unsigned restarts;  /* 5: deaths of a slot in one recording */
};

struct tr_supervisor_settings {
	unsigned slots;
	const char *program;	/* the slot's */
	const char *socket_dir; /* slots connect to DIR/NUMBER.sock; NULL: we start them */
	/* slot, runtime_dir and user are filled in; the display is the first slot's alone */
	struct tr_message_configure configure;
	int log_level;
	struct tr_supervisor_limits limits;
};

/* How a slot is. A value. */
struct tr_supervisor_condition {
	enum tr_slotlife_state state;
	bool is_well;		       /* it can record, does so, or will in a moment */
	char sentence[512];	       /* what is the matter, or "" */
	struct tr_message_ready ready; /* as it said last */
	unsigned starts;	       /* of its process, all in all */
};

struct tr_supervisor_events {
	/* The slot's condition has changed. */
	void (*on_condition)(unsigned slot, void *user);
	/* What the slot says about a recording (job: its number): started (again after a restart),
	 * meeting, progress, stopped (also when the slot could not say it itself), then finished or
	 * failed unless there is nothing to finish, once each; and warning (job 0: none). */
	void (*on_message)(
		unsigned slot, uint64_t job, const struct tr_message *message, void *user);
	/* The answer to tr_supervisor_preview(): `fd` (borrowed) holds the JPEG, or -1. NULL:
	 * nobody asks. */
	void (*on_picture)(
		unsigned slot, const struct tr_message_picture *picture, int fd, void *user);
	/* What slots can encode with, as encode/probe.h has it ("{}": software alone), after each
	 * look. NULL: nobody asks. */
	void (*on_encoders)(const char *found, void *user);
	/* A line that a slot which we started wrote to standard error; it goes to ours, too. NULL:
	 * their standard error is ours. */
	void (*on_log)(unsigned slot, const char *line, void *user);
};

struct tr_supervisor;

/* Borrows the settings and starts the slots; keeps the loop. -errno after saying what is wrong. */
TR_CHECKED int tr_supervisor_create(sd_event *event, const struct tr_supervisor_settings *settings,
	const struct tr_supervisor_events *events, void *user,
	struct tr_supervisor **ret_supervisor);

/* Asks every slot to quit, waits, kills what does not, removes the runtime folders. NULL is fine.
 */
void tr_supervisor_destroy(struct tr_supervisor *supervisor);

/* Starts a recording in an idle slot. Borrows the folder and the message, of which a copy is kept,
 * and wiped, until it has ended. -EBUSY when the slot is not idle, -errno. */
TR_CHECKED int tr_supervisor_start(struct tr_supervisor *supervisor, unsigned slot,
	const struct tr_message_start *start, int folder, uint64_t *ret_job);

/* Ends the recording in the slot; `stopped` comes. Nothing to stop is fine. */
void tr_supervisor_stop(struct tr_supervisor *supervisor, unsigned slot);

/* The recording in the slot is to cost less room, see protocol's economize. Nothing to tell is
 * fine; a process that resumes the recording does not know of it. */
void tr_supervisor_economize(struct tr_supervisor *supervisor, unsigned slot, int level);

/* Asks for a picture of the slot's screen, `width` pixels wide; it comes, or does not when the
 * process ends. -ENODATA when there is no process that shows something. */
TR_CHECKED int tr_supervisor_preview(struct tr_supervisor *supervisor, unsigned slot, int width);

/* The machine's encoders are looked for once, by the first slot that comes, and the others are
 * told. Here an idle slot looks again. -EBUSY when there is none, or one is about it. */
TR_CHECKED int tr_supervisor_ask_encoders(struct tr_supervisor *supervisor);

/* Ends the slot's process, which must neither record nor make files; another comes. -EBUSY. */
TR_CHECKED int tr_supervisor_restart(struct tr_supervisor *supervisor, unsigned slot);

/* Makes the files of a recording whose process is long gone; finished or failed comes. The slot
 * must not be away. Borrows the folder. -EBUSY, -errno. */
TR_CHECKED int tr_supervisor_finish(struct tr_supervisor *supervisor, unsigned slot,
	const char *session_id, int folder, uint64_t *ret_job);

/* The user of the slot's process where every slot has its own, so that none reads what another
 * made; -ENOENT where that is no matter, or there is no process. */
TR_CHECKED int tr_supervisor_slot_user(
	const struct tr_supervisor *supervisor, unsigned slot, uid_t *ret_uid);

void tr_supervisor_read(const struct tr_supervisor *supervisor, unsigned slot,
	struct tr_supervisor_condition *ret_condition);
enum tr_slotlife_state tr_supervisor_state(const struct tr_supervisor *supervisor, unsigned slot);

/* How many slots are idle. */
unsigned tr_supervisor_ready_slots(const struct tr_supervisor *supervisor);

TR_CLEANUP_DEFINE(struct tr_supervisor, tr_supervisor_destroy)

#endif
