/* A real X server, a real encoder process, and what becomes of them. */
#include "test.h"

#include "core/clock.h"
#include "session/stage.h"
#include "session/video_track.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define GRID_NS (TR_NS_PER_S / 200)
#define PERIOD_NS (TR_NS_PER_S / STAGE_RATE)
#define DEADLINE_MS 30000

static struct stage stage;
static struct tr_video_track *track;
static struct tr_packetq *queue;
static int64_t start_ns, last_pts_ns;
static int64_t longest_step_ns; /* from packet to packet, where the machine stood still */
static atomic_int ends[8];
static atomic_int seen_luma; /* of the picture that was shown last to the checks */

static void on_end(enum tr_video_track_end end, void *user)
{
	atomic_fetch_add(&ends[end], 1);
}

static void on_picture(const struct tr_picture *picture, int64_t pts_ns, void *user)
{
	atomic_store(&seen_luma, picture->y[0]);
}

static const struct tr_video_track_hooks hooks = {.on_end = on_end, .on_picture = on_picture};

static int open_stage(void **state)
{
	memset(ends, 0, sizeof(ends));
	last_pts_ns = -1;
	longest_step_ns = 0;
	stage_open(&stage);
	assert_int_equal(tr_packetq_create(1024, 16 << 20, &queue), 0);
	return 0;
}

static int close_stage(void **state)
{
	tr_video_track_destroy(tr_take(track));
	tr_packetq_destroy(tr_take(queue));
	stage_close(&stage);
	return 0;
}

static void go(bool constant_rate)
{
	struct tr_video_track_settings settings = stage_video(&stage.server);
	settings.constant_rate = constant_rate;
	assert_int_equal(tr_video_track_start(&settings, &hooks, &track), 0);
	start_ns = tr_clock_now_ns();
	tr_video_track_go(track, start_ns, &(struct tr_outlets){.queue = queue});
}

/* The next packet, which must be as all must be. */
static int64_t next(bool *ret_is_key)
{
	struct tr_packet *packet = NULL;
	assert_int_equal(tr_packetq_pop(queue, DEADLINE_MS, &packet), 0);
	int64_t pts_ns = packet->pts_ns;
	assert_int_equal(packet->track, TR_PACKET_VIDEO);
	assert_true(packet->size > 0);
	assert_true(pts_ns > last_pts_ns);
	assert_int_equal(pts_ns % GRID_NS, 0);
	if (ret_is_key)
		*ret_is_key = packet->is_key;
	tr_packet_unref(packet);
	if (pts_ns - last_pts_ns > longest_step_ns)
		longest_step_ns = pts_ns - last_pts_ns;
	last_pts_ns = pts_ns;
	return pts_ns;
}

static int64_t next_key(void)
{
	for (int i = 0; i < 100; i++) {
		bool is_key;
		int64_t pts_ns = next(&is_key);
		if (is_key)
			return pts_ns;
	}
	fail_msg("no key picture among 100");
	return 0;
}

static unsigned restarts(void)
{
	struct tr_video_track_stats stats;
	tr_video_track_read_stats(track, &stats);
	return stats.encoder_restarts;
}

static unsigned long colour_of(int i)
{
	return i % 2 ? 0xffffff : 0x203040;
}

static void the_first_picture_is_a_key_picture_that_extradata_announces(void **state)
{
	const uint8_t *extradata;
	bool is_key;

	go(false);
	assert_true(tr_video_track_extradata(track, &extradata) > 7);
	assert_int_equal(extradata[0], 1); /* avcC */
	next(&is_key);
	assert_true(is_key);
}

static void pictures_are_copied_where_they_must_be_and_the_reason_is_kept(void **state)
{
	struct tr_video_track_settings settings = stage_video(&stage.server);
	struct tr_video_track_stats stats;

	settings.has_zero_copy = true;
	assert_int_equal(tr_video_track_start(&settings, &hooks, &track), 0);
	start_ns = tr_clock_now_ns();
	tr_video_track_go(track, start_ns, &(struct tr_outlets){.queue = queue});
	next(NULL);
	tr_video_track_read_stats(track, &stats);
	assert_false(stats.has_zero_copy);
	assert_string_equal(stats.no_zero_copy, "software encodes from memory");
}

static void a_key_picture_comes_when_somebody_begins_to_look(void **state)
{
	bool is_key = false;

	go(false);
	next(NULL);
	/* At once, although nothing changed and a second has not passed; a machine may be late. */
	for (int i = 0; i < 10; i++) {
		int64_t before_ns = last_pts_ns;
		tr_video_track_request_key(track);
		next(&is_key);
		if (is_key && last_pts_ns - before_ns < TR_NS_PER_S - GRID_NS)
			return;
	}
	fail_msg("ten key pictures were asked for, and none came at once");
}

