#include "cli/node_verb.h"
#include "cli/storage_share.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "core/text.h"
#include "system/disk_recordings.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
	OPTION_DRY_RUN = 1,
	OPTION_CONFIG,
	OPTION_ERASE,
	OPTION_USER,
	OPTION_PASSWORD,
	OPTION_STDIN,
	OPTION_FORGET,
	OPTION_ROOT,
	OPTION_JSON,
};

static const struct tr_option options[] = {
	{"dry-run", NULL, "change nothing, show each change", OPTION_DRY_RUN},
	{"config", "FILE", "another telerec.conf", OPTION_CONFIG},
	{"yes-erase", "DEVICE", "for format: the same device once more", OPTION_ERASE},
	{"user", "NAME", "for share: of an SMB server, also DOMAIN\\NAME", OPTION_USER},
	{"password-stdin", NULL, "for share: the password is standard input's first line",
		OPTION_PASSWORD},
	{"stdin", NULL, "for share: url, user and password are a JSON object on standard input",
		OPTION_STDIN},
	{"forget", NULL, "for share: back to the internal disk", OPTION_FORGET},
	{"root", "DIR", "for share: the files below DIR", OPTION_ROOT},
	{"json", NULL, "print JSON", OPTION_JSON},
	{0},
};

struct request {
	struct tr_node_verb node; /* for errors */
	struct tr_change change;
	const char *what, *device, *erase, *config;
	struct tr_storage_share share;
};

static bool take_share(struct request *request, int id, const char *value)
{
	switch (id) {
	case OPTION_USER:
		request->share.user = value;
		return true;
	case OPTION_PASSWORD:
		request->share.is_password_read = true;
		return true;
	case OPTION_STDIN:
		request->share.is_stdin = true;
		return true;
	case OPTION_FORGET:
		request->share.is_forgotten = true;
		return true;
	case OPTION_ROOT:
		request->change.root = strcmp(value, "/") ? value : "";
		return true;
	}
	return false;
}

static int take(struct request *request, int id, const char *value)
{
	static const char *const words[] = {"show", "use", "format", "share", NULL};

	if (take_share(request, id, value))
		return 0;

	switch (id) {
	case OPTION_DRY_RUN:
		request->change.is_dry_run = true;
		return 0;
	case OPTION_CONFIG:
		request->config = value;
		return 0;
	case OPTION_ERASE:
		request->erase = value;
		return 0;
	case OPTION_JSON:
		request->node.is_json = true;
		return 0;
	}
	if (request->what && strcmp(request->what, "show") != 0 && !request->device) {
		request->device = value;
		return 0;
	}
	if (request->what)
		return tr_options_refuse("storage", "what is this for? ", value);
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			request->what = words[i];
	return request->what
		       ? 0
		       : tr_options_refuse("storage", "show, use, format or share, not ", value);
}

/* ---- show ---- */

/* The folder of the recordings, as the settings have it, and its disk. */
static json_t *find_folder(const char *path)
{
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	struct statvfs vfs;

	if (!config || !complaints)
		return NULL;
	bool is_read = tr_config_load_public(path, config, complaints) >= 0;
	const char *folder = is_read ? config->recordings : "";
	bool is_there = folder[0] && statvfs(folder, &vfs) == 0;
	return json_pack("{s:s,s:I,s:I}", "folder", folder, "free_bytes",
		is_there ? (json_int_t)vfs.f_bavail * (json_int_t)vfs.f_frsize : 0, "total_bytes",
		is_there ? (json_int_t)vfs.f_blocks * (json_int_t)vfs.f_frsize : 0);
}

