/*
 * gpu_screen FILE [--lossy] [--numbers N]: do the pictures of a recording of screen.html equal, bit
 * for bit, our own conversion of what that page draws?
 *
 * Each row of pixels that the page draws carries the page's number, so each pair of rows is held
 * against the picture of its own number: a picture that was taken while the next one was being
 * drawn is told from a wrong one. Prints what it found; exit code 1 when there is a wrong pixel, or
 * fewer than N pictures of the page are seen whole. With --lossy only the numbers are read.
 */
#include "bench/common/reader.h"
#include "display/convert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BITS 16
#define BIT_WIDTH 16
#define FREE_PAIRS 2 /* in a torn picture: where one ends and the next begins */

struct screen {
	bool is_lossy;
	int width, height;
	struct tr_convert convert;
	struct tr_picture expected;
	uint8_t *pixels;
	int drawn;	 /* the number that `expected` shows; 0: none */
	bool has_begun;	 /* the page was seen */
	int last;	 /* number of the last picture */
	unsigned before; /* pictures before the page was there */
	unsigned whole, torn, wrong, numbers;
};

/* Both as in screen.html. */
static int check_bits(int n)
{
	return ((n ^ n >> 4 ^ n >> 8) & 15) ^ 5;
}

static void draw_pixel(uint8_t *p, int n, int x, int y)
{
	int code = n << 4 | check_bits(n);

	if (x < BITS * BIT_WIDTH) {
		uint8_t value = code >> (BITS - 1 - x / BIT_WIDTH) & 1 ? 255 : 0;
		p[0] = p[1] = p[2] = value;
		return;
	}
	p[0] = (uint8_t)((x ^ y) * 7 + n * 11);
	p[1] = (uint8_t)(y * 3 + n * 17);
	p[2] = (uint8_t)(x * 5 + n * 29);
}

static int prepare(struct screen *screen, const AVFrame *frame)
{
	struct tr_picture *e = &screen->expected;

	screen->width = frame->width;
	screen->height = frame->height;
	size_t stride = ((size_t)frame->width + 31) / 32 * 32;
	*e = (struct tr_picture){.width = frame->width,
		.height = frame->height,
		.y_stride = (int)stride,
		.uv_stride = (int)stride,
		.map_width = (frame->width + 15) / 16,
		.map_height = (frame->height + 15) / 16};
	e->y = calloc((size_t)frame->height, stride);
	e->uv = calloc((size_t)frame->height, stride);
	e->changed = calloc((size_t)e->map_width, (size_t)e->map_height);
	screen->pixels = calloc((size_t)frame->height * 4, stride);
	return e->y && e->uv && e->changed && screen->pixels ? 0 : -ENOMEM;
}

static void draw(struct screen *screen, int n)
{
	if (screen->drawn == n)
		return;
	for (int y = 0; y < screen->height; y++)
		for (int x = 0; x < screen->width; x++)
			draw_pixel(screen->pixels + 4 * (y * screen->width + x), n, x, y);
	struct tr_rect all = {.x2 = screen->width, .y2 = screen->height};
	tr_convert_rect(&screen->convert, screen->pixels, 4 * (size_t)screen->width, all,
		&screen->expected);
	screen->drawn = n;
}

/* The number that row `y` carries; -1: none. */
static int read_number(const AVFrame *frame, int y)
{
	const uint8_t *row = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
	int code = 0;

	for (int i = 0; i < BITS; i++)
		code = code << 1 | (row[i * BIT_WIDTH + BIT_WIDTH / 2] > 125);
	return (code & 15) == check_bits(code >> 4) ? code >> 4 : -1;
}

static bool is_pair_equal(const struct screen *screen, const AVFrame *frame, int y)
{
	const struct tr_picture *e = &screen->expected;
	const uint8_t *uv = e->uv + (ptrdiff_t)(y / 2) * e->uv_stride;

	for (int i = 0; i < 2; i++)
		if (memcmp(frame->data[0] + (ptrdiff_t)(y + i) * frame->linesize[0],
			    e->y + (ptrdiff_t)(y + i) * e->y_stride, (size_t)screen->width) != 0)
			return false;
	for (int x = 0; x < screen->width / 2; x++)
		for (int plane = 0; plane < 2; plane++)
			if (frame->data[1 + plane][y / 2 * frame->linesize[1 + plane] + x] !=
				uv[2 * x + plane])
				return false;
	return true;
}

/* `odd`: pairs of rows that are not those of the number in them; `is_mixed`: there is more than one
 * number. */
static void judge(struct screen *screen, unsigned odd, bool is_mixed, int n)
{
	bool is_whole = odd == 0 && !is_mixed && n >= screen->last;

	if (!screen->has_begun && !is_whole) {
		screen->before++;
		return;
	}
	screen->has_begun = true;
	if (is_whole) {
		screen->whole++;
		screen->numbers += n > screen->last;
		screen->last = n;
	} else if (is_mixed && odd <= FREE_PAIRS) {
		screen->torn++;
	} else if (++screen->wrong <= 5) {
		printf("picture of number %d after %d: %u of %d pairs of rows are wrong\n", n,
			screen->last, odd, screen->height / 2);
	}
}

static int on_picture(void *user, const AVFrame *frame, double time_s)
{
	struct screen *screen = user;
	int first = read_number(frame, 0);
	unsigned odd = 0;
	bool is_mixed = false;

	(void)time_s;
	if (!screen->pixels && prepare(screen, frame) < 0)
		return -ENOMEM;
	for (int y = 0; y < screen->height; y += screen->is_lossy ? 16 : 2) {
		int n = read_number(frame, y);
		is_mixed |= n != first;
		if (n > 0 && !screen->is_lossy)
			draw(screen, n);
		odd += n <= 0 || (!screen->is_lossy && !is_pair_equal(screen, frame, y));
	}
	judge(screen, odd, is_mixed, first);
	return 0;
}

int main(int argc, char **argv)
{
	struct screen screen = {.is_lossy = false};
	struct bench_reader_sink sink = {.user = &screen, .picture = on_picture};
	struct bench_reader_result result;
	unsigned wanted = 1;

	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--lossy"))
			screen.is_lossy = true;
		else if (!strcmp(argv[i], "--numbers") && i + 1 < argc)
			wanted = (unsigned)atoi(argv[++i]);
	}
	tr_convert_init(&screen.convert, 1);
	if (argc < 2 || bench_reader_run(argv[1], &sink, &result) < 0)
		return 2;
	printf("pictures %zu: before the page %u, whole %u of %u numbers, taken in the middle %u, "
	       "wrong %u, packets that do not decode %zu\n",
		result.pictures, screen.before, screen.whole, screen.numbers, screen.torn,
		screen.wrong, result.errors);
	free(screen.expected.y);
	free(screen.expected.uv);
	free(screen.expected.changed);
	free(screen.pixels);
	return screen.wrong > 0 || result.errors > 0 || screen.numbers < wanted;
}
