/* The real plug-in, loaded by the real libasound, read by the real capture. */
#include "test.h"

#include "audio/plugin/shm.h"
#include "core/child.h"
#include "core/clock.h"
#include "sound_rig.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define TURNS 8

static struct rig rig;
static const char *self;

static int open_rig(void **state)
{
	rig_open(&rig, "plugin");
	return 0;
}

static int close_rig(void **state)
{
	rig_close(&rig);
	return 0;
}

/* Never zero, and each place is told from its neighbours. */
static int16_t coded(int64_t i)
{
	return (int16_t)(1 + (i * 7919) % 30011);
}

static int16_t *make_coded(unsigned frames, unsigned channels)
{
	int16_t *data = malloc(frames * channels * sizeof(*data));

	assert_non_null(data);
	for (unsigned i = 0; i < frames; i++)
		for (unsigned c = 0; c < channels; c++)
			data[i * channels + c] = (int16_t)(c ? -coded(i) : coded(i));
	return data;
}

static int64_t find_first(void)
{
	for (int64_t i = 0; i < rig.frames; i++)
		if (rig.left[i] != 0)
			return i;
	return -1;
}

static int64_t count_sounding(void)
{
	int64_t count = 0;

	for (int64_t i = 0; i < rig.frames; i++)
		count += rig.left[i] != 0;
	return count;
}

static void assert_coded_from(int64_t first, int64_t frames)
{
	assert_true(first >= 0);
	assert_true(first + frames <= rig.frames);
	for (int64_t i = 0; i < frames; i++) {
		if (rig.left[first + i] != (float)coded(i) / 32768)
			fail_msg("frame %lld of %lld differs", (long long)i, (long long)frames);
	}
	assert_int_equal(count_sounding(), frames);
}

static void pass(int ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * TR_NS_PER_MS};

	nanosleep(&time, NULL);
}

/* A machine that stops a player for longer than the recorder waits proves nothing: once more. After
 * the last turn it is judged all the same, for a stall may be ours. */
static bool is_again(const struct tr_capture_stats *stats, int *turn)
{
	return stats->stalls > 0 && ++*turn < TURNS;
}

static void samples_arrive_exactly_and_at_the_time_the_player_was_told(void **state)
{
	struct tr_capture_stats stats;
	snd_pcm_sframes_t delay;
	int64_t before_ns, after_ns;
	int turn = 0;
	int16_t *data = make_coded(48000, 2);

	do {
		rig_start(&rig);
		snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
		rig_write(pcm, data, 24000);
		before_ns = tr_clock_now_ns();
		assert_int_equal(snd_pcm_delay(pcm, &delay), 0);
		after_ns = tr_clock_now_ns();
		rig_write(pcm, data + 2 * 24000, 24000);
		assert_int_equal(snd_pcm_drain(pcm), 0);
		assert_int_equal(snd_pcm_close(pcm), 0);
		rig_stop(&rig, &stats);
	} while (is_again(&stats, &turn));

	int64_t first = find_first();
	assert_coded_from(first, 48000);
	assert_float_equal(rig.right[first], -rig.left[first], 0);
	/* Frame 24000 was said to sound `delay` after a moment between the two. */
	int64_t earliest = (before_ns - rig.start_ns) * 3 / 62500 + delay - 2;
	int64_t latest = (after_ns - rig.start_ns) * 3 / 62500 + delay + 2;
	assert_in_range(first + 24000, earliest, latest);
	assert_in_range(stats.opens, 1, 1 + turn);
	assert_int_equal(stats.lost_frames, 0);
	assert_int_equal(stats.gaps, 0);
	free(data);
}

static void write_constant(snd_pcm_t *pcm, int16_t value, unsigned frames)
{
	int16_t block[2 * 480];

	for (unsigned i = 0; i < 2 * 480; i++)
		block[i] = value;
	for (unsigned done = 0; done < frames; done += 480)
		rig_write(pcm, block, 480);
}

