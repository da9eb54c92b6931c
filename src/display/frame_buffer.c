#include "display/frame_buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <X11/X.h>
#include <X11/XWDFile.h>
#include <arpa/inet.h>

/* The file is an XWD dump: header, name, colours, then the rows. Everything in it is checked, as a
 * wrong number would read outside of the map. */
int tr_frame_buffer_map(const char *path, int width, int height, struct tr_frame_buffer *ret_buffer)
{
	struct stat st;

	TR_CLEANUP(tr_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)st.st_size < sizeof(XWDFileHeader))
		return -EINVAL;
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	const XWDFileHeader *header = map;
	size_t offset =
		ntohl(header->header_size) + ntohl(header->ncolors) * (size_t)SIZEOF(XWDColor);
	size_t stride = ntohl(header->bytes_per_line);
	bool fits = ntohl(header->file_version) == XWD_FILE_VERSION &&
		    ntohl(header->bits_per_pixel) == 32 && ntohl(header->byte_order) == LSBFirst &&
		    ntohl(header->pixmap_width) >= (unsigned)width &&
		    ntohl(header->pixmap_height) >= (unsigned)height &&
		    stride >= (size_t)width * 4 &&
		    offset + stride * (size_t)height <= (size_t)st.st_size;
	if (!fits) {
		munmap(map, (size_t)st.st_size);
		return -EINVAL;
	}
	*ret_buffer = (struct tr_frame_buffer){
		map, (size_t)st.st_size, (const uint8_t *)map + offset, stride};
	return 0;
}

void tr_frame_buffer_unmap(struct tr_frame_buffer *buffer)
{
	if (buffer->map)
		munmap((void *)buffer->map, buffer->map_size);
	*buffer = (struct tr_frame_buffer){0};
}
