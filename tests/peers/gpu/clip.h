/*
 * Runs the real h264_vaapi over a clip, decodes what it made, and compares: for the tests in this
 * folder. The clip stands still but for a block that moves, so that there is something to skip.
 */
#ifndef TR_TESTS_GPU_CLIP_H
#define TR_TESTS_GPU_CLIP_H

#include <stdbool.h>

#define CLIP_FRAMES_MAX 64

struct clip {
	int width, height, frames;
	const char *options; /* of the encoder, "coder=cavlc:bf=0" */
	const char *encoder; /* NULL: h264_vaapi */
};

enum clip_stage { CLIP_DEVICE, CLIP_FRAMES, CLIP_OPEN, CLIP_UPLOAD, CLIP_ENCODE, CLIP_DONE };

struct clip_result {
	enum clip_stage stage; /* how far it came */
	int rc;		       /* FFmpeg's, there */
	int packets, empty;    /* empty packets among them */
	int decoded;
	int colours;	  /* matrix that the decoded pictures are tagged with */
	int exact;	  /* decoded pictures that equal the input bit for bit */
	char words[4096]; /* what FFmpeg said at warning and above */
};

void clip_run(const struct clip *clip, struct clip_result *ret);

#endif
