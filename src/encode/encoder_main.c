/*
 * telerec-encoder: the process that drivers and encoders may take down. The slot starts it with a
 * socket at descriptor 3 and the shared memory at 4, and ends it by closing the socket.
 */
#define TR_LOG_AREA "encoder"
#include "core/clock.h"
#include "core/log.h"
#include "encode/avcc.h"
#include "encode/gpu.h"
#include "encode/probe_main.h"
#include "encode/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A message that came, with its descriptors: whatever nobody took is closed. */
struct question {
	struct tr_wire wire;
	int fds[TR_SURFACE_PLANES_MAX];
	unsigned fd_count;
};

struct encoder {
	const struct tr_video_ops *ops;
	struct tr_video *video;
	struct tr_video_settings settings;
	unsigned attached; /* bit mask of the surfaces' numbers */
	struct tr_wire_memory memory;
	char problem[TR_WIRE_PROBLEM_MAX];
};

static bool settings_are_sane(const struct tr_video_settings *s)
{
	return s->width >= 16 && s->width <= 8192 && s->width % 2 == 0 && s->height >= 16 &&
	       s->height <= 8192 && s->height % 2 == 0 && s->rate >= 1 && s->rate <= 120 &&
	       s->quality >= 1 && s->quality <= 51 && s->kbps >= 0;
}

static int open_rung(struct encoder *encoder, const struct tr_wire *request)
{
	const struct tr_video_settings *settings = &request->open.video;
	struct tr_rung rung = request->open.rung;
	struct tr_video_request open = {.settings = settings,
		.rung = &rung,
		.problem = encoder->problem,
		.problem_size = sizeof(encoder->problem)};

	if (encoder->video || !settings_are_sane(settings))
		return -EPROTO;
	encoder->settings = *settings;
	rung.device[sizeof(rung.device) - 1] = rung.driver[sizeof(rung.driver) - 1] = '\0';
	int rc = tr_wire_memory_map(
		TR_WIRE_MEMORY_FD, settings->width, settings->height, &encoder->memory);
	if (rc < 0)
		return tr_fail(rc, "cannot map the picture memory");
	rc = tr_gpu_load((enum tr_rung_kind)rung.kind, -1, encoder->problem,
		sizeof(encoder->problem), &encoder->ops);
	return rc < 0 ? rc : encoder->ops->open(&open, &encoder->video);
}

/* The sets that software will use if it has to go on with this track. */
static size_t join_software(
	const struct tr_video_settings *settings, const uint8_t *own, size_t own_size, uint8_t *out)
{
	struct tr_video_settings second = *settings;
	struct tr_rung rung = {.kind = TR_RUNG_SOFTWARE};
	struct tr_video_request open = {.settings = &second, .rung = &rung};
	struct tr_video *software = NULL;
	const uint8_t *sets;

	second.set_id = 1;
	if (tr_video_software.open(&open, &software) < 0)
		return 0;
	size_t size = tr_video_software.extradata(software, &sets);
	size = tr_avcc_join(own, own_size, sets, size, out, TR_VIDEO_EXTRADATA_MAX);
	tr_video_software.close(software);
	return size;
}

static int give_extradata(
	struct encoder *encoder, const struct tr_wire *request, struct tr_wire *answer)
{
	const uint8_t *own;
	uint8_t *out = answer->opened.extradata;
	size_t size = encoder->ops->extradata(encoder->video, &own);

	if (request->open.has_software)
		size = join_software(&request->open.video, own, size, out);
	else
		memcpy(out, own, size);
	answer->opened.extradata_size = (uint32_t)size;
	return size > 0 ? 0 : tr_fail(-EIO, "no header can hold these parameter sets");
}

static void answer_open(
	struct encoder *encoder, const struct tr_wire *request, struct tr_wire *answer)
{
	const struct tr_rung *rung = &request->open.rung;

	answer->type = TR_WIRE_OPENED;
	answer->rc = open_rung(encoder, request);
	if (answer->rc == 0)
		answer->rc = give_extradata(encoder, request, answer);
	snprintf(answer->opened.name, sizeof(answer->opened.name), "%.*s",
		(int)sizeof(rung->name) - 1,
		rung->name[0]  ? rung->name
		: encoder->ops ? encoder->ops->name
			       : "");
}

/* ---- surfaces ---- */

static int refuse(struct encoder *encoder, int rc, const char *why)
{
	if (!encoder->problem[0])
		snprintf(encoder->problem, sizeof(encoder->problem), "%s", why);
	return rc;
}

static bool is_attached(const struct encoder *encoder, int number)
{
	return number >= 1 && number <= TR_SURFACES_MAX && encoder->attached >> number & 1;
}

