/* What a command line for ffmpeg asks for, of what telerec can be told as well. Pure. */
#ifndef TR_CLI_IMPORT_FFMPEG_H
#define TR_CLI_IMPORT_FFMPEG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct tr_import_ffmpeg {
	int width, height;						 /* 0: it does not say */
	int rate;							 /* 0: it does not say */
	int quality;							 /* -1: it does not say */
	int video_kbps, max_kbps, buffer_kbit, audio_kbps, key_pictures; /* 0: it does not say */
	char codec[40], preset[40];
	bool has_copy;	  /* something is passed on without encoding */
	char others[300]; /* names of options that were not understood, with a blank between */
};

/* Borrows a list of words. */
void tr_import_ffmpeg_read(const json_t *words, struct tr_import_ffmpeg *ret);

/* "1920x1080, 30 pictures a second, ..." into `out`. */
void tr_import_ffmpeg_describe(const struct tr_import_ffmpeg *command, char *out, size_t size);

/* "2976k", "3M", "128000" to kbit/s; 0 when it is none. */
int tr_import_ffmpeg_kbps(const char *text);

#endif
