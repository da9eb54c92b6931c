/*
 * Collects the parts of the screen that changed since the last captured picture.
 *
 * Every rectangle costs a copy, so few are kept: overlapping ones become one, and a full table
 * collapses into one box. A box may cover too much; a changed pixel is never left out.
 */
#ifndef TR_MEDIA_DAMAGE_H
#define TR_MEDIA_DAMAGE_H

#include "media/rect.h"

#define TR_DAMAGE_MAX 8

struct tr_damage {
	struct tr_rect screen;
	unsigned count;
	struct tr_rect rects[TR_DAMAGE_MAX];
};

/* Starts with the whole screen changed, so that the first picture is complete. */
void tr_damage_init(struct tr_damage *damage, int width, int height);

/* Adds a changed rectangle, cut to the screen. -ERANGE when nothing of it is left. */
int tr_damage_add(struct tr_damage *damage, struct tr_rect rect);

/* Moves the rectangles to `out` and returns how many; no two of them overlap. */
unsigned tr_damage_take(struct tr_damage *damage, struct tr_rect out[static TR_DAMAGE_MAX]);

#endif
