/*
 * The operator's script after a recording, called as Jibri calls it: SCRIPT FOLDER, no shell, our
 * environment without secrets, standard input empty, standard error merged into standard output,
 * every line of which goes to the log.
 *
 * On the caller's loop, never waits. One run at a time for each object; several objects may run.
 */
#ifndef TR_STORAGE_FINALIZE_H
#define TR_STORAGE_FINALIZE_H

#include "core/cleanup.h"

#include <stdint.h>
#include <systemd/sd-event.h>

struct tr_finalize_settings {
	const char *script; /* a full path */
	const char *folder; /* its only argument, as the configuration has it */
	int64_t timeout_ms; /* SIGTERM then, SIGKILL ten seconds later; 0: none */
	unsigned attempts;  /* after a failure again, with growing pauses; 0: 1 */
	int64_t pause_ms;   /* before the second one; 0: 10 s; doubles, at most 10 min */
	const char *session_id;
};

struct tr_finalize_result {
	int rc; /* 0: it exited with 0; -ENOENT, -EACCES: cannot be run; -ETIMEDOUT; -EREMOTEIO */
	int wait_status; /* of the last attempt, -1 when it never ran */
	unsigned attempts;
	char sentence[512]; /* for people */
	char output[4096];  /* the last of what it said */
};

typedef void tr_finalize_done_fn(const struct tr_finalize_result *result, void *user);

struct tr_finalize;

/* Borrows the settings. `done` comes from the loop, once, never from within; then destroy. */
TR_CHECKED int tr_finalize_start(sd_event *event, const struct tr_finalize_settings *settings,
	tr_finalize_done_fn *done, void *user, struct tr_finalize **ret_finalize);

/* Kills a running script with its group. NULL is fine. */
void tr_finalize_destroy(struct tr_finalize *finalize);

TR_CLEANUP_DEFINE(struct tr_finalize, tr_finalize_destroy)

#endif
