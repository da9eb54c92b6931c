/* h264_qsv, in telerec-gpu.so: for Intel's GPUs, the first one of the i915 driver only. */
#ifndef TR_ENCODE_QSV_H
#define TR_ENCODE_QSV_H

#include "encode/video.h"

extern const struct tr_video_ops tr_video_qsv;

#endif
