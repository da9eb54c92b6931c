#define TR_LOG_AREA "encoder"
#include "encode/encoder.h"

#include "core/child.h"
#include "core/clock.h"
#include "core/log.h"
#include "encode/starved.h"
#include "encode/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define OPEN_TIMEOUT_MS 10000
#define GPU_OPEN_TIMEOUT_MS 2000
#define LATE_NS (3 * TR_NS_PER_S) /* nothing takes that long, however busy the machine */
#define GPU_LATE_NS (500 * TR_NS_PER_MS)
#define GPU_LATE_PICTURES 10
#define GRACE_NS (100 * TR_NS_PER_MS)

struct tr_encoder {
	struct tr_encoder_settings settings;
	struct tr_child child;
	int socket;
	int memory_fd;
	struct tr_wire_memory memory;
	bool is_busy;
	uint8_t coarser;
	struct tr_rung rung;
	int32_t set_id;
	bool has_software;
	int64_t submitted_ns;
	int64_t deadline_ns;
	bool has_grace; /* the picture in flight has been late before */
	struct tr_starved starved;
	int words_fd;			     /* standard error of a GPU's process, -1: ours */
	char last_line[TR_WIRE_PROBLEM_MAX]; /* of it */
	char problem[TR_WIRE_PROBLEM_MAX + 128];
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
	encoder->words_fd = encoder->starved.fd = -1;
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

void tr_encoder_set_rung(
	struct tr_encoder *encoder, const struct tr_rung *rung, int set_id, bool has_software)
{
	encoder->rung = *rung;
	encoder->set_id = set_id;
	encoder->has_software = has_software;
}

/* ---- what a driver says ---- */

/* The last line that says something: drivers name their trouble just before they take the process
 * down. */
static void keep_last_line(struct tr_encoder *encoder, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (line[0])
			snprintf(encoder->last_line, sizeof(encoder->last_line), "%s", line);
}

static void pass_words_on(struct tr_encoder *encoder)
{
	char text[2048];
	ssize_t n;

	while (encoder->words_fd >= 0 &&
		(n = read(encoder->words_fd, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		if (write(STDERR_FILENO, text, (size_t)n) < 0)
			tr_debug("words of the encoder are lost");
		keep_last_line(encoder, text);
	}
}

/* Neither end blocks: a driver that talks much must not stand still because we are busy. */
static int open_words(struct tr_encoder *encoder, int *ret_theirs)
{
	int fds[2];

	encoder->last_line[0] = '\0';
	if (encoder->rung.kind == TR_RUNG_SOFTWARE)
		return 0;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	encoder->words_fd = fds[0];
	*ret_theirs = fds[1];
	return 0;
}

const char *tr_encoder_explain(struct tr_encoder *encoder, int rc)
{
	char how[80];

	if (encoder->problem[0])
		return encoder->problem;
	if (rc == -EPIPE && encoder->child.pid > 0) {
		int status = tr_child_wait(&encoder->child, 1000);
		pass_words_on(encoder);
		if (status >= 0)
			tr_child_describe(status, how, sizeof(how));
		else
			snprintf(how, sizeof(how), "closed its connection");
		snprintf(encoder->problem, sizeof(encoder->problem), "the encoder process %s%s%s",
			how, encoder->last_line[0] ? ": " : "", encoder->last_line);
	} else if (rc == -ETIMEDOUT) {
		pass_words_on(encoder);
		snprintf(encoder->problem, sizeof(encoder->problem), "no answer in time%s%s",
			encoder->last_line[0] ? "; its last words: " : "", encoder->last_line);
	} else {
		snprintf(encoder->problem, sizeof(encoder->problem), "%s", strerror(-rc));
	}
	return encoder->problem;
}

/* ---- the process ---- */

void tr_encoder_stop(struct tr_encoder *encoder)
{
	if (encoder->socket >= 0)
		close(tr_take_fd(&encoder->socket));
	encoder->is_busy = false;
	/* Nothing in it needs an end of its own: the packets are here already. */
	tr_child_kill(&encoder->child, SIGKILL);
	tr_child_stop(&encoder->child, 1000);
	pass_words_on(encoder);
	if (encoder->words_fd >= 0)
		close(tr_take_fd(&encoder->words_fd));
	tr_starved_close(&encoder->starved);
}

static int start_process(struct tr_encoder *encoder)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int ours = fds[0];
	TR_CLEANUP(tr_closep) int theirs = fds[1];
	TR_CLEANUP(tr_closep) int words = -1;
	int rc = open_words(encoder, &words);
	if (rc < 0)
		return rc;
	const char *argv[] = {encoder->settings.program, NULL};
	struct tr_child_fd child_fds[4] = {
		{theirs, TR_WIRE_SOCKET_FD}, {encoder->memory_fd, TR_WIRE_MEMORY_FD}};
	struct tr_child_settings child = {
		.argv = argv,
		.exec_fd = encoder->settings.program_fd,
		.fds = child_fds,
		.fd_count = 2,
	};
	if (words >= 0)
		child_fds[child.fd_count++] = (struct tr_child_fd){words, STDERR_FILENO};
	if (encoder->settings.module_fd > 0 && encoder->rung.kind != TR_RUNG_SOFTWARE)
		child_fds[child.fd_count++] =
			(struct tr_child_fd){encoder->settings.module_fd, TR_WIRE_MODULE_FD};
	rc = tr_child_start(&child, &encoder->child);
	if (rc < 0)
		return tr_fail(rc, "cannot start %s", encoder->settings.program);
	encoder->socket = tr_take_fd(&ours);
	encoder->stats.starts++;
	if (encoder->rung.kind != TR_RUNG_SOFTWARE)
		tr_starved_open(&encoder->starved, encoder->child.pid);
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

/* A GPU's driver may hang here already; a machine that is only busy gets more time. */
static int wait_opened(struct tr_encoder *encoder, int gpu_wait_ms)
{
	int64_t begin_ns = tr_clock_now_ns(), most_ns = OPEN_TIMEOUT_MS * TR_NS_PER_MS;
	int rc;

	if (encoder->rung.kind == TR_RUNG_SOFTWARE)
		return wait_readable(encoder->socket, OPEN_TIMEOUT_MS);
	do {
		int64_t waited_ns = tr_clock_now_ns() - begin_ns;
		int64_t left_ns =
			gpu_wait_ms * TR_NS_PER_MS + tr_starved_ns(&encoder->starved) - waited_ns;
		if (left_ns <= 0 || waited_ns > most_ns)
			return -ETIMEDOUT;
		rc = wait_readable(encoder->socket, (int)(left_ns / TR_NS_PER_MS) + 1);
	} while (rc == -ETIMEDOUT);
	return rc;
}

static int keep_problem(struct tr_encoder *encoder, const struct tr_wire *answer)
{
	if (answer->rc < 0)
		snprintf(encoder->problem, sizeof(encoder->problem), "%.*s",
			TR_WIRE_PROBLEM_MAX - 1, answer->problem);
	return answer->rc;
}

/* A question that is answered while we wait; the answer takes its place. */
static int ask(struct tr_encoder *encoder, struct tr_wire *message, const int *fds,
	unsigned fd_count, int gpu_wait_ms)
{
	uint32_t answer = message->type + 1;
	int rc = tr_wire_send_fds(encoder->socket, message, fds, fd_count);

	if (rc == 0)
		rc = wait_opened(encoder, gpu_wait_ms);
	if (rc == 0)
		rc = tr_wire_receive(encoder->socket, 0, message);
	if (rc == 0 && message->type != answer)
		rc = -EPROTO;
	return rc < 0 ? rc : keep_problem(encoder, message);
}

static int open_rung(struct tr_encoder *encoder, int gpu_wait_ms)
{
	struct tr_wire message = {.type = TR_WIRE_OPEN,
		.open = {.video = encoder->settings.video,
			.rung = encoder->rung,
			.has_software = encoder->has_software}};

	message.open.video.set_id = encoder->set_id;
	int rc = ask(encoder, &message, NULL, 0, gpu_wait_ms);
	if (rc == 0 && message.opened.extradata_size > sizeof(encoder->extradata))
		rc = -EPROTO;
	if (rc < 0)
		return rc;
	memcpy(encoder->extradata, message.opened.extradata, message.opened.extradata_size);
	encoder->extradata_size = message.opened.extradata_size;
	snprintf(encoder->stats.name, sizeof(encoder->stats.name), "%.39s", message.opened.name);
	return 0;
}

int tr_encoder_start_within(struct tr_encoder *encoder, int gpu_wait_ms)
{
	tr_encoder_stop(encoder);
	encoder->problem[0] = '\0';
	int rc = start_process(encoder);
	if (rc == 0)
		rc = open_rung(encoder, gpu_wait_ms > 0 ? gpu_wait_ms : GPU_OPEN_TIMEOUT_MS);
	if (rc < 0) {
		tr_encoder_explain(encoder, rc);
		tr_encoder_stop(encoder);
	}
	return rc;
}

int tr_encoder_start(struct tr_encoder *encoder)
{
	return tr_encoder_start_within(encoder, 0);
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

static int64_t gpu_late_ns(const struct tr_encoder *encoder)
{
	return GPU_LATE_NS + GPU_LATE_PICTURES * TR_NS_PER_S / encoder->settings.video.rate;
}

/* ---- surfaces ---- */

static int ask_about_surface(struct tr_encoder *encoder, struct tr_wire *message)
{
	int fds[TR_SURFACE_PLANES_MAX] = {0};
	unsigned count = 0;

	if (encoder->socket < 0)
		return -EPIPE;
	if (encoder->is_busy)
		return -EBUSY;
	encoder->problem[0] = '\0';
	if (message->type == TR_WIRE_ATTACH)
		for (int i = 0; i < message->attach.surface.plane_count; i++)
			fds[count++] = message->attach.surface.planes[i].fd;
	tr_starved_begin(&encoder->starved);
	int rc = ask(encoder, message, fds, count, GPU_OPEN_TIMEOUT_MS);
	pass_words_on(encoder);
	return rc;
}

int tr_encoder_attach(struct tr_encoder *encoder, int number, const struct tr_surface *surface)
{
	struct tr_wire message = {.type = TR_WIRE_ATTACH};

	if (number < 1 || number > TR_SURFACES_MAX || surface->plane_count < 1 ||
		surface->plane_count > TR_SURFACE_PLANES_MAX)
		return -EINVAL;
	message.attach.number = (uint8_t)number;
	message.attach.surface = *surface;
	return ask_about_surface(encoder, &message);
}

int tr_encoder_convert(struct tr_encoder *encoder, int number)
{
	struct tr_wire message = {.type = TR_WIRE_CONVERT, .attach.number = (uint8_t)number};

	return ask_about_surface(encoder, &message);
}

/* ---- pictures ---- */

static int submit(struct tr_encoder *encoder, struct tr_wire *message)
{
	message->type = TR_WIRE_ENCODE;
	message->encode.coarser = encoder->coarser;
	if (encoder->socket < 0)
		return -EPIPE;
	int rc = tr_wire_send(encoder->socket, message);
	encoder->is_busy = rc == 0;
	encoder->submitted_ns = tr_clock_now_ns();
	encoder->deadline_ns = encoder->submitted_ns + LATE_NS;
	encoder->has_grace = false;
	if (encoder->rung.kind != TR_RUNG_SOFTWARE) {
		encoder->deadline_ns = encoder->submitted_ns + gpu_late_ns(encoder);
		tr_starved_begin(&encoder->starved);
	}
	return rc;
}

int tr_encoder_submit(
	struct tr_encoder *encoder, int64_t pts_ns, bool is_key, bool has_map, int changed)
{
	struct tr_wire message = {.encode = {.pts_ns = pts_ns,
					  .changed = changed,
					  .is_key = is_key,
					  .has_map = has_map}};

	return submit(encoder, &message);
}

int tr_encoder_submit_surface(
	struct tr_encoder *encoder, int number, int64_t pts_ns, bool is_key, int changed)
{
	struct tr_wire message = {.encode = {.pts_ns = pts_ns,
					  .changed = changed,
					  .is_key = is_key,
					  .surface = (uint8_t)number}};

	return number < 1 || number > TR_SURFACES_MAX ? -EINVAL : submit(encoder, &message);
}

int64_t tr_encoder_deadline_ns(const struct tr_encoder *encoder)
{
	return encoder->deadline_ns;
}

bool tr_encoder_is_late(struct tr_encoder *encoder, int64_t now_ns)
{
	int64_t waited_ns = now_ns - encoder->submitted_ns;

	if (!encoder->is_busy || now_ns < encoder->deadline_ns)
		return false;
	if (wait_readable(encoder->socket, 0) == 0)
		return false; /* it is we who are late */
	if (waited_ns >= LATE_NS || encoder->rung.kind == TR_RUNG_SOFTWARE)
		return true;
	int64_t starved_ns = tr_starved_ns(&encoder->starved);
	if (encoder->has_grace && waited_ns - starved_ns >= gpu_late_ns(encoder))
		return true;
	/* The whole machine may have stood still, and we are the first who wake. */
	encoder->deadline_ns = encoder->submitted_ns + gpu_late_ns(encoder) + starved_ns;
	if (encoder->deadline_ns < now_ns + GRACE_NS)
		encoder->deadline_ns = now_ns + GRACE_NS;
	encoder->has_grace = true;
	return false;
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
		rc = keep_problem(encoder, &message);
	pass_words_on(encoder);
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
	int64_t work_us = message.packet.took_us - tr_starved_ns(&encoder->starved) / 1000;
	encoder->stats.work_us += work_us > 0 ? work_us : 0;
	if (message.packet.qp >= 0) {
		encoder->stats.qp_sum += message.packet.qp;
		encoder->stats.qp_count++;
	}
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
