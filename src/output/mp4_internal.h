/* Of mp4.c, the file and its fragments, and mp4_header.c, what comes before them. */
#ifndef TR_OUTPUT_MP4_INTERNAL_H
#define TR_OUTPUT_MP4_INTERNAL_H

#include "output/boxes.h"
#include "output/mp4.h"

#define TR_MP4_SAMPLE_KEY 0x02000000   /* depends on no other */
#define TR_MP4_SAMPLE_DELTA 0x01010000 /* depends on others, is no sync sample */

/* What never changes of a track. */
struct tr_mp4_track {
	bool exists;
	uint32_t id;
	uint32_t scale;
	int64_t shift; /* added to each time: the priming */
};

/* Appends the boxes before the first fragment; gives where the whole length goes, 64 bits. */
int64_t tr_mp4_put_header(struct tr_boxes *boxes, const struct tr_mp4_settings *settings,
	const struct tr_mp4_track *video, const struct tr_mp4_track *audio);

#endif
