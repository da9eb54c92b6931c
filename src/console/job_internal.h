/* A job between the UI thread and its own. */
#ifndef TR_CONSOLE_JOB_INTERNAL_H
#define TR_CONSOLE_JOB_INTERNAL_H

#include "console/console_internal.h"

#include <pthread.h>

struct tr_job {
	struct tr_job *next; /* tr_console.jobs */
	struct tr_console *console;

	/* fixed after start */
	tr_job_done_fn *done;
	void *user;
	char *method, *path; /* of a call */
	json_t *body;
	bool is_picture;
	char **argv; /* of a program, ends with NULL */
	char *input;
	bool is_by_sudo;
	int stop_event; /* readable: the program shall end */
	pthread_t thread;

	/* under tr_console.job_lock */
	bool is_dropped, is_over;
	char *text; /* written by the thread alone, which may read it without */
	size_t text_size;

	/* the thread's until is_over */
	struct tr_job_result result;
	char *output; /* standard output alone */
	size_t output_size;
	struct tr_model_picture picture;
	char problem[1024];
};

/* The thread's work: fills the result. */
void tr_job_do_call(struct tr_job *job);
void tr_job_do_program(struct tr_job *job);

#endif
