/*
 * One real, short recording of a meeting by a slot of its own, beside telerecd's: what the browser,
 * the display, the sound and the encoder really do, and how far the browser gets. The files go away
 * again.
 */
#ifndef TR_DOCTOR_SLOT_TRY_H
#define TR_DOCTOR_SLOT_TRY_H

#include "config/config.h"
#include "protocol/message.h"

enum tr_slot_try_stage {
	TR_SLOT_TRY_NOTHING,   /* the slot's program does not even start */
	TR_SLOT_TRY_PREPARING, /* X, sound, browser, encoder */
	TR_SLOT_TRY_JOINING,
	TR_SLOT_TRY_JOINED,    /* the page is in the meeting */
	TR_SLOT_TRY_RECORDING, /* pictures and sound are on the disk */
};

struct tr_slot_try {
	enum tr_slot_try_stage stage; /* that was reached */
	enum tr_reason reason;	      /* why it went no further; none: it ended as wanted */
	char sentence[TR_MESSAGE_SENTENCE_MAX];
	struct tr_message_ready ready;
	bool is_connected;     /* ICE, at the end */
	int participants;      /* the others, at most */
	int64_t download_kbps; /* at most */
	int64_t join_ms;
};

/* Waits, about `timeout_ms` at most in each stage but the last. `url` may be NULL: only prepares.
 * `number` is the slot's: its card of snd-aloop.
 * -errno for what is no answer (no memory, no folder). */
TR_CHECKED int tr_slot_try_run(const struct tr_config *config,
	const struct tr_config_environment *environment, const char *url, unsigned number,
	struct tr_slot_try *ret);

#endif
