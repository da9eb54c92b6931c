/* The step from zero-copy to pictures, in the middle of a track and before it: whatever fails, no
 * picture is lost, the same rung goes on if it can, and the log says what happened. */
#include "test.h"

#include "core/clock.h"
#include "encode/relay.h"
#include "encode/screen.h"
#include "peers/gpu/world.h"

#include <poll.h>

#include <libavcodec/avcodec.h>

#define NODE "/dev/dri/renderD128"
#define WIDTH 318
#define HEIGHT 180
#define PICTURES 12
#define PERIOD_NS (TR_NS_PER_S / 30)
#define PATIENCE_NS (60 * TR_NS_PER_S)

struct recording {
	struct tr_ladder ladder;
	struct tr_relay *relay;
	struct screen screens[TR_SURFACES_MAX];
	struct tr_picture shown[PICTURES]; /* by the processor */
	AVCodecContext *decoder;
	AVFrame *frame;
	int rc;		/* of attaching */
	int fetched;	/* surfaces that were asked back */
	int by_surface; /* pictures that were given so */
	int played, right;
	int64_t longest_ns; /* from a picture to its packet */
};

/* The display's part: what the surface shows, by the processor. */
static int fetch(void *user, int number, struct tr_picture *picture)
{
	struct recording *r = user;

	r->fetched++;
	screen_convert(&r->screens[number - 1], picture);
	return 0;
}

static void open_recording(struct recording *r, const char *words, bool can_convert)
{
	static char program[512]; /* is kept */
	struct tr_rung_list list = {.count = 1};
	char why[200];

	*r = (struct recording){.frame = av_frame_alloc()};
	tr_world_words(words);
	snprintf(program, sizeof(program), "%s/telerec-encoder", getenv("TR_BUILD_DIR"));
	list.rungs[0] = (struct tr_rung){.kind = TR_RUNG_VAAPI,
		.rate = TR_RUNG_RATE_VBR,
		.profile = 100,
		.can_convert = can_convert,
		.device = NODE,
		.name = "h264_vaapi"};
	tr_ladder_init(&r->ladder, &list);
	struct tr_encoder_settings settings = {.program = program,
		.video = {.width = WIDTH, .height = HEIGHT, .rate = 30, .quality = 18}};
	assert_int_equal(tr_relay_create(&settings, &r->ladder, &r->relay), 0);
	tr_relay_set_fetch(r->relay, fetch, r);
	assert_int_equal(tr_relay_start(r->relay), 0);
	for (int i = 0; i < TR_SURFACES_MAX; i++)
		r->screens[i] = screen_make(WIDTH, HEIGHT, WIDTH * 4, 0);
	if (!tr_relay_can_have_surfaces(r->relay, why, sizeof(why)))
		return;
	for (int i = 0; i < TR_SURFACES_MAX && r->rc == 0; i++)
		r->rc = tr_relay_attach(r->relay, i + 1, &r->screens[i].surface);
	if (r->rc == 0)
		tr_relay_take_surfaces(r->relay);
}

static void close_recording(struct recording *r)
{
	tr_relay_destroy(r->relay);
	for (int i = 0; i < TR_SURFACES_MAX; i++)
		screen_free(&r->screens[i]);
	for (int i = 0; i < PICTURES; i++)
		if (r->shown[i].y)
			screen_picture_free(&r->shown[i]);
	avcodec_free_context(&r->decoder);
	av_frame_free(&r->frame);
}

/* The track's header holds for all that comes. */
static void open_decoder(struct recording *r)
{
	const uint8_t *extradata;
	size_t size = tr_relay_extradata(r->relay, &extradata);

	r->decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	assert_non_null(r->decoder);
	r->decoder->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
	memcpy(r->decoder->extradata, extradata, size);
	r->decoder->extradata_size = (int)size;
	r->decoder->thread_count = 1;
	r->decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
	assert_int_equal(avcodec_open2(r->decoder, NULL, NULL), 0);
}

static struct tr_packet *wait_packet(struct recording *r)
{
	int64_t begin_ns = tr_clock_now_ns();
	struct tr_packet *packet = NULL;
	int rc = -EAGAIN;

	while (rc == -EAGAIN && tr_clock_now_ns() - begin_ns < PATIENCE_NS) {
		struct pollfd poll_fd = {.fd = tr_relay_fd(r->relay), .events = POLLIN};
		if (poll(&poll_fd, 1, 20) > 0)
			rc = tr_relay_receive(r->relay, &packet);
		else if (tr_relay_watch(r->relay) < 0)
			rc = -EIO;
	}
	assert_int_equal(rc, 0);
	int64_t waited_ns = tr_clock_now_ns() - begin_ns;
	r->longest_ns = waited_ns > r->longest_ns ? waited_ns : r->longest_ns;
	return packet;
}

