#include "system/share_trial.h"

#include "core/file.h"
#include "core/sweeper.h"
#include "core/text.h"
#include "system/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define OWNER "telerec"
#define SLOT "telerec-slot-1"
#define FOLDER "recordings"
#define MOUNT_MS 60000
#define LEAVE_MS 30000

/* ---- why it cannot be mounted ---- */

enum cause {
	NO_HELPER,
	NO_MODULE,
	NO_HOST,
	REFUSED,
	SILENT,
	LOGIN,
	NOT_ALLOWED,
	NO_SHARE,
	TOO_OLD
};

/* What mount.nfs(8), mount.cifs(8) and mount(8) say. The first that is found counts. */
static const struct {
	const char *words;
	enum cause cause;
} causes[] = {
	{"helper program", NO_HELPER},
	{"unknown filesystem type", NO_MODULE},
	{"not supported by the system", NO_MODULE},
	{"could not resolve", NO_HOST},
	{"resolve server", NO_HOST},
	{"Name or service not known", NO_HOST},
	{"refused", REFUSED},
	{"error(111)", REFUSED},
	{"error(112)", TOO_OLD},
	{"error(95)", TOO_OLD},
	{"rotocol not supported", TOO_OLD},
	{"not supported", TOO_OLD},
	{"error(110)", SILENT},
	{"error(113)", SILENT},
	{"error(115)", SILENT},
	{"timed out", SILENT},
	{"No route to host", SILENT},
	{"unreachable", SILENT},
	{"access denied by server", NOT_ALLOWED},
	{"Operation not permitted", NOT_ALLOWED},
	{"error(2)", NO_SHARE},
	{"error(6)", NO_SHARE},
	{"No such file or directory", NO_SHARE},
	{"error(13)", LOGIN},
	{"error(126)", LOGIN},
	{"error(127)", LOGIN},
	{"error(128)", LOGIN},
	{"error(129)", LOGIN},
	{"Permission denied", LOGIN},
};

static void say_package(
	const struct tr_network_share *share, enum cause cause, char *out, size_t size)
{
	const char *lack = "; when it is there, the running kernel lacks the module ";

	snprintf(out, size, "this machine cannot mount %s shares: apt install %s%s%s",
		share->is_smb ? "SMB" : "NFS", share->is_smb ? "cifs-utils" : "nfs-common",
		cause == NO_MODULE ? lack : "",
		cause != NO_MODULE ? ""
		: share->is_smb	   ? "cifs"
				   : "nfs");
}

static void say_cause(
	const struct tr_network_share *share, enum cause cause, char *out, size_t size)
{
	const char *host = share->host, *path = share->path + (share->is_smb ? 1 : 0);
	const char *kind = share->is_smb ? "SMB" : "NFS";

	switch (cause) {
	case NO_HELPER:
	case NO_MODULE:
		say_package(share, cause, out, size);
		break;
	case NO_HOST:
		snprintf(out, size,
			"there is no host %s: look at its spelling, or type its address; `telerec "
			"network test` says whether names work here",
			host);
		break;
	case REFUSED:
		snprintf(out, size,
			"%s refuses the connection: no %s server listens there. Switch %s on there, or "
			"let this machine through its firewall",
			host, kind, kind);
		break;
	case SILENT:
		snprintf(out, size,
			"%s does not answer: is it on, and does no firewall between drop what comes?",
			host);
		break;
	case TOO_OLD:
		snprintf(out, size, "%s speaks no %s that is new enough: it must be %s", host, kind,
			share->is_smb ? "SMB 2.1 or later" : "NFS 3 or later");
		break;
	case LOGIN:
		snprintf(out, size,
			share->user[0] ? "%s refuses the user %s, or the password: type both anew"
				       : "%s lets no guest in: give a user and a password%s",
			host, share->user);
		break;
	case NOT_ALLOWED:
		snprintf(out, size,
			"%s does not give %s to this machine: add its address there (in /etc/exports: "
			"%s ADDRESS(rw))",
			host, share->path, share->path);
		break;
	case NO_SHARE:
		snprintf(out, size, "%s shares no %s: %s%s lists what it shares", host, path,
			share->is_smb ? "smbclient -L " : "showmount -e ", host);
		break;
	}
}

