/*
 * The parts of a recording become one ordinary MP4 with its index in front, without re-encoding.
 *
 * Between two parts the last picture stays and the sound is filled with encoded silence, so that
 * the sound has no hole; holes inside a part are filled the same way. The new file is written under
 * another name, synced and checked before it gets its own, and only then the parts go. Whatever
 * fails, the parts stay, and they are playable.
 */
#ifndef TR_STORAGE_FINISH_H
#define TR_STORAGE_FINISH_H

#include "core/cleanup.h"
#include "storage/recording.h"

struct tr_finish_result {
	int64_t bytes;
	int64_t duration_ns;
	int64_t pictures;
	int64_t sounds;	     /* AAC frames, the filled ones too */
	int64_t filled;	     /* frames of silence put in */
	unsigned parts_used; /* empty and unreadable ones are left out, and stay on the disk */
};

/*
 * Makes `name` (with its ending) in the folder. Blocks for as long as copying the bytes twice
 * takes; memory is the index only. Takes all the room that the copy needs before it begins: with
 * less than that and a little more (64 MiB, 2 % of a small disk) nothing is touched. Any thread, no
 * libav global is touched but its log level. -ENODATA when no part holds anything, -ENOSPC,
 * -EBADMSG, -errno; said.
 */
TR_CHECKED int tr_finish_recording(int dirfd, const char *name,
	const struct tr_recording_part *parts, unsigned part_count,
	struct tr_finish_result *ret_result);

/*
 * The way back, for a recording that goes on although its file was made already (its process died
 * between that and the report): the file is the first part again, and holds all of the others. No
 * such file is fine. May be cut off and called again at any moment. -errno; said.
 */
TR_CHECKED int tr_finish_take_back(
	int dirfd, const char *name, const struct tr_recording_part *parts, unsigned part_count);

#endif
