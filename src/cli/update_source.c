#include "cli/update_source.h"

#include "core/text.h"
#include "system/tool.h"
#include "system/update.h"

#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define FETCH_MS 7200000
#define MOUNT_MS 60000
#define LSBLK_MS 30000
#define FETCHED "/data/update.raucb"

static int fetch(const char *url, struct tr_update_source *source, char *why, size_t size)
{
	char shown[256];
	TR_CLEANUP(tr_freep) char *output = NULL;
	const char *const argv[] = {"curl", "--silent", "--show-error", "--fail", "--location",
		"--proto", "=http,https", "--retry", "3", "--output", FETCHED, "--", url, NULL};

	tr_text_redact(url, shown, sizeof(shown));
	if (access("/data", W_OK) < 0) {
		snprintf(why, size, "there is no room to fetch it to: /data cannot be written (%s)",
			strerror(errno));
		return -EACCES;
	}
	strcpy(source->file, FETCHED);
	source->is_ours = true;
	printf("Fetching %s\n", shown);
	fflush(stdout);
	int rc = tr_tool_run(argv, FETCH_MS, 1, &output);
	if (rc == 0)
		return 0;
	snprintf(why, size, "%s cannot be fetched (%.300s)", shown,
		rc < 0 ? strerror(-rc) : tr_tool_last_line(output));
	return rc < 0 ? rc : -EIO;
}

/* The newest update among the files of a mounted stick; its names begin with telerec. */
static bool find_newest(const char *folder, char *out, size_t size)
{
	static const char *const places[] = {"telerec*.raucb", "telerec/*.raucb"};
	const char *best = NULL;
	char pattern[128];
	glob_t found = {0};

	for (size_t i = 0; i < TR_COUNT(places); i++) {
		snprintf(pattern, sizeof(pattern), "%s/%s", folder, places[i]);
		(void)glob(pattern, i ? GLOB_APPEND : 0, NULL, &found);
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;
		if (!best || tr_update_compare(strrchr(best, '/') + 1, name) < 0)
			best = found.gl_pathv[i];
	}
	if (best)
		snprintf(out, size, "%s", best);
	globfree(&found);
	return best;
}

static void unmount(struct tr_update_source *source)
{
	const char *const argv[] = {"umount", source->folder, NULL};

	if (source->is_mounted)
		(void)!tr_tool_run(argv, MOUNT_MS, 0, NULL);
	source->is_mounted = false;
}

/* True when this file system has an update; it stays mounted then. */
static bool look_into(const char *device, struct tr_update_source *source)
{
	const char *const argv[] = {
		"mount", "-o", "ro,nosuid,nodev,noexec", device, source->folder, NULL};

	if (tr_tool_run(argv, MOUNT_MS, 0, NULL) != 0)
		return false;
	source->is_mounted = true;
	if (find_newest(source->folder, source->file, sizeof(source->file)))
		return true;
	unmount(source);
	return false;
}

/* Partitions and whole disks with a file system that nobody has mounted. */
static bool look_below(const json_t *devices, struct tr_update_source *source)
{
	json_t *device;
	size_t i;

	json_array_foreach(devices, i, device)
	{
		const char *type = json_string_value(json_object_get(device, "fstype"));
		const char *path = json_string_value(json_object_get(device, "path"));
		json_t *points = json_object_get(device, "mountpoints");
		bool is_free = !json_is_string(json_array_get(points, 0));
		if (path && type && is_free && strcmp(type, "squashfs") != 0 &&
			look_into(path, source))
			return true;
		if (look_below(json_object_get(device, "children"), source))
			return true;
	}
	return false;
}

static int search(struct tr_update_source *source, char *why, size_t size)
{
	const char *const argv[] = {"lsblk", "--json", "--output", "PATH,FSTYPE,MOUNTPOINTS", NULL};
	TR_CLEANUP(tr_freep) char *output = NULL;

	strcpy(source->folder, "/run/telerec-update-XXXXXX");
	if (!mkdtemp(source->folder)) {
		source->folder[0] = '\0';
		snprintf(why, size, "only root can look into sticks (%s)", strerror(errno));
		return -EACCES;
	}
	int rc = tr_tool_run(argv, LSBLK_MS, 0, &output);
	json_t *all = rc == 0 ? json_loads(output, 0, NULL) : NULL;
	bool is_found = look_below(json_object_get(all, "blockdevices"), source);
	json_decref(all);
	if (!is_found)
		snprintf(why, size,
			"no stick has an update: a file telerec-VERSION.raucb, at the top or in a folder telerec");
	return is_found ? 0 : -ENOENT;
}

int tr_update_source_open(
	const char *from, struct tr_update_source *ret_source, char *why, size_t size)
{
	*ret_source = (struct tr_update_source){0};
	if (!from)
		return search(ret_source, why, size);
	if (!strncmp(from, "http://", 7) || !strncmp(from, "https://", 8))
		return fetch(from, ret_source, why, size);
	/* RAUC's service has another working folder. */
	if (!realpath(from, ret_source->file)) {
		snprintf(why, size, "%s cannot be read (%s)", from, strerror(errno));
		return -ENOENT;
	}
	return 0;
}

void tr_update_source_close(struct tr_update_source *source)
{
	unmount(source);
	if (source->folder[0])
		(void)rmdir(source->folder);
	if (source->is_ours)
		(void)unlink(source->file);
}
