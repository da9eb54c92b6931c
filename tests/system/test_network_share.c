/* A network share for recordings: its address, its trial, its mount; and what is said when it
 * fails. */
#include "test.h"

#include "core/file.h"
#include "system/network_share.h"
#include "system/share_trial.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define CREDENTIALS "/etc/telerec/share.credentials"

static char home[64], root[80];
static char *path_before;
static struct tr_change change;
static struct tr_network_share share;

static void write_below(const char *folder, const char *name, const char *text, mode_t mode)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

/* A tool that writes down how it is called, with XXXXXX for what differs each time. */
static void make_tool(const char *name, const char *more)
{
	char text[1000];

	snprintf(text, sizeof(text),
		"#!/bin/sh\necho \"%s $*\" | sed 's,%s/run/telerec-share-......,TRIAL,g' >>%s/calls\n"
		"%s\n",
		name, root, home, more);
	write_below(home, name, text, 0755);
}

static int begin(void **state)
{
	char path[PATH_MAX];

	strcpy(home, "/tmp/telerec-share-XXXXXX");
	assert_non_null(mkdtemp(home));
	const char *paths = getenv("PATH");
	path_before = strdup(paths ? paths : "/usr/bin:/bin");
	snprintf(path, sizeof(path), "%s:%.3000s", home, path_before);
	setenv("PATH", path, 1);
	snprintf(root, sizeof(root), "%s/root", home);
	make_tool("mount", "");
	make_tool("umount", "rm -r \"$1/recordings\"");
	make_tool("systemctl", "");
	snprintf(path, sizeof(path), "%s/proc/self", root);
	assert_int_equal(tr_file_make_folders(path, 0755), 0);
	write_below(path, "mounts", "/dev/sda2 / ext4 rw 0 0\n", 0644);
	snprintf(path, sizeof(path), "%s" TR_NETWORK_SHARE_PLACE, root);
	assert_int_equal(tr_file_make_folders(path, 0755), 0);
	change = (struct tr_change){.root = root, .out = fopen("/dev/null", "we")};
	return 0;
}

static int end(void **state)
{
	fclose(change.out);
	setenv("PATH", path_before, 1);
	free(path_before);
	tr_file_remove_tree(home);
	return 0;
}

static void read_text(const char *path, char *out, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t length = file ? fread(out, 1, size - 1, file) : 0;

	if (file)
		fclose(file);
	out[length] = '\0';
}

static void expect_calls(const char *wanted)
{
	char path[200], text[2000];

	snprintf(path, sizeof(path), "%s/calls", home);
	read_text(path, text, sizeof(text));
	assert_string_equal(text, wanted);
}

static void expect_file(const char *name, const char *wanted)
{
	char path[300], text[2000];

	snprintf(path, sizeof(path), "%s%s", root, name);
	read_text(path, text, sizeof(text));
	assert_string_equal(text, wanted);
}

static bool is_there(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s%s", root, name);
	return access(path, F_OK) == 0;
}

static void parse(const char *url)
{
	char why[200] = "";

	if (tr_network_share_parse(url, &share, why, sizeof(why)) < 0)
		fail_msg("%s: %s", url, why);
}

/* ---- addresses ---- */

static void an_address_becomes_what_mount_is_told(void **state)
{
	static const struct {
		const char *url, *what;
		int port;
	} cases[] = {
		{"nfs://nas/export/films", "nas:/export/films", 0},
		{"nfs://[fd00::2]:20490/x/", "[fd00::2]:/x", 20490},
		{"smb://nas.example.org/Films/of%20us", "//nas.example.org/Films/of us", 0},
		{"smb://[fd00::2]/Films", "//fd00::2/Films", 0},
		{"smb://192.168.1.7:4450/Films/", "//192.168.1.7/Films", 4450},
	};
	char what[1400];

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		parse(cases[i].url);
		assert_int_equal(tr_network_share_what(&share, what, sizeof(what)), 0);
		assert_string_equal(what, cases[i].what);
		assert_int_equal(share.port, cases[i].port);
	}
}

