#define TR_LOG_AREA "metadata"

#include "storage/metadata.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"

#include <errno.h>
#include <string.h>

#define OURS TR_METADATA_OURS

static void decref(json_t **json)
{
	json_decref(*json);
}

static json_t *text(const char *bytes)
{
	json_t *string = json_string(bytes);
	return string ? string : json_string(""); /* not UTF-8: Jibri has no word for it either */
}

/* Members that are there stay: Jibri's come first, and win. */
static void merge_request(json_t *root, const char *request_metadata)
{
	json_error_t error;
	const char *name;
	json_t *value;

	if (!request_metadata || !*request_metadata)
		return;
	TR_CLEANUP(decref) json_t *object = json_loads(request_metadata, JSON_ALLOW_NUL, &error);
	if (!json_is_object(object)) {
		tr_warning("the request's metadata is no JSON object and is left out");
		return;
	}
	json_object_foreach(
		object, name, value) if (!json_object_get(root, name) && strcmp(name, OURS) != 0)
		json_object_set(root, name, value);
}

static json_t *make(const struct tr_metadata *metadata)
{
	char created[32];
	json_t *root = json_object();

	tr_clock_format_utc(metadata->created_wall_ns, created, sizeof(created));
	json_object_set_new(root, "meeting_url", text(metadata->meeting_url));
	json_object_set_new(root, "participants",
		json_is_array(metadata->participants) ? json_deep_copy(metadata->participants)
						      : json_array());
	merge_request(root, metadata->request_metadata);
	json_object_set_new(root, OURS,
		json_pack("{s:o, s:o, s:s}", "session_id", text(metadata->session_id), "room",
			text(metadata->room), "started", created));
	return root;
}

int tr_metadata_write(int dirfd, const struct tr_metadata *metadata)
{
	TR_CLEANUP(decref) json_t *root = make(metadata);
	TR_CLEANUP(tr_freep) char *bytes = json_dumps(root, JSON_COMPACT);

	if (!bytes)
		return tr_fail(-ENOMEM, "cannot write " TR_METADATA_FILE);
	int rc = tr_file_replace_private(dirfd, TR_METADATA_FILE, bytes, strlen(bytes));
	return rc < 0 ? tr_fail(rc, "cannot write " TR_METADATA_FILE) : 0;
}
