/* Finished recordings on their way to others: the queue's place in the node. */
#define TR_LOG_AREA "node"

#include "daemon/node_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void on_tell(void *user, const struct tr_event *event)
{
	tr_node_tell(user, *event);
}

static void on_taken_over(void *user, const char *folder)
{
	tr_node_disk_over(user, folder, true);
}

int tr_node_open_uploads(struct tr_node *node)
{
	const struct tr_uploads_settings settings = {
		.dir = &node->dir,
		.config = node->settings.rules,
		.user = node,
		.tell = on_tell,
		.taken_over = on_taken_over,
	};

	return tr_uploads_create(node->event, &settings, &node->uploads);
}

void tr_node_pause_uploads(struct tr_node *node)
{
	bool is_recording = false;

	if (!node->uploads || !node->settings.rules ||
		node->settings.rules->storage.upload_while_recording)
		return;
	for (unsigned i = 0; i < node->slot_count; i++)
		is_recording |= node->places[i].session != NULL;
	tr_uploads_pause(node->uploads, is_recording);
}

void tr_node_over_uploads(struct tr_node *node, const char *folder, bool is_taken_by_script)
{
	bool has_targets = node->settings.rules && node->settings.rules->storage.upload_count > 0;

	/* With targets, they have the last word. */
	tr_node_disk_over(node, folder, is_taken_by_script && !has_targets);
	tr_uploads_take(node->uploads, folder);
}

int tr_node_upload_again(
	struct tr_node *node, const char *folder, const char *target, char *why, size_t size)
{
	return tr_uploads_retry(node->uploads, folder, target, why, size);
}

void tr_node_show_uploads(const struct tr_node *node, json_t *recording)
{
	tr_uploads_show(node->uploads, recording);
}

bool tr_node_uploads_folder(const struct tr_node *node, const char *folder)
{
	return tr_uploads_has_folder(node->uploads, folder);
}
