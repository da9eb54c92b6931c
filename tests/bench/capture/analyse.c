#include "capture/analyse.h"

#include "common/numbers.h"
#include "common/reader.h"
#include "core/log.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TR_LOG_AREA "analyse"
#define TONE_HZ 1000.0
#define TONE_BLOCK_S 0.01
#define SOUND_SETTLE_S 0.3
#define LAST_BLOCKS 2 /* the coder's last frame is filled up, the tone's end lies in it */

struct tone {
	double re, im, phase, last_phase, last_step;
	size_t filled, blocks, open_breaks; /* without a whole block after them so far */
	double loudest;
};

struct analysis {
	struct bench_analysis result;
	struct bench_content *content;
	int width, height;
	double step_s, next_sample_s, squares;
	int64_t *put_ns; /* by number; 0: not drawn */
	unsigned put_count;
	bool *is_seen;
	double *times_s; /* by number: first time in the file */
	int first, last, previous;
	double previous_s;
	AVFrame *shown; /* the picture on the player's screen */
	int shown_number;
	uint32_t *truth;
	uint8_t *truth_luma;
	struct tone tone;
};

static void fini(struct analysis *a)
{
	bench_content_destroy(a->content);
	free(a->put_ns);
	free(a->is_seen);
	free(a->times_s);
	free(a->truth);
	free(a->truth_luma);
	av_frame_free(&a->shown);
}

static int read_log(struct analysis *a, const char *path)
{
	FILE *log = fopen(path, "re");
	unsigned number;
	long long time_ns;

	if (!log)
		return tr_fail(-errno, "cannot open %s", path);
	a->put_count = 1 << 20; /* nearly ten hours */
	a->put_ns = calloc(a->put_count, sizeof(*a->put_ns));
	a->is_seen = calloc(a->put_count, sizeof(*a->is_seen));
	a->times_s = calloc(a->put_count, sizeof(*a->times_s));
	while (a->put_ns && fscanf(log, "%u %lld", &number, &time_ns) == 2)
		if (number < a->put_count)
			a->put_ns[number] = time_ns;
	fclose(log);
	return a->put_ns && a->is_seen && a->times_s ? 0 : -ENOMEM;
}

/* ---- likeness ---- */

static void luma_of_truth(struct analysis *a, const AVFrame *frame)
{
	bool is_709 = frame->colorspace == AVCOL_SPC_BT709;
	bool is_full = frame->color_range == AVCOL_RANGE_JPEG;
	double kr = is_709 ? 0.2126 : 0.299, kb = is_709 ? 0.0722 : 0.114;
	double range = is_full ? 1 : 219.0 / 255, low = is_full ? 0 : 16;
	int64_t r = llrint(kr * range * 65536), b = llrint(kb * range * 65536);
	int64_t g = llrint((1 - kr - kb) * range * 65536), add = llrint((low + 0.5) * 65536);
	size_t count = (size_t)a->width * (size_t)a->height;

	for (size_t i = 0; i < count; i++) {
		uint32_t p = a->truth[i];
		a->truth_luma[i] = (uint8_t)((b * (p & 255) + g * (p >> 8 & 255) +
						     r * (p >> 16 & 255) + add) >>
					     16);
	}
}

static double window_ssim(
	const uint8_t *x, ptrdiff_t x_stride, const uint8_t *y, ptrdiff_t y_stride)
{
	const double c1 = 0.01 * 0.01 * 255 * 255, c2 = 0.03 * 0.03 * 255 * 255;
	int sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;

	for (int j = 0; j < 8; j++)
		for (int i = 0; i < 8; i++) {
			int p = x[j * x_stride + i], q = y[j * y_stride + i];
			sx += p, sy += q, sxx += p * p, syy += q * q, sxy += p * q;
		}
	double mx = sx / 64.0, my = sy / 64.0;
	double vx = sxx / 64.0 - mx * mx, vy = syy / 64.0 - my * my, v = sxy / 64.0 - mx * my;
	return (2 * mx * my + c1) * (2 * v + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2));
}

