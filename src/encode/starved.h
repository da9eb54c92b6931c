/*
 * How long a process has been ready to run without getting a CPU, by /proc/PID/schedstat: what
 * tells a driver that hangs from a machine that is busy.
 */
#ifndef TR_ENCODE_STARVED_H
#define TR_ENCODE_STARVED_H

#include <stdint.h>
#include <sys/types.h>

struct tr_starved {
	int fd; /* -1: not known (no such file, or hidden): then nothing is ever starved */
	int64_t base_ns;
};

void tr_starved_open(struct tr_starved *starved, pid_t pid);
void tr_starved_begin(struct tr_starved *starved);	 /* counts from now */
int64_t tr_starved_ns(const struct tr_starved *starved); /* since then */
void tr_starved_close(struct tr_starved *starved);

#endif
