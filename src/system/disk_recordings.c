#include "system/disk_recordings.h"

#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PLACE "/run/media/telerec"
#define OWNER "telerec"
#define TOOL_MS 60000
#define FORMAT_MS 600000

/* Who can change a file system's label, and how: "%d" the device, "%l" the label. */
static const struct {
	const char *type;
	const char *words[6];
} labellers[] = {
	{"ext4", {"e2label", "%d", "%l"}},
	{"ext3", {"e2label", "%d", "%l"}},
	{"ext2", {"e2label", "%d", "%l"}},
	{"xfs", {"xfs_admin", "-L", "%l", "%d"}},
	{"btrfs", {"btrfs", "filesystem", "label", "%d", "%l"}},
};

static bool can_hold(const char *type)
{
	for (size_t i = 0; i < TR_COUNT(labellers); i++)
		if (!strcmp(labellers[i].type, type))
			return true;
	return false;
}

static bool is_labelled(const struct tr_disk_part *part)
{
	return !strncmp(part->label, TR_DISK_RECORDINGS_LABEL, strlen(TR_DISK_RECORDINGS_LABEL));
}

const char *tr_disk_recordings_obstacle(const struct tr_disk_part *part, const char *mounted)
{
	if (mounted[0] && strncmp(mounted, PLACE "/", strlen(PLACE) + 1) != 0)
		return "it is in use elsewhere";
	if (!part->type[0])
		return "it holds nothing that can be mounted: format it";
	if (!can_hold(part->type))
		return "its kind of file system knows no owners, or no large files: format it";
	return NULL;
}

void tr_disk_recordings_mounted(const char *root, const char *device, char *out, size_t size)
{
	char path[PATH_MAX], buffer[4096];
	struct mntent entry;

	out[0] = '\0';
	if (tr_text_format(path, sizeof(path), "%s/proc/self/mounts", root) < 0)
		return;
	FILE *mounts = setmntent(path, "re");
	while (mounts && !out[0] && getmntent_r(mounts, &entry, buffer, sizeof(buffer)))
		if (!strcmp(entry.mnt_fsname, device))
			snprintf(out, size, "%s", entry.mnt_dir);
	if (mounts)
		endmntent(mounts);
}

static const struct tr_disk_part *find_part(
	const struct tr_disks *disks, const char *device, const struct tr_disk **ret_disk)
{
	for (unsigned i = 0; i < disks->count; i++)
		for (unsigned k = 0; k < disks->disks[i].part_count; k++)
			if (!strcmp(disks->disks[i].parts[k].path, device)) {
				*ret_disk = &disks->disks[i];
				return &disks->disks[i].parts[k];
			}
	return NULL;
}

static int read_disks(struct tr_change *change, struct tr_disks **ret_disks)
{
	*ret_disks = calloc(1, sizeof(**ret_disks));
	int rc = *ret_disks ? tr_disks_read(*ret_disks) : -ENOMEM;

	return rc < 0 ? tr_change_fail(change, rc, "the disks cannot be listed: %s", strerror(-rc))
		      : 0;
}

/* ---- the label ---- */

static bool has_label(const struct tr_disks *disks, const char *label)
{
	for (unsigned i = 0; i < disks->count; i++)
		for (unsigned k = 0; k < disks->disks[i].part_count; k++)
			if (!strcmp(disks->disks[i].parts[k].label, label))
				return true;
	return false;
}

/* One that no other disk has: TELEREC-REC, TELEREC-REC2, ... */
static void choose_label(const struct tr_disks *disks, char out[static 16])
{
	snprintf(out, 16, "%s", TR_DISK_RECORDINGS_LABEL);
	for (unsigned number = 2; number <= 99 && has_label(disks, out); number++)
		snprintf(out, 16, "%s%u", TR_DISK_RECORDINGS_LABEL, number);
}

static int set_label(struct tr_change *change, const struct tr_disk_part *part, const char *label)
{
	const char *argv[TR_COUNT(labellers[0].words) + 1] = {0};

	for (size_t i = 0; i < TR_COUNT(labellers); i++) {
		if (strcmp(labellers[i].type, part->type) != 0)
			continue;
		for (size_t k = 0; k < TR_COUNT(labellers[i].words) && labellers[i].words[k]; k++)
			argv[k] = !strcmp(labellers[i].words[k], "%d")	 ? part->path
				  : !strcmp(labellers[i].words[k], "%l") ? label
									 : labellers[i].words[k];
		return tr_change_run(change, argv, TOOL_MS);
	}
	return -EINVAL;
}

/* ---- use ---- */

/* udev reads the new label; the unit mounts it, at once when it was there before. */
static int mount_it(struct tr_change *change, const char *device)
{
	const char *const look[] = {
		"udevadm", "trigger", "--action=change", "--settle", device, NULL};
	char unit[128];
	const char *const start[] = {"systemctl", "start", unit, NULL};

	snprintf(unit, sizeof(unit), "telerec-disk@%.64s.service", strrchr(device, '/') + 1);
	int rc = tr_change_run(change, look, TOOL_MS);
	return rc < 0 ? rc : tr_change_run(change, start, TOOL_MS);
}

