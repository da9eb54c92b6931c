/*
 * Decodes a whole recording and hands out its pictures and sound at the times a player would show
 * and play them: edit lists, start times and codec delay are applied by libavformat and
 * libavcodec; nothing is shifted afterwards.
 */
#ifndef BENCH_READER_H
#define BENCH_READER_H

#include "core/cleanup.h"

#include <libavutil/frame.h>
#include <stdbool.h>
#include <stddef.h>

/* Each returns 0 to go on or a negative value that ends the reading. */
struct bench_reader_sink {
	void *user;
	/* The picture is borrowed (reference it to keep it); data[0] is 8-bit luma. */
	int (*picture)(void *user, const AVFrame *frame, double time_s);
	/* All channels averaged. */
	int (*sound)(void *user, const float *samples, size_t count, int rate, double time_s);
};

struct bench_reader_result {
	size_t pictures;
	size_t samples;
	int rate;	    /* of the sound; 0: none */
	double duration_s;  /* of the container */
	double video_end_s; /* time of the last picture and its length */
	size_t errors;	    /* packets that would not decode */
};

/* Either function of the sink may be NULL; that track is then not decoded. -errno, said once. */
TR_CHECKED int bench_reader_run(
	const char *path, const struct bench_reader_sink *sink, struct bench_reader_result *ret);

#endif
