/* A rectangle of pixels; the far edges are outside. */
#ifndef TR_MEDIA_RECT_H
#define TR_MEDIA_RECT_H

#include <stdbool.h>

struct tr_rect {
	int x1, y1, x2, y2;
};

static inline bool tr_rect_empty(struct tr_rect r)
{
	return r.x2 <= r.x1 || r.y2 <= r.y1;
}

static inline struct tr_rect tr_rect_common(struct tr_rect a, struct tr_rect b)
{
	return (struct tr_rect){
		a.x1 > b.x1 ? a.x1 : b.x1,
		a.y1 > b.y1 ? a.y1 : b.y1,
		a.x2 < b.x2 ? a.x2 : b.x2,
		a.y2 < b.y2 ? a.y2 : b.y2,
	};
}

/* The smallest one that holds both; neither may be empty. */
static inline struct tr_rect tr_rect_around(struct tr_rect a, struct tr_rect b)
{
	return (struct tr_rect){
		a.x1 < b.x1 ? a.x1 : b.x1,
		a.y1 < b.y1 ? a.y1 : b.y1,
		a.x2 > b.x2 ? a.x2 : b.x2,
		a.y2 > b.y2 ? a.y2 : b.y2,
	};
}

#endif
