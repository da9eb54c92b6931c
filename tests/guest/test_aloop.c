/* The sound by the kernel's snd-aloop. Runs in a guest with the cards tr0, tr1 and
 * "Loopback" of eight substreams. */
#include "test.h"

#include "audio/alsa.h"
#include "core/clock.h"
#include "sound_rig.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RATE 48000
#define PLANS_MAX 4096
#define MATCH 64	   /* frames that have to be equal */
#define SEARCH (RATE / 10) /* how far from its planned place a sound is looked for */

/* What a player knows about its own sound: frame `frame` was to be heard at `ns`. */
struct plan {
	int64_t frame, ns;
};

struct noise {
	struct plan plans[PLANS_MAX];
	unsigned count;
	int64_t frames;
	unsigned underruns; /* of the player: a busy machine */
};

struct offsets {
	unsigned found, missing;
	double mean_ms, sd_ms, min_ms, max_ms;
	double first_ms, last_ms; /* means of the first and last tenth */
};

static struct rig rig;
static struct noise noise;

static int open_rig(void **state)
{
	rig_open(&rig, "auto");
	return 0;
}

static int make_dir(void **state)
{
	rig_make_dir(&rig);
	return 0;
}

static int close_rig(void **state)
{
	rig_close(&rig);
	unsetenv("ALSA_CONFIG_PATH"); /* a player set it */
	return 0;
}

/* Tells each frame from every other; never silent. */
static int16_t noise_at(int64_t frame, unsigned channel)
{
	uint64_t x = ((uint64_t)frame * 2 + channel + 1) * UINT64_C(0x9E3779B97F4A7C15);

	x ^= x >> 29;
	x *= UINT64_C(0xBF58476D1CE4E5B9);
	return (int16_t)(1 + (x >> 33) % 8000);
}

/* rig_write() for threads and busy machines: an underrun is counted, not fatal. */
static unsigned write_on(snd_pcm_t *pcm, const int16_t *from, unsigned channels, unsigned frames)
{
	unsigned underruns = 0;

	while (frames > 0) {
		snd_pcm_sframes_t done = snd_pcm_writei(pcm, from, frames);
		if (done < 0) {
			underruns++;
			if (snd_pcm_recover(pcm, (int)done, 1) < 0)
				break;
			continue;
		}
		from += (unsigned)done * channels;
		frames -= (unsigned)done;
	}
	return underruns;
}

/* Plays `seconds` of noise and writes down when it should be heard, as Chromium reckons it. */
static void play_noise(snd_pcm_t *pcm, unsigned seconds)
{
	int16_t block[480 * 2];
	snd_pcm_sframes_t delay;

	memset(&noise, 0, sizeof(noise));
	while (noise.frames < (int64_t)seconds * RATE) {
		if (noise.frames % 9600 == 0 && noise.frames > 0 && noise.count < PLANS_MAX &&
			snd_pcm_delay(pcm, &delay) == 0)
			noise.plans[noise.count++] = (struct plan){
				.frame = noise.frames, .ns = tr_clock_now_ns() + delay * 62500 / 3};
		for (unsigned i = 0; i < 480 * 2; i++)
			block[i] = noise_at(noise.frames + i / 2, i % 2);
		noise.underruns += write_on(pcm, block, 2, 480);
		noise.frames += 480;
	}
	snd_pcm_drain(pcm);
}

static bool is_noise_at(int64_t position, int64_t frame)
{
	for (int64_t i = 0; i < MATCH; i++)
		if (lrintf(rig.left[position + i] * 32768) != noise_at(frame + i, 0))
			return false;
	return true;
}

/* How far behind its planned place the frame was recorded. */
static bool find_plan(const struct plan *plan, int64_t *ret_offset)
{
	int64_t planned = (plan->ns - rig.start_ns) * 3 / 62500;

	for (int64_t away = 0; away <= 2 * SEARCH; away++) {
		int64_t offset = away % 2 ? (away + 1) / 2 : -away / 2;
		int64_t position = planned + offset;
		if (position < 0 || position + MATCH > rig.frames)
			continue;
		if (is_noise_at(position, plan->frame)) {
			*ret_offset = offset;
			return true;
		}
	}
	return false;
}

