#include "audio/plugin/mixer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define OPENER_STALE_NS (60 * INT64_C(1000000000))

int64_t tr_mixer_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

void tr_mixer_init(struct tr_mixer *mixer, const char *path)
{
	*mixer = (struct tr_mixer){.path = path, .fd = -1};
	mixer->id = (uint64_t)tr_mixer_now_ns() * 4096u ^ (uint64_t)(uintptr_t)mixer ^
		    (uint64_t)getpid() << 40;
	mixer->id |= mixer->id == 0;
}

void tr_mixer_detach(struct tr_mixer *mixer)
{
	uint64_t id = mixer->id;
	struct stat st;

	if (!mixer->shm)
		return;
	bool is_whole = fstat(mixer->fd, &st) == 0 && (size_t)st.st_size >= sizeof(*mixer->shm);
	if (mixer->opener && is_whole)
		atomic_compare_exchange_strong(&mixer->opener->owner, &id, 0);
	munmap(mixer->shm, sizeof(*mixer->shm));
	close(mixer->fd);
	mixer->shm = NULL;
	mixer->opener = NULL;
	mixer->fd = -1;
}

/* A file that shrank would kill the player with SIGBUS at the next touch. */
struct tr_shm *tr_mixer_shm(struct tr_mixer *mixer)
{
	struct stat st;

	if (mixer->shm && (fstat(mixer->fd, &st) < 0 || (size_t)st.st_size < sizeof(*mixer->shm)))
		tr_mixer_detach(mixer);
	return mixer->shm;
}

/* A place in the table; that of a player that was killed long ago is taken over. None is fine. */
static void enlist(struct tr_mixer *mixer, int64_t ns)
{
	struct tr_shm *shm = mixer->shm;

	for (unsigned i = 0; i < TR_SHM_OPENERS && !mixer->opener; i++) {
		struct tr_shm_opener *opener = &shm->openers[i];
		uint64_t owner = atomic_load(&opener->owner);
		int64_t age = (int64_t)((uint64_t)ns - (uint64_t)atomic_load(&opener->seen_ns));
		if (owner != 0 && age < OPENER_STALE_NS)
			continue;
		if (atomic_compare_exchange_strong(&opener->owner, &owner, mixer->id)) {
			atomic_store(&opener->seen_ns, ns);
			mixer->opener = opener;
		}
	}
}

static bool is_ours(const struct tr_shm *shm)
{
	return shm->magic == TR_SHM_MAGIC && shm->version == TR_SHM_VERSION &&
	       shm->rate == TR_SHM_RATE && shm->frames == TR_SHM_FRAMES &&
	       shm->size == sizeof(*shm);
}

static int map_file(int fd, struct tr_shm **ret_shm, struct stat *ret_file)
{
	if (fstat(fd, ret_file) < 0)
		return -errno;
	if (!S_ISREG(ret_file->st_mode) || ret_file->st_size != sizeof(struct tr_shm))
		return -EPROTO;
	struct tr_shm *shm = mmap(NULL, sizeof(*shm), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shm == MAP_FAILED)
		return -errno;
	if (!is_ours(shm)) {
		munmap(shm, sizeof(*shm));
		return -EPROTO;
	}
	*ret_shm = shm;
	return 0;
}

int tr_mixer_attach(struct tr_mixer *mixer)
{
	int64_t never = 0, ns = tr_mixer_now_ns();
	int fd = open(mixer->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	int rc = map_file(fd, &mixer->shm, &mixer->file);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	mixer->fd = fd;
	mixer->generation = 1;
	enlist(mixer, ns);
	atomic_fetch_add(&mixer->shm->opens, 1);
	atomic_compare_exchange_strong(&mixer->shm->first_open_ns, &never, ns);
	return 0;
}

void tr_mixer_attach_again(struct tr_mixer *mixer)
{
	struct stat st;

	if (stat(mixer->path, &st) < 0)
		return; /* what we have, if anything, is still good */
	if (tr_mixer_shm(mixer) && st.st_ino == mixer->file.st_ino &&
		st.st_dev == mixer->file.st_dev)
		return;
	tr_mixer_detach(mixer);
	if (tr_mixer_attach(mixer) < 0)
		return; /* plays into nothing */
}

bool tr_mixer_is_heard(struct tr_mixer *mixer)
{
	struct tr_shm *shm = tr_mixer_shm(mixer);

	return shm && !(mixer->generation & 1) &&
	       atomic_load_explicit(&shm->generation, memory_order_acquire) == mixer->generation;
}

bool tr_mixer_has_new_reader(struct tr_mixer *mixer)
{
	struct tr_shm *shm = tr_mixer_shm(mixer);

	if (!shm)
		return false;
	uint32_t generation = atomic_load_explicit(&shm->generation, memory_order_acquire);
	if (generation == mixer->generation)
		return false;
	mixer->generation = generation;
	return !(generation & 1);
}

void tr_mixer_add(struct tr_mixer *mixer, const struct tr_mixer_frame *ring, uint64_t mask,
	int64_t first, int64_t count, int64_t number, int sign)
{
	struct tr_shm *shm = mixer->shm;
	int64_t start = atomic_load_explicit(&shm->start_position, memory_order_relaxed);
	int64_t read = atomic_load_explicit(&shm->read_position, memory_order_relaxed);
	uint64_t lost = 0;

	for (int64_t i = 0; i < count; i++, number++) {
		int64_t ahead = (int64_t)((uint64_t)number - (uint64_t)read);
		if (ahead < 0 || ahead >= TR_SHM_FRAMES) {
			lost += number >= start;
			continue;
		}
		const struct tr_mixer_frame *frame = &ring[(uint64_t)(first + i) & mask];
		struct tr_shm_cell *cell = tr_shm_at(shm, number);
		if (frame->left)
			atomic_fetch_add_explicit(
				&cell->left, sign * frame->left, memory_order_relaxed);
		if (frame->right)
			atomic_fetch_add_explicit(
				&cell->right, sign * frame->right, memory_order_relaxed);
	}
	if (lost && sign > 0)
		atomic_fetch_add_explicit(&shm->lost_frames, lost, memory_order_relaxed);
}
