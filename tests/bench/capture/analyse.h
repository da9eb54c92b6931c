/*
 * Judges a recording of a bench content against what was drawn: which pictures are missing, whether
 * their times are right, how near they are to the true ones, whether the sound is whole.
 */
#ifndef BENCH_ANALYSE_H
#define BENCH_ANALYSE_H

#include "capture/content.h"

struct bench_analysis {
	size_t recorded;   /* pictures in the file */
	size_t unreadable; /* without a code that can be read */
	size_t drawn;	   /* between the first and the last recorded number */
	size_t lost;	   /* of these, never recorded */
	size_t repeated;   /* recorded again */
	size_t late;	   /* time wrong by more than a picture's time */
	size_t longest_lost_run;
	size_t lost_worst_second; /* most lost within a second of drawing */
	double longest_gap_s;	  /* between two recorded pictures */
	double time_error_mean_ms, time_error_p95_ms,
		time_error_max_ms; /* constant part taken out */
	double time_drift_ms_per_s;
	double duration_s;	 /* of the container */
	double first_put_s;	 /* CLOCK_MONOTONIC: when the first recorded picture was drawn */
	double ssim, ssim_worst; /* luma, 8x8 windows each 4 pixels, mean over time; worst sample */
	double psnr;		 /* of the mean squared error of all samples */
	size_t samples;
	double sound_s;	     /* length of the sound */
	size_t sound_breaks; /* the tone stops or jumps */
	size_t decode_errors;
};

/* `log` is bench-content's; each `step`-th picture time is compared (0: none). -errno, said. */
TR_CHECKED int bench_analyse(const char *file, const char *log, enum bench_content_kind kind,
	int width, int height, unsigned step, struct bench_analysis *ret);

#endif
