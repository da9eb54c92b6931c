/*
 * The zero-copy road on a real kernel: Xorg on a KMS device shares pixmaps of its screen (DRI3),
 * and the encoder process, given their descriptors, imports them by libva and converts and encodes
 * them. What its packets show is compared with what the processor makes of the same screen.
 *
 * DISPLAY, TR_GUEST_NODE (the render node), TR_BUILD_DIR (the programs), LIBVA_DRIVERS_PATH are the
 * guest's to say.
 */
#include "test.h"

#include "core/clock.h"
#include "display/convert.h"
#include "display/dri3.h"
#include "display/grab.h"
#include "encode/relay.h"
#include "encode/screen.h"
#include "session/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <X11/Xlib.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#define WIDTH 638
#define HEIGHT 360
#define PICTURES 8
#define PERIOD_NS (TR_NS_PER_S / 30)
#define PATIENCE_NS (300 * TR_NS_PER_S)

/* ---- the screen ---- */

struct stage {
	Display *display;
	Window window, child; /* the child's pixels are not in its parent */
	GC gc;
	struct tr_grab *grab;
	struct tr_picture seen; /* by the processor */
};

static void open_stage(struct stage *stage)
{
	struct tr_grab_settings grab = {
		.display = getenv("DISPLAY"), .width = WIDTH, .height = HEIGHT};
	XSetWindowAttributes attributes = {.override_redirect = True};

	*stage = (struct stage){.display = XOpenDisplay(NULL)};
	assert_non_null(stage->display);
	stage->window = XCreateWindow(stage->display, DefaultRootWindow(stage->display), 0, 0,
		WIDTH, HEIGHT, 0, CopyFromParent, InputOutput, CopyFromParent, CWOverrideRedirect,
		&attributes);
	stage->child =
		XCreateSimpleWindow(stage->display, stage->window, 100, 50, 200, 100, 0, 0, 0);
	XMapWindow(stage->display, stage->child);
	XMapRaised(stage->display, stage->window);
	stage->gc = XCreateGC(stage->display, stage->window, 0, NULL);
	XSync(stage->display, False);
	assert_int_equal(tr_grab_open(&grab, &stage->grab), 0);
	stage->seen = screen_picture(WIDTH, HEIGHT);
}

static void close_stage(struct stage *stage)
{
	tr_grab_close(stage->grab);
	XCloseDisplay(stage->display);
	screen_picture_free(&stage->seen);
}

/* Saturated colours, greys, and each picture another; edges lie on odd pixels, too. */
static void draw(struct stage *stage, int number)
{
	static const unsigned long colours[] = {0xff0000, 0x00ff00, 0x0000ff, 0xffff00, 0xff00ff,
		0x00ffff, 0xffffff, 0x000000, 0x808080, 0x204060, 0xc08010, 0x010203};
	const int cell = 37;

	for (int y = 0; y < HEIGHT; y += cell)
		for (int x = 0; x < WIDTH; x += cell) {
			int kind =
				(x / cell + 5 * (y / cell) + 3 * number) % (int)TR_COUNT(colours);
			XSetForeground(stage->display, stage->gc, colours[kind]);
			XFillRectangle(stage->display, stage->window, stage->gc, x, y, cell, cell);
		}
	XSetForeground(stage->display, stage->gc, number % 2 ? 0xff8000 : 0x0080ff);
	XFillRectangle(stage->display, stage->child, stage->gc, 0, 0, 200, 100);
	XSync(stage->display, False);
}

static void look(struct stage *stage)
{
	struct tr_grab_result result;

	tr_grab_invalidate(stage->grab);
	assert_int_equal(tr_grab_take(stage->grab, &stage->seen, &result), 0);
}

static struct tr_dri3 *open_pixmaps(void)
{
	struct tr_dri3 *dri3 = NULL;
	char problem[200] = "";
	struct tr_dri3_settings settings = {.display = getenv("DISPLAY"),
		.width = WIDTH,
		.height = HEIGHT,
		.problem = problem,
		.problem_size = sizeof(problem)};