static void measure_offsets(struct offsets *offsets)
{
	double sum = 0, squares = 0, first = 0, last = 0;
	int64_t offset;
	unsigned tenth = (noise.count + 9) / 10;

	memset(offsets, 0, sizeof(*offsets));
	for (unsigned i = 0; i < noise.count; i++) {
		if (!find_plan(&noise.plans[i], &offset)) {
			offsets->missing++;
			continue;
		}
		double ms = (double)offset / RATE * 1000;
		offsets->min_ms = offsets->found ? fmin(offsets->min_ms, ms) : ms;
		offsets->max_ms = offsets->found ? fmax(offsets->max_ms, ms) : ms;
		offsets->found++;
		sum += ms;
		squares += ms * ms;
		first += i < tenth ? ms / tenth : 0;
		last += i >= noise.count - tenth ? ms / tenth : 0;
	}
	offsets->mean_ms = sum / offsets->found;
	offsets->sd_ms = sqrt(fmax(0, squares / offsets->found - pow(offsets->mean_ms, 2)));
	offsets->first_ms = first;
	offsets->last_ms = last;
	print_message("offset against the plan: mean %.2f ms, sd %.2f, %.2f to %.2f, "
		      "first tenth %.2f, last tenth %.2f (%u places, %u not found)\n",
		offsets->mean_ms, offsets->sd_ms, offsets->min_ms, offsets->max_ms, first, last,
		offsets->found, offsets->missing);
}

/* Frames of the noise, from the first place found on, that are not where they follow. */
static int64_t count_breaks(void)
{
	int64_t offset, wrong = 0;

	for (unsigned i = 0; i < noise.count; i++) {
		if (!find_plan(&noise.plans[i], &offset))
			continue;
		int64_t at = (noise.plans[i].ns - rig.start_ns) * 3 / 62500 + offset;
		for (int64_t n = noise.plans[i].frame; n < noise.frames; n++, at++)
			wrong += at >= rig.frames ||
				 lrintf(rig.left[at] * 32768) != noise_at(n, 0) ||
				 lrintf(rig.right[at] * 32768) != noise_at(n, 1);
		return wrong;
	}
	return noise.frames;
}

static void assert_noise_is_whole(const struct offsets *offsets)
{
	int64_t breaks = count_breaks();

	print_message("%lld frames of %lld are not where they follow, %u underruns of the player\n",
		(long long)breaks, (long long)noise.frames, noise.underruns);
	if (noise.underruns > 0)
		return; /* the player's own gaps, on a busy machine */
	assert_int_equal(breaks, 0);
	assert_int_equal(offsets->missing, 0);
}

/* A machine that lets the player run dry moves what is measured, too. */
static double slack(void)
{
	return noise.underruns > 5 ? 10 : noise.underruns > 0 ? 3 : 1;
}

/* The amplitude of one frequency in a stretch of the recording (Goertzel). */
static double amplitude(const float *samples, int64_t from, int64_t count, double frequency)
{
	double step = 2 * cos(2 * M_PI * frequency / RATE), s1 = 0, s2 = 0;

	for (int64_t i = 0; i < count; i++) {
		double s = samples[from + i] + step * s1 - s2;
		s2 = s1;
		s1 = s;
	}
	return 2 * sqrt(s1 * s1 + s2 * s2 - step * s1 * s2) / (double)count;
}

struct tone {
	pthread_t thread;
	snd_pcm_t *pcm;
	unsigned rate, channels, seconds;
	double frequency;
};

static void *play_tone(void *user)
{
	struct tone *tone = user;
	int16_t block[512 * 2];

	for (unsigned n = 0; n < tone->rate * tone->seconds; n += 512) {
		for (unsigned i = 0; i < 512; i++) {
			double value = sin(2 * M_PI * tone->frequency * (n + i) / tone->rate);
			for (unsigned c = 0; c < tone->channels; c++)
				block[i * tone->channels + c] = (int16_t)lrint(8000 * value);
		}
		(void)write_on(tone->pcm, block, tone->channels, 512);
	}
	snd_pcm_drain(tone->pcm);
	snd_pcm_close(tone->pcm);
	return NULL;
}

static void start_tone(struct tone *tone)
{
	tone->pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, tone->channels, tone->rate);
	assert_int_equal(pthread_create(&tone->thread, NULL, play_tone, tone), 0);
}

static bool is_half_second_long(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.frames > RATE / 2;
}

static void start_recording(void)
{
	rig_start(&rig);
	assert_true(rig_wait_for(is_half_second_long, &rig));
}