static void two_players_mix(void **state)
{
	struct tr_capture_stats stats;
	int turn = 0;
	int64_t alone = 0, both = 0;

	do {
		rig_start(&rig);
		snd_pcm_t *a = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
		snd_pcm_t *b = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
		for (int i = 0; i < 50; i++) {
			write_constant(a, 1000, 480);
			write_constant(b, 2000, 480);
		}
		snd_pcm_drain(a);
		snd_pcm_drain(b);
		snd_pcm_close(a);
		snd_pcm_close(b);
		rig_stop(&rig, &stats);
	} while (is_again(&stats, &turn));
	for (int64_t i = 0; i < rig.frames; i++) {
		int value = (int)lrintf(rig.left[i] * 32768);
		assert_true(value == 0 || value == 1000 || value == 2000 || value == 3000);
		alone += value == 1000 || value == 2000;
		both += value == 3000;
	}
	assert_int_equal(alone + 2 * both, 2 * 24000);
	assert_true(both > 12000);
	assert_in_range(stats.opens, 2, 2 * (1 + turn));
}

/* A recording of one player that plays this and goes. */
static void play_once(snd_pcm_format_t format, unsigned channels, unsigned rate, const void *data,
	unsigned frames)
{
	struct tr_capture_stats stats;
	int turn = 0;

	do {
		rig_start(&rig);
		snd_pcm_t *pcm = rig_open_player(&rig, format, channels, rate);
		rig_write(pcm, data, frames);
		snd_pcm_drain(pcm);
		snd_pcm_close(pcm);
		rig_stop(&rig, &stats);
	} while (is_again(&stats, &turn));
}

static void mono_reaches_both_channels(void **state)
{
	int16_t *data = make_coded(24000, 1);

	play_once(SND_PCM_FORMAT_S16_LE, 1, 48000, data, 24000);
	int64_t first = find_first();
	assert_coded_from(first, 24000);
	assert_memory_equal(rig.right + first, rig.left + first, 24000 * sizeof(float));
	free(data);
}

static void another_rate_is_converted_before_us(void **state)
{
	double squares = 0;
	float *data = malloc(44100 * 2 * sizeof(float));

	for (int i = 0; i < 44100; i++)
		data[2 * i] = data[2 * i + 1] = 0.5f * sinf(2 * (float)M_PI * 441 * i / 44100);
	play_once(SND_PCM_FORMAT_FLOAT_LE, 2, 44100, data, 44100);
	for (int64_t i = 0; i < rig.frames; i++)
		squares += rig.left[i] * rig.left[i];
	assert_in_range(count_sounding(), 47000, 48500);
	assert_float_equal(sqrt(squares / 48000), 0.5 / sqrt(2), 0.01);
	free(data);
}

static void a_late_player_loses_nothing(void **state)
{
	struct tr_capture_stats stats;
	int turn = 0;
	int16_t *data = make_coded(48000, 2);

	do {
		rig_start(&rig);
		snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
		rig_write(pcm, data, 16000);
		pass(300); /* more than its whole buffer */
		rig_write(pcm, data + 2 * 16000, 32000);
		snd_pcm_drain(pcm);
		snd_pcm_close(pcm);
		rig_stop(&rig, &stats);
	} while (is_again(&stats, &turn));
	assert_coded_from(find_first(), 48000);
	assert_true(stats.late_frames > 5000);
	assert_int_equal(stats.lost_frames, 0);
	free(data);
}

static void a_player_that_slept_goes_on_at_the_present(void **state)
{
	struct tr_capture_stats stats;
	snd_pcm_sframes_t delay;

	rig_start(&rig);
	snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
	write_constant(pcm, 1000, 9600);
	pass(1000);
	write_constant(pcm, 1000, 9600);
	assert_int_equal(snd_pcm_delay(pcm, &delay), 0);
	assert_true(delay > -48000 * 6 / 10); /* not a second behind for ever */
	snd_pcm_drain(pcm);
	snd_pcm_close(pcm);
	rig_stop(&rig, &stats);
	assert_int_equal(count_sounding(), 19200);
	assert_true(stats.stalls >= 1);
}

