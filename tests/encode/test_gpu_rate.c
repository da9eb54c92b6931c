#include "test.h"

#include "encode/gpu_rate.h"

static const struct tr_video_settings hd = {
	.width = 1280, .height = 720, .rate = 30, .quality = 25};
static struct tr_gpu_rate rate;

static void constant_quantizers_follow_quality(void **state)
{
	tr_gpu_rate_plan(&hd, TR_RUNG_RATE_CQP, 0, &rate);
	assert_int_equal(rate.qp, 21);
	assert_int_equal(rate.key_qp, 19);
}

static void coarser_moves_all_but_key_pictures(void **state)
{
	tr_gpu_rate_plan(&hd, TR_RUNG_RATE_CQP, 8, &rate);
	assert_int_equal(rate.qp, 29);
	assert_int_equal(rate.key_qp, 19); /* it is in the header */
}

static void quality_becomes_a_bitrate_with_a_ceiling_and_a_finest_quantizer(void **state)
{
	tr_gpu_rate_plan(&hd, TR_RUNG_RATE_VBR, 0, &rate);
	assert_int_equal(rate.kbps, 2764);
	assert_int_equal(rate.max_kbps, rate.kbps * 3 / 2);
	assert_int_equal(rate.buffer_kbit, 2 * rate.max_kbps);
	assert_int_equal(rate.qp, 19);
}

static void six_steps_are_half_the_bits(void **state)
{
	struct tr_video_settings coarse = hd;
	int kbps;

	tr_gpu_rate_plan(&hd, TR_RUNG_RATE_VBR, 0, &rate);
	kbps = rate.kbps;
	tr_gpu_rate_plan(&hd, TR_RUNG_RATE_VBR, 6, &rate);
	assert_in_range(rate.kbps, kbps / 2 - 1, kbps / 2 + 1);
	coarse.quality += 6;
	tr_gpu_rate_plan(&coarse, TR_RUNG_RATE_VBR, 0, &rate);
	assert_in_range(rate.kbps, kbps / 2 - 1, kbps / 2 + 1);
}

static void a_bitrate_that_is_asked_for_is_kept_and_may_be_used_up(void **state)
{
	struct tr_video_settings stream = hd;

	stream.kbps = 4000;
	stream.buffer_kbit = 6000;
	tr_gpu_rate_plan(&stream, TR_RUNG_RATE_CBR, 0, &rate);
	assert_int_equal(rate.kbps, 4000);
	assert_int_equal(rate.max_kbps, 4000);
	assert_int_equal(rate.buffer_kbit, 6000);
	assert_int_equal(rate.qp, 0);
}

static void extremes_stay_within_what_drivers_take(void **state)
{
	struct tr_video_settings settings = {
		.width = 7680, .height = 4320, .rate = 60, .quality = 1};

	tr_gpu_rate_plan(&settings, TR_RUNG_RATE_VBR, 0, &rate);
	assert_in_range(rate.max_kbps, 1, 200000);
	settings.quality = 51;
	tr_gpu_rate_plan(&settings, TR_RUNG_RATE_CQP, 40, &rate);
	assert_int_equal(rate.qp, 51);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_quantizers_follow_quality),
		cmocka_unit_test(coarser_moves_all_but_key_pictures),
		cmocka_unit_test(quality_becomes_a_bitrate_with_a_ceiling_and_a_finest_quantizer),
		cmocka_unit_test(six_steps_are_half_the_bits),
		cmocka_unit_test(a_bitrate_that_is_asked_for_is_kept_and_may_be_used_up),
		cmocka_unit_test(extremes_stay_within_what_drivers_take),
	};
	return cmocka_run_group_tests_name("gpu rate", tests, NULL, NULL);
}
