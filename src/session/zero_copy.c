#define TR_LOG_AREA "zero-copy"
#include "session/zero_copy.h"

#include "core/log.h"
#include "display/convert.h"
#include "display/dri3.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE 1 /* of 255: rounding */

struct tr_zero_copy {
	struct tr_relay *relay;
	struct tr_dri3 *dri3;
	struct tr_convert convert;
	int width, height;
	uint8_t *pixels; /* a pixmap, read back */
	int number;	 /* the pixmap that was drawn into last; 0: none */
};

static int read_back(struct tr_zero_copy *road, int number, struct tr_picture *picture)
{
	int rc = tr_dri3_read(road->dri3, number, road->pixels);

	if (rc == 0)
		tr_convert_rect(&road->convert, road->pixels, (size_t)road->width * 4,
			(struct tr_rect){0, 0, road->width, road->height}, picture);
	return rc;
}

/* A tr_relay_fetch_fn. */
static int fetch(void *user, int number, struct tr_picture *picture)
{
	return read_back(user, number, picture);
}

/* ---- the proof ---- */

static int compare_luma(const struct tr_picture *a, const struct tr_picture *b)
{
	int most = 0;

	for (int y = 0; y < a->height; y++)
		for (int x = 0; x < a->width; x++) {
			int difference = abs(a->y[y * a->y_stride + x] - b->y[y * b->y_stride + x]);
			most = difference > most ? difference : most;
		}
	return most;
}

/* Of two colours that meet some devices mix a little more into the sample beside: they place colour
 * between other pixels than we do. That is not wrong, so samples at the edges of cells are left
 * out. */
static bool is_at_edge(int place)
{
	const int samples = TR_DRI3_CELL / 2;

	return place % samples == 0 || place % samples == samples - 1;
}

static int compare_colour(const struct tr_picture *a, const struct tr_picture *b)
{
	int most = 0;

	for (int y = 0; y < a->height / 2; y++)
		for (int x = 0; x < a->width; x++) {
			if (is_at_edge(y) || is_at_edge(x / 2))
				continue;
			int difference =
				abs(a->uv[y * a->uv_stride + x] - b->uv[y * b->uv_stride + x]);
			most = difference > most ? difference : most;
		}
	return most;
}

/* A picture like that one, with memory of its own in `ret_memory`. */
static int make_alike(
	const struct tr_picture *like, uint8_t **ret_memory, struct tr_picture *ret_picture)
{
	size_t rows = (size_t)(like->height + 15) / 16 * 16;
	size_t y_size = rows * (size_t)like->y_stride, uv_size = rows / 2 * (size_t)like->uv_stride;
	size_t map_size = (size_t)like->map_width * (size_t)like->map_height;
	uint8_t *memory = calloc(1, y_size + uv_size + map_size);

	if (!memory)
		return -ENOMEM;
	*ret_memory = memory;
	*ret_picture = *like;
	ret_picture->y = memory;
	ret_picture->uv = memory + y_size;
	ret_picture->changed = memory + y_size + uv_size;
	return 0;
}

static void blacken(struct tr_picture *picture)
{
	for (int y = 0; y < picture->height; y++)
		memset(picture->y + (ptrdiff_t)y * picture->y_stride, 16, (size_t)picture->width);
	for (int y = 0; y < picture->height / 2; y++)
		memset(picture->uv + (ptrdiff_t)y * picture->uv_stride, 128,
			(size_t)picture->width);
}

/* The relay knows why it does not take what it was given. */
static void explain(const struct tr_zero_copy *road, char *why, size_t why_size)
{
	if (tr_relay_can_have_surfaces(road->relay, why, why_size))
		snprintf(why, why_size, "the encoder takes no surfaces");
}

