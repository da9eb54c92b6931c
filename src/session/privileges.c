#define TR_LOG_AREA "privileges"
#include "session/privileges.h"

#include "core/log.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static int find_user(const char *user, uid_t *ret_uid, gid_t *ret_gid)
{
	unsigned uid, gid;
	int end = 0;

	if (sscanf(user, "%u:%u%n", &uid, &gid, &end) == 2 && user[end] == '\0') {
		*ret_uid = uid;
		*ret_gid = gid;
		return 0;
	}
	const struct passwd *entry = getpwnam(user);
	if (!entry)
		return -ENOENT;
	*ret_uid = entry->pw_uid;
	*ret_gid = entry->pw_gid;
	return 0;
}

/* The groups of the GPUs, so that the slot may encode on them: as its unit's user may. */
static size_t find_gpu_groups(gid_t *groups, size_t most)
{
	size_t count = 0;
	glob_t nodes;
	struct stat st;

	if (glob("/dev/dri/renderD*", 0, NULL, &nodes) != 0)
		return 0;
	for (size_t i = 0; i < nodes.gl_pathc && count < most; i++)
		if (stat(nodes.gl_pathv[i], &st) == 0 && S_ISCHR(st.st_mode) &&
			(st.st_mode & 0060) == 0060 && st.st_gid != 0)
			groups[count++] = st.st_gid;
	globfree(&nodes);
	return count;
}

int tr_privileges_drop(const char *user)
{
	uid_t uid;
	gid_t gid;
	gid_t groups[8];

	if (geteuid() != 0)
		return 0;
	if (!user[0])
		return tr_fail(-EPERM, "a slot does not run as root: name a user for it");
	int rc = find_user(user, &uid, &gid);
	if (rc < 0)
		return tr_fail(rc, "no such user: %s", user);
	if (uid == 0)
		return tr_fail(-EPERM, "a slot does not run as root");
	size_t group_count = find_gpu_groups(groups, TR_COUNT(groups));
	if (setgroups(group_count, groups) < 0 || setresgid(gid, gid, gid) < 0 ||
		setresuid(uid, uid, uid) < 0)
		return tr_fail(-errno, "cannot become %s", user);
	/* Nothing this process starts may get more than it has. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}

void tr_privileges_prepare_system(void)
{
	/* A dump would hold the meeting's log-in and what the page showed. */
	if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) < 0)
		tr_warning("core dumps cannot be switched off");
	if (geteuid() != 0)
		return;
	mode_t old = umask(0);
	if (mkdir("/tmp/.X11-unix", 01777) < 0 && errno != EEXIST)
		tr_warning(
			"cannot make /tmp/.X11-unix: the X server will use its abstract socket only");
	umask(old);
}
