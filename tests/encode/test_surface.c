/* The zero-copy road with the real encoder process, libva and FFmpeg: memory that somebody else
 * has drawn (memfds here) is converted as the processor would, encoded, and let go. */
#include "test.h"

#include "core/clock.h"
#include "encode/encoder.h"
#include "encode/screen.h"
#include "encode/wire.h"
#include "peers/gpu/world.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <libavcodec/avcodec.h>

#define NODE "/dev/dri/renderD128"
#define ARGB 0x34325241u
#define NV12 0x3231564eu
#define TILED 0x0100000000000001ull /* Intel's X tiling; the next is compressed */
#define CCS 0x0100000000000004ull
#define PATIENCE_MS 60000

/* ---- the process ---- */

static struct tr_encoder *start(const char *words, int width, int height)
{
	static char program[512]; /* is kept */
	struct tr_encoder *encoder = NULL;
	struct tr_rung rung = {.kind = TR_RUNG_VAAPI,
		.rate = TR_RUNG_RATE_VBR,
		.profile = 100,
		.device = NODE,
		.name = "h264_vaapi"};

	tr_world_words(words);
	snprintf(program, sizeof(program), "%s/telerec-encoder", getenv("TR_BUILD_DIR"));
	struct tr_encoder_settings settings = {.program = program,
		.video = {.width = width, .height = height, .rate = 30, .quality = 25}};
	assert_int_equal(tr_encoder_create(&settings, &encoder), 0);
	tr_encoder_set_rung(encoder, &rung, 0, true);
	int rc = tr_encoder_start_within(encoder, 10000);
	if (rc < 0)
		print_error("%s\n", tr_encoder_explain(encoder, rc));
	assert_int_equal(rc, 0);
	return encoder;
}

static struct tr_packet *wait_packet(struct tr_encoder *encoder)
{
	struct tr_packet *packet = NULL;
	struct pollfd poll_fd = {.fd = tr_encoder_fd(encoder), .events = POLLIN};

	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
	assert_int_equal(tr_encoder_receive(encoder, &packet), 0);
	return packet;
}

/* Lets the process end by itself, so that the driver can say what was left. */
static void finish(struct tr_encoder *encoder)
{
	struct pollfd poll_fd = {.fd = tr_encoder_fd(encoder), .events = POLLIN};

	assert_int_equal(shutdown(poll_fd.fd, SHUT_WR), 0);
	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
	tr_encoder_destroy(encoder);
	/* FFmpeg 7.1's encoder itself loses pictures when it is closed. */
	assert_true(avcodec_version() >> 16 > 59 || tr_world_logged("terminate leaks=0"));
}

