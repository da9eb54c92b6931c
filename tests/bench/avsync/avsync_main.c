/* telerec-avsync FILE: how far the sound is from the picture, by flashes and beeps. */
#include "avsync/events.h"
#include "avsync/offsets.h"
#include "common/numbers.h"
#include "common/reader.h"
#include "core/log.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>

#define TR_LOG_AREA "avsync"

static const char usage[] =
	"usage: telerec-avsync FILE [--json] [--region x,y,w,h] [--max-mean-ms N] [--max-p95-ms N]\n"
	"                      [--max-drift MS_PER_MIN]\n"
	"Measures the time from each flash in the picture to its 1 kHz beep; positive: sound late.\n"
	"Exit code: 0 within the limits, 1 outside of a limit, 2 nothing could be measured.\n";

struct options {
	const char *path;
	bool is_json;
	struct tr_rect region;
	double max_mean_ms, max_p95_ms, max_drift;
};

struct found {
	struct bench_events_list flashes, beeps;
	size_t dropouts;
	struct tr_rect region;
	struct bench_reader_result file;
};

struct finders {
	struct bench_flashes *flashes;
	struct bench_beeps *beeps;
};

static int on_picture(void *user, const AVFrame *frame, double time_s)
{
	struct finders *finders = user;
	return bench_flashes_add(finders->flashes, frame->data[0], frame->linesize[0], frame->width,
		frame->height, time_s);
}

static int on_sound(void *user, const float *samples, size_t count, int rate, double time_s)
{
	struct finders *finders = user;
	return bench_beeps_add(finders->beeps, samples, count, rate, time_s);
}

static int find_all(const struct options *options, struct found *ret)
{
	TR_CLEANUP(bench_flashes_destroyp) struct bench_flashes *flashes = NULL;
	TR_CLEANUP(bench_beeps_destroyp) struct bench_beeps *beeps = NULL;
	int rc = bench_flashes_create(options->region, &flashes);
	if (rc == 0)
		rc = bench_beeps_create(&beeps);
	if (rc < 0)
		return rc;

	struct finders finders = {flashes, beeps};
	struct bench_reader_sink sink = {&finders, on_picture, on_sound};
	rc = bench_reader_run(options->path, &sink, &ret->file);
	if (rc == 0)
		rc = bench_flashes_find(flashes, &ret->flashes, &ret->region);
	if (rc == 0)
		rc = bench_beeps_find(beeps, &ret->beeps, &ret->dropouts);
	return rc;
}

/* Beeps that are much shorter than usual lost sound, too. */
static size_t count_short(const struct bench_events_list *beeps)
{
	TR_CLEANUP(tr_freep) double *sorted = calloc(beeps->count + 1, sizeof(*sorted));
	size_t count = 0;
	if (!sorted || beeps->count < 3)
		return 0;
	for (size_t i = 0; i < beeps->count; i++)
		sorted[i] = beeps->lengths_s[i];
	double usual = bench_numbers_percentile(sorted, beeps->count, 0.5);
	for (size_t i = 1; i + 1 < beeps->count; i++) /* the file may cut the first and last */
		count += beeps->lengths_s[i] < usual * 0.9;
	return count;
}