static int compare_shown(struct analysis *a, double *ret_ssim, double *ret_square)
{
	struct tr_rect whole = {0, 0, a->width, a->height};
	const AVFrame *frame = a->shown;
	int rc = bench_content_draw(
		a->content, (unsigned)a->shown_number, whole, a->truth, (size_t)a->width);
	double sum = 0, squares = 0;
	size_t windows = 0;

	if (rc < 0)
		return rc;
	luma_of_truth(a, frame);
	for (int y = 0; y + 8 <= a->height; y += 4)
		for (int x = 0; x + 8 <= a->width; x += 4, windows++)
			sum += window_ssim(frame->data[0] + y * frame->linesize[0] + x,
				frame->linesize[0], a->truth_luma + y * a->width + x, a->width);
	for (int y = 0; y < a->height; y++)
		for (int x = 0; x < a->width; x++) {
			int d = frame->data[0][y * frame->linesize[0] + x] -
				a->truth_luma[y * a->width + x];
			squares += d * d;
		}
	*ret_ssim = sum / (double)windows;
	*ret_square = squares / ((double)a->width * a->height);
	return 0;
}

/* The picture shown until `until_s` counts for each sample time that it covers. */
static int sample_until(struct analysis *a, double until_s)
{
	size_t times = 0;
	double ssim, square;

	for (; a->step_s > 0 && a->next_sample_s < until_s; a->next_sample_s += a->step_s)
		times++;
	if (!times || a->shown_number <= 0)
		return 0;
	int rc = compare_shown(a, &ssim, &square);
	if (rc < 0)
		return rc;
	a->result.samples += times;
	a->result.ssim += ssim * (double)times;
	a->squares += square * (double)times;
	if (ssim < a->result.ssim_worst)
		a->result.ssim_worst = ssim;
	return 0;
}

static int on_picture(void *user, const AVFrame *frame, double time_s)
{
	struct analysis *a = user;
	int number = -1;

	if (frame->width != a->width || frame->height != a->height)
		return tr_fail(-EPROTO, "the file is %dx%d", frame->width, frame->height);
	int rc = sample_until(a, time_s);
	if (rc < 0)
		return rc;
	number = bench_content_read_code(frame->data[0], frame->linesize[0], a->width, a->height);
	if (number >= (int)a->put_count || (number >= 0 && !a->put_ns[number]))
		number = -1;
	if (a->result.recorded++ && time_s - a->previous_s > a->result.longest_gap_s)
		a->result.longest_gap_s = time_s - a->previous_s;
	a->previous_s = time_s;
	a->result.unreadable += number < 0;
	a->result.repeated += number > 0 && number == a->previous;
	a->previous = number;
	if (number > 0 && !a->is_seen[number]) {
		a->is_seen[number] = true;
		a->times_s[number] = time_s;
		a->first = a->first ? a->first : number;
		a->last = number > a->last ? number : a->last;
	}
	a->shown_number = number;
	av_frame_unref(a->shown);
	return av_frame_ref(a->shown, frame);
}

/* ---- sound: a steady tone near 1 kHz; its level and phase step from block to block ---- */

static void end_tone_block(struct analysis *a, double length)
{
	struct tone *tone = &a->tone;
	double level = hypot(tone->re, tone->im) / length, phase = atan2(tone->im, tone->re);
	double step = remainder(phase - tone->last_phase, 2 * M_PI);
	bool is_settled = tone->blocks++ > SOUND_SETTLE_S / TONE_BLOCK_S;

	if (level > tone->loudest)
		tone->loudest = level;
	if (is_settled && (level < tone->loudest / 2 ||
				  fabs(remainder(step - tone->last_step, 2 * M_PI)) > 0.5)) {
		tone->open_breaks++;
	} else {
		a->result.sound_breaks += tone->open_breaks;
		tone->open_breaks = 0;
	}
	tone->last_phase = phase;
	tone->last_step = step;
	tone->re = tone->im = 0;
	tone->filled = 0;
}

static int on_sound(void *user, const float *samples, size_t count, int rate, double time_s)
{
	struct analysis *a = user;
	size_t block = (size_t)(rate * TONE_BLOCK_S);

	(void)time_s;
	for (size_t i = 0; i < count; i++) {
		a->tone.re += samples[i] * cos(a->tone.phase);
		a->tone.im += samples[i] * sin(a->tone.phase);
		a->tone.phase = fmod(a->tone.phase - 2 * M_PI * TONE_HZ / rate, 2 * M_PI);
		if (++a->tone.filled == block)
			end_tone_block(a, (double)block);
	}
	return 0;
}

