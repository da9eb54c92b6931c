#define TR_LOG_AREA "gpu"
#include "encode/gpu_internal.h"

#include "core/log.h"
#include "encode/qsv.h"

#include <libavutil/log.h>

#include <stdio.h>
#include <string.h>

/* FFmpeg's log callback gets no pointer of ours, so it must be here; one encoder a process. */
static struct tr_gpu_words *attached;

void tr_gpu_words_reset(struct tr_gpu_words *words)
{
	words->problem[0] = '\0';
	words->errors = 0;
}

void tr_gpu_words_add(struct tr_gpu_words *words, const char *text)
{
	words->errors++;
	if (words->problem[0] || words->size == 0)
		return;
	snprintf(words->problem, words->size, "%s", text);
	words->problem[strcspn(words->problem, "\n")] = '\0';
}

int tr_gpu_fail(struct tr_gpu_words *words, int rc, const char *text)
{
	tr_gpu_words_add(words, text);
	return tr_fail(rc, "%s", text);
}

static void log_ffmpeg(void *context, int level, const char *format, va_list args)
{
	char text[400];

	(void)context;
	if (level > AV_LOG_WARNING)
		return;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	if (level > AV_LOG_ERROR) {
		tr_debug("%s", text); /* what a driver lacks and FFmpeg copes with */
		return;
	}
	tr_warning("%s", text);
	if (attached)
		tr_gpu_words_add(attached, text);
}

void tr_gpu_words_attach(struct tr_gpu_words *words)
{
	attached = words;
	av_log_set_callback(words ? log_ffmpeg : av_log_default_callback);
}

/* The module's only door. */
__attribute__((visibility("default"))) tr_gpu_find_fn tr_gpu_find;

const struct tr_video_ops *tr_gpu_find(enum tr_rung_kind kind)
{
	return kind == TR_RUNG_VAAPI ? &tr_video_vaapi : kind == TR_RUNG_QSV ? &tr_video_qsv : NULL;
}
