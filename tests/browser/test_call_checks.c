#include "test.h"

#include "browser/call_checks.h"

#define S INT64_C(1000)
#define MIN (60 * S)

static const struct tr_call_limits defaults = {
	.empty_ms = 30 * S,
	.muted_ms = 10 * MIN,
	.no_media_ms = 3 * MIN,
	.ice_ms = 30 * S,
};

static struct tr_call_checks checks;

static const struct tr_call_sample four = {
	.participants = 4, .download_kbps = 500, .is_connected = true};
static const struct tr_call_sample nobody = {.is_connected = true};

static int start(void **state)
{
	tr_call_checks_init(&checks, &defaults);
	return 0;
}

static struct tr_call_sample with(int participants, int muted, int telephones, int64_t kbps)
{
	return (struct tr_call_sample){.participants = participants,
		.muted = muted,
		.telephones = telephones,
		.download_kbps = kbps,
		.is_connected = true};
}

static void update(struct tr_call_sample sample, int64_t now_ms)
{
	tr_call_checks_update(&checks, &sample, now_ms);
}

#define assert_fine(now_ms) assert_int_equal(tr_call_checks_judge(&checks, now_ms), TR_CALL_FINE)
#define assert_verdict(now_ms, verdict)                                                            \
	assert_int_equal(tr_call_checks_judge(&checks, now_ms), verdict)

/* Empty */

static void an_empty_call_ends_after_thirty_seconds(void **state)
{
	update(nobody, 0);
	assert_fine(15 * S);
	assert_fine(30 * S);
	assert_verdict(30 * S + 1, TR_CALL_EMPTY);
	assert_verdict(35 * S, TR_CALL_EMPTY);
}

static void a_call_with_somebody_is_never_empty(void **state)
{
	update(four, 0);
	assert_fine(24 * 60 * MIN);
	assert_int_equal(tr_call_checks_next_ms(&checks), -1);
}

static void who_comes_back_starts_the_empty_time_anew(void **state)
{
	update(nobody, 0);
	update(four, 29 * S);
	assert_fine(45 * S);
	update(nobody, 50 * S);
	assert_fine(80 * S);
	assert_verdict(80 * S + 1, TR_CALL_EMPTY);
}

static void the_empty_limit_can_be_ten_minutes(void **state)
{
	struct tr_call_limits limits = defaults;

	limits.empty_ms = 10 * MIN;
	tr_call_checks_init(&checks, &limits);
	update(nobody, 0);
	assert_fine(10 * MIN);
	assert_verdict(10 * MIN + 1, TR_CALL_EMPTY);
}

/* Media, with four participants as Jibri counts: three others and itself */

static void flowing_media_is_fine(void **state)
{
	update(with(3, 0, 0, 400), 0);
	assert_fine(5 * MIN);
}

static void all_muted_ends_the_call_late_and_cleanly(void **state)
{
	update(with(3, 3, 0, 0), 0);
	assert_fine(45 * S);
	assert_fine(10 * MIN);
	assert_verdict(10 * MIN + 1, TR_CALL_MUTED);
	assert_verdict(15 * MIN, TR_CALL_MUTED);
}

static void unmuting_gives_a_full_time_without_media(void **state)
{
	update(with(3, 3, 0, 0), 0);
	update(with(3, 2, 0, 0), 9 * MIN);
	assert_fine(9 * MIN + 3 * MIN);
	assert_verdict(12 * MIN + 1, TR_CALL_NO_MEDIA);
}

static void nobody_muted_and_nothing_coming_is_an_error(void **state)
{
	update(with(3, 0, 0, 0), 0);
	assert_fine(3 * MIN);
	assert_verdict(3 * MIN + 1, TR_CALL_NO_MEDIA);
}

static void media_that_comes_back_starts_anew(void **state)
{
	update(with(3, 0, 0, 0), 0);
	update(with(3, 0, 0, 10), 2 * MIN);
	assert_fine(4 * MIN);
	update(with(3, 0, 0, 0), 5 * MIN);
	assert_fine(8 * MIN);
	assert_verdict(8 * MIN + 1, TR_CALL_NO_MEDIA);
}

static void telephones_alone_lack_no_media(void **state)
{
	update(with(3, 0, 3, 0), 0);
	assert_fine(5 * MIN);
}

static void muted_ones_and_telephones_lack_no_media(void **state)
{
	update(with(3, 1, 2, 0), 0);
	assert_fine(5 * MIN);
	assert_verdict(10 * MIN + 1, TR_CALL_MUTED);
}

static void a_telephone_that_is_heard_keeps_the_call(void **state)
{
	update(with(3, 2, 1, 30), 0);
	assert_fine(2 * 60 * MIN);
}

