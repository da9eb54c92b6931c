/* The self-test of a rung: a known clip is encoded by the product's own code, decoded in software
 * and compared, as drivers are known to say yes and then give empty, green or old pictures. */
#include "encode/probe_gpu.h"

#include "core/clock.h"
#include "encode/probe_child.h"
#include "encode/wire.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <libavcodec/avcodec.h>

#define PSNR_MIN 25.0 /* dB; software has over 30 with these pictures */
#define PSNR_SAME 99.0
#define SPEED_PICTURES_MAX 64

/* Saturated colours (BT.709, limited range) as 100 % bars have them. */
static const uint8_t colours[][3] = {
	{235, 128, 128},
	{219, 16, 138},
	{188, 154, 16},
	{173, 42, 26},
	{78, 214, 230},
	{63, 102, 240},
	{32, 240, 118},
	{16, 128, 128},
};

struct tester {
	struct tr_probe_test *test;
	const struct tr_video_ops *ops;
	struct tr_video *video;
	struct tr_wire_memory memory;
	int memory_fd;
	AVCodecContext *decoder;
	AVFrame *frame;
	AVPacket *packet;
	char rung_problem[160];
};

/* Bars that move a few pixels a picture, and a block that jumps over them. */
static void paint(const struct tr_picture *picture, int number)
{
	int bar = picture->width / 8 > 16 ? picture->width / 8 : 16;
	int block_x = number * 37 % picture->width, block_y = number * 23 % picture->height;

	for (int y = 0; y < picture->height; y++) {
		uint8_t *luma = picture->y + (size_t)y * (size_t)picture->y_stride;
		uint8_t *chroma = picture->uv + (size_t)(y / 2) * (size_t)picture->uv_stride;
		for (int x = 0; x < picture->width; x++) {
			const uint8_t *c = colours[((x + y / 2 + 4 * number) / bar) % 8];
			/* on even edges, so that both planes agree about them */
			if ((x & ~1) >= block_x && (x & ~1) < block_x + 32 && (y & ~1) >= block_y &&
				(y & ~1) < block_y + 32)
				c = colours[number % 8];
			luma[x] = c[0];
			if (y % 2 == 0)
				chroma[x] = c[1 + x % 2];
		}
	}
}

static int fail(struct tester *tester, int rc, const char *problem)
{
	struct tr_probe_test *test = tester->test;

	if (!test->problem[0])
		snprintf(test->problem, sizeof(test->problem), "%s%s%s", problem,
			tester->rung_problem[0] ? ": " : "", tester->rung_problem);
	return rc;
}

static int open_rung(struct tester *tester, const struct tr_video_settings *settings)
{
	struct tr_video_request request = {
		.settings = settings,
		.rung = &tester->test->rung,
		.problem = tester->rung_problem,
		.problem_size = sizeof(tester->rung_problem),
	};

	tester->memory_fd = memfd_create("telerec-probe", MFD_CLOEXEC);
	tr_probe_child_say("opening the encoder");
	if (tester->memory_fd < 0)
		return -errno;
	if (ftruncate(tester->memory_fd,
		    (off_t)tr_wire_memory_size(settings->width, settings->height)) < 0)
		return -errno;
	int rc = tr_wire_memory_map(
		tester->memory_fd, settings->width, settings->height, &tester->memory);
	return rc < 0 ? rc : tester->ops->open(&request, &tester->video);
}

static void close_rung(struct tester *tester)
{
	if (tester->video)
		tester->ops->close(tr_take(tester->video));
	tr_wire_memory_unmap(&tester->memory);
	if (tester->memory_fd >= 0)
		close(tr_take_fd(&tester->memory_fd));
}

static int encode(struct tester *tester, int number, int rate, struct tr_video_output *output)
{
	const struct tr_picture *picture = &tester->memory.picture;
	struct tr_video_input input = {
		.picture = picture,
		.pts_ns = (int64_t)number * TR_NS_PER_S / rate,
		.changed = picture->map_width * picture->map_height,
		.is_key = number == 0,
	};

	if (!picture->changed)
		return -EINVAL;
	*output = (struct tr_video_output){
		.data = tester->memory.packet, .room = tester->memory.packet_room};
	memset(picture->changed, 1, (size_t)input.changed);
	tr_probe_child_say(number == 0 ? "encoding the first picture" : "encoding");
	return tester->ops->encode(tester->video, &input, output);
}

static int open_decoder(struct tester *tester)
{
	const uint8_t *extradata = NULL;
	size_t size = tester->ops->extradata(tester->video, &extradata);

	tester->test->has_headers = size > 7 && extradata[0] == 1;
	if (!tester->test->has_headers)
		return fail(tester, -EPROTO, "there are no parameter sets");
	tester->decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	tester->frame = av_frame_alloc();
	tester->packet = av_packet_alloc();
	if (!tester->decoder || !tester->frame || !tester->packet)
		return -ENOMEM;
	tester->decoder->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
	if (!tester->decoder->extradata)
		return -ENOMEM;
	memcpy(tester->decoder->extradata, extradata, size);
	tester->decoder->extradata_size = (int)size;
	tester->decoder->thread_count = 1;
	tester->decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
	tester->decoder->err_recognition = AV_EF_EXPLODE;
	if (avcodec_open2(tester->decoder, NULL, NULL) < 0)
		return fail(tester, -EPROTO, "the parameter sets cannot be read");
	return 0;
}

