/*
 * A live stream to one target, with a queue, a thread, a connection and reconnects of its own.
 *
 * tr_stream_open() returns at once; the thread connects. From then on every packet of the recording
 * is pushed, which never blocks: what the target cannot take is left out as output/stream_queue.h
 * says (pictures up to the next key picture first; sound goes on), and while there is no connection
 * everything is. A dead, slow or refusing target so costs nobody else anything.
 *
 * A lost connection is tried again after a growing, jittered pause, until `give_up_ms` have passed
 * since it last worked. Each connection begins at a key picture, which is asked for by the
 * `request_key` hook, and its times begin at zero: it is a publication of its own for the server.
 *
 * The URL is a secret. It is copied, and appears in no message; the redacted form does.
 *
 * Threads: push and read from any thread; open and close from the owner's. The hooks come from the
 * stream's thread without any lock of it held but must not wait for the thread that calls
 * tr_stream_close(). After close has returned no hook is called.
 */
#ifndef TR_OUTPUT_STREAM_H
#define TR_OUTPUT_STREAM_H

#include "media/packet.h"
#include "output/stream_url.h"

struct tr_stream;

enum tr_stream_state {
	TR_STREAM_NONE,
	TR_STREAM_CONNECTING,
	TR_STREAM_STREAMING,
	TR_STREAM_WAITING, /* to try again; the problem says why */
	TR_STREAM_REFUSED, /* for good: the server does not want it, from any recorder */
	TR_STREAM_GAVE_UP, /* for good: no connection for too long */
};

enum tr_stream_news {
	TR_STREAM_NEWS_CONNECTED, /* the first time */
	TR_STREAM_NEWS_LOST,
	TR_STREAM_NEWS_RECONNECTED,
	TR_STREAM_NEWS_REFUSED, /* the last news of a stream, as is the next */
	TR_STREAM_NEWS_GAVE_UP,
};

/* `problem` is a sentence for a person, "" for good news; borrowed. */
typedef void tr_stream_news_fn(enum tr_stream_news news, const char *problem, void *user);

/* The stream could go on with a key picture now. Asking the encoder is all this may do. */
typedef void tr_stream_request_key_fn(void *user);

struct tr_stream_settings {
	const char *url;		/* from tr_stream_url_resolve() */
	const uint8_t *video_extradata; /* avcC */
	size_t video_extradata_size;	/* 0: sound only */
	int width, height, frame_rate;
	int video_kbps;
	const uint8_t *audio_extradata; /* AudioSpecificConfig */
	size_t audio_extradata_size;	/* 0: pictures only */
	int audio_rate, audio_channels; /* 0: 48000, 2 */
	int audio_kbps;
	const char *ca_file; /* authorities to trust besides the system's, PEM; or NULL */

	/* 0: the default in brackets */
	int queue_ms;		 /* [3000] */
	size_t queue_bytes;	 /* [what 2 * queue_ms have at the bit rates, at least 2 MiB] */
	int connect_timeout_ms;	 /* [10000] */
	int io_timeout_ms;	 /* [8000] that the other side may take nothing */
	int backoff_min_ms;	 /* [1000] */
	int backoff_max_ms;	 /* [15000] */
	int first_give_up_ms;	 /* [60000] without ever a connection */
	int give_up_ms;		 /* [600000] without a connection after there was one */
	int stable_ms;		 /* [10000] that a connection must hold to count as one */
	unsigned first_refusals; /* [3] times refused, or let in and dropped within stable_ms,
				    before it counts as refused for good; never once stable */

	tr_stream_news_fn *on_news;	       /* or NULL */
	tr_stream_request_key_fn *request_key; /* or NULL */
	void *user;
};

struct tr_stream_status {
	enum tr_stream_state state;
	char target[TR_STREAM_URL_SHOWN_SIZE]; /* redacted */
	char problem[400];		       /* of now, or of the last time; "" never */
	bool was_connected;		       /* at least once */
	int kbit_s;			       /* sent, over the last second or two */
	int queued_ms;
	size_t queued_bytes;
	unsigned reconnects;	   /* connections after the first */
	unsigned dropped_pictures; /* not sent since the first connection, outages included */
	unsigned dropped_sounds;   /* the same, in packets of 1024 samples */
	int64_t bytes;		   /* sent */
};

/* Borrows the settings. -EINVAL for a URL that cannot be streamed to, -ENOMEM, -EAGAIN (thread). */
TR_CHECKED int tr_stream_open(
	const struct tr_stream_settings *settings, struct tr_stream **ret_stream);

/* Keeps a reference while it needs one. Packets of one track come in the order of time. */
void tr_stream_push(struct tr_stream *stream, struct tr_packet *packet);

void tr_stream_read(struct tr_stream *stream, struct tr_stream_status *ret_status);

/*
 * Sends what is queued, at most `drain_ms` long, says goodbye to the server, frees. Returns within
 * about drain_ms + 2 s whatever the network does. Fills `ret_status` with the last state when it is
 * not NULL. `stream` NULL is fine.
 */
void tr_stream_close(struct tr_stream *stream, int drain_ms, struct tr_stream_status *ret_status);

/* Several are closed faster when all have been told to end first: takes no packets from now on, and
 * drains until close. */
void tr_stream_end(struct tr_stream *stream, int drain_ms);

/* "streaming", "refused", ... for status and metrics. */
const char *tr_stream_state_name(enum tr_stream_state state);

#endif
