#include "browser/chromium.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "browser/host_rules.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "chromium"
#define PATH_SIZE 512
#define FLAGS_MAX 96
#define RULES_SIZE 16384
#define ENV_MAX 48
#define LOG_FILE_LIMIT (256 << 10)
#define LOG_TAIL_SIZE 4096
#define SHM_NEEDED (INT64_C(512) << 20)
#define REMOVE_TRIES 5
#define REMOVE_PAUSE_MS 20
#define DEVTOOLS_IN 3
#define DEVTOOLS_OUT 4

struct tr_chromium {
	struct tr_child child;
	char folder[PATH_SIZE]; /* profile, home, temporary files; "" until made */
	int log_reader;		/* its standard error */
	int log_file;
	size_t log_written;
	sd_event_source *log_source;
	size_t tail_used;
	char tail[LOG_TAIL_SIZE];
};

/* Strings built for one start, in one place to be freed. */
struct words {
	unsigned count;
	unsigned limit;
	const char *list[FLAGS_MAX + 1];
	char *owned[FLAGS_MAX + 1];
	bool is_short_of_memory;
};

static const char *const known_binaries[] = {
	"/usr/lib/chromium/chromium", /* Debian's /usr/bin/chromium is a script that adds flags */
	"/usr/lib64/chromium-browser/chromium-browser",
	"/opt/google/chrome/chrome",
	"/usr/lib/chromium-browser/chromium-browser",
};

/* Each keeps something out of the picture, keeps the page running, or saves work. */
static const char *const fixed_flags[] = {
	"--remote-debugging-pipe",
	"--no-first-run",
	"--no-default-browser-check",
	"--kiosk",
	"--window-position=0,0",
	"--force-device-scale-factor=1",
	"--hide-scrollbars",
	"--disable-gpu", /* software compositing; SwiftShader is 12 times as dear */
	"--autoplay-policy=no-user-gesture-required",
	"--use-fake-ui-for-media-stream",
	"--block-new-web-contents",
	"--noerrdialogs",
	"--disable-notifications",
	"--disable-extensions",
	"--disable-default-apps",
	"--disable-background-networking",
	"--disable-background-timer-throttling",
	"--disable-backgrounding-occluded-windows",
	"--disable-renderer-backgrounding",
	"--disable-breakpad",
	"--disable-crash-reporter",
	"--disable-component-update",
	"--disable-client-side-phishing-detection",
	"--disable-domain-reliability",
	"--disable-hang-monitor",
	"--disable-prompt-on-repost",
	"--disable-sync",
	"--metrics-recording-only",
	"--no-pings",
	"--password-store=basic",
	"--lang=en-US",
	("--disable-features=Translate,MediaRouter,BackForwardCache,OptimizationHints,GlobalMediaControls,"
	 "SpareRendererForSitePerProcess,CalculateNativeWinOcclusion,DialMediaRouteProvider"),
};

static const char preferences[] =
	"{\"browser\":{\"check_default_browser\":false,\"has_seen_welcome_page\":true},"
	"\"credentials_enable_service\":false,"
	"\"download\":{\"prompt_for_download\":false},"
	"\"profile\":{\"exit_type\":\"Normal\",\"exited_cleanly\":true,"
	"\"password_manager_enabled\":false,"
	"\"default_content_setting_values\":{\"notifications\":2,\"popups\":2,\"geolocation\":2}},"
	"\"safebrowsing\":{\"enabled\":false},"
	"\"search\":{\"suggest_enabled\":false},"
	"\"session\":{\"restore_on_startup\":5},"
	"\"translate\":{\"enabled\":false}}";

static const char local_state[] = "{\"background_mode\":{\"enabled\":false},"
				  "\"performance_tuning\":{\"battery_saver_mode\":{\"state\":0},"
				  "\"high_efficiency_mode\":{\"state\":0}},"
				  "\"user_experience_metrics\":{\"reporting_enabled\":false}}";

int tr_chromium_find(const char *configured, char *out, size_t size)
{
	if (configured && configured[0]) {
		if (access(configured, X_OK) < 0)
			return tr_fail(-errno, "cannot run the browser %s", configured);
		return tr_text_format(out, size, "%s", configured);
	}
	for (size_t i = 0; i < TR_COUNT(known_binaries); i++)
		if (access(known_binaries[i], X_OK) == 0)
			return tr_text_format(out, size, "%s", known_binaries[i]);
	return tr_fail(-ENOENT, "no Chromium installed: apt-get install chromium");
}

static void add(struct words *words, const char *word)
{
	if (words->count < words->limit)
		words->list[words->count++] = word;
	else
		words->is_short_of_memory = true;
}

