#define TR_LOG_AREA "sound"
#include "audio/soundring.h"

#include "audio/plugin/shm.h"
#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define ALIVE_NS (2 * TR_NS_PER_S)

struct tr_soundring {
	char *path;
	struct tr_shm *shm;
	int fd;
	int64_t position; /* next to be read; what the memory says about it is for the players */
	uint32_t generation;
};

static int map_file(struct tr_soundring *ring)
{
	unlink(ring->path);
	TR_CLEANUP(tr_closep)
	int fd = open(ring->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return tr_fail(-errno, "cannot create %s", ring->path);
	/* All of it now: a file system that fills up later would kill whoever touches a hole. */
	int rc = -posix_fallocate(fd, 0, sizeof(*ring->shm));
	if (rc < 0)
		return tr_fail(rc, "no room for %s", ring->path);
	void *map = mmap(NULL, sizeof(*ring->shm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return tr_fail(-errno, "cannot map %s", ring->path);
	ring->shm = map;
	ring->fd = tr_take_fd(&fd);
	return 0;
}

int tr_soundring_create(const char *path, struct tr_soundring **ret_ring)
{
	TR_CLEANUP(tr_soundring_destroyp) struct tr_soundring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return -ENOMEM;
	ring->fd = -1;
	ring->path = strdup(path);
	if (!ring->path)
		return -ENOMEM;
	int rc = map_file(ring);
	if (!ring->shm)
		return rc < 0 ? rc : -EIO;
	ring->generation = 1;
	ring->shm->version = TR_SHM_VERSION;
	ring->shm->rate = TR_SHM_RATE;
	ring->shm->frames = TR_SHM_FRAMES;
	ring->shm->size = sizeof(*ring->shm);
	atomic_store(&ring->shm->generation, ring->generation);
	atomic_thread_fence(memory_order_seq_cst);
	ring->shm->magic = TR_SHM_MAGIC;
	*ret_ring = tr_take(ring);
	return 0;
}

void tr_soundring_destroy(struct tr_soundring *ring)
{
	if (!ring)
		return;
	if (ring->shm) {
		munmap(ring->shm, sizeof(*ring->shm));
		unlink(ring->path);
	}
	tr_closep(&ring->fd);
	free(ring->path);
	free(ring);
}

/* Whoever may open the file may also cut it, and touching what is gone would end us by SIGBUS. */
static bool is_whole(const struct tr_soundring *ring)
{
	struct stat st;

	return fstat(ring->fd, &st) == 0 && (size_t)st.st_size >= sizeof(*ring->shm);
}

void tr_soundring_begin(struct tr_soundring *ring, int64_t position)
{
	struct tr_shm *shm = ring->shm;
	struct timespec moment = {.tv_nsec = 2 * TR_NS_PER_MS};

	ring->position = position;
	tr_soundring_end(ring);
	if (!is_whole(ring)) {
		tr_warning("%s was cut, there will be no sound", ring->path);
		return;
	}
	/* A player in the middle of adding ends before the cells are cleared. */
	nanosleep(&moment, NULL);
	for (unsigned i = 0; i < TR_SHM_FRAMES; i++) {
		atomic_store_explicit(&shm->cells[i].left, 0, memory_order_relaxed);
		atomic_store_explicit(&shm->cells[i].right, 0, memory_order_relaxed);
	}
	atomic_store(&shm->start_position, position);
	atomic_store(&shm->read_position, position);
	atomic_store(&shm->generation, ++ring->generation);
}

static float take(_Atomic int32_t *cell)
{
	/* Most of a meeting's silence costs no write at all. */
	if (atomic_load_explicit(cell, memory_order_relaxed) == 0)
		return 0;
	float value = (float)atomic_exchange_explicit(cell, 0, memory_order_relaxed) *
		      (1.0f / TR_SHM_FULL_SCALE);
	return value > 1 ? 1 : value < -1 ? -1 : value;
}

void tr_soundring_read(struct tr_soundring *ring, float *left, float *right, unsigned frames)
{
	if (!is_whole(ring)) {
		memset(left, 0, frames * sizeof(*left));
		memset(right, 0, frames * sizeof(*right));
		ring->position += frames;
		return;
	}
	/* Players stay away from these from now on, and count what they cannot add. */
	atomic_store(&ring->shm->read_position, ring->position + frames);
	for (unsigned i = 0; i < frames; i++) {
		struct tr_shm_cell *cell = tr_shm_at(ring->shm, ring->position + i);
		left[i] = take(&cell->left);
		right[i] = take(&cell->right);
	}
	ring->position += frames;
}

void tr_soundring_end(struct tr_soundring *ring)
{
	if ((ring->generation & 1) || !is_whole(ring))
		return;
	atomic_store(&ring->shm->generation, ++ring->generation);
}

void tr_soundring_forget(struct tr_soundring *ring)
{
	atomic_store(&ring->shm->opens, 0);
	atomic_store(&ring->shm->starts, 0);
	atomic_store(&ring->shm->first_open_ns, 0);
	atomic_store(&ring->shm->first_start_ns, 0);
}

void tr_soundring_get_stats(struct tr_soundring *ring, struct tr_soundring_stats *ret_stats)
{
	struct tr_shm *shm = ring->shm;
	int64_t now = tr_clock_now_ns();
	unsigned players = 0;

	*ret_stats = (struct tr_soundring_stats){0};
	if (!is_whole(ring))
		return;
	for (unsigned i = 0; i < TR_SHM_OPENERS; i++) {
		int64_t seen = atomic_load(&shm->openers[i].seen_ns);
		if (atomic_load(&shm->openers[i].owner) && seen <= now && seen > now - ALIVE_NS)
			players++;
	}
	*ret_stats = (struct tr_soundring_stats){
		.opens = atomic_load(&shm->opens),
		.starts = atomic_load(&shm->starts),
		.players = players,
		.stalls = atomic_load(&shm->stalls),
		.first_open_ns = atomic_load(&shm->first_open_ns),
		.first_start_ns = atomic_load(&shm->first_start_ns),
		.last_write_ns = atomic_load(&shm->last_write_ns),
		.late_frames = atomic_load(&shm->late_frames),
		.lost_frames = atomic_load(&shm->lost_frames),
	};
}

int64_t tr_soundring_position_of(int64_t ns)
{
	return tr_shm_frames_at(ns);
}

int64_t tr_soundring_delay_ns(void)
{
	return tr_shm_time_of(TR_SHM_DELAY_FRAMES);
}
