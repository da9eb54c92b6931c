/* The model's threads that hear the node's events and read again what they are about. */
#include "console/model_internal.h"

#include "core/clock.h"
#include "protocol/node_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SILENCE_MS 25000 /* a comment comes every 15 s */
#define ANSWER_MS 10000
#define RETRY_NS TR_NS_PER_S
#define AGAIN_NS (200 * TR_NS_PER_MS) /* at most so often, however many events there are */
#define OLD_NS (10 * TR_NS_PER_S)     /* disk and clock tell nobody of their changes */

/* ---- events ---- */

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

/* What the event brings replaces a part of the slot's session: a reading less. New values all the
 * way up, as the old ones may be looked at. */
static bool patch_session(json_t **slots, const json_t *data, const char *part)
{
	json_t *value = json_object_get(data, part), *slot;
	size_t i;

	json_array_foreach(*slots, i, slot)
	{
		json_t *session = json_object_get(slot, "session");
		if (tr_node_words_int(slot, "slot") != tr_node_words_int(data, "slot") ||
			strcmp(tr_node_words_text(session, "session_id"),
				tr_node_words_text(data, "session_id")) != 0)
			continue;
		json_t *all = json_copy(*slots), *one = json_copy(slot), *new = json_copy(session);
		if (!value || json_object_set(new, part, value) < 0 ||
			json_object_set(one, "session", new) < 0 ||
			json_array_set(all, i, one) < 0) {
			json_decref(all);
			all = json_incref(*slots);
		}
		json_decref(one);
		json_decref(new);
		json_decref(*slots);
		*slots = all;
		return true;
	}
	return false;
}

static void take_event(struct tr_model *model, const char *type, const json_t *data)
{
	static const char *const parts[] = {"progress", "meeting", NULL};
	static const char *const of_recordings[] = {
		"accepted", "ended", "files", "script", "over", "hello", "lost", NULL};

	if (is_one_of(type, parts) && patch_session(&model->view.slots, data, type)) {
		tr_model_tell(model);
		return;
	}
	model->is_node_old = model->is_slots_old = true;
	model->is_recordings_old |= is_one_of(type, of_recordings);
	model->is_following = true;
	pthread_cond_broadcast(&model->changed);
}

static int on_event(const char *type, const json_t *data, void *user)
{
	struct tr_model *model = user;

	pthread_mutex_lock(&model->lock);
	if (type)
		take_event(model, type, data);
	int rc = model->is_over ? -ECANCELED : 0;
	pthread_mutex_unlock(&model->lock);
	return rc;
}

/* With the lock. */
static void go_down(struct tr_model *model, const char *problem)
{
	model->is_following = false;
	if (model->view.is_up || !model->view.problem[0])
		model->view.since_ms = tr_clock_now_ns() / TR_NS_PER_MS;
	model->view.is_up = false;
	snprintf(model->view.problem, sizeof(model->view.problem), "%s",
		problem[0] ? problem : "The node does not answer.");
	tr_model_tell(model);
}

static struct tr_node_client *make_client(const struct tr_model *model, int timeout_ms)
{
	struct tr_node_client_settings settings = model->settings;
	struct tr_node_client *client = NULL;

	settings.timeout_ms = timeout_ms;
	if (tr_node_client_create(&settings, &client) < 0)
		return client; /* it says why, whatever is asked */
	return client;
}

void *tr_model_hear(void *user)
{
	struct tr_model *model = user;
	struct tr_node_client *client = make_client(model, SILENCE_MS);
	bool goes_on = true;

	pthread_setname_np(pthread_self(), "hear");
	while (goes_on) {
		const char *problem = "There is not enough memory.";
		if (client && tr_node_client_follow(client, "/v1/events", on_event, model) < 0)
			problem = tr_node_client_problem(client);
		pthread_mutex_lock(&model->lock);
		goes_on = !model->is_over;
		if (goes_on) {
			int64_t until_ns = tr_clock_now_ns() + RETRY_NS;
			go_down(model, problem);
			while (goes_on && tr_clock_now_ns() < until_ns)
				goes_on = tr_model_wait(model, until_ns - tr_clock_now_ns());
		}
		pthread_mutex_unlock(&model->lock);
	}
	tr_node_client_destroy(client);
	tr_model_let_go(model);
	return NULL;
}

/* ---- reading ---- */

struct state {
	json_t *node, *slots, *recordings;
};

/* The member `key` of what is at `path`; without a key all of it. */
static int read_one(
	struct tr_node_client *client, const char *path, const char *key, json_t **ret_value)
{
	json_t *answer = NULL;
	int rc = tr_node_client_call(client, "GET", path, NULL, &answer);

	if (rc == 0) {
		json_t *value = key ? json_object_get(answer, key) : answer;
		*ret_value = json_incref(value);
		rc = value ? 0 : -EPROTO;
	}
	json_decref(answer);
	return rc;
}

/* With the lock: a new value is there. */
static void replace(json_t **value, json_t *new)
{
	if (!new)
		return;
	json_decref(*value);
	*value = new;
}

/* With the lock, which is given back while the node is asked. */
static void read_again(struct tr_model *model, struct tr_node_client *client)
{
	bool wants_recordings = model->wants_recordings && model->is_recordings_old;
	struct state new = {0};

	model->is_node_old = model->is_slots_old = false;
	if (wants_recordings)
		model->is_recordings_old = false;
	pthread_mutex_unlock(&model->lock);
	int rc = read_one(client, "/v1/node", NULL, &new.node);
	if (rc == 0)
		rc = read_one(client, "/v1/slots", "slots", &new.slots);
	if (rc == 0 && wants_recordings)
		rc = read_one(client, "/v1/recordings?limit=1000", "recordings", &new.recordings);
	pthread_mutex_lock(&model->lock);
	replace(&model->view.node, new.node);
	replace(&model->view.slots, new.slots);
	replace(&model->view.recordings, new.recordings);
	if (rc == 0 && !model->view.is_up && model->is_following) {
		model->view.is_up = model->view.was_up = true;
		model->view.since_ms = tr_clock_now_ns() / TR_NS_PER_MS;
		model->view.problem[0] = '\0';
	}
	if (rc < 0) { /* soon once more */
		model->is_node_old = true;
		model->is_recordings_old |= wants_recordings;
	}
	tr_model_tell(model);
}

void *tr_model_read_state(void *user)
{
	struct tr_model *model = user;
	struct tr_node_client *client = make_client(model, ANSWER_MS);
	int64_t read_ns = 0;

	pthread_setname_np(pthread_self(), "read");
	pthread_mutex_lock(&model->lock);
	while (!model->is_over) {
		int64_t age_ns = tr_clock_now_ns() - read_ns;
		bool is_old = model->is_node_old || model->is_slots_old || age_ns >= OLD_NS ||
			      (model->is_recordings_old && model->wants_recordings);
		if (!client || !model->is_following || !is_old) {
			if (!tr_model_wait(model, TR_NS_PER_S))
				break;
		} else if (age_ns < AGAIN_NS) {
			if (!tr_model_wait(model, AGAIN_NS - age_ns))
				break;
		} else {
			read_again(model, client);
			read_ns = tr_clock_now_ns();
		}
	}
	pthread_mutex_unlock(&model->lock);
	tr_node_client_destroy(client);
	tr_model_let_go(model);
	return NULL;
}
