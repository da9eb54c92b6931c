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
		bool has_surfaces; /* zero-copy */
	} legs[TR_RELAY_LEGS];
	unsigned failure_count; /* may be more than are kept: the first ones are */
	struct tr_relay_failure {
		char name[40];
		int64_t at_ns; /* of the picture it failed at; -1: before the first */
		enum tr_ladder_failure what;
		bool has_surfaces; /* it was given surfaces: the next step is pictures */
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

/* Sends the picture off; what fails is handed over at once. -EIO when no encoder is left. */
TR_CHECKED int tr_relay_submit(
	struct tr_relay *relay, int64_t pts_ns, bool is_key, bool has_map, int changed);

/*
 * The zero-copy road: surfaces instead of pictures. Per recording, after tr_relay_start() and
 * before the first picture: attach each, convert one and compare, then submit them. When anything
 * is wrong with that, pictures go to the same rung as ever, and surfaces are off until the next
 * recording: tr_relay_has_surfaces() is false from then on, and what tr_relay_picture() holds is
 * the last picture that was put into it (convert the whole screen once, not only what changed).
 */

/* Whether attaching is worth a try: the probe has proved it of the rung in use, and it did not fail
 * lately. Where not, `why` says so. */
bool tr_relay_can_have_surfaces(const struct tr_relay *relay, char *why, size_t why_size);

/* As tr_encoder_attach() and tr_encoder_convert(). -ENOTSUP or -EINVAL: pictures it is, as nothing
 * can be in flight yet (also when the process went down with it: another one runs). -EIO when no
 * encoder is left. */
TR_CHECKED int tr_relay_attach(
	struct tr_relay *relay, int number, const struct tr_surface *surface);
TR_CHECKED int tr_relay_convert(struct tr_relay *relay, int number);

/* The comparison has proved the road right: surfaces may be submitted. */
void tr_relay_take_surfaces(struct tr_relay *relay);
/* It has not, or the display has no more surfaces to give (not while one is in flight). */
void tr_relay_refuse_surfaces(struct tr_relay *relay, const char *sentence);
bool tr_relay_has_surfaces(const struct tr_relay *relay);

/* For a hand-over while a surface is in flight: brings what it shows into the picture, which is
 * then encoded again. It was not drawn into since. Negative: what the picture holds is encoded. */
typedef int tr_relay_fetch_fn(void *user, int number, struct tr_picture *picture);
void tr_relay_set_fetch(struct tr_relay *relay, tr_relay_fetch_fn *fetch, void *user);

/* As tr_relay_submit(), with an attached surface. -ENOTSUP when tr_relay_has_surfaces() is false.
 */
TR_CHECKED int tr_relay_submit_surface(
	struct tr_relay *relay, int number, int64_t pts_ns, bool is_key, int changed);

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