static void an_address_that_means_something_to_mount_or_a_shell_is_refused(void **state)
{
	static const char *const urls[] = {"", "nas:/export", "ftp://nas/x", "nfs://nas",
		"nfs:///x", "smb://nas/", "smb://nas", "smb://user:pw@nas/x", "nfs://-o/x",
		"nfs://nas/a,rw", "nfs://nas/a%0aOptions=x", "nfs://nas/%", "nfs://nas/%zz",
		"nfs://nas/a\"b", "nfs://nas/a%25n", "smb://nas/../x", "nfs://nas:0/x",
		"nfs://nas:70000/x", "nfs://na s/x", "nfs://nas;x/x", "smb://nas//x",
		"smb://nas/x%20", "nfs://[fd00::2/x"};
	char why[200];

	for (size_t i = 0; i < TR_COUNT(urls); i++)
		if (tr_network_share_parse(urls[i], &share, why, sizeof(why)) != -EINVAL)
			fail_msg("\"%s\" is taken", urls[i]);
}

static void no_share_can_hang_a_recorder(void **state)
{
	static const char *const urls[] = {"nfs://nas/x", "smb://nas/x"};
	char options[512];

	for (size_t i = 0; i < TR_COUNT(urls); i++) {
		parse(urls[i]);
		assert_int_equal(
			tr_network_share_options(&share, CREDENTIALS, options, sizeof(options)), 0);
		assert_non_null(strstr(options, "soft,"));
		assert_null(strstr(options, "hard"));
		assert_non_null(strstr(options, "nosuid,nodev,noexec,_netdev"));
	}
}

static void a_users_domain_gets_a_line_of_its_own(void **state)
{
	char text[600];

	parse("smb://nas/x");
	strcpy(share.user, "OFFICE\\anna");
	strcpy(share.password, "a,b=c\"d");
	assert_int_equal(tr_network_share_credentials(&share, text, sizeof(text)), 0);
	assert_string_equal(text, "username=anna\npassword=a,b=c\"d\ndomain=OFFICE\n");
	strcpy(share.password, "a\nuid=0");
	assert_int_equal(tr_network_share_credentials(&share, text, sizeof(text)), -EINVAL);
}

/* ---- trial and mount ---- */

static void an_export_is_tried_mounted_and_gets_a_folder(void **state)
{
	parse("nfs://nas/films");
	if (tr_network_share_use(&change, &share, "nfs://nas/films") < 0)
		fail_msg("%s", change.why);
	expect_calls("mount -t nfs -o soft,timeo=50,retrans=1,retry=0,nolock,nosuid,nodev,noexec,"
		     "_netdev nas:/films TRIAL/files\n"
		     "umount TRIAL/files\n"
		     "systemctl restart telerec-share.service\n");
	expect_file("/etc/telerec/share.conf",
		"# Written by `telerec storage share`, mounted by telerec-share.service.\n"
		"url=nfs://nas/films\ntype=nfs\nwhat=nas:/films\n"
		"options=soft,timeo=50,retrans=1,retry=0,nolock,nosuid,nodev,noexec,_netdev\n");
	assert_true(is_there(TR_NETWORK_SHARE_FOLDER));
	assert_false(is_there(CREDENTIALS));
}

