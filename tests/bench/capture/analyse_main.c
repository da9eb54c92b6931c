/* bench-analyse FILE LOG CONTENT WxH [STEP]: what bench-capture finds out about one file, as JSON.
 */
#include "capture/analyse.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct bench_analysis a;
	int width, height, kind = 0;

	if (argc < 5 || tr_text_parse_size(argv[4], &width, &height) < 0) {
		fputs("usage: bench-analyse FILE LOG slides|speaker|gallery|full WxH [STEP]\n",
			stderr);
		return 2;
	}
	while (bench_content_names[kind] && strcmp(bench_content_names[kind], argv[3]) != 0)
		kind++;
	if (kind == BENCH_CONTENT_COUNT ||
		bench_analyse(argv[1], argv[2], (enum bench_content_kind)kind, width, height,
			argc > 5 ? (unsigned)atoi(argv[5]) : 11, &a) < 0)
		return 1;
	printf("{\"recorded\": %zu, \"unreadable\": %zu, \"drawn\": %zu, \"lost\": %zu, "
	       "\"repeated\": %zu, \"late\": %zu, \"longest_lost_run\": %zu, "
	       "\"lost_worst_second\": %zu, \"longest_gap_s\": %.3f, \"time_error_mean_ms\": %.2f, "
	       "\"time_error_p95_ms\": %.2f, \"time_error_max_ms\": %.2f, "
	       "\"time_drift_ms_per_s\": %.3f, \"duration_s\": %.3f, \"ssim\": %.6f, "
	       "\"ssim_worst\": %.6f, \"psnr\": %.3f, \"samples\": %zu, \"sound_s\": %.3f, "
	       "\"sound_breaks\": %zu, \"decode_errors\": %zu}\n",
		a.recorded, a.unreadable, a.drawn, a.lost, a.repeated, a.late, a.longest_lost_run,
		a.lost_worst_second, a.longest_gap_s, a.time_error_mean_ms, a.time_error_p95_ms,
		a.time_error_max_ms, a.time_drift_ms_per_s, a.duration_s, a.ssim, a.ssim_worst,
		a.psnr, a.samples, a.sound_s, a.sound_breaks, a.decode_errors);
	return 0;
}