/* Right is what a person would not tell from it: software is lossy. */
static void play(
	struct recording *r, const struct tr_packet *packet, const struct tr_picture *shown)
{
	AVPacket *to = av_packet_alloc();
	double sum = 0;

	assert_int_equal(av_new_packet(to, (int)packet->size), 0);
	memcpy(to->data, packet->data, packet->size);
	if (avcodec_send_packet(r->decoder, to) == 0 &&
		avcodec_receive_frame(r->decoder, r->frame) == 0) {
		r->played++;
		for (int y = 0; y < HEIGHT; y++)
			for (int x = 0; x < WIDTH; x++)
				sum += abs(r->frame->data[0][y * r->frame->linesize[0] + x] -
					   shown->y[y * shown->y_stride + x]);
		r->right += sum / (WIDTH * HEIGHT) < 10;
	}
	av_packet_free(&to);
}

static void record_picture(struct recording *r, int i)
{
	int number = i % TR_SURFACES_MAX;
	struct screen *screen = &r->screens[number];
	int rc;

	screen_paint(screen, i);
	r->shown[i] = screen_picture(WIDTH, HEIGHT);
	screen_convert(screen, &r->shown[i]);
	if (tr_relay_has_surfaces(r->relay)) {
		r->by_surface++;
		rc = tr_relay_submit_surface(
			r->relay, number + 1, i * PERIOD_NS, i == 0, WIDTH * HEIGHT / 256);
	} else {
		screen_convert(screen, tr_relay_picture(r->relay));
		rc = tr_relay_submit(r->relay, i * PERIOD_NS, i == 0, false, WIDTH * HEIGHT / 256);
	}
	assert_int_equal(rc, 0);
	struct tr_packet *packet = wait_packet(r);
	assert_int_equal(packet->pts_ns, i * PERIOD_NS);
	play(r, packet, &r->shown[i]);
	tr_packet_unref(packet);
}

static void record(struct recording *r)
{
	open_decoder(r);
	for (int i = 0; i < PICTURES; i++)
		record_picture(r, i);
	assert_int_equal(r->played, PICTURES);
	assert_int_equal(r->right, PICTURES);
}

static void all_goes_by_surfaces_where_nothing_fails(void **state)
{
	struct recording r;

	open_recording(&r, "personality=intel-new", true);
	record(&r);
	const struct tr_relay_log *log = tr_relay_log(r.relay);
	assert_int_equal(r.by_surface, PICTURES);
	assert_int_equal(r.fetched, 0);
	assert_int_equal(log->failure_count, 0);
	assert_int_equal(log->leg_count, 1);
	assert_true(log->legs[0].has_surfaces);
	close_recording(&r);
}

static void what_fails_in_the_middle_goes_on_with_pictures(void **state)
{
	/* Picture 0 of the driver's is the proof at the opening. */
	static const struct {
		const char *words;
		enum tr_ladder_failure what;
		const char *leg; /* the last */
	} rows[] = {
		{"fault=vpp@5", TR_LADDER_ERROR, "h264_vaapi"},
		{"fault=vpp@2,lazy", TR_LADDER_ERROR, "h264_vaapi"},
		{"fault=begin@6,once", TR_LADDER_ERROR, "h264_vaapi"},
		{"fault=render@6,once", TR_LADDER_ERROR, "h264_vaapi"},
		{"fault=end@6,once", TR_LADDER_ERROR, "h264_vaapi"},
		{"fault=sync@6,once", TR_LADDER_ERROR, "h264_vaapi"},
		{"fault=map@6,once", TR_LADDER_ERROR, "h264_vaapi"},
		{"fault=empty@6,once", TR_LADDER_ERROR, "h264_vaapi"},
		{"fault=garbage@6,once", TR_LADDER_ERROR, "h264_vaapi"},
		{"fault=exit@6,once", TR_LADDER_ENDED, "h264_vaapi"},
		{"fault=abort@6,once", TR_LADDER_ENDED, "h264_vaapi"},
		{"fault=hang@6,once", TR_LADDER_HUNG, "h264_vaapi"},
		{"fault=vpp@5,fault=end@3", TR_LADDER_ERROR, "libx264"},
	};

	for (size_t i = 0; i < TR_COUNT(rows); i++) {
		struct recording r;
		open_recording(&r, rows[i].words, true);
		record(&r);
		const struct tr_relay_log *log = tr_relay_log(r.relay);
		const struct tr_relay_leg *last = &log->legs[log->leg_count - 1];
		if (log->failure_count < 1 || strcmp(last->name, rows[i].leg) != 0)
			print_error("%s: %u failures, at last %s\n", rows[i].words,
				log->failure_count, last->name);
		printf("%-26s %2d by surface, %2d of %d played, longest %4.0f ms, then %s: %s\n",
			rows[i].words, r.by_surface, r.played, PICTURES, (double)r.longest_ns / 1e6,
			last->name, log->failures[0].sentence);
		assert_string_equal(last->name, rows[i].leg);
		assert_false(last->has_surfaces);
		assert_true(log->legs[0].has_surfaces);
		assert_true(log->failures[0].has_surfaces);
		assert_int_equal(log->failures[0].what, rows[i].what);
		assert_true(strlen(log->failures[0].sentence) > 0);
		assert_int_equal(r.fetched, 1);
		assert_in_range(r.by_surface, 2, PICTURES - 1);
		/* the rung was not given up, and its surfaces rest */
		if (!strcmp(rows[i].leg, "h264_vaapi"))
			assert_int_equal(log->failure_count, 1);
		close_recording(&r);
	}
}

