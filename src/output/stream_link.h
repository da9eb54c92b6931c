/*
 * One connection to a streaming target, from its opening to its end: libavformat is mentioned here
 * and nowhere else in streaming.
 *
 * rtmp(s) carries FLV, srt MPEG-TS, http(s) is HLS whose files are PUT. Times begin at zero with
 * each connection: each is a publication of its own, with header and parameter sets, and platforms
 * want it to begin there.
 *
 * Every call may block, but not for ever: a connection attempt as long as connect_timeout_ms, any
 * sending as long as the other side takes at least something within io_timeout_ms, and all of them
 * only until *abort_ns has passed. The exception is the system's resolver, which cannot be
 * interrupted.
 *
 * One thread at a time. libavformat's messages about a link go nowhere but into its sentences, and
 * those never hold what of the URL is secret.
 */
#ifndef TR_OUTPUT_STREAM_LINK_H
#define TR_OUTPUT_STREAM_LINK_H

#include "media/packet.h"
#include "output/stream_url.h"

struct tr_stream_link;

enum tr_stream_link_trouble {
	TR_STREAM_LINK_NONE,
	TR_STREAM_LINK_NETWORK, /* may be over the next time */
	TR_STREAM_LINK_REFUSED, /* a server answered, and does not want it */
	TR_STREAM_LINK_IN_USE,	/* as before: it has such a stream already, maybe our lost one */
	TR_STREAM_LINK_CLOSED,	/* a server that had taken it ended it */
	TR_STREAM_LINK_MEMORY,
};

struct tr_stream_link_settings {
	const char *url;		/* as tr_stream_url_resolve() gives it */
	const uint8_t *video_extradata; /* avcC */
	size_t video_extradata_size;	/* 0: no pictures */
	int width, height, frame_rate, video_kbps;
	const uint8_t *audio_extradata; /* AudioSpecificConfig */
	size_t audio_extradata_size;	/* 0: no sound */
	int audio_rate, audio_channels, audio_kbps;
	const char *ca_file; /* authorities besides the system's, or NULL */
	int connect_timeout_ms, io_timeout_ms;
	const _Atomic int64_t *abort_ns; /* keeps; a time of the clock after which nothing blocks */
};

/* What went wrong, for a person: "live.example refuses the stream: ..." */
struct tr_stream_link_problem {
	enum tr_stream_link_trouble trouble;
	char sentence[400];
};

/* Connects, is let in, sends the header. Borrows the settings. -EIO with the problem filled in. */
TR_CHECKED int tr_stream_link_open(const struct tr_stream_link_settings *settings,
	struct tr_stream_link_problem *ret_problem, struct tr_stream_link **ret_link);

/* Sends one packet; the first one's time becomes zero. Times of a track grow. -EIO with the
 * problem: the link is dead. */
TR_CHECKED int tr_stream_link_send(struct tr_stream_link *link, const struct tr_packet *packet,
	struct tr_stream_link_problem *ret_problem);

/* Says goodbye, so that the server completes its own recording, then closes and frees. */
void tr_stream_link_finish(struct tr_stream_link *link);

/* Closes and frees without another word that could block. NULL is fine. */
void tr_stream_link_abandon(struct tr_stream_link *link);

TR_CLEANUP_DEFINE(struct tr_stream_link, tr_stream_link_abandon)

#endif
