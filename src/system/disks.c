#include "system/disks.h"

#include "core/text.h"
#include "system/disk_layout.h"
#include "system/tool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define LSBLK_MS 30000

static void copy_text(const json_t *object, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, key));

	/* A label is anybody's word: it goes to a terminal. */
	size_t length = 0;
	for (; text && *text && length + 1 < size; text++)
		out[length++] = (unsigned char)*text < ' ' || *text == 127 ? '?' : *text;
	while (length > 0 && out[length - 1] == ' ')
		length--;
	out[length] = '\0';
}

/* Older ones of lsblk write numbers and truths as text. */
static int64_t read_number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	int64_t number = 0;

	if (json_is_string(value))
		return tr_text_parse_int(json_string_value(value), 0, INT64_MAX, &number) < 0
			       ? 0
			       : number;
	return json_is_true(value) ? 1 : (int64_t)json_integer_value(value);
}

static void note_mounts(struct tr_disk *disk, const json_t *device)
{
	json_t *points = json_object_get(device, "mountpoints"), *point;
	size_t i;

	json_array_foreach(points, i, point)
	{
		const char *path = json_string_value(point);
		if (path && !disk->in_use[0])
			snprintf(disk->in_use, sizeof(disk->in_use),
				strcmp(path, "[SWAP]") ? "it is mounted at %.120s"
						       : "it is in use as swap space%.0s",
				path);
	}
}

static void add_part(struct tr_disk *disk, const json_t *device)
{
	if (disk->part_count == TR_DISKS_PARTS_MAX)
		return;
	struct tr_disk_part *part = &disk->parts[disk->part_count++];
	copy_text(device, "path", part->path, sizeof(part->path));
	copy_text(device, "partlabel", part->name, sizeof(part->name));
	copy_text(device, "label", part->label, sizeof(part->label));
	copy_text(device, "fstype", part->type, sizeof(part->type));
	part->bytes = read_number(device, "size");
}

/* What lies below a disk: partitions, and what was made of them (RAID, LVM, encryption). */
static void read_below(struct tr_disk *disk, const json_t *device, int depth)
{
	json_t *children = json_object_get(device, "children"), *child;
	size_t i;

	note_mounts(disk, device);
	json_array_foreach(children, i, child)
	{
		const char *type = json_string_value(json_object_get(child, "type"));
		if (type && !strcmp(type, "part") && depth == 0)
			add_part(disk, child);
		if (depth < 8)
			read_below(disk, child, depth + 1);
		/* An LVM or RAID that runs holds its parts. Only a mount says more. */
		if (type && strcmp(type, "part") != 0 && !disk->in_use[0])
			snprintf(disk->in_use, sizeof(disk->in_use),
				"it is part of a %.32s that runs", type);
	}
}

static bool is_disk(const json_t *device)
{
	const char *type = json_string_value(json_object_get(device, "type"));
	const char *name = json_string_value(json_object_get(device, "name"));

	return type && name && !strcmp(type, "disk") && read_number(device, "size") > 0 &&
	       strncmp(name, "zram", 4) != 0 && strncmp(name, "ram", 3) != 0 &&
	       strncmp(name, "fd", 2) != 0 && strncmp(name, "nbd", 3) != 0 &&
	       !strstr(name, "boot") && !strstr(name, "rpmb");
}

static void read_disk(struct tr_disk *disk, const json_t *device)
{
	const char *type = json_string_value(json_object_get(device, "fstype"));

	*disk = (struct tr_disk){0};
	copy_text(device, "path", disk->path, sizeof(disk->path));
	copy_text(device, "model", disk->model, sizeof(disk->model));
	copy_text(device, "serial", disk->serial, sizeof(disk->serial));
	copy_text(device, "tran", disk->bus, sizeof(disk->bus));
	disk->bytes = read_number(device, "size");
	disk->is_removable = read_number(device, "rm");
	disk->is_read_only = read_number(device, "ro");
	read_below(disk, device, 0);
	if (disk->part_count == 0 && type && type[0])
		add_part(disk, device);
}