	int rc = tr_dri3_open(&settings, &dri3);
	if (rc < 0)
		print_error("%s\n", problem);
	assert_int_equal(rc, 0);
	return dri3;
}

/* What a pixmap shows, by the processor; a tr_relay_fetch_fn. */
static int fetch(void *user, int number, struct tr_picture *picture)
{
	uint8_t *pixels = malloc((size_t)WIDTH * HEIGHT * 4);
	struct tr_convert convert;

	int rc = pixels ? tr_dri3_read(user, number, pixels) : -1;
	tr_convert_init(&convert, 0);
	if (rc == 0)
		tr_convert_rect(&convert, pixels, (size_t)WIDTH * 4,
			(struct tr_rect){0, 0, WIDTH, HEIGHT}, picture);
	free(pixels);
	return rc;
}

static void the_server_shares_what_is_on_its_screen(void **state)
{
	struct tr_picture shared = screen_picture(WIDTH, HEIGHT);
	struct tr_dri3 *dri3 = open_pixmaps();
	struct stage stage;

	open_stage(&stage);
	for (int i = 1; i <= TR_SURFACES_MAX; i++) {
		const struct tr_surface *surface = tr_dri3_surface(dri3, i);
		assert_int_equal(surface->width, WIDTH);
		assert_int_equal(surface->plane_count, 1);
		assert_true(surface->planes[0].fd >= 0);
		assert_true(surface->planes[0].pitch >= WIDTH * 4);
		draw(&stage, i);
		assert_int_equal(tr_dri3_copy(dri3, i), 0);
		look(&stage);
		assert_int_equal(fetch(dri3, i, &shared), 0);
		assert_int_equal(screen_compare(&stage.seen, &shared), 0);
	}
	close_stage(&stage);
	tr_dri3_close(dri3);
	screen_picture_free(&shared);
}

/* ---- the encoder ---- */

struct road {
	struct tr_ladder ladder;
	struct tr_relay *relay;
	struct tr_dri3 *dri3;
	struct stage stage;
	AVCodecContext *decoder;
	AVFrame *frame;
};

/* The driver's; a fault that strikes once may do so again. */
static void set_words(const char *words)
{
	char done[512];

	setenv("TR_TEST_VA", words, 1);
	snprintf(done, sizeof(done), "%s/fault-done", getenv("LIBVA_DRIVERS_PATH"));
	unlink(done);
}

static void make_ladder(struct tr_ladder *ladder)
{
	struct tr_rung_list list = {.count = 1};

	list.rungs[0] = (struct tr_rung){.kind = TR_RUNG_VAAPI,
		.rate = TR_RUNG_RATE_VBR,
		.profile = 100,
		.can_convert = true,
		.name = "h264_vaapi"};
	snprintf(list.rungs[0].device, sizeof(list.rungs[0].device), "%s", getenv("TR_GUEST_NODE"));
	tr_ladder_init(ladder, &list);
}

static struct tr_encoder_settings encoder_settings(void)
{
	static char program[512]; /* is kept */

	snprintf(program, sizeof(program), "%s/telerec-encoder", getenv("TR_BUILD_DIR"));
	return (struct tr_encoder_settings){.program = program,
		.video = {.width = WIDTH, .height = HEIGHT, .rate = 30, .quality = 18}};
}

static void open_road(struct road *road, const char *words)
{
	char why[200];

	set_words(words);
	*road = (struct road){.dri3 = open_pixmaps(), .frame = av_frame_alloc()};
	open_stage(&road->stage);
	make_ladder(&road->ladder);
	const struct tr_encoder_settings settings = encoder_settings();
	assert_int_equal(tr_relay_create(&settings, &road->ladder, &road->relay), 0);
	tr_relay_set_fetch(road->relay, fetch, road->dri3);
	assert_int_equal(tr_relay_start(road->relay), 0);
	assert_true(tr_relay_can_have_surfaces(road->relay, why, sizeof(why)));
	for (int i = 1; i <= TR_SURFACES_MAX; i++)
		assert_int_equal(
			tr_relay_attach(road->relay, i, tr_dri3_surface(road->dri3, i)), 0);
	tr_relay_take_surfaces(road->relay);
}