/* -1: only root may look into the encoder's process. */
static int count_fds(pid_t pid)
{
	char path[64];
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void encode_a_picture(struct tr_encoder *encoder)
{
	struct tr_picture *picture = tr_encoder_picture(encoder);

	memset(picture->y, 100, (size_t)picture->y_stride * (size_t)picture->height);
	memset(picture->uv, 128, (size_t)picture->uv_stride * (size_t)picture->height / 2);
	assert_int_equal(tr_encoder_submit(encoder, 0, true, false, 1), 0);
	struct tr_packet *packet = wait_packet(encoder);
	assert_true(packet->is_key);
	tr_packet_unref(packet);
}

/* ---- colours ---- */

static void the_device_makes_of_a_surface_what_the_processor_makes(void **state)
{
	static const struct {
		const char *words;
		int width, height;
		uint32_t pitch, offset, fourcc;
		uint64_t modifier;
	} rows[] = {
		{"personality=intel-new", 1280, 720, 5120, 0, SCREEN_XRGB, SCREEN_LINEAR},
		{"personality=intel-new", 1366, 768, 5464, 0, SCREEN_XRGB, SCREEN_LINEAR},
		{"personality=intel-new", 1366, 768, 5500, 4096, SCREEN_XRGB, SCREEN_LINEAR},
		{"personality=intel-new", 318, 180, 1280, 0, ARGB, SCREEN_LINEAR},
		{"personality=intel-new", 318, 180, 1280, 0, SCREEN_XRGB,
			TR_SURFACE_MODIFIER_UNKNOWN},
		{"personality=intel-new,no-background", 318, 180, 1272, 0, SCREEN_XRGB,
			SCREEN_LINEAR},
		{"personality=intel-new,no-prime2", 318, 180, 1272, 0, SCREEN_XRGB, SCREEN_LINEAR},
		{"personality=intel-new,lazy", 318, 180, 1272, 0, SCREEN_XRGB, SCREEN_LINEAR},
		{"personality=intel-new,no-derive", 318, 180, 1272, 0, SCREEN_XRGB, SCREEN_LINEAR},
		{"personality=intel-old", 318, 180, 1272, 0, SCREEN_XRGB, SCREEN_LINEAR},
		{"personality=amd", 318, 180, 1272, 0, SCREEN_XRGB, SCREEN_LINEAR},
	};

	for (size_t i = 0; i < TR_COUNT(rows); i++) {
		struct tr_encoder *encoder = start(rows[i].words, rows[i].width, rows[i].height);
		struct tr_picture expected = screen_picture(rows[i].width, rows[i].height);
		struct screen screen =
			screen_make(rows[i].width, rows[i].height, rows[i].pitch, rows[i].offset);
		screen.surface.fourcc = rows[i].fourcc;
		screen.surface.modifier = rows[i].modifier;
		screen_paint(&screen, (int)i);
		screen_convert(&screen, &expected);
		int rc = tr_encoder_attach(encoder, 2, &screen.surface);
		if (rc == 0)
			rc = tr_encoder_convert(encoder, 2);
		if (rc < 0)
			print_error("%s: %s\n", rows[i].words, tr_encoder_explain(encoder, rc));
		assert_int_equal(rc, 0);
		assert_in_range(screen_compare(&expected, tr_encoder_picture(encoder)), 0, 1);
		encode_a_picture(encoder); /* pictures go on as ever beside it */
		finish(encoder);
		screen_free(&screen);
		screen_picture_free(&expected);
	}
}

static void wrong_colours_are_seen_by_the_comparison(void **state)
{
	struct tr_encoder *encoder = start("personality=intel-new,fault=colours", 318, 180);
	struct tr_picture expected = screen_picture(318, 180);
	struct screen screen = screen_make(318, 180, 1272, 0);
	screen_paint(&screen, 0);
	screen_convert(&screen, &expected);
	assert_int_equal(tr_encoder_attach(encoder, 1, &screen.surface), 0);
	assert_int_equal(tr_encoder_convert(encoder, 1), 0);
	assert_true(screen_compare(&expected, tr_encoder_picture(encoder)) > 1);
	tr_encoder_destroy(encoder);
	screen_free(&screen);
	screen_picture_free(&expected);
}

/* ---- encoding ---- */

static AVCodecContext *open_decoder(struct tr_encoder *encoder)
{
	AVCodecContext *decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	const uint8_t *extradata;
	size_t size = tr_encoder_extradata(encoder, &extradata);

	assert_non_null(decoder);
	decoder->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
	memcpy(decoder->extradata, extradata, size);
	decoder->extradata_size = (int)size;
	decoder->thread_count = 1;
	decoder->apply_cropping = 0; /* what lies around the picture is looked at, too */
	decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
	assert_int_equal(avcodec_open2(decoder, NULL, NULL), 0);
	return decoder;
}

static void decode(AVCodecContext *decoder, const struct tr_packet *from, AVFrame *frame)
{
	AVPacket *packet = av_packet_alloc();

	assert_int_equal(av_new_packet(packet, (int)from->size), 0);
	memcpy(packet->data, from->data, from->size);
	assert_int_equal(avcodec_send_packet(decoder, packet), 0);
	assert_int_equal(avcodec_receive_frame(decoder, frame), 0);
	av_packet_free(&packet);
}

static void assert_equals(const AVFrame *frame, const struct tr_picture *picture)
{
	int width = picture->width, height = picture->height;

	assert_int_equal(screen_compare_rows(frame->data[0], frame->linesize[0], picture->y,
				 picture->y_stride, width, height),
		0);
	for (int y = 0; y < height / 2; y++)
		for (int x = 0; x < width; x++)
			assert_int_equal(frame->data[1 + x % 2][y * frame->linesize[1] + x / 2],
				picture->uv[y * picture->uv_stride + x]);
}

/* Zeroes are green. */
static void assert_black_around(const AVFrame *frame, int width, int height)
{
	int full_width = (width + 15) / 16 * 16, full_height = (height + 15) / 16 * 16;

	for (int y = 0; y < full_height; y++)
		for (int x = y < height ? width : 0; x < full_width; x++) {
			assert_int_equal(frame->data[0][y * frame->linesize[0] + x], 16);
			assert_int_equal(frame->data[1][y / 2 * frame->linesize[1] + x / 2], 128);
			assert_int_equal(frame->data[2][y / 2 * frame->linesize[2] + x / 2], 128);
		}
}

/* The pictures go round over the surfaces, as the display gives them. */
static void encode_surfaces(const char *words, int width, int height, int pictures)
{
	struct tr_encoder *encoder = start(words, width, height);
	struct screen screens[TR_SURFACES_MAX];
	AVFrame *frame = av_frame_alloc();
	AVCodecContext *decoder = open_decoder(encoder);

	for (int i = 0; i < TR_SURFACES_MAX; i++) {
		screens[i] = screen_make(width, height, (uint32_t)width * 4 + 64, 0);
		assert_int_equal(tr_encoder_attach(encoder, i + 1, &screens[i].surface), 0);
	}
	for (int i = 0; i < pictures; i++) {
		int number = i % TR_SURFACES_MAX;
		tr_encoder_set_coarser(encoder, i < 4 ? 0 : 12);
		screen_paint(&screens[number], i);
		assert_int_equal(tr_encoder_convert(encoder, number + 1), 0);
		assert_int_equal(tr_encoder_submit_surface(
					 encoder, number + 1, i, i % 5 == 0, width * height / 256),
			0);
		struct tr_packet *packet = wait_packet(encoder);
		assert_int_equal(packet->pts_ns, i);
		assert_int_equal(packet->is_key, i % 5 == 0);
		decode(decoder, packet, frame);
		assert_equals(frame, tr_encoder_picture(encoder));
		assert_black_around(frame, width, height);
		tr_packet_unref(packet);
	}
	avcodec_free_context(&decoder);
	av_frame_free(&frame);
	finish(encoder);
	for (int i = 0; i < TR_SURFACES_MAX; i++)
		screen_free(&screens[i]);
}

static void what_is_encoded_of_surfaces_is_what_was_converted(void **state)
{
	encode_surfaces("personality=intel-new", 1280, 720, 6);
	encode_surfaces("personality=intel-new", 1366, 768, 4);
	encode_surfaces("personality=intel-new,lazy,no-background", 318, 180, 12);
	encode_surfaces("personality=intel-old", 318, 180, 7);
	encode_surfaces("personality=amd", 318, 180, 7);
}

static void surfaces_and_pictures_may_take_turns(void **state)
{
	struct tr_encoder *encoder = start("personality=intel-new", 318, 180);
	struct screen screen = screen_make(318, 180, 1272, 0);

	assert_int_equal(tr_encoder_attach(encoder, 1, &screen.surface), 0);
	for (int i = 0; i < 4; i++) {
		encode_a_picture(encoder);
		assert_int_equal(tr_encoder_submit_surface(encoder, 1, 0, false, 10), 0);
		tr_packet_unref(wait_packet(encoder));
	}
	tr_encoder_destroy(encoder);
	screen_free(&screen);
}

/* ---- what is refused ---- */

static void a_device_that_cannot_says_so_and_gets_pictures(void **state)
{
	static const struct {
		const char *words, *said;
		uint64_t modifier;
	} rows[] = {
		{"personality=lp-only", "no converter (VPP)", SCREEN_LINEAR},
		{"personality=intel-new,no-vpp", "no converter (VPP)", SCREEN_LINEAR},
		{"personality=intel-new,no-rgb", "reads no RGB", SCREEN_LINEAR},
		{"personality=intel-new,fault=import", "does not import", SCREEN_LINEAR},
		{"personality=amd,pitch=256", "does not import", SCREEN_LINEAR},
		{"personality=intel-new", "does not import", TILED},
		{"personality=intel-new", "does not import", CCS},
		{"personality=intel-old", "does not import", TILED},
	};

	for (size_t i = 0; i < TR_COUNT(rows); i++) {
		struct tr_encoder *encoder = start(rows[i].words, 318, 180);
		struct screen screen = screen_make(318, 180, 1272, 0);
		screen.surface.modifier = rows[i].modifier;
		assert_int_equal(tr_encoder_attach(encoder, 1, &screen.surface), -ENOTSUP);
		const char *said = tr_encoder_explain(encoder, -ENOTSUP);
		if (!strstr(said, rows[i].said))
			print_error("%s: %s\n", rows[i].words, said);
		assert_non_null(strstr(said, rows[i].said));
		encode_a_picture(encoder);
		finish(encoder);
		screen_free(&screen);
	}
}

static void software_reads_no_surfaces(void **state)
{
	struct tr_encoder *encoder = start("", 318, 180);
	struct tr_rung rung = {.kind = TR_RUNG_SOFTWARE};
	struct screen screen = screen_make(318, 180, 1272, 0);

	tr_encoder_set_rung(encoder, &rung, 0, false);
	assert_int_equal(tr_encoder_start(encoder), 0);
	assert_int_equal(tr_encoder_attach(encoder, 1, &screen.surface), -ENOTSUP);
	assert_string_equal(
		tr_encoder_explain(encoder, -ENOTSUP), "this way to encode reads no surfaces");
	encode_a_picture(encoder);
	tr_encoder_destroy(encoder);
	screen_free(&screen);
}

static void a_surface_that_is_not_what_it_says_is_refused(void **state)
{
	struct tr_encoder *encoder = start("personality=intel-new", 318, 180);
	struct screen screen = screen_make(318, 180, 1272, 0);
	struct tr_surface good = screen.surface, bad[8];

	for (size_t i = 0; i < TR_COUNT(bad); i++)
		bad[i] = good;
	bad[0].width = 320;
	bad[1].height = 2;
	bad[2].planes[0].pitch = 1271;
	bad[3].planes[0].pitch = 1276; /* the last row lies outside */
	bad[4].planes[0].offset = 4;
	bad[5].planes[0].pitch = 0xfffffffcu;
	bad[6].plane_count = 0;
	bad[7].plane_count = TR_SURFACE_PLANES_MAX + 1;
	int before = count_fds(tr_encoder_pid(encoder));
	for (size_t i = 0; i < TR_COUNT(bad); i++)
		assert_int_equal(tr_encoder_attach(encoder, 1, &bad[i]), -EINVAL);
	bad[0] = bad[1] = good;
	bad[0].fourcc = NV12;
	bad[1].plane_count = 2;
	bad[1].planes[1] = good.planes[0];
	assert_int_equal(tr_encoder_attach(encoder, 1, &bad[0]), -ENOTSUP);
	assert_int_equal(tr_encoder_attach(encoder, 1, &bad[1]), -ENOTSUP);
	assert_non_null(strstr(tr_encoder_explain(encoder, -ENOTSUP), "compressed"));
	assert_int_equal(tr_encoder_attach(encoder, 0, &good), -EINVAL);
	assert_int_equal(tr_encoder_attach(encoder, TR_SURFACES_MAX + 1, &good), -EINVAL);
	assert_int_equal(tr_encoder_convert(encoder, 1), -EINVAL);
	assert_int_equal(count_fds(tr_encoder_pid(encoder)), before);
	assert_int_equal(tr_encoder_attach(encoder, 1, &good), 0);
	assert_int_equal(tr_encoder_attach(encoder, 1, &good), -EINVAL);
	encode_a_picture(encoder);
	tr_encoder_destroy(encoder);
	screen_free(&screen);
}

static void a_conversion_that_fails_is_the_pictures_failure(void **state)
{
	struct tr_encoder *encoder = start("personality=intel-new,fault=vpp:24@2", 318, 180);
	struct screen screen = screen_make(318, 180, 1272, 0);
	struct tr_packet *packet;
	struct pollfd poll_fd = {.fd = tr_encoder_fd(encoder), .events = POLLIN};

	assert_int_equal(tr_encoder_attach(encoder, 1, &screen.surface), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tr_encoder_submit_surface(encoder, 1, i, i == 0, 10), 0);
		tr_packet_unref(wait_packet(encoder));
	}
	assert_int_equal(tr_encoder_submit_surface(encoder, 1, 2, false, 10), 0);
	assert_int_equal(poll(&poll_fd, 1, PATIENCE_MS), 1);
	assert_int_equal(tr_encoder_receive(encoder, &packet), -EIO);
	assert_non_null(strstr(tr_encoder_explain(encoder, -EIO), "24"));
	tr_encoder_destroy(encoder);
	screen_free(&screen);
}

