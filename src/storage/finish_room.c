#include "storage/finish_room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#define SPARE_BYTES (INT64_C(64) << 20) /* that making a file leaves free, or ... */
#define SPARE_SHARE 50			/* ... a fiftieth of a small disk */

int tr_finish_room_take(int dirfd, int fd, int64_t bytes)
{
	struct statvfs vfs;

	if (fstatvfs(dirfd, &vfs) < 0)
		return -errno;
	int64_t block = (int64_t)vfs.f_frsize;
	int64_t spare = (int64_t)vfs.f_blocks * block / SPARE_SHARE;
	if (spare > SPARE_BYTES)
		spare = SPARE_BYTES;
	if ((int64_t)vfs.f_bavail * block < bytes + spare)
		return -ENOSPC;
	if (bytes == 0 || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT ? -errno : 0; /* others cannot do it */
}

int tr_finish_room_return(int fd, struct stat *ret_st)
{
	return fstat(fd, ret_st) < 0 || ftruncate(fd, ret_st->st_size) < 0 || fsync(fd) < 0 ? -errno
											    : 0;
}
