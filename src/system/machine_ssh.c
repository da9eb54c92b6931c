/* A public key for the login of a user: authorized_keys in the user's home, written by root without
 * being led elsewhere by the user's links. */
#include "core/file.h"
#include "core/text.h"
#include "system/machine_setup.h"
#include "system/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#define KEYS_BYTES (256 << 10)
#define TOOL_MS 10000

json_t *tr_machine_ssh_read(const char *root)
{
	char path[PATH_MAX], user[64] = "root";
	const struct passwd *entry;
	bool has_server = tr_text_format(path, sizeof(path), "%s/usr/sbin/sshd", root) == 0 &&
			  access(path, X_OK) == 0;

	/* The first ordinary user there is, else root. */
	setpwent();
	while ((entry = getpwent()))
		if (entry->pw_uid >= 1000 && entry->pw_uid < 60000 && entry->pw_shell[0] &&
			!strstr(entry->pw_shell, "nologin") && !strstr(entry->pw_shell, "/false")) {
			snprintf(user, sizeof(user), "%.60s", entry->pw_name);
			break;
		}
	endpwent();
	return json_pack("{s:s,s:s}", "why",
		has_server ? "" : "No SSH server is installed here (package openssh-server).",
		"user", user);
}

/* ssh-keygen says what it thinks of the key, where it is installed. */
static int check_key(struct tr_change *change, const char *key)
{
	static const char *const kinds[] = {"ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp",
		"sk-ssh-ed25519@openssh.com ", "sk-ecdsa-sha2-nistp256@openssh.com "};
	char path[] = "/tmp/telerec-key.XXXXXX";
	const char *const argv[] = {"ssh-keygen", "-l", "-f", path, NULL};
	TR_CLEANUP(tr_freep) char *output = NULL;
	bool is_kind = false;

	for (size_t i = 0; i < TR_COUNT(kinds); i++)
		is_kind |= !strncmp(key, kinds[i], strlen(kinds[i]));
	if (!is_kind || strlen(key) > 16000)
		return tr_change_fail(change, -EINVAL,
			"ssh.key: this is no public key. It begins with ssh-ed25519 or ssh-rsa, as "
			"~/.ssh/id_ed25519.pub has it");
	TR_CLEANUP(tr_closep) int fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return 0; /* not worth a refusal */
	int rc = tr_file_write_all(fd, key, strlen(key));
	if (rc == 0)
		rc = tr_tool_run(argv, TOOL_MS, true, &output);
	unlink(path);
	if (rc > 0)
		return tr_change_fail(change, -EINVAL,
			"ssh.key: ssh-keygen does not take this key: is the line whole?");
	return 0;
}

/* The user's .ssh, which must be theirs or root's and no link. */
static int open_folder(struct tr_change *change, const struct passwd *entry)
{
	char home[PATH_MAX];
	struct stat st;

	if (tr_text_format(home, sizeof(home), "%s%s", change->root, entry->pw_dir) < 0)
		return -ENAMETOOLONG;
	TR_CLEANUP(tr_closep)
	int above = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (above < 0)
		return tr_change_fail(change, -errno, "%s has no home folder (%s)", entry->pw_name,
			entry->pw_dir);
	bool is_new = mkdirat(above, ".ssh", 0700) == 0;
	TR_CLEANUP(tr_closep)
	int fd = openat(above, ".ssh", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return tr_change_fail(change, -EACCES, "%s/.ssh is no folder", entry->pw_dir);
	if (is_new && geteuid() == 0 && fchown(fd, entry->pw_uid, entry->pw_gid) < 0)
		return tr_change_fail(
			change, -errno, "%s/.ssh cannot be given to its user", entry->pw_dir);
	if (!is_new && st.st_uid != entry->pw_uid && st.st_uid != 0)
		return tr_change_fail(
			change, -EACCES, "%s/.ssh belongs to somebody else", entry->pw_dir);
	return tr_take_fd(&fd);
}

static int write_keys(int folder, const struct passwd *entry, const char *old, const char *key)
{
	char *text = NULL;
	size_t length = strlen(old);

	if (asprintf(&text, "%s%s%s\n", old, length > 0 && old[length - 1] != '\n' ? "\n" : "",
		    key) < 0)
		return -ENOMEM;
	int rc = tr_file_replace_private(folder, "authorized_keys", text, strlen(text));
	free(text);
	if (rc == 0 && geteuid() == 0 &&
		fchownat(folder, "authorized_keys", entry->pw_uid, entry->pw_gid,
			AT_SYMLINK_NOFOLLOW) < 0)
		rc = -errno;
	return rc;
}

int tr_machine_ssh_add(struct tr_change *change, const char *user, const char *key)
{
	const struct passwd *entry = getpwnam(user);
	TR_CLEANUP(tr_freep) char *old = NULL;
	size_t size = 0;

	if (!entry)
		return tr_change_fail(
			change, -EINVAL, "ssh.user: there is no user \"%.60s\" here", user);
	int rc = check_key(change, key);
	if (rc < 0)
		return rc;
	tr_change_say(change, "%s/.ssh/authorized_keys: + %.40s...", entry->pw_dir, key);
	if (change->is_dry_run)
		return 0;
	TR_CLEANUP(tr_closep) int folder = open_folder(change, entry);
	if (folder < 0)
		return folder;
	rc = tr_file_read(folder, "authorized_keys", KEYS_BYTES, &old, &size);
	if (rc < 0 && rc != -ENOENT)
		return tr_change_fail(
			change, rc, "the keys of %s cannot be read: %s", user, strerror(-rc));
	if (old && strstr(old, key))
		return 0;
	rc = write_keys(folder, entry, old ? old : "", key);
	return rc < 0 ? tr_change_fail(change, rc, "the key cannot be written: %s", strerror(-rc))
		      : 0;
}
