#include "daemon/api_source_internal.h"

#include <errno.h>
#include <string.h>

/* ---- the node ---- */

static void read_all(void *user, struct tr_snapshot *ret)
{
	const struct tr_api_source *source = user;

	tr_node_read(source->settings.node, ret);
	if (source->settings.read_links)
		source->settings.read_links(source->settings.user, ret);
}

static void set_drain(void *user, bool is_on, bool is_leaving)
{
	const struct tr_api_source *source = user;
	tr_node_set_drain(source->settings.node, is_on, is_leaving);
}

static int restart_slot(void *user, unsigned slot, char *why, size_t size)
{
	const struct tr_api_source *source = user;
	return tr_node_restart_slot(source->settings.node, slot, why, size);
}

/* ---- sessions ---- */

static const char *kind_name(enum tr_control_kind kind)
{
	return kind == TR_CONTROL_STREAM ? "stream" : "file";
}

/* What went wrong last counts. */
static const char *sentence_of(const struct tr_history_entry *entry)
{
	return entry->sentence[0]			   ? entry->sentence
	       : entry->files_sentence[0]		   ? entry->files_sentence
	       : entry->script == TR_HISTORY_SCRIPT_FAILED ? entry->script_sentence
							   : "";
}

static json_t *show_ended(const struct tr_history_entry *entry)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:b, s:s, "
			 "s:s, s:s, s:s, s:I, s:I, s:b}",
		"session_id", entry->session_id, "slot", (int)entry->slot, "folder", entry->folder,
		"room", entry->room, "name", entry->name, "environment", entry->environment, "kind",
		kind_name(entry->kind), "accepted_ms", (json_int_t)entry->accepted_ms, "on_ms",
		(json_int_t)entry->on_ms, "warning", entry->warning, "ended_ms",
		(json_int_t)entry->ended_ms, "is_failure", entry->is_failure, "reason",
		tr_reason_name(entry->reason), "sentence", sentence_of(entry), "file", entry->file,
		"grade", entry->grade, "bytes", (json_int_t)entry->bytes, "duration_ms",
		(json_int_t)entry->duration_ms, "is_over", entry->is_over);
}

static int list_sessions(void *user, json_t **ret_json)
{
	const struct tr_api_source *source = user;
	json_t *list = json_array();
	const struct tr_history_entry *entry;

	if (!list)
		return -ENOMEM;
	for (unsigned i = 0; (entry = tr_node_history(source->settings.node, i)); i++)
		json_array_append_new(list, show_ended(entry));
	*ret_json = list;
	return 0;
}

/* ---- the log ---- */

static int read_log(void *user, const char *session_id, unsigned slot, int level, int64_t since_ms,
	unsigned limit, json_t **ret_json)
{
	const struct tr_api_source *source = user;
	const struct tr_logline_filter filter = {session_id, slot, level, since_ms, limit};

	return tr_logbook_read(source->settings.logbook, &filter, ret_json);
}

static void preview(
	void *user, unsigned slot, unsigned width, tr_node_api_preview_fn *done, void *done_user)
{
	const struct tr_api_source *source = user;
	tr_node_preview(source->settings.node, slot, width, done, done_user);
}

/* ---- life ---- */

int tr_api_source_create(
	const struct tr_api_source_settings *settings, struct tr_api_source **ret_source)
{
	TR_CLEANUP(tr_api_source_destroyp)
	struct tr_api_source *source = calloc(1, sizeof(*source));
	if (!source)
		return -ENOMEM;
	source->settings = *settings;
	source->table = (struct tr_node_api_source){
		.user = source,
		.actions = tr_node_actions(settings->node),
		.read = read_all,
		.start = tr_api_source_start,
		.set_drain = set_drain,
		.restart_slot = restart_slot,
		.list_sessions = list_sessions,
		.list_recordings = tr_api_source_list_recordings,
		.read_recording = tr_api_source_read_recording,
		.open_file = tr_api_source_open_file,
		.remove_recording = tr_api_source_remove_recording,
		.finish_recording = tr_api_source_finish_recording,
		.upload_recording = tr_api_source_upload_recording,
		.read_config = tr_api_source_read_config,
		.write_config = tr_api_source_write_config,
		.read_log = read_log,
		.preview = preview,
	};
	int rc = tr_shelf_create(settings->config->recordings, &source->shelf);
	if (rc < 0)
		return rc;
	*ret_source = tr_take(source);
	return 0;
}

void tr_api_source_destroy(struct tr_api_source *source)
{
	if (!source)
		return;
	tr_shelf_destroy(source->shelf);
	free(source);
}

const struct tr_node_api_source *tr_api_source_table(const struct tr_api_source *source)
{
	return &source->table;
}
