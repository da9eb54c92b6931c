#include "avsync/events.h"

#include <errno.h>
#include <math.h>
#include <string.h>

void bench_events_list_fini(struct bench_events_list *list)
{
	free(list->starts_s);
	free(list->lengths_s);
	*list = (struct bench_events_list){0};
}

static int list_add(struct bench_events_list *list, double start_s, double length_s)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		double *starts = realloc(list->starts_s, room * sizeof(*starts));
		if (starts)
			list->starts_s = starts;
		double *lengths = realloc(list->lengths_s, room * sizeof(*lengths));
		if (lengths)
			list->lengths_s = lengths;
		if (!starts || !lengths)
			return -ENOMEM;
		list->room = room;
	}
	list->starts_s[list->count] = start_s;
	list->lengths_s[list->count++] = length_s;
	return 0;
}

/* ---- flashes ---- */

#define COLUMNS 40
#define ROWS 30
#define CELLS (COLUMNS * ROWS)
#define FLASH_RISE 50 /* levels of luma between dark and bright */
#define FLASH_LONGEST_S 0.5

struct bench_flashes {
	struct tr_rect region;
	int width, height;
	size_t count, room;
	double *times_s;
	uint8_t *cells; /* CELLS for each picture: mean luma */
};

int bench_flashes_create(struct tr_rect region, struct bench_flashes **ret)
{
	struct bench_flashes *flashes = calloc(1, sizeof(*flashes));
	if (!flashes)
		return -ENOMEM;
	flashes->region = region;
	*ret = flashes;
	return 0;
}

void bench_flashes_destroy(struct bench_flashes *flashes)
{
	if (!flashes)
		return;
	free(flashes->times_s);
	free(flashes->cells);
	free(flashes);
}

static int grow(struct bench_flashes *flashes)
{
	size_t room = flashes->room ? flashes->room * 2 : 1024;
	double *times = realloc(flashes->times_s, room * sizeof(*times));
	if (!times)
		return -ENOMEM;
	flashes->times_s = times;
	uint8_t *cells = realloc(flashes->cells, room * CELLS);
	if (!cells)
		return -ENOMEM;
	flashes->cells = cells;
	flashes->room = room;
	return 0;
}

/* Each second pixel both ways is plenty for a mean. */
static uint8_t mean_of(const uint8_t *luma, ptrdiff_t stride, struct tr_rect box)
{
	unsigned sum = 0, count = 0;
	for (int y = box.y1; y < box.y2; y += 2)
		for (int x = box.x1; x < box.x2; x += 2, count++)
			sum += luma[y * stride + x];
	return count ? (uint8_t)(sum / count) : 0;
}

static struct tr_rect cell_box(const struct bench_flashes *flashes, int column, int row)
{
	struct tr_rect r = flashes->region;
	int width = r.x2 - r.x1, height = r.y2 - r.y1;
	return (struct tr_rect){r.x1 + width * column / COLUMNS, r.y1 + height * row / ROWS,
		r.x1 + width * (column + 1) / COLUMNS, r.y1 + height * (row + 1) / ROWS};
}

int bench_flashes_add(struct bench_flashes *flashes, const uint8_t *luma, ptrdiff_t stride,
	int width, int height, double time_s)
{
	struct tr_rect whole = {0, 0, width, height};

	flashes->region =
		tr_rect_empty(flashes->region) ? whole : tr_rect_common(flashes->region, whole);
	if (tr_rect_empty(flashes->region))
		return -ERANGE;
	if (flashes->count == flashes->room && grow(flashes) < 0)
		return -ENOMEM;
	uint8_t *cells = flashes->cells + flashes->count * CELLS;
	for (int row = 0; row < ROWS; row++)
		for (int column = 0; column < COLUMNS; column++)
			cells[row * COLUMNS + column] =
				mean_of(luma, stride, cell_box(flashes, column, row));
	flashes->times_s[flashes->count++] = time_s;
	return 0;
}

struct levels {
	int dark, bright;
};

/* A flash is short, but where nothing else moves every second picture may be one: the darkest quarter
 * is dark, the brightest fiftieth bright. */
static struct levels cell_levels(const struct bench_flashes *flashes, int cell)
{
	size_t histogram[256] = {0}, seen = 0;
	struct levels levels = {0, 255};

	for (size_t i = 0; i < flashes->count; i++)
		histogram[flashes->cells[i * CELLS + (size_t)cell]]++;
	for (int level = 0; level < 256; level++) {
		if (seen <= flashes->count / 4)
			levels.dark = level;
		seen += histogram[level];
	}
	seen = 0;
	for (int level = 255; level >= 0; level--) {
		if (seen <= flashes->count / 50)
			levels.bright = level;
		seen += histogram[level];
	}
	return levels;
}

/* Rises of one cell (or of the mean of chosen cells) above the middle that end soon. */
static int find_rises(const struct bench_flashes *flashes, const uint8_t *series, int middle,
	struct bench_events_list *ret)
{
	bool was_bright = flashes->count > 0 && series[0] > middle;
	size_t rise = SIZE_MAX; /* none: the first picture may be the end of a flash */

