/*
 * A recording's part as fragmented MP4 that survives a cut at any byte.
 *
 * After open the file is a playable, empty movie. From then on it grows by whole fragments, each
 * with what arrived of both tracks in about a second of media time (the first one in a quarter of
 * it: somebody waits for the word that it records); a fragment is one write at the
 * end of the file and is synced before the call returns. A cut loses the fragment being collected
 * or written and no more: until it is complete on the disk, readers see a box to pass over. When
 * the disk is full the file is cut back to its last whole fragment.
 *
 * Times: video has a time scale of 90000, sound of 48000. Fragments carry absolute times, so a gap
 * in a track stays a gap and moves nothing. The samples before time zero that an AAC encoder puts
 * first (priming) are kept, and hidden by an edit list: the sound's sample 0 is at time 0.
 *
 * Written here and not by libavformat, because its fragments cannot do three of these things: an
 * edit list in a movie header that is on disk before the first packet, times that are not the sum
 * of the durations before, and a first picture later than zero.
 *
 * Threads: one writer thread calls everything; the two queries are for any thread.
 */
#ifndef TR_OUTPUT_MP4_H
#define TR_OUTPUT_MP4_H

#include "media/packet.h"

#define TR_MP4_AUDIO_RATE 48000
#define TR_MP4_VIDEO_SCALE 90000

struct tr_mp4;

struct tr_mp4_settings {
	int dirfd;
	const char *name; /* must not exist yet */
	int width, height;
	const uint8_t *video_extradata; /* avcC */
	size_t video_extradata_size;	/* 0: no video track */
	const uint8_t *audio_extradata; /* AudioSpecificConfig, 48 kHz stereo AAC-LC */
	size_t audio_extradata_size;	/* 0: no sound track */
	int audio_bitrate;
	int audio_priming;  /* samples before time zero, for FFmpeg's encoder 1024 */
	bool bt709_limited; /* says so in the header */
	int fragment_ms;    /* 0: 1000 */
};

/* Creates the file, mode 0640, and syncs its header and its name. Borrows the settings; dirfd must
 * stay open. -EEXIST, -EINVAL, -errno. */
TR_CHECKED int tr_mp4_open(const struct tr_mp4_settings *settings, struct tr_mp4 **ret_mp4);

/*
 * Adds a packet (keeps a reference until its fragment is written). Packets of one track come in the
 * order of time, the tracks in any. A picture lasts until the next one. Closes the fragment when it
 * is long enough; that is the call that may block on the disk.
 *
 * The first error on the disk (-ENOSPC, -EIO, ...) is logged and returned, and again by each call
 * after it; the file is then whole up to tr_mp4_synced_ns(). A packet that cannot be placed (its
 * time is before the end of its track, it is empty) is counted and dropped, which is no error.
 */
TR_CHECKED int tr_mp4_write(struct tr_mp4 *mp4, struct tr_packet *packet);

/* Writes what was collected although the fragment is not full: for a caller that has had no packet
 * for a second. */
TR_CHECKED int tr_mp4_flush(struct tr_mp4 *mp4);

/* Writes the tail and the length, syncs, closes, frees. The error of now or of before. */
TR_CHECKED int tr_mp4_finish(struct tr_mp4 *mp4);

/* Closes and frees; what is on disk stays as it is. NULL is fine. */
void tr_mp4_abandon(struct tr_mp4 *mp4);

int64_t tr_mp4_bytes(const struct tr_mp4 *mp4);
int64_t tr_mp4_synced_ns(const struct tr_mp4 *mp4); /* both tracks are on disk up to here */
unsigned tr_mp4_dropped(const struct tr_mp4 *mp4);  /* packets that could not be placed */

TR_CLEANUP_DEFINE(struct tr_mp4, tr_mp4_abandon)

#endif
