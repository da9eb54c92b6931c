/*
 * Test material: real H.264 (libx264, no B-frames) and real AAC, as the packets that a recording is
 * made of.
 */
#ifndef TR_TESTS_OUTPUT_CLIP_H
#define TR_TESTS_OUTPUT_CLIP_H

#include "media/packet.h"

#define CLIP_WIDTH 320
#define CLIP_HEIGHT 192
#define CLIP_RATE 48000

enum clip_picture {
	CLIP_MOVING, /* another one for each time */
	CLIP_SLIDE,  /* always the same */
	CLIP_BLACK,
	CLIP_WHITE,
};

struct clip;

/* Any failure ends the test program: there is nothing to test without material. */
struct clip *clip_create(void);
void clip_destroy(struct clip *clip);

const uint8_t *clip_video_extradata(const struct clip *clip, size_t *ret_size);
const uint8_t *clip_audio_extradata(const struct clip *clip, size_t *ret_size);

/* The picture at that time; gives the packet. */
struct tr_packet *clip_encode_picture(
	struct clip *clip, int64_t pts_ns, bool is_key, enum clip_picture picture);

/* The next 1024 samples of a 440 Hz tone; gives the packet that comes out, or NULL (the first
 * time). Its time counts the samples so far, beginning with the priming below zero. */
struct tr_packet *clip_encode_sound(struct clip *clip, float amplitude);

#endif