static void stop_recording(struct tr_capture_stats *ret_stats)
{
	rig_stop(&rig, ret_stats);
	print_message("%.1f s recorded, %u gaps (%lld frames), %u recoveries, drift %.1f ppm%s\n",
		(double)rig.frames / RATE, ret_stats->gaps, (long long)ret_stats->gap_frames,
		ret_stats->recoveries, ret_stats->drift_ppm,
		ret_stats->is_drift_known ? "" : " (unknown)");
	assert_int_equal(ret_stats->recoveries, 0);
}

/* Where in the recording the frequency is heard: the loudest 100 ms. */
static double loudest(const float *samples, double frequency)
{
	double best = 0;

	for (int64_t at = 0; at + RATE / 10 <= rig.frames; at += RATE / 20)
		best = fmax(best, amplitude(samples, at, RATE / 10, frequency));
	return best;
}

static void auto_takes_the_slots_own_card(void **state)
{
	print_message("%s; steered at %s\n", rig.card->about, rig.card->rate_shift);
	assert_int_equal(rig.card->way, TR_SOUNDCARD_LOOPBACK);
	assert_string_equal(rig.card->player_pcm, "telerec");
	assert_string_equal(rig.card->rate_shift, "hw:tr0,1,0");
	assert_string_equal(rig.card->problem, "");
}

static void two_players_of_other_rates_and_channels_are_both_heard(void **state)
{
	struct tone low = {.rate = 44100, .channels = 2, .seconds = 2, .frequency = 500};
	struct tone high = {.rate = 32000, .channels = 1, .seconds = 2, .frequency = 1700};
	struct tr_capture_stats stats;

	start_recording();
	start_tone(&low);
	start_tone(&high);
	pthread_join(low.thread, NULL);
	pthread_join(high.thread, NULL);
	stop_recording(&stats);
	print_message("amplitudes %.3f %.3f %.3f %.3f of 0.244\n", loudest(rig.left, 500),
		loudest(rig.right, 500), loudest(rig.left, 1700), loudest(rig.right, 1700));
	assert_float_equal(loudest(rig.left, 500), 0.244, 0.15);
	assert_float_equal(loudest(rig.right, 500), 0.244, 0.15);
	assert_float_equal(loudest(rig.left, 1700), 0.244, 0.15);
	assert_float_equal(loudest(rig.right, 1700), 0.244, 0.15);
	assert_true(loudest(rig.left, 1000) < 0.02);
}

static void the_other_slot_hears_nothing(void **state)
{
	struct tone tone = {.rate = 48000, .channels = 2, .seconds = 1, .frequency = 500};
	struct tr_soundcard_settings settings = {
		.source = "loopback", .runtime_dir = rig.dir, .slot = 1};
	struct tr_soundcard *first = rig.card;
	struct tr_capture_stats stats;

	start_tone(&tone); /* opened on the first slot's card */
	assert_int_equal(tr_soundcard_open(&settings, &rig.card), 0);
	assert_string_equal(rig.card->rate_shift, "hw:tr1,1,0");
	start_recording();
	pthread_join(tone.thread, NULL);
	stop_recording(&stats);
	assert_int_equal(stats.last_sound_ns, 0);
	tr_soundcard_close(rig.card);
	rig.card = first;
}

static void sound_arrives_whole_and_when_it_was_planned(void **state)
{
	struct offsets offsets;
	struct tr_capture_stats stats;

	start_recording();
	snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, RATE);
	play_noise(pcm, 57);
	snd_pcm_close(pcm);
	stop_recording(&stats);
	measure_offsets(&offsets);
	assert_true(fabs(offsets.mean_ms) < 5 * slack());
	assert_true(fabs(offsets.last_ms - offsets.first_ms) < 2 * slack());
	assert_noise_is_whole(&offsets);
	assert_true(stats.is_drift_known);
}

