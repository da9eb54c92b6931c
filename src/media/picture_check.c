#include "media/picture_check.h"

#include <string.h>

#define GRID TR_PICTURE_CHECK_GRID
#define BLACK_MAX 24  /* limited range: black is 16 */
#define WHITE_MIN 230 /* white is 235 */
#define SAME_MAX 6    /* per sample; encoders' noise is below it */

void tr_picture_check_init(struct tr_picture_check *check, int width, int height)
{
	memset(check, 0, sizeof(*check));
	check->width = width;
	check->height = height;
}

/* Adds the time that the last picture stood. */
static void account(struct tr_picture_check *check, int64_t now_ns)
{
	int64_t stood_ns = now_ns - check->last_ns;

	if (!check->has_last || stood_ns <= 0)
		return;
	if (check->was_black || check->was_white)
		check->run_ns += stood_ns;
	if (check->was_black) {
		check->black_ns += stood_ns;
		if (check->run_ns > check->longest_black_ns)
			check->longest_black_ns = check->run_ns;
	} else if (check->was_white) {
		check->white_ns += stood_ns;
		if (check->run_ns > check->longest_white_ns)
			check->longest_white_ns = check->run_ns;
	}
	if (now_ns - check->same_since_ns > check->longest_frozen_ns)
		check->longest_frozen_ns = now_ns - check->same_since_ns;
}

static bool differs(uint8_t a, uint8_t b)
{
	return a > b ? a - b > SAME_MAX : b - a > SAME_MAX;
}

struct look {
	bool is_black, is_white, has_changed;
};

static struct look look_at(struct tr_picture_check *check, const uint8_t *luma, int stride)
{
	struct look look = {true, true, !check->has_last};

	for (int row = 0; row < GRID; row++) {
		const uint8_t *line = luma + (int64_t)(row * check->height / GRID) * stride;
		for (int column = 0; column < GRID; column++) {
			uint8_t sample = line[column * check->width / GRID];
			uint8_t *old = &check->grid[row * GRID + column];
			look.is_black &= sample <= BLACK_MAX;
			look.is_white &= sample >= WHITE_MIN;
			look.has_changed |= differs(sample, *old);
			*old = sample;
		}
	}
	return look;
}

void tr_picture_check_add(
	struct tr_picture_check *check, const uint8_t *luma, int stride, int64_t pts_ns)
{
	account(check, pts_ns);
	struct look look = look_at(check, luma, stride);
	if (look.has_changed)
		check->same_since_ns = pts_ns;
	if (look.is_black != check->was_black || look.is_white != check->was_white)
		check->run_ns = 0;
	check->was_black = look.is_black;
	check->was_white = look.is_white;
	check->has_last = true;
	check->last_ns = pts_ns;
	check->looks++;
}

void tr_picture_check_end(struct tr_picture_check *check, int64_t end_ns)
{
	account(check, end_ns);
	check->last_ns = end_ns;
}
