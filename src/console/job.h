/*
 * What takes time, off the UI thread: a call of the node API, or a program.
 *
 * `done` comes on the UI thread, once, also when it failed; not at all when the job was dropped
 * because its screen closed (then the result is thrown away, and a program is ended).
 */
#ifndef TR_CONSOLE_JOB_H
#define TR_CONSOLE_JOB_H

#include "console/screen.h"

struct tr_job;

struct tr_job_result {
	int rc;		  /* 0 or -errno, as node_client.h; for a program: how its start went */
	int status;	  /* HTTP's, or the program's exit code, 128 + signal */
	json_t *json;	  /* the answer; of a program: its output when that is JSON. Borrowed */
	const char *text; /* of a program: what it printed, both channels; "" */
	const struct tr_model_picture *picture; /* of tr_job_picture(). Borrowed */
	const char *problem; /* a sentence for a person when rc < 0 or the answer is an error */
};

typedef void tr_job_done_fn(
	struct tr_console *console, const struct tr_job_result *result, void *user);

/* All of them give the job for tr_job_drop(), which may be called any time before `done`. Strings
 * are copied; `body` may be NULL and a reference is taken. NULL: no memory; it was said. */
struct tr_job *tr_job_call(struct tr_console *console, const char *method, const char *path,
	const json_t *body, tr_job_done_fn *done, void *user);

/* Fetches a JPEG or PNG, and makes pixels of it. */
struct tr_job *tr_job_picture(
	struct tr_console *console, const char *path, tr_job_done_fn *done, void *user);

/*
 * Runs a program: argv[0] is a full path, or "telerec" for ourselves. `input` goes to its standard
 * input (secrets go there, never into argv) and is wiped. `as_root`: by `sudo -n` unless we are
 * root; where that is refused the problem says so and which command to run as root instead.
 */
struct tr_job *tr_job_run(struct tr_console *console, const char *const argv[], const char *input,
	bool as_root, tr_job_done_fn *done, void *user);

/* The whole lines that a running program has printed so far, both channels; NULL: none. The caller
 * frees it. UI thread. */
char *tr_job_so_far(struct tr_job *job);

void tr_job_drop(struct tr_job *job); /* NULL is fine */

/* What to tell of one that did not work: the problem, else what it printed; "" when it was mute. */
const char *tr_job_words(const struct tr_job_result *result);

#endif
