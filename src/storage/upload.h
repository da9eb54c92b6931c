/*
 * Uploading one recording's folder to one target, by rclone(1): copied into a folder with a hidden
 * name, compared with what is here, then renamed; so nobody there sees half a file. S3, whose files
 * appear whole, gets them at their place.
 *
 * rclone runs as a child without a shell, nice, and with secrets in descriptors only: none is in
 * its arguments, its environment or a file, and what it says is logged without them.
 *
 * On the caller's loop, never waits. What was cut off is begun anew: complete files are not sent
 * twice.
 */
#ifndef TR_STORAGE_UPLOAD_H
#define TR_STORAGE_UPLOAD_H

#include "storage/upload_cause.h"
#include "storage/upload_target.h"

#include <systemd/sd-event.h>

struct tr_upload_settings {
	const struct tr_upload_target *target;
	const char
		*folder;  /* a full path; "": a trial: a small file goes, is read, and is removed */
	const char *name; /* of the folder there */
	const char *movie; /* of the file, for targets that get only that; "": none */
	const char *label; /* for the log, "recording abc" */
};

struct tr_upload_result {
	int rc; /* 0, or -EREMOTEIO, -ENOENT (no rclone), -ENODATA (nothing to upload), ... */
	enum tr_upload_cause cause;
	char sentence[512]; /* for people; without secrets */
	int64_t bytes;
};

typedef void tr_upload_done_fn(const struct tr_upload_result *result, void *user);

struct tr_upload;

/* Borrows the settings. `done` comes from the loop, once, never from within; then destroy. */
TR_CHECKED int tr_upload_start(sd_event *event, const struct tr_upload_settings *settings,
	tr_upload_done_fn *done, void *user, struct tr_upload **ret_upload);

/* What has gone so far, and is to go. */
void tr_upload_read(const struct tr_upload *upload, int64_t *ret_bytes, int64_t *ret_total);

/* Kills rclone. NULL is fine. */
void tr_upload_destroy(struct tr_upload *upload);

/* A trial on a loop of its own, which waits. -ETIMEDOUT, -errno; else what there is to say is in
 * the result. */
TR_CHECKED int tr_upload_try(const struct tr_upload_target *target, int64_t timeout_ms,
	struct tr_upload_result *ret_result);

TR_CLEANUP_DEFINE(struct tr_upload, tr_upload_destroy)

#endif
