/*
 * What went wrong with a streaming target, as a sentence for a person.
 *
 * libavformat's return codes say too little (EIO is a wrong key, a certificate, an unknown name),
 * so what it would have logged during a call is listened to. Those messages go nowhere else: they
 * may hold what of the URL is secret, and the sentences here never do.
 */
#ifndef TR_OUTPUT_STREAM_TROUBLE_INTERNAL_H
#define TR_OUTPUT_STREAM_TROUBLE_INTERNAL_H

#include "output/stream_link.h"
#include "output/stream_url.h"

#include <stdint.h>

#define TR_STREAM_WORDS_SIZE 512

struct tr_stream_words {
	int handshake; /* the version the server answered with; 3 is RTMP's, 0: it did not answer */
	size_t size;
	char text[TR_STREAM_WORDS_SIZE];
};

/* What the sentences are made of; the link's. */
struct tr_stream_trouble {
	const char *url;
	const char *ca_file; /* NULL: none of its own */
	struct tr_stream_url where;
	int64_t from_ns; /* when connecting began */
	int connect_timeout_ms, io_timeout_ms;
	struct tr_stream_words words;
};

/* Forgets what was heard, and hears what libavformat says on this thread until it stops. */
void tr_stream_trouble_listen(struct tr_stream_trouble *trouble);
void tr_stream_trouble_stop_listening(void);

/* All three fill in the problem and return -EIO. */
int tr_stream_trouble_say(struct tr_stream_link_problem *problem,
	enum tr_stream_link_trouble trouble, const char *format, ...) TR_PRINTF(3, 4);

/* Why no connection came about; `rc` is libavformat's. */
int tr_stream_trouble_explain_open(
	const struct tr_stream_trouble *trouble, int rc, struct tr_stream_link_problem *problem);

/* Why a connection that stood does so no more. */
int tr_stream_trouble_explain_send(
	const struct tr_stream_trouble *trouble, int rc, struct tr_stream_link_problem *problem);

#endif
