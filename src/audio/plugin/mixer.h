/*
 * The plug-in's hold on the recorder's shared memory (shm.h): found, checked, let go of, and
 * samples added to it. It may be absent at any time; then nobody hears the player. One thread at a
 * time (libasound's lock on the PCM). For the plug-in: libc only, says nothing.
 */
#ifndef TR_AUDIO_PLUGIN_MIXER_H
#define TR_AUDIO_PLUGIN_MIXER_H

#include "audio/plugin/shm.h"

#include <stdbool.h>
#include <sys/stat.h>

struct tr_mixer_frame {
	int32_t left, right;
};

struct tr_mixer {
	const char *path;   /* the caller's, which outlives this */
	struct tr_shm *shm; /* NULL: play into nothing */
	int fd;
	struct stat file;
	struct tr_shm_opener *opener;
	uint64_t id;
	uint32_t generation; /* of the reading that has our samples */
};

int64_t tr_mixer_now_ns(void);

/* Prepares the struct; nothing is opened. */
void tr_mixer_init(struct tr_mixer *mixer, const char *path);

/* -ENOENT when there is no file, -EPROTO when it is not what we know, -errno. */
int tr_mixer_attach(struct tr_mixer *mixer);

/* The recorder may have been started anew, with another file at the same path: follows it. */
void tr_mixer_attach_again(struct tr_mixer *mixer);
void tr_mixer_detach(struct tr_mixer *mixer);

/* The memory, or NULL. To be asked before each use: a file that shrank is let go of here. */
struct tr_shm *tr_mixer_shm(struct tr_mixer *mixer);

/* True when somebody reads, and what was added so far was for him. */
bool tr_mixer_is_heard(struct tr_mixer *mixer);

/* Follows the readings: true when a new one has begun, which has none of our samples yet. */
bool tr_mixer_has_new_reader(struct tr_mixer *mixer);

/* Adds (sign 1) or takes back (sign -1) `count` frames of a ring of `mask` + 1, from its index
 * `first` on, at sample number `number`. The memory must be there. */
void tr_mixer_add(struct tr_mixer *mixer, const struct tr_mixer_frame *ring, uint64_t mask,
	int64_t first, int64_t count, int64_t number, int sign);

#endif
