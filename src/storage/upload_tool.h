/*
 * One run of rclone(1): its settings go in by descriptors, what it says comes out line by line,
 * without secrets. On the caller's loop.
 */
#ifndef TR_STORAGE_UPLOAD_TOOL_H
#define TR_STORAGE_UPLOAD_TOOL_H

#include "storage/upload_target.h"

#include <systemd/sd-event.h>

#define TR_UPLOAD_TOOL_ARGS_MAX 24

struct tr_upload_tool_settings {
	const struct tr_upload_target *target;
	const char *obscured;	 /* the password as rclone wants it; NULL: it is to be made */
	const char *files;	 /* names, a line each; NULL: all there are */
	const char *const *args; /* the command and what belongs to it, NULL-terminated */
	const char *label;
};

struct tr_upload_tool_result {
	int wait_status;
	char words[4096];  /* all that it said of errors */
	char first[300];   /* the first of them */
	char output[1024]; /* its standard output, without the line's end */
};

struct tr_upload_tool;

/* So much of so much, from time to time; it has ended: from the loop, destroy then. */
typedef void tr_upload_tool_progress_fn(int64_t bytes, void *user);
typedef void tr_upload_tool_end_fn(const struct tr_upload_tool_result *result, void *user);

/* Borrows the settings. -ENOENT: there is no rclone. -errno. */
TR_CHECKED int tr_upload_tool_start(sd_event *event, const struct tr_upload_tool_settings *settings,
	tr_upload_tool_progress_fn *progress, tr_upload_tool_end_fn *end, void *user,
	struct tr_upload_tool **ret_tool);

/* Kills it. NULL is fine. */
void tr_upload_tool_destroy(struct tr_upload_tool *tool);

/* Where the target's folder is, in rclone's words, without a slash at its end. */
void tr_upload_tool_place(const struct tr_upload_target *target, char *out, size_t size);

TR_CLEANUP_DEFINE(struct tr_upload_tool, tr_upload_tool_destroy)

#endif
