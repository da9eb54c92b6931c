/*
 * h264_qsv as a rung: FFmpeg's encoder and Intel's dispatcher on the runtime for tests. Bit for bit
 * in each rate control, and whatever the runtime does wrong, the track is whole and the log says
 * why.
 */
#include "test.h"

#include "core/clock.h"
#include "encode/track.h"
#include "peers/gpu/world.h"

#include <libavcodec/avcodec.h>

#define NODE "/dev/dri/renderD128"
#define FEW 6
#define MANY 106

static struct tr_ladder ladder;
static struct track_result result;

static void make_ladder(enum tr_rung_rate rate, int profile, bool is_low_power)
{
	struct tr_rung_list list = {.count = 1};

	list.rungs[0] = track_rung(NODE, rate, profile);
	list.rungs[0].kind = TR_RUNG_QSV;
	list.rungs[0].is_low_power = is_low_power;
	snprintf(list.rungs[0].name, sizeof(list.rungs[0].name), "h264_qsv renderD128");
	tr_ladder_init(&ladder, &list);
}

/* Nothing is missing, twice, or out of place, and each player may play it. */
static void assert_whole(int pictures)
{
	assert_int_equal(result.rc, 0);
	assert_int_equal(result.decoded, pictures);
	assert_int_equal(result.close, pictures);
	assert_int_equal(result.in_band_sets, 0);
	assert_true(result.has_tags);
	assert_true(result.decodes_without_words);
}

static void each_rate_control_gives_back_what_was_put_in(void **state)
{
	static const struct {
		struct track_settings settings;
		enum tr_rung_rate rate;
		int profile;
		bool is_low_power;
		const char *said;
	} rows[] = {
		{{.width = 642, .height = 362, .pictures = 8, .quality = 25}, TR_RUNG_RATE_VBR, 100,
			false, "rate_control=2"},
		{{.width = 640, .height = 360, .pictures = 8, .kbps = 2000, .quality = 25},
			TR_RUNG_RATE_VBR, 100, false, "rate_control=2 kbps=2000 max=2000"},
		{{.width = 640, .height = 360, .pictures = 8, .kbps = 1500, .quality = 25},
			TR_RUNG_RATE_CBR, 77, false, "rate_control=1 kbps=1500 max=1500"},
		{{.width = 1280, .height = 720, .pictures = 5, .quality = 25}, TR_RUNG_RATE_CQP,
			100, false, "rate_control=3"},
		{{.width = 160, .height = 90, .pictures = 8, .quality = 20}, TR_RUNG_RATE_CQP, 66,
			true, "low_power=16"},
	};

	for (size_t i = 0; i < TR_COUNT(rows); i++) {
		int pictures = rows[i].settings.pictures;
		tr_world_words("personality=intel-new");
		make_ladder(rows[i].rate, rows[i].profile, rows[i].is_low_power);
		track_record(&rows[i].settings, &ladder, &result);
		if (result.log.failure_count > 0)
			print_error("%s\n", result.log.failures[0].sentence);
		assert_whole(pictures);
		assert_int_equal(result.log.failure_count, 0);
		assert_string_equal(result.log.legs[0].name, "h264_qsv renderD128");
		assert_int_equal(result.exact, pictures);
		assert_int_equal(result.sets, 2); /* its own, and software's */
		assert_true(tr_world_logged(rows[i].said));
		assert_true(tr_world_logged("async=1"));
		assert_false(tr_world_logged("refused"));
	}
}

static void a_key_picture_comes_when_it_is_asked_for(void **state)
{
	struct track_settings settings = {
		.width = 160, .height = 90, .pictures = 12, .quality = 25, .key_every = 4};

	tr_world_words("personality=intel-new");
	make_ladder(TR_RUNG_RATE_VBR, 100, false);
	track_record(&settings, &ladder, &result);
	assert_whole(12);
	assert_int_equal(result.exact, 12);
	assert_int_equal(result.keys, 3);
}

