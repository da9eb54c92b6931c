/* The console's parts among themselves: the stack of screens, the jobs, what is around a screen. */
#ifndef TR_CONSOLE_CONSOLE_INTERNAL_H
#define TR_CONSOLE_CONSOLE_INTERNAL_H

#include "console/console.h"
#include "console/job.h"
#include "console/screen.h"

#include <pthread.h>

#define TR_CONSOLE_SCREENS_MAX 32
#define TR_CONSOLE_MESSAGE_MAX 512

struct tr_console_place {
	const struct tr_screen *screen;
	void *state;
};

struct tr_console {
	struct tr_console_settings settings;
	struct tr_term *term;
	struct tr_model *model;
	struct tr_model_view view;
	struct tr_console_place places[TR_CONSOLE_SCREENS_MAX];
	unsigned count; /* the uppermost is the last */
	bool is_over, is_dirty;
	bool has_help;	/* the help is over the screen */
	int help_first; /* its first row that is shown */
	char message[TR_CONSOLE_MESSAGE_MAX];
	enum tr_role message_role;
	int64_t message_ns;

	int signals;   /* readable when we are told to end */
	int job_event; /* readable when a job has something */
	pthread_mutex_t job_lock;
	struct tr_job *jobs; /* all, under job_lock */
};

/* Title bar, message line and help line around the uppermost screen, and the screen itself. */
void tr_console_draw(struct tr_console *console);

/* The help overlay's keys. */
void tr_console_help_key(struct tr_console *console, int key);

/* Calls back for what jobs have. */
void tr_job_serve(struct tr_console *console);

/* Ends and forgets all of them; false when one does not end: what it uses must stay. */
TR_CHECKED bool tr_job_end_all(struct tr_console *console);

#endif
