#include "capture/usage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The value of a "Name:   123 kB" line. */
static uint64_t read_field(const char *path, const char *name)
{
	char line[256];
	unsigned long long value = 0;
	size_t length = strlen(name);
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, length) == 0 && line[length] == ':') {
			sscanf(line + length + 1, "%llu", &value);
			break;
		}
	fclose(file);
	return value;
}

static uint64_t read_switches(pid_t pid)
{
	char path[100];
	uint64_t sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/status", (int)pid, entry->d_name);
		sum += read_field(path, "voluntary_ctxt_switches");
		sum += read_field(path, "nonvoluntary_ctxt_switches");
	}
	if (tasks)
		closedir(tasks);
	return sum;
}

static int add_process(pid_t pid, struct bench_usage *usage)
{
	char path[64];
	clockid_t clock;
	struct timespec used;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
		return -ESRCH;
	usage->processes++;
	usage->cpu_s += (double)used.tv_sec + (double)used.tv_nsec / 1e9;
	usage->switches += read_switches(pid);
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	usage->pss_kb += read_field(path, "Pss");
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	usage->peak_kb += read_field(path, "VmHWM");
	return 0;
}

/* Needs CONFIG_PROC_CHILDREN, which Debian's kernels have. */
static void add_children(pid_t pid, struct bench_usage *usage)
{
	char path[100];
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *tasks = opendir(path);
	for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)pid,
			entry->d_name);
		FILE *children = fopen(path, "re");
		while (children && usage->processes < BENCH_USAGE_PROCESSES &&
			fscanf(children, "%d", &child) == 1)
			if (add_process(child, usage) == 0)
				add_children(child, usage);
		if (children)
			fclose(children);
	}
	if (tasks)
		closedir(tasks);
}

int bench_usage_read(pid_t root, struct bench_usage *ret)
{
	*ret = (struct bench_usage){0};
	int rc = add_process(root, ret);
	if (rc == 0)
		add_children(root, ret);
	return rc;
}
