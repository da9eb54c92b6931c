#define TR_LOG_AREA "encoder"
#include "session/rung_choice.h"

#include "core/log.h"
#include "encode/probe.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#define PROBE_TIMEOUT_MS 20000
#define NOTHING "{}" /* no GPU was looked for: software */

struct tr_rung_choice {
	/* fixed after start */
	struct tr_probe_settings probe;
	char encoder[160];
	int width, height;
	pthread_t thread;
	bool has_thread;
	int done; /* eventfd */

	/* the thread's, until it is joined */
	struct tr_rung_list list;
	json_t *found;
	char problem[300];
};

static void *ask(void *user)
{
	struct tr_rung_choice *choice = user;

	pthread_setname_np(pthread_self(), "rungs");
	int rc = tr_probe_run(&choice->probe, &choice->found);
	if (choice->found &&
		tr_probe_choose(choice->found, choice->encoder, choice->width, choice->height,
			&choice->list, choice->problem, sizeof(choice->problem)) < 0)
		choice->list.count = 0;
	if (!choice->found)
		snprintf(choice->problem, sizeof(choice->problem),
			"this machine's encoders could not be asked for (%s): software is used",
			strerror(-rc));
	if (eventfd_write(choice->done, 1) < 0)
		tr_error("cannot wake the slot");
	return NULL;
}

/* What is asked for by name is always looked for: that it is not there must be said. */
static bool is_worth_asking(const char *encoder)
{
	if (!strcmp(encoder, "software"))
		return false;
	return (encoder[0] && strcmp(encoder, "auto") != 0) || access("/dev/dri", F_OK) == 0;
}

static int start(struct tr_rung_choice *choice)
{
	choice->done = eventfd(0, EFD_CLOEXEC);
	if (choice->done < 0)
		return -errno;
	if (!is_worth_asking(choice->encoder))
		return eventfd_write(choice->done, 1) < 0 ? -errno : 0;
	int rc = -pthread_create(&choice->thread, NULL, ask, choice);
	choice->has_thread = rc == 0;
	return rc;
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
	int rc = start(choice);
	if (rc < 0)
		return tr_fail(rc, "no thread to ask for encoders");
	*ret_choice = tr_take(choice);
	return 0;
}

int tr_rung_choice_fd(const struct tr_rung_choice *choice)
{
	return choice->done;
}

static void join(struct tr_rung_choice *choice)
{
	if (choice->has_thread)
		pthread_join(choice->thread, NULL);
	choice->has_thread = false;
}

/* What a choice is made from, and no more. */
static json_t *shorten(const json_t *found)
{
	static const char *const keys[] = {"node", "address", "problem"};
	json_t *list = json_array(), *device;
	size_t i;

	json_array_foreach(json_object_get(found, "devices"), i, device)
	{
		json_t *own = json_object();
		for (size_t k = 0; k < TR_COUNT(keys); k++)
			json_object_set(own, keys[k], json_object_get(device, keys[k]));
		json_array_append_new(list, own);
	}
	return json_pack("{s:o, s:O}", "devices", list, "rungs", json_object_get(found, "rungs"));
}

static void print_found(const json_t *found, char *out, size_t size)
{
	json_t *json = json_object_get(found, "rungs") ? shorten(found) : NULL;
	TR_CLEANUP(tr_freep) char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if ((size_t)snprintf(out, size, "%s", text ? text : NOTHING) >= size)
		out[0] = '\0';
}

void tr_rung_choice_finish(struct tr_rung_choice *choice, struct tr_rung_list *ret_list,
	char *problem, size_t problem_size, char *found, size_t found_size)
{
	join(choice);
	*ret_list = choice->list;
	snprintf(problem, problem_size, "%s", choice->problem);
	print_found(choice->found, found, found_size);
}

int tr_rung_choice_read(const char *found, const char *encoder, int width, int height,
	struct tr_rung_list *ret_list, char *problem, size_t problem_size)
{
	json_t *json = json_loads(found, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(json)) {
		json_decref(json);
		return -EPROTO;
	}
	int rc = tr_probe_choose(json, encoder[0] ? encoder : "auto", width, height, ret_list,
		problem, problem_size);
	json_decref(json);
	return rc;
}

void tr_rung_choice_destroy(struct tr_rung_choice *choice)
{
	if (!choice)
		return;
	join(choice);
	json_decref(choice->found);
	if (choice->done >= 0)
		close(choice->done);
	free(choice);
}
