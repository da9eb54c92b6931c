#include "encode/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

/* DRM's numbers for formats, which are the same everywhere: libdrm is only in the GPU's module. */
#define FOURCC(a, b, c, d) ((uint32_t)(a) | (b) << 8 | (c) << 16 | (uint32_t)(d) << 24)
#define XRGB8888 FOURCC('X', 'R', '2', '4')
#define ARGB8888 FOURCC('A', 'R', '2', '4')

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

/* ---- messages ---- */

union control {
	struct cmsghdr header; /* for its alignment */
	char room[CMSG_SPACE(TR_SURFACE_PLANES_MAX * sizeof(int))];
};

int tr_wire_send_fds(int fd, const struct tr_wire *message, const int *fds, unsigned fd_count)
{
	union control control = {0};
	struct iovec part = {(void *)message, sizeof(*message)};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	if (fd_count > TR_SURFACE_PLANES_MAX)
		return -EINVAL;
	if (fd_count > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, fd_count * sizeof(int));
	}
	do
		n = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	return n == (ssize_t)sizeof(*message) ? 0 : -EPROTO;
}

int tr_wire_send(int fd, const struct tr_wire *message)
{
	return tr_wire_send_fds(fd, message, NULL, 0);
}

/* More than there is room for the kernel closes itself, and says so. */
static unsigned take_fds(struct msghdr *header, int *fds)
{
	unsigned count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), count * sizeof(int));
	}
	return count;
}

int tr_wire_receive_fds(int fd, int flags, struct tr_wire *ret, int fds[TR_SURFACE_PLANES_MAX],
	unsigned *ret_fd_count)
{
	union control control = {0};
	struct iovec part = {ret, sizeof(*ret)};
	struct msghdr header = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room)};
	ssize_t n;

	*ret_fd_count = 0;
	do
		n = recvmsg(fd, &header, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	*ret_fd_count = take_fds(&header, fds);
	if (n == (ssize_t)sizeof(*ret) && !(header.msg_flags & MSG_CTRUNC))
		return 0;
	while (*ret_fd_count > 0)
		close(fds[--*ret_fd_count]);
	return n == 0 ? -EPIPE : -EPROTO;
}

int tr_wire_receive(int fd, int flags, struct tr_wire *ret)
{
	ssize_t n;

	/* Without room for descriptors the kernel closes those that came. */
	do
		n = recv(fd, ret, sizeof(*ret), flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	return n == (ssize_t)sizeof(*ret) ? 0 : -EPROTO;
}

int tr_wire_surface_check(const struct tr_surface *surface, int width, int height)
{
	if (surface->width != width || surface->height != height || surface->plane_count < 1 ||
		surface->plane_count > TR_SURFACE_PLANES_MAX)
		return -EINVAL;
	if (surface->fourcc != XRGB8888 && surface->fourcc != ARGB8888)
		return -ENOTSUP;
	uint64_t row = (uint64_t)width * 4, pitch = surface->planes[0].pitch;
	uint64_t end = surface->planes[0].offset + pitch * (uint64_t)(height - 1) + row;
	if (pitch < row || pitch > UINT32_MAX / 2)
		return -EINVAL;
	for (int i = 0; i < surface->plane_count; i++) {
		off_t size = lseek(surface->planes[i].fd, 0, SEEK_END);
		if (size < 0 && errno == EBADF)
			return -EINVAL;
		if (size > 0 && i == 0 && end > (uint64_t)size)
			return -EINVAL; /* old kernels do not tell: then the driver must judge */
	}
	return 0;
}
