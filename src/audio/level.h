/*
 * How loud it is: peak and RMS of each whole second of sound, in dBFS (a full-scale sine has a
 * peak of 0 and an RMS of -3). Silence is TR_LEVEL_SILENCE. No threads, no allocation.
 */
#ifndef TR_AUDIO_LEVEL_H
#define TR_AUDIO_LEVEL_H

#include <stdbool.h>

#define TR_LEVEL_SILENCE (-120.0f)

struct tr_level {
	float peak_dbfs, rms_dbfs; /* of the last whole second */
	float peak;		   /* the second that is being counted, linear */
	double squares;
	unsigned frames;
};

void tr_level_init(struct tr_level *level);

/* True when this completed a second, so that the two figures are new. */
bool tr_level_add(struct tr_level *level, const float *left, const float *right, unsigned frames);

#endif
