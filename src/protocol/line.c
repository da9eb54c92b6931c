#include "protocol/line.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define READ_STEP 4096
#define FDS_MAX 4 /* received and not yet fetched */

/* Key that sending adds to an object with a descriptor and receiving takes off again: the kernel
 * says that a descriptor came, but not with which line. */
#define FD_KEY "with_descriptor"

/* One line on its way out. */
struct parcel {
	struct parcel *next;
	int fd; /* ours, -1: none, or gone with the first byte */
	size_t sent;
	size_t size;
	char data[];
};

struct tr_line {
	int socket;
	bool is_ended;	/* the other end has closed */
	bool is_broken; /* a line was too long: where the next one starts is unknown */

	char *in;
	size_t in_size;
	size_t in_room;
	size_t in_seen; /* searched for a line's end already */
	int fds[FDS_MAX];
	unsigned fd_count;

	struct parcel *out;
	struct parcel **out_end;
	size_t out_bytes;
};

int tr_line_create(int fd, struct tr_line **ret_line)
{
	TR_CLEANUP(tr_closep) int owned = fd;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
		fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	struct tr_line *line = calloc(1, sizeof(*line));
	if (!line)
		return -ENOMEM;
	line->socket = tr_take_fd(&owned);
	line->out_end = &line->out;
	*ret_line = line;
	return 0;
}

static void drop_first_parcel(struct tr_line *line)
{
	struct parcel *parcel = line->out;

	line->out = parcel->next;
	if (!line->out)
		line->out_end = &line->out;
	line->out_bytes -= parcel->size;
	tr_closep(&parcel->fd);
	free(parcel);
}

void tr_line_destroy(struct tr_line *line)
{
	if (!line)
		return;
	while (line->out)
		drop_first_parcel(line);
	for (unsigned i = 0; i < line->fd_count; i++)
		close(line->fds[i]);
	close(line->socket);
	free(line->in);
	free(line);
}

int tr_line_fd(const struct tr_line *line)
{
	return line->socket;
}

/* Keeps the descriptors of one recvmsg(); more than anybody asked for are closed. */
static int keep_fds(struct tr_line *line, struct msghdr *header)
{
	int rc = header->msg_flags & MSG_CTRUNC ? -EPROTO : 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (line->fd_count < FDS_MAX) {
				line->fds[line->fd_count++] = fd;
			} else {
				close(fd);
				rc = -EPROTO;
			}
		}
	}
	return rc;
}

static int make_room(struct tr_line *line)
{
	if (line->in_room - line->in_size >= READ_STEP)
		return 0;
	size_t room = line->in_room ? line->in_room * 2 : (size_t)READ_STEP * 2;
	char *bigger = realloc(line->in, room);
	if (!bigger)
		return -ENOMEM;
	line->in = bigger;
	line->in_room = room;
	return 0;
}

/* One read. -EAGAIN, -EPIPE at the end, -errno. */
static int read_some(struct tr_line *line)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control;

	int rc = make_room(line);
	if (rc < 0)
		return rc;
	struct iovec part = {line->in + line->in_size, READ_STEP};
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;
	do
		n = recvmsg(line->socket, &header, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET)) {
		line->is_ended = true;
		return -EPIPE;
	}
	if (n < 0)
		return -errno;
	line->in_size += (size_t)n;
	return keep_fds(line, &header);
}

/* The bytes of the first whole line, its end not included; -EAGAIN when there is none. */
static int find_line(struct tr_line *line, size_t *ret_length)
{
	size_t left = line->in_size - line->in_seen;
	const char *end = left ? memchr(line->in + line->in_seen, '\n', left) : NULL;

	line->in_seen = line->in_size;
	size_t length = end ? (size_t)(end - line->in) : line->in_size;
	if (length >= TR_LINE_MAX_BYTES) {
		line->is_broken = true;
		return -EPROTO;
	}
	*ret_length = length;
	return end ? 0 : -EAGAIN;
}