static int attach(struct encoder *encoder, const struct question *question)
{
	struct tr_surface surface = question->wire.attach.surface;
	int number = question->wire.attach.number;

	if (!encoder->video || number < 1 || number > TR_SURFACES_MAX ||
		question->fd_count != (unsigned)surface.plane_count)
		return -EPROTO;
	if (is_attached(encoder, number))
		return refuse(encoder, -EINVAL, "this surface is attached already");
	if (!encoder->ops->attach || !encoder->ops->convert)
		return refuse(encoder, -ENOTSUP, "this way to encode reads no surfaces");
	for (unsigned i = 0; i < question->fd_count; i++)
		surface.planes[i].fd = question->fds[i];
	int rc = tr_wire_surface_check(&surface, encoder->settings.width, encoder->settings.height);
	if (rc == -ENOTSUP)
		return refuse(encoder, rc, "the surface has a format that no encoder reads");
	if (rc < 0)
		return refuse(encoder, rc, "the surface is not as large as it says");
	rc = encoder->ops->attach(encoder->video, number, &surface);
	if (rc == 0)
		encoder->attached |= 1U << number;
	return rc;
}

static int convert(struct encoder *encoder, const struct question *question)
{
	int number = question->wire.attach.number;

	if (!is_attached(encoder, number))
		return refuse(encoder, -EINVAL, "no such surface is attached");
	return encoder->ops->convert(encoder->video, number, &encoder->memory.picture);
}

/* ---- pictures ---- */

static void answer_encode(
	struct encoder *encoder, const struct tr_wire *request, struct tr_wire *answer)
{
	struct tr_video_input input = {
		.picture = &encoder->memory.picture,
		.pts_ns = request->encode.pts_ns,
		.changed = request->encode.changed,
		.is_key = request->encode.is_key,
		.has_map = request->encode.has_map,
		.coarser = request->encode.coarser,
		.surface = request->encode.surface,
	};
	struct tr_video_output output = {
		.data = encoder->memory.packet,
		.room = encoder->memory.packet_room,
	};
	int64_t begin_ns = tr_clock_now_ns();

	answer->type = TR_WIRE_PACKET;
	if (!encoder->video || (input.surface > 0 && !is_attached(encoder, input.surface)))
		answer->rc = -EPROTO;
	else
		answer->rc = encoder->ops->encode(encoder->video, &input, &output);
	if (answer->rc == 0 && output.size == 0)
		answer->rc = -EIO; /* some drivers call an empty packet success */
	answer->packet.pts_ns = input.pts_ns;
	answer->packet.size = (uint32_t)output.size;
	answer->packet.is_key = output.is_key;
	answer->packet.qp = output.qp;
	answer->packet.took_us = (uint32_t)((tr_clock_now_ns() - begin_ns) / 1000);
}

static int answer_question(
	struct encoder *encoder, const struct question *question, struct tr_wire *answer)
{
	const struct tr_wire *request = &question->wire;

	memset(answer, 0, sizeof(*answer));
	encoder->problem[0] = '\0';
	switch (request->type) {
	case TR_WIRE_OPEN:
		answer_open(encoder, request, answer);
		break;
	case TR_WIRE_ENCODE:
		answer_encode(encoder, request, answer);
		break;
	case TR_WIRE_ATTACH:
		answer->type = TR_WIRE_ATTACHED;
		answer->rc = attach(encoder, question);
		break;
	case TR_WIRE_CONVERT:
		answer->type = TR_WIRE_CONVERTED;
		answer->rc = convert(encoder, question);
		break;
	default:
		return tr_fail(-EPROTO, "the slot sent message type %u", request->type);
	}
	memcpy(answer->problem, encoder->problem, sizeof(answer->problem));
	return 0;
}

static int serve(struct encoder *encoder)
{
	struct question question = {0};
	struct tr_wire answer;

	for (;;) {
		int rc = tr_wire_receive_fds(
			TR_WIRE_SOCKET_FD, 0, &question.wire, question.fds, &question.fd_count);
		if (rc == -EPIPE)
			return 0; /* the slot is done with us */
		if (rc < 0)
			return tr_fail(rc, "cannot read from the slot");
		rc = answer_question(encoder, &question, &answer);
		while (question.fd_count > 0)
			close(question.fds[--question.fd_count]);
		if (rc == 0)
			rc = tr_wire_send(TR_WIRE_SOCKET_FD, &answer);
		if (rc < 0)
			return rc == -EPIPE ? 0 : tr_fail(rc, "cannot answer the slot");
	}
}

int main(int argc, char **argv)
{
	struct encoder encoder = {0};

	if (argc == 2 && !strcmp(argv[1], "--version"))
		return printf("telerec-encoder %s\n", TR_VERSION) < 0;
	if (argc >= 2 && !strcmp(argv[1], "--probe"))
		return tr_probe_main_run(argc - 2, argv + 2);
	if (argc != 1) {
		fprintf(stderr,
			"telerec-encoder is started by telerec-slot; on its own it knows only "
			"--probe and --version\n");
		return 2;
	}
	prctl(PR_SET_DUMPABLE, 0); /* no core dumps with pictures of a meeting */
	int rc = serve(&encoder);
	if (encoder.video)
		encoder.ops->close(encoder.video);
	tr_wire_memory_unmap(&encoder.memory);
	return rc < 0;
}
