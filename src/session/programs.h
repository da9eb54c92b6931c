/*
 * Where our own programs and the sound plug-in are. Found, and the encoder opened, while the
 * process still has the rights it was started with; a slot's user may not reach their folder.
 */
#ifndef TR_SESSION_PROGRAMS_H
#define TR_SESSION_PROGRAMS_H

#include "core/cleanup.h"

#include <limits.h>

struct tr_programs {
	char encoder[PATH_MAX];
	int encoder_fd;	       /* O_PATH */
	int module_fd;	       /* the encoder's part for GPUs, O_PATH; -1: there is none */
	char plugin[PATH_MAX]; /* libasound_module_pcm_telerec.so, "" when there is none */
};

/* Beside the running program, else in the installed places. -ENOENT (said) without an encoder. */
TR_CHECKED int tr_programs_find(struct tr_programs *ret);

/* Before the rights are dropped: when `runtime_dir` is another user's, that user may not reach the
 * plug-in, so it gets a copy there. */
TR_CHECKED int tr_programs_copy_plugin(struct tr_programs *programs, const char *runtime_dir);

void tr_programs_close(struct tr_programs *programs);

#endif
