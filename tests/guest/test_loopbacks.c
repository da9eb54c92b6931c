/* Slots' loopback cards, all at once: each plays its own tone and records by the slot's own code;
 * it hears its own and no other. Runs in a guest; the argument is the number of slots. */
#include "test.h"

#include "core/clock.h"
#include "sound_rig.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RATE 48000
#define SLOTS_MAX 16
#define WINDOW (RATE / 10) /* every tone fits a whole number of times: none leaks into another */
#define SECONDS 6

struct slot {
	struct rig rig;
	pthread_t thread;
	snd_pcm_t *pcm;
	double frequency;
	unsigned underruns;
};

static struct slot slots[SLOTS_MAX];
static unsigned count;

/* The amplitude of one frequency in a window (Goertzel). */
static double amplitude(const float *samples, double frequency)
{
	double step = 2 * cos(2 * M_PI * frequency / RATE), s1 = 0, s2 = 0;

	for (int i = 0; i < WINDOW; i++) {
		double s = samples[i] + step * s1 - s2;
		s2 = s1;
		s1 = s;
	}
	return 2 * sqrt(s1 * s1 + s2 * s2 - step * s1 * s2) / WINDOW;
}

static void *play(void *user)
{
	struct slot *slot = user;
	int16_t block[480 * 2];

	for (unsigned n = 0; n < RATE * SECONDS; n += 480) {
		for (unsigned i = 0; i < 480; i++) {
			double value = sin(2 * M_PI * slot->frequency * (n + i) / RATE);
			block[2 * i] = block[2 * i + 1] = (int16_t)lrint(8000 * value);
		}
		snd_pcm_sframes_t done = snd_pcm_writei(slot->pcm, block, 480);
		if (done < 0) {
			slot->underruns++;
			if (snd_pcm_recover(slot->pcm, (int)done, 1) < 0)
				break;
		}
	}
	return NULL;
}

static void open_slot(unsigned index)
{
	struct slot *slot = &slots[index];
	struct tr_soundcard_settings settings = {
		.source = "loopback", .runtime_dir = slot->rig.dir, .slot = index + 1};
	char about[64];

	rig_make_dir(&slot->rig);
	assert_int_equal(tr_soundcard_open(&settings, &slot->rig.card), 0);
	snprintf(about, sizeof(about), "snd-aloop card tr%u, substream 0", index + 1);
	assert_string_equal(slot->rig.card->about, about);
	slot->frequency = 400 + 130 * index;
	rig_start(&slot->rig);
	slot->pcm = rig_open_player(&slot->rig, SND_PCM_FORMAT_S16_LE, 2, RATE);
}

/* The loudest tone of another slot in a window. */
static double find_other(const struct slot *slot, int64_t at)
{
	double loudest = 0;

	for (unsigned i = 0; i < count; i++)
		if (&slots[i] != slot)
			loudest = fmax(loudest, amplitude(slot->rig.left + at, slots[i].frequency));
	return loudest;
}

/*
 * A busy machine's players have gaps, and a gap is heard as a bit of everything. What comes from
 * another slot is heard all the time: the purest window in which the own tone is whole tells.
 */
static void check_slot(unsigned index)
{
	struct slot *slot = &slots[index];
	double purest = 1, own_there = 0;
	unsigned windows = 0;

	for (int64_t at = 0; at + WINDOW <= slot->rig.frames; at += WINDOW / 2) {
		double own = amplitude(slot->rig.left + at, slot->frequency);
		if (fabs(own - 8000.0 / 32768) > 0.03)
			continue;
		windows++;
		double other = find_other(slot, at);
		if (other < purest) {
			purest = other;
			own_there = own;
		}
	}
	print_message("tr%u: %.0f Hz at %.4f in %u windows, loudest other %.6f (%u underruns)\n",
		index + 1, slot->frequency, own_there, windows, purest, slot->underruns);
	assert_true(windows > 0);
	assert_true(purest < 0.005);
}

static void each_slot_hears_its_own_tone_and_no_other(void **state)
{
	struct tr_capture_stats stats;

	for (unsigned i = 0; i < count; i++)
		open_slot(i);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(pthread_create(&slots[i].thread, NULL, play, &slots[i]), 0);
	for (unsigned i = 0; i < count; i++)
		pthread_join(slots[i].thread, NULL);
	for (unsigned i = 0; i < count; i++) {
		snd_pcm_close(slots[i].pcm);
		rig_stop(&slots[i].rig, &stats);
	}
	for (unsigned i = 0; i < count; i++)
		check_slot(i);
	for (unsigned i = 0; i < count; i++)
		rig_close(&slots[i].rig);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_slot_hears_its_own_tone_and_no_other),
	};

	count = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
	if (count < 1 || count > SLOTS_MAX)
		return 2;
	return cmocka_run_group_tests_name("loopbacks", tests, NULL, NULL);
}
