/* The model's threads among themselves: one hears events, one reads, one fetches pictures. */
#ifndef TR_CONSOLE_MODEL_INTERNAL_H
#define TR_CONSOLE_MODEL_INTERNAL_H

#include "console/model.h"

#include <pthread.h>

struct tr_model_preview {
	struct tr_model_picture picture;
	int64_t next_ns; /* not before */
};

struct tr_model {
	/* fixed after start */
	struct tr_node_client_settings settings;
	char *node, *token, *ca_file;
	int event;
	pthread_t threads[3];
	unsigned thread_count;

	pthread_mutex_t lock;
	pthread_cond_t changed; /* CLOCK_MONOTONIC: for the threads */

	/* under lock */
	bool is_over;
	unsigned users;	   /* who lets go last frees */
	bool is_following; /* events come */
	struct tr_model_view view;
	bool is_node_old, is_slots_old, is_recordings_old, wants_recordings;
	uint32_t wanted_previews;
	struct tr_model_preview previews[TR_MODEL_SLOTS_MAX];
};

/* With the lock: tells the UI thread. */
void tr_model_tell(struct tr_model *model);

/* Waits for a change, or so long; false when it is all over. Takes the lock and gives it back held:
 * call it with the lock. */
TR_CHECKED bool tr_model_wait(struct tr_model *model, int64_t timeout_ns);

/* Threads. */
void *tr_model_hear(void *model);
void *tr_model_read_state(void *model);
void *tr_model_fetch_previews(void *model);

/* Asks for a JPEG or PNG and makes pixels of it; the caller owns its rgb. As the client's calls;
 * -EPROTO for what is no picture. */
TR_CHECKED int tr_model_fetch(
	struct tr_node_client *client, const char *path, struct tr_model_picture *ret_picture);

/* Drops a use of it. */
void tr_model_let_go(struct tr_model *model);

#endif