static void close_road(struct road *road)
{
	tr_relay_destroy(road->relay);
	tr_dri3_close(road->dri3);
	close_stage(&road->stage);
	avcodec_free_context(&road->decoder);
	av_frame_free(&road->frame);
}

static void open_decoder(struct road *road)
{
	const uint8_t *extradata;
	size_t size = tr_relay_extradata(road->relay, &extradata);

	road->decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	assert_non_null(road->decoder);
	road->decoder->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
	memcpy(road->decoder->extradata, extradata, size);
	road->decoder->extradata_size = (int)size;
	road->decoder->thread_count = 1;
	road->decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
	assert_int_equal(avcodec_open2(road->decoder, NULL, NULL), 0);
}

static struct tr_packet *wait_packet(struct road *road)
{
	int64_t begin_ns = tr_clock_now_ns();
	struct tr_packet *packet = NULL;
	int rc = -EAGAIN;

	while (rc == -EAGAIN && tr_clock_now_ns() - begin_ns < PATIENCE_NS) {
		struct pollfd poll_fd = {.fd = tr_relay_fd(road->relay), .events = POLLIN};
		if (poll(&poll_fd, 1, 20) > 0)
			rc = tr_relay_receive(road->relay, &packet);
		else if (tr_relay_watch(road->relay) < 0)
			rc = -EIO;
	}
	assert_int_equal(rc, 0);
	return packet;
}

static void play(struct road *road, const struct tr_packet *from)
{
	AVPacket *packet = av_packet_alloc();

	assert_int_equal(av_new_packet(packet, (int)from->size), 0);
	memcpy(packet->data, from->data, from->size);
	assert_int_equal(avcodec_send_packet(road->decoder, packet), 0);
	assert_int_equal(avcodec_receive_frame(road->decoder, road->frame), 0);
	av_packet_free(&packet);
}

/* The greatest difference between what was played and what the processor saw. */
static int compare_played(const struct road *road)
{
	const struct tr_picture *seen = &road->stage.seen;
	const AVFrame *frame = road->frame;
	int most = screen_compare_rows(
		frame->data[0], frame->linesize[0], seen->y, seen->y_stride, WIDTH, HEIGHT);

	for (int y = 0; y < HEIGHT / 2; y++)
		for (int x = 0; x < WIDTH; x++) {
			int difference =
				abs(frame->data[1 + x % 2][y * frame->linesize[1] + x / 2] -
					seen->uv[y * seen->uv_stride + x]);
			most = difference > most ? difference : most;
		}
	return most;
}

static void the_device_makes_of_a_pixmap_what_the_processor_makes(void **state)
{
	struct road road;

	open_road(&road, "");
	for (int i = 1; i <= TR_SURFACES_MAX; i++) {
		draw(&road.stage, i);
		assert_int_equal(tr_dri3_copy(road.dri3, i), 0);
		look(&road.stage);
		assert_int_equal(tr_relay_convert(road.relay, i), 0);
		assert_in_range(
			screen_compare(&road.stage.seen, tr_relay_picture(road.relay)), 0, 1);
	}
	close_road(&road);
}

/* Draws, copies, encodes and plays; the greatest difference of all pictures. */
static int record(struct road *road, int pictures)
{
	int most = 0;

	open_decoder(road);
	for (int i = 0; i < pictures; i++) {
		int number = 1 + i % TR_SURFACES_MAX, rc;
		draw(&road->stage, i);
		if (tr_relay_has_surfaces(road->relay)) {
			assert_int_equal(tr_dri3_copy(road->dri3, number), 0);
			rc = tr_relay_submit_surface(
				road->relay, number, i * PERIOD_NS, i == 0, 100);
		} else {
			assert_int_equal(tr_dri3_copy(road->dri3, number), 0);
			assert_int_equal(
				fetch(road->dri3, number, tr_relay_picture(road->relay)), 0);
			rc = tr_relay_submit(road->relay, i * PERIOD_NS, false, false, 100);
		}
		assert_int_equal(rc, 0);
		look(&road->stage); /* while it is being encoded */
		struct tr_packet *packet = wait_packet(road);
		assert_int_equal(packet->pts_ns, i * PERIOD_NS);
		play(road, packet);
		tr_packet_unref(packet);
		int difference = compare_played(road);
		most = difference > most ? difference : most;
	}
	return most;
}