static void what_is_dropped_or_paused_does_not_sound(void **state)
{
	struct tr_capture_stats stats;
	int turn = 0;

	do {
		rig_start(&rig);
		snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
		write_constant(pcm, 1000, 9600);
		assert_int_equal(snd_pcm_pause(pcm, 1), 0);
		pass(100);
		assert_int_equal(snd_pcm_pause(pcm, 0), 0);
		write_constant(pcm, 1000, 9600);
		snd_pcm_drain(pcm);
		snd_pcm_prepare(pcm);
		write_constant(pcm, 2000, 9600);
		assert_int_equal(snd_pcm_drop(pcm), 0);
		snd_pcm_close(pcm);
		rig_stop(&rig, &stats);
	} while (is_again(&stats, &turn));

	int64_t thousands = 0, others = 0, holes = 0, last = -1;
	for (int64_t i = 0; i < rig.frames; i++) {
		int value = (int)lrintf(rig.left[i] * 32768);
		if (value == 1000) {
			holes += last >= 0 && i - last > 1;
			last = i;
			thousands++;
		}
		others += value == 2000;
	}
	assert_int_equal(thousands, 19200);
	assert_int_equal(holes, 1);
	/* About 4096 frames were queued; how many were due is up to the machine. */
	assert_true(others < 9600);
}

static snd_pcm_t *open_raw(snd_pcm_access_t access, int mode)
{
	snd_pcm_t *pcm = NULL;

	setenv("ALSA_CONFIG_PATH", rig.card->config, 1);
	assert_int_equal(snd_pcm_open(&pcm, "telerec_raw", SND_PCM_STREAM_PLAYBACK, mode), 0);
	assert_int_equal(
		snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16_LE, access, 2, 48000, 0, 85333), 0);
	return pcm;
}

static void map_and_poll(snd_pcm_t *pcm, const int16_t *data)
{
	snd_pcm_uframes_t done = 0;
	unsigned waits = 0;

	while (done < 48000) {
		int rc = snd_pcm_wait(pcm, 30000);
		assert_int_equal(rc, 1);
		waits++;
		snd_pcm_sframes_t room = snd_pcm_avail_update(pcm);
		assert_true(room > 0);
		if ((snd_pcm_uframes_t)room > 48000 - done)
			room = (snd_pcm_sframes_t)(48000 - done);
		snd_pcm_sframes_t put =
			snd_pcm_mmap_writei(pcm, data + 2 * done, (snd_pcm_uframes_t)room);
		assert_true(put > 0);
		done += (snd_pcm_uframes_t)put;
	}
	assert_true(waits < 150); /* 44 periods; more would be spinning */
	assert_int_equal(snd_pcm_nonblock(pcm, 0), 0);
	assert_int_equal(snd_pcm_drain(pcm), 0);
}

static void a_player_that_maps_and_polls_is_woken_just_when_there_is_room(void **state)
{
	struct tr_capture_stats stats;
	int turn = 0;
	int16_t *data = make_coded(48000, 2);

	do {
		rig_start(&rig);
		snd_pcm_t *pcm = open_raw(SND_PCM_ACCESS_MMAP_INTERLEAVED, SND_PCM_NONBLOCK);
		map_and_poll(pcm, data);
		snd_pcm_close(pcm);
		rig_stop(&rig, &stats);
	} while (is_again(&stats, &turn));
	assert_coded_from(find_first(), 48000);
	free(data);
}

static void what_is_rewound_is_replaced(void **state)
{
	struct tr_capture_stats stats;
	int64_t thousands = 0, others = 0;

	rig_start(&rig);
	snd_pcm_t *pcm = open_raw(SND_PCM_ACCESS_RW_INTERLEAVED, 0);
	write_constant(pcm, 1000, 9600);
	snd_pcm_sframes_t back = snd_pcm_rewind(pcm, 960);
	assert_int_equal(back, 960);
	write_constant(pcm, 2000, 960);
	snd_pcm_drain(pcm);
	snd_pcm_close(pcm);
	rig_stop(&rig, &stats);
	for (int64_t i = 0; i < rig.frames; i++) {
		int value = (int)lrintf(rig.left[i] * 32768);
		thousands += value == 1000;
		others += value == 2000;
	}
	if (stats.late_frames > 0)
		return; /* the machine stood still: the rewound part had sounded */
	assert_int_equal(thousands, 9600 - 960);
	assert_int_equal(others, 960);
}

