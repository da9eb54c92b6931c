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

/* What is in the folder and belongs to `from` becomes `to`'s and `gid`'s. Links, also hard ones to
 * what lies elsewhere, are left alone. */
static int give_entry(int dirfd, const char *name, uid_t from, uid_t to, gid_t gid)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (st.st_uid != from ||
		!((S_ISREG(st.st_mode) && st.st_nlink == 1) || S_ISDIR(st.st_mode)))
		return 0;
	return fchownat(dirfd, name, to, gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int give_entries(int dirfd, uid_t from, uid_t to, gid_t gid)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	int rc = 0;

	if (!dir) {
		rc = -errno;
		tr_closep(&copy);
		return rc;
	}
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		int entry_rc = give_entry(dirfd, entry->d_name, from, to, gid);
		if (rc == 0)
			rc = entry_rc;
	}
	closedir(dir);
	return rc;
}

/* The folder last: until then its new owner cannot swap entries under our hands. */
int tr_account_lend(int dirfd, const struct tr_account *account)
{
	struct stat st;

	if (account->uid == geteuid())
		return 0;
	int rc = fstat(dirfd, &st) < 0 ? -errno : 0;
	if (rc == 0 && st.st_uid == geteuid())
		rc = give_entries(dirfd, geteuid(), account->uid, account->gid);
	if (rc == 0 && fchown(dirfd, account->uid, account->gid) < 0)
		rc = -errno;
	return rc;
}

int tr_account_take_back(int dirfd, const struct tr_account *account)
{
	if (account->uid == geteuid())
		return 0;
	/* The folder first, for the same reason. */
	int rc = fchown(dirfd, geteuid(), getegid()) < 0 ? -errno : 0;
	int entries_rc = give_entries(dirfd, account->uid, geteuid(), getegid());
	return rc < 0 ? rc : entries_rc;
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