static void what_is_played_has_the_screens_colours(void **state)
{
	static const char *const words[] = {"", "lazy"};

	for (size_t i = 0; i < TR_COUNT(words); i++) {
		struct road road;
		open_road(&road, words[i]);
		int most = record(&road, PICTURES);
		const struct tr_relay_log *log = tr_relay_log(road.relay);
		print_message(
			"\"%s\": %d pictures, at most %d of 255 away\n", words[i], PICTURES, most);
		assert_in_range(most, 0, 1);
		assert_int_equal(log->leg_count, 1);
		assert_true(log->legs[0].has_surfaces);
		assert_int_equal(log->legs[0].pictures, PICTURES);
		assert_int_equal(log->failure_count, 0);
		close_road(&road);
	}
}

/* The picture in flight is read back from its pixmap, and the device goes on with pictures. */
static void a_driver_that_ends_in_the_middle_costs_no_picture(void **state)
{
	struct road road;

	open_road(&road, "fault=exit@3,once");
	int most = record(&road, PICTURES);
	const struct tr_relay_log *log = tr_relay_log(road.relay);
	print_message("the driver ends: at most %d of 255 away\n", most);
	assert_in_range(most, 0, 1);
	assert_int_equal(log->failure_count, 1);
	assert_int_equal(log->leg_count, 2);
	assert_true(log->legs[0].has_surfaces);
	assert_int_equal(log->legs[0].pictures + log->legs[1].pictures, PICTURES);
	assert_false(tr_relay_has_surfaces(road.relay));
	close_road(&road);
}

/* ---- a whole recording: display to file ---- */

static void note_news(enum tr_pipeline_news news, void *user)
{
	*(enum tr_pipeline_news *)user = news;
}

static void wait_for_pictures(struct tr_pipeline *pipeline, int64_t count)
{
	int64_t begin_ns = tr_clock_now_ns();
	struct tr_pipeline_status status;

	do {
		poll(NULL, 0, 20);
		tr_pipeline_read(pipeline, &status);
	} while (status.video.encoded < count && tr_clock_now_ns() - begin_ns < PATIENCE_NS);
	assert_true(status.video.encoded >= count);
}

/* Draws until there are so many pictures, and a bit of stillness at the end. */
static void record_file(struct stage *stage, const char *file, int pictures, struct tr_quality *ret)
{
	struct tr_pipeline *pipeline = NULL;
	struct tr_ladder ladder;
	struct tr_pipeline_status status;
	int news = -1;
	struct tr_pipeline_settings settings = {
		.dirfd = AT_FDCWD,
		.file = file,
		.video = {.display = getenv("DISPLAY"),
			.has_zero_copy = true,
			.ladder = &ladder,
			.encoder = encoder_settings()},
	};

	make_ladder(&ladder);
	draw(stage, 0);
	assert_int_equal(tr_pipeline_start(&settings, note_news, &news, &pipeline), 0);
	for (int i = 1; i <= pictures; i++) {
		wait_for_pictures(pipeline, i);
		draw(stage, i);
	}
	tr_pipeline_read(pipeline, &status);
	wait_for_pictures(pipeline, status.video.encoded + 2); /* repeated: all is seen */
	look(stage);
	assert_int_equal(tr_pipeline_stop(pipeline, 0, ret, NULL), 0);
	assert_int_equal(news, -1);
}

