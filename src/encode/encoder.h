/*
 * The slot's side of its encoder process: a picture to fill, a packet back, and a process that may
 * die or hang at any moment without the track ending.
 *
 * One picture is in flight at most. All calls from one thread, which must outlive the process.
 * After -EPIPE or -ETIMEDOUT the process is gone; tr_encoder_start() brings the next one, whose
 * first picture must be a key picture. The picture and its map survive. relay.h does all that by
 * the ladder.
 */
#ifndef TR_ENCODE_ENCODER_H
#define TR_ENCODE_ENCODER_H

#include "encode/video.h"
#include "media/packet.h"

struct tr_encoder;

struct tr_encoder_settings {
	const char *program; /* path of telerec-encoder ... */
	int program_fd;	     /* ... or an open descriptor of it; 0: use the path */
	int module_fd;	     /* the GPU's module, open; 0: it is beside the program */
	struct tr_video_settings video;
};

struct tr_encoder_stats {
	char name[40];	 /* rung in use */
	int64_t encoded; /* pictures */
	int64_t bytes;
	int64_t took_us;  /* sum of encoding times */
	int64_t work_us;  /* the same of GPUs, without waiting for a CPU */
	int64_t qp_sum;	  /* of those whose quantizer is known */
	int64_t qp_count; /* how many those are */
	unsigned starts;  /* of the process; restarts are one fewer */
};

/* Makes the shared memory; starts no process. -errno. */
TR_CHECKED int tr_encoder_create(
	const struct tr_encoder_settings *settings, struct tr_encoder **ret_encoder);
void tr_encoder_destroy(struct tr_encoder *encoder); /* kills the process; NULL is fine */

/* The rung of the next start; until it is called, software. `set_id`: the number of software's
 * parameter sets; `has_software`: a GPU's header shall hold those of software with number 1, too.
 */
void tr_encoder_set_rung(
	struct tr_encoder *encoder, const struct tr_rung *rung, int set_id, bool has_software);

/* Starts (again) and opens; waits at most 10 s, for a GPU's rung `gpu_wait_ms` (0: 2 s; while it is
 * short of CPU the time stands still). -ENOENT, -ETIMEDOUT, -EPIPE, what the rung said. */
TR_CHECKED int tr_encoder_start(struct tr_encoder *encoder);
TR_CHECKED int tr_encoder_start_within(struct tr_encoder *encoder, int gpu_wait_ms);

/* Why the last start, submission or packet failed, in a sentence; "" when nothing did. Ends a
 * process that is still there, and waits for what it said. */
const char *tr_encoder_explain(struct tr_encoder *encoder, int rc);

/* Ends the process at once. */
void tr_encoder_stop(struct tr_encoder *encoder);

/* To be filled while no picture is in flight. */
struct tr_picture *tr_encoder_picture(struct tr_encoder *encoder);

/* avcC, after a start. */
size_t tr_encoder_extradata(const struct tr_encoder *encoder, const uint8_t **ret);

/* Sends the picture off. `has_map`: its map is true against the picture submitted before; it is
 * cleared when the packet comes back. -EPIPE. */
TR_CHECKED int tr_encoder_submit(
	struct tr_encoder *encoder, int64_t pts_ns, bool is_key, bool has_map, int changed);

/*
 * The zero-copy road: surfaces instead of the picture. After a start, before the first picture, and
 * again after each further start; each call waits for its answer, at most 2 s as a start does.
 * -ENOTSUP when this rung or device cannot, or -EINVAL: the process goes on with pictures.
 * -EPIPE, -ETIMEDOUT: the process is gone, or to be treated so. tr_encoder_explain() says why.
 */

/* Surface number 1 to TR_SURFACES_MAX, each once. It must have the picture's size. The descriptors
 * stay the caller's, who may close them afterwards: the process has its own. */
TR_CHECKED int tr_encoder_attach(
	struct tr_encoder *encoder, int number, const struct tr_surface *surface);

/* Brings what the device makes of an attached surface into tr_encoder_picture(), so that it can be
 * compared with what the CPU makes of the same screen. Its map stays as it is. */
TR_CHECKED int tr_encoder_convert(struct tr_encoder *encoder, int number);

/* As tr_encoder_submit() with an attached surface, which must not be drawn into until the packet is
 * here. tr_encoder_picture() is not read, and belongs to the caller all the time. */
TR_CHECKED int tr_encoder_submit_surface(
	struct tr_encoder *encoder, int number, int64_t pts_ns, bool is_key, int changed);

/* From the next picture on: so many quantizer steps (0 to 40) coarser than it should be. */
void tr_encoder_set_coarser(struct tr_encoder *encoder, int steps);

bool tr_encoder_is_busy(const struct tr_encoder *encoder);

/* When the picture in flight must be back (CLOCK_MONOTONIC), and whether it is late: then the
 * process hangs. A process that waits for a CPU does not hang: then a later time holds. */
int64_t tr_encoder_deadline_ns(const struct tr_encoder *encoder);
bool tr_encoder_is_late(struct tr_encoder *encoder, int64_t now_ns);

/* Readable when the packet is there, or the process is gone; -1 without one. */
int tr_encoder_fd(const struct tr_encoder *encoder);

/* Gives the packet in flight. -EAGAIN when it is not ready, -EPIPE when the process is gone,
 * or what the rung said (then treat it as gone). */
TR_CHECKED int tr_encoder_receive(struct tr_encoder *encoder, struct tr_packet **ret_packet);

const struct tr_encoder_stats *tr_encoder_stats(const struct tr_encoder *encoder);

/* The process's number, for tests and the status; 0: none. */
pid_t tr_encoder_pid(const struct tr_encoder *encoder);

TR_CLEANUP_DEFINE(struct tr_encoder, tr_encoder_destroy)

#endif
