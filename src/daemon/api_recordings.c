#include "daemon/api_source_internal.h"

#include "core/text.h"

#include <errno.h>
#include <string.h>

#define FRESH_S 600

int tr_api_source_list_recordings(void *user, json_t **ret_json)
{
	const struct tr_api_source *source = user;
	json_t *entry;
	size_t i;

	int rc = tr_shelf_list(source->shelf, ret_json);
	if (rc < 0)
		return rc;
	json_array_foreach(*ret_json, i, entry)
	{
		const char *id = json_string_value(json_object_get(entry, "id"));
		if (!tr_node_uploads_folder(source->settings.node, id))
			continue;
		json_t *own = json_copy(entry); /* the shelf keeps that one */
		tr_node_show_uploads(source->settings.node, own);
		json_array_set_new(*ret_json, i, own);
	}
	return 0;
}

static int say_missing(char *why, size_t size, int rc)
{
	if (rc == -ENOENT)
		return tr_text_say(why, size, rc, "there is no such recording");
	return tr_text_say(why, size, rc, "the recording cannot be read: %s", strerror(-rc));
}

int tr_api_source_read_recording(
	void *user, const char *id, json_t **ret_json, char *why, size_t size)
{
	const struct tr_api_source *source = user;

	int rc = tr_shelf_read(source->shelf, id, ret_json);
	if (rc < 0)
		return say_missing(why, size, rc);
	tr_node_show_uploads(source->settings.node, *ret_json);
	return 0;
}

int tr_api_source_open_file(void *user, const char *id, const char *name, int *ret_fd)
{
	const struct tr_api_source *source = user;
	return tr_shelf_open_file(source->shelf, id, name, ret_fd);
}

/* One that somebody else writes, `telerec record`, changes all the time; one whose writer died does
 * not. */
static bool is_written_elsewhere(const struct tr_api_source *source, const json_t *entry)
{
	const char *state = json_string_value(json_object_get(entry, "state"));
	const char *id = json_string_value(json_object_get(entry, "id"));

	return (!strcmp(state, "recording") || !strcmp(state, "finishing")) &&
	       tr_shelf_is_fresh(source->shelf, id, FRESH_S);
}

static int check_unused(const struct tr_api_source *source, const char *id, char *why, size_t size)
{
	json_t *entry = NULL;

	int rc = tr_shelf_read(source->shelf, id, &entry);
	if (rc < 0)
		return say_missing(why, size, rc);
	bool is_used = tr_node_uses_folder(source->settings.node, id) ||
		       is_written_elsewhere(source, entry);
	json_decref(entry);
	if (!is_used && tr_node_uploads_folder(source->settings.node, id))
		return tr_text_say(why, size, -EBUSY, "it is being uploaded just now");
	return is_used ? tr_text_say(why, size, -EBUSY, "it is being recorded or finished just now")
		       : 0;
}

int tr_api_source_remove_recording(void *user, const char *id, char *why, size_t size)
{
	const struct tr_api_source *source = user;

	int rc = check_unused(source, id, why, size);
	if (rc < 0)
		return rc;
	rc = tr_shelf_remove(source->shelf, id);
	return rc < 0 ? tr_text_say(why, size, rc, "it cannot be removed: %s", strerror(-rc)) : 0;
}

int tr_api_source_finish_recording(void *user, const char *id, char *why, size_t size)
{
	const struct tr_api_source *source = user;

	int rc = check_unused(source, id, why, size);
	return rc < 0 ? rc : tr_node_finish_again(source->settings.node, id, why, size);
}

int tr_api_source_upload_recording(
	void *user, const char *id, const char *target, char *why, size_t size)
{
	const struct tr_api_source *source = user;
	json_t *entry = NULL;

	int rc = tr_shelf_read(source->shelf, id, &entry);
	if (rc < 0)
		return say_missing(why, size, rc);
	const char *state = json_string_value(json_object_get(entry, "state"));
	bool is_final = (!strcmp(state, "done") || !strcmp(state, "failed")) &&
			!tr_node_uses_folder(source->settings.node, id);
	json_decref(entry);
	if (!is_final)
		return tr_text_say(why, size, -EBUSY, "it is being recorded or finished just now");
	return tr_node_upload_again(source->settings.node, id, target, why, size);
}
