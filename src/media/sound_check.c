#include "media/sound_check.h"

#include <math.h>
#include <string.h>

#define BLOCK_FRAMES 480
#define SILENT_PEAK 0.001f /* -60 dBFS */
#define CLIPPED 0.99999f

void tr_sound_check_init(struct tr_sound_check *check)
{
	memset(check, 0, sizeof(*check));
}

static void end_block(struct tr_sound_check *check)
{
	if (check->block_peak > check->peak)
		check->peak = check->block_peak;
	if (check->block_peak < SILENT_PEAK) {
		check->silent_frames += check->block_frames;
		check->silent_run += check->block_frames;
		if (check->silent_run > check->longest_silent_frames)
			check->longest_silent_frames = check->silent_run;
	} else {
		check->silent_run = 0;
	}
	check->block_frames = 0;
	check->block_peak = 0;
}

void tr_sound_check_add(
	struct tr_sound_check *check, const float *left, const float *right, unsigned frames)
{
	for (unsigned i = 0; i < frames; i++) {
		float a = fabsf(left[i]), b = fabsf(right[i]);
		float louder = a > b ? a : b;
		if (louder > check->block_peak)
			check->block_peak = louder;
		check->clipped += louder >= CLIPPED;
		check->squares += (double)a * a + (double)b * b;
		if (++check->block_frames == BLOCK_FRAMES)
			end_block(check);
	}
	check->frames += frames;
}

static double to_db(double linear)
{
	double db = linear > 0 ? 20 * log10(linear) : TR_SOUND_CHECK_FLOOR_DB;
	return db < TR_SOUND_CHECK_FLOOR_DB ? TR_SOUND_CHECK_FLOOR_DB : db;
}

double tr_sound_check_peak_db(const struct tr_sound_check *check)
{
	double peak = check->peak > check->block_peak ? check->peak : check->block_peak;
	return to_db(peak);
}

double tr_sound_check_rms_db(const struct tr_sound_check *check)
{
	return to_db(check->frames > 0 ? sqrt(check->squares / (2.0 * (double)check->frames)) : 0);
}
