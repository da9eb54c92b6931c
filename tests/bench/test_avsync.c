#include "test.h"

#include "avsync/offsets.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct figures {
	double mean, sd, p95, drift, pairs, dropouts, missing;
	int exit_code;
};

static char folder[] = "/tmp/avsync-XXXXXX";

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[100];
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	return system(command);
}

static double value_of(const char *json, const char *name)
{
	char key[50];
	snprintf(key, sizeof(key), "\"%s\": ", name);
	const char *found = strstr(json, key);
	assert_non_null(found);
	return strtod(found + strlen(key), NULL);
}

/* Flashes at whole seconds; beeps where `beep_at` (a function of t, seconds) wraps at 1. */
static struct figures measure(const char *beep_at, const char *filter, const char *codecs,
	const char *name, const char *more)
{
	char command[2000], out[2000] = "";
	const char *build = getenv("TR_BUILD_DIR");

	snprintf(command, sizeof(command),
		"ffmpeg -nostdin -v error -y -f lavfi -i \"testsrc2=s=640x360:r=30:d=12,"
		"eq=brightness=-0.3,drawbox=x=100:y=60:w=150:h=150:c=black:t=fill,"
		"drawbox=x=100:y=60:w=150:h=150:c=white:t=fill:enable='lt(mod(t+0.0001,1),0.1)'%s\" "
		"-f lavfi -i \"aevalsrc='0.4*sin(2*PI*1000*t)*lt(%s,0.1)':s=48000:d=12\" "
		"%s %s/%s 2>&1 && %s/telerec-avsync --json %s %s/%s",
		filter, beep_at, codecs, folder, name, build ? build : ".", more, folder, name);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t size = fread(out, 1, sizeof(out) - 1, pipe);
	out[size] = '\0';
	int status = pclose(pipe);
	if (!strchr(out, '{'))
		print_message("%s\n", out);
	assert_true(WIFEXITED(status));
	return (struct figures){
		.mean = value_of(out, "mean_ms"),
		.sd = value_of(out, "sd_ms"),
		.p95 = value_of(out, "p95_ms"),
		.drift = value_of(out, "drift_ms_per_min"),
		.pairs = value_of(out, "pairs"),
		.dropouts = value_of(out, "dropouts"),
		.missing = value_of(out, "missing_beeps") + value_of(out, "missing_flashes"),
		.exit_code = WEXITSTATUS(status),
	};
}

#define H264_AAC "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac"

static void assert_near(double got, double wanted, double tolerance)
{
	if (fabs(got - wanted) > tolerance)
		fail_msg("%.3f is not within %.3f of %.3f", got, tolerance, wanted);
}

static void sound_and_picture_together_are_zero(void **state)
{
	struct figures f = measure("mod(t,1)", "", H264_AAC, "zero.mp4", "");
	assert_near(f.mean, 0, 1);
	assert_near(f.sd, 0, 0.5);
	assert_near(f.drift, 0, 1);
	assert_true(f.pairs >= 11);
	assert_near(f.missing + f.dropouts, 0, 0);
}

static void late_sound_is_positive(void **state)
{
	assert_near(measure("mod(t+0.96,1)", "", H264_AAC, "late.mp4", "").mean, 40, 1);
}

static void early_sound_is_negative(void **state)
{
	assert_near(measure("mod(t+0.085,1)", "", H264_AAC, "early.mp4", "").mean, -85, 1);
}

static void drift_is_found(void **state)
{
	/* The beep comes 0.5 ms later each second. */
	struct figures f = measure("mod(t*0.9995,1)", "", H264_AAC, "drift.mp4", "");
	assert_near(f.drift, 30, 1.5);
}

static void variable_frame_rate_does_not_matter(void **state)
{
	struct figures f =
		measure("mod(t+0.96,1)", ",select='lt(mod(t+0.0001,1),0.2)+not(mod(n,7))'",
			H264_AAC " -fps_mode vfr", "vfr.mp4", "");
	assert_near(f.mean, 40, 1);
	assert_near(f.missing, 0, 0);
}

static void flv_and_webm_are_read(void **state)
{
	/* FLV has no room for AAC's priming: a player plays it 1024 samples late. */
	struct figures f = measure("mod(t+0.96,1)", "", H264_AAC, "a.flv", "");
	assert_near(f.mean, 40 + 1024.0 / 48, 23);
	f = measure("mod(t+0.96,1)", "", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus",
		"a.webm", "");
	assert_near(f.mean, 40, 8); /* ffmpeg writes the pictures a codec delay late */
}

static void a_shifted_track_is_followed_as_players_do(void **state)
{
	struct figures f;
	f = measure("mod(t,1)", "", "-af adelay=100:all=1 " H264_AAC, "delay.mp4", "");
	assert_near(f.mean, 100, 1);
}

static void limits_decide_the_exit_code(void **state)
{
	struct figures f = measure("mod(t+0.96,1)", "", H264_AAC, "limit.mp4", "--max-mean-ms 20");
	assert_int_equal(f.exit_code, 1);
	f = measure("mod(t+0.96,1)", "", H264_AAC, "limit.mp4",
		"--max-mean-ms 50 --max-p95-ms 15 --max-drift 2 --region 100,60,150,150");
	assert_int_equal(f.exit_code, 0);
}

static void a_break_in_a_beep_is_a_dropout(void **state)
{
	struct figures f = measure("mod(t,1)+between(t,5.04,5.05)", "",
		"-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a pcm_s16le", "break.mkv", "");
	assert_near(f.dropouts, 1, 0);
	assert_near(f.mean, 0, 1);
}

static void pairs_are_found_with_one_missing_on_each_side(void **state)
{
	const double flashes[] = {1, 2, 3, 5, 6, 7, 8},
		     beeps[] = {1.01, 3.01, 4.01, 5.01, 6.01, 8.01};
	struct bench_offsets offsets;
	assert_int_equal(bench_offsets_measure(flashes, 7, beeps, 6, &offsets), 0);
	assert_int_equal(offsets.pairs, 5);
	assert_int_equal(offsets.missing_beeps, 2);
	assert_int_equal(offsets.missing_flashes, 1);
	assert_near(offsets.mean_ms, 10, 0.001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_found_with_one_missing_on_each_side),
		cmocka_unit_test(sound_and_picture_together_are_zero),
		cmocka_unit_test(late_sound_is_positive),
		cmocka_unit_test(early_sound_is_negative),
		cmocka_unit_test(drift_is_found),
		cmocka_unit_test(variable_frame_rate_does_not_matter),
		cmocka_unit_test(flv_and_webm_are_read),
		cmocka_unit_test(a_shifted_track_is_followed_as_players_do),
		cmocka_unit_test(limits_decide_the_exit_code),
		cmocka_unit_test(a_break_in_a_beep_is_a_dropout),
	};
	if (system("ffmpeg -version >/dev/null 2>&1") != 0) {
		puts("skipped: no ffmpeg program to make files with");
		return 77;
	}
	return cmocka_run_group_tests_name("avsync", tests, make_folder, remove_folder);
}
