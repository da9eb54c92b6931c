#include "system/capacity.h"

#include "core/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

/* Of one slot in a meeting of a few people, browser included, as measured: a part that is always
 * there, and one that goes with the pictures, at 1280x720 and 30 pictures/s. */
#define CORES_ALWAYS 0.25
#define CORES_PICTURES 0.30
#define CORES_PICTURES_GPU 0.24 /* ... when a GPU encodes them: by tests/bench/encode, "full" */
#define MEMORY_ALWAYS (INT64_C(350) << 20)
#define MEMORY_PICTURES (INT64_C(100) << 20)
#define USUAL_PIXELS (1280.0 * 720.0)
#define USUAL_RATE 30.0
#define MEMORY_OF_OTHERS (INT64_C(300) << 20) /* the system and telerecd */
#define FILE_MAX_BYTES 65536

/* Files of the kernel's, which tell no size. */
static char *read_text(const char *root, const char *folder, const char *name)
{
	char path[PATH_MAX];

	if (tr_text_format(path, sizeof(path), "%s%s/%s", root, folder, name) < 0)
		return NULL;
	TR_CLEANUP(tr_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	TR_CLEANUP(tr_freep) char *text = fd < 0 ? NULL : calloc(1, FILE_MAX_BYTES);
	if (!text || read(fd, text, FILE_MAX_BYTES - 1) < 0)
		return NULL;
	return tr_take(text);
}

/* "200000 100000": so many µs of processor time in so many. "max 100000": no limit. */
static void limit_cores(const char *root, const char *folder, double *cores)
{
	TR_CLEANUP(tr_freep) char *text = read_text(root, folder, "cpu.max");
	int64_t quota, period;

	if (text && sscanf(text, "%" SCNd64 " %" SCNd64, &quota, &period) == 2 && quota > 0 &&
		period > 0 && (double)quota / (double)period < *cores)
		*cores = (double)quota / (double)period;
}

static void limit_memory(const char *root, const char *folder, int64_t *memory)
{
	TR_CLEANUP(tr_freep) char *text = read_text(root, folder, "memory.max");
	int64_t bytes;

	if (text && sscanf(text, "%" SCNd64, &bytes) == 1 && bytes > 0 && bytes < *memory)
		*memory = bytes;
}

/* Our control group and all above it. */
static void limit_by_groups(const char *root, struct tr_capacity *capacity)
{
	TR_CLEANUP(tr_freep) char *groups = read_text(root, "/proc/self", "cgroup");
	char folder[PATH_MAX];
	const char *own = groups ? strstr(groups, "0::/") : NULL;

	if (!own || (own != groups && own[-1] != '\n'))
		return;
	own += strlen("0::");
	if (tr_text_format(
		    folder, sizeof(folder), "/sys/fs/cgroup%.*s", (int)strcspn(own, "\n"), own) < 0)
		return;
	for (char *end = folder + strlen(folder); end; end = strrchr(folder, '/')) {
		*end = '\0';
		if (strlen(folder) < strlen("/sys/fs/cgroup"))
			return;
		limit_cores(root, folder, &capacity->cores);
		limit_memory(root, folder, &capacity->memory_bytes);
	}
}

static int64_t read_memory(const char *root)
{
	TR_CLEANUP(tr_freep) char *text = read_text(root, "/proc", "meminfo");
	const char *line = text ? strstr(text, "MemTotal:") : NULL;
	int64_t kib;

	return line && sscanf(line, "MemTotal: %" SCNd64, &kib) == 1 ? kib << 10 : INT64_C(1) << 30;
}

void tr_capacity_read(const char *root, struct tr_capacity *ret_capacity)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;

	ret_capacity->cores = count > 0 ? count : (double)sysconf(_SC_NPROCESSORS_ONLN);
	ret_capacity->memory_bytes = read_memory(root);
	limit_by_groups(root, ret_capacity);
}

static unsigned bound(double slots)
{
	return slots < 1		       ? 1
	       : slots > TR_CAPACITY_SLOTS_MAX ? TR_CAPACITY_SLOTS_MAX
					       : (unsigned)slots;
}

/* Of so many slots, of which the first ones have the GPU. */
static double cores_of(unsigned slots, unsigned gpu_slots, double pictures)
{
	unsigned on_gpu = slots < gpu_slots ? slots : gpu_slots;

	return slots * CORES_ALWAYS + on_gpu * CORES_PICTURES_GPU * pictures +
	       (slots - on_gpu) * CORES_PICTURES * pictures;
}

static unsigned count_by_cores(double cores, unsigned gpu_slots, double pictures)
{
	unsigned slots = 0;

	while (slots < TR_CAPACITY_SLOTS_MAX && cores_of(slots + 1, gpu_slots, pictures) <= cores)
		slots++;
	return slots;
}

unsigned tr_capacity_count_slots(const struct tr_capacity *capacity, int width, int height,
	int frame_rate, unsigned gpu_slots, char *why, size_t why_size)
{
	double pixels = width * (double)height / USUAL_PIXELS;
	double pictures = pixels * frame_rate / USUAL_RATE;
	double memory = (double)MEMORY_ALWAYS + (double)MEMORY_PICTURES * pixels;
	unsigned by_cores = count_by_cores(capacity->cores, gpu_slots, pictures);
	double by_memory = floor((double)(capacity->memory_bytes - MEMORY_OF_OTHERS) / memory);
	double most = fmin(by_cores, by_memory);
	unsigned slots = bound(most);
	char size[16], gpu[100] = "";

	if (gpu_slots > 0)
		snprintf(gpu, sizeof(gpu), " (%.2f where a GPU encodes, which can do %u)",
			cores_of(1, 1, pictures), gpu_slots);
	tr_text_format_bytes(capacity->memory_bytes, size, sizeof(size));
	snprintf(why, why_size,
		"%u slot%s: at %dx%d and %d pictures/s a recording takes about %.2f processors%s and "
		"%.0f MiB, and %.3g processor%s and %s of memory may be used%s",
		slots, slots == 1 ? "" : "s", width, height, frame_rate, cores_of(1, 0, pictures),
		gpu, memory / (double)(1 << 20), capacity->cores, capacity->cores == 1 ? "" : "s",
		size, most < 1 ? ", which is too little even for one" : "");
	return slots;
}