static void players_come_and_go_with_other_formats(void **state)
{
	static const struct {
		snd_pcm_format_t format;
		unsigned channels, rate;
	} players[] = {{SND_PCM_FORMAT_S16_LE, 2, 48000}, {SND_PCM_FORMAT_S16_LE, 1, 44100},
		{SND_PCM_FORMAT_S32_LE, 2, 96000}, {SND_PCM_FORMAT_FLOAT_LE, 2, 16000},
		{SND_PCM_FORMAT_U8, 1, 8000}};
	static const int16_t loud[96000 * 4];
	struct tr_capture_stats stats;

	start_recording();
	for (unsigned i = 0; i < TR_COUNT(players); i++) {
		snd_pcm_t *pcm = rig_open_player(
			&rig, players[i].format, players[i].channels, players[i].rate);
		(void)write_on(pcm, loud, 0, players[i].rate / 4);
		snd_pcm_drop(pcm); /* in the middle of its sound */
		snd_pcm_close(pcm);
	}
	struct tone tone = {.rate = 24000, .channels = 1, .seconds = 1, .frequency = 700};
	start_tone(&tone);
	pthread_join(tone.thread, NULL);
	stop_recording(&stats);
	assert_float_equal(loudest(rig.left, 700), 0.244, 0.15);
	assert_true(stats.gaps <= 3); /* until it was open; not one for each of them */
}

static void play_until_killed(void)
{
	snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, RATE);

	for (;;)
		play_noise(pcm, 1);
}

static bool has_heard(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.last_sound_ns != 0;
}

static void a_killed_player_does_not_keep_the_card(void **state)
{
	struct tone tone = {.rate = 48000, .channels = 2, .seconds = 1, .frequency = 900};
	struct tr_capture_stats stats;

	fflush(NULL);
	pid_t player = fork();
	assert_true(player >= 0);
	if (player == 0)
		play_until_killed();
	start_recording();
	assert_true(rig_wait_for(has_heard, &rig));
	kill(player, SIGKILL);
	assert_int_equal(waitpid(player, NULL, 0), player);
	start_tone(&tone);
	pthread_join(tone.thread, NULL);
	stop_recording(&stats);
	assert_float_equal(loudest(rig.left, 900), 0.244, 0.15);
}

/* Frames a second that the card makes while it is asked to be `ppm` faster. */
static double rate_at(double ppm)
{
	struct tr_alsa_settings settings = {.config = rig.card->config,
		.pcm = rig.card->capture_pcm,
		.rate_shift = rig.card->rate_shift};
	TR_CLEANUP(tr_alsa_closep) struct tr_alsa *alsa = NULL;
	static float left[4096], right[4096];
	int64_t frames = 0, unread, start_unread, start_ns, ns;

	assert_int_equal(tr_alsa_open(&settings, &alsa), 0);
	assert_int_equal(tr_alsa_steer(alsa, ppm), 0);
	assert_int_equal(tr_alsa_wait(alsa, 1000), 1);
	assert_int_equal(tr_alsa_get_time(alsa, &start_unread, &start_ns), 0);
	do {
		assert_true(tr_alsa_wait(alsa, 1000) >= 0);
		int got = tr_alsa_read(alsa, left, right, 4096);
		assert_true(got >= 0);
		frames += got;
		assert_int_equal(tr_alsa_get_time(alsa, &unread, &ns), 0);
	} while (ns - start_ns < 4 * TR_NS_PER_S);
	return (double)(frames + unread - start_unread) * 1e9 / (double)(ns - start_ns);
}

static void a_faster_clock_is_faster(void **state)
{
	double plain = rate_at(0), fast = rate_at(20000), slow = rate_at(-20000);

	print_message(
		"frames a second: %.1f, asked for +2 %%: %.1f, -2 %%: %.1f\n", plain, fast, slow);
	assert_float_equal(plain, RATE, RATE * 0.008);
	assert_float_equal(fast, RATE * 1.02, RATE * 0.008);
	assert_float_equal(slow, RATE * 0.98, RATE * 0.008);
}

/* A crystal that is slow by SLOW_PPM: what the capture asks of the clock is bent on the way. */
#define SLOW_PPM 500

struct crystal {
	pthread_t thread;
	atomic_bool must_end;
	long asked; /* the last value that the capture wrote */
};

