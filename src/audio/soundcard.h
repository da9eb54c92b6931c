/*
 * Which way the sound goes from the browser to us, and the ALSA configuration that makes it so.
 *
 * Chosen once, at the slot's start: the kernel's snd-aloop with dmix before it, or our own plug-in
 * (needs no kernel module), or a PCM that the operator names. All calls from the main thread; a
 * card must outlive the captures started on it.
 */
#ifndef TR_AUDIO_SOUNDCARD_H
#define TR_AUDIO_SOUNDCARD_H

#include "core/cleanup.h"

#include <limits.h>

struct tr_soundring;

enum tr_soundcard_way {
	TR_SOUNDCARD_NONE, /* recordings are silent */
	TR_SOUNDCARD_LOOPBACK,
	TR_SOUNDCARD_PLUGIN,
	TR_SOUNDCARD_NAMED,
};

struct tr_soundcard_settings {
	const char *source;	 /* "auto", "loopback", "plugin", "none", or a capture PCM's name */
	const char *runtime_dir; /* absolute, without white space and quotes */
	const char *plugin_path; /* libasound_module_pcm_telerec.so, absolute; NULL: no such way */
	unsigned slot;		 /* picks the loopback card "trN", or substream N of "Loopback" */
	const char *capture_pcm; /* overrides `source` when that is a name; NULL otherwise */
	const char *player_pcm;	 /* a named capture PCM's other end; NULL: "default" */
};

struct tr_soundcard {
	enum tr_soundcard_way way;
	char player_pcm[128];  /* Chromium: --alsa-output-device; empty when there is none */
	char capture_pcm[128]; /* ours; empty for the plug-in and for none */
	char config[PATH_MAX]; /* for ALSA_CONFIG_PATH of the players, and for our own captures */
	char rate_shift[64];   /* "hw:trN,DEVICE,SUBSTREAM" whose clock can be steered; or empty */
	char about[160];       /* "our ALSA plug-in", for logs and the report */
	char problem[1024];    /* why there is no sound and what to do, for the person; or empty */
	struct tr_soundring *ring; /* of the plug-in; the card's own */
};

/*
 * Tries the ways that `source` allows and takes the first that works. When none does, the card is
 * of the way none, `problem` says what was tried and what to do, and -ENODEV is returned: the
 * caller may record without sound or refuse. With "none" it is 0 without a problem. Other -errno
 * with no card given.
 */
TR_CHECKED int tr_soundcard_open(
	const struct tr_soundcard_settings *settings, struct tr_soundcard **ret_card);
void tr_soundcard_close(struct tr_soundcard *card); /* NULL is fine */

TR_CLEANUP_DEFINE(struct tr_soundcard, tr_soundcard_close)

#endif
