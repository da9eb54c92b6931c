/* A question that may never come back: asked in a child process, whose output is kept. */
#ifndef TR_ENCODE_PROBE_CHILD_H
#define TR_ENCODE_PROBE_CHILD_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TR_PROBE_WORDS_MAX 4096

struct tr_probe_answer {
	json_t *json;			/* an object or array; NULL: none that can be read */
	bool has_hung;			/* nothing was heard of it for long */
	bool is_late;			/* the time for all was over before it was ready */
	bool has_ended;			/* it was ended: by a signal, or an exit that is not ours */
	int wait_status;		/* then */
	char stage[64];			/* the last line "at ..." that it printed */
	char words[TR_PROBE_WORDS_MAX]; /* the end of what it printed, without those lines */
};

/* Runs in the child; gives its answer. The lines "at ..." on standard error show that it goes on.
 */
typedef json_t *tr_probe_question_fn(void *user);

/* Asks and waits: until `silent_ms` pass without a word, or `deadline_ns` does. -errno. */
TR_CHECKED int tr_probe_child_ask(tr_probe_question_fn *question, void *user, int silent_ms,
	int64_t deadline_ns, struct tr_probe_answer *ret);
void tr_probe_child_release(struct tr_probe_answer *answer);

/* In the child: what it does next. */
static inline void tr_probe_child_say(const char *stage)
{
	fprintf(stderr, "at %s\n", stage);
}

#endif
