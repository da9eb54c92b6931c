#include "media/damage.h"

#include <errno.h>
#include <string.h>

void tr_damage_init(struct tr_damage *damage, int width, int height)
{
	damage->screen = (struct tr_rect){0, 0, width, height};
	damage->rects[0] = damage->screen;
	damage->count = 1;
}

int tr_damage_add(struct tr_damage *damage, struct tr_rect rect)
{
	bool full = damage->count == TR_DAMAGE_MAX;

	rect = tr_rect_common(rect, damage->screen);
	if (tr_rect_empty(rect))
		return -ERANGE;

	/* A grown box can reach one that it did not touch before: start over after each merge. */
	for (unsigned i = 0; i < damage->count;) {
		if (!full && tr_rect_empty(tr_rect_common(rect, damage->rects[i]))) {
			i++;
			continue;
		}
		rect = tr_rect_around(rect, damage->rects[i]);
		damage->rects[i] = damage->rects[--damage->count];
		i = 0;
	}
	damage->rects[damage->count++] = rect;
	return 0;
}

unsigned tr_damage_take(struct tr_damage *damage, struct tr_rect out[static TR_DAMAGE_MAX])
{
	unsigned count = damage->count;
	memcpy(out, damage->rects, count * sizeof(*out));
	damage->count = 0;
	return count;
}
