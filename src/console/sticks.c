#include "console/sticks.h"

#include "core/text.h"

#include <ctype.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool says_one(const char *root, const char *path)
{
	char whole[PATH_MAX], word[8] = "";

	if (tr_text_format(whole, sizeof(whole), "%s%s", root, path) < 0)
		return false;
	FILE *file = fopen(whole, "re");
	bool is_one = file && fgets(word, sizeof(word), file) && word[0] == '1';
	if (file)
		fclose(file);
	return is_one;
}

/* The disk of sdb1 is sdb, that of mmcblk0p1 mmcblk0. */
static bool is_removable(const char *root, const char *device)
{
	char name[64], path[PATH_MAX];

	snprintf(name, sizeof(name), "%.60s", device);
	for (int tries = 0; tries < 2; tries++) {
		snprintf(path, sizeof(path), "/sys/class/block/%s/removable", name);
		if (says_one(root, path))
			return true;
		size_t length = strlen(name);
		while (length > 0 && isdigit((unsigned char)name[length - 1]))
			length--;
		if (length > 1 && name[length - 1] == 'p' &&
			isdigit((unsigned char)name[length - 2]))
			length--;
		name[length] = '\0';
	}
	return false;
}

/* Where desktops and udev mount what is plugged in. */
static bool is_usual_place(const char *folder)
{
	return !strncmp(folder, "/media/", 7) || !strncmp(folder, "/run/media/", 11);
}

unsigned tr_sticks_find(const char *root, struct tr_stick sticks[static TR_STICKS_MAX])
{
	char path[PATH_MAX], buffer[4096], bytes[16];
	struct mntent entry;
	unsigned count = 0;

	if (tr_text_format(path, sizeof(path), "%s/proc/self/mounts", root) < 0)
		return 0;
	FILE *mounts = setmntent(path, "re");
	while (mounts && count < TR_STICKS_MAX &&
		getmntent_r(mounts, &entry, buffer, sizeof(buffer))) {
		const char *device = strrchr(entry.mnt_fsname, '/');
		struct statvfs st;
		if (strncmp(entry.mnt_fsname, "/dev/", 5) != 0 || hasmntopt(&entry, "ro") ||
			(!is_removable(root, device + 1) && !is_usual_place(entry.mnt_dir)))
			continue;
		struct tr_stick *stick = &sticks[count];
		if (tr_text_format(stick->folder, sizeof(stick->folder), "%s", entry.mnt_dir) < 0)
			continue;
		bool has_size = !root[0] && statvfs(entry.mnt_dir, &st) == 0;
		tr_text_format_bytes(has_size ? (int64_t)st.f_bavail * (int64_t)st.f_frsize : 0,
			bytes, sizeof(bytes));
		snprintf(stick->name, sizeof(stick->name), "%.120s (%.30s, %s free)", entry.mnt_dir,
			device + 1, has_size ? bytes : "?");
		count++;
	}
	if (mounts)
		endmntent(mounts);
	return count;
}
