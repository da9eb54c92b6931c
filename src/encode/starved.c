#include "encode/starved.h"

#include "core/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

static int64_t read_delay(const struct tr_starved *starved)
{
	char text[96];
	int64_t ran_ns, delayed_ns;
	ssize_t n = starved->fd < 0 ? -1 : pread(starved->fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return -1;
	text[n] = '\0';
	return sscanf(text, "%" SCNd64 " %" SCNd64, &ran_ns, &delayed_ns) == 2 ? delayed_ns : -1;
}

void tr_starved_open(struct tr_starved *starved, pid_t pid)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	starved->fd = open(path, O_RDONLY | O_CLOEXEC);
	starved->base_ns = 0; /* of its whole life */
}

void tr_starved_begin(struct tr_starved *starved)
{
	int64_t delay_ns = read_delay(starved);

	starved->base_ns = delay_ns < 0 ? 0 : delay_ns;
}

int64_t tr_starved_ns(const struct tr_starved *starved)
{
	int64_t delay_ns = read_delay(starved);

	return delay_ns < starved->base_ns ? 0 : delay_ns - starved->base_ns;
}

void tr_starved_close(struct tr_starved *starved)
{
	if (starved->fd >= 0)
		close(tr_take_fd(&starved->fd));
}
