/* What a person should know about the kernel, its sound and the next boot, as sentences: for
 * `telerec kernel status` and the doctor. */
#ifndef TR_SYSTEM_KERNEL_FINDINGS_H
#define TR_SYSTEM_KERNEL_FINDINGS_H

#include "system/kernel.h"
#include "system/kernel_choice.h"

#define TR_KERNEL_FINDINGS_MAX 8

enum tr_kernel_finding_status {
	TR_KERNEL_OK,
	TR_KERNEL_NOTE,	   /* nothing is wrong, but somebody may want to know */
	TR_KERNEL_WARNING, /* recordings work now, or mostly */
	TR_KERNEL_FAILURE, /* recordings have no sound, when they need the kernel's */
};

struct tr_kernel_finding {
	enum tr_kernel_finding_status status;
	const char *cause;   /* a word for scripts, "no-snd-aloop" */
	char sentence[512];  /* what is */
	const char *meaning; /* for recordings; NULL: none */
	char cure[640];	     /* lines to run; "" */
	const char *where;   /* the cure's machine, "on the host, as root"; NULL: this one */
};

/*
 * Gives at most TR_KERNEL_FINDINGS_MAX, the most important first; there is at least one. `slots`:
 * how many want a card (0: any number). `needs_loopback`: the settings ask for the kernel's sound
 * (sound.source = "loopback"), so that its lack is a failure, and not only a note: telerec's own
 * ALSA plug-in carries the sound without it. Looks at the machine for a moment (dpkg, apt-cache).
 */
unsigned tr_kernel_find(const struct tr_kernel_status *status,
	const struct tr_kernel_choice *choice, unsigned slots, bool needs_loopback,
	struct tr_kernel_finding out[static TR_KERNEL_FINDINGS_MAX]);

#endif
