/* The real h264_vaapi on the test driver: bit for bit, and what the faults look like to its user.
 */
#include "test.h"

#include "peers/gpu/clip.h"
#include "peers/gpu/world.h"

#include <signal.h>
#include <time.h>

#include <libavcodec/avcodec.h>
#include <libavutil/error.h>

/* Newer versions (7.1) word some errors differently, and keep the device open after they coded. */
static const bool is_known_version = LIBAVCODEC_VERSION_MAJOR == 59;

static struct clip_result result;

static void assert_nothing_left(void)
{
	assert_true(!is_known_version || tr_world_logged("terminate leaks=0"));
	assert_false(tr_world_logged("leaked"));
}

static void assert_exact(const char *words, const struct clip *clip)
{
	tr_world_words(words);
	clip_run(clip, &result);
	if (result.rc < 0 || result.exact != clip->frames)
		print_error("%s %dx%d \"%s\": stage %d, %d of %d exact, %s\n%s", words, clip->width,
			clip->height, clip->options, result.stage, result.exact, clip->frames,
			av_err2str(result.rc), result.words);
	assert_int_equal(result.rc, 0);
	assert_int_equal(result.packets, clip->frames);
	assert_int_equal(result.decoded, clip->frames);
	assert_int_equal(result.exact, clip->frames);
	assert_nothing_left();
	assert_false(tr_world_logged("refused"));
}

static void what_is_decoded_is_what_was_put_in(void **state)
{
	static const struct clip clips[] = {
		{640, 360, 8, "bf=0", NULL},
		{642, 362, 8, "bf=0:coder=cavlc", NULL},
		{1280, 720, 5, "bf=0:b=2000000", NULL},
		{640, 360, 8, "bf=0:b=2000000:maxrate=2000000:profile=main", NULL},
		{640, 360, 8, "bf=0:qp=40:profile=constrained_baseline", NULL},
		{640, 360, 9, "bf=3:g=6", NULL},
		{642, 362, 9, "bf=2:coder=cavlc:profile=main", NULL},
		{640, 360, 8, "bf=0:slices=4:aud=1:async_depth=1", NULL},
		{640, 360, 8, "bf=0:async_depth=4:rc_mode=CQP:qp=30", NULL},
		{640, 360, 8, "bf=0:low_power=1", NULL},
	};

	for (size_t i = 0; i < TR_COUNT(clips); i++)
		assert_exact("personality=intel-new", &clips[i]);
}

static void each_personality_is_exact(void **state)
{
	static const struct {
		const char *words, *options;
	} rows[] = {
		{"personality=intel-old", "bf=0:b=2000000"},
		{"personality=lp-only", "bf=0:b=2000000:maxrate=2000000"},
		{"personality=lp-cqp-only", "bf=0:qp=25"},
		{"personality=amd", "bf=0"},
		{"personality=amd", "bf=0:coder=cavlc:profile=main:g=3"},
		{"personality=amd", "bf=0:profile=constrained_baseline:b=2000000"},
		{"personality=intel-new,no-packed", "bf=0"},
		{"personality=intel-new,no-derive", "bf=0"},
		{"personality=intel-new,no-syncbuffer", "bf=0"},
		{"personality=intel-new,lazy", "bf=0:async_depth=4"},
		{"lazy,personality=amd", "bf=0"},
		{"personality=intel-new,session-limit=1", "bf=0"},
		{"personality=intel-new,slow=5", "bf=0"},
	};

	for (size_t i = 0; i < TR_COUNT(rows); i++)
		assert_exact(rows[i].words, &(struct clip){642, 362, 8, rows[i].options, NULL});
}

