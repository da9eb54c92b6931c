/*
 * What the console knows of the node: a thread follows the node API's events, reads again what they
 * are about, and keeps the last answer of each. The screens look at it and never wait.
 *
 * Values are jansson's, immutable and counted; an older one stays whole for who holds it. When the
 * node goes away the last values stay, with the sentence why and since when; the thread tries again
 * every second or two until the node is back.
 */
#ifndef TR_CONSOLE_MODEL_H
#define TR_CONSOLE_MODEL_H

#include "core/cleanup.h"
#include "protocol/node_client.h"

#define TR_MODEL_SLOTS_MAX 16

struct tr_model;

struct tr_model_view {
	bool is_up;	     /* the node answers */
	bool was_up;	     /* it did once: the values are its last */
	int64_t since_ms;    /* of is_up or not, CLOCK_MONOTONIC */
	char problem[512];   /* why not, a sentence that says what to do */
	json_t *node;	     /* as GET /v1/node; NULL: not read yet */
	json_t *slots;	     /* array, as GET /v1/slots */
	json_t *recordings;  /* array, as GET /v1/recordings; read while somebody wants it */
	uint64_t generation; /* changes with any of these */
};

struct tr_model_picture {
	int width, height;
	int64_t taken_ms; /* CLOCK_MONOTONIC; 0: none yet */
	uint64_t number;  /* changes with the picture */
	uint8_t *rgb;	  /* width * 3 bytes a row; the caller's, free() */
};

/* Copies the settings; starts the thread. */
TR_CHECKED int tr_model_create(
	const struct tr_node_client_settings *settings, struct tr_model **ret_model);
void tr_model_destroy(struct tr_model *model); /* NULL is fine */

/* Readable when something changed; tr_model_read() makes it not. */
int tr_model_fd(const struct tr_model *model);

void tr_model_read(struct tr_model *model, struct tr_model_view *ret_view);
void tr_model_view_clear(struct tr_model_view *view);

/* What else is wanted from now on: bit n is slot n + 1's preview, twice a second at most. */
void tr_model_want_previews(struct tr_model *model, uint32_t slots);
void tr_model_want_recordings(struct tr_model *model, bool is_wanted);

/* The last picture of a slot (1 ..); -EAGAIN when there is none. */
TR_CHECKED int tr_model_picture(
	struct tr_model *model, unsigned slot, struct tr_model_picture *ret_picture);

TR_CLEANUP_DEFINE(struct tr_model, tr_model_destroy)

#endif
