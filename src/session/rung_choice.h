/*
 * Which encoders this slot may use: asked of the machine on a thread of its own while the display
 * and the browser come up, or read from what another slot has found. Without a GPU, or when
 * software is asked for, nothing is started and software is the answer.
 */
#ifndef TR_SESSION_RUNG_CHOICE_H
#define TR_SESSION_RUNG_CHOICE_H

#include "encode/rung.h"
#include "session/programs.h"

#include <stddef.h>

struct tr_rung_choice;

/* `encoder`: the setting video.encoder. Keeps the programs. -ENOMEM, -errno of the thread. */
TR_CHECKED int tr_rung_choice_start(const struct tr_programs *programs, const char *encoder,
	int width, int height, struct tr_rung_choice **ret_choice);

/* Readable when the answer is there. */
int tr_rung_choice_fd(const struct tr_rung_choice *choice);

/* Waits for the answer: the rungs, and in `found` (as JSON, for tr_rung_choice_read(); "" when it
 * does not fit) what there is. `problem`: what was asked for by name and does not work, in a
 * sentence, or "". */
void tr_rung_choice_finish(struct tr_rung_choice *choice, struct tr_rung_list *ret_list,
	char *problem, size_t problem_size, char *found, size_t found_size);

/* The rungs by what was found elsewhere on this machine. -EPROTO when it is no such JSON, -EINVAL
 * when `encoder` has a word that nobody knows. */
TR_CHECKED int tr_rung_choice_read(const char *found, const char *encoder, int width, int height,
	struct tr_rung_list *ret_list, char *problem, size_t problem_size);

/* Waits for the thread. NULL is fine. */
void tr_rung_choice_destroy(struct tr_rung_choice *choice);

TR_CLEANUP_DEFINE(struct tr_rung_choice, tr_rung_choice_destroy)

#endif
