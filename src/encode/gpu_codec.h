/*
 * What h264_vaapi and h264_qsv have in common: FFmpeg's encoder for one picture in, one packet out,
 * which is opened anew where its rate shall change, and whose packets are looked at before anybody
 * depends on them. A part of the rung's struct tr_video; of the files of telerec-gpu.so.
 *
 * At its opening it encodes a grey picture and throws it away. So a driver that opens but does not
 * encode is found out in time, and the parameter sets are known also where the driver writes them
 * itself into the first key picture (AMD's, and QSV's).
 */
#ifndef TR_ENCODE_GPU_CODEC_H
#define TR_ENCODE_GPU_CODEC_H

#include "encode/gpu_internal.h"
#include "encode/gpu_rate.h"

#include <libavcodec/avcodec.h>

struct tr_gpu_codec_ops {
	const char *name;  /* FFmpeg's of the encoder */
	const char *maker; /* who makes the packets: "driver" */
	/* Pixel format and the encoder's own options, before it is opened; size and rate are set,
	 * the quantizer as H.264's. -errno. */
	TR_CHECKED int (*prepare)(struct tr_video *video, AVCodecContext *context);
	/* The picture as a frame that the encoder takes, with its size. -errno, said. */
	TR_CHECKED int (*bring)(
		struct tr_video *video, const struct tr_video_input *input, AVFrame *frame);
	/* A better sentence for what FFmpeg has said, or NULL; may be missing. */
	const char *(*explain)(const char *said);
};

struct tr_gpu_codec {
	const struct tr_gpu_codec_ops *ops;
	struct tr_video *video; /* whose part this is */
	struct tr_video_settings settings;
	struct tr_rung rung;
	struct tr_gpu_words words;
	char unheard[8]; /* where words go when nobody gave room */
	AVCodecContext *context;
	AVPacket *packet;
	int64_t count;
	struct tr_gpu_rate rate;
	int coarser;	     /* as it is opened */
	int refused_coarser; /* so many change the parameter sets: not to be tried again; 0: none */
	uint8_t extradata[TR_VIDEO_EXTRADATA_MAX];
	size_t extradata_size;
};

/* Opens nothing yet. `ops` is kept. -ENOMEM. */
TR_CHECKED int tr_gpu_codec_init(struct tr_gpu_codec *codec, const struct tr_gpu_codec_ops *ops,
	struct tr_video *video, const struct tr_video_request *request);
void tr_gpu_codec_fini(struct tr_gpu_codec *codec);

/* Opens the encoder and proves it. -ENOSYS, -EIO, said in the words. */
TR_CHECKED int tr_gpu_codec_open(struct tr_gpu_codec *codec);

/* As struct tr_video_ops has it. */
TR_CHECKED int tr_gpu_codec_encode(struct tr_gpu_codec *codec, const struct tr_video_input *input,
	struct tr_video_output *output);

#endif