	for (size_t i = 1; i < flashes->count; i++) {
		bool is_bright = series[i] > middle;
		if (is_bright && !was_bright)
			rise = i;
		if (!is_bright && was_bright && rise != SIZE_MAX) {
			double length_s = flashes->times_s[i] - flashes->times_s[rise];
			int rc = length_s > FLASH_LONGEST_S
					 ? 0
					 : list_add(ret, flashes->times_s[rise], length_s);
			if (rc < 0)
				return rc;
		}
		was_bright = is_bright;
	}
	return 0;
}

/* How many rises follow the one before at a whole number of seconds, as a sync page's do. */
static size_t count_regular(const struct bench_events_list *list)
{
	size_t regular = 0;
	for (size_t i = 1; i < list->count; i++) {
		double distance = list->starts_s[i] - list->starts_s[i - 1];
		if (distance > 0.85 && fabs(distance - round(distance)) < 0.08)
			regular++;
		else
			regular -= regular > 0; /* moving video rises often, and at any time */
	}
	return regular;
}

static int score_cell(
	const struct bench_flashes *flashes, int cell, uint8_t *series, size_t *ret_score)
{
	struct levels levels = cell_levels(flashes, cell);
	struct bench_events_list rises = {0};

	*ret_score = 0;
	if (levels.bright - levels.dark < FLASH_RISE)
		return 0;
	for (size_t i = 0; i < flashes->count; i++)
		series[i] = flashes->cells[i * CELLS + (size_t)cell];
	int rc = find_rises(flashes, series, (levels.dark + levels.bright) / 2, &rises);
	*ret_score = (count_regular(&rises) * 2 + (rises.count > 0)) * 256 +
		     (size_t)(levels.bright - levels.dark);
	bench_events_list_fini(&rises);
	return rc;
}

static void mean_of_chosen(
	const struct bench_flashes *flashes, const size_t *scores, size_t least, uint8_t *series)
{
	for (size_t i = 0; i < flashes->count; i++) {
		unsigned sum = 0, count = 0;
		for (int cell = 0; cell < CELLS; cell++)
			if (scores[cell] >= least) {
				sum += flashes->cells[i * CELLS + (size_t)cell];
				count++;
			}
		series[i] = (uint8_t)(count ? sum / count : 0);
	}
}

static struct tr_rect chosen_region(
	const struct bench_flashes *flashes, const size_t *scores, size_t least)
{
	struct tr_rect region = {0};
	for (int cell = 0; cell < CELLS; cell++) {
		struct tr_rect box = cell_box(flashes, cell % COLUMNS, cell / COLUMNS);
		if (scores[cell] >= least)
			region = tr_rect_empty(region) ? box : tr_rect_around(region, box);
	}
	return region;
}

int bench_flashes_find(const struct bench_flashes *flashes, struct bench_events_list *ret,
	struct tr_rect *ret_region)
{
	TR_CLEANUP(tr_freep) uint8_t *series = malloc(flashes->count + 1);
	TR_CLEANUP(tr_freep) size_t *scores = calloc(CELLS, sizeof(*scores));
	size_t best = 0;

	if (!series || !scores)
		return -ENOMEM;
	for (int cell = 0; cell < CELLS; cell++) {
		int rc = score_cell(flashes, cell, series, &scores[cell]);
		if (rc < 0)
			return rc;
		best = scores[cell] > best ? scores[cell] : best;
	}
	if (best == 0)
		return 0; /* nothing flashes */

	/* Cells as regular as the best and nearly as strong: the inside of the flashing square. */
	size_t least = best - best % 256 + best % 256 * 9 / 10;
	mean_of_chosen(flashes, scores, least, series);
	*ret_region = chosen_region(flashes, scores, least);
	int dark = 255, bright = 0;
	for (size_t i = 0; i < flashes->count; i++) {
		dark = series[i] < dark ? series[i] : dark;
		bright = series[i] > bright ? series[i] : bright;
	}
	return find_rises(flashes, series, (dark + bright) / 2, ret);
}

/* ---- beeps ---- */

#define TONE_HZ 1000.0
#define WINDOW_PERIODS 3 /* of the tone: 3 ms */
#define POINTS_PER_S 4000
#define BEEP_SHORTEST_S 0.03
#define BEEP_BREAK_S 0.02 /* a shorter gap does not end a beep */
#define JUMP_S 0.005

struct point {
	double time_s; /* of the window's middle */
	float level;
};

struct bench_beeps {
	int rate;
	unsigned window; /* samples */
	unsigned filled;
	double *re, *im; /* the last `window` samples turned down to 0 Hz */
	double sum_re, sum_im;
	double phase, phase_step;
	unsigned long long position;
	double step_left; /* samples until the next point */
	double expected_s;
	size_t jumps;
	bool has_started;
	struct point *points;
	size_t count, room;
};

int bench_beeps_create(struct bench_beeps **ret)
{
	struct bench_beeps *beeps = calloc(1, sizeof(*beeps));
	if (!beeps)
		return -ENOMEM;
	*ret = beeps;
	return 0;
}

void bench_beeps_destroy(struct bench_beeps *beeps)
{
	if (!beeps)
		return;
	free(beeps->re);
	free(beeps->im);
	free(beeps->points);
	free(beeps);
}