static void *bend_clock(void *user)
{
	struct crystal *crystal = user;
	struct timespec moment = {.tv_nsec = 5 * TR_NS_PER_MS};
	snd_ctl_elem_value_t *value;
	snd_ctl_t *ctl;
	long mine = -1;

	snd_ctl_elem_value_alloca(&value);
	if (snd_ctl_open(&ctl, "hw:tr0", 0) < 0)
		return NULL;
	snd_ctl_elem_value_set_interface(value, SND_CTL_ELEM_IFACE_PCM);
	snd_ctl_elem_value_set_name(value, "PCM Rate Shift 100000");
	snd_ctl_elem_value_set_device(value, 1);
	while (!crystal->must_end) {
		if (snd_ctl_elem_read(ctl, value) == 0 &&
			snd_ctl_elem_value_get_integer(value, 0) != mine) {
			crystal->asked = snd_ctl_elem_value_get_integer(value, 0);
			mine = crystal->asked + SLOW_PPM / 10;
			snd_ctl_elem_value_set_integer(value, 0, mine);
			(void)snd_ctl_elem_write(ctl, value);
		}
		nanosleep(&moment, NULL);
	}
	snd_ctl_elem_value_set_integer(value, 0, 100000);
	(void)snd_ctl_elem_write(ctl, value);
	snd_ctl_close(ctl);
	return NULL;
}

static void a_slow_card_is_steered_back(void **state)
{
	struct crystal crystal = {.asked = 0};
	struct offsets offsets;
	struct tr_capture_stats stats;

	assert_int_equal(pthread_create(&crystal.thread, NULL, bend_clock, &crystal), 0);
	start_recording();
	snd_pcm_t *pcm = rig_open_player(&rig, SND_PCM_FORMAT_S16_LE, 2, RATE);
	play_noise(pcm, 45);
	snd_pcm_close(pcm);
	stop_recording(&stats);
	crystal.must_end = true;
	pthread_join(crystal.thread, NULL);
	measure_offsets(&offsets);
	print_message(
		"a card that is %d ppm slow: the control was at %ld\n", SLOW_PPM, crystal.asked);
	assert_float_equal(stats.drift_ppm, -SLOW_PPM, 150 * slack());
	assert_noise_is_whole(&offsets);
	assert_true(fabs(offsets.last_ms) < 6 * slack()); /* unsteered, it would be 22 */
}

static bool has_waited_two_seconds(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.frames > RATE * 2;
}

static void a_player_that_never_comes_leaves_silence(void **state)
{
	struct tr_capture_stats stats;

	start_recording();
	assert_true(rig_wait_for(has_waited_two_seconds, &rig));
	stop_recording(&stats);
	assert_false(stats.is_broken);
	assert_int_equal(stats.last_sound_ns, 0);
	for (int64_t i = 0; i < rig.frames; i++)
		assert_true(rig.left[i] == 0 && rig.right[i] == 0);
}

/* The guest's root takes card tr0 from its driver ("unbind") and gives it back ("bind"), or takes
 * all cards away with their module ("unload", "load"). */
static void ask_root(const char *order)
{
	struct timespec moment = {.tv_nsec = 20 * TR_NS_PER_MS};
	char path[64];

	snprintf(path, sizeof(path), "/tmp/%s", order);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fclose(file);
	for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
		nanosleep(&moment, NULL);
	assert_int_equal(access(path, F_OK), -1);
}

static bool is_broken(struct rig *the_rig)
{
	struct tr_capture_stats stats;

	tr_capture_get_stats(the_rig->capture, &stats);
	return stats.is_broken;
}

static bool is_whole(struct rig *the_rig)
{
	return !is_broken(the_rig);
}

static void lose_card_and_take_it_again(const char *loss, const char *cure)
{
	struct tone before = {.rate = 48000, .channels = 2, .seconds = 1, .frequency = 500};
	struct tone after = {.rate = 48000, .channels = 2, .seconds = 1, .frequency = 700};
	struct tr_capture_stats stats;

	start_recording();
	start_tone(&before);
	pthread_join(before.thread, NULL);
	ask_root(loss);
	assert_true(rig_wait_for(is_broken, &rig));
	assert_int_equal(access("/sys/module/snd_aloop", F_OK), strcmp(loss, "unload") ? 0 : -1);
	ask_root(cure);
	assert_true(rig_wait_for(is_whole, &rig));
	start_tone(&after);
	pthread_join(after.thread, NULL);
	rig_stop(&rig, &stats);
	print_message("%.1f s recorded, %u gaps (%.2f s), %u recoveries\n",
		(double)rig.frames / RATE, stats.gaps, (double)stats.gap_frames / RATE,
		stats.recoveries);
	assert_true(stats.recoveries >= 1);
	assert_true(stats.gap_frames > 0);
	assert_float_equal(loudest(rig.left, 500), 0.244, 0.15);
	assert_float_equal(loudest(rig.left, 700), 0.244, 0.15);
}

