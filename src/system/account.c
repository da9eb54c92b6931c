#include "system/account.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SLOT_USER "telerec"
#define SLOT_NUMBER                                                                                \
	64123 /* Debian policy keeps 60000..64999 for fixed numbers, given on demand               \
	       */

void tr_account_for_slots(struct tr_account *ret_account)
{
	*ret_account = (struct tr_account){.uid = geteuid(), .gid = getegid()};
	if (ret_account->uid != 0)
		return;
	const struct passwd *entry = getpwnam(SLOT_USER);
	if (entry && entry->pw_uid != 0) {
		ret_account->uid = entry->pw_uid;
		ret_account->gid = entry->pw_gid;
		snprintf(ret_account->user, sizeof(ret_account->user), "%s", SLOT_USER);
	} else {
		ret_account->uid = ret_account->gid = SLOT_NUMBER;
		snprintf(ret_account->user, sizeof(ret_account->user), "%d:%d", SLOT_NUMBER,
			SLOT_NUMBER);
	}
}

int tr_account_lend(int dirfd, const struct tr_account *account)
{
	if (account->uid == geteuid())
		return 0;
	return fchown(dirfd, account->uid, account->gid) < 0 ? -errno : 0;
}

static int take_back_entry(int dirfd, const char *name, const struct tr_account *account)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (st.st_uid != account->uid || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
		return 0;
	return fchownat(dirfd, name, geteuid(), getegid(), AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int tr_account_take_back(int dirfd, const struct tr_account *account)
{
	if (account->uid == geteuid())
		return 0;
	/* The folder first: from then on its old owner cannot swap entries under our hands. */
	int rc = fchown(dirfd, geteuid(), getegid()) < 0 ? -errno : 0;
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir) {
		tr_closep(&copy);
		return rc < 0 ? rc : -errno;
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		int entry_rc = take_back_entry(dirfd, entry->d_name, account);
		if (rc == 0)
			rc = entry_rc;
	}
	closedir(dir);
	return rc;
}

int tr_account_share(int dirfd, uid_t uid)
{
	if (uid == geteuid())
		return 0;
	errno = 0;
	const struct passwd *entry = getpwuid(uid);
	if (!entry)
		return errno ? -errno : -ENOENT;
	if (fchown(dirfd, (uid_t)-1, entry->pw_gid) < 0 || fchmod(dirfd, 0770) < 0)
		return -errno;
	return 0;
}

int tr_account_unshare(int dirfd)
{
	struct stat st;

	if (fstat(dirfd, &st) < 0)
		return -errno;
	if (!(st.st_mode & S_IWGRP))
		return 0;
	return fchown(dirfd, (uid_t)-1, getegid()) < 0 || fchmod(dirfd, 0750) < 0 ? -errno : 0;
}