static void each_fault_is_what_users_see_of_real_drivers(void **state)
{
	static const struct {
		const char *words, *options;
		enum clip_stage stage;
		int rc;
		const char *said;
	} rows[] = {
		/* libva tries i965 next, which is not there: its answer hides the first one */
		{"fault=init", "bf=0", CLIP_DEVICE, AVERROR(EIO), "iHD_drv_video.so init failed"},
		{"personality=decode-only", "bf=0", CLIP_OPEN, AVERROR(ENOSYS),
			"No usable encoding entrypoint found"},
		{"no-references", "bf=0", CLIP_OPEN, AVERROR(EINVAL),
			"does not support any reference frames"},
		{"cqp-only", "bf=0:b=1000000", CLIP_OPEN, AVERROR(EINVAL),
			"(supported modes: CQP)"},
		{"fault=createconfig", "bf=0", CLIP_OPEN, AVERROR(EIO),
			"14 (the requested RT Format is not supported)"},
		{"fault=createcontext", "bf=0", CLIP_OPEN, AVERROR(EIO),
			"2 (resource allocation failed)"},
		{"fault=createcontext:34", "bf=0", CLIP_OPEN, AVERROR(EIO), "34 (HW busy now)"},
		{"fault=createsurfaces", "bf=0", CLIP_FRAMES, AVERROR(ENOMEM),
			"Failed to create surface: 2"},
		{"max=320x240", "bf=0", CLIP_FRAMES, AVERROR(ENOMEM),
			"19 (resolution not supported)"},
		{"fault=begin@start", "bf=0", CLIP_ENCODE, AVERROR(EIO), "34 (HW busy now)"},
		{"fault=begin@3", "bf=0", CLIP_ENCODE, AVERROR(EIO), "34 (HW busy now)"},
		{"fault=render@3", "bf=0", CLIP_ENCODE, AVERROR(EIO), "1 (operation failed)"},
		{"fault=end@1", "bf=0", CLIP_ENCODE, AVERROR(EIO), "24 (internal encoding error)"},
		{"fault=sync@3", "bf=0", CLIP_ENCODE, AVERROR(EIO), "34 (HW busy now)"},
		{"fault=sync@3,no-syncbuffer", "bf=0", CLIP_ENCODE, AVERROR(EIO),
			"Failed to sync to picture completion"},
		{"fault=map@3", "bf=0", CLIP_ENCODE, AVERROR(EIO), "Failed to map output buffers"},
		{"fault=mapimage@3", "bf=0", CLIP_UPLOAD, AVERROR(EIO), "Failed to map image"},
		{"fault=derive@3", "bf=0", CLIP_UPLOAD, AVERROR(EIO), "Failed to derive image"},
	};

	for (size_t i = 0; i < TR_COUNT(rows); i++) {
		tr_world_words(rows[i].words);
		clip_run(&(struct clip){640, 360, 8, rows[i].options, NULL}, &result);
		if (result.rc != rows[i].rc || result.stage != rows[i].stage)
			print_error("%s: stage %d, %s\n%s", rows[i].words, result.stage,
				av_err2str(result.rc), result.words);
		assert_int_equal(result.stage, rows[i].stage);
		assert_int_equal(result.rc, rows[i].rc);
		if (is_known_version && !strstr(result.words, rows[i].said))
			print_error("%s: \"%s\"\n", rows[i].words, result.words);
		if (is_known_version)
			assert_non_null(strstr(result.words, rows[i].said));
		if (result.stage != CLIP_DEVICE)
			assert_nothing_left();
	}
}

static void empty_and_garbage_packets_are_no_errors_to_ffmpeg(void **state)
{
	struct clip clip = {640, 360, 8, "bf=0", NULL};

	tr_world_words("fault=empty@5");
	clip_run(&clip, &result);
	assert_int_equal(result.rc, 0);
	assert_in_range(result.empty, 2, 3); /* newer versions swallow the last one */
	assert_int_equal(result.exact, 5);
	tr_world_words("fault=garbage@5");
	clip_run(&clip, &result);
	assert_int_equal(result.rc, 0);
	assert_int_equal(result.packets, 8);
	assert_int_equal(result.empty, 0);
	assert_int_equal(result.exact, 5);
}

static void a_fault_can_strike_once_for_all(void **state)
{
	struct clip clip = {640, 360, 8, "bf=0", NULL};

	tr_world_words("fault=end@2,once");
	clip_run(&clip, &result);
	assert_int_equal(result.rc, AVERROR(EIO));
	clip_run(&clip, &result);
	assert_int_equal(result.rc, 0);
	assert_int_equal(result.exact, 8);
}

static pid_t start_child(const char *words)
{
	tr_world_words(words);
	pid_t pid = fork();
	if (pid == 0) {
		clip_run(&(struct clip){640, 360, 8, "bf=0", NULL}, &result);
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void exit_and_abort_take_the_process_with_them(void **state)
{
	int status;

	assert_int_equal(waitpid(start_child("fault=exit@3"), &status, 0) > 0, 1);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_int_equal(waitpid(start_child("fault=abort@3"), &status, 0) > 0, 1);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_int_equal(waitpid(start_child("fault=exit@close"), &status, 0) > 0, 1);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void a_hang_lasts_until_it_is_killed(void **state)
{
	static const char *const words[] = {
		"fault=hang@3", "fault=hang@start", "fault=hang@close", "fault=hang@init"};
	int status;

	for (size_t i = 0; i < TR_COUNT(words); i++) {
		pid_t pid = start_child(words[i]);
		while (!tr_world_logged("fault deed=3") && waitpid(pid, &status, WNOHANG) == 0)
			nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
}

static void a_session_too_many_is_refused_until_another_process_ends(void **state)
{
	tr_world_words("session-limit=1,fault=hang@3");
	pid_t pid = start_child("session-limit=1,fault=hang@3");
	int status;

	while (!tr_world_logged("fault deed=3") && waitpid(pid, &status, WNOHANG) == 0)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	setenv("TR_TEST_VA", "session-limit=1", 1);
	struct clip clip = {640, 360, 8, "bf=0", NULL};
	clip_run(&clip, &result);
	assert_int_equal(result.stage, CLIP_OPEN);
	assert_int_equal(result.rc, AVERROR(EIO));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	clip_run(&clip, &result);
	assert_int_equal(result.rc, 0);
	assert_int_equal(result.exact, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_decoded_is_what_was_put_in),
		cmocka_unit_test(each_personality_is_exact),
		cmocka_unit_test(each_fault_is_what_users_see_of_real_drivers),
		cmocka_unit_test(empty_and_garbage_packets_are_no_errors_to_ffmpeg),
		cmocka_unit_test(a_fault_can_strike_once_for_all),
		cmocka_unit_test(exit_and_abort_take_the_process_with_them),
		cmocka_unit_test(a_hang_lasts_until_it_is_killed),
		cmocka_unit_test(a_session_too_many_is_refused_until_another_process_ends),
	};
	tr_world_enter("intel");
	return cmocka_run_group_tests_name("gpu_encode", tests, NULL, NULL);
}
