/* Pictures out of characters: two halves a cell in as many colours as there are, or brightness. */
#include "console/draw.h"

#include "console/term_internal.h"

#include <string.h>

/* From dark to bright, as the characters of an ordinary font fill their cells. */
static const char ramp[] = " .:-=+*#%@";

/* Bayer's 4 by 4: how much is added before rounding, in 16ths, less a half. */
static const int dither[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};

struct picture {
	const uint8_t *rgb;
	int width, height, stride;
};

struct colour {
	int r, g, b;
};

/* The mean of the part of the picture that a dot covers. */
static struct colour mean(const struct picture *picture, int x, int y, int columns, int rows)
{
	int left = x * picture->width / columns, right = (x + 1) * picture->width / columns;
	int top = y * picture->height / rows, bottom = (y + 1) * picture->height / rows;
	int r = 0, g = 0, b = 0;

	right = right > left ? right : left + 1;
	bottom = bottom > top ? bottom : top + 1;
	int count = (right - left) * (bottom - top); /* at least 1 */
	for (int row = top; row < bottom; row++) {
		const uint8_t *at = picture->rgb + row * picture->stride + left * 3;
		for (int column = left; column < right; column++, at += 3) {
			r += at[0];
			g += at[1];
			b += at[2];
		}
	}
	return (struct colour){r / count, g / count, b / count};
}

static int brightness(struct colour colour)
{
	return (colour.r * 299 + colour.g * 587 + colour.b * 114) / 1000;
}

/* ---- a colour's number ---- */

static int clamp(int value, int most)
{
	return value < 0 ? 0 : value > most ? most : value;
}

/* On or off, or with 16 colours off, half, on. */
static int to_few(struct colour colour, int colours, int x, int y)
{
	int shift = (dither[y & 3][x & 3] * 2 - 15) * 6; /* -90 to 90 */
	struct colour c = {colour.r + shift, colour.g + shift, colour.b + shift};
	int most = c.r > c.g ? c.r : c.g;

	most = most > c.b ? most : c.b;
	int limit = most * 5 / 8 > 72 ? most * 5 / 8 : 72;
	int number = (c.r > limit) | (c.g > limit) << 1 | (c.b > limit) << 2;
	if (colours >= 16 && number != 0 && most > 192)
		number |= 8;
	if (colours >= 16 && number == 0 && most > 56)
		number = 8;
	return number;
}

static int cube_step(int value)
{
	return value < 48 ? 0 : value < 115 ? 1 : clamp((value - 35) / 40, 5);
}

static int square(int value)
{
	return value * value;
}

/* xterm's: a cube of six steps, and 24 greys. */
static int to_256(struct colour c)
{
	static const int steps[] = {0, 95, 135, 175, 215, 255};
	int r = cube_step(c.r), g = cube_step(c.g), b = cube_step(c.b);
	int grey = clamp((brightness(c) - 3) / 10, 23), value = 8 + 10 * grey;
	int far = square(c.r - steps[r]) + square(c.g - steps[g]) + square(c.b - steps[b]);
	int far_grey = square(c.r - value) + square(c.g - value) + square(c.b - value);

	return far_grey < far ? 232 + grey : 16 + 36 * r + 6 * g + b;
}

/* Five bits a channel keep the pairs few. What is below 8 would be of the palette. */
static int to_direct(struct colour c)
{
	return (c.r & 0xf8) << 16 | (c.g & 0xf8) << 8 | (c.b & 0xf8) | 8;
}

static int number_of(const struct tr_term *term, struct colour colour, int x, int y)
{
	int colours = term->abilities.colours;

	return colours >= 1 << 24 ? to_direct(colour)
	       : colours >= 256	  ? to_256(colour)
				  : to_few(colour, colours, x, y);
}

/* ---- cells ---- */

/* Few terminals have many pairs: each two colours are one, drawn as an upper or a lower half. */
static void put_halves(struct tr_term *term, int row, int column, int upper, int lower)
{
	if (upper == lower) {
		int pair = tr_term_pair(term, lower == 0 ? 7 : 0, lower);
		bool is_swapped = lower == 0;
		pair = is_swapped ? tr_term_pair(term, 0, 7) : pair;
		tr_term_put(term, row, column, is_swapped ? L"█" : L" ", A_NORMAL, pair);
		return;
	}
	int low = upper < lower ? upper : lower, high = upper < lower ? lower : upper;
	tr_term_put(term, row, column, upper == low ? L"▀" : L"▄", A_NORMAL,
		tr_term_pair(term, low, high));
}

static void put_brightness(struct tr_term *term, int row, int column, struct colour colour)
{
	int step = brightness(colour) * (int)(sizeof(ramp) - 1) / 256;
	wchar_t text[2] = {(wchar_t)ramp[step], 0};

	tr_term_put(term, row, column, text, A_NORMAL, 0);
}

/* The largest part of the area with the picture's shape: dots are half a cell high, and square. */
static struct tr_area fit(const struct tr_area *area, int width, int height)
{
	int columns = area->columns, rows = (columns * height / width + 1) / 2;

	if (rows > area->rows) {
		rows = area->rows;
		columns = rows * 2 * width / height;
	}
	columns = clamp(columns, area->columns);
	rows = rows < 1 ? 1 : rows;
	return tr_draw_part(
		area, (area->rows - rows) / 2, (area->columns - columns) / 2, rows, columns);
}

void tr_draw_picture(
	const struct tr_area *area, const uint8_t *rgb, int width, int height, int stride)
{
	const struct picture picture = {rgb, width, height, stride};
	struct tr_term *term = area->term;

	if (width < 1 || height < 1 || area->rows < 1 || area->columns < 1)
		return;
	struct tr_area part = fit(area, width, height);
	bool is_halves = term->abilities.is_utf8 && term->abilities.colours > 0;
	for (int row = 0; row < part.rows; row++)
		for (int x = 0; x < part.columns; x++) {
			if (!is_halves) {
				put_brightness(term, part.top + row, part.left + x,
					mean(&picture, x, row, part.columns, part.rows));
				continue;
			}
			int y = row * 2;
			struct colour upper = mean(&picture, x, y, part.columns, part.rows * 2);
			struct colour lower = mean(&picture, x, y + 1, part.columns, part.rows * 2);
			put_halves(term, part.top + row, part.left + x,
				number_of(term, upper, x, y), number_of(term, lower, x, y + 1));
		}
}