/* ---- descriptors ---- */

static void five_hundred_pictures_leave_no_descriptor_behind(void **state)
{
	struct tr_encoder *encoder = start("personality=intel-new", 318, 180);
	struct screen screens[TR_SURFACES_MAX];
	int ours = 0, theirs = 0;

	for (int i = 0; i < TR_SURFACES_MAX; i++) {
		screens[i] = screen_make(318, 180, 1272, 0);
		assert_int_equal(tr_encoder_attach(encoder, i + 1, &screens[i].surface), 0);
	}
	for (int i = 0; i < 510; i++) {
		if (i == 10) { /* the driver's own have been made */
			ours = count_fds(getpid());
			theirs = count_fds(tr_encoder_pid(encoder));
		}
		int number = i % TR_SURFACES_MAX;
		screens[number].pixels[4 * i] = (uint8_t)i;
		assert_int_equal(tr_encoder_submit_surface(encoder, number + 1, i, i == 0, 1), 0);
		tr_packet_unref(wait_packet(encoder));
	}
	assert_int_equal(count_fds(getpid()), ours);
	assert_int_equal(count_fds(tr_encoder_pid(encoder)), theirs);
	finish(encoder);
	for (int i = 0; i < TR_SURFACES_MAX; i++)
		screen_free(&screens[i]);
}

