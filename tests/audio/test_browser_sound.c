/* A real Chromium plays a tone by WebAudio into the plug-in, as an ordinary user with its sandbox.
 */
#include "test.h"

#include "core/child.h"
#include "core/clock.h"
#include "sound_rig.h"

#include <grp.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define CHROMIUM "/usr/lib/chromium/chromium"
#define NOBODY 65534
#define TONE_HZ 1000
#define WINDOW 4800 /* whole turns of the tone */

static struct rig rig;
static struct tr_child browser;

static int open_all(void **state)
{
	rig_open(&rig, "plugin");
	return 0;
}

static int close_all(void **state)
{
	tr_child_stop(&browser, 2000);
	rig_close(&rig);
	return 0;
}

static void start_browser(void)
{
	char profile[128], device[160], config[256], home[128];
	const char *argv[] = {CHROMIUM, "--headless=new", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-dev-shm-usage",
		"--autoplay-policy=no-user-gesture-required", profile, device,
		"data:text/html,<script>const c=new AudioContext({sampleRate:48000});"
		"const o=c.createOscillator();const g=c.createGain();o.frequency.value=1000;"
		"g.gain.value=0.25;o.connect(g);g.connect(c.destination);o.start();</script>",
		NULL};
	const char *envp[] = {"PATH=/usr/bin:/bin", "PULSE_SERVER=unix:/nonexistent", config, home,
		"ASAN_OPTIONS=detect_leaks=0", NULL};

	snprintf(profile, sizeof(profile), "--user-data-dir=%s/profile", rig.dir);
	snprintf(device, sizeof(device), "--alsa-output-device=%s", rig.card->player_pcm);
	snprintf(config, sizeof(config), "ALSA_CONFIG_PATH=%s/asound.conf", rig.dir);
	snprintf(home, sizeof(home), "HOME=%s", rig.dir);
	FILE *log = fopen("/dev/null", "w");
	assert_non_null(log);
	struct tr_child_fd fds[] = {{.from = fileno(log), .to = 2}};
	struct tr_child_settings settings = {.argv = argv, .envp = envp, .fds = fds, .fd_count = 1};
	assert_int_equal(tr_child_start(&settings, &browser), 0);
	fclose(log);
}

static bool is_playing(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.last_sound_ns > 0;
}

static bool has_played_enough(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.frames > 4 * 48000;
}

/* Amplitude and phase of the tone in the window at `from`. */
static void listen(int64_t from, double *ret_amplitude, double *ret_phase)
{
	double re = 0, im = 0;

	for (int64_t i = from; i < from + WINDOW; i++) {
		double angle = 2 * M_PI * TONE_HZ * (double)i / 48000;
		re += rig.left[i] * cos(angle);
		im += rig.left[i] * sin(angle);
	}
	*ret_amplitude = 2 * hypot(re, im) / WINDOW;
	*ret_phase = atan2(im, re);
}

static void a_tone_of_the_page_arrives_without_a_lost_sample(void **state)
{
	struct tr_capture_stats stats;
	double amplitude, phase, first_phase = 0, worst = 0;

	rig_start(&rig);
	start_browser();
	assert_true(rig_wait_for(is_playing, &rig));
	rig_stop(&rig, &stats);
	assert_true(stats.opens >= 1);

	/* Again, while it plays: all of it sounds. The first second is the player's to catch up. */
	rig_start(&rig);
	assert_true(rig_wait_for(has_played_enough, &rig));
	rig_stop(&rig, &stats);
	for (int64_t from = 48000; from + WINDOW < rig.frames - 4800; from += WINDOW) {
		listen(from, &amplitude, &phase);
		assert_float_equal(amplitude, 0.25, 0.01);
		if (from == 48000)
			first_phase = phase;
		worst = fmax(worst, fabs(remainder(phase - first_phase, 2 * M_PI)));
	}
	/* One sample is 0.13 rad. */
	print_message("phase within %.5f rad, late frames %llu, stalls %u\n", worst,
		(unsigned long long)stats.late_frames, stats.stalls);
	if (stats.stalls == 0) {
		assert_true(worst < 0.02);
		assert_int_equal(stats.lost_frames, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_tone_of_the_page_arrives_without_a_lost_sample, open_all, close_all),
	};
	char plugin[1024];

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	puts("skipped: Chromium cannot load a plug-in with a sanitizer in it");
	return 77;
#endif
	if (access(CHROMIUM, X_OK) < 0) {
		puts("skipped: no " CHROMIUM);
		return 77;
	}
	if (geteuid() == 0 &&
		(setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)) {
		puts("skipped: cannot become an ordinary user");
		return 77;
	}
	rig_build_path("libasound_module_pcm_telerec.so", plugin, sizeof(plugin));
	if (access(plugin, R_OK) < 0) {
		puts("skipped: an ordinary user cannot read the build folder");
		return 77;
	}
	return cmocka_run_group_tests_name("browser_sound", tests, NULL, NULL);
}
