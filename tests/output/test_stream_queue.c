#include "test.h"

#include "output/stream_queue.h"

#include <errno.h>

#define MS INT64_C(1000000)

static struct tr_stream_queue *queue;
static struct tr_stream_queue_stats stats;
static int64_t now_ns;

static int start_with(bool has_pictures, bool has_sound)
{
	struct tr_stream_queue_settings settings = {
		.has_pictures = has_pictures,
		.has_sound = has_sound,
		.max_ns = 1000 * MS,
		.max_bytes = 100000,
	};
	now_ns = 1;
	return tr_stream_queue_create(&settings, &queue);
}

static int start(void **state)
{
	return start_with(true, true);
}

static int stop(void **state)
{
	tr_stream_queue_destroy(queue);
	return 0;
}

static void push_sized(enum tr_packet_track track, int ms, bool is_key, size_t size)
{
	struct tr_packet *packet = tr_packet_create(track, size);
	assert_non_null(packet);
	packet->pts_ns = ms * MS;
	packet->is_key = is_key;
	tr_stream_queue_push(queue, packet, now_ns);
	tr_packet_unref(packet);
}

static void push_picture(int ms, bool is_key)
{
	push_sized(TR_PACKET_VIDEO, ms, is_key, 100);
}

static void push_sound(int ms)
{
	push_sized(TR_PACKET_AUDIO, ms, true, 10);
}

/* The next packet's time in ms, negative for sound (so none is at 0); 0: none now. */
static int pop(bool is_last)
{
	struct tr_packet *packet;
	int64_t wait_ns;
	if (tr_stream_queue_pop(queue, now_ns, is_last, &packet, &wait_ns) < 0)
		return 0;
	int ms = (int)(packet->pts_ns / MS);
	ms = packet->track == TR_PACKET_VIDEO ? ms : -ms;
	tr_packet_unref(packet);
	return ms;
}

static unsigned pop_all(enum tr_packet_track track)
{
	unsigned count = 0;
	for (int ms; (ms = pop(true));)
		count += (ms > 0) == (track == TR_PACKET_VIDEO);
	return count;
}

static void read_stats(void)
{
	tr_stream_queue_read(queue, &stats);
}

static void nothing_goes_out_before_the_first_key_picture(void **state)
{
	push_sound(10);
	push_picture(20, false);
	push_sound(30);
	assert_int_equal(pop(true), 0);
	push_picture(25, true);
	assert_int_equal(pop(true), 25);
	assert_int_equal(pop(true), -30);
	assert_int_equal(pop(true), 0);
}

static void sound_of_before_the_key_picture_stays_away_when_it_is_late(void **state)
{
	push_picture(100, true);
	push_sound(90);
	push_sound(110);
	assert_int_equal(pop(true), 100);
	assert_int_equal(pop(true), -110);
	assert_int_equal(pop(true), 0);
}

static void packets_go_out_in_the_order_of_time(void **state)
{
	push_picture(100, true);
	push_picture(140, false);
	push_sound(120);
	push_sound(150);
	assert_int_equal(pop(false), 100);
	assert_int_equal(pop(false), -120);
	assert_int_equal(pop(false), 140);
}

static void a_packet_waits_for_the_other_track_but_not_for_long(void **state)
{
	struct tr_packet *packet;
	int64_t wait_ns;

	push_picture(100, true);
	assert_int_equal(tr_stream_queue_pop(queue, now_ns, false, &packet, &wait_ns), -EAGAIN);
	assert_true(wait_ns == now_ns + 250 * MS);
	now_ns = wait_ns;
	assert_int_equal(pop(false), 100);
	assert_int_equal(tr_stream_queue_pop(queue, now_ns, false, &packet, &wait_ns), -EAGAIN);
	assert_true(wait_ns == 0);
}

static void a_packet_out_of_order_in_its_track_is_left_out(void **state)
{
	push_picture(100, true);
	push_picture(100, false);
	push_picture(90, false);
	push_sized(TR_PACKET_VIDEO, 110, false, 0);
	push_picture(120, false);
	assert_int_equal(pop(true), 100);
	assert_int_equal(pop(true), 120);
	assert_int_equal(pop(true), 0);
}

static void a_full_queue_goes_on_with_its_next_key_picture(void **state)
{
	for (int ms = 100; ms <= 1140; ms += 20)
		push_picture(ms, ms == 100 || ms == 600);
	read_stats();
	assert_int_equal(stats.dropped_pictures, 25); /* those from 100 to 580 */
	assert_int_equal(pop(true), 600);
	assert_int_equal(pop(true), 620);
}

