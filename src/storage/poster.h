/* One picture that stands for a recording. */
#ifndef TR_STORAGE_POSTER_H
#define TR_STORAGE_POSTER_H

#include "core/cleanup.h"

#define TR_POSTER_WIDTH 1280 /* at most */

/* The first key picture from 10 % of the file on that is not all one colour (or the first at all)
 * as JPEG. -ENODATA when there is no picture, -errno. */
TR_CHECKED int tr_poster_make(int dirfd, const char *movie, const char *poster);

#endif