int tr_disks_read(struct tr_disks *ret_disks)
{
	const char *const argv[] = {"lsblk", "--json", "--bytes", "--output",
		"NAME,PATH,TYPE,SIZE,MODEL,SERIAL,TRAN,RO,RM,FSTYPE,LABEL,PARTLABEL,MOUNTPOINTS",
		NULL};
	TR_CLEANUP(tr_freep) char *output = NULL;
	json_t *device;
	size_t i;

	int rc = tr_tool_run(argv, LSBLK_MS, 0, &output);
	if (rc != 0)
		return rc < 0 ? rc : -EIO;
	json_t *all = json_loads(output, 0, NULL);
	json_t *devices = json_object_get(all, "blockdevices");
	ret_disks->count = 0;
	json_array_foreach(devices, i, device)
	{
		if (is_disk(device) && ret_disks->count < TR_DISKS_MAX)
			read_disk(&ret_disks->disks[ret_disks->count++], device);
	}
	rc = json_is_array(devices) ? 0 : -EBADMSG;
	json_decref(all);
	return rc;
}

const struct tr_disk *tr_disks_find(const struct tr_disks *disks, const char *name)
{
	TR_CLEANUP(tr_freep) char *real = strchr(name, '/') ? realpath(name, NULL) : NULL;
	const char *path = real ? real : name;

	for (unsigned i = 0; i < disks->count; i++) {
		const char *disk = disks->disks[i].path;
		if (!strcmp(disk, path) || (!strncmp(disk, "/dev/", 5) && !strcmp(disk + 5, path)))
			return &disks->disks[i];
	}
	return NULL;
}

const char *tr_disks_obstacle(const struct tr_disk *disk)
{
	if (disk->in_use[0])
		return disk->in_use;
	if (disk->is_read_only)
		return "it cannot be written";
	if (disk->bytes < TR_DISK_LAYOUT_MIN_BYTES)
		return "it is smaller than 4.8 GiB";
	return NULL;
}

void tr_disks_describe(const struct tr_disk *disk, char *out, size_t size)
{
	size_t length = 0;

	snprintf(out, size, "empty");
	for (unsigned i = 0; i < disk->part_count && length < size; i++) {
		const struct tr_disk_part *part = &disk->parts[i];
		const char *label = part->label[0] ? part->label : part->name;
		char bytes[16];
		tr_text_format_bytes(part->bytes, bytes, sizeof(bytes));
		length += (size_t)snprintf(out + length, size - length, "%s%s%s%s%s %s",
			i ? ", " : "", part->type[0] ? part->type : "unknown",
			label[0] ? " \"" : "", label, label[0] ? "\"" : "", bytes);
	}
}

static json_t *part_to_json(const struct tr_disk_part *part)
{
	return json_pack("{s:s s:s s:s s:s s:I}", "path", part->path, "name", part->name, "label",
		part->label, "type", part->type, "bytes", (json_int_t)part->bytes);
}

json_t *tr_disks_to_json(const struct tr_disks *disks)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < disks->count; i++) {
		const struct tr_disk *disk = &disks->disks[i];
		const char *obstacle = tr_disks_obstacle(disk);
		json_t *parts = json_array();
		for (unsigned j = 0; j < disk->part_count; j++)
			json_array_append_new(parts, part_to_json(&disk->parts[j]));
		json_array_append_new(
			list, json_pack("{s:s s:s s:s s:s s:I s:b s:b s:s s:o}", "path", disk->path,
				      "model", disk->model, "serial", disk->serial, "bus",
				      disk->bus, "bytes", (json_int_t)disk->bytes, "is_removable",
				      disk->is_removable, "is_usable", !obstacle, "obstacle",
				      obstacle ? obstacle : "", "partitions", parts));
	}
	return list;
}
