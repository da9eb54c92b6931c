/*
 * telerec-encoder: the process that drivers and encoders may take down. The slot starts it with a
 * socket at descriptor 3 and the shared memory at 4, and ends it by closing the socket.
 */
#define TR_LOG_AREA "encoder"
#include "core/clock.h"
#include "core/log.h"
#include "encode/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static const struct tr_video_ops *const rungs[] = {&tr_video_software};

struct encoder {
	const struct tr_video_ops *ops;
	struct tr_video *video;
	struct tr_wire_memory memory;
};

static bool settings_are_sane(const struct tr_video_settings *s)
{
	return s->width >= 16 && s->width <= 8192 && s->width % 2 == 0 && s->height >= 16 &&
	       s->height <= 8192 && s->height % 2 == 0 && s->rate >= 1 && s->rate <= 120 &&
	       s->quality >= 1 && s->quality <= 51 && s->kbps >= 0;
}

static int open_rung(struct encoder *encoder, const struct tr_video_settings *settings)
{
	if (encoder->video || !settings_are_sane(settings))
		return -EPROTO;
	int rc = tr_wire_memory_map(
		TR_WIRE_MEMORY_FD, settings->width, settings->height, &encoder->memory);
	if (rc < 0)
		return tr_fail(rc, "cannot map the picture memory");
	for (size_t i = 0; i < TR_COUNT(rungs); i++) {
		encoder->ops = rungs[i];
		rc = rungs[i]->open(settings, &encoder->video);
		if (rc == 0)
			return 0;
	}
	return rc;
}

static void answer_open(
	struct encoder *encoder, const struct tr_wire *request, struct tr_wire *answer)
{
	const uint8_t *extradata;

	answer->type = TR_WIRE_OPENED;
	answer->rc = open_rung(encoder, &request->open);
	if (answer->rc < 0)
		return;
	snprintf(answer->opened.name, sizeof(answer->opened.name), "%s", encoder->ops->name);
	size_t size = encoder->ops->extradata(encoder->video, &extradata);
	answer->opened.extradata_size = (uint32_t)size;
	memcpy(answer->opened.extradata, extradata, size);
}

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
	};
	struct tr_video_output output = {
		.data = encoder->memory.packet,
		.room = encoder->memory.packet_room,
	};
	int64_t begin_ns = tr_clock_now_ns();

	answer->type = TR_WIRE_PACKET;
	answer->rc =
		encoder->video ? encoder->ops->encode(encoder->video, &input, &output) : -EPROTO;
	if (answer->rc == 0 && output.size == 0)
		answer->rc = -EIO; /* some drivers call an empty packet success */
	answer->packet.pts_ns = input.pts_ns;
	answer->packet.size = (uint32_t)output.size;
	answer->packet.is_key = output.is_key;
	answer->packet.qp = output.qp;
	answer->packet.took_us = (uint32_t)((tr_clock_now_ns() - begin_ns) / 1000);
}

static int serve(struct encoder *encoder)
{
	struct tr_wire request, answer;

	for (;;) {
		int rc = tr_wire_receive(TR_WIRE_SOCKET_FD, 0, &request);
		if (rc == -EPIPE)
			return 0; /* the slot is done with us */
		if (rc < 0)
			return tr_fail(rc, "cannot read from the slot");
		memset(&answer, 0, sizeof(answer));
		if (request.type == TR_WIRE_OPEN)
			answer_open(encoder, &request, &answer);
		else if (request.type == TR_WIRE_ENCODE)
			answer_encode(encoder, &request, &answer);
		else
			return tr_fail(-EPROTO, "the slot sent message type %u", request.type);
		rc = tr_wire_send(TR_WIRE_SOCKET_FD, &answer);
		if (rc < 0)
			return rc == -EPIPE ? 0 : tr_fail(rc, "cannot answer the slot");
	}
}

/* One JSON line a rung: what `telerec probe` shows. */
static int probe(void)
{
	struct tr_video_settings settings = {
		.width = 1280, .height = 720, .rate = 30, .quality = 25};
	int rc = -ENODEV;

	for (size_t i = 0; i < TR_COUNT(rungs); i++) {
		struct tr_video *video = NULL;
		rc = rungs[i]->open(&settings, &video);
		printf("{\"encoder\": \"%s\", \"works\": %s}\n", rungs[i]->name,
			rc == 0 ? "true" : "false");
		rungs[i]->close(video);
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct encoder encoder = {0};

	if (argc == 2 && !strcmp(argv[1], "--version"))
		return printf("telerec-encoder %s\n", TR_VERSION) < 0;
	if (argc == 2 && !strcmp(argv[1], "--probe"))
		return probe() < 0;
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