static void without_a_key_picture_in_the_queue_one_is_asked_for(void **state)
{
	for (int ms = 100; ms <= 1120; ms += 20)
		push_picture(ms, ms == 100);
	read_stats();
	assert_int_equal(stats.packets, 0);
	assert_int_equal(stats.dropped_pictures, 52);
	assert_true(tr_stream_queue_wants_key(queue));
	assert_false(tr_stream_queue_wants_key(queue));
	push_picture(1140, false);
	assert_int_equal(pop(true), 0);
	push_picture(1160, true);
	assert_int_equal(pop(true), 1160);
}

static void sound_goes_on_when_pictures_are_shed(void **state)
{
	for (int ms = 100; ms <= 1400; ms += 20) {
		push_picture(ms, ms == 100);
		push_sound(ms + 5);
	}
	read_stats();
	assert_true(stats.dropped_pictures > 50);
	assert_int_equal(stats.dropped_sounds, 0);
	assert_int_equal(pop_all(TR_PACKET_AUDIO), 66);
}

static void a_key_picture_is_taken_only_when_the_backlog_is_short(void **state)
{
	for (int ms = 100; ms <= 1200; ms += 20) {
		push_picture(ms, ms == 100);
		push_sound(ms + 5);
	}
	assert_false(tr_stream_queue_wants_key(queue));
	push_picture(1220, true);
	assert_int_equal(pop(true), -105);
	while (pop(true) > -750)
		;
	assert_true(tr_stream_queue_wants_key(queue));
	push_picture(1240, true);
	read_stats();
	assert_int_equal(pop_all(TR_PACKET_VIDEO), 1);
}

static void sound_that_nobody_takes_is_bounded_too(void **state)
{
	push_picture(100, true);
	for (int ms = 105; ms <= 10000; ms += 20)
		push_sound(ms);
	read_stats();
	assert_true(stats.queued_ns <= 2000 * MS);
	assert_int_equal(stats.dropped_pictures, 1);
	assert_int_equal(stats.packets, 101);
	assert_int_equal(stats.dropped_sounds, 495 - 101);
}

static void the_bytes_are_bounded(void **state)
{
	push_sized(TR_PACKET_VIDEO, 100, true, 50000);
	push_sized(TR_PACKET_VIDEO, 120, false, 40000);
	push_sound(125);
	push_sized(TR_PACKET_VIDEO, 140, false, 40000);
	read_stats();
	assert_int_equal(stats.bytes, 10);
	assert_int_equal(stats.dropped_pictures, 3);
	assert_int_equal(pop(true), -125);
}

static void a_new_beginning_forgets_and_counts_what_was_there(void **state)
{
	push_picture(100, true);
	push_sound(105);
	tr_stream_queue_begin(queue);
	read_stats();
	assert_int_equal(stats.packets, 0);
	assert_int_equal(stats.dropped_pictures, 1);
	assert_int_equal(stats.dropped_sounds, 1);
	assert_true(tr_stream_queue_wants_key(queue));
	push_picture(120, false);
	push_sound(125);
	assert_int_equal(pop(true), 0);
	push_picture(140, true);
	assert_int_equal(pop(true), 140);
}

static void long_waiting_for_a_first_key_picture_keeps_little(void **state)
{
	for (int ms = 0; ms < 60000; ms += 20)
		push_sound(ms);
	read_stats();
	assert_true(stats.packets <= 52);
	assert_true(stats.queued_ns == 0);
	assert_int_equal(stats.dropped_sounds, 0);
}

static int start_with_sound_only(void **state)
{
	return start_with(false, true);
}

static void sound_alone_needs_no_key_picture(void **state)
{
	assert_false(tr_stream_queue_wants_key(queue));
	push_sound(10);
	push_picture(15, true);
	assert_int_equal(pop(false), -10);
	assert_int_equal(pop(false), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_goes_out_before_the_first_key_picture),
		TEST(sound_of_before_the_key_picture_stays_away_when_it_is_late),
		TEST(packets_go_out_in_the_order_of_time),
		TEST(a_packet_waits_for_the_other_track_but_not_for_long),
		TEST(a_packet_out_of_order_in_its_track_is_left_out),
		TEST(a_full_queue_goes_on_with_its_next_key_picture),
		TEST(without_a_key_picture_in_the_queue_one_is_asked_for),
		TEST(sound_goes_on_when_pictures_are_shed),
		TEST(a_key_picture_is_taken_only_when_the_backlog_is_short),
		TEST(sound_that_nobody_takes_is_bounded_too),
		TEST(the_bytes_are_bounded),
		TEST(a_new_beginning_forgets_and_counts_what_was_there),
		TEST(long_waiting_for_a_first_key_picture_keeps_little),
		cmocka_unit_test_setup_teardown(
			sound_alone_needs_no_key_picture, start_with_sound_only, stop),
	};
	return cmocka_run_group_tests_name("stream_queue", tests, NULL, NULL);
}
