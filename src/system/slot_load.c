#include "system/slot_load.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PROCESSES_MAX 4096
#define STAT_MAX 4096
#define CMDLINE_MAX 65536
#define DEPTH_MAX 16 /* from a tab of the browser up to the slot */

struct process {
	int pid, parent;
	int64_t ticks; /* also of its children that have ended */
	bool is_slot, is_x_server;
};

struct table {
	int proc;
	unsigned count;
	struct process *processes;
};

/* "1234 (a name) S 1 ...": a name may have blanks and brackets in it. */
static bool parse_stat(char *text, struct process *ret)
{
	char *name = strchr(text, '('), *end = strrchr(text, ')');
	unsigned long long user, system, child_user, child_system;

	if (!name || !end || end < name)
		return false;
	*end = '\0';
	if (sscanf(end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
		    &ret->parent, &user, &system, &child_user, &child_system) != 5)
		return false;
	ret->pid = atoi(text);
	ret->ticks = (int64_t)(user + system + child_user + child_system);
	ret->is_slot = !strcmp(name + 1, "telerec-slot");
	ret->is_x_server = !strncmp(name + 1, "X", 1);
	return true;
}

/* The kernel says of no file in /proc how long it is. */
static char *read_of(
	const struct table *table, int pid, const char *what, size_t limit, size_t *ret_size)
{
	char path[64], *text = malloc(limit + 1);
	size_t size = 0;
	ssize_t n = 1;

	snprintf(path, sizeof(path), "%d/%s", pid, what);
	TR_CLEANUP(tr_closep) int fd = openat(table->proc, path, O_RDONLY | O_CLOEXEC);
	while (text && fd >= 0 && n > 0 && size < limit) {
		n = read(fd, text + size, limit - size);
		size += n > 0 ? (size_t)n : 0;
	}
	if (!text || fd < 0 || n < 0) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	*ret_size = size;
	return text;
}

static void read_table(struct table *table, DIR *dir)
{
	struct dirent *entry;
	size_t size;

	while ((entry = readdir(dir)) && table->count < PROCESSES_MAX) {
		int pid = atoi(entry->d_name);
		char *text = pid > 0 ? read_of(table, pid, "stat", STAT_MAX, &size) : NULL;
		struct process *process = &table->processes[table->count];
		if (text && parse_stat(text, process))
			table->count++;
		free(text);
	}
}

static const struct process *find(const struct table *table, int pid)
{
	for (unsigned i = 0; i < table->count; i++)
		if (table->processes[i].pid == pid)
			return &table->processes[i];
	return NULL;
}

/* The slot's process that this one is of, or NULL. */
static const struct process *find_slot(const struct table *table, const struct process *process)
{
	for (int depth = 0; process && depth < DEPTH_MAX; depth++) {
		if (process->is_slot)
			return process;
		process = find(table, process->parent);
	}
	return NULL;
}

/* Started by systemd a slot has a control group of its own, by telerecd a folder for its X server.
 */
static bool is_of_unit(const struct table *table, int pid, unsigned number)
{
	size_t size = 0;
	TR_CLEANUP(tr_freep) char *group = read_of(table, pid, "cgroup", STAT_MAX, &size);
	char unit[64];

	snprintf(unit, sizeof(unit), "/telerec-slot@%u.service", number);
	return group && strstr(group, unit);
}

static bool is_of_folder(const struct table *table, int pid, unsigned number)
{
	size_t size = 0;
	TR_CLEANUP(tr_freep) char *line = read_of(table, pid, "cmdline", CMDLINE_MAX, &size);
	bool is_folder = false;
	char end[16];

	snprintf(end, sizeof(end), "/%u", number);
	for (size_t at = 0; line && at < size; at += strlen(&line[at]) + 1) {
		const char *slash = strrchr(&line[at], '/');
		if (is_folder)
			return slash && !strcmp(slash, end);
		is_folder = !strcmp(&line[at], "-fbdir");
	}
	return false;
}

static const struct process *find_by_number(
	const struct table *table, int daemon_pid, unsigned number)
{
	for (unsigned i = 0; i < table->count; i++) {
		const struct process *process = &table->processes[i];
		if (process->is_slot && is_of_unit(table, process->pid, number))
			return process;
		if (!process->is_x_server)
			continue;
		const struct process *slot = find_slot(table, process);
		if (slot && slot->parent == daemon_pid && is_of_folder(table, process->pid, number))
			return slot;
	}
	return NULL;
}

void tr_slot_load_read(const char *proc, int daemon_pid, struct tr_slot_load *loads, unsigned count)
{
	struct table table = {.processes = calloc(PROCESSES_MAX, sizeof(*table.processes))};
	DIR *dir = opendir(proc);
	int64_t ticks_per_s = sysconf(_SC_CLK_TCK);

	if (dir && table.processes) {
		table.proc = dirfd(dir);
		read_table(&table, dir);
	}
	for (unsigned i = 0; i < count; i++) {
		const struct process *slot = find_by_number(&table, daemon_pid, loads[i].number);
		int64_t ticks = 0;
		for (unsigned k = 0; slot && k < table.count; k++)
			if (find_slot(&table, &table.processes[k]) == slot)
				ticks += table.processes[k].ticks;
		loads[i].cpu_ms = slot ? ticks * 1000 / ticks_per_s : -1;
	}
	if (dir)
		closedir(dir);
	free(table.processes);
}
