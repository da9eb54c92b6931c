/* What is wrong with the sound: silence, clipping; how loud it is. Pure, no allocation. */
#ifndef TR_MEDIA_SOUND_CHECK_H
#define TR_MEDIA_SOUND_CHECK_H

#include <stdint.h>

#define TR_SOUND_CHECK_FLOOR_DB (-120.0) /* stands for silence */

struct tr_sound_check {
	int64_t frames;	       /* looked at, 48 kHz */
	int64_t silent_frames; /* in blocks of 10 ms whose peak is below -60 dBFS */
	int64_t longest_silent_frames;
	int64_t clipped; /* samples at or over full scale */
	double peak;	 /* linear */
	double squares;	 /* sum over both channels */

	/* the block and the stretch going on */
	int block_frames;
	float block_peak;
	int64_t silent_run;
};

void tr_sound_check_init(struct tr_sound_check *check);
void tr_sound_check_add(
	struct tr_sound_check *check, const float *left, const float *right, unsigned frames);

/* dBFS of the whole. */
double tr_sound_check_peak_db(const struct tr_sound_check *check);
double tr_sound_check_rms_db(const struct tr_sound_check *check);

#endif
