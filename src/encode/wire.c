#include "encode/wire.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PAGE 4096

static size_t to_page(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

static int to_step(int pixels)
{
	return (pixels + 31) / 32 * 32;
}

/* Where everything is, as offsets; the pointers are laid upon them when there is memory. */
struct layout {
	size_t uv, changed, packet, packet_room, size;
};

static struct layout lay_out(int width, int height, struct tr_picture *picture)
{
	int stride = to_step(width), rows = (height + 15) / 16 * 16;
	size_t y_size = to_page((size_t)stride * (size_t)rows), uv_size = to_page(y_size / 2);

	picture->width = width;
	picture->height = height;
	picture->y_stride = picture->uv_stride = stride;
	picture->map_width = (width + 15) / 16;
	picture->map_height = (height + 15) / 16;
	size_t map_size = to_page((size_t)picture->map_width * (size_t)picture->map_height);
	size_t room = to_page((size_t)width * (size_t)height * 3 / 2 + 65536);
	return (struct layout){
		.uv = y_size,
		.changed = y_size + uv_size,
		.packet = y_size + uv_size + map_size,
		.packet_room = room,
		.size = y_size + uv_size + map_size + room,
	};
}

size_t tr_wire_memory_size(int width, int height)
{
	struct tr_picture picture;

	return lay_out(width, height, &picture).size;
}

int tr_wire_memory_map(int fd, int width, int height, struct tr_wire_memory *ret)
{
	struct stat st;
	struct tr_picture picture = {0};
	struct layout layout = lay_out(width, height, &picture);

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)st.st_size != layout.size)
		return -EPROTO;
	uint8_t *base = mmap(NULL, layout.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	picture.y = base;
	picture.uv = base + layout.uv;
	picture.changed = base + layout.changed;
	*ret = (struct tr_wire_memory){
		.base = base,
		.size = layout.size,
		.picture = picture,
		.packet = base + layout.packet,
		.packet_room = layout.packet_room,
	};
	return 0;
}

void tr_wire_memory_unmap(struct tr_wire_memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->size);
	memory->base = NULL;
}

int tr_wire_send(int fd, const struct tr_wire *message)
{
	ssize_t n;

	do
		n = send(fd, message, sizeof(*message), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return n == (ssize_t)sizeof(*message) ? 0 : -EPROTO;
}

int tr_wire_receive(int fd, int flags, struct tr_wire *ret)
{
	ssize_t n;

	do
		n = recv(fd, ret, sizeof(*ret), flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	return n == (ssize_t)sizeof(*ret) ? 0 : -EPROTO;
}
