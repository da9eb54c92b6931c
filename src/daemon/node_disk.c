/* Whether there is room for recordings: the guard's and the keeper's place in the node. */
#define TR_LOG_AREA "node"

#include "daemon/node_internal.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "storage/holdings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LOST_MS 5000
#define MAKE_ROOM_AGAIN_NS (10 * TR_NS_PER_S)

/* ---- the keeper asks ---- */

static bool is_in_use(void *user, const char *folder)
{
	const struct tr_node *node = user;

	for (unsigned i = 0; i < node->slot_count; i++)
		if (node->places[i].session && !strcmp(node->places[i].session->folder, folder))
			return true;
	for (const struct unfinished *one = node->unfinished; one; one = one->next)
		if (!strcmp(one->folder, folder))
			return true;
	return tr_afterwork_holds(node->afterwork, folder) ||
	       tr_uploads_has_folder(node->uploads, folder);
}

static void on_removed(void *user, const struct tr_holding *holding)
{
	struct tr_node *node = user;

	node->counts.removed_recordings++;
	node->counts.removed_bytes += (uint64_t)holding->bytes;
}

int tr_node_open_disk(struct tr_node *node)
{
	const struct tr_disk_guard_settings guard = {
		.reserve_bytes = node->settings.low_disk_bytes,
		.reserve_percent = node->settings.low_disk_percent,
		.warn_ms = node->settings.low_disk_ms,
		.check_ms = node->settings.check_ms,
	};
	const struct tr_keeper_settings keeper = {
		.dir = &node->dir,
		.rules = node->settings.rules,
		.user = node,
		.is_in_use = is_in_use,
		.removed = on_removed,
	};

	tr_disk_guard_init(&node->guard, &guard);
	return tr_keeper_create(node->event, &keeper, &node->keeper);
}

/* ---- saving ---- */

void tr_node_economize(struct session *session)
{
	struct tr_node *node = session->node;

	if (session->has_file && node->economy > 0)
		tr_supervisor_economize(node->supervisor, session->slot, node->economy);
}

static void tell_economy(struct tr_node *node)
{
	if (node->guard.economy == node->economy)
		return;
	tr_info("recordings save room on the disk: level %d of %d", node->guard.economy,
		TR_MESSAGE_ECONOMY_MAX);
	node->economy = node->guard.economy;
	for (unsigned slot = 1; slot <= node->slot_count; slot++) {
		const struct session *session = tr_node_place(node, slot)->session;
		if (session && session->has_file)
			tr_supervisor_economize(node->supervisor, slot, node->economy);
	}
}

static void look(struct tr_node *node, int64_t free_bytes, int64_t total_bytes)
{
	struct tr_disk_guard_look figures = {
		.now_ns = tr_clock_now_ns(), .free_bytes = free_bytes, .total_bytes = total_bytes};

	for (unsigned i = 0; i < node->slot_count; i++) {
		const struct session *session = node->places[i].session;
		if (!session || !session->has_file || session->phase != PHASE_ON)
			continue;
		figures.recordings++;
		figures.per_s += session->rate.per_s;
	}
	tr_disk_guard_look(&node->guard, &figures);
	tell_economy(node);
}

/* ---- what became of it ---- */

static void show(struct tr_node *node)
{
	struct tr_snapshot_disk *disk = &node->disk;

	memcpy(disk->path, node->recordings, sizeof(disk->path));
	memcpy(disk->problem, node->dir_problem, sizeof(disk->problem));
	if (node->dir_rc == 0)
		tr_disk_guard_say(
			&node->guard, node->dir.path, disk->problem, sizeof(disk->problem));
	disk->free_bytes = node->guard.free_bytes;
	disk->total_bytes = node->guard.total_bytes;
	disk->hours_left = node->guard.hours_left;
}

