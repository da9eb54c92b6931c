/* The parts of the API's source see each other here: api_source.c (the table, node and sessions),
 * api_start.c, api_recordings.c and api_config.c. The functions are those of the table. */
#ifndef TR_DAEMON_API_SOURCE_INTERNAL_H
#define TR_DAEMON_API_SOURCE_INTERNAL_H

#include "daemon/api_source.h"
#include "storage/shelf.h"

struct tr_api_source {
	struct tr_api_source_settings settings;
	struct tr_node_api_source table;
	struct tr_shelf *shelf;
};

/* ---- api_start.c ---- */

int tr_api_source_start(
	void *user, const json_t *request, json_t **ret_json, char *why, size_t size);

/* ---- api_recordings.c ---- */

int tr_api_source_list_recordings(void *user, json_t **ret_json);
int tr_api_source_read_recording(
	void *user, const char *id, json_t **ret_json, char *why, size_t size);
int tr_api_source_open_file(void *user, const char *id, const char *name, int *ret_fd);
int tr_api_source_remove_recording(void *user, const char *id, char *why, size_t size);
int tr_api_source_finish_recording(void *user, const char *id, char *why, size_t size);
int tr_api_source_upload_recording(
	void *user, const char *id, const char *target, char *why, size_t size);

/* ---- api_config.c ---- */

int tr_api_source_read_config(void *user, json_t **ret_json);
int tr_api_source_write_config(
	void *user, const char *text, bool is_check, json_t **ret_json, char *why, size_t size);

#endif