static void nobody_playing_is_noticed(void **state)
{
	struct tr_capture_stats stats;

	rig_start(&rig);
	pass(100);
	rig_stop(&rig, &stats);
	assert_true(stats.has_players);
	assert_int_equal(stats.opens, 0);
	assert_int_equal(stats.first_open_ns, 0);
	assert_int_equal(count_sounding(), 0);
}

static void a_second_recording_hears_a_player_that_was_there_before(void **state)
{
	struct tr_capture_stats stats;

	snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
	write_constant(pcm, 1000, 9600); /* nobody records: gone */
	rig_start(&rig);
	write_constant(pcm, 1000, 9600);
	rig_stop(&rig, &stats);
	assert_true(count_sounding() > 4800);
	rig_start(&rig);
	write_constant(pcm, 1000, 48000); /* the first of it makes up for the break */
	snd_pcm_drain(pcm);
	snd_pcm_close(pcm);
	rig_stop(&rig, &stats);
	assert_true(count_sounding() > 4800);
	for (int64_t i = 0; i < rig.frames; i++) /* nothing old, nothing twice */
		assert_true(rig.left[i] == 0 || rig.left[i] == 1000.0f / 32768);
}

static bool are_two_playing(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.players >= 2;
}

static void a_killed_player_leaves_the_others_going(void **state)
{
	struct tr_capture_stats stats;
	struct tr_child child;
	int64_t ours = 0;
	const char *argv[] = {self, "play", rig.card->config, NULL};
	struct tr_child_settings settings = {.argv = argv};

	rig_start(&rig);
	snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
	write_constant(pcm, 1000, 4800);
	assert_int_equal(tr_child_start(&settings, &child), 0);
	unsigned written = 4800;
	while (!are_two_playing(&rig) && written < 48000 * 20) {
		write_constant(pcm, 1000, 4800);
		written += 4800;
	}
	tr_child_kill(&child, SIGKILL);
	assert_true(tr_child_wait(&child, 10000) >= 0);
	write_constant(pcm, 1000, 24000);
	snd_pcm_drain(pcm);
	snd_pcm_close(pcm);
	rig_stop(&rig, &stats);
	assert_true(stats.opens >= 2);
	if (stats.stalls > 0)
		return; /* the machine stood still: what follows is not exact then */
	for (int64_t i = 0; i < rig.frames; i++) {
		int value = (int)lrintf(rig.left[i] * 32768);
		assert_true(value == 0 || value == 1000 || value == 70 || value == 1070);
		ours += value >= 1000;
	}
	assert_int_equal(ours, written + 24000);
}

static int open_shm(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/sound.shm", rig.dir);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void silence_errors(
	const char *file, int line, const char *function, int err, const char *format, ...)
{
}

static void a_damaged_header_is_refused(void **state)
{
	snd_pcm_t *pcm;
	uint32_t bad[] = {0, 1, 0xffffffff};
	int fd = open_shm();

	setenv("ALSA_CONFIG_PATH", rig.card->config, 1);
	snd_lib_error_set_handler(silence_errors);
	for (int word = 0; word < 4; word++) {
		for (unsigned i = 0; i < 3; i++) {
			uint32_t good;
			assert_int_equal(pread(fd, &good, 4, word * 4), 4);
			if (good == bad[i])
				continue;
			assert_int_equal(pwrite(fd, &bad[i], 4, word * 4), 4);
			assert_true(snd_pcm_open(&pcm, "telerec", SND_PCM_STREAM_PLAYBACK, 0) < 0);
			assert_int_equal(pwrite(fd, &good, 4, word * 4), 4);
		}
	}
	assert_int_equal(snd_pcm_open(&pcm, "telerec", SND_PCM_STREAM_PLAYBACK, 0), 0);
	snd_pcm_close(pcm);
	snd_lib_error_set_handler(NULL);
	close(fd);
}

static void a_vanished_or_cut_file_only_costs_the_sound(void **state)
{
	char path[128];
	struct tr_capture_stats stats;
	int fd = open_shm();

	rig_start(&rig);
	snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
	write_constant(pcm, 1000, 9600);
	assert_int_equal(ftruncate(fd, 0), 0);
	write_constant(pcm, 1000, 9600);
	snprintf(path, sizeof(path), "%s/sound.shm", rig.dir);
	unlink(path);
	write_constant(pcm, 1000, 9600);
	assert_int_equal(snd_pcm_drain(pcm), 0);
	snd_pcm_close(pcm);
	pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
	write_constant(pcm, 1000, 4800);
	snd_pcm_close(pcm);
	close(fd);
	rig_stop(&rig, &stats); /* as long as ever */
	rig_start(&rig);
	rig_stop(&rig, &stats);
	assert_int_equal(stats.opens, 0);
}

