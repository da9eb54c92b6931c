#include "system/network_share.h"

#include "core/file.h"
#include "core/text.h"
#include "system/share_trial.h"
#include "system/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <string.h>

#define OWNER "telerec"
#define FOLDER "/etc/telerec"
#define CONF "share.conf"
#define CREDENTIALS "share.credentials"
#define SERVICE "telerec-share.service"
#define TOOL_MS 90000
#define CONF_MAX 8192

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* ---- the URL ---- */

static int complain(char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return -EINVAL;
}

/* "%20" to what it stands for. -EINVAL when it stands for nothing. */
static int decode(const char *from, char *out, size_t size)
{
	size_t used = 0;

	while (*from && used + 1 < size) {
		unsigned value;
		char pair[3] = {0};
		if (*from != '%') {
			out[used++] = *from++;
			continue;
		}
		memcpy(pair, from + 1, strnlen(from + 1, 2));
		if (strspn(pair, "0123456789abcdefABCDEF") != 2 || sscanf(pair, "%x", &value) != 1)
			return -EINVAL;
		out[used++] = (char)value;
		from += 3;
	}
	out[used] = '\0';
	return *from ? -ENAMETOOLONG : 0;
}

/* It goes into a unit's file and a list of options: nothing that means something there. */
static bool is_plain(const char *path)
{
	for (const char *at = path; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 127 || strchr("\"'\\%$`,;", *at))
			return false;
	size_t length = strlen(path);
	return length == 0 || path[length - 1] != ' ';
}

