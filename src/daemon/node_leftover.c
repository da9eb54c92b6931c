#define TR_LOG_AREA "node"

#include "daemon/node_internal.h"

#include "core/clock.h"
#include "core/log.h"
#include "storage/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RETRY_CHECKS 20
#define LEFTOVER_JOBS (UINT64_C(1) << 62) /* numbers of our own, above the supervisor's */

static int add_unfinished(struct tr_node *node, const char *session_id, const char *folder,
	int64_t not_before_ns, int64_t more_than_bytes)
{
	struct unfinished **end = &node->unfinished;
	struct unfinished *one = calloc(1, sizeof(*one));

	if (!one)
		return -ENOMEM;
	snprintf(one->session_id, sizeof(one->session_id), "%s", session_id);
	snprintf(one->folder, sizeof(one->folder), "%s", folder);
	one->not_before_ns = not_before_ns;
	one->more_than_bytes = more_than_bytes;
	while (*end)
		end = &(*end)->next;
	*end = one;
	return 0;
}

void tr_node_files_made(struct tr_node *node, uint64_t job)
{
	const char *folder = tr_afterwork_folder(node->afterwork, job);

	if (job == node->unfinished_job)
		node->unfinished_job = 0;
	if (folder)
		tr_uploads_expect(node->uploads, folder);
	tr_afterwork_files_made(node->afterwork, job);
	tr_node_finish_next(node);
	tr_node_describe(node);
	tr_node_leave_if_done(node);
}

static bool is_part_name(const char *name)
{
	const char *ending = strrchr(name, '.');
	const char *part = ending ? memrchr(name, '.', (size_t)(ending - name)) : NULL;

	return part && !strncmp(part, ".part-", 6);
}

/* There may be a file all the same; a part is none. Without room for it, later there may be some.
 */
void tr_node_files_failed(
	struct tr_node *node, uint64_t job, const struct tr_message_failed *failed)
{
	bool is_part = is_part_name(failed->file);
	bool is_for_later = failed->reason == TR_REASON_DISK_FULL && (is_part || !failed->file[0]);
	const char *folder = tr_afterwork_folder(node->afterwork, job);

	if (failed->file[0] && !is_for_later) {
		tr_node_files_made(node, job);
		return;
	}
	if (job == node->unfinished_job)
		node->unfinished_job = 0;
	if (is_for_later)
		tr_node_check_dir(node, false); /* how much room there is just now */
	int64_t then_ns = tr_clock_now_ns() + node->settings.check_ms / 6 * TR_NS_PER_MS;
	if (is_for_later && folder &&
		add_unfinished(node, failed->session_id, folder, then_ns, node->guard.free_bytes) ==
			0)
		tr_info("session %s: its file is made when there is room", failed->session_id);
	tr_afterwork_give_up(node->afterwork, job);
	tr_node_finish_next(node);
	tr_node_describe(node);
	tr_node_leave_if_done(node);
}

/* ---- what an earlier run left ---- */

/* Without more room than it failed with only once in a while: for what only looked like that. */
static bool is_worth_it(const struct tr_node *node, const struct unfinished *one)
{
	int64_t waited_ns = tr_clock_now_ns() - one->not_before_ns;

	return waited_ns >= 0 &&
	       (node->guard.free_bytes > one->more_than_bytes ||
		       waited_ns > RETRY_CHECKS * node->settings.check_ms * TR_NS_PER_MS);
}

/* Slots with users of their own read only what they made themselves. */
static bool can_read(struct tr_node *node, unsigned slot, int folder)
{
	uid_t user;
	struct stat st;

	return tr_supervisor_slot_user(node->supervisor, slot, &user) < 0 ||
	       fstatat(folder, TR_RECORDING_STATE_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	       st.st_uid == user;
}

static unsigned choose_reader(struct tr_node *node, int folder)
{
	for (unsigned slot = 1; slot <= node->slot_count; slot++)
		if (tr_node_is_free(node, slot) && can_read(node, slot, folder))
			return slot;
	return 0;
}

/* -EAGAIN when the slot for it is not free. */
static int finish(struct tr_node *node, const struct unfinished *one)
{
	TR_CLEANUP(tr_closep) int folder = -1;
	uint64_t job = 0;

	int rc = tr_recordings_dir_open(&node->dir, one->folder, &folder);
	unsigned slot = rc == 0 ? choose_reader(node, folder) : 0;
	if (rc == 0 && slot == 0)
		return -EAGAIN;
	if (rc == 0)
		rc = tr_supervisor_finish(node->supervisor, slot, one->session_id, folder, &job);
	if (rc < 0)
		return rc;
	node->unfinished_job = job;
	return tr_afterwork_expect(node->afterwork, job, one->session_id, one->folder);
}

/* Gives the next one to a slot; one at a time, and recordings that are wanted now go first. */
void tr_node_finish_next(struct tr_node *node)
{
	struct unfinished **at = &node->unfinished;

	/* Also on a full disk: the script may be what makes room, and a file that does not fit into
	 * what is left is not begun. */
	bool is_there = node->dir_rc == 0 || node->dir_rc == -ENOSPC;

	while (*at && node->unfinished_job == 0 && is_there && !node->is_draining) {
		struct unfinished *one = *at;
		int rc = is_worth_it(node, one) ? finish(node, one) : -EAGAIN;
		if (rc == -EAGAIN) {
			at = &one->next;
			continue;
		}
		if (rc < 0)
			tr_fail(rc, "%s, a recording that is to be finished, cannot be",
				one->folder);
		*at = one->next;
		free(one);
	}
}

/* Complete, but for its script. */
static int resume_script(struct tr_node *node, const char *session_id, const char *folder)
{
	uint64_t job = LEFTOVER_JOBS + ++node->last_own_job;

	int rc = tr_afterwork_expect(node->afterwork, job, session_id, folder);
	if (rc == 0)
		tr_afterwork_files_made(node->afterwork, job);
	return rc;
}

int tr_node_take_up(struct tr_node *node, const struct tr_recording *recording, const char *folder)
{
	return recording->state == TR_RECORDING_DONE
		       ? resume_script(node, recording->session_id, folder)
		       : add_unfinished(node, recording->session_id, folder, 0, -1);
}

/* Only folders with the node's own note: others may just be recorded to, by telerec(1). */
void tr_node_find_leftovers(struct tr_node *node)
{
	TR_CLEANUP(tr_freep) struct tr_leftover *leftovers = NULL;
	unsigned count;

	if (tr_leftovers_find(node->recordings, &leftovers, &count) < 0)
		return;
	for (unsigned i = 0; i < count; i++) {
		const struct tr_leftover *leftover = &leftovers[i];
		/* A failed one may only have lacked room. */
		bool is_cut = leftover->state != TR_RECORDING_DONE;
		if (!leftover->wants_finalize)
			continue;
		tr_info("session %s, of an earlier run, %s", leftover->session_id,
			is_cut ? "is still to be finished" : "lacks only its script");
		int rc =
			is_cut ? add_unfinished(node, leftover->session_id, leftover->folder, 0, -1)
			       : resume_script(node, leftover->session_id, leftover->folder);
		if (rc < 0)
			tr_fail(rc, "session %s cannot be taken up", leftover->session_id);
	}
}

void tr_node_free_leftovers(struct tr_node *node)
{
	while (node->unfinished) {
		struct unfinished *one = node->unfinished;
		node->unfinished = one->next;
		free(one);
	}
}
