/* The real h264_qsv and Intel's dispatcher on the test runtime: bit for bit, and its faults. */
#include "test.h"

#include "peers/gpu/clip.h"
#include "peers/gpu/world.h"

#include <libavcodec/avcodec.h>
#include <libavutil/error.h>

static struct clip_result result;

static struct clip clip_of(const char *options)
{
	return (struct clip){640, 360, 8, options, "h264_qsv"};
}

static void what_is_decoded_is_what_was_put_in(void **state)
{
	static const struct clip clips[] = {
		{640, 360, 8, "bf=0:b=2000000", "h264_qsv"},
		{642, 362, 8, "bf=0:b=2000000:maxrate=2000000:async_depth=1", "h264_qsv"},
		{642, 362, 8, "bf=0:b=2000000:cavlc=1:profile=main", "h264_qsv"},
		{1280, 720, 5, "bf=0:global_quality=25", "h264_qsv"},
		{640, 360, 9, "bf=0:b=2000000:g=4:profile=baseline", "h264_qsv"},
	};

	for (size_t i = 0; i < TR_COUNT(clips); i++) {
		tr_world_words("personality=intel-new");
		clip_run(&clips[i], &result);
		if (result.rc < 0 || result.exact != clips[i].frames)
			print_error("\"%s\": stage %d, %s\n%s", clips[i].options, result.stage,
				av_err2str(result.rc), result.words);
		assert_int_equal(result.rc, 0);
		assert_int_equal(result.exact, clips[i].frames);
		assert_int_equal(result.colours, AVCOL_SPC_BT709);
		assert_true(tr_world_logged("mfx close open=0"));
		assert_true(tr_world_logged("terminate leaks=0"));
	}
}

static void its_faults_are_errors_of_the_encoder(void **state)
{
	static const struct {
		const char *words;
		enum clip_stage stage;
		const char *said;
	} rows[] = {
		{"fault=createcontext", CLIP_OPEN, "device failed (-17)"},
		/* the dispatcher goes on to the runtime that the machine has, which wants its GPU
		 */
		{"personality=decode-only", CLIP_OPEN, ""},
		{"personality=lp-cqp-only", CLIP_OPEN, "not supported by the QSV runtime"},
		{"fault=end:-21@3", CLIP_ENCODE, "(-21)"},
		{"fault=end:-17@3", CLIP_ENCODE, "device failed (-17)"},
		{"fault=end:-4@1", CLIP_ENCODE, "failed to allocate memory (-4)"},
	};

	for (size_t i = 0; i < TR_COUNT(rows); i++) {
		struct clip clip = clip_of("bf=0:b=2000000");
		tr_world_words(rows[i].words);
		clip_run(&clip, &result);
		if (result.stage != rows[i].stage || !strstr(result.words, rows[i].said))
			print_error("%s: stage %d, %s\n%s", rows[i].words, result.stage,
				av_err2str(result.rc), result.words);
		assert_true(result.rc < 0);
		assert_int_equal(result.stage, rows[i].stage);
		assert_non_null(strstr(result.words, rows[i].said));
	}
}

static void empty_packets_are_what_they_are(void **state)
{
	struct clip clip = clip_of("bf=0:b=2000000");

	tr_world_words("fault=empty@5");
	clip_run(&clip, &result);
	assert_int_equal(result.exact, 5);
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
		cmocka_unit_test(what_is_decoded_is_what_was_put_in),
		cmocka_unit_test(its_faults_are_errors_of_the_encoder),
		cmocka_unit_test(empty_packets_are_what_they_are),
	};
	tr_world_enter("intel+qsv");
	skip_without_a_runtime();
	return cmocka_run_group_tests_name("gpu_qsv", tests, NULL, NULL);
}