static void key_pictures_come_as_often_as_platforms_want_them(void **state)
{
	struct tr_video_track_settings settings = stage_video(&stage.server);
	settings.constant_rate = true;
	settings.key_interval_ns = TR_NS_PER_S;
	assert_int_equal(tr_video_track_start(&settings, &hooks, &track), 0);
	start_ns = tr_clock_now_ns();
	tr_video_track_go(track, start_ns, &(struct tr_outlets){.queue = queue});
	int64_t before_ns = next_key();
	for (int i = 0; i < 3; i++) {
		longest_step_ns = 0;
		int64_t now_ns = next_key();
		assert_true(now_ns - before_ns <= TR_NS_PER_S + 10 * PERIOD_NS + longest_step_ns);
		before_ns = now_ns;
	}
}

static void changes_become_packets_but_not_more_than_the_rate(void **state)
{
	int64_t first_ns = 0, pts_ns = 0;

	go(false);
	for (int i = 0; i < 60; i++) {
		stage_fill(&stage, colour_of(i));
		pts_ns = next(NULL);
		if (i == 0)
			first_ns = pts_ns;
	}
	/* One picture may come early after a late one, and the bucket leaks 1 % faster. */
	assert_true(pts_ns - first_ns >= 57 * PERIOD_NS);
}

static void with_economy_there_are_fewer_pictures(void **state)
{
	go(false);
	next(NULL);
	tr_video_track_set_economy(track, 1);
	int64_t first_ns = next(NULL), pts_ns = 0;
	for (int i = 0; i < 20; i++) {
		stage_fill(&stage, colour_of(i));
		pts_ns = next(NULL);
	}
	assert_true(pts_ns - first_ns >= 2 * 17 * PERIOD_NS);
}

static void the_strictest_economy_shows_a_change_every_five_seconds_and_a_looser_one_at_once(
	void **state)
{
	struct tr_video_track_stats stats;

	go(false);
	next(NULL);
	tr_video_track_set_economy(track, 9); /* the last there is */
	while (last_pts_ns < 4 * TR_NS_PER_S) {
		stage_fill(&stage, colour_of((int)(last_pts_ns / 7)));
		next(NULL); /* repeats, so that players and streams go on */
	}
	tr_video_track_read_stats(track, &stats);
	assert_true(stats.grabbed <= 3);
	tr_video_track_set_economy(track, 0);
	int64_t end_ns = tr_clock_now_ns() + DEADLINE_MS * TR_NS_PER_MS;
	for (int i = 0; stats.grabbed <= 6 && tr_clock_now_ns() < end_ns; i++) {
		stage_fill(&stage, colour_of(i));
		next(NULL);
		tr_video_track_read_stats(track, &stats);
	}
	assert_true(stats.grabbed > 6);
}

static void an_unchanged_screen_is_a_picture_a_second(void **state)
{
	struct tr_video_track_stats stats;

	go(false);
	int64_t before_ns = next(NULL);
	for (int i = 0; i < 3; i++) {
		bool is_key;
		int64_t pts_ns = next(&is_key);
		assert_true(pts_ns - before_ns >= TR_NS_PER_S - GRID_NS);
		assert_false(is_key);
		before_ns = pts_ns;
	}
	tr_video_track_read_stats(track, &stats);
	assert_true(stats.repeated >= 3);
	assert_int_equal(stats.grabbed - stats.unchanged, 1);
}

static void damage_without_a_difference_is_no_picture(void **state)
{
	struct tr_video_track_stats stats = {0};

	go(false);
	next(NULL);
	for (int64_t end_ns = tr_clock_now_ns() + DEADLINE_MS * TR_NS_PER_MS;
		stats.unchanged < 3 && tr_clock_now_ns() < end_ns;) {
		stage_fill(&stage, 0); /* as it is from the start */
		stage_sleep_until(tr_clock_now_ns() + 2 * PERIOD_NS);
		tr_video_track_read_stats(track, &stats);
	}
	assert_true(stats.unchanged >= 3);
	assert_int_equal(stats.encoded - stats.repeated, 1);
}

static void constant_rate_repeats_pictures_at_the_rate(void **state)
{
	go(true);
	int64_t first_ns = next(NULL), pts_ns = 0;
	for (int i = 0; i < 60; i++)
		pts_ns = next(NULL);
	assert_true(pts_ns - first_ns >= 59 * PERIOD_NS);
	assert_true(pts_ns - first_ns < 20 * TR_NS_PER_S); /* one a second would be 60 s */
}

static void a_killed_encoder_is_replaced_and_a_key_picture_follows(void **state)
{
	go(false);
	next_key();
	for (unsigned i = 1; i <= 3; i++) {
		pid_t before = stage_find_encoder();
		assert_int_equal(kill(before, SIGKILL), 0);
		stage_fill(&stage, colour_of((int)i));
		next_key();
		assert_true(restarts() >= i); /* a machine that stands still may cost another one */
		assert_int_equal(kill(before, 0), -1);
	}
}