static void print(const struct options *options, const struct found *found,
	const struct bench_offsets *offsets, bool is_within)
{
	struct tr_rect r = found->region;
	const char *format =
		options->is_json
			? "{\"pairs\": %zu, \"mean_ms\": %.3f, \"sd_ms\": %.3f, \"median_ms\": %.3f, "
			  "\"p95_ms\": %.3f, \"max_ms\": %.3f, \"drift_ms_per_min\": %.3f, "
			  "\"flashes\": %zu, \"beeps\": %zu, \"missing_flashes\": %zu, \"missing_beeps\": %zu, "
			  "\"dropouts\": %zu, \"short_beeps\": %zu, \"region\": [%d, %d, %d, %d], "
			  "\"pictures\": %zu, \"decode_errors\": %zu, \"within_limits\": %s}\n"
			: "pairs              %zu\nmean               %+.2f ms (positive: sound late)\n"
			  "sd                 %.2f ms\nmedian             %+.2f ms\n"
			  "p95 of |x - mean|  %.2f ms\nmax of |x - mean|  %.2f ms\n"
			  "drift              %+.2f ms/min\nflashes            %zu\nbeeps              %zu\n"
			  "missing flashes    %zu\nmissing beeps      %zu\ndropouts           %zu\n"
			  "short beeps        %zu\nregion             %d,%d,%d,%d\n"
			  "pictures           %zu\ndecode errors      %zu\nwithin the limits  %s\n";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	printf(format, offsets->pairs, offsets->mean_ms, offsets->deviation_ms, offsets->median_ms,
		offsets->p95_ms, offsets->max_ms, offsets->drift_ms_per_min, found->flashes.count,
		found->beeps.count, offsets->missing_flashes, offsets->missing_beeps,
		found->dropouts, count_short(&found->beeps), r.x1, r.y1, r.x2 - r.x1, r.y2 - r.y1,
		found->file.pictures, found->file.errors,
		options->is_json ? (is_within ? "true" : "false") : (is_within ? "yes" : "no"));
#pragma GCC diagnostic pop
}

static int parse_region(const char *text, struct tr_rect *ret)
{
	int x, y, width, height;
	char rest;
	if (sscanf(text, "%d,%d,%d,%d%c", &x, &y, &width, &height, &rest) != 4 || x < 0 || y < 0 ||
		width < 1 || height < 1 || width > 16384 || height > 16384)
		return -EINVAL;
	*ret = (struct tr_rect){x, y, x + width, y + height};
	return 0;
}

static int parse_number(const char *text, double *ret)
{
	char *end;
	*ret = strtod(text, &end);
	return end == text || *end || !(*ret >= 0) ? -EINVAL : 0;
}

static int parse(int argc, char **argv, struct options *ret)
{
	static const struct option known[] = {
		{"json", no_argument, NULL, 'j'},
		{"region", required_argument, NULL, 'r'},
		{"max-mean-ms", required_argument, NULL, 'm'},
		{"max-p95-ms", required_argument, NULL, 'p'},
		{"max-drift", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option, rc = 0;

	while (rc == 0 && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'j')
			ret->is_json = true;
		else if (option == 'r')
			rc = parse_region(optarg, &ret->region);
		else if (option == 'm')
			rc = parse_number(optarg, &ret->max_mean_ms);
		else if (option == 'p')
			rc = parse_number(optarg, &ret->max_p95_ms);
		else if (option == 'd')
			rc = parse_number(optarg, &ret->max_drift);
		else
			rc = -EINVAL;
	}
	ret->path = optind + 1 == argc ? argv[optind] : NULL;
	return ret->path ? rc : -EINVAL;
}

int main(int argc, char **argv)
{
	struct options options = {
		.max_mean_ms = INFINITY, .max_p95_ms = INFINITY, .max_drift = INFINITY};
	struct found found = {0};
	struct bench_offsets offsets = {0};

	if (parse(argc, argv, &options) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	int rc = find_all(&options, &found);
	if (rc == 0)
		rc = bench_offsets_measure(found.flashes.starts_s, found.flashes.count,
			found.beeps.starts_s, found.beeps.count, &offsets);
	bool is_within = fabs(offsets.mean_ms) <= options.max_mean_ms &&
			 offsets.p95_ms <= options.max_p95_ms &&
			 fabs(offsets.drift_ms_per_min) <= options.max_drift;
	if (rc == 0 && offsets.pairs == 0)
		rc = tr_fail(-ENODATA, "%s: %zu flashes and %zu beeps, none of them together",
			options.path, found.flashes.count, found.beeps.count);
	if (rc == 0)
		print(&options, &found, &offsets, is_within);
	bench_events_list_fini(&found.flashes);
	bench_events_list_fini(&found.beeps);
	return rc < 0 ? 2 : is_within ? 0 : 1;
}