/* ---- sums ---- */

static void count_lost(struct analysis *a)
{
	size_t run = 0;
	for (int n = a->first; n <= a->last && a->first; n++) {
		if (!a->put_ns[n])
			continue;
		a->result.drawn++;
		run = a->is_seen[n] ? 0 : run + 1;
		a->result.lost += !a->is_seen[n];
		if (run > a->result.longest_lost_run)
			a->result.longest_lost_run = run;
		size_t in_second = 0;
		for (int m = n; m < n + BENCH_CONTENT_RATE && m <= a->last; m++)
			in_second += a->put_ns[m] && !a->is_seen[m];
		if (in_second > a->result.lost_worst_second)
			a->result.lost_worst_second = in_second;
	}
}

static int measure_times(struct analysis *a)
{
	size_t room = (size_t)(a->last - a->first + 1), count = 0;
	TR_CLEANUP(tr_freep) double *memory = calloc(room * 4, sizeof(*memory));
	if (!memory || !a->first)
		return memory ? 0 : -ENOMEM;
	double *put_s = memory, *errors = put_s + room, *sorted = errors + room;
	for (int n = a->first; n <= a->last; n++) {
		if (!a->is_seen[n])
			continue;
		put_s[count] = (double)(a->put_ns[n] - a->put_ns[a->first]) / 1e9;
		errors[count] = (a->times_s[n] - put_s[count]) * 1000;
		count++;
	}
	a->result.time_drift_ms_per_s = bench_numbers_slope(put_s, errors, count, sorted);
	memcpy(sorted, errors, count * sizeof(*sorted));
	double middle = bench_numbers_percentile(sorted, count, 0.5);
	for (size_t i = 0; i < count; i++) {
		sorted[i] = fabs(errors[i] - middle);
		a->result.late += sorted[i] > 1000.0 / BENCH_CONTENT_RATE + 1;
	}
	a->result.time_error_mean_ms = bench_numbers_mean(sorted, count);
	a->result.time_error_p95_ms = bench_numbers_percentile(sorted, count, 0.95);
	a->result.time_error_max_ms = sorted[count - 1];
	a->result.first_put_s = (double)a->put_ns[a->first] / 1e9;
	return 0;
}

static int run(struct analysis *a, const char *file)
{
	struct bench_reader_sink sink = {a, on_picture, on_sound};
	struct bench_reader_result read;
	int rc = bench_reader_run(file, &sink, &read);
	if (rc == 0)
		rc = sample_until(a, read.video_end_s);
	if (rc == 0)
		rc = measure_times(a);
	if (rc < 0)
		return rc;
	count_lost(a);
	if (a->tone.open_breaks > LAST_BLOCKS)
		a->result.sound_breaks += a->tone.open_breaks;
	a->result.duration_s = read.duration_s;
	a->result.sound_s = read.rate ? (double)read.samples / read.rate : 0;
	a->result.decode_errors = read.errors;
	if (a->result.samples) {
		a->result.ssim /= (double)a->result.samples;
		double square = a->squares / (double)a->result.samples;
		a->result.psnr = square > 0 ? 10 * log10(255.0 * 255.0 / square) : 100;
	}
	return 0;
}

int bench_analyse(const char *file, const char *log, enum bench_content_kind kind, int width,
	int height, unsigned step, struct bench_analysis *ret)
{
	struct analysis a = {.width = width, .height = height, .previous = -1, .shown_number = -1};
	size_t count = (size_t)width * (size_t)height;

	a.step_s = (double)step / BENCH_CONTENT_RATE;
	a.result.ssim_worst = 1;
	int rc = bench_content_create(kind, width, height, &a.content);
	a.truth = malloc(count * sizeof(*a.truth));
	a.truth_luma = malloc(count);
	a.shown = av_frame_alloc();
	if (rc == 0 && (!a.truth || !a.truth_luma || !a.shown))
		rc = -ENOMEM;
	if (rc == 0)
		rc = read_log(&a, log);
	if (rc == 0)
		rc = run(&a, file);
	*ret = a.result;
	fini(&a);
	return rc;
}