static void starting_again_takes_surfaces_again_and_leaves_none_open(void **state)
{
	struct tr_encoder *encoder = start("personality=intel-new", 318, 180);
	struct screen screen = screen_make(318, 180, 1272, 0);
	int before = count_fds(getpid());

	for (int i = 0; i < 3; i++) {
		assert_int_equal(tr_encoder_attach(encoder, 3, &screen.surface), 0);
		assert_int_equal(tr_encoder_submit_surface(encoder, 3, 0, true, 10), 0);
		kill(tr_encoder_pid(encoder), SIGKILL); /* whatever it is doing with it */
		assert_int_equal(tr_encoder_start_within(encoder, 10000), 0);
		assert_int_equal(count_fds(getpid()), before);
	}
	encode_a_picture(encoder);
	tr_encoder_destroy(encoder);
	screen_free(&screen);
}

static void send_fds(int socket, unsigned count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(16 * sizeof(int))];
	} control = {0};
	struct tr_wire message = {.type = TR_WIRE_ATTACH};
	struct iovec part = {&message, sizeof(message)};
	struct msghdr header = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int))};
	int fds[16];

	for (unsigned i = 0; i < count; i++)
		fds[i] = socket;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	assert_int_equal(sendmsg(socket, &header, 0), sizeof(message));
}

