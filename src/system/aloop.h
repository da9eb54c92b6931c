/*
 * snd-aloop: whether a kernel has it, the options that give each slot a card of its own, and
 * loading it.
 *
 * Slot N takes the card "trN" (audio/soundcard.h), of one substream pair that nobody else has. The
 * cards' numbers begin at 16, so that a real card stays where it was.
 */
#ifndef TR_SYSTEM_ALOOP_H
#define TR_SYSTEM_ALOOP_H

#include "system/kernel.h"

#define TR_ALOOP_SLOTS_MAX 16
#define TR_ALOOP_FIRST_INDEX 16
#define TR_ALOOP_OPTIONS_MAX 640

/* By libkmod, modules.dep and modules.builtin of this version: ABSENT, LOADABLE or BUILT_IN. */
enum tr_aloop_state tr_aloop_find(const char *root, const char *version, bool *ret_has_modules);

/* True when modprobe.d forbids it ("blacklist", or "install ... /bin/false"). */
bool tr_aloop_is_blocked(const char *root, const char *version);

/* "enable=1,1 index=16,17 id=tr1,tr2 pcm_substreams=1,1 pcm_notify=0,0". -EINVAL unless 1 to 16. */
TR_CHECKED int tr_aloop_options(unsigned slots, char *out, size_t size);

/* The two files that load it at each boot, for so many slots. `size` 1024 is enough. */
TR_CHECKED int tr_aloop_write_modprobe(unsigned slots, char *out, size_t size);
TR_CHECKED int tr_aloop_write_load(char *out, size_t size);

/* How many cards "tr1", "tr2", ... there are without a gap. */
unsigned tr_aloop_count_cards(const char *root);

/*
 * Loads it with modprobe for so many slots, unloading one that has too few cards first, and waits
 * until the cards are there. -EBUSY: it is loaded otherwise, and in use; -ENOENT: no modprobe;
 * -ENODEV: no cards came up; -EIO: modprobe failed. The sentence is in `why`.
 */
TR_CHECKED int tr_aloop_load(const char *root, unsigned slots, char *why, size_t size);

#endif