/* Each partition with its mount, and whether it can be used. */
static void add_facts(json_t *disks, const struct tr_disks *read)
{
	for (unsigned i = 0; i < read->count; i++)
		for (unsigned k = 0; k < read->disks[i].part_count; k++) {
			const struct tr_disk_part *part = &read->disks[i].parts[k];
			json_t *json = json_array_get(
				json_object_get(json_array_get(disks, i), "partitions"), k);
			char mounted[PATH_MAX];
			tr_disk_recordings_mounted("", part->path, mounted, sizeof(mounted));
			const char *obstacle = tr_disk_recordings_obstacle(part, mounted);
			json_object_set_new(json, "mounted", json_string(mounted));
			json_object_set_new(
				json, "obstacle", json_string(obstacle ? obstacle : ""));
		}
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void print_part(const json_t *part)
{
	const char *mounted = text_of(part, "mounted"), *obstacle = text_of(part, "obstacle");
	char bytes[16];

	tr_text_format_bytes(
		json_integer_value(json_object_get(part, "bytes")), bytes, sizeof(bytes));
	printf("  %-16s %10s  %-8s %-16s %s%s\n", text_of(part, "path"), bytes,
		text_of(part, "type")[0] ? text_of(part, "type") : "-", text_of(part, "label"),
		mounted[0] ? "at " : "", mounted);
	if (obstacle[0] && !mounted[0])
		printf("    not for recordings: %s\n", obstacle);
}

static void print_all(const json_t *all)
{
	char free_bytes[16], total[16], size[16];
	json_t *disk, *part;
	size_t i, k;

	tr_text_format_bytes(json_integer_value(json_object_get(all, "free_bytes")), free_bytes,
		sizeof(free_bytes));
	tr_text_format_bytes(
		json_integer_value(json_object_get(all, "total_bytes")), total, sizeof(total));
	if (text_of(all, "folder")[0])
		printf("recordings are kept in %s: %s of %s free\n", text_of(all, "folder"),
			free_bytes, total);
	else
		puts("where recordings are kept is not known: `telerec config check` says why");
	tr_storage_share_print(all);
	json_array_foreach(json_object_get(all, "disks"), i, disk)
	{
		tr_text_format_bytes(
			json_integer_value(json_object_get(disk, "bytes")), size, sizeof(size));
		printf("%s  %s  %s\n", text_of(disk, "path"), size,
			text_of(disk, "model")[0] ? text_of(disk, "model") : "no model name");
		json_array_foreach(json_object_get(disk, "partitions"), k, part) print_part(part);
	}
}

static int show(struct request *request)
{
	TR_CLEANUP(tr_freep) struct tr_disks *disks = calloc(1, sizeof(*disks));
	json_t *all = find_folder(request->config);

	if (!disks || !all)
		return TR_EXIT_FAILED;
	int rc = tr_disks_read(disks);
	if (rc < 0 && rc != -ENOENT) /* without lsblk there is nothing to choose from */
		fprintf(stderr, "telerec storage: the disks cannot be listed: %s\n", strerror(-rc));
	disks->count = rc < 0 ? 0 : disks->count;
	json_t *list = tr_disks_to_json(disks);
	add_facts(list, disks);
	json_object_set_new(all, "disks", list);
	tr_storage_share_add(request->change.root, all);
	if (request->node.is_json)
		return tr_node_verb_print_json(all);
	print_all(all);
	json_decref(all);
	return 0;
}

/* ---- use and format ---- */

static int fail_change(const struct request *request, int rc)
{
	return tr_node_verb_fail(&request->node,
		rc == -EINVAL || rc == -ENOENT ? TR_EXIT_USAGE : TR_EXIT_FAILED, "%s",
		request->change.why[0] ? request->change.why : strerror(-rc));
}

static int use(struct request *request)
{
	char folder[PATH_MAX], setting[PATH_MAX + 16];
	char *argv[] = {(char *)"config", (char *)"set", (char *)"--config",
		(char *)request->config, setting, NULL};

	int rc = tr_disk_recordings_use(&request->change, request->device, folder);
	if (rc < 0)
		return fail_change(request, rc);
	if (tr_text_format(setting, sizeof(setting), "recordings=%s", folder) < 0)
		return TR_EXIT_FAILED;
	if (request->change.is_dry_run) {
		printf("%s: %s\n", request->config, setting);
		return 0;
	}
	return tr_verb_config.run(&tr_verb_config, 5, argv);
}

static int format(struct request *request)
{
	if (!request->change.is_dry_run &&
		(!request->erase || strcmp(request->erase, request->device) != 0))
		return tr_node_verb_fail(&request->node, TR_EXIT_USAGE,
			"ALL that is on %s is lost by this. When that is meant, say it twice: telerec "
			"storage format %s --yes-erase %s",
			request->device, request->device, request->device);
	int rc = tr_disk_recordings_format(&request->change, request->device);
	return rc < 0 ? fail_change(request, rc) : 0;
}

static int share(struct request *request)
{
	FILE *nowhere = request->node.is_json ? fopen("/dev/null", "we") : NULL;

	request->share.node = &request->node;
	request->share.change = &request->change;
	request->share.config = request->config;
	request->share.url = request->device;
	if (nowhere)
		request->change.out = nowhere; /* "running: ..." is no JSON */
	signal(SIGHUP, SIG_IGN);
	int code = tr_storage_share_run(&request->share);
	if (nowhere)
		fclose(nowhere);
	return code;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct request request = {.node = {.name = verb->name},
		.change = {.root = "", .out = stdout},
		.config = TR_CONFIG_DEFAULT_PATH};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(&request, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc < 0)
		return TR_EXIT_USAGE;
	if (!request.what || !strcmp(request.what, "show"))
		return show(&request);
	if (!strcmp(request.what, "share"))
		return share(&request);
	if (!request.device) {
		tr_options_refuse("storage", "say which device: /dev/sdb1", "");
		return TR_EXIT_USAGE;
	}
	signal(SIGHUP, SIG_IGN); /* a change is ended in order */
	return strcmp(request.what, "use") ? format(&request) : use(&request);
}

const struct tr_verb tr_verb_storage = {"storage", "[show|use DEVICE|format DEVICE|share URL]",
	"Tells where recordings are kept, and takes a disk or a network share for them.", options,
	run};
