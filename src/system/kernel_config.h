/* Reads a kernel's configuration ("config-6.1.0-50-amd64") against the list of options that telerec
 * needs or makes use of, kernel/needed.config, which is part of the program. */
#ifndef TR_SYSTEM_KERNEL_CONFIG_H
#define TR_SYSTEM_KERNEL_CONFIG_H

#include "core/cleanup.h"

#include <stdbool.h>

struct tr_kernel_option {
	char name[64];	    /* "CONFIG_SND_ALOOP" */
	char wanted[16];    /* "m", "y", "32" */
	char has[64];	    /* the kernel's; "" when it is not set */
	const char *reason; /* in the list, up to the line's end: `reason_length` */
	int reason_length;
	bool is_needed; /* else only wanted */
	bool is_met;
};

/* Calls for each option of the list; returns how many needed ones are not met, or -EINVAL when
 * `config` holds no option at all, and so is no kernel's configuration. */
TR_CHECKED int tr_kernel_config_check(const char *config,
	void (*tell)(const struct tr_kernel_option *option, void *user), void *user);

/* The file's text, unpacked when its name ends in ".gz" (as /proc/config.gz does). -errno. */
TR_CHECKED int tr_kernel_config_read(const char *path, char **ret_text);

#endif
