/*
 * A picture in a graphics card's memory, as descriptors of it: what an X server's pixmap, a VA
 * driver and another process can share without a copy. RGB as the screen has it.
 */
#ifndef TR_MEDIA_SURFACE_H
#define TR_MEDIA_SURFACE_H

#include <stdint.h>

#define TR_SURFACE_PLANES_MAX 4

/* So many go round: one that the X server draws into, one that is being encoded, one to spare. */
#define TR_SURFACES_MAX 3

#define TR_SURFACE_MODIFIER_UNKNOWN 0x00ffffffffffffffull /* DRM_FORMAT_MOD_INVALID */

struct tr_surface {
	int32_t width, height; /* pixels */
	uint32_t fourcc;       /* DRM_FORMAT_XRGB8888, ..._ARGB8888 */
	int32_t plane_count;
	uint64_t modifier;
	struct {
		int32_t fd; /* dma-buf; whose it is, is said where the surface is handed over */
		uint32_t offset, pitch; /* bytes */
	} planes[TR_SURFACE_PLANES_MAX];
};

#endif