struct vandal {
	struct tr_shm *shm;
	atomic_bool is_done;
};

static void *scribble(void *user)
{
	struct vandal *vandal = user;
	uint64_t x = 88172645463325252u;

	while (!atomic_load(&vandal->is_done)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		atomic_store(&vandal->shm->generation, (uint32_t)x);
		atomic_store(&vandal->shm->read_position, (int64_t)(x * 3));
		atomic_store(&vandal->shm->start_position, (int64_t)(x * 5));
		atomic_store(&vandal->shm->openers[x % TR_SHM_OPENERS].owner, x);
		atomic_store(&vandal->shm->openers[x % TR_SHM_OPENERS].seen_ns, (int64_t)x);
		atomic_store(&vandal->shm->cells[x % TR_SHM_FRAMES].left, (int32_t)x);
		pass(1);
	}
	return NULL;
}

static void wild_numbers_in_the_memory_do_no_harm(void **state)
{
	pthread_t thread;
	struct vandal vandal = {0};
	int fd = open_shm();

	vandal.shm = mmap(NULL, sizeof(*vandal.shm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(vandal.shm != MAP_FAILED);
	assert_int_equal(pthread_create(&thread, NULL, scribble, &vandal), 0);
	for (int i = 0; i < 4; i++) {
		snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, 48000);
		write_constant(pcm, 1000, 9600);
		snd_pcm_pause(pcm, 1);
		snd_pcm_pause(pcm, 0);
		write_constant(pcm, 1000, 4800);
		if (i & 1)
			snd_pcm_drain(pcm);
		snd_pcm_close(pcm);
	}
	atomic_store(&vandal.is_done, true);
	pthread_join(thread, NULL);
	munmap(vandal.shm, sizeof(*vandal.shm));
	close(fd);
}

static int play_for_ever(const char *config)
{
	int16_t block[2 * 480];
	snd_pcm_t *pcm;

	setenv("ALSA_CONFIG_PATH", config, 1);
	if (snd_pcm_open(&pcm, "telerec", SND_PCM_STREAM_PLAYBACK, 0) < 0 ||
		snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED, 2,
			48000, 1, 85333) < 0)
		return 1;
	for (unsigned i = 0; i < 2 * 480; i++)
		block[i] = 70;
	while (snd_pcm_writei(pcm, block, 480) > 0)
		;
	return 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			samples_arrive_exactly_and_at_the_time_the_player_was_told, open_rig,
			close_rig),
		cmocka_unit_test_setup_teardown(two_players_mix, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(mono_reaches_both_channels, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(
			another_rate_is_converted_before_us, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(a_late_player_loses_nothing, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(
			a_player_that_slept_goes_on_at_the_present, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(
			what_is_dropped_or_paused_does_not_sound, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(
			a_player_that_maps_and_polls_is_woken_just_when_there_is_room, open_rig,
			close_rig),
		cmocka_unit_test_setup_teardown(what_is_rewound_is_replaced, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(nobody_playing_is_noticed, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(
			a_second_recording_hears_a_player_that_was_there_before, open_rig,
			close_rig),
		cmocka_unit_test_setup_teardown(
			a_killed_player_leaves_the_others_going, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(a_damaged_header_is_refused, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(
			a_vanished_or_cut_file_only_costs_the_sound, open_rig, close_rig),
		cmocka_unit_test_setup_teardown(
			wild_numbers_in_the_memory_do_no_harm, open_rig, close_rig),
	};

	self = "/proc/self/exe";
	if (argc == 3 && strcmp(argv[1], "play") == 0)
		return play_for_ever(argv[2]);
	static char path[1024];
	if (readlink("/proc/self/exe", path, sizeof(path) - 1) > 0)
		self = path;
	return cmocka_run_group_tests_name("plugin", tests, NULL, NULL);
}
