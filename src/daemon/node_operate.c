/* What an operator asks of the node besides starting and stopping sessions. */
#define TR_LOG_AREA "node"

#include "daemon/node_internal.h"

#include "core/log.h"
#include "core/text.h"
#include "storage/leftovers.h"

#include <errno.h>
#include <string.h>

void tr_node_set_drain(struct tr_node *node, bool is_on, bool is_leaving)
{
	if (is_on && is_leaving) {
		tr_node_drain(node, 0);
		return;
	}
	if (node->is_shutting_down || node->has_left)
		return;
	if (node->is_draining != is_on)
		tr_info("%s", is_on ? "nothing new starts until that is taken back"
				    : "new recordings start again");
	node->is_draining = node->is_staying = is_on;
	tr_node_publish_all(node);
	tr_node_finish_next(node);
}

int tr_node_restart_slot(struct tr_node *node, unsigned slot, char *why, size_t size)
{
	if (slot == 0 || slot > node->slot_count)
		return tr_text_say(why, size, -ENOENT, "there is no slot %u", slot);
	if (tr_node_place(node, slot)->session)
		return tr_text_say(why, size, -EBUSY,
			"slot %u records; its process is not restarted in the middle of that",
			slot);
	int rc = tr_supervisor_restart(node->supervisor, slot);
	if (rc == -EBUSY)
		return tr_text_say(
			why, size, rc, "slot %u makes the files of a recording just now", slot);
	if (rc < 0)
		return tr_text_say(
			why, size, rc, "slot %u cannot be restarted: %s", slot, strerror(-rc));
	tr_info("slot %u is restarted, as asked", slot);
	tr_node_publish_all(node);
	return 0;
}

static bool is_unfinished(const struct tr_node *node, const char *folder)
{
	for (const struct unfinished *one = node->unfinished; one; one = one->next)
		if (!strcmp(one->folder, folder))
			return true;
	return false;
}

bool tr_node_uses_folder(const struct tr_node *node, const char *folder)
{
	for (unsigned i = 0; i < node->slot_count; i++)
		if (node->places[i].session && !strcmp(node->places[i].session->folder, folder))
			return true;
	return tr_afterwork_has_folder(node->afterwork, folder) || is_unfinished(node, folder);
}

int tr_node_finish_again(struct tr_node *node, const char *folder, char *why, size_t size)
{
	TR_CLEANUP(tr_closep) int dirfd = -1;
	TR_CLEANUP(tr_freep) struct tr_recording *recording = calloc(1, sizeof(*recording));

	if (!recording)
		return -ENOMEM;
	if (tr_node_uses_folder(node, folder))
		return tr_text_say(why, size, -EBUSY, "it is being recorded or finished just now");
	if (node->is_draining)
		return tr_text_say(why, size, -EBUSY, "nothing new starts while the node drains");
	int rc = tr_recordings_dir_open(&node->dir, folder, &dirfd);
	if (rc == 0)
		rc = tr_recording_load(dirfd, recording);
	if (rc == 0)
		rc = tr_leftovers_note_finalize(dirfd, true);
	if (rc == 0)
		rc = tr_node_take_up(node, recording, folder);
	if (rc < 0)
		return tr_text_say(why, size, rc, "it cannot be taken up: %s", strerror(-rc));
	tr_node_finish_next(node);
	tr_node_describe(node);
	return 0;
}

const struct tr_history_entry *tr_node_history(const struct tr_node *node, unsigned index)
{
	return tr_history_get(node->history, index);
}
