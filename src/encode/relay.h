/*
 * Encoding that does not end: an encoder process on the ladder's best rung, and when it fails the
 * next one, which encodes the same picture again as a key picture. No picture is lost, none is
 * twice in the track, and its header holds from the first packet to the last.
 *
 * That header is made when the first rung has opened: a GPU's parameter sets and software's. In the
 * middle only rungs whose sets are in it go on; others are passed over (software never is).
 *
 * One picture is in flight at most. All calls from one thread, which must outlive the process.
 */
#ifndef TR_ENCODE_RELAY_H
#define TR_ENCODE_RELAY_H

#include "encode/encoder.h"
#include "encode/ladder.h"

#define TR_RELAY_LEGS 16
#define TR_RELAY_FAILURES 16

/* What went on, for the report. Times are those of pictures. */
struct tr_relay_log {
	unsigned leg_count; /* which rung encoded from when; the last ones overwrite the last */
	struct tr_relay_leg {
		char name[40];
		int64_t from_ns;
		int64_t to_ns; /* of its last picture */
		int64_t pictures;
	} legs[TR_RELAY_LEGS];
	unsigned failure_count; /* may be more than are kept: the first ones are */
	struct tr_relay_failure {
		char name[40];
		int64_t at_ns; /* of the picture it failed at; -1: before the first */
		enum tr_ladder_failure what;
		char sentence[200];
	} failures[TR_RELAY_FAILURES];
};

struct tr_relay;

/* Keeps `ladder`, to which it tells what failed; NULL: software alone. Starts no process. */
TR_CHECKED int tr_relay_create(const struct tr_encoder_settings *settings, struct tr_ladder *ladder,
	struct tr_relay **ret_relay);
void tr_relay_destroy(struct tr_relay *relay); /* kills the process; NULL is fine */

/* Opens the best rung that opens. Waits: at most 10 s a rung that starts slowly, 2 s one that
 * hangs. -errno of the last. */
TR_CHECKED int tr_relay_start(struct tr_relay *relay);
void tr_relay_stop(struct tr_relay *relay);

/* As those of tr_encoder. */
struct tr_picture *tr_relay_picture(struct tr_relay *relay);
size_t tr_relay_extradata(const struct tr_relay *relay, const uint8_t **ret);
void tr_relay_set_coarser(struct tr_relay *relay, int steps);
bool tr_relay_is_busy(const struct tr_relay *relay);
int tr_relay_fd(const struct tr_relay *relay);
const struct tr_encoder_stats *tr_relay_stats(const struct tr_relay *relay);
pid_t tr_relay_pid(const struct tr_relay *relay);

/* Sends the picture off; what fails is handed over at once. -EIO when no encoder is left. */
TR_CHECKED int tr_relay_submit(
	struct tr_relay *relay, int64_t pts_ns, bool is_key, bool has_map, int changed);

/* When to call tr_relay_watch(); INT64_MAX while nothing is in flight. */
int64_t tr_relay_deadline_ns(const struct tr_relay *relay);

/* Hands over when the picture in flight is late. -EIO when no encoder is left. */
TR_CHECKED int tr_relay_watch(struct tr_relay *relay);

/* Gives the packet in flight. -EAGAIN when it is not ready (also after a hand-over: the picture is
 * in flight again), -EIO when no encoder is left. */
TR_CHECKED int tr_relay_receive(struct tr_relay *relay, struct tr_packet **ret_packet);

/* How often an encoder was replaced since the first had opened. */
unsigned tr_relay_handovers(const struct tr_relay *relay);

const struct tr_relay_log *tr_relay_log(const struct tr_relay *relay);

TR_CLEANUP_DEFINE(struct tr_relay, tr_relay_destroy)

#endif
