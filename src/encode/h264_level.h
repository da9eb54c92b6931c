/* The lowest H.264 level that allows a picture size and rate. Source: ITU-T H.264, table A-1. */
#ifndef TR_ENCODE_H264_LEVEL_H
#define TR_ENCODE_H264_LEVEL_H

/* level_idc (31 for level 3.1), one reference picture; 0 when no level allows it. `kbps` 0: any. */
int tr_h264_level_find(int width, int height, int rate, int kbps);

#endif
