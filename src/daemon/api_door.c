#define TR_LOG_AREA "api"

#include "daemon/api_door.h"

#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>

#define SOCKET_MODE 0660
#define GROUP "telerec"

struct tr_api_door {
	struct tr_api_source *source;
	struct tr_node_api *api; /* NULL: every way is closed */
};

/* Under the service manager it is there, and ours. */
static int make_folder(const char *socket_path)
{
	const char *slash = strrchr(socket_path, '/');
	char folder[PATH_MAX];
	struct stat st;

	int rc = tr_text_format(
		folder, sizeof(folder), "%.*s", (int)(slash - socket_path), socket_path);
	if (rc < 0 || !folder[0] || (stat(folder, &st) == 0 && S_ISDIR(st.st_mode)))
		return rc;
	return tr_file_make_folders(folder, 0755);
}

/* Started by root himself, the group shall be let in all the same. */
static void let_group_in(const char *socket_path)
{
	const struct group *group = geteuid() == 0 ? getgrnam(GROUP) : NULL;

	if (group && lchown(socket_path, (uid_t)-1, group->gr_gid) < 0)
		tr_warning("%s: the group " GROUP " cannot be let in: %s", socket_path,
			strerror(errno));
}

static int open_ways(sd_event *event, const struct tr_config *config, bool has_socket,
	bool has_port, struct tr_api_door *door)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	const struct tr_node_api_settings settings = {
		.socket_path = has_socket ? config->api.socket : "",
		.socket_mode = SOCKET_MODE,
		.bind = config->api.bind,
		.port = has_port ? config->api.port : -1,
		.name = name,
		.token = config->api.token,
		.certificate_file = config->api.certificate,
		.key_file = config->api.key,
	};
	int rc =
		tr_node_api_create(event, &settings, tr_api_source_table(door->source), &door->api);
	if (rc < 0)
		return rc;
	if (has_socket) {
		let_group_in(config->api.socket);
		tr_info("the node API is at %s", config->api.socket);
	}
	if (has_port)
		tr_info("the node API is at %s, port %d%s", config->api.bind,
			tr_node_api_port(door->api),
			config->api.certificate[0] ? ", with TLS" : "");
	return 0;
}

/* What is wrong with one way must not close the other. */
static void try_ways(sd_event *event, const struct tr_config *config, struct tr_api_door *door)
{
	bool has_socket = config->api.socket[0], has_port = config->api.port >= 0;

	if (has_socket) {
		int rc = make_folder(config->api.socket);
		if (rc < 0)
			tr_warning("there is no folder for the node API's socket %s: %s",
				config->api.socket, strerror(-rc));
		has_socket = rc == 0;
	}
	bool is_open = (has_socket || has_port) &&
		       open_ways(event, config, has_socket, has_port, door) == 0;
	if (!is_open && has_socket && has_port)
		is_open = open_ways(event, config, true, false, door) == 0 ||
			  open_ways(event, config, false, true, door) == 0;
	if (!is_open && (config->api.socket[0] || has_port))
		tr_warning("the node API is closed: `telerec status` and its like do not work; "
			   "see api.socket and api.port in telerec.conf(5)");
}

int tr_api_door_open(sd_event *event, const struct tr_api_source_settings *settings,
	struct tr_api_door **ret_door)
{
	TR_CLEANUP(tr_api_door_closep) struct tr_api_door *door = calloc(1, sizeof(*door));
	if (!door)
		return -ENOMEM;
	int rc = tr_api_source_create(settings, &door->source);
	if (rc < 0)
		return rc;
	try_ways(event, settings->config, door);
	*ret_door = tr_take(door);
	return 0;
}

void tr_api_door_close(struct tr_api_door *door)
{
	if (!door)
		return;
	tr_node_api_destroy(door->api);
	tr_api_source_destroy(door->source);
	free(door);
}

void tr_api_door_tell(const struct tr_event *event, void *user)
{
	struct tr_api_door *door = user;

	if (door->api)
		tr_node_api_tell(event, door->api);
}
