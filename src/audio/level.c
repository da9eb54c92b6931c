#include "audio/level.h"

#include <math.h>

#define SECOND 48000

void tr_level_init(struct tr_level *level)
{
	*level = (struct tr_level){.peak_dbfs = TR_LEVEL_SILENCE, .rms_dbfs = TR_LEVEL_SILENCE};
}

static float to_dbfs(double amplitude)
{
	return amplitude > 1e-6 ? (float)(20 * log10(amplitude)) : TR_LEVEL_SILENCE;
}

static void finish_second(struct tr_level *level)
{
	level->peak_dbfs = to_dbfs(level->peak);
	level->rms_dbfs = to_dbfs(sqrt(level->squares / (2.0 * level->frames)));
	level->peak = 0;
	level->squares = 0;
	level->frames = 0;
}

bool tr_level_add(struct tr_level *level, const float *left, const float *right, unsigned frames)
{
	bool is_new = false;

	for (unsigned i = 0; i < frames; i++) {
		level->peak = fmaxf(level->peak, fmaxf(fabsf(left[i]), fabsf(right[i])));
		level->squares += left[i] * left[i] + right[i] * right[i];
		if (++level->frames == SECOND) {
			finish_second(level);
			is_new = true;
		}
	}
	return is_new;
}
