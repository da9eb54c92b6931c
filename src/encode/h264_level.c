#include "encode/h264_level.h"

#include "core/cleanup.h"

/* Baseline and Main profile: most macroblocks a second, macroblocks a picture, kbit/s. */
static const struct {
	int level_idc;
	int blocks_per_second;
	int blocks;
	int kbps;
} levels[] = {
	{10, 1485, 99, 64},
	{11, 3000, 396, 192},
	{12, 6000, 396, 384},
	{13, 11880, 396, 768},
	{20, 11880, 396, 2000},
	{21, 19800, 792, 4000},
	{22, 20250, 1620, 4000},
	{30, 40500, 1620, 10000},
	{31, 108000, 3600, 14000},
	{32, 216000, 5120, 20000},
	{40, 245760, 8192, 20000},
	{42, 522240, 8704, 50000},
	{50, 589824, 22080, 135000},
	{51, 983040, 36864, 240000},
	{52, 2073600, 36864, 240000},
	{60, 4177920, 139264, 240000},
};

int tr_h264_level_find(int width, int height, int rate, int kbps)
{
	int across = (width + 15) / 16, down = (height + 15) / 16;

	for (size_t i = 0; i < TR_COUNT(levels); i++) {
		/* A side may be at most sqrt(8 * blocks): the standard's rule for odd shapes. */
		if (across * down <= levels[i].blocks && across * across <= 8 * levels[i].blocks &&
			down * down <= 8 * levels[i].blocks &&
			(long long)across * down * rate <= levels[i].blocks_per_second &&
			kbps <= levels[i].kbps)
			return levels[i].level_idc;
	}
	return 0;
}