/* By the card in one pixmap; all are made alike. */
static int prove(struct tr_zero_copy *road, char *why, size_t why_size)
{
	struct tr_picture *made = tr_relay_picture(road->relay), expected;
	TR_CLEANUP(tr_freep) uint8_t *memory = NULL;

	int rc = make_alike(made, &memory, &expected);
	if (rc == 0)
		rc = tr_dri3_draw_card(road->dri3, 1);
	if (rc == 0)
		rc = read_back(road, 1, &expected);
	if (rc < 0) {
		snprintf(why, why_size, "the display's pictures cannot be read back to compare");
		return -ENOTSUP;
	}
	rc = tr_relay_convert(road->relay, 1);
	if (rc < 0) {
		explain(road, why, why_size);
		blacken(made);
		return rc == -EIO ? rc : -ENOTSUP;
	}
	int luma = compare_luma(made, &expected), colour = compare_colour(made, &expected);
	blacken(made); /* nobody shall see the card */
	if (luma <= TOLERANCE && colour <= TOLERANCE)
		return 0;
	snprintf(why, why_size,
		"the device's colours are wrong: brightness by up to %d of 255, colour by %d", luma,
		colour);
	return -ENOTSUP;
}

/* ---- opening ---- */

static int attach(struct tr_zero_copy *road, char *why, size_t why_size)
{
	for (int number = 1; number <= TR_SURFACES_MAX; number++) {
		int rc = tr_relay_attach(road->relay, number, tr_dri3_surface(road->dri3, number));
		if (rc < 0) {
			explain(road, why, why_size);
			return rc == -EIO ? rc : -ENOTSUP;
		}
	}
	return 0;
}

static int open_road(struct tr_zero_copy *road, const struct tr_zero_copy_settings *settings,
	char *why, size_t why_size)
{
	const struct tr_dri3_settings dri3 = {.display = settings->display,
		.width = settings->width,
		.height = settings->height,
		.problem = why,
		.problem_size = why_size};

	road->pixels = malloc((size_t)settings->width * (size_t)settings->height * 4);
	if (!road->pixels || tr_dri3_open(&dri3, &road->dri3) < 0)
		return -ENOTSUP;
	int rc = attach(road, why, why_size);
	if (rc == 0)
		rc = prove(road, why, why_size);
	return rc;
}

int tr_zero_copy_open(const struct tr_zero_copy_settings *settings, char *why, size_t why_size,
	struct tr_zero_copy **ret)
{
	TR_CLEANUP(tr_zero_copy_closep) struct tr_zero_copy *road = NULL;

	why[0] = '\0';
	if (!tr_relay_can_have_surfaces(settings->relay, why, why_size))
		return -ENOTSUP;
	road = calloc(1, sizeof(*road));
	if (!road)
		return -ENOTSUP;
	road->relay = settings->relay;
	road->width = settings->width;
	road->height = settings->height;
	tr_convert_init(&road->convert, false);
	int rc = open_road(road, settings, why, why_size);
	if (rc < 0) {
		char ignored[200];
		if (tr_relay_can_have_surfaces(road->relay, ignored, sizeof(ignored)))
			tr_relay_refuse_surfaces(road->relay, why);
		return rc;
	}
	tr_relay_set_fetch(road->relay, fetch, road);
	tr_relay_take_surfaces(road->relay);
	tr_info("pictures go from the display %s to the encoder without a copy", settings->display);
	*ret = tr_take(road);
	return 0;
}

void tr_zero_copy_close(struct tr_zero_copy *road)
{
	if (!road)
		return;
	tr_relay_set_fetch(road->relay, NULL, NULL);
	tr_dri3_close(road->dri3);
	free(road->pixels);
	free(road);
}

/* ---- pictures ---- */

int tr_zero_copy_take(struct tr_zero_copy *road)
{
	int number = road->number % TR_SURFACES_MAX + 1;

	int rc = tr_dri3_copy(road->dri3, number);
	if (rc < 0)
		return rc;
	road->number = number;
	return 0;
}

int tr_zero_copy_number(const struct tr_zero_copy *road)
{
	return road->number;
}

int tr_zero_copy_show(struct tr_zero_copy *road)
{
	if (road->number == 0)
		return -ENODATA;
	return read_back(road, road->number, tr_relay_picture(road->relay));
}