static int make_folder(struct tr_change *change, const char *folder)
{
	char whole[PATH_MAX];
	const struct passwd *owner = getpwnam(OWNER);

	tr_change_say(change, "%s, of the user " OWNER, folder);
	if (change->is_dry_run)
		return 0;
	if (!owner && !change->root[0])
		return tr_change_fail(change, -ENOENT, "there is no user " OWNER " here");
	if (tr_text_format(whole, sizeof(whole), "%s%s", change->root, folder) < 0)
		return -ENAMETOOLONG;
	if (mkdir(whole, 0750) < 0 && errno != EEXIST)
		return tr_change_fail(
			change, -errno, "%s cannot be made: %s", folder, strerror(errno));
	/* No link of somebody's on the disk is followed. */
	TR_CLEANUP(tr_closep)
	int fd = open(whole, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool is_owned =
		fd >= 0 &&
		(!owner || change->root[0] ||
			(fchown(fd, owner->pw_uid, owner->pw_gid) == 0 && fchmod(fd, 0750) == 0));
	if (!is_owned)
		return tr_change_fail(change, -errno,
			"%s cannot be given to the user " OWNER ": %s", folder, strerror(errno));
	return 0;
}

static int use_part(struct tr_change *change, const struct tr_disks *disks,
	const struct tr_disk_part *part, char ret_folder[static PATH_MAX])
{
	char mounted[PATH_MAX], label[16];
	int rc = 0;

	tr_disk_recordings_mounted(change->root, part->path, mounted, sizeof(mounted));
	const char *obstacle = tr_disk_recordings_obstacle(part, mounted);
	if (obstacle)
		return tr_change_fail(change, mounted[0] ? -EBUSY : -EINVAL, "%s: %s%s%s",
			part->path, obstacle, mounted[0] ? " at " : "", mounted);
	if (is_labelled(part)) {
		snprintf(label, sizeof(label), "%.15s", part->label);
	} else {
		choose_label(disks, label);
		rc = set_label(change, part, label);
	}
	if (rc == 0 && !mounted[0])
		rc = mount_it(change, part->path);
	if (rc < 0)
		return rc;
	if (!mounted[0])
		snprintf(mounted, sizeof(mounted), PLACE "/%s", label);
	if (tr_text_format(ret_folder, PATH_MAX, "%s/recordings", mounted) < 0)
		return -ENAMETOOLONG;
	return make_folder(change, ret_folder);
}

int tr_disk_recordings_use(
	struct tr_change *change, const char *device, char ret_folder[static PATH_MAX])
{
	TR_CLEANUP(tr_freep) struct tr_disks *disks = NULL;
	const struct tr_disk *disk;

	int rc = read_disks(change, &disks);
	if (rc < 0)
		return rc;
	const struct tr_disk_part *part = find_part(disks, device, &disk);
	if (!part)
		return tr_change_fail(change, -ENOENT,
			"there is no file system %s: `telerec storage` lists them", device);
	return use_part(change, disks, part, ret_folder);
}

/* ---- format ---- */

/* The partition, or the disk when it has none; its size is not 0. */
static bool is_device(const struct tr_disks *disks, const char *device, const char **ret_busy)
{
	const struct tr_disk *disk = tr_disks_find(disks, device);
	bool is_whole = disk && (disk->part_count == 0 || !strcmp(disk->parts[0].path, device));

	if (!is_whole && !find_part(disks, device, &disk))
		return false;
	*ret_busy = disk->is_read_only		      ? "it cannot be written"
		    : is_whole && disk->in_use[0]     ? disk->in_use
		    : strstr(disk->in_use, "part of") ? disk->in_use
						      : "";
	return true;
}

int tr_disk_recordings_format(struct tr_change *change, const char *device)
{
	TR_CLEANUP(tr_freep) struct tr_disks *disks = NULL;
	char mounted[PATH_MAX], label[16];
	const char *busy = "";
	const char *const argv[] = {"mkfs.ext4", "-F", "-q", "-m", "0", "-L", label, device, NULL};

	int rc = read_disks(change, &disks);
	if (rc < 0)
		return rc;
	if (device[0] != '/' || !is_device(disks, device, &busy))
		return tr_change_fail(change, -ENOENT,
			"there is no partition, and no disk without partitions, %s: `telerec "
			"storage` lists them",
			device);
	tr_disk_recordings_mounted(change->root, device, mounted, sizeof(mounted));
	if (mounted[0] || busy[0])
		return tr_change_fail(change, -EBUSY, "%s is not erased: %s%s", device,
			mounted[0] ? "it is mounted at " : busy, mounted);
	choose_label(disks, label);
	return tr_change_run(change, argv, FORMAT_MS);
}