static void coarser_pictures_stay_in_the_same_track(void **state)
{
	static const enum tr_rung_rate rates[] = {TR_RUNG_RATE_CQP, TR_RUNG_RATE_VBR};
	struct track_settings settings = {.width = 160,
		.height = 90,
		.pictures = 12,
		.quality = 25,
		.key_every = 4,
		.coarser_from = 3};

	for (size_t i = 0; i < TR_COUNT(rates); i++) {
		tr_world_words("personality=intel-new");
		make_ladder(rates[i], 100, false);
		track_record(&settings, &ladder, &result);
		assert_whole(12);
		assert_int_equal(result.exact, 12);
		assert_int_equal(result.handovers, 0);
	}
}

/* Picture 0 of the runtime's is the one that proves at its opening that it encodes. */
static const struct {
	const char *word;
	bool is_accident; /* the same device is opened once more */
	const char *said;
} faults[] = {
	{"end:-21", false, "the GPU hung, and the kernel has reset it (-21)"},
	{"end:-17", false, "the GPU's device failed, or was lost (-17)"},
	{"end:-16", false, "the QSV runtime does not take these settings (-16)"},
	{"end:-4", false, "the QSV runtime has no memory left (-4)"},
	{"sync:-21", false, "empty packet"}, /* FFmpeg does not look at what the wait says */
	{"empty", false, "empty packet"},
	{"garbage", false, ""},
	{"exit", true, "exited with code 1"},
	{"abort", true, "signal 6"},
	{"hang", true, ""},
};

static void run(size_t fault, const char *moment, int pictures)
{
	struct track_settings settings = {
		.width = 160, .height = 90, .pictures = pictures, .quality = 20, .key_every = 50};
	char words[96];

	snprintf(words, sizeof(words), "fault=%s%s", faults[fault].word, moment);
	tr_world_words(words);
	make_ladder(TR_RUNG_RATE_VBR, 100, false);
	track_record(&settings, &ladder, &result);
	const struct tr_relay_log *log = &result.log;
	printf("%-10s %-5s %3d of %3d played, %3d exact: %u %s%s%s\n", faults[fault].word, moment,
		result.decoded, pictures, result.exact, log->failure_count,
		log->failure_count ? tr_ladder_failure_name(log->failures[0].what) : "no failure",
		log->failure_count ? ": " : "",
		log->failure_count ? log->failures[0].sentence : "");
	assert_whole(pictures);
	assert_true(log->failure_count >= 1);
	assert_non_null(strstr(log->failures[0].sentence, faults[fault].said));
	if (pictures == MANY)
		assert_int_equal(log->failures[0].at_ns, 99 * (TR_NS_PER_S / 30));
	if (!faults[fault].is_accident)
		assert_string_equal(log->legs[log->leg_count - 1].name, "libx264");
}

static void whatever_the_runtime_does_the_track_is_whole(void **state)
{
	for (size_t i = 0; i < TR_COUNT(faults); i++) {
		run(i, "@0", FEW);
		run(i, "@1", FEW);
		run(i, "@100", MANY);
	}
}

static void a_machine_without_its_runtime_says_which_one_is_missing(void **state)
{
	struct track_settings settings = {.width = 160, .height = 90, .pictures = 3, .quality = 25};

	tr_world_words("personality=decode-only");
	make_ladder(TR_RUNG_RATE_VBR, 100, false);
	track_record(&settings, &ladder, &result);
	assert_whole(3);
	assert_int_equal(result.log.failure_count, 1);
	print_message("%s\n", result.log.failures[0].sentence);
	assert_int_equal(result.log.failures[0].what, TR_LADDER_NOT_OPENED);
}

static void skip_without_a_runtime(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/mfx", getenv("TR_TEST_WORLD"));
	if (access(path, X_OK) == 0 && avcodec_find_encoder_by_name("h264_qsv"))
		return;
	printf("skipped: no libvpl-dev when this was built, or no h264_qsv in FFmpeg\n");
	exit(77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rate_control_gives_back_what_was_put_in),
		cmocka_unit_test(a_key_picture_comes_when_it_is_asked_for),
		cmocka_unit_test(coarser_pictures_stay_in_the_same_track),
		cmocka_unit_test(whatever_the_runtime_does_the_track_is_whole),
		cmocka_unit_test(a_machine_without_its_runtime_says_which_one_is_missing),
	};
	tr_world_enter("intel+qsv");
	skip_without_a_runtime();
	return cmocka_run_group_tests_name("qsv", tests, NULL, NULL);
}