static int take_host(const char *text, size_t length, struct tr_network_share *share)
{
	static const char digits[] = "0123456789";
	char host[sizeof(share->host)];
	int64_t port = 0;

	if (length == 0 || length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	char *end = host[0] == '[' ? strchr(host, ']') : NULL;
	char *colon = strchr(end ? end : host, ':');
	if (colon && tr_text_parse_int(colon + 1, 1, 65535, &port) < 0)
		return -EINVAL;
	if (colon)
		*colon = '\0';
	size_t plain = end ? 1 + strspn(host + 1, "0123456789abcdefABCDEF:.") + 1 : 0;
	if (!end) {
		while (host[plain] &&
			(strchr(letters, host[plain]) || strchr(digits, host[plain]) ||
				strchr(".-_", host[plain])))
			plain++;
	}
	if (plain != strlen(host) || host[0] == '-' || host[0] == '.')
		return -EINVAL;
	memcpy(share->host, host, sizeof(host));
	share->port = (int)port;
	return 0;
}

int tr_network_share_parse(
	const char *url, struct tr_network_share *ret_share, char *why, size_t why_size)
{
	*ret_share = (struct tr_network_share){.is_smb = !strncmp(url, "smb://", 6)};
	if (!ret_share->is_smb && strncmp(url, "nfs://", 6) != 0)
		return complain(
			why, why_size, "a share is like nfs://host/export or smb://host/share");
	const char *host = url + 6, *slash = strchr(host, '/');
	if (slash && memchr(host, '@', (size_t)(slash - host)))
		return complain(why, why_size, "the user does not belong into the address: --user");
	if (!slash || take_host(host, (size_t)(slash - host), ret_share) < 0)
		return complain(why, why_size,
			"the address needs a host, a '/' and what it shares: nfs://host/export, "
			"smb://host/share");
	if (decode(slash, ret_share->path, sizeof(ret_share->path)) < 0 ||
		!is_plain(ret_share->path) || strstr(ret_share->path, "//") ||
		strstr(ret_share->path, "/../"))
		return complain(why, why_size,
			"the path of the share has a character that cannot be there");
	size_t length = strlen(ret_share->path);
	if (length > 1 && ret_share->path[length - 1] == '/')
		ret_share->path[length - 1] = '\0';
	if (ret_share->is_smb && length < 2)
		return complain(why, why_size, "smb://host/share needs the name of a share");
	return 0;
}

int tr_network_share_what(const struct tr_network_share *share, char *out, size_t size)
{
	size_t length = strlen(share->host);

	/* SMB names an IPv6 address without brackets. */
	if (share->is_smb && share->host[0] == '[')
		return tr_text_format(
			out, size, "//%.*s%s", (int)length - 2, share->host + 1, share->path);
	return tr_text_format(out, size, "%s%s%s%s", share->is_smb ? "//" : "", share->host,
		share->is_smb ? "" : ":", share->path);
}

/*
 * "soft": when the server is gone, a call fails after some ten seconds instead of never. A hard
 * mount loses no byte when the server is back an hour later, but until then nobody who touched it
 * can be stopped, the recorder not and telerecd not, and the recordings of all other slots stand
 * with them. A recording that gets an error ends with that reason, and what was written can be
 * played.
 *
 * An SMB share has one owner whatever is asked for. Slots are users of their own, so it is left to
 * the server what they may ("noperm"); they come there only by a folder that telerecd opened.
 */
int tr_network_share_options(
	const struct tr_network_share *share, const char *credentials, char *out, size_t size)
{
	char port[24] = "";

	if (share->port > 0)
		snprintf(port, sizeof(port), ",port=%d", share->port);
	if (!share->is_smb)
		return tr_text_format(out, size,
			"soft,timeo=50,retrans=1,retry=0,nolock,nosuid,nodev,noexec,_netdev%s",
			port);
	return tr_text_format(out, size,
		"%s%s,uid=" OWNER ",gid=" OWNER
		",file_mode=0660,dir_mode=0770,noperm,soft,echo_interval=4,nosuid,nodev,noexec,"
		"_netdev%s",
		share->user[0] ? "credentials=" : "guest", share->user[0] ? credentials : "", port);
}

int tr_network_share_credentials(const struct tr_network_share *share, char *out, size_t size)
{
	const char *slash = strchr(share->user, '\\');
	int domain = slash ? (int)(slash - share->user) : 0;

	if (strpbrk(share->user, "\r\n") || strpbrk(share->password, "\r\n"))
		return -EINVAL;
	return tr_text_format(out, size, "username=%s\npassword=%s\n%s%.*s%s",
		slash ? slash + 1 : share->user, share->password, slash ? "domain=" : "", domain,
		share->user, slash ? "\n" : "");
}

/* ---- for good ---- */

static void remove_credentials(const char *root)
{
	char path[PATH_MAX];

	if (tr_text_format(path, sizeof(path), "%s" FOLDER "/" CREDENTIALS, root) == 0)
		unlink(path);
}

static int write_credentials(struct tr_change *change, const struct tr_network_share *share)
{
	char folder[PATH_MAX], text[600] = "";

	if (change->is_dry_run)
		return 0;
	if (!share->user[0]) {
		remove_credentials(change->root); /* of the share before */
		return 0;
	}
	int rc = tr_text_format(folder, sizeof(folder), "%s" FOLDER, change->root);
	if (rc == 0)
		rc = tr_file_make_folders(folder, 0755);
	if (rc == 0)
		rc = tr_network_share_credentials(share, text, sizeof(text));
	TR_CLEANUP(tr_closep)
	int dirfd = rc == 0 ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (rc == 0)
		rc = dirfd < 0 ? -errno
			       : tr_file_replace_private(dirfd, CREDENTIALS, text, strlen(text));
	explicit_bzero(text, sizeof(text));
	return rc < 0 ? tr_change_fail(change, rc, FOLDER "/" CREDENTIALS " cannot be written: %s",
				strerror(-rc))
		      : 0;
}

static int write_conf(
	struct tr_change *change, const struct tr_network_share *share, const char *url)
{
	char what[1400], options[512], text[CONF_MAX];

	int rc = tr_network_share_what(share, what, sizeof(what));
	if (rc == 0)
		rc = tr_network_share_options(
			share, FOLDER "/" CREDENTIALS, options, sizeof(options));
	if (rc == 0)
		rc = tr_text_format(text, sizeof(text),
			"# Written by `telerec storage share`, mounted by " SERVICE ".\n"
			"url=%s\ntype=%s\nwhat=%s\noptions=%s\n",
			url, share->is_smb ? "cifs" : "nfs", what, options);
	return rc == 0 ? tr_change_file(change, FOLDER "/" CONF, text)
		       : tr_change_fail(change, rc, "the address is too long");
}

static int remove_files(struct tr_change *change)
{
	if (!change->is_dry_run)
		remove_credentials(change->root);
	return tr_change_file(change, FOLDER "/" CONF, NULL);
}

static int make_folder(struct tr_change *change, const struct tr_network_share *share)
{
	char place[PATH_MAX];

	tr_change_say(change, "%s, of the user " OWNER, TR_NETWORK_SHARE_FOLDER);
	if (change->is_dry_run)
		return 0;
	if (tr_text_format(place, sizeof(place), "%s" TR_NETWORK_SHARE_PLACE, change->root) < 0)
		return -ENAMETOOLONG;
	TR_CLEANUP(tr_closep)
	int fd = open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? tr_change_fail(
				change, -errno, "%s is not there: %s", place, strerror(errno))
		      : tr_share_trial_write(change, share, fd);
}

int tr_network_share_use(
	struct tr_change *change, const struct tr_network_share *share, const char *url)
{
	static const char *const start[] = {"systemctl", "restart", SERVICE, NULL};

	int rc = tr_share_trial_run(change, share);
	if (rc < 0)
		return rc;
	rc = write_credentials(change, share);
	if (rc == 0)
		rc = write_conf(change, share, url);
	if (rc == 0)
		rc = tr_change_run(change, start, TOOL_MS);
	if (rc == 0)
		rc = make_folder(change, share);
	if (rc < 0) {
		struct tr_change quiet = *change;
		if (remove_files(&quiet) < 0)
			tr_change_say(change, "%s", quiet.why);
	}
	return rc;
}

int tr_network_share_forget(struct tr_change *change)
{
	static const char *const leave[] = {"umount", TR_NETWORK_SHARE_PLACE, NULL};
	static const char *const stop[] = {"systemctl", "stop", SERVICE, NULL};
	char url[CONF_MAX];
	bool is_mounted;

	tr_network_share_read(change->root, url, sizeof(url), &is_mounted);
	if (!url[0])
		return tr_change_fail(change, -ENOENT, "no network share is in use here");
	int rc = remove_files(change);
	if (rc < 0)
		return rc;
	/* The service's own stop would take it away below a recording. */
	if (is_mounted && tr_change_run(change, leave, TOOL_MS) < 0) {
		tr_change_say(change,
			"it stays mounted until this machine starts anew: somebody uses it");
		return 0;
	}
	return tr_change_run(change, stop, TOOL_MS);
}

/* ---- looking ---- */

static bool is_mounted_at(const char *root, const char *place)
{
	char path[PATH_MAX], buffer[4096];
	struct mntent entry;
	bool is_there = false;

	if (tr_text_format(path, sizeof(path), "%s/proc/self/mounts", root) < 0)
		return false;
	FILE *mounts = setmntent(path, "re");
	while (mounts && !is_there && getmntent_r(mounts, &entry, buffer, sizeof(buffer)))
		is_there = !strcmp(entry.mnt_dir, place);
	if (mounts)
		endmntent(mounts);
	return is_there;
}

void tr_network_share_read(const char *root, char *url, size_t size, bool *ret_is_mounted)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	char path[PATH_MAX];
	size_t text_size;

	url[0] = '\0';
	*ret_is_mounted = is_mounted_at(root, TR_NETWORK_SHARE_PLACE);
	if (tr_text_format(path, sizeof(path), "%s" FOLDER "/" CONF, root) < 0 ||
		tr_file_read(AT_FDCWD, path, CONF_MAX, &text, &text_size) < 0)
		return;
	const char *line = strstr(text, "\nurl=");
	if (line)
		snprintf(url, size, "%.*s", (int)strcspn(line + 5, "\n"), line + 5);
}