void tr_share_trial_explain(
	const struct tr_network_share *share, const char *words, char *out, size_t size)
{
	char last[400];

	for (size_t i = 0; i < TR_COUNT(causes); i++)
		if (strstr(words, causes[i].words)) {
			enum cause cause = causes[i].cause;
			/* NFS knows no users: it is the machine that is refused. */
			say_cause(share, cause == LOGIN && !share->is_smb ? NOT_ALLOWED : cause,
				out, size);
			return;
		}
	snprintf(last, sizeof(last), "%.390s", words);
	snprintf(out, size, "the share of %s cannot be mounted: %s", share->host,
		tr_tool_last_line(last));
}

/* ---- what a recording does ---- */

enum step { STEP_FOLDER, STEP_MAKE, STEP_LEND, STEP_WRITE, STEP_READ, STEP_REMOVE, STEP_DONE };

struct attempt {
	enum step step; /* that failed */
	int rc;
};

static int write_and_read(int dirfd)
{
	char back[8] = "";

	TR_CLEANUP(tr_closep)
	int fd = openat(dirfd, "trial", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	int rc = fd < 0 ? -errno : tr_file_write_all(fd, "telerec", 7);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (rc == 0 && pread(fd, back, 7, 0) != 7)
		rc = -EIO;
	return rc == 0 && strcmp(back, "telerec") != 0 ? -EIO : rc;
}

/* A recording's folder belongs to a slot's group while it is made. */
static int lend(int dirfd)
{
	const struct group *slot = getgrnam(SLOT);

	if (!slot || geteuid() == 0)
		return 0;
	return fchown(dirfd, (uid_t)-1, slot->gr_gid) < 0 || fchmod(dirfd, 0770) < 0 ? -errno : 0;
}

static int note(struct attempt *attempt, enum step step, int rc)
{
	attempt->step = step;
	attempt->rc = rc;
	return rc;
}

/* As who we are. Leaves nothing behind but the folder. */
static void try_place(int place, struct attempt *attempt)
{
	char name[40];

	snprintf(name, sizeof(name), ".telerec-trial-%d", getpid());
	bool is_made = mkdirat(place, FOLDER, 0750) == 0 || errno == EEXIST;
	TR_CLEANUP(tr_closep)
	int folder =
		is_made ? openat(place, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
			: -1;
	if (note(attempt, STEP_FOLDER, folder < 0 ? -errno : 0) < 0 ||
		note(attempt, STEP_MAKE, mkdirat(folder, name, 0750) < 0 ? -errno : 0) < 0)
		return;
	TR_CLEANUP(tr_closep)
	int dirfd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = note(attempt, STEP_MAKE, dirfd < 0 ? -errno : 0);
	if (rc == 0)
		rc = note(attempt, STEP_LEND, lend(dirfd));
	if (rc == 0)
		rc = note(attempt, STEP_WRITE, write_and_read(dirfd));
	bool is_gone = dirfd >= 0 && (unlinkat(dirfd, "trial", 0) == 0 || errno == ENOENT);
	is_gone = is_gone && unlinkat(folder, name, AT_REMOVEDIR) == 0;
	if (rc == 0)
		note(attempt, is_gone ? STEP_DONE : STEP_REMOVE, is_gone ? 0 : -errno);
}

static int become(const struct passwd *owner)
{
	return initgroups(owner->pw_name, owner->pw_gid) < 0 || setgid(owner->pw_gid) < 0 ||
			       setuid(owner->pw_uid) < 0
		       ? -errno
		       : 0;
}

/* By a child, which cannot become root again. */
static int try_as(const struct passwd *owner, int place, struct attempt *ret_attempt)
{
	struct attempt *attempt = mmap(
		NULL, sizeof(*attempt), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (attempt == MAP_FAILED)
		return -errno;
	*attempt = (struct attempt){STEP_FOLDER, -ECHILD};
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		int rc = owner ? become(owner) : 0;
		if (rc == 0)
			try_place(place, attempt);
		_exit(rc < 0);
	}
	int rc = pid < 0 ? -errno : 0;
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	*ret_attempt = *attempt;
	munmap(attempt, sizeof(*attempt));
	return rc;
}

static int say_attempt(struct tr_change *change, const struct tr_network_share *share,
	const struct attempt *attempt)
{
	const char *reason = strerror(-attempt->rc);
	int rc = attempt->rc;

	if (rc == -EROFS)
		return tr_change_fail(change, rc,
			"the share of %s is read-only for this machine: let it write there (%s)",
			share->host, share->is_smb ? "the share's and the user's rights" : "rw");
	if (attempt->step == STEP_LEND)
		return tr_change_fail(change, rc,
			"the share of %s does not let the user " OWNER
			" give a folder to a recorder's "
			"group: %s. Switch all_squash off in its export, or record to the internal disk "
			"and upload to it",
			share->host, reason);
	if (rc == -EACCES || rc == -EPERM)
		return tr_change_fail(change, rc,
			"the share of %s does not let %s%s write: give it the right there",
			share->host,
			share->user[0]	? "the user "
			: share->is_smb ? "a guest"
					: "this machine's user " OWNER " (its number must be the "
					  "owner's)",
			share->user);
	if (rc == -ENOSPC || rc == -EDQUOT)
		return tr_change_fail(change, rc, "the share of %s is full", share->host);
	return tr_change_fail(change, rc, "a small file cannot be %s on the share of %s: %s",
		attempt->step == STEP_REMOVE ? "removed" : "written and read", share->host, reason);
}

int tr_share_trial_write(struct tr_change *change, const struct tr_network_share *share, int place)
{
	bool is_test = change->root[0] || geteuid() != 0;
	const struct passwd *owner = is_test ? NULL : getpwnam(OWNER);
	struct attempt attempt = {STEP_FOLDER, -ECHILD};

	if (!owner && !is_test)
		return tr_change_fail(change, -ENOENT, "there is no user " OWNER " here");
	int rc = try_as(owner, place, &attempt);
	/* An export that is root's, and lets root be root. */
	if (rc == 0 && attempt.step == STEP_FOLDER && attempt.rc == -EACCES && owner &&
		(mkdirat(place, FOLDER, 0750) == 0 || errno == EEXIST) &&
		fchownat(place, FOLDER, owner->pw_uid, owner->pw_gid, AT_SYMLINK_NOFOLLOW) == 0)
		rc = try_as(owner, place, &attempt);
	if (rc < 0)
		return tr_change_fail(change, rc, "the share cannot be tried: %s", strerror(-rc));
	return attempt.rc < 0 ? say_attempt(change, share, &attempt) : 0;
}

/* ---- the trial ---- */

struct place {
	char home[PATH_MAX - 40]; /* root's alone */
	char files[PATH_MAX];
	char credentials[PATH_MAX];
};

static int write_credentials(const struct place *place, const struct tr_network_share *share)
{
	char text[600];

	int rc = tr_network_share_credentials(share, text, sizeof(text));
	TR_CLEANUP(tr_closep)
	int fd = rc < 0 ? -1
			: open(place->credentials, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (rc == 0)
		rc = fd < 0 ? -errno : tr_file_write_all(fd, text, strlen(text));
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* The name of its folder, but for its end. */
static int name_home(const char *root, struct place *place)
{
	int rc = tr_text_format(place->home, sizeof(place->home), "%s/run", root);
	if (rc == 0)
		rc = tr_file_make_folders(place->home, 0755);
	if (rc == 0)
		rc = tr_text_format(
			place->home, sizeof(place->home), "%s/run/telerec-share-XXXXXX", root);
	return rc;
}

static int make_home(void *user)
{
	struct place *place = user;

	if (!mkdtemp(place->home))
		return -errno;
	int rc = tr_text_format(place->files, sizeof(place->files), "%s/files", place->home);
	if (rc == 0)
		rc = tr_text_format(place->credentials, sizeof(place->credentials),
			"%s/credentials", place->home);
	if (rc < 0)
		rmdir(place->home);
	return rc;
}

static void leave(const struct place *place)
{
	const char *const argv[] = {"umount", place->files, NULL};
	const char *const lazy[] = {"umount", "-l", place->files, NULL};

	if (tr_tool_run(argv, LEAVE_MS, true, NULL) != 0)
		(void)!tr_tool_run(lazy, LEAVE_MS, true, NULL);
}

/* Never by removing what is in it: a share may still be there. */
static int drop_place(const void *user)
{
	const struct place *place = user;
	struct stat home, files;

	/* We were stopped half-way. */
	if (stat(place->home, &home) == 0 && stat(place->files, &files) == 0 &&
		home.st_dev != files.st_dev)
		leave(place);
	unlink(place->credentials);
	rmdir(place->files);
	return rmdir(place->home) < 0 ? -errno : 0;
}

/* From its beginning with somebody who drops it: a password is in it. */
static int make_place(const char *root, const struct tr_network_share *share,
	struct place *ret_place, struct tr_sweeper *ret_sweeper)
{
	const struct place *place = ret_place;

	int rc = name_home(root, ret_place);
	if (rc == 0)
		rc = tr_sweeper_start(make_home, drop_place, ret_place, ret_sweeper);
	if (rc == 0 && mkdir(place->files, 0755) < 0)
		rc = -errno;
	return rc < 0 || !share->user[0] ? rc : write_credentials(place, share);
}

static int mount_it(
	struct tr_change *change, const struct tr_network_share *share, const struct place *place)
{
	TR_CLEANUP(tr_freep) char *output = NULL;
	char what[1400], options[PATH_MAX + 300];
	const char *const argv[] = {"mount", "-t", share->is_smb ? "cifs" : "nfs", "-o", options,
		what, place->files, NULL};

	int rc = tr_network_share_what(share, what, sizeof(what));
	if (rc == 0)
		rc = tr_network_share_options(share, place->credentials, options, sizeof(options));
	if (rc < 0)
		return tr_change_fail(change, rc, "the address is too long");
	tr_change_say(change, "trying %s ...", what);
	fflush(change->out);
	int code = tr_tool_run(argv, MOUNT_MS, true, &output);
	if (code == -ETIMEDOUT)
		return tr_change_fail(change, code,
			"%s does not answer: is it on, and does no firewall between drop what comes?",
			share->host);
	if (code < 0)
		return tr_change_fail(change, code, "mount cannot be run: %s", strerror(-code));
	if (code > 0)
		tr_share_trial_explain(share, output, change->why, sizeof(change->why));
	return code > 0 ? -EIO : 0;
}

static int try_mounted(
	struct tr_change *change, const struct tr_network_share *share, const struct place *place)
{
	int fd = open(place->files, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 ? tr_change_fail(change, -errno, "the share of %s cannot be opened: %s",
				  share->host, strerror(errno))
			: tr_share_trial_write(change, share, fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

int tr_share_trial_run(struct tr_change *change, const struct tr_network_share *share)
{
	struct tr_sweeper sweeper = {0};
	struct place place = {0};

	if (change->is_dry_run) {
		tr_change_say(change, "would try the share of %s", share->host);
		return 0;
	}
	if (!change->root[0] && geteuid() != 0)
		return tr_change_fail(
			change, -EPERM, "only root can mount a share: run this as root");
	int rc = make_place(change->root, share, &place, &sweeper);
	if (rc < 0) {
		tr_change_fail(
			change, rc, "no place for a trial can be made in /run: %s", strerror(-rc));
	} else {
		rc = mount_it(change, share, &place);
		if (rc == 0) {
			rc = try_mounted(change, share, &place);
			leave(&place);
		}
	}
	if (tr_sweeper_sweep(&sweeper) < 0)
		tr_change_say(change, "%s is left behind: it goes at the next start", place.home);
	return rc;
}
