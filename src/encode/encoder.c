#define TR_LOG_AREA "encoder"
#include "encode/encoder.h"

#include "core/child.h"
#include "core/log.h"
#include "encode/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define OPEN_TIMEOUT_MS 10000

struct tr_encoder {
	struct tr_encoder_settings settings;
	struct tr_child child;
	int socket;
	int memory_fd;
	struct tr_wire_memory memory;
	bool is_busy;
	uint8_t coarser;
	uint8_t extradata[TR_VIDEO_EXTRADATA_MAX];
	size_t extradata_size;
	struct tr_encoder_stats stats;
};

int tr_encoder_create(const struct tr_encoder_settings *settings, struct tr_encoder **ret_encoder)
{
	TR_CLEANUP(tr_encoder_destroyp) struct tr_encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return -ENOMEM;
	encoder->settings = *settings;
	encoder->child.pidfd = -1;
	encoder->socket = -1;
	encoder->memory_fd = memfd_create("telerec-picture", MFD_CLOEXEC);
	if (encoder->memory_fd < 0)
		return -errno;
	int width = settings->video.width, height = settings->video.height;
	if (ftruncate(encoder->memory_fd, (off_t)tr_wire_memory_size(width, height)) < 0)
		return -errno;
	int rc = tr_wire_memory_map(encoder->memory_fd, width, height, &encoder->memory);
	if (rc < 0)
		return rc;
	*ret_encoder = tr_take(encoder);
	return 0;
}

void tr_encoder_destroy(struct tr_encoder *encoder)
{
	if (!encoder)
		return;
	tr_encoder_stop(encoder);
	tr_wire_memory_unmap(&encoder->memory);
	if (encoder->memory_fd >= 0)
		close(encoder->memory_fd);
	free(encoder);
}

void tr_encoder_stop(struct tr_encoder *encoder)
{
	if (encoder->socket >= 0)
		close(tr_take_fd(&encoder->socket));
	encoder->is_busy = false;
	/* Nothing in it needs an end of its own: the packets are here already. */
	tr_child_kill(&encoder->child, SIGKILL);
	tr_child_stop(&encoder->child, 1000);
}

static int start_process(struct tr_encoder *encoder)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int ours = fds[0];
	TR_CLEANUP(tr_closep) int theirs = fds[1];
	const char *argv[] = {encoder->settings.program, NULL};
	struct tr_child_fd child_fds[] = {
		{theirs, TR_WIRE_SOCKET_FD}, {encoder->memory_fd, TR_WIRE_MEMORY_FD}};
	struct tr_child_settings child = {
		.argv = argv,
		.exec_fd = encoder->settings.program_fd,
		.fds = child_fds,
		.fd_count = 2,
	};
	int rc = tr_child_start(&child, &encoder->child);
	if (rc < 0)
		return tr_fail(rc, "cannot start %s", encoder->settings.program);
	encoder->socket = tr_take_fd(&ours);
	encoder->stats.starts++;
	return 0;
}

static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int ready;

	do
		ready = poll(&poll_fd, 1, timeout_ms);
	while (ready < 0 && errno == EINTR);
	return ready < 0 ? -errno : ready == 0 ? -ETIMEDOUT : 0;
}

static int open_rung(struct tr_encoder *encoder)
{
	struct tr_wire message = {.type = TR_WIRE_OPEN, .open = encoder->settings.video};

	int rc = tr_wire_send(encoder->socket, &message);
	if (rc == 0)
		rc = wait_readable(encoder->socket, OPEN_TIMEOUT_MS);
	if (rc == 0)
		rc = tr_wire_receive(encoder->socket, 0, &message);
	if (rc == 0 && (message.type != TR_WIRE_OPENED ||
			       message.opened.extradata_size > sizeof(encoder->extradata)))
		rc = -EPROTO;
	if (rc == 0)
		rc = message.rc;
	if (rc < 0)
		return rc;
	memcpy(encoder->extradata, message.opened.extradata, message.opened.extradata_size);
	encoder->extradata_size = message.opened.extradata_size;
	snprintf(encoder->stats.name, sizeof(encoder->stats.name), "%.23s", message.opened.name);
	return 0;
}

int tr_encoder_start(struct tr_encoder *encoder)
{
	tr_encoder_stop(encoder);
	int rc = start_process(encoder);
	if (rc == 0)
		rc = open_rung(encoder);
	if (rc < 0)
		tr_encoder_stop(encoder);
	return rc;
}

struct tr_picture *tr_encoder_picture(struct tr_encoder *encoder)
{
	return &encoder->memory.picture;
}

size_t tr_encoder_extradata(const struct tr_encoder *encoder, const uint8_t **ret)
{
	*ret = encoder->extradata;
	return encoder->extradata_size;
}

int tr_encoder_submit(
	struct tr_encoder *encoder, int64_t pts_ns, bool is_key, bool has_map, int changed)
{
	struct tr_wire message = {
		.type = TR_WIRE_ENCODE,
		.encode = {.pts_ns = pts_ns,
			.changed = changed,
			.is_key = is_key,
			.has_map = has_map,
			.coarser = encoder->coarser},
	};

	if (encoder->socket < 0)
		return -EPIPE;
	int rc = tr_wire_send(encoder->socket, &message);
	encoder->is_busy = rc == 0;
	return rc;
}

void tr_encoder_set_coarser(struct tr_encoder *encoder, int steps)
{
	encoder->coarser = (uint8_t)(steps < 0 ? 0 : steps > 40 ? 40 : steps);
}

bool tr_encoder_is_busy(const struct tr_encoder *encoder)
{
	return encoder->is_busy;
}

int tr_encoder_fd(const struct tr_encoder *encoder)
{
	return encoder->socket;
}

static void clear_map(struct tr_picture *picture)
{
	memset(picture->changed, 0, (size_t)picture->map_width * (size_t)picture->map_height);
}

int tr_encoder_receive(struct tr_encoder *encoder, struct tr_packet **ret_packet)
{
	struct tr_wire message;

	if (encoder->socket < 0)
		return -EPIPE;
	int rc = tr_wire_receive(encoder->socket, MSG_DONTWAIT, &message);
	if (rc == -EAGAIN)
		return rc;
	encoder->is_busy = false;
	if (rc == 0 && (message.type != TR_WIRE_PACKET ||
			       message.packet.size > encoder->memory.packet_room))
		rc = -EPROTO;
	if (rc == 0)
		rc = message.rc;
	if (rc < 0)
		return rc;

	struct tr_packet *packet = tr_packet_create(TR_PACKET_VIDEO, message.packet.size);
	if (!packet)
		return -ENOMEM;
	memcpy(packet->data, encoder->memory.packet, message.packet.size);
	packet->pts_ns = message.packet.pts_ns;
	packet->is_key = message.packet.is_key;
	clear_map(&encoder->memory.picture);
	encoder->stats.encoded++;
	encoder->stats.bytes += message.packet.size;
	encoder->stats.took_us += message.packet.took_us;
	encoder->stats.qp_sum += message.packet.qp;
	*ret_packet = packet;
	return 0;
}

const struct tr_encoder_stats *tr_encoder_stats(const struct tr_encoder *encoder)
{
	return &encoder->stats;
}

pid_t tr_encoder_pid(const struct tr_encoder *encoder)
{
	return encoder->child.pid;
}