static void an_encoder_that_hangs_is_replaced_after_its_deadline(void **state)
{
	go(false);
	next_key();
	pid_t before = stage_find_encoder();
	assert_int_equal(kill(before, SIGSTOP), 0);
	stage_fill(&stage, 0xffffff);
	next_key();
	assert_true(restarts() >= 1);
	assert_int_equal(kill(before, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void a_lost_display_is_said_and_another_goes_on(void **state)
{
	struct stage other;

	go(false);
	next(NULL);
	assert_int_equal(kill(stage.server.child.pid, SIGKILL), 0);
	for (int i = 0; i < 10 && ends[TR_VIDEO_TRACK_DISPLAY_LOST] == 0; i++)
		next(NULL);
	assert_int_equal(ends[TR_VIDEO_TRACK_DISPLAY_LOST], 1);
	next(NULL); /* the last picture again: the track goes on without a display */

	stage_open(&other);
	stage_fill(&other, 0xffffff);
	tr_video_track_set_display(track, other.server.display, other.server.frame_buffer);
	for (int i = 0; i < 60 && atomic_load(&seen_luma) != 235; i++)
		next(NULL);
	assert_int_equal(atomic_load(&seen_luma), 235);
	assert_int_equal(ends[TR_VIDEO_TRACK_DISPLAY_LOST], 1);
	assert_int_equal(restarts(), 0);
	tr_video_track_destroy(tr_take(track));
	stage_close(&other);
}

static void a_display_that_is_not_there_is_lost_again(void **state)
{
	go(false);
	next(NULL);
	tr_video_track_set_display(track, ":63999", NULL);
	for (int i = 0; i < 10 && ends[TR_VIDEO_TRACK_DISPLAY_LOST] == 0; i++)
		next(NULL);
	assert_int_equal(ends[TR_VIDEO_TRACK_DISPLAY_LOST], 1);
	next(NULL);
	assert_int_equal(ends[TR_VIDEO_TRACK_DISPLAY_LOST], 1);
}

static void the_last_picture_lasts_until_the_end(void **state)
{
	struct tr_packet *packet;

	go(false);
	next(NULL);
	int64_t end_ns = tr_clock_now_ns() + TR_NS_PER_S / 2;
	stage_sleep_until(end_ns);
	tr_video_track_stop(track, end_ns);
	tr_packetq_close(queue);
	while (tr_packetq_pop(queue, 0, &packet) == 0) {
		last_pts_ns = packet->pts_ns;
		tr_packet_unref(packet);
	}
	assert_true(last_pts_ns >= end_ns - start_ns - PERIOD_NS - GRID_NS);
	for (unsigned i = 0; i < TR_COUNT(ends); i++)
		assert_int_equal(ends[i], 0);
}

static void stopping_before_it_goes_gives_nothing(void **state)
{
	struct tr_video_track_settings settings = stage_video(&stage.server);
	struct tr_packet *packet;

	assert_int_equal(tr_video_track_start(&settings, &hooks, &track), 0);
	tr_video_track_stop(track, tr_clock_now_ns());
	assert_int_equal(tr_packetq_pop(queue, 0, &packet), -EAGAIN);
}

static void a_start_that_fails_leaves_nothing(void **state)
{
	struct tr_video_track_settings settings = stage_video(&stage.server);
	struct stage_count before = stage_count();

	settings.encoder.program = "/nonexistent/telerec-encoder";
	assert_int_equal(tr_video_track_start(&settings, &hooks, &track), -ENOENT);
	settings = stage_video(NULL);
	assert_true(tr_video_track_start(&settings, &hooks, &track) < 0);
	assert_null(track);
	struct stage_count after = stage_count();
	assert_memory_equal(&before, &after, sizeof(before));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_picture_is_a_key_picture_that_extradata_announces),
		TEST(pictures_are_copied_where_they_must_be_and_the_reason_is_kept),
		TEST(a_key_picture_comes_when_somebody_begins_to_look),
		TEST(key_pictures_come_as_often_as_platforms_want_them),
		TEST(changes_become_packets_but_not_more_than_the_rate),
		TEST(with_economy_there_are_fewer_pictures),
		TEST(the_strictest_economy_shows_a_change_every_five_seconds_and_a_looser_one_at_once),
		TEST(an_unchanged_screen_is_a_picture_a_second),
		TEST(damage_without_a_difference_is_no_picture),
		TEST(constant_rate_repeats_pictures_at_the_rate),
		TEST(a_killed_encoder_is_replaced_and_a_key_picture_follows),
		TEST(an_encoder_that_hangs_is_replaced_after_its_deadline),
		TEST(a_lost_display_is_said_and_another_goes_on),
		TEST(a_display_that_is_not_there_is_lost_again),
		TEST(the_last_picture_lasts_until_the_end),
		TEST(stopping_before_it_goes_gives_nothing),
		TEST(a_start_that_fails_leaves_nothing),
	};
	int skip = stage_check();
	return skip ? skip : cmocka_run_group_tests_name("video track", tests, NULL, NULL);
}