static void a_shared_video_is_life(void **state)
{
	struct tr_call_sample sample = with(3, 3, 0, 0);

	sample.has_shared_video = true;
	update(sample, 0);
	assert_fine(60 * MIN);
	sample.muted = 0;
	update(sample, 60 * MIN);
	assert_fine(120 * MIN);
	sample.has_shared_video = false;
	update(sample, 120 * MIN);
	assert_verdict(123 * MIN + 1, TR_CALL_NO_MEDIA);
}

/* ICE */

static struct tr_call_sample cut_off(struct tr_call_sample sample)
{
	sample.is_connected = false;
	return sample;
}

static void a_short_break_of_the_connection_is_fine(void **state)
{
	update(four, 0);
	update(cut_off(four), 60 * S);
	assert_fine(70 * S);
	update(four, 70 * S);
	assert_fine(10 * MIN);
}

static void a_long_break_of_the_connection_is_an_error(void **state)
{
	update(four, 0);
	update(cut_off(four), 60 * S);
	assert_fine(90 * S);
	assert_verdict(90 * S + 1, TR_CALL_ICE_FAILED);
}

static void a_connection_that_never_came_is_an_error(void **state)
{
	update(cut_off(with(3, 0, 0, 0)), 5 * S);
	assert_verdict(35 * S + 1, TR_CALL_ICE_FAILED);
}

static void an_empty_call_needs_no_connection(void **state)
{
	struct tr_call_limits limits = defaults;

	limits.empty_ms = 10 * MIN;
	tr_call_checks_init(&checks, &limits);
	update(cut_off(nobody), 0);
	assert_fine(5 * MIN);
}

/* Kicked, and the order */

static void a_kick_ends_the_call_at_once(void **state)
{
	struct tr_call_sample sample = four;

	sample.is_kicked = true;
	update(sample, 7);
	assert_verdict(7, TR_CALL_KICKED);
	update(four, 8); /* a page that forgets it changes nothing */
	assert_verdict(8, TR_CALL_KICKED);
}

static void the_first_rule_that_applies_is_told(void **state)
{
	struct tr_call_limits limits = {1000, 1000, 1000, 1000};

	tr_call_checks_init(&checks, &limits);
	update(cut_off(with(3, 0, 0, 0)), 0);
	assert_verdict(2000, TR_CALL_NO_MEDIA);
	update(nobody, 2000);
	assert_verdict(4000, TR_CALL_EMPTY);
}

static void it_says_when_to_ask_again(void **state)
{
	update(cut_off(with(3, 0, 0, 0)), 1000);
	int64_t next = tr_call_checks_next_ms(&checks);
	assert_int_equal(next, 31 * S + 1); /* ICE before media */
	assert_fine(next - 1);
	assert_verdict(next, TR_CALL_ICE_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_call_ends_after_thirty_seconds, start),
		cmocka_unit_test_setup(a_call_with_somebody_is_never_empty, start),
		cmocka_unit_test_setup(who_comes_back_starts_the_empty_time_anew, start),
		cmocka_unit_test_setup(the_empty_limit_can_be_ten_minutes, start),
		cmocka_unit_test_setup(flowing_media_is_fine, start),
		cmocka_unit_test_setup(all_muted_ends_the_call_late_and_cleanly, start),
		cmocka_unit_test_setup(unmuting_gives_a_full_time_without_media, start),
		cmocka_unit_test_setup(nobody_muted_and_nothing_coming_is_an_error, start),
		cmocka_unit_test_setup(media_that_comes_back_starts_anew, start),
		cmocka_unit_test_setup(telephones_alone_lack_no_media, start),
		cmocka_unit_test_setup(muted_ones_and_telephones_lack_no_media, start),
		cmocka_unit_test_setup(a_telephone_that_is_heard_keeps_the_call, start),
		cmocka_unit_test_setup(a_shared_video_is_life, start),
		cmocka_unit_test_setup(a_short_break_of_the_connection_is_fine, start),
		cmocka_unit_test_setup(a_long_break_of_the_connection_is_an_error, start),
		cmocka_unit_test_setup(a_connection_that_never_came_is_an_error, start),
		cmocka_unit_test_setup(an_empty_call_needs_no_connection, start),
		cmocka_unit_test_setup(a_kick_ends_the_call_at_once, start),
		cmocka_unit_test_setup(the_first_rule_that_applies_is_told, start),
		cmocka_unit_test_setup(it_says_when_to_ask_again, start),
	};
	return cmocka_run_group_tests_name("call_checks", tests, NULL, NULL);
}
