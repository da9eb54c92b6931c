/* What a process and all below it cost: read from the kernel's own counters while they run. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include "core/cleanup.h"

#include <stdint.h>
#include <sys/types.h>

#define BENCH_USAGE_PROCESSES 32

struct bench_usage {
	unsigned processes;
	double cpu_s;	   /* user and system, all threads, also ended ones */
	uint64_t switches; /* voluntary and not, of the threads that live */
	uint64_t pss_kb;   /* shared pages divided among who shares them */
	uint64_t peak_kb;  /* sum of each process' own peak (VmHWM) */
};

/* -ESRCH when `root` has gone. */
TR_CHECKED int bench_usage_read(pid_t root, struct bench_usage *ret);

#endif