static void a_password_is_in_a_file_of_roots_and_nowhere_else(void **state)
{
	char path[300];
	struct stat st;

	parse("smb://nas/films");
	strcpy(share.user, "anna");
	strcpy(share.password, "hunter2secret");
	assert_int_equal(tr_network_share_use(&change, &share, "smb://nas/films"), 0);
	expect_calls("mount -t cifs -o credentials=TRIAL/credentials,uid=telerec,gid=telerec,"
		     "file_mode=0660,dir_mode=0770,noperm,soft,echo_interval=4,nosuid,nodev,noexec,"
		     "_netdev //nas/films TRIAL/files\n"
		     "umount TRIAL/files\n"
		     "systemctl restart telerec-share.service\n");
	expect_file(CREDENTIALS, "username=anna\npassword=hunter2secret\n");
	snprintf(path, sizeof(path), "%s" CREDENTIALS, root);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* The trial's own is gone with its folder. */
	glob_t left;
	snprintf(path, sizeof(path), "%s/run/telerec-share-*", root);
	assert_int_equal(glob(path, 0, NULL, &left), GLOB_NOMATCH);
}

/* As when somebody leaves the console's screen while a server does not answer. */
static void a_trial_that_is_killed_leaves_no_password_behind(void **state)
{
	const struct timespec tick = {.tv_nsec = 5000000};
	char path[300];
	int status;
	glob_t left;

	make_tool("mount", "kill -KILL $PPID; exec sleep 600");
	parse("smb://nas/films");
	strcpy(share.user, "anna");
	strcpy(share.password, "hunter2secret");
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(tr_network_share_use(&change, &share, "smb://nas/films") < 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	snprintf(path, sizeof(path), "%s/run/telerec-share-*", root);
	while (glob(path, 0, NULL, &left) != GLOB_NOMATCH) {
		globfree(&left);
		nanosleep(&tick, NULL);
	}
	assert_false(is_there(CREDENTIALS));
}

static void what_mount_says_becomes_a_sentence_and_nothing_is_changed(void **state)
{
	make_tool("mount", "echo 'mount error(13): Permission denied' >&2; exit 32");
	parse("smb://nas/films");
	strcpy(share.user, "anna");
	assert_int_equal(tr_network_share_use(&change, &share, "smb://nas/films"), -EIO);
	assert_string_equal(
		change.why, "nas refuses the user anna, or the password: type both anew");
	assert_false(is_there("/etc/telerec/share.conf"));
	assert_false(is_there(CREDENTIALS));
}

static void a_share_where_nothing_can_be_written_is_refused(void **state)
{
	/* Nobody writes below a file, root neither. */
	make_tool("mount", "eval last=\\${$#}; : >\"$last/recordings\"");
	parse("nfs://nas/films");
	assert_int_equal(tr_network_share_use(&change, &share, "nfs://nas/films"), -ENOTDIR);
	assert_non_null(strstr(change.why, "a small file cannot be written and read"));
	expect_calls("mount -t nfs -o soft,timeo=50,retrans=1,retry=0,nolock,nosuid,nodev,noexec,"
		     "_netdev nas:/films TRIAL/files\n"
		     "umount TRIAL/files\n");
}

static void what_cannot_be_mounted_for_good_is_not_kept(void **state)
{
	make_tool("systemctl", "exit 1");
	parse("smb://nas/films");
	strcpy(share.user, "anna");
	assert_int_equal(tr_network_share_use(&change, &share, "smb://nas/films"), -EIO);
	assert_non_null(strstr(change.why, "systemctl failed"));
	assert_false(is_there("/etc/telerec/share.conf"));
	assert_false(is_there(CREDENTIALS));
}

static void a_dry_run_does_nothing(void **state)
{
	change.is_dry_run = true;
	parse("smb://nas/films");
	strcpy(share.user, "anna");
	assert_int_equal(tr_network_share_use(&change, &share, "smb://nas/films"), 0);
	expect_calls("");
	assert_false(is_there("/etc/telerec"));
}

static void a_share_is_forgotten_with_its_password(void **state)
{
	char url[100], path[200];
	bool is_mounted = true;

	assert_int_equal(tr_network_share_forget(&change), -ENOENT);
	parse("smb://nas/films");
	strcpy(share.user, "anna");
	assert_int_equal(tr_network_share_use(&change, &share, "smb://nas/films"), 0);
	tr_network_share_read(root, url, sizeof(url), &is_mounted);
	assert_string_equal(url, "smb://nas/films");
	assert_false(is_mounted);
	snprintf(path, sizeof(path), "%s/proc/self", root);
	write_below(path, "mounts", "//nas/films " TR_NETWORK_SHARE_PLACE " cifs rw 0 0\n", 0644);
	tr_network_share_read(root, url, sizeof(url), &is_mounted);
	assert_true(is_mounted);
	snprintf(path, sizeof(path), "%s/calls", home);
	unlink(path);
	make_tool("umount", "");
	assert_int_equal(tr_network_share_forget(&change), 0);
	expect_calls("umount " TR_NETWORK_SHARE_PLACE "\nsystemctl stop telerec-share.service\n");
	assert_false(is_there("/etc/telerec/share.conf"));
	assert_false(is_there(CREDENTIALS));
}

/* ---- sentences ---- */

static void each_cause_has_its_cure(void **state)
{
	static const struct {
		const char *url, *words, *said;
	} cases[] = {
		{"nfs://nas/x", "you might need a /sbin/mount.nfs helper program.",
			"apt install nfs-common"},
		{"smb://nas/x", "mount: unknown filesystem type 'cifs'.", "apt install cifs-utils"},
		{"nfs://nas/x",
			"mount.nfs: Failed to resolve server nas: Name or service not known",
			"there is no host nas: look at its spelling"},
		{"smb://nas/x", "mount error: could not resolve address for nas: Unknown error",
			"there is no host nas"},
		{"nfs://nas/x", "mount.nfs: Connection refused", "no NFS server listens there"},
		{"smb://nas/x",
			"mount error(111): could not connect to 10.0.0.2Unable to find suitable "
			"address.",
			"no SMB server listens there"},
		{"nfs://nas/x", "mount.nfs: Connection timed out", "nas does not answer"},
		{"smb://nas/x", "mount error(115): Operation now in progress",
			"nas does not answer"},
		{"smb://nas/x", "mount error(112): Host is down", "SMB 2.1 or later"},
		{"smb://nas/x", "mount error(13): Permission denied", "give a user and a password"},
		{"nfs://nas/x", "mount.nfs: access denied by server while mounting nas:/x",
			"/x ADDRESS(rw)"},
		{"nfs://nas/x",
			"mount.nfs: mounting nas:/x failed, reason given by server: No such file or "
			"directory",
			"nas shares no /x: showmount -e nas"},
		{"nfs://nas/x", "mount.nfs: Permission denied",
			"nas does not give /x to this machine"},
		{"smb://nas/x", "mount error(2): No such file or directory",
			"nas shares no x: smbclient -L nas"},
		{"smb://nas/x", "something new\nthat nobody knows\n",
			"cannot be mounted: that nobody knows"},
	};
	char why[400];

	for (size_t i = 0; i < TR_COUNT(cases); i++) {
		parse(cases[i].url);
		tr_share_trial_explain(&share, cases[i].words, why, sizeof(why));
		if (!strstr(why, cases[i].said))
			fail_msg("\"%s\" says \"%s\"", cases[i].words, why);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_becomes_what_mount_is_told),
		TEST(an_address_that_means_something_to_mount_or_a_shell_is_refused),
		TEST(no_share_can_hang_a_recorder),
		TEST(a_users_domain_gets_a_line_of_its_own),
		TEST(an_export_is_tried_mounted_and_gets_a_folder),
		TEST(a_password_is_in_a_file_of_roots_and_nowhere_else),
		TEST(a_trial_that_is_killed_leaves_no_password_behind),
		TEST(what_mount_says_becomes_a_sentence_and_nothing_is_changed),
		TEST(a_share_where_nothing_can_be_written_is_refused),
		TEST(what_cannot_be_mounted_for_good_is_not_kept),
		TEST(a_dry_run_does_nothing),
		TEST(a_share_is_forgotten_with_its_password),
		TEST(each_cause_has_its_cure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
