#include "usage.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic int64_t *words; /* the file's; NULL: nobody wants to know */

static void map_file(void)
{
	const char *path = getenv("TR_TEST_VA_USAGE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *memory = mmap(NULL, 2 * sizeof(*words), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED)
		words = memory;
}

bool tr_va_usage_skips(void)
{
	pthread_once(&once, map_file);
	return words && words[1] != 0;
}

int64_t tr_va_usage_begin(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void tr_va_usage_end(int64_t begin)
{
	pthread_once(&once, map_file);
	if (words)
		atomic_fetch_add(&words[0], tr_va_usage_begin() - begin);
}
