/*
 * A media file opened for reading by libavformat, below an open folder. Only its whole boxes are
 * read: a torn fragment at the end does not exist.
 */
#ifndef TR_STORAGE_MOVIE_H
#define TR_STORAGE_MOVIE_H

#include "core/cleanup.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdint.h>

struct tr_movie {
	int fd;
	int64_t at;
	int64_t end;	     /* of the last whole box */
	int64_t size;	     /* of the file */
	bool is_torn;	     /* its last box is not whole */
	int64_t duration_ns; /* of the longer track, when it is known without reading all */
	AVIOContext *io;
	AVFormatContext *format;
	int video; /* stream's index, -1: none */
	int audio;
};

/* -ENODATA when the file is empty, -EBADMSG when it is no media file, -errno. Says nothing. */
TR_CHECKED int tr_movie_open(int dirfd, const char *name, struct tr_movie **ret_movie);
void tr_movie_close(struct tr_movie *movie); /* NULL is fine */

/* A decoder for the stream, one thread. -ENOTSUP when there is none. */
TR_CHECKED int tr_movie_open_decoder(
	const struct tr_movie *movie, int stream, AVCodecContext **ret_codec);

/* libav's code as -errno. */
int tr_movie_errno(int av_rc);

TR_CLEANUP_DEFINE(struct tr_movie, tr_movie_close)

#endif
