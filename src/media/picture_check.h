/*
 * What is wrong with the pictures: black, white, or frozen stretches. Fed about once a second with
 * a picture and its time; looks at a coarse grid, so a look costs microseconds. Pure, no
 * allocation.
 */
#ifndef TR_MEDIA_PICTURE_CHECK_H
#define TR_MEDIA_PICTURE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#define TR_PICTURE_CHECK_GRID 48 /* samples across and down */

struct tr_picture_check {
	int width, height;
	bool has_last;
	int64_t last_ns; /* of the last picture */
	bool was_black, was_white;
	int64_t same_since_ns; /* the grid is the same since then */
	uint8_t grid[TR_PICTURE_CHECK_GRID * TR_PICTURE_CHECK_GRID];

	/* the findings */
	int64_t looks;
	int64_t black_ns; /* in all */
	int64_t longest_black_ns;
	int64_t white_ns;
	int64_t longest_white_ns;
	int64_t longest_frozen_ns; /* the longest stretch without any difference in the grid */
	int64_t run_ns;		   /* of the black or white stretch going on */
};

void tr_picture_check_init(struct tr_picture_check *check, int width, int height);

/* Luma rows of the picture that is shown from `pts_ns` on; times do not go back. Limited range. */
void tr_picture_check_add(
	struct tr_picture_check *check, const uint8_t *luma, int stride, int64_t pts_ns);

/* The last picture was shown until `end_ns`. */
void tr_picture_check_end(struct tr_picture_check *check, int64_t end_ns);

#endif
