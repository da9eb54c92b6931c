/*
 * Which encoders this slot may use: asked of the machine once, on a thread of its own while the
 * display and the browser come up. Without a GPU, or when software is asked for, nothing is started
 * and software is the answer.
 */
#ifndef TR_SESSION_RUNG_CHOICE_H
#define TR_SESSION_RUNG_CHOICE_H

#include "encode/ladder.h"
#include "session/programs.h"

struct tr_rung_choice;

/* `encoder`: the setting video.encoder. Keeps the programs. -ENOMEM, -errno of the thread. */
TR_CHECKED int tr_rung_choice_start(const struct tr_programs *programs, const char *encoder,
	int width, int height, struct tr_rung_choice **ret_choice);

/* Waits for the answer and makes a ladder of it. `problem`: what was asked for by name and does not
 * work, in a sentence, or "". */
void tr_rung_choice_finish(struct tr_rung_choice *choice, struct tr_ladder *ret_ladder,
	char *problem, size_t problem_size);

/* Waits for the thread. NULL is fine. */
void tr_rung_choice_destroy(struct tr_rung_choice *choice);

TR_CLEANUP_DEFINE(struct tr_rung_choice, tr_rung_choice_destroy)

#endif
