/* All threads of a recording with real parts, into a file that is decoded. */
#include "test.h"

#include "core/clock.h"
#include "session/pipeline.h"
#include "session/stage.h"
#include "storage/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_NAME "recording.mp4"
#define LENGTH_NS (3 * TR_NS_PER_S)

static struct stage stage;
static struct tr_soundcard *card;
static int folder = -1;
static atomic_int news_count;
static int64_t late_ns; /* that the end came too late, on a machine that stood still */

static void on_news(enum tr_pipeline_news news, void *user)
{
	atomic_fetch_add(&news_count, 1);
}

static int open_stage(void **state)
{
	char plugin[512];

	news_count = 0;
	stage_open(&stage);
	snprintf(plugin, sizeof(plugin), "%s/libasound_module_pcm_telerec.so",
		getenv("TR_BUILD_DIR"));
	struct tr_soundcard_settings sound = {
		.source = "plugin", .runtime_dir = stage.dir, .plugin_path = plugin};
	assert_int_equal(tr_soundcard_open(&sound, &card), 0);
	folder = open(stage.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	return 0;
}

static int close_stage(void **state)
{
	tr_soundcard_close(tr_take(card));
	close(folder);
	stage_close(&stage);
	return 0;
}

static struct tr_pipeline_settings settings_for(const struct tr_xserver *server)
{
	return (struct tr_pipeline_settings){
		.dirfd = folder,
		.file = FILE_NAME,
		.video = stage_video(server),
		.soundcard = card,
		.audio_kbps = 128,
	};
}

/* Something moves for three seconds. */
static void record(const struct tr_pipeline_settings *settings, struct tr_quality *ret_quality)
{
	struct tr_pipeline *pipeline = NULL;
	struct tr_pipeline_status status;

	assert_int_equal(tr_pipeline_start(settings, on_news, NULL, &pipeline), 0);
	int64_t start_ns = tr_pipeline_start_ns(pipeline);
	for (int i = 0; i < 10; i++) {
		stage_fill(&stage, i % 2 ? 0xff8000 : 0x0080ff);
		stage_sleep_until(start_ns + i * TR_NS_PER_S / 10);
	}
	stage_sleep_until(start_ns + LENGTH_NS);
	tr_pipeline_read(pipeline, &status);
	assert_true(status.time_ns >= LENGTH_NS);
	late_ns = tr_clock_now_ns() - start_ns - LENGTH_NS;
	assert_int_equal(tr_pipeline_stop(pipeline, start_ns + LENGTH_NS, ret_quality, NULL), 0);
	assert_int_equal(news_count, 0);
}

static void check_file(bool sound_expected, struct tr_check *ret)
{
	assert_int_equal(tr_check_file(folder, FILE_NAME, sound_expected, ret), 0);
	assert_string_equal(ret->trouble, "");
	assert_int_equal(ret->quality.decode_errors, 0);
	assert_int_equal(ret->quality.time_errors, 0);
	assert_false(ret->is_truncated);
	assert_in_range(ret->quality.duration_ms, 2950, 3050 + late_ns / TR_NS_PER_MS);
	assert_int_equal(ret->quality.width, STAGE_WIDTH);
	assert_int_equal(ret->quality.height, STAGE_HEIGHT);
	assert_true(ret->pictures > 3);
}

static void three_seconds_become_a_file_of_three_seconds(void **state)
{
	struct tr_pipeline_settings settings = settings_for(&stage.server);
	struct tr_quality quality;
	struct tr_check check;

	record(&settings, &quality);
	assert_int_equal(quality.duration_ms, LENGTH_NS / TR_NS_PER_MS);
	assert_true(quality.has_video && quality.has_audio);
	assert_false(quality.had_player);
	assert_true(quality.encoder_restarts == 0 || late_ns > TR_NS_PER_S);
	assert_true(quality.silence_s > 2.9);
	check_file(false, &check);
	assert_int_equal(check.pictures, quality.frames_encoded);
	/* and what comes before time zero, and what fills the last frame */
	assert_in_range(
		check.samples, 48000 * 3, 48000 * 3 + 2 * 1024 + late_ns * 48 / TR_NS_PER_MS);
	assert_true(check.quality.file_gap_s < 0.001);
	assert_true(check.quality.track_difference_s < 0.05);
}

static void without_a_sound_card_there_is_no_sound_track(void **state)
{
	struct tr_pipeline_settings settings = settings_for(&stage.server);
	struct tr_quality quality;
	struct tr_check check;

	settings.soundcard = NULL;
	record(&settings, &quality);
	assert_false(quality.has_audio);
	check_file(false, &check);
	assert_int_equal(check.samples, 0);
}

static void assert_start_fails(const struct tr_pipeline_settings *settings, int expected)
{
	struct tr_pipeline *pipeline = NULL;
	struct stage_count before = stage_count();

	int rc = tr_pipeline_start(settings, on_news, NULL, &pipeline);
	assert_true(rc < 0);
	if (expected)
		assert_int_equal(rc, expected);
	assert_null(pipeline);
	struct stage_count after = stage_count();
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(news_count, 0);
}

static void a_display_that_is_not_there_leaves_nothing(void **state)
{
	struct tr_pipeline_settings settings = settings_for(NULL);

	assert_start_fails(&settings, 0);
	assert_int_equal(faccessat(folder, FILE_NAME, F_OK, 0), -1);
}

static void a_missing_encoder_leaves_nothing(void **state)
{
	struct tr_pipeline_settings settings = settings_for(&stage.server);

	settings.video.encoder.program = "/nonexistent/telerec-encoder";
	assert_start_fails(&settings, -ENOENT);
	assert_int_equal(faccessat(folder, FILE_NAME, F_OK, 0), -1);
}

static void a_folder_that_takes_no_file_leaves_nothing(void **state)
{
	struct tr_pipeline_settings settings = settings_for(&stage.server);

	assert_int_equal(mkdirat(folder, "gone", 0700), 0);
	settings.dirfd = openat(folder, "gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(settings.dirfd >= 0);
	assert_int_equal(unlinkat(folder, "gone", AT_REMOVEDIR), 0);
	assert_start_fails(&settings, -ENOENT);
	close(settings.dirfd);
}

static void a_file_that_exists_is_left_alone(void **state)
{
	struct tr_pipeline_settings settings = settings_for(&stage.server);
	struct stat st;

	int fd = openat(folder, FILE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_start_fails(&settings, -EEXIST);
	assert_int_equal(fstatat(folder, FILE_NAME, &st, 0), 0);
	assert_int_equal(st.st_size, 8);
}

static void a_start_after_one_that_failed_works(void **state)
{
	struct tr_pipeline_settings bad = settings_for(NULL);
	struct tr_pipeline_settings good = settings_for(&stage.server);
	struct tr_quality quality;
	struct tr_check check;

	assert_start_fails(&bad, 0);
	record(&good, &quality);
	check_file(false, &check);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(three_seconds_become_a_file_of_three_seconds),
		TEST(without_a_sound_card_there_is_no_sound_track),
		TEST(a_display_that_is_not_there_leaves_nothing),
		TEST(a_missing_encoder_leaves_nothing),
		TEST(a_folder_that_takes_no_file_leaves_nothing),
		TEST(a_file_that_exists_is_left_alone),
		TEST(a_start_after_one_that_failed_works),
	};
	int skip = stage_check();
	return skip ? skip : cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
