/* The real encoder process, killed and stopped; what it makes is decoded by FFmpeg's decoder. */
#include "test.h"

#include "core/clock.h"
#include "encode/encoder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#define WIDTH 320
#define HEIGHT 180

static struct tr_encoder *encoder;
static char program[512];

static int create(void **state)
{
	snprintf(program, sizeof(program), "%s/telerec-encoder", getenv("TR_BUILD_DIR"));
	struct tr_encoder_settings settings = {.program = program,
		.video = {.width = WIDTH, .height = HEIGHT, .rate = 30, .quality = 20}};
	return tr_encoder_create(&settings, &encoder) || tr_encoder_start(encoder);
}

static int destroy(void **state)
{
	tr_encoder_destroy(encoder);
	encoder = NULL;
	return 0;
}

static void paint(int shift)
{
	struct tr_picture *picture = tr_encoder_picture(encoder);
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			picture->y[y * picture->y_stride + x] =
				(uint8_t)(16 + (x + y + shift) % 200);
	memset(picture->uv, 128, (size_t)picture->uv_stride * HEIGHT / 2);
}

static struct tr_packet *wait_packet(int *ret_rc)
{
	struct tr_packet *packet = NULL;
	struct pollfd poll_fd = {.fd = tr_encoder_fd(encoder), .events = POLLIN};
	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
	*ret_rc = tr_encoder_receive(encoder, &packet);
	return packet;
}

static struct tr_packet *encode(int64_t pts_ns, bool is_key, bool has_map, int changed)
{
	int rc;
	assert_int_equal(tr_encoder_submit(encoder, pts_ns, is_key, has_map, changed), 0);
	struct tr_packet *packet = wait_packet(&rc);
	assert_int_equal(rc, 0);
	assert_non_null(packet);
	assert_int_equal(packet->pts_ns, pts_ns);
	return packet;
}

static AVCodecContext *open_decoder(void)
{
	const uint8_t *extradata;
	AVCodecContext *decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	size_t size = tr_encoder_extradata(encoder, &extradata);

	decoder->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
	memcpy(decoder->extradata, extradata, size);
	decoder->extradata_size = (int)size;
	decoder->thread_count = 1;
	decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
	decoder->err_recognition = AV_EF_EXPLODE;
	assert_int_equal(avcodec_open2(decoder, NULL, NULL), 0);
	return decoder;
}

static void decode(AVCodecContext *decoder, struct tr_packet *packet, AVFrame *frame)
{
	AVPacket *av = av_packet_alloc();
	av->data = packet->data;
	av->size = (int)packet->size;
	av->pts = packet->pts_ns;
	assert_int_equal(avcodec_send_packet(decoder, av), 0);
	assert_int_equal(avcodec_receive_frame(decoder, frame), 0);
	av_packet_free(&av);
	tr_packet_unref(packet);
}

static void assert_shows(const AVFrame *frame, int shift)
{
	double error = 0;
	for (int y = 0; y < HEIGHT; y++)
		for (int x = 0; x < WIDTH; x++)
			error += abs(frame->data[0][y * frame->linesize[0] + x] -
				     (16 + (x + y + shift) % 200));
	assert_true(error / (WIDTH * HEIGHT) < 6);
	assert_int_equal(frame->colorspace, AVCOL_SPC_BT709);
	assert_int_equal(frame->color_range, AVCOL_RANGE_MPEG);
}

static void coarser_pictures_are_smaller_and_decode(void **state)
{
	AVCodecContext *decoder = open_decoder();
	AVFrame *frame = av_frame_alloc();

	paint(0);
	struct tr_packet *fine = encode(0, true, false, 0);
	int64_t fine_qp = tr_encoder_stats(encoder)->qp_sum;
	size_t fine_size = fine->size;
	decode(decoder, fine, frame);
	tr_encoder_set_coarser(encoder, 12);
	struct tr_packet *coarse = encode(TR_NS_PER_S, true, false, 0);
	assert_int_equal(tr_encoder_stats(encoder)->qp_sum - fine_qp, fine_qp + 12);
	assert_true(coarse->size < fine_size);
	decode(decoder, coarse, frame);
	av_frame_free(&frame);
	avcodec_free_context(&decoder);
}

