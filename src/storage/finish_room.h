/* Room on the disk for a recording's file. A copy that runs out of it would take the last from the
 * recordings that run: so all that it needs is taken before, or nothing. */
#ifndef TR_STORAGE_FINISH_ROOM_H
#define TR_STORAGE_FINISH_ROOM_H

#include "core/cleanup.h"

#include <stdint.h>
#include <sys/stat.h>

/* Keeps `bytes` for the empty file `fd`; its size stays 0. -ENOSPC when less than that and a little
 * more is free; -errno. Where a file system cannot keep room, only looks. */
TR_CHECKED int tr_finish_room_take(int dirfd, int fd, int64_t bytes);

/* Gives back what the file did not need, and syncs it. -errno. */
TR_CHECKED int tr_finish_room_return(int fd, struct stat *ret_st);

#endif
