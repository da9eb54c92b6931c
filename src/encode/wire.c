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

static void lay_out(uint8_t *base, int width, int height, struct tr_wire_memory *memory)
{
	int stride = to_step(width), rows = (height + 15) / 16 * 16;
	struct tr_picture *picture = &memory->picture;
	size_t y_size = to_page((size_t)stride * (size_t)rows), uv_size = to_page(y_size / 2);

	picture->width = width;
	picture->height = height;
	picture->y_stride = picture->uv_stride = stride;
	picture->map_width = (width + 15) / 16;
	picture->map_height = (height + 15) / 16;
	size_t map_size = to_page((size_t)picture->map_width * (size_t)picture->map_height);
	picture->y = base;
	picture->uv = base + y_size;
	picture->changed = base + y_size + uv_size;
	memory->packet = base + y_size + uv_size + map_size;
	memory->packet_room = to_page((size_t)width * (size_t)height * 3 / 2 + 65536);
	memory->base = base;
	memory->size = y_size + uv_size + map_size + memory->packet_room;
}

size_t tr_wire_memory_size(int width, int height)
{
	struct tr_wire_memory memory;

	lay_out(NULL, width, height, &memory);
	return memory.size;
}

int tr_wire_memory_map(int fd, int width, int height, struct tr_wire_memory *ret)
{
	struct stat st;
	size_t size = tr_wire_memory_size(width, height);

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)st.st_size != size)
		return -EPROTO;
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	lay_out(base, width, height, ret);
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
