#include "config/secrets_internal.h"

#include "config/api_rules_internal.h"
#include "config/stream_rules_internal.h"
#include "config/upload_rules_internal.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_NAME "secrets.conf"
#define FILE_MAX_BYTES (1 << 18)
#define GROUPS_MAX 256
#define OUR_GROUP "telerec"

/* What the file says, by environments and rooms as the main file has them. */
struct entries {
	unsigned count;
	struct tr_config_environment environments[TR_CONFIG_ENVIRONMENTS_MAX];
	unsigned room_count;
	struct tr_config_room rooms[TR_CONFIG_ROOMS_MAX];
	unsigned upload_count;
	struct tr_config_upload uploads[TR_UPLOAD_TARGETS_MAX];
	char token[sizeof(((struct tr_config *)0)->api.token)];
};

static bool exists(const char *path)
{
	/* One that is there but may not be read must be told, not passed over. */
	return access(path, F_OK) == 0 || errno == EACCES;
}

void tr_secrets_find(struct tr_config *config, const char *main_path)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *slash = strrchr(main_path, '/');
	char *out = config->secrets;

	if (out[0])
		return;
	if (credentials && credentials[0] == '/' &&
		tr_text_format(out, sizeof(config->secrets), "%s/" FILE_NAME, credentials) == 0 &&
		exists(out))
		return;
	int rc = tr_text_format(out, sizeof(config->secrets), "%.*s" FILE_NAME,
		slash ? (int)(slash - main_path + 1) : 0, main_path);
	if (rc < 0 || !exists(out))
		out[0] = '\0';
}

/* The service manager keeps those for us; their mode shows an access list, not a group. */
static bool is_credential(const char *path)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	size_t length = folder ? strlen(folder) : 0;

	return length > 1 && !strncmp(path, folder, length) && path[length] == '/' &&
	       !strstr(path, "/../");
}

