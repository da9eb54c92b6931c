#include "console/job_internal.h"

#include "console/model_internal.h"
#include "core/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define CALL_MS 20000
#define PATIENCE_S 2

/* ---- on the job's thread ---- */

static int get_picture(struct tr_job *job, struct tr_node_client *client)
{
	int rc = tr_model_fetch(client, job->path, &job->picture);

	if (rc == 0)
		job->result.picture = &job->picture;
	return rc;
}

void tr_job_do_call(struct tr_job *job)
{
	TR_CLEANUP(tr_node_client_destroyp) struct tr_node_client *client = NULL;
	struct tr_node_client_settings settings = job->console->settings.node;

	settings.timeout_ms = CALL_MS;
	job->result.rc = tr_node_client_create(&settings, &client);
	if (job->result.rc == 0 && job->is_picture)
		job->result.rc = get_picture(job, client);
	else if (job->result.rc == 0)
		job->result.rc = tr_node_client_call(
			client, job->method, job->path, job->body, &job->result.json);
	if (client) {
		job->result.status = tr_node_client_status(client);
		snprintf(job->problem, sizeof(job->problem), "%s", tr_node_client_problem(client));
	}
}

static void wake(struct tr_console *console)
{
	while (eventfd_write(console->job_event, 1) < 0 && errno == EINTR)
		;
}

static void *work(void *user)
{
	struct tr_job *job = user;
	struct tr_console *console = job->console;

	if (job->argv)
		tr_job_do_program(job);
	else
		tr_job_do_call(job);
	if (job->result.rc < 0 && !job->problem[0])
		snprintf(job->problem, sizeof(job->problem), "%s", strerror(-job->result.rc));
	job->result.problem = job->problem;
	job->result.text = job->text ? job->text : "";
	pthread_mutex_lock(&console->job_lock);
	job->is_over = true;
	pthread_mutex_unlock(&console->job_lock);
	wake(console);
	return NULL;
}

/* ---- begin and end ---- */

static void free_words(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}

static void free_job(struct tr_job *job)
{
	if (job->input)
		explicit_bzero(job->input, strlen(job->input));
	free(job->input);
	free(job->method);
	free(job->path);
	free_words(job->argv);
	json_decref(job->body);
	json_decref(job->result.json);
	free(job->picture.rgb);
	free(job->text);
	free(job->output);
	if (job->stop_event >= 0)
		close(job->stop_event);
	free(job);
}

static struct tr_job *make_job(struct tr_console *console, void *user)
{
	struct tr_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->console = console;
	job->user = user;
	job->stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return job;
}

/* Signals are the UI thread's. */
static int start_thread(struct tr_job *job)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&job->thread, NULL, work, job);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

static struct tr_job *start(struct tr_job *job, bool is_whole, struct tr_console *console)
{
	if (job && is_whole) {
		pthread_mutex_lock(&console->job_lock);
		job->next = console->jobs;
		console->jobs = job;
		pthread_mutex_unlock(&console->job_lock);
		if (start_thread(job) == 0)
			return job;
		console->jobs = job->next; /* nothing of its own ran between */
	}
	if (job)
		free_job(job);
	tr_console_say(console, TR_ROLE_BAD, "There is not enough memory for that.");
	return NULL;
}

struct tr_job *tr_job_call(struct tr_console *console, const char *method, const char *path,
	const json_t *body, tr_job_done_fn *done, void *user)
{
	struct tr_job *job = make_job(console, user);

	if (!job)
		return start(NULL, false, console);
	job->done = done;
	job->method = strdup(method);
	job->path = strdup(path);
	job->body = body ? json_deep_copy(body) : NULL;
	return start(job, job->method && job->path && (!body || job->body), console);
}

struct tr_job *tr_job_picture(
	struct tr_console *console, const char *path, tr_job_done_fn *done, void *user)
{
	struct tr_job *job = make_job(console, user);

	if (!job)
		return start(NULL, false, console);
	job->done = done;
	job->is_picture = true;
	job->path = strdup(path);
	return start(job, job->path != NULL, console);
}

/* argv with what goes before it, copied. */
static char **copy_words(
	const struct tr_console *console, const char *const argv[], bool is_by_sudo)
{
	static const char *const sudo[] = {"sudo", "-n", "--"};
	size_t before = is_by_sudo ? TR_COUNT(sudo) : 0, count = 0;

	while (argv[count])
		count++;
	char **words = calloc(before + count + 1, sizeof(*words));
	for (size_t i = 0; words && i < before + count; i++) {
		const char *word = i < before ? sudo[i] : argv[i - before];
		if (i == before && !strcmp(word, "telerec"))
			word = console->settings.program;
		words[i] = strdup(word);
		if (!words[i]) {
			free_words(words);
			return NULL;
		}
	}
	return words;
}

struct tr_job *tr_job_run(struct tr_console *console, const char *const argv[], const char *input,
	bool as_root, tr_job_done_fn *done, void *user)
{
	struct tr_job *job = make_job(console, user);

	if (!job)
		return start(NULL, false, console);
	job->done = done;
	job->is_by_sudo = as_root && geteuid() != 0;
	job->argv = copy_words(console, argv, job->is_by_sudo);
	job->input = input ? strdup(input) : NULL;
	return start(job, job->argv && (!input || job->input), console);
}

char *tr_job_so_far(struct tr_job *job)
{
	char *text = NULL;

	pthread_mutex_lock(&job->console->job_lock);
	const char *end = job->text ? strrchr(job->text, '\n') : NULL;
	if (end)
		text = strndup(job->text, (size_t)(end - job->text) + 1);
	pthread_mutex_unlock(&job->console->job_lock);
	return text;
}

void tr_job_drop(struct tr_job *job)
{
	if (!job || job->is_dropped)
		return;
	job->is_dropped = true; /* read by this thread alone */
	eventfd_write(job->stop_event, 1);
}

/* ---- on the UI thread ---- */

/* A job that has ended, taken off the list; with `is_all` any. */
static struct tr_job *take_over(struct tr_console *console, bool is_all)
{
	struct tr_job *found = NULL;

	pthread_mutex_lock(&console->job_lock);
	for (struct tr_job **link = &console->jobs; *link && !found; link = &(*link)->next)
		if ((*link)->is_over || is_all) {
			found = *link;
			*link = found->next;
			break;
		}
	pthread_mutex_unlock(&console->job_lock);
	return found;
}

static void finish(struct tr_console *console, struct tr_job *job)
{
	pthread_join(job->thread, NULL);
	if (job->done && !job->is_dropped)
		job->done(console, &job->result, job->user);
	free_job(job);
}

void tr_job_serve(struct tr_console *console)
{
	struct tr_job *job;
	eventfd_t count;

	eventfd_read(console->job_event, &count);
	console->is_dirty = true;
	while ((job = take_over(console, false)))
		finish(console, job);
}

bool tr_job_end_all(struct tr_console *console)
{
	struct timespec until;
	struct tr_job *job;

	for (job = console->jobs; job; job = job->next)
		tr_job_drop(job);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	while ((job = take_over(console, true))) {
		if (pthread_timedjoin_np(job->thread, NULL, &until) != 0)
			return false;
		free_job(job);
	}
	return true;
}

const char *tr_job_words(const struct tr_job_result *result)
{
	const char *problem = result->problem && result->problem[0] ? result->problem : NULL;

	return problem ? problem : result->text ? result->text : "";
}