static int set_rate(struct bench_beeps *beeps, int rate)
{
	if (beeps->rate)
		return -ENOTSUP; /* a change of rate in the middle */
	beeps->rate = rate;
	beeps->window = (unsigned)lrint(rate * WINDOW_PERIODS / TONE_HZ);
	beeps->phase_step = 2 * M_PI * TONE_HZ / rate;
	beeps->re = calloc(beeps->window, sizeof(double));
	beeps->im = calloc(beeps->window, sizeof(double));
	return beeps->re && beeps->im ? 0 : -ENOMEM;
}

static int add_point(struct bench_beeps *beeps, double time_s)
{
	if (beeps->count == beeps->room) {
		size_t room = beeps->room ? beeps->room * 2 : 65536;
		struct point *points = realloc(beeps->points, room * sizeof(*points));
		if (!points)
			return -ENOMEM;
		beeps->points = points;
		beeps->room = room;
	}
	float level = (float)(2 * hypot(beeps->sum_re, beeps->sum_im) / beeps->window);
	beeps->points[beeps->count++] = (struct point){time_s, level};
	return 0;
}

static int add_sample(struct bench_beeps *beeps, float sample, double time_s)
{
	unsigned slot = (unsigned)(beeps->position++ % beeps->window);
	double re = sample * cos(beeps->phase), im = sample * sin(beeps->phase);

	beeps->phase = fmod(beeps->phase + beeps->phase_step, 2 * M_PI);
	beeps->sum_re += re - beeps->re[slot];
	beeps->sum_im += im - beeps->im[slot];
	beeps->re[slot] = re;
	beeps->im[slot] = im;
	if (--beeps->step_left > 0)
		return 0;
	beeps->step_left += (double)beeps->rate / POINTS_PER_S;
	return add_point(beeps, time_s - 0.5 * (beeps->window - 1) / beeps->rate);
}

int bench_beeps_add(
	struct bench_beeps *beeps, const float *samples, size_t count, int rate, double time_s)
{
	if (rate != beeps->rate) {
		int rc = set_rate(beeps, rate);
		if (rc < 0)
			return rc;
	}
	double error_s = time_s - beeps->expected_s;
	if (!beeps->has_started || fabs(error_s) >= JUMP_S) {
		beeps->jumps += beeps->has_started;
		beeps->has_started = true;
		beeps->expected_s = time_s;
	} else {
		beeps->expected_s += 0.05 * error_s;
	}
	for (size_t i = 0; i < count; i++) {
		int rc = add_sample(beeps, samples[i], beeps->expected_s + (double)i / rate);
		if (rc < 0)
			return rc;
	}
	beeps->expected_s += (double)count / rate;
	return 0;
}

/* Beeps fill a tenth of the time; quieter sound between them does not matter. */
static float beep_level(const struct bench_beeps *beeps)
{
	enum { BINS = 4096 };
	TR_CLEANUP(tr_freep) size_t *histogram = calloc(BINS, sizeof(*histogram));
	size_t seen = 0;

	if (!histogram)
		return 0;
	for (size_t i = 0; i < beeps->count; i++) {
		int bin = (int)(beeps->points[i].level * (BINS / 2));
		histogram[bin < BINS ? bin : BINS - 1]++;
	}
	for (int bin = BINS - 1; bin > 0; bin--) {
		seen += histogram[bin];
		if (seen > beeps->count / 50)
			return (float)bin / (BINS / 2);
	}
	return 0;
}

static double crossing(const struct point *before, const struct point *after, float level)
{
	float rise = after->level - before->level;
	double share = rise > 0 ? (level - before->level) / rise : 1;
	return before->time_s + share * (after->time_s - before->time_s);
}

int bench_beeps_find(
	const struct bench_beeps *beeps, struct bench_events_list *ret, size_t *ret_dropouts)
{
	float half = beep_level(beeps) / 2;
	double start_s = NAN, end_s = NAN; /* of the beep that is open; NAN: none */
	size_t breaks = 0, open_breaks = 0;

	*ret_dropouts = beeps->jumps;
	if (half < 0.0005f)
		return 0; /* silence */
	for (size_t i = 1; i <= beeps->count; i++) {
		const struct point *now = &beeps->points[i < beeps->count ? i : i - 1];
		bool is_loud = i < beeps->count && now->level > half;
		bool was_loud = beeps->points[i - 1].level > half;
		if (is_loud && !was_loud && isnan(start_s))
			start_s = crossing(&beeps->points[i - 1], now, half);
		else if (is_loud && !was_loud)
			open_breaks++;
		if (is_loud)
			end_s = now->time_s;
		if (isnan(start_s) || (i < beeps->count && now->time_s - end_s < BEEP_BREAK_S))
			continue;
		if (end_s - start_s >= BEEP_SHORTEST_S) {
			if (list_add(ret, start_s, end_s - start_s) < 0)
				return -ENOMEM;
			breaks += open_breaks;
		}
		open_breaks = 0;
		start_s = NAN;
	}
	*ret_dropouts += breaks;
	return 0;
}
