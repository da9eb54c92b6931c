/* What the sound tests share: a runtime folder with a card, a capture that keeps everything, and
 * players that use ALSA like any program does. */
#ifndef TR_TESTS_SOUND_RIG_H
#define TR_TESTS_SOUND_RIG_H

#include "audio/capture.h"
#include "audio/soundcard.h"

#include <alsa/asoundlib.h>

#include <stdbool.h>
#include <stdint.h>

#define RIG_FRAMES_MAX (48000 * 60)

struct rig {
	char dir[64];
	struct tr_soundcard *card;
	struct tr_capture *capture;
	int64_t start_ns;
	float *left, *right; /* all that was handed out */
	int64_t frames;
	bool is_contiguous;
	unsigned stalls_before;
		/* of players, in earlier recordings */ /* each block began where the last ended */
};

/* The file in the build folder. */
void rig_build_path(const char *name, char *out, size_t size);

void rig_make_dir(struct rig *rig);
void rig_open(struct rig *rig, const char *source); /* makes the folder and opens the card */
void rig_close(struct rig *rig);

void rig_start(struct rig *rig);
/* Stops at the present; the statistics of just before. */
void rig_stop(struct rig *rig, struct tr_capture_stats *ret_stats);

/* Waits up to 20 s for the condition (called every 5 ms). */
bool rig_wait_for(bool (*is_so)(struct rig *), struct rig *rig);

/* A player on the card's PCM, as a program opens it. */
snd_pcm_t *rig_open_player(
	struct rig *rig, snd_pcm_format_t format, unsigned channels, unsigned rate);
void rig_write(snd_pcm_t *pcm, const void *data, snd_pcm_uframes_t frames);

#endif
