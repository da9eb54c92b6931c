/*
 * A raw picture in NV12 (BT.709, limited range) and the map of what changed in it since the one
 * before. The planes belong to whoever made the picture (the encoder's shared memory).
 */
#ifndef TR_MEDIA_PICTURE_H
#define TR_MEDIA_PICTURE_H

#include <stdint.h>

struct tr_picture {
	int width, height; /* pixels, even */
	int y_stride;	   /* bytes; rows have room up to the next multiple of 32 pixels */
	int uv_stride;	   /* bytes; U and V alternate, one pair for 2x2 pixels */
	uint8_t *y;
	uint8_t *uv;
	int map_width; /* macroblocks of 16x16 pixels */
	int map_height;
	uint8_t *changed; /* map_width * map_height bytes, row by row: 1 where a pixel changed */
};

#endif