static void every_picture_gives_one_packet_that_decodes_to_it(void **state)
{
	AVCodecContext *decoder = open_decoder();
	AVFrame *frame = av_frame_alloc();

	for (int i = 0; i < 10; i++) {
		paint(i * 3);
		struct tr_packet *packet = encode(i * 33000000, i == 0, false, 240);
		assert_int_equal(packet->is_key, i == 0);
		decode(decoder, packet, frame);
		assert_shows(frame, i * 3);
	}
	av_frame_free(&frame);
	avcodec_free_context(&decoder);
}

static void a_picture_without_change_is_a_few_bytes_and_looks_the_same(void **state)
{
	AVCodecContext *decoder = open_decoder();
	AVFrame *frame = av_frame_alloc();

	paint(0);
	decode(decoder, encode(0, true, false, 0), frame);
	for (int i = 1; i < 4; i++) {
		struct tr_packet *packet = encode(i, false, true, 0);
		assert_true(packet->size < 100);
		decode(decoder, packet, frame);
		assert_shows(frame, 0);
	}
	av_frame_free(&frame);
	avcodec_free_context(&decoder);
}

static void the_track_goes_on_after_the_process_was_killed(void **state)
{
	AVCodecContext *decoder = open_decoder();
	AVFrame *frame = av_frame_alloc();
	int rc;

	paint(0);
	decode(decoder, encode(0, true, false, 0), frame);
	assert_int_equal(kill(tr_encoder_pid(encoder), SIGKILL), 0);
	rc = tr_encoder_submit(encoder, 1, false, true, 0);
	if (rc == 0)
		assert_null(wait_packet(&rc));
	assert_int_equal(rc, -EPIPE);
	assert_int_equal(tr_encoder_start(encoder), 0);
	assert_int_equal(tr_encoder_stats(encoder)->starts, 2);
	decode(decoder, encode(2, true, false, 0), frame); /* the same decoder, the same header */
	assert_shows(frame, 0);
	av_frame_free(&frame);
	avcodec_free_context(&decoder);
}

static void a_stopped_process_can_be_replaced(void **state)
{
	assert_int_equal(kill(tr_encoder_pid(encoder), SIGSTOP), 0);
	paint(0);
	assert_int_equal(tr_encoder_submit(encoder, 0, true, false, 0), 0);
	assert_true(tr_encoder_is_busy(encoder));
	assert_int_equal(tr_encoder_start(encoder), 0);
	assert_false(tr_encoder_is_busy(encoder));
	tr_packet_unref(encode(1, true, false, 0));
}

static void a_missing_program_is_said(void **state)
{
	struct tr_encoder *none = NULL;
	struct tr_encoder_settings settings = {.program = "/nonexistent/telerec-encoder",
		.video = {.width = WIDTH, .height = HEIGHT, .rate = 30, .quality = 20}};
	assert_int_equal(tr_encoder_create(&settings, &none), 0);
	assert_int_equal(tr_encoder_start(none), -ENOENT);
	tr_encoder_destroy(none);
}

static void settings_that_no_encoder_takes_are_refused_by_the_process(void **state)
{
	struct tr_encoder *odd = NULL;
	struct tr_encoder_settings settings = {
		.program = program, .video = {.width = 8, .height = 8, .rate = 30, .quality = 20}};
	assert_int_equal(tr_encoder_create(&settings, &odd), 0);
	assert_true(tr_encoder_start(odd) < 0);
	tr_encoder_destroy(odd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			coarser_pictures_are_smaller_and_decode, create, destroy),
		cmocka_unit_test_setup_teardown(
			every_picture_gives_one_packet_that_decodes_to_it, create, destroy),
		cmocka_unit_test_setup_teardown(
			a_picture_without_change_is_a_few_bytes_and_looks_the_same, create,
			destroy),
		cmocka_unit_test_setup_teardown(
			the_track_goes_on_after_the_process_was_killed, create, destroy),
		cmocka_unit_test_setup_teardown(a_stopped_process_can_be_replaced, create, destroy),
		cmocka_unit_test(a_missing_program_is_said),
		cmocka_unit_test_setup_teardown(
			settings_that_no_encoder_takes_are_refused_by_the_process, create, destroy),
	};
	return cmocka_run_group_tests_name("encoder", tests, NULL, NULL);
}
