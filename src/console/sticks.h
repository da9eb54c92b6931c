/* Removable file systems that are mounted: where recordings can be copied to. */
#ifndef TR_CONSOLE_STICKS_H
#define TR_CONSOLE_STICKS_H

#include <limits.h>
#include <stdint.h>

#define TR_STICKS_MAX 8

struct tr_stick {
	char folder[PATH_MAX];
	char name[200]; /* "/run/media/x (sdb1, 14.2 GiB free)" */
};

/* From the mounts below `root` ("" is this machine); gives how many. */
unsigned tr_sticks_find(const char *root, struct tr_stick sticks[static TR_STICKS_MAX]);

#endif
