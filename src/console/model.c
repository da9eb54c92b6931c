#include "console/model_internal.h"

#include "core/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#define PATIENCE_NS (1500 * TR_NS_PER_MS)

void tr_model_tell(struct tr_model *model)
{
	model->view.generation++;
	while (eventfd_write(model->event, 1) < 0 && errno == EINTR)
		;
}

bool tr_model_wait(struct tr_model *model, int64_t timeout_ns)
{
	int64_t until_ns = tr_clock_now_ns() + timeout_ns;
	const struct timespec until = {until_ns / TR_NS_PER_S, until_ns % TR_NS_PER_S};

	if (!model->is_over)
		pthread_cond_timedwait(&model->changed, &model->lock, &until);
	return !model->is_over;
}

/* ---- begin and end ---- */

void tr_model_let_go(struct tr_model *model)
{
	pthread_mutex_lock(&model->lock);
	bool is_last = --model->users == 0;
	pthread_mutex_unlock(&model->lock);
	if (!is_last)
		return;
	tr_model_view_clear(&model->view);
	for (unsigned i = 0; i < TR_MODEL_SLOTS_MAX; i++)
		free(model->previews[i].picture.rgb);
	if (model->token)
		explicit_bzero(model->token, strlen(model->token));
	free(model->node);
	free(model->token);
	free(model->ca_file);
	if (model->event >= 0)
		close(model->event);
	pthread_cond_destroy(&model->changed);
	pthread_mutex_destroy(&model->lock);
	free(model);
}

/* A thread that waits for a node which hangs is left behind, with what it uses. */
void tr_model_destroy(struct tr_model *model)
{
	if (!model)
		return;
	pthread_mutex_lock(&model->lock);
	model->is_over = true;
	pthread_cond_broadcast(&model->changed);
	pthread_mutex_unlock(&model->lock);
	int64_t until_ns = tr_clock_wall_ns() + PATIENCE_NS;
	const struct timespec until = {until_ns / TR_NS_PER_S, until_ns % TR_NS_PER_S};
	for (unsigned i = 0; i < model->thread_count; i++)
		if (pthread_timedjoin_np(model->threads[i], NULL, &until) != 0)
			pthread_detach(model->threads[i]);
	tr_model_let_go(model);
}

static int copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static int copy_settings(struct tr_model *model, const struct tr_node_client_settings *settings)
{
	if (copy_text(settings->node, &model->node) < 0 ||
		copy_text(settings->token, &model->token) < 0 ||
		copy_text(settings->ca_file, &model->ca_file) < 0)
		return -ENOMEM;
	model->settings = *settings;
	model->settings.node = model->node;
	model->settings.token = model->token;
	model->settings.ca_file = model->ca_file;
	return 0;
}

static int start_threads(struct tr_model *model)
{
	static void *(*const work[])(void *) = {
		tr_model_hear, tr_model_read_state, tr_model_fetch_previews};
	sigset_t all, old;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; i < TR_COUNT(work) && rc == 0; i++) {
		pthread_mutex_lock(&model->lock);
		model->users++;
		pthread_mutex_unlock(&model->lock);
		rc = -pthread_create(&model->threads[i], NULL, work[i], model);
		if (rc == 0)
			model->thread_count++;
		else
			tr_model_let_go(model);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int tr_model_create(const struct tr_node_client_settings *settings, struct tr_model **ret_model)
{
	pthread_condattr_t clock;
	struct tr_model *model = calloc(1, sizeof(*model));

	if (!model)
		return -ENOMEM;
	model->users = 1;
	model->view.since_ms = tr_clock_now_ns() / TR_NS_PER_MS;
	pthread_mutex_init(&model->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&model->changed, &clock);
	pthread_condattr_destroy(&clock);
	model->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = model->event < 0 ? -errno : copy_settings(model, settings);
	if (rc == 0)
		rc = start_threads(model);
	if (rc < 0) {
		tr_model_destroy(model);
		return rc;
	}
	*ret_model = model;
	return 0;
}

/* ---- for the screens ---- */

int tr_model_fd(const struct tr_model *model)
{
	return model->event;
}

void tr_model_read(struct tr_model *model, struct tr_model_view *ret_view)
{
	eventfd_t count;

	pthread_mutex_lock(&model->lock);
	eventfd_read(model->event, &count);
	*ret_view = model->view;
	json_incref(ret_view->node);
	json_incref(ret_view->slots);
	json_incref(ret_view->recordings);
	pthread_mutex_unlock(&model->lock);
}

void tr_model_view_clear(struct tr_model_view *view)
{
	json_decref(view->node);
	json_decref(view->slots);
	json_decref(view->recordings);
	memset(view, 0, sizeof(*view));
}

void tr_model_want_previews(struct tr_model *model, uint32_t slots)
{
	pthread_mutex_lock(&model->lock);
	if (slots != model->wanted_previews)
		pthread_cond_broadcast(&model->changed);
	model->wanted_previews = slots;
	pthread_mutex_unlock(&model->lock);
}

void tr_model_want_recordings(struct tr_model *model, bool is_wanted)
{
	pthread_mutex_lock(&model->lock);
	model->is_recordings_old |= is_wanted && !model->wants_recordings;
	model->wants_recordings = is_wanted;
	pthread_cond_broadcast(&model->changed);
	pthread_mutex_unlock(&model->lock);
}

int tr_model_picture(struct tr_model *model, unsigned slot, struct tr_model_picture *ret_picture)
{
	int rc = -EAGAIN;

	if (slot < 1 || slot > TR_MODEL_SLOTS_MAX)
		return -EAGAIN;
	pthread_mutex_lock(&model->lock);
	const struct tr_model_picture *picture = &model->previews[slot - 1].picture;
	size_t size = (size_t)picture->width * (size_t)picture->height * 3;
	uint8_t *copy = picture->rgb ? malloc(size) : NULL;
	if (copy) {
		memcpy(copy, picture->rgb, size);
		*ret_picture = *picture;
		ret_picture->rgb = copy;
		rc = 0;
	}
	pthread_mutex_unlock(&model->lock);
	return rc;
}