static void descriptors_are_counted_and_closed_on_exec(void **state)
{
	int pair[2], fds[TR_SURFACE_PLANES_MAX];
	struct tr_wire message;
	unsigned count;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	int before = count_fds(getpid());
	send_fds(pair[0], 2);
	assert_int_equal(tr_wire_receive_fds(pair[1], 0, &message, fds, &count), 0);
	assert_int_equal(count, 2);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
	send_fds(pair[0], TR_SURFACE_PLANES_MAX + 5); /* more than there is room for */
	assert_int_equal(tr_wire_receive_fds(pair[1], 0, &message, fds, &count), -EPROTO);
	assert_int_equal(count, 0);
	send_fds(pair[0], 3); /* to one who wants none */
	assert_int_equal(tr_wire_receive(pair[1], 0, &message), 0);
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(tr_wire_receive_fds(pair[1], 0, &message, fds, &count), -EPROTO);
	assert_int_equal(tr_wire_send_fds(pair[0], &message, fds, 5), -EINVAL);
	close(pair[0]);
	assert_int_equal(tr_wire_receive_fds(pair[1], 0, &message, fds, &count), -EPIPE);
	assert_int_equal(count_fds(getpid()), before - 1);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_device_makes_of_a_surface_what_the_processor_makes),
		cmocka_unit_test(wrong_colours_are_seen_by_the_comparison),
		cmocka_unit_test(what_is_encoded_of_surfaces_is_what_was_converted),
		cmocka_unit_test(surfaces_and_pictures_may_take_turns),
		cmocka_unit_test(a_device_that_cannot_says_so_and_gets_pictures),
		cmocka_unit_test(software_reads_no_surfaces),
		cmocka_unit_test(a_surface_that_is_not_what_it_says_is_refused),
		cmocka_unit_test(a_conversion_that_fails_is_the_pictures_failure),
		cmocka_unit_test(five_hundred_pictures_leave_no_descriptor_behind),
		cmocka_unit_test(starting_again_takes_surfaces_again_and_leaves_none_open),
		cmocka_unit_test(descriptors_are_counted_and_closed_on_exec),
	};
	tr_world_enter("intel");
	return cmocka_run_group_tests_name("surface", tests, NULL, NULL);
}
