/* A node for the API to ask, with two sessions that run, two that ended and three recordings. What
 * is asked for by the name "busy", "denied", "full", "slow" or "broken" fails like that. Objects
 * have members that nobody may see ("token"), too, and lack some. It aborts when it is called
 * against node_api.h. */
#ifndef TR_TESTS_API_SOURCE_H
#define TR_TESTS_API_SOURCE_H

#include "control/node_api.h"

#define API_SOURCE_MOVIE_SIZE 1000003

struct api_source {
	struct tr_node_api_source source;
	struct tr_control_actions actions;
	char folder[64]; /* with the movie */
	bool is_draining, is_leaving;
	unsigned starts, stops, restarts, removals, finishes, uploads, writes, pictures;
	char target[80]; /* of the last upload */
	unsigned width;	      /* of the last picture */
	char session_id[256]; /* of the last start */
	char text[2000];      /* of the last configuration */
	char id[256];	      /* of the last recording that was removed or finished */
	struct {
		char session_id[256];
		unsigned slot, limit;
		int level;
		int64_t since_ms;
	} log; /* as it was asked for */
	struct {
		tr_node_api_preview_fn *done;
		void *user;
	} waiting[16]; /* pictures that are promised */
	unsigned waiting_count;
};

void api_source_begin(struct api_source *source);
void api_source_end(struct api_source *source);

/* Keeps the promises, with "JPEG" or with an error. */
void api_source_show(struct api_source *source, int rc);

/* The movie's byte at `offset`. */
unsigned char api_source_movie_byte(size_t offset);

#endif
