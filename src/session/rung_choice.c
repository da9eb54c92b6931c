#define TR_LOG_AREA "encoder"
#include "session/rung_choice.h"

#include "core/log.h"
#include "encode/probe.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PROBE_TIMEOUT_MS 20000

struct tr_rung_choice {
	/* fixed after start */
	struct tr_probe_settings probe;
	char encoder[160];
	int width, height;
	pthread_t thread;
	bool has_thread;

	/* the thread's, until it is joined */
	struct tr_rung_list list;
	char problem[300];
};

static void *ask(void *user)
{
	struct tr_rung_choice *choice = user;
	json_t *found = NULL;

	pthread_setname_np(pthread_self(), "rungs");
	int rc = tr_probe_run(&choice->probe, &found);
	if (found && tr_probe_choose(found, choice->encoder, choice->width, choice->height,
			     &choice->list, choice->problem, sizeof(choice->problem)) < 0)
		choice->list.count = 0;
	if (!found)
		snprintf(choice->problem, sizeof(choice->problem),
			"this machine's encoders could not be asked for (%s): software is used",
			strerror(-rc));
	json_decref(found);
	return NULL;
}

/* What is asked for by name is always looked for: that it is not there must be said. */
static bool is_worth_asking(const char *encoder)
{
	if (!strcmp(encoder, "software"))
		return false;
	return (encoder[0] && strcmp(encoder, "auto") != 0) || access("/dev/dri", F_OK) == 0;
}

int tr_rung_choice_start(const struct tr_programs *programs, const char *encoder, int width,
	int height, struct tr_rung_choice **ret_choice)
{
	TR_CLEANUP(tr_rung_choice_destroyp)
	struct tr_rung_choice *choice = calloc(1, sizeof(*choice));

	if (!choice)
		return -ENOMEM;
	choice->probe = (struct tr_probe_settings){
		.program = programs->encoder,
		.program_fd = programs->encoder_fd,
		.module_fd = programs->module_fd,
		.is_testing = true,
		.timeout_ms = PROBE_TIMEOUT_MS,
	};
	choice->width = width;
	choice->height = height;
	snprintf(choice->encoder, sizeof(choice->encoder), "%s", encoder[0] ? encoder : "auto");
	if (is_worth_asking(choice->encoder)) {
		int rc = -pthread_create(&choice->thread, NULL, ask, choice);
		if (rc < 0)
			return tr_fail(rc, "no thread to ask for encoders");
		choice->has_thread = true;
	}
	*ret_choice = tr_take(choice);
	return 0;
}

static void join(struct tr_rung_choice *choice)
{
	if (choice->has_thread)
		pthread_join(choice->thread, NULL);
	choice->has_thread = false;
}

void tr_rung_choice_finish(struct tr_rung_choice *choice, struct tr_ladder *ret_ladder,
	char *problem, size_t problem_size)
{
	join(choice);
	tr_ladder_init(ret_ladder, &choice->list);
	snprintf(problem, problem_size, "%s", choice->problem);
}

void tr_rung_choice_destroy(struct tr_rung_choice *choice)
{
	if (!choice)
		return;
	join(choice);
	free(choice);
}