/* Of one plane; `step` 2 picks U or V out of NV12's pairs. */
static double compare(const uint8_t *a, int a_stride, int step, const uint8_t *b, int b_stride,
	int width, int height)
{
	double sum = 0;

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			int difference = a[(size_t)y * (size_t)a_stride + (size_t)(x * step)] -
					 b[(size_t)y * (size_t)b_stride + (size_t)x];
			sum += difference * difference;
		}
	double mean = sum / ((double)width * height);
	return mean > 0 ? fmin(10 * log10(255.0 * 255.0 / mean), PSNR_SAME) : PSNR_SAME;
}

static int compare_frame(struct tester *tester)
{
	struct tr_probe_test *test = tester->test;
	const struct tr_picture *picture = &tester->memory.picture;
	const AVFrame *frame = tester->frame;
	int width = picture->width, height = picture->height;

	if (frame->width != width || frame->height != height ||
		(frame->format != AV_PIX_FMT_YUV420P && frame->format != AV_PIX_FMT_YUVJ420P))
		return fail(tester, -EPROTO, "the pictures have another size or format");
	test->psnr_y = fmin(test->psnr_y, compare(picture->y, picture->y_stride, 1, frame->data[0],
						  frame->linesize[0], width, height));
	test->psnr_u =
		fmin(test->psnr_u, compare(picture->uv, picture->uv_stride, 2, frame->data[1],
					   frame->linesize[1], width / 2, height / 2));
	test->psnr_v =
		fmin(test->psnr_v, compare(picture->uv + 1, picture->uv_stride, 2, frame->data[2],
					   frame->linesize[2], width / 2, height / 2));
	return 0;
}

/* The picture is still in the memory; one goes in and one must come out. */
static int decode(struct tester *tester, const struct tr_video_output *output)
{
	av_packet_unref(tester->packet);
	if (av_new_packet(tester->packet, (int)output->size) < 0)
		return -ENOMEM;
	memcpy(tester->packet->data, output->data, output->size);
	if (avcodec_send_packet(tester->decoder, tester->packet) < 0 ||
		avcodec_receive_frame(tester->decoder, tester->frame) < 0)
		return fail(tester, -EPROTO, "what came out cannot be decoded");
	tester->test->decoded++;
	return compare_frame(tester);
}

static int judge(struct tester *tester)
{
	struct tr_probe_test *test = tester->test;

	if (test->decoded != test->pictures)
		return fail(tester, -EPROTO, "pictures got lost");
	if (test->psnr_y < PSNR_MIN)
		return fail(tester, -EPROTO, "the pictures are not those that went in");
	if (test->psnr_u < PSNR_MIN || test->psnr_v < PSNR_MIN)
		return fail(tester, -EPROTO, "the colours are not those that went in");
	return 0;
}

static int test_pictures(struct tester *tester)
{
	struct tr_probe_test *test = tester->test;
	struct tr_video_output output;

	test->psnr_y = test->psnr_u = test->psnr_v = PSNR_SAME;
	test->opened_rc = open_rung(tester, &test->settings);
	if (test->opened_rc < 0)
		return fail(tester, test->opened_rc, "it does not open");
	int rc = open_decoder(tester);
	for (int i = 0; rc == 0 && i < test->pictures; i++) {
		paint(&tester->memory.picture, i);
		rc = encode(tester, i, test->settings.rate, &output);
		if (rc < 0)
			return fail(tester, rc, "encoding fails");
		if (output.size == 0) {
			test->empty++;
			return fail(tester, -EIO, "the driver gives empty packets");
		}
		test->encoded++;
		rc = decode(tester, &output);
	}
	return rc < 0 ? fail(tester, rc, strerror(-rc)) : judge(tester);
}

/* Software's time is the processor's, whatever else runs now; a GPU's is what we wait for it. */
static int64_t get_time_ns(const struct tr_rung *rung)
{
	struct timespec now;

	if (rung->kind != TR_RUNG_SOFTWARE)
		return tr_clock_now_ns();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * TR_NS_PER_S + now.tv_nsec;
}

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Only what the rung takes is counted, not the painting; and the middle one of the times, as others
 * want the processor, too. */
static int test_speed(struct tester *tester)
{
	struct tr_probe_test *test = tester->test;
	struct tr_video_settings settings = test->settings;
	struct tr_video_output output;
	int64_t times[SPEED_PICTURES_MAX];
	int count = test->speed_pictures < SPEED_PICTURES_MAX ? test->speed_pictures
							      : SPEED_PICTURES_MAX;

	settings.width = test->speed_width;
	settings.height = test->speed_height;
	int rc = open_rung(tester, &settings);
	for (int i = 0; rc == 0 && i < count; i++) {
		paint(&tester->memory.picture, i);
		int64_t begin_ns = get_time_ns(&test->rung);
		rc = encode(tester, i, settings.rate, &output);
		if (rc == 0 && output.size == 0)
			rc = -EIO;
		times[i] = get_time_ns(&test->rung) - begin_ns;
	}
	if (rc < 0)
		return fail(tester, rc, "it fails at the size of its speed test");
	/* cppcheck-suppress uninitvar ; with rc 0 the loop has filled it */
	qsort(times, (size_t)count, sizeof(times[0]), compare_times);
	int64_t us = times[count / 2] / 1000;
	test->us_per_picture = us > 0 ? us : 1;
	return 0;
}

int tr_probe_test_run(const struct tr_video_ops *ops, struct tr_probe_test *test)
{
	struct tester tester = {.test = test, .ops = ops, .memory_fd = -1};

	int rc = test_pictures(&tester);
	close_rung(&tester);
	avcodec_free_context(&tester.decoder);
	av_frame_free(&tester.frame);
	av_packet_free(&tester.packet);
	if (rc == 0 && test->speed_pictures > 0) {
		rc = test_speed(&tester);
		close_rung(&tester);
	}
	return rc;
}