static bool is_our_group(gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	int count = getgroups(GROUPS_MAX, groups);
	const struct group *entry = getgrnam(OUR_GROUP);

	if (gid == getegid() || (entry && entry->gr_gid == gid))
		return true;
	for (int i = 0; i < count; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

/* A complaint with the line to run; 0 when nobody else can read or change the file. */
static int check_mode(struct tr_keytable_check *check, const struct stat *st)
{
	bool is_group_open = (st->st_mode & S_IRWXG) && !is_our_group(st->st_gid);
	const char *words = (st->st_mode & S_IRWXO) && is_group_open ? "g=,o="
			    : (st->st_mode & S_IRWXO)		     ? "o="
			    : is_group_open			     ? "g="
								     : NULL;

	if (!S_ISREG(st->st_mode))
		tr_keytable_complain(check, 0, "is not an ordinary file");
	else if (st->st_uid != 0 && st->st_uid != geteuid())
		tr_keytable_complain(check, 0,
			"holds passwords, but belongs to another user. Run: chown root %s",
			check->path);
	else if (words)
		tr_keytable_complain(check, 0,
			"holds passwords, but others can read it. Run: chmod %s %s", words,
			check->path);
	else
		return 0;
	return -EPERM;
}

static struct tr_config_environment *find_environment(struct tr_config *config, const char *name)
{
	for (unsigned i = 0; i < config->environment_count; i++)
		if (!strcmp(config->environments[i].name, name))
			return &config->environments[i];
	return NULL;
}

static void complain_name(
	struct tr_keytable_check *check, int line, const struct tr_config *config, const char *name)
{
	const char *names[TR_CONFIG_ENVIRONMENTS_MAX + 1] = {0};

	for (unsigned i = 0; i < config->environment_count; i++)
		names[i] = config->environments[i].name;
	const char *near = tr_text_nearest(name, names);
	if (!name[0])
		tr_keytable_complain(
			check, line, "an environment has no name: write name = \"...\";");
	else if (near)
		tr_keytable_complain(check, line,
			"there is no environment \"%s\" in the main file; did you mean \"%s\"?",
			name, near);
	else
		tr_keytable_complain(
			check, line, "there is no environment \"%s\" in the main file", name);
}

static void merge_password(struct tr_keytable_check *check, int line, const char *name,
	const char *group, const char *from, char *to, size_t size)
{
	if (!from[0])
		return;
	if (to[0])
		tr_keytable_complain(check, line,
			"environment \"%s\" has its %s.password twice, here and in the main file or "
			"further up: take the other one out",
			name, group);
	else
		snprintf(to, size, "%s", from);
}

static void merge(
	struct tr_keytable_check *check, const struct entries *entries, struct tr_config *config)
{
	for (unsigned i = 0; i < entries->count; i++) {
		const struct tr_config_environment *from = &entries->environments[i];
		struct tr_config_environment *to = find_environment(config, from->name);
		int line = check->lines[i];
		if (!from->name[0] || !to) {
			complain_name(check, line, config, from->name);
			continue;
		}
		merge_password(check, line, to->name, "control", from->control.password,
			to->control.password, sizeof(to->control.password));
		merge_password(check, line, to->name, "call", from->call.password,
			to->call.password, sizeof(to->call.password));
	}
}

static void merge_token(
	struct tr_keytable_check *check, const struct entries *entries, struct tr_config *config)
{
	if (entries->token[0] && config->api.token[0])
		tr_keytable_complain(
			check, 0, "api.token is here and in the main file: take the other one out");
	else if (entries->token[0])
		memcpy(config->api.token, entries->token, sizeof(config->api.token));
}

void tr_secrets_parse(struct tr_keytable_check *check, const struct tr_key_table *environments,
	const struct tr_key_table *rooms, const char *text, struct tr_config *config)
{
	const struct tr_key_row rows[] = {{.path = "environments",
						  .type = TR_KEY_GROUPS,
						  .offset = offsetof(struct entries, environments),
						  .size = sizeof(struct tr_config_environment),
						  .count_offset = offsetof(struct entries, count),
						  .count_max = TR_CONFIG_ENVIRONMENTS_MAX,
						  .items = environments},
		{.path = "rooms",
			.type = TR_KEY_GROUPS,
			.offset = offsetof(struct entries, rooms),
			.size = sizeof(struct tr_config_room),
			.count_offset = offsetof(struct entries, room_count),
			.count_max = TR_CONFIG_ROOMS_MAX,
			.items = rooms},
		{.path = "storage.uploads",
			.type = TR_KEY_GROUPS,
			.offset = offsetof(struct entries, uploads),
			.size = sizeof(struct tr_config_upload),
			.count_offset = offsetof(struct entries, upload_count),
			.count_max = TR_UPLOAD_TARGETS_MAX,
			.items = &tr_upload_rules_secret_keys},
		{.path = "api.token",
			.type = TR_KEY_SECRET,
			.offset = offsetof(struct entries, token),
			.size = sizeof(((struct entries *)0)->token),
			.fallback = "",
			.fault = tr_api_rules_token_fault}};
	const struct tr_key_table outer = {"", rows, TR_COUNT(rows), 0};
	struct entries *entries = calloc(1, sizeof(*entries));
	config_t parsed;

	if (!entries) {
		tr_keytable_complain(check, 0, "cannot be read: %s", strerror(ENOMEM));
		return;
	}
	config_init(&parsed);
	if (config_read_string(&parsed, text) != CONFIG_TRUE) {
		tr_keytable_complain(check, config_error_line(&parsed),
			"%s (a missing ';' or quote?)", config_error_text(&parsed));
	} else {
		tr_keytable_fill(check, &outer, entries, config_root_setting(&parsed));
		merge(check, entries, config);
		tr_stream_rules_merge(check, entries->rooms, entries->room_count, config);
		tr_upload_rules_merge(check, entries->uploads, entries->upload_count, config);
		merge_token(check, entries, config);
	}
	config_destroy(&parsed);
	explicit_bzero(entries, sizeof(*entries));
	free(entries);
}

void tr_secrets_load(struct tr_config_complaints *complaints,
	const struct tr_key_table *environments, const struct tr_key_table *rooms,
	struct tr_config *config)
{
	int lines[TR_CONFIG_ENVIRONMENTS_MAX] = {0};
	struct tr_keytable_check check = {config->secrets, complaints, lines};
	char *text = NULL;
	struct stat st;
	size_t size = 0;

	int rc = stat(config->secrets, &st) < 0 ? -errno : 0;
	if (rc == 0 && !is_credential(config->secrets) && check_mode(&check, &st) < 0)
		return;
	if (rc == 0)
		rc = tr_file_read(AT_FDCWD, config->secrets, FILE_MAX_BYTES, &text, &size);
	if (rc >= 0 && !text)
		rc = -ENOMEM;
	if (rc < 0) {
		tr_keytable_complain(&check, 0, "cannot be read: %s", strerror(-rc));
		return;
	}
	if (strlen(text) != size)
		tr_keytable_complain(&check, 0, "contains a NUL byte: this is no file of secrets");
	else
		tr_secrets_parse(&check, environments, rooms, text, config);
	explicit_bzero(text, size);
	free(text);
}