static void what_fails_before_the_track_costs_nothing(void **state)
{
	static const char *const words[] = {
		"fault=import", "no-vpp", "fault=exit@import", "fault=hang@import"};

	for (size_t i = 0; i < TR_COUNT(words); i++) {
		struct recording r;
		char why[200] = "";
		open_recording(&r, words[i], true);
		assert_int_equal(r.rc, -ENOTSUP);
		assert_false(tr_relay_has_surfaces(r.relay));
		assert_false(tr_relay_can_have_surfaces(r.relay, why, sizeof(why)));
		assert_true(strlen(why) > 0);
		assert_int_equal(tr_relay_submit_surface(r.relay, 1, 0, true, 1), -ENOTSUP);
		record(&r);
		const struct tr_relay_log *log = tr_relay_log(r.relay);
		assert_int_equal(log->leg_count, 1);
		assert_string_equal(log->legs[0].name, "h264_vaapi");
		assert_false(log->legs[0].has_surfaces);
		assert_int_equal(r.by_surface, 0);
		close_recording(&r);
	}
}

static void without_a_proof_nobody_is_given_surfaces(void **state)
{
	struct recording r;
	char why[200] = "";

	open_recording(&r, "personality=intel-new", false);
	assert_false(tr_relay_can_have_surfaces(r.relay, why, sizeof(why)));
	assert_non_null(strstr(why, "has not proved"));
	close_recording(&r);
	open_recording(&r, "personality=intel-new", true);
	tr_relay_refuse_surfaces(r.relay, "the colours are wrong");
	assert_false(tr_relay_has_surfaces(r.relay));
	assert_false(tr_relay_can_have_surfaces(r.relay, why, sizeof(why)));
	assert_string_equal(why, "the colours are wrong");
	record(&r);
	close_recording(&r);
}

static void after_a_failure_surfaces_rest_and_the_rung_does_not(void **state)
{
	struct recording r;
	char why[200] = "";

	open_recording(&r, "fault=vpp@2", true);
	record(&r);
	assert_int_equal(tr_relay_start(r.relay), 0); /* the next recording */
	assert_false(tr_relay_can_have_surfaces(r.relay, why, sizeof(why)));
	assert_non_null(strstr(why, "failed lately"));
	assert_string_equal(tr_ladder_current(&r.ladder)->name, "h264_vaapi");
	assert_true(tr_ladder_may_have_surfaces(
		&r.ladder, tr_clock_now_ns() + 24 * 3600 * TR_NS_PER_S));
	close_recording(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_goes_by_surfaces_where_nothing_fails),
		cmocka_unit_test(what_fails_in_the_middle_goes_on_with_pictures),
		cmocka_unit_test(what_fails_before_the_track_costs_nothing),
		cmocka_unit_test(without_a_proof_nobody_is_given_surfaces),
		cmocka_unit_test(after_a_failure_surfaces_rest_and_the_rung_does_not),
	};
	tr_world_enter("intel");
	return cmocka_run_group_tests_name("relay_surface", tests, NULL, NULL);
}