static void add_format(struct words *words, const char *format, ...) TR_PRINTF(2, 3);
static void add_format(struct words *words, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0 || words->count >= words->limit) {
		if (length >= 0)
			free(text);
		words->is_short_of_memory = true;
		return;
	}
	words->owned[words->count] = text;
	words->list[words->count++] = text;
}

static void add_all(struct words *words, const char *const *list)
{
	for (; list && *list; list++)
		add(words, *list);
}

static void release_words(struct words *words)
{
	for (unsigned i = 0; i < words->count; i++)
		free(words->owned[i]);
}

static bool is_shm_small(void)
{
	struct statvfs fs;

	return statvfs("/dev/shm", &fs) < 0 ||
	       (int64_t)fs.f_bavail * (int64_t)fs.f_frsize < SHM_NEEDED;
}

/* Does in a child what Chromium's sandbox will do. Some systems grant the user namespace and then
 * refuse all rights in it, so one of them is used. */
static bool has_namespaces(void)
{
	int status;

	pid_t pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNET | CLONE_NEWPID) < 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool has_setuid_helper(const char *binary)
{
	char path[PATH_SIZE];
	struct stat info;
	const char *slash = strrchr(binary, '/');

	if (!slash || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return false;
	if (tr_text_format(
		    path, sizeof(path), "%.*s/chrome-sandbox", (int)(slash - binary), binary))
		return false;
	return stat(path, &info) == 0 && info.st_uid == 0 && info.st_mode & S_ISUID;
}

static int check_sandbox(
	const struct tr_chromium_settings *settings, const char *binary, bool *ret_is_off)
{
	if (geteuid() == 0)
		return tr_fail(-EPERM, "the browser must not run as root; run as an ordinary user");
	*ret_is_off = false;
	if (has_namespaces() || has_setuid_helper(binary))
		return 0;
	if (!settings->allow_no_sandbox)
		return tr_fail(-EPERM,
			"this kernel refuses user namespaces, which the browser's sandbox needs; "
			"allow them (sysctl user.max_user_namespaces, "
			"kernel.apparmor_restrict_unprivileged_userns=0) or "
			"apt-get install chromium-sandbox");
	tr_warning("THE BROWSER RUNS WITHOUT ITS SANDBOX, because this kernel refuses user "
		   "namespaces: a malicious page can act as this user");
	*ret_is_off = true;
	return 0;
}

static int add_flags(struct words *words, const struct tr_chromium_settings *settings,
	const char *binary, const char *folder, bool is_sandbox_off)
{
	char rules[RULES_SIZE] = "";

	if (settings->hosts && settings->hosts[0]) {
		int rc = tr_host_rules_format(settings->hosts, rules, sizeof(rules));
		if (rc < 0)
			return rc;
	} else if (settings->host_rules) {
		snprintf(rules, sizeof(rules), "%s", settings->host_rules);
	}
	add(words, binary);
	for (size_t i = 0; i < TR_COUNT(fixed_flags); i++)
		add(words, fixed_flags[i]);
	add_format(words, "--user-data-dir=%s/profile", folder);
	add_format(words, "--window-size=%d,%d", settings->width, settings->height);
	if (settings->alsa_pcm)
		add_format(words, "--alsa-output-device=%s", settings->alsa_pcm);
	if (rules[0])
		add_format(words, "--host-resolver-rules=%s", rules);
	if (is_shm_small())
		add(words, "--disable-dev-shm-usage");
	if (is_sandbox_off)
		add(words, "--no-sandbox");
	add_all(words, settings->flags);
	/* With --kiosk one renderer less than a plain URL; not about:blank, which a page shows
	 * before its first address as well. */
	add(words, "--app=data:text/html,<title>telerec</title><body bgcolor=black>");
	return words->is_short_of_memory ? -E2BIG : 0;
}

/* Nothing of our environment but the time zone: it may hold secrets, and settings that would
 * change the picture. */
static int add_env(
	struct words *words, const struct tr_chromium_settings *settings, const char *folder)
{
	const char *zone = getenv("TZ");

	add(words, "PATH=/usr/local/bin:/usr/bin:/bin");
	add(words, "LANG=C.UTF-8");
	add(words, "PULSE_SERVER=unix:/nonexistent");	  /* sound goes to ALSA only */
	add(words, "DBUS_SESSION_BUS_ADDRESS=disabled:"); /* or it starts a bus */
	add_format(words, "DISPLAY=%s", settings->display);
	add_format(words, "HOME=%s/home", folder);
	add_format(words, "TMPDIR=%s/tmp", folder);
	add_format(words, "XDG_RUNTIME_DIR=%s/tmp", folder);
	add_format(words, "XDG_CONFIG_HOME=%s/home/.config", folder);
	add_format(words, "XDG_CACHE_HOME=%s/home/.cache", folder);
	add_format(words, "XDG_DATA_HOME=%s/home/.local/share", folder);
	if (settings->alsa_config)
		add_format(words, "ALSA_CONFIG_PATH=%s", settings->alsa_config);
	if (zone)
		add_format(words, "TZ=%s", zone);
	add_all(words, settings->env);
	return words->is_short_of_memory ? -E2BIG : 0;
}

static int write_file(int dirfd, const char *name, const char *text)
{
	TR_CLEANUP(tr_closep)
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : tr_file_write_all(fd, text, strlen(text));
}

static int make_folders(const char *folder)
{
	static const char *const names[] = {"profile/Default", "home", "tmp"};
	char path[PATH_SIZE + 32];

	for (size_t i = 0; i < TR_COUNT(names); i++) {
		int rc = tr_text_format(path, sizeof(path), "%s/%s", folder, names[i]);
		if (rc == 0)
			rc = tr_file_make_folders(path, 0700);
		if (rc < 0)
			return rc;
	}
	TR_CLEANUP(tr_closep) int dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return -errno;
	int rc = write_file(dirfd, "profile/Default/Preferences", preferences);
	if (rc == 0)
		rc = write_file(dirfd, "profile/Local State", local_state);
	return rc < 0 ? rc : write_file(dirfd, "profile/First Run", "");
}

static int make_profile(struct tr_chromium *chromium, const char *runtime_dir)
{
	char folder[PATH_SIZE];

	int rc = tr_text_format(folder, sizeof(folder), "%s/chromium-XXXXXX", runtime_dir);
	if (rc == 0 && !mkdtemp(folder))
		rc = -errno;
	if (rc < 0)
		return tr_fail(rc, "cannot make the browser's profile in %s", runtime_dir);
	memcpy(chromium->folder, folder, sizeof(folder));
	rc = make_folders(folder);
	return rc < 0 ? tr_fail(rc, "cannot make the browser's profile in %s", folder) : 0;
}

static void keep_tail(struct tr_chromium *chromium, const char *bytes, size_t size)
{
	const size_t room = sizeof(chromium->tail);

	if (size >= room) {
		bytes += size - room;
		size = room;
		chromium->tail_used = 0;
	}
	if (chromium->tail_used + size > room) {
		size_t gone = chromium->tail_used + size - room;
		memmove(chromium->tail, chromium->tail + gone, chromium->tail_used - gone);
		chromium->tail_used -= gone;
	}
	memcpy(chromium->tail + chromium->tail_used, bytes, size);
	chromium->tail_used += size;
}

static void write_log(struct tr_chromium *chromium, const char *bytes, size_t size)
{
	size_t left = LOG_FILE_LIMIT - chromium->log_written;

	if (size > left)
		size = left;
	if (chromium->log_file < 0 || size == 0)
		return;
	if (tr_file_write_all(chromium->log_file, bytes, size) < 0)
		close(tr_take_fd(&chromium->log_file)); /* disk full: the tail is enough */
	chromium->log_written += size;
}

/* Takes what is there; false when no more will come. */
static bool read_log(struct tr_chromium *chromium)
{
	char bytes[4096];

	for (;;) {
		ssize_t n = read(chromium->log_reader, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		keep_tail(chromium, bytes, (size_t)n);
		write_log(chromium, bytes, (size_t)n);
		if ((size_t)n < sizeof(bytes))
			return true;
	}
}

static int on_log(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	(void)fd;
	(void)revents;
	if (!read_log(user))
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static int open_log(
	struct tr_chromium *chromium, sd_event *event, const char *runtime_dir, int *ret_writer)
{
	char path[PATH_SIZE];
	int fds[2];

	int rc = tr_text_format(path, sizeof(path), "%s/chromium.log", runtime_dir);
	if (rc < 0)
		return rc;
	chromium->log_file =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (chromium->log_file < 0)
		return tr_fail(-errno, "cannot write %s", path);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	chromium->log_reader = fds[0];
	*ret_writer = fds[1];
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	rc = sd_event_add_io(event, &chromium->log_source, fds[0], EPOLLIN, on_log, chromium);
	return rc < 0 ? rc : 0;
}

static int run(struct tr_chromium *chromium, const struct tr_chromium_settings *settings,
	const char *binary, bool is_sandbox_off, int log_writer, int *ret_fd)
{
	TR_CLEANUP(release_words) struct words argv = {.limit = FLAGS_MAX};
	TR_CLEANUP(release_words) struct words envp = {.limit = ENV_MAX};
	int fds[2] = {-1, -1};

	int rc = add_flags(&argv, settings, binary, chromium->folder, is_sandbox_off);
	if (rc == 0)
		rc = add_env(&envp, settings, chromium->folder);
	if (rc == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		rc = -errno;
	if (rc < 0)
		return tr_fail(rc, "cannot prepare the browser's start");

	TR_CLEANUP(tr_closep) int ours = fds[0];
	TR_CLEANUP(tr_closep) int its = fds[1];
	const struct tr_child_fd child_fds[] = {
		{its, DEVTOOLS_IN}, {its, DEVTOOLS_OUT}, {log_writer, STDERR_FILENO}};
	const struct tr_child_settings child = {
		.argv = argv.list,
		.envp = envp.list,
		.fds = child_fds,
		.fd_count = TR_COUNT(child_fds),
	};
	rc = tr_child_start(&child, &chromium->child);
	if (rc < 0)
		return tr_fail(rc, "cannot start %s", binary);
	*ret_fd = tr_take_fd(&ours);
	return 0;
}

int tr_chromium_start(sd_event *event, const struct tr_chromium_settings *settings,
	struct tr_chromium **ret_chromium, int *ret_fd)
{
	char binary[PATH_SIZE];
	bool is_sandbox_off = false;
	TR_CLEANUP(tr_closep) int log_writer = -1;
	TR_CLEANUP(tr_chromium_stopp) struct tr_chromium *chromium = calloc(1, sizeof(*chromium));

	if (!chromium)
		return -ENOMEM;
	chromium->child.pidfd = chromium->log_reader = chromium->log_file = -1;
	int rc = tr_chromium_find(settings->binary, binary, sizeof(binary));
	if (rc == 0)
		rc = check_sandbox(settings, binary, &is_sandbox_off);
	if (rc == 0)
		rc = make_profile(chromium, settings->runtime_dir);
	if (rc == 0)
		rc = open_log(chromium, event, settings->runtime_dir, &log_writer);
	if (rc == 0)
		rc = run(chromium, settings, binary, is_sandbox_off, log_writer, ret_fd);
	if (rc < 0)
		return rc;
	*ret_chromium = tr_take(chromium);
	return 0;
}

const struct tr_child *tr_chromium_child(const struct tr_chromium *chromium)
{
	return &chromium->child;
}

int tr_chromium_reap(struct tr_chromium *chromium)
{
	pid_t group = chromium->child.pid;

	int status = tr_child_wait(&chromium->child, 0);
	if (status >= 0)
		kill(-group, SIGKILL); /* what outlived its browser process */
	return status;
}

/* Lines of every start that mean nothing. */
static bool is_noise(const char *line, size_t length)
{
	static const char *const noise[] = {"Failed to connect to the bus", "dbus/bus.cc",
		"Could not bind NETLINK socket", "DevTools listening",
		"The platform failed to initialize"};

	for (size_t i = 0; i < TR_COUNT(noise); i++)
		if (memmem(line, length, noise[i], strlen(noise[i])))
			return true;
	return length == 0;
}

/* Without "[pid:thread:date:LEVEL:file(line)] ". */
static void copy_words(const char *line, size_t length, char *out, size_t size)
{
	const char *mark = line[0] == '[' ? memmem(line, length, "] ", 2) : NULL;
	const char *text = mark ? mark + 2 : line;

	snprintf(out, size, "%.*s", (int)(length - (size_t)(text - line)), text);
}

void tr_chromium_last_words(struct tr_chromium *chromium, char *out, size_t size)
{
	if (chromium->log_reader >= 0)
		read_log(chromium);
	out[0] = '\0';
	size_t end = chromium->tail_used;
	while (end > 0) {
		const char *start = memrchr(chromium->tail, '\n', end);
		size_t begin = start ? (size_t)(start - chromium->tail) + 1 : 0;
		if (!is_noise(chromium->tail + begin, end - begin)) {
			copy_words(chromium->tail + begin, end - begin, out, size);
			return;
		}
		end = start ? begin - 1 : 0;
	}
}

void tr_chromium_stop(struct tr_chromium *chromium)
{
	if (!chromium)
		return;
	tr_child_kill(&chromium->child, SIGKILL);
	if (tr_child_wait(&chromium->child, -1) == -ECHILD)
		tr_debug("the browser had been reaped");
	sd_event_source_disable_unref(chromium->log_source);
	tr_closep(&chromium->log_reader);
	tr_closep(&chromium->log_file);
	if (chromium->folder[0]) {
		int rc = tr_file_remove_tree(chromium->folder);
		for (int i = 0; rc < 0 && i < REMOVE_TRIES; i++) {
			poll(NULL, 0, REMOVE_PAUSE_MS); /* its other processes are still dying */
			rc = tr_file_remove_tree(chromium->folder);
		}
		if (rc < 0)
			tr_warning("cannot remove %s: %s", chromium->folder, strerror(-rc));
	}
	free(chromium);
}
