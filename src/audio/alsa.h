/*
 * An ALSA capture PCM, opened by the name it has in a given configuration file: 48 kHz stereo in
 * float, with the time of its newest sample. One thread. ALSA's messages go to our log as debug.
 */
#ifndef TR_AUDIO_ALSA_H
#define TR_AUDIO_ALSA_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct tr_alsa;

struct tr_alsa_settings {
	const char *config; /* file as for ALSA_CONFIG_PATH; NULL: the system's */
	const char *pcm;
	const char
		*rate_shift; /* loopback PCM with a "PCM Rate Shift 100000" control; NULL: none */
	bool is_player;	     /* opened for playback, only to see whether it can be */
};

/* -errno as ALSA says it (-ENOENT no such PCM, -EBUSY, -ENODEV, -EINVAL wrong parameters). Says
 * nothing in the log. Capture is running when it returns 0. */
TR_CHECKED int tr_alsa_open(const struct tr_alsa_settings *settings, struct tr_alsa **ret_alsa);
void tr_alsa_close(struct tr_alsa *alsa);

/* Waits for sound at most `timeout_ms`: 1, 0 when there is none yet, -errno when it broke. */
TR_CHECKED int tr_alsa_wait(struct tr_alsa *alsa, int timeout_ms);

/* Reads what is there, at most `frames`, into left and right; the number, or -errno: -EPIPE when
 * samples were lost (the PCM runs again), anything else means close it. */
TR_CHECKED int tr_alsa_read(struct tr_alsa *alsa, float *left, float *right, unsigned frames);

/* The frames still unread at `*ret_ns` of CLOCK_MONOTONIC, which is about now. -errno. */
TR_CHECKED int tr_alsa_get_time(struct tr_alsa *alsa, int64_t *ret_unread, int64_t *ret_ns);

/* Makes the card's clock `ppm` faster (rounded to 10 ppm). -ENOTSUP when it cannot be steered. */
TR_CHECKED int tr_alsa_steer(struct tr_alsa *alsa, double ppm);

/* True when the card `id` exists, is a snd-aloop and may be opened; gives its number. */
bool tr_alsa_find_loopback(const char *id, int *ret_card);

/* True when the kernel has a card `id`, whoever may open it. */
bool tr_alsa_has_card(const char *id);

TR_CLEANUP_DEFINE(struct tr_alsa, tr_alsa_close)

#endif