static void a_card_taken_away_under_a_recording_is_noticed_and_taken_again(void **state)
{
	lose_card_and_take_it_again("unbind", "bind");
}

static void a_module_unloaded_under_a_recording_is_noticed_and_its_card_taken_again(void **state)
{
	lose_card_and_take_it_again("unload", "load");
}

static void open_other_slot_while_busy(snd_pcm_stream_t stream, const char *device)
{
	struct tr_soundcard_settings settings = {
		.source = "loopback", .runtime_dir = rig.dir, .slot = 1};
	snd_pcm_t *holder;

	assert_int_equal(snd_pcm_open(&holder, device, stream, SND_PCM_NONBLOCK), 0);
	assert_int_equal(tr_soundcard_open(&settings, &rig.card), -ENODEV);
	snd_pcm_close(holder);
	print_message("%s\n", rig.card->problem);
	assert_int_equal(rig.card->way, TR_SOUNDCARD_NONE);
	assert_non_null(strstr(rig.card->problem, "tr1"));
	assert_non_null(strstr(rig.card->problem, "another program"));
}

static void a_card_that_somebody_records_from_is_told(void **state)
{
	open_other_slot_while_busy(SND_PCM_STREAM_CAPTURE, "hw:tr1,1,0");
}

static void a_card_that_somebody_plays_to_is_told(void **state)
{
	open_other_slot_while_busy(SND_PCM_STREAM_PLAYBACK, "hw:tr1,0,0");
}

static void a_slot_without_its_own_card_takes_a_substream(void **state)
{
	struct tone tone = {.rate = 48000, .channels = 2, .seconds = 1, .frequency = 500};
	struct tr_soundcard_settings settings = {
		.source = "auto", .runtime_dir = rig.dir, .slot = 13};
	struct tr_capture_stats stats;

	assert_int_equal(tr_soundcard_open(&settings, &rig.card), 0);
	print_message("%s; steered at %s\n", rig.card->about, rig.card->rate_shift);
	assert_string_equal(rig.card->rate_shift, "hw:Loopback,1,5");
	start_recording();
	start_tone(&tone);
	pthread_join(tone.thread, NULL);
	stop_recording(&stats);
	assert_float_equal(loudest(rig.left, 500), 0.244, 0.15);
	assert_float_equal(rate_at(20000), RATE * 1.02, RATE * 0.003);
}

static void a_user_outside_of_the_group_is_told(void **state)
{
	struct tr_soundcard_settings settings = {.source = "loopback", .runtime_dir = rig.dir};

	assert_int_equal(tr_soundcard_open(&settings, &rig.card), -ENODEV);
	assert_non_null(strstr(rig.card->problem, "group audio"));
	assert_null(strstr(rig.card->problem, "modprobe"));
}

#define WITH_CARD(test) cmocka_unit_test_setup_teardown(test, open_rig, close_rig)
#define WITHOUT_CARD(test) cmocka_unit_test_setup_teardown(test, make_dir, close_rig)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_CARD(auto_takes_the_slots_own_card),
		WITH_CARD(two_players_of_other_rates_and_channels_are_both_heard),
		WITH_CARD(the_other_slot_hears_nothing),
		WITH_CARD(players_come_and_go_with_other_formats),
		WITH_CARD(a_killed_player_does_not_keep_the_card),
		WITH_CARD(a_faster_clock_is_faster),
		WITH_CARD(a_slow_card_is_steered_back),
		WITH_CARD(sound_arrives_whole_and_when_it_was_planned),
		WITH_CARD(a_player_that_never_comes_leaves_silence),
		WITH_CARD(a_card_taken_away_under_a_recording_is_noticed_and_taken_again),
		WITH_CARD(a_module_unloaded_under_a_recording_is_noticed_and_its_card_taken_again),
		WITHOUT_CARD(a_card_that_somebody_records_from_is_told),
		WITHOUT_CARD(a_card_that_somebody_plays_to_is_told),
		WITHOUT_CARD(a_slot_without_its_own_card_takes_a_substream),
	};
	const struct CMUnitTest outsiders[] = {
		WITHOUT_CARD(a_user_outside_of_the_group_is_told),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (access("/dev/snd/controlC0", R_OK) < 0)
		return cmocka_run_group_tests_name("aloop, outside", outsiders, NULL, NULL);
	return cmocka_run_group_tests_name("aloop", tests, NULL, NULL);
}