/* All pictures of the file; the last one stays in `road`. How many. */
static int play_file(struct road *road, const char *file)
{
	AVFormatContext *format = NULL;
	AVPacket *packet = av_packet_alloc();
	int count = 0;

	assert_int_equal(avformat_open_input(&format, file, NULL, NULL), 0);
	assert_true(avformat_find_stream_info(format, NULL) >= 0);
	const AVCodecParameters *stream = format->streams[0]->codecpar;
	road->decoder = avcodec_alloc_context3(avcodec_find_decoder(stream->codec_id));
	assert_int_equal(avcodec_parameters_to_context(road->decoder, stream), 0);
	road->decoder->thread_count = 1;
	road->decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
	assert_int_equal(avcodec_open2(road->decoder, NULL, NULL), 0);
	for (; av_read_frame(format, packet) == 0; av_packet_unref(packet)) {
		assert_int_equal(avcodec_send_packet(road->decoder, packet), 0);
		assert_int_equal(avcodec_receive_frame(road->decoder, road->frame), 0);
		count++;
	}
	av_packet_free(&packet);
	avformat_close_input(&format);
	return count;
}

static void check_recording(const char *words, struct tr_quality *quality)
{
	char file[] = "/tmp/zero-copy-XXXXXX";
	struct road road = {.frame = av_frame_alloc()};

	set_words(words);
	close(mkstemp(file));
	unlink(file); /* the pipeline makes it */
	open_stage(&road.stage);
	record_file(&road.stage, file, PICTURES, quality);
	int count = play_file(&road, file);
	int most = compare_played(&road);
	print_message("\"%s\": %d pictures in the file, the last one at most %d of 255 away; %s\n",
		words, count, most, quality->no_zero_copy);
	assert_int_equal(count, quality->frames_encoded);
	assert_in_range(most, 0, 1);
	assert_true(quality->has_zero_copy);
	close_stage(&road.stage);
	avcodec_free_context(&road.decoder);
	av_frame_free(&road.frame);
	unlink(file);
}

static void a_recording_goes_from_the_screen_to_its_file_without_a_copy(void **state)
{
	struct tr_quality quality;

	check_recording("", &quality);
	assert_string_equal(quality.no_zero_copy, "");
	assert_int_equal(quality.leg_count, 1);
	assert_true(quality.legs[0].has_zero_copy);
	assert_int_equal(quality.failure_count, 0);
}

static void a_recording_goes_on_with_pictures_when_the_driver_ends(void **state)
{
	struct tr_quality quality;

	check_recording("fault=exit@4,once", &quality);
	assert_string_not_equal(quality.no_zero_copy, "");
	assert_int_equal(quality.failure_count, 1);
	assert_int_equal(quality.leg_count, 2);
	assert_true(quality.legs[0].has_zero_copy);
	assert_false(quality.legs[1].has_zero_copy);
}

/* What the proof is for. */
static void wrong_colours_are_seen_before_the_recording(void **state)
{
	struct tr_quality quality;
	struct stage stage;
	char file[] = "/tmp/zero-copy-XXXXXX";

	set_words("fault=colours");
	close(mkstemp(file));
	unlink(file);
	open_stage(&stage);
	record_file(&stage, file, 2, &quality);
	close_stage(&stage);
	unlink(file);
	print_message("%s\n", quality.no_zero_copy);
	assert_false(quality.has_zero_copy);
	assert_non_null(strstr(quality.no_zero_copy, "colours are wrong"));
	assert_int_equal(quality.leg_count, 1);
	assert_false(quality.legs[0].has_zero_copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_shares_what_is_on_its_screen),
		cmocka_unit_test(the_device_makes_of_a_pixmap_what_the_processor_makes),
		cmocka_unit_test(what_is_played_has_the_screens_colours),
		cmocka_unit_test(a_driver_that_ends_in_the_middle_costs_no_picture),
		cmocka_unit_test(a_recording_goes_from_the_screen_to_its_file_without_a_copy),
		cmocka_unit_test(a_recording_goes_on_with_pictures_when_the_driver_ends),
		cmocka_unit_test(wrong_colours_are_seen_before_the_recording),
	};
	return cmocka_run_group_tests_name("zero-copy", tests, NULL, NULL);
}
