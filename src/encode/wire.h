/*
 * What the slot and its encoder process say to each other.
 *
 * A SOCK_SEQPACKET pair carries one struct tr_wire a message; both ends are of the same build. The
 * picture, its map and the encoded packet lie in one memfd that the slot made: the slot writes the
 * picture and the map, the encoder the packet, and never both at once, as one picture is in flight.
 *
 *   slot: OPEN -> encoder: OPENED (rc, extradata) -> slot: ENCODE -> encoder: PACKET (rc) -> ...
 *
 * The zero-copy road, before the first ENCODE: for each surface slot: ATTACH (with the planes'
 * descriptors, SCM_RIGHTS) -> encoder: ATTACHED (rc); then slot: CONVERT -> encoder: CONVERTED
 * (rc), the picture in the memory being what the device made of the surface. ENCODE names a surface
 * or, with 0, the picture in the memory; PACKET releases it.
 */
#ifndef TR_ENCODE_WIRE_H
#define TR_ENCODE_WIRE_H

#include "encode/rung.h"
#include "encode/video.h"

#define TR_WIRE_SOCKET_FD 3
#define TR_WIRE_MEMORY_FD 4
#define TR_WIRE_MODULE_FD 5 /* the GPU's module, when the slot has it open */

#define TR_WIRE_PROBLEM_MAX 200

enum tr_wire_type {
	TR_WIRE_NONE,
	TR_WIRE_OPEN,
	TR_WIRE_OPENED,
	TR_WIRE_ENCODE,
	TR_WIRE_PACKET,
	TR_WIRE_ATTACH,
	TR_WIRE_ATTACHED,
	TR_WIRE_CONVERT,
	TR_WIRE_CONVERTED,
};

struct tr_wire {
	uint32_t type;
	int32_t rc;			   /* of answers: 0 or -errno */
	char problem[TR_WIRE_PROBLEM_MAX]; /* with it: why, or "" */
	union {
		struct {
			struct tr_video_settings video;
			struct tr_rung rung;
			uint8_t has_software; /* the header shall hold software's sets, too */
		} open;
		struct {
			char name[40]; /* of the rung */
			uint32_t extradata_size;
			uint8_t extradata[TR_VIDEO_EXTRADATA_MAX];
		} opened;
		struct {
			int64_t pts_ns;
			int32_t changed;
			uint8_t is_key;
			uint8_t has_map;
			uint8_t coarser;
			uint8_t surface; /* 0: the picture in the memory */
		} encode;
		struct {
			uint8_t number; /* from 1 on; ATTACH, CONVERT */
			struct tr_surface surface;
		} attach;
		struct {
			int64_t pts_ns;
			uint32_t size;
			uint32_t took_us;
			int32_t qp;
			uint8_t is_key;
		} packet;
	};
};

/* Where things lie in the shared memory of a picture size. */
struct tr_wire_memory {
	struct tr_picture picture;
	uint8_t *packet;
	size_t packet_room;
	void *base;
	size_t size;
};

/* The size of the memory; sizes are checked by the caller (2 to 8192, even). */
size_t tr_wire_memory_size(int width, int height);

/* Maps `fd`, which must have the size above. -errno. */
TR_CHECKED int tr_wire_memory_map(int fd, int width, int height, struct tr_wire_memory *ret);
void tr_wire_memory_unmap(struct tr_wire_memory *memory);

/* One message. -EPIPE when the other end is gone, -EPROTO when it is no message, -EAGAIN. */
TR_CHECKED int tr_wire_send(int fd, const struct tr_wire *message);
TR_CHECKED int tr_wire_receive(int fd, int flags, struct tr_wire *ret);

/* The same with descriptors, at most TR_SURFACE_PLANES_MAX. Those that are received are the
 * caller's, close-on-exec, also when it is an error (then there are none). */
TR_CHECKED int tr_wire_send_fds(
	int fd, const struct tr_wire *message, const int *fds, unsigned fd_count);
TR_CHECKED int tr_wire_receive_fds(int fd, int flags, struct tr_wire *ret,
	int fds[TR_SURFACE_PLANES_MAX], unsigned *ret_fd_count);

/* Is it a picture of this size whose rows lie inside of its descriptors? -EINVAL, -ENOTSUP for a
 * format that no rung reads. */
TR_CHECKED int tr_wire_surface_check(const struct tr_surface *surface, int width, int height);

#endif