static void conclude(struct tr_node *node, int rc, const char *why)
{
	enum tr_snapshot_disk_state before = node->disk.state, state = node->guard.state;

	if (rc < 0)
		state = rc == -ENOSPC ? TR_SNAPSHOT_DISK_FULL : TR_SNAPSHOT_DISK_LOST;
	if (rc < 0 && node->dir_rc == 0)
		tr_error("%s; no recording starts until that is better", why);
	else if (rc == 0 && node->dir_rc < 0)
		tr_info("recordings can be written to %s again", node->dir.path);
	node->dir_rc = rc;
	snprintf(node->dir_problem, sizeof(node->dir_problem), "%s", why);
	node->disk.state = state;
	node->disk.is_in_memory = tr_file_is_in_memory(node->recordings);
	show(node);
	if (state == before)
		return;
	if (state == TR_SNAPSHOT_DISK_LOW)
		tr_warning("%s", node->disk.problem);
	if (state == TR_SNAPSHOT_DISK_LOW)
		tr_keeper_tidy(node->keeper);
	tr_node_tell(node, (struct tr_event){.type = TR_EVENT_DISK,
				   .state = tr_snapshot_disk_name(state),
				   .sentence = node->disk.problem});
}

static int look_at_disk(struct tr_node *node)
{
	int64_t free_bytes, total_bytes;

	int rc = tr_recordings_dir_read_space(&node->dir, &free_bytes, &total_bytes);
	if (rc == 0)
		look(node, free_bytes, total_bytes);
	return rc;
}

/* Before anything is refused; not with every look when there is nothing to remove. */
static void make_room(struct tr_node *node)
{
	int64_t now_ns = tr_clock_now_ns();

	if (node->guard.state != TR_SNAPSHOT_DISK_FULL ||
		(node->made_room_ns > 0 && now_ns - node->made_room_ns < MAKE_ROOM_AGAIN_NS))
		return;
	node->made_room_ns = now_ns;
	if (tr_keeper_make_room(node->keeper, tr_disk_guard_lacks(&node->guard)) > 0 &&
		look_at_disk(node) < 0)
		tr_warning("%s does not say how full it is", node->dir.path);
}

void tr_node_check_dir(struct tr_node *node, bool is_thorough)
{
	char why[sizeof(node->dir_problem)] = "";
	int rc = tr_recordings_dir_check(&node->dir, is_thorough, why, sizeof(why));

	if (rc == 0 || rc == -ENOSPC) {
		if (look_at_disk(node) == 0)
			make_room(node);
		rc = 0;
	}
	if (rc == 0 && node->guard.state == TR_SNAPSHOT_DISK_FULL) {
		rc = -ENOSPC;
		tr_disk_guard_say(&node->guard, node->dir.path, why, sizeof(why));
	}
	conclude(node, rc, why);
}

void tr_node_disk_progress(struct session *session, const struct tr_message_progress *progress)
{
	struct tr_node *node = session->node;

	if (!session->has_file)
		return;
	tr_disk_guard_note(&session->rate, tr_clock_now_ns(), progress->bytes);
	if (progress->free_bytes <= 0 || node->guard.looked_ns == 0)
		return;
	look(node, progress->free_bytes, node->guard.total_bytes);
	show(node);
	bool was_full = node->disk.state == TR_SNAPSHOT_DISK_FULL;
	if (node->disk.state == TR_SNAPSHOT_DISK_LOST || node->guard.state == node->disk.state)
		return;
	tr_node_check_dir(node, false);
	if (was_full != (node->disk.state == TR_SNAPSHOT_DISK_FULL))
		tr_node_publish_all(node);
}

int64_t tr_node_disk_pause_ms(const struct tr_node *node)
{
	int64_t pause_ms = node->guard.next_ms;

	if (node->disk.state == TR_SNAPSHOT_DISK_LOST && pause_ms > LOST_MS)
		pause_ms = LOST_MS;
	return pause_ms < node->settings.check_ms ? pause_ms : node->settings.check_ms;
}

void tr_node_disk_over(struct tr_node *node, const char *folder, bool is_taken_over)
{
	TR_CLEANUP(tr_closep) int dirfd = -1;

	/* The script may have taken the folder away. */
	if (is_taken_over && tr_recordings_dir_open(&node->dir, folder, &dirfd) == 0 &&
		tr_holdings_note_taken_over(dirfd) < 0)
		tr_warning("%s: that it was taken over cannot be noted", folder);
	tr_keeper_tidy(node->keeper);
}