static void drop_line(struct tr_line *line, size_t length)
{
	line->in_size -= length + 1;
	memmove(line->in, line->in + length + 1, line->in_size);
	line->in_seen = 0;
}

/* Takes the oldest received descriptor when the object announces one. */
static int claim_fd(struct tr_line *line, json_t *object, int *ret_fd)
{
	if (!json_object_get(object, FD_KEY))
		return 0;
	json_object_del(object, FD_KEY);
	if (line->fd_count == 0)
		return -EPROTO;
	*ret_fd = line->fds[0];
	line->fd_count--;
	memmove(line->fds, line->fds + 1, line->fd_count * sizeof(line->fds[0]));
	return 0;
}

int tr_line_receive(struct tr_line *line, json_t **ret_object, int *ret_fd)
{
	size_t length = 0;
	TR_CLEANUP(tr_closep) int fd = -1;

	if (line->is_broken)
		return -EPROTO;
	int rc;
	while ((rc = find_line(line, &length)) == -EAGAIN) {
		rc = line->is_ended ? -EPIPE : read_some(line);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	json_t *object = json_loadb(line->in, length, JSON_REJECT_DUPLICATES, NULL);
	drop_line(line, length);
	if (!json_is_object(object)) {
		json_decref(object);
		return -EPROTO;
	}
	rc = claim_fd(line, object, &fd);
	if (rc < 0) {
		json_decref(object);
		return rc;
	}
	if (ret_fd)
		*ret_fd = tr_take_fd(&fd);
	*ret_object = object;
	return 0;
}

static ssize_t send_parcel(const struct tr_line *line, struct parcel *parcel)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {parcel->data + parcel->sent, parcel->size - parcel->sent};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	if (parcel->fd >= 0) {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &parcel->fd, sizeof(int));
	}
	return sendmsg(line->socket, &header, MSG_NOSIGNAL);
}

int tr_line_flush(struct tr_line *line)
{
	while (line->out) {
		struct parcel *parcel = line->out;
		ssize_t n = send_parcel(line, parcel);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
		if (n > 0) {
			tr_closep(&parcel->fd);
			parcel->fd = -1;
		}
		parcel->sent += (size_t)n;
		if (parcel->sent == parcel->size)
			drop_first_parcel(line);
	}
	return 0;
}

bool tr_line_wants_to_send(const struct tr_line *line)
{
	return line->out != NULL;
}

/* Gives a parcel with the object's text, its line end, and a descriptor of its own. */
static int make_parcel(const json_t *object, int fd, struct parcel **ret_parcel)
{
	size_t size = json_dumpb(object, NULL, 0, JSON_COMPACT);

	if (size == 0)
		return -EINVAL;
	if (size >= TR_LINE_MAX_BYTES)
		return -EMSGSIZE;
	TR_CLEANUP(tr_freep) struct parcel *parcel = calloc(1, sizeof(*parcel) + size + 1);
	if (!parcel)
		return -ENOMEM;
	json_dumpb(object, parcel->data, size, JSON_COMPACT);
	parcel->data[size] = '\n';
	parcel->size = size + 1;
	parcel->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && parcel->fd < 0)
		return -errno;
	*ret_parcel = tr_take(parcel);
	return 0;
}

int tr_line_send(struct tr_line *line, const json_t *object, int fd)
{
	struct parcel *parcel = NULL;
	json_t *copy = json_copy((json_t *)object); /* shallow: the copy may get one key more */

	if (!copy || (fd >= 0 && json_object_set_new(copy, FD_KEY, json_true()) < 0)) {
		json_decref(copy);
		return -ENOMEM;
	}
	int rc = make_parcel(copy, fd, &parcel);
	json_decref(copy);
	if (rc < 0)
		return rc;
	if (line->out_bytes + parcel->size > TR_LINE_MAX_WAITING_BYTES) {
		tr_closep(&parcel->fd);
		free(parcel);
		return -ENOBUFS;
	}
	*line->out_end = parcel;
	line->out_end = &parcel->next;
	line->out_bytes += parcel->size;
	return tr_line_flush(line);
}
