/*
 * The appliance's two slots and its updates: what runs, what a bundle is, putting one in the other
 * slot, and keeping a slot that has proved itself.
 *
 * RAUC verifies and writes; GRUB decides by its memory (grubenv). A new slot gets one boot. PROVEN,
 * which is ours, names the slot that recorded well and is booted whatever happens.
 */
#ifndef TR_SYSTEM_UPDATE_H
#define TR_SYSTEM_UPDATE_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

#define TR_UPDATE_COMPATIBLE "telerec-amd64"
#define TR_UPDATE_GRUBENV "/run/telerec-image/esp/boot/grub/grubenv"
#define TR_UPDATE_KEYRING "/etc/rauc/keyring.pem"
#define TR_UPDATE_WHY 768

/* Where things are; all but the tests take tr_update_here(). */
struct tr_update_place {
	const char *command_line; /* file */
	const char *grubenv, *keyring;
	const char *version; /* that runs */
};
struct tr_update_place tr_update_here(const char *version);

struct tr_update_state {
	char slot[2];	/* "A", "B"; "" when the system runs from a stick */
	char proven[2]; /* "" when none is known */
	char next[2];	/* GRUB takes at the next boot */
	bool is_trial;	/* the slot that runs has yet to prove itself */
	bool other_ok;	/* the other slot may be booted */
};

struct tr_update_bundle {
	char version[64], compatible[64];
};

/* -EBADMSG when GRUB's memory makes no sense, -errno; 0 and slot "" without slots. */
TR_CHECKED int tr_update_read_state(
	const struct tr_update_place *place, struct tr_update_state *ret_state);

/*
 * Verifies the signature and reads what the bundle says of itself. With the sentence in `why`:
 * -ENOENT no such file or no RAUC, -EKEYREJECTED not signed with the key of this machine's images,
 * -EBADMSG it is no bundle, or damaged; -EIO.
 */
TR_CHECKED int tr_update_inspect(const struct tr_update_place *place, const char *file,
	struct tr_update_bundle *ret_bundle, char *why, size_t size);

/* Whether it may be installed here: 0, or with `why` -EMEDIUMTYPE (for another machine), -EALREADY
 * (what runs is as new, or newer), -EAGAIN (what runs is on trial), -ENOTSUP (no slots). */
TR_CHECKED int tr_update_judge(const struct tr_update_place *place,
	const struct tr_update_state *state, const struct tr_update_bundle *bundle, char *why,
	size_t size);

/* Has RAUC write it to the other slot, which GRUB tries at the next boot. Minutes. -EIO, -ENOENT.
 */
TR_CHECKED int tr_update_install(const char *file, char *why, size_t size);

/* The slot that runs has proved itself. -EIO. */
TR_CHECKED int tr_update_keep(const struct tr_update_place *place,
	const struct tr_update_state *state, char *why, size_t size);

/* Below, at or above 0 as version `a` is older than, the same as or newer than `b`: "0.9" is older
 * than "0.10", "1.0~rc1" than "1.0". */
int tr_update_compare(const char *a, const char *b);

#endif
