/* Pictures into the driver's surfaces, and out of them. */
#define TR_LOG_AREA "vaapi"
#include "encode/gpu_internal.h"

#include "core/log.h"

#include <libavutil/hwcontext.h>

#include <errno.h>
#include <string.h>

static void fill_black(const AVFrame *mapped, int width, int height)
{
	for (int y = 0; y < height; y++)
		memset(mapped->data[0] + (ptrdiff_t)y * mapped->linesize[0], 16, (size_t)width);
	for (int y = 0; y < height / 2; y++)
		memset(mapped->data[1] + (ptrdiff_t)y * mapped->linesize[1], 128, (size_t)width);
}

/* Into the surface itself where the driver lets us (a derived image), else by an image of its own
 * that is put when it is unmapped. That step cannot fail in FFmpeg's eyes, only complain. */
int tr_vaapi_upload(AVBufferRef *frames, struct tr_gpu_words *words,
	const struct tr_picture *picture, AVFrame *surface)
{
	const AVHWFramesContext *context = (const AVHWFramesContext *)frames->data;
	AVFrame *mapped = av_frame_alloc();

	if (!mapped)
		return -ENOMEM;
	mapped->format = AV_PIX_FMT_NV12;
	int av_rc = av_hwframe_get_buffer(frames, surface, 0);
	if (av_rc >= 0)
		av_rc = av_hwframe_map(
			mapped, surface, AV_HWFRAME_MAP_WRITE | AV_HWFRAME_MAP_OVERWRITE);
	if (av_rc >= 0 && picture)
		tr_gpu_blocks_fill(mapped, picture);
	else if (av_rc >= 0)
		fill_black(mapped, context->width, context->height);
	av_frame_free(&mapped);
	if (av_rc < 0 || words->errors > 0)
		return tr_gpu_fail(words, -EIO, "the picture cannot be uploaded");
	return 0;
}

static void copy_rows(
	uint8_t *to, int to_stride, const uint8_t *from, int from_stride, int width, int height)
{
	for (int y = 0; y < height; y++)
		memcpy(to + (ptrdiff_t)y * to_stride, from + (ptrdiff_t)y * from_stride,
			(size_t)width);
}

int tr_vaapi_download(
	struct tr_gpu_words *words, const AVFrame *surface, const struct tr_picture *ret_picture)
{
	AVFrame *mapped = av_frame_alloc();
	int width = ret_picture->width, height = ret_picture->height, rc = 0;

	if (!mapped)
		return -ENOMEM;
	mapped->format = AV_PIX_FMT_NV12;
	if (av_hwframe_map(mapped, surface, AV_HWFRAME_MAP_READ) < 0)
		rc = tr_gpu_fail(words, -EIO, "what was converted cannot be read");
	if (rc == 0) {
		copy_rows(ret_picture->y, ret_picture->y_stride, mapped->data[0],
			mapped->linesize[0], width, height);
		copy_rows(ret_picture->uv, ret_picture->uv_stride, mapped->data[1],
			mapped->linesize[1], width, height / 2);
	}
	av_frame_free(&mapped);
	return rc;
}
