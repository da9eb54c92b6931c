/*
 * What a GPU's own rate control is told, for the words that software understands (quality or
 * bitrate). Pure.
 *
 * By quality, a rung with constant quantizers gets those; the others get a bitrate that such a
 * picture size needs at that quality, which a moving screen may reach for long and exceed by a
 * half, and a finest quantizer, so that a still screen takes next to nothing. Without the one a
 * film in the meeting writes tens of Mbit/s, without the other a slide is refined until it has used
 * up the bitrate.
 */
#ifndef TR_ENCODE_GPU_RATE_H
#define TR_ENCODE_GPU_RATE_H

#include "encode/video.h"

struct tr_gpu_rate {
	enum tr_rung_rate control;
	int qp;	    /* with constant quantizers; the others' finest */
	int key_qp; /* of key pictures; steps coarser never move it, as the header tells it */
	int kbps;
	int max_kbps;
	int buffer_kbit;
};

void tr_gpu_rate_plan(const struct tr_video_settings *settings, enum tr_rung_rate control,
	int coarser, struct tr_gpu_rate *ret);

#endif
