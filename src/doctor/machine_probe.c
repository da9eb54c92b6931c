#include "doctor/machine_probe.h"

#include "core/child.h"
#include "core/clock.h"
#include "core/text.h"
#include "encode/probe.h"
#include "protocol/slot_client.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#define ANSWER_TIMEOUT_MS 20000
#define NOBODY 65534

static bool find_on_path(const char *name, char *out, size_t size)
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; *path;) {
		size_t length = strcspn(path, ":");
		if (tr_text_format(out, size, "%.*s/%s", (int)length, path, name) == 0 &&
			access(out, X_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	out[0] = '\0';
	return false;
}

/* Reads until the end, `size` - 1 bytes, or the time is over. */
static void read_answer(int fd, char *out, size_t size)
{
	int64_t deadline = tr_clock_now_ns() + ANSWER_TIMEOUT_MS * TR_NS_PER_MS;
	size_t used = 0;

	while (used + 1 < size) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		int64_t left = (deadline - tr_clock_now_ns()) / TR_NS_PER_MS;
		if (left <= 0 || poll(&poll_fd, 1, (int)left) <= 0)
			break;
		ssize_t n = read(fd, out + used, size - 1 - used);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	out[used] = '\0';
}

/* What the program writes to standard output. False when it cannot be run or fails. */
static bool ask_program(const char *program, const char *argument, char *out, size_t size)
{
	const char *const argv[] = {program, argument, NULL};
	struct tr_child child;
	int fds[2];

	out[0] = '\0';
	if (pipe(fds) < 0)
		return false;
	TR_CLEANUP(tr_closep) int reader = fds[0];
	TR_CLEANUP(tr_closep) int writer = fds[1];
	TR_CLEANUP(tr_closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct tr_child_fd child_fds[] = {{writer, STDOUT_FILENO}, {null, STDERR_FILENO}};
	const struct tr_child_settings settings = {
		.argv = argv, .fds = child_fds, .fd_count = null < 0 ? 1 : 2};
	if (tr_child_start(&settings, &child) < 0)
		return false;
	close(tr_take_fd(&writer));
	read_answer(reader, out, size);
	int status = tr_child_wait(&child, 2000);
	if (status == -ETIMEDOUT)
		status = tr_child_stop(&child, 1000);
	return status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void probe_browser(const char *browser, struct tr_machine_probe *probe)
{
	static const char *const names[] = {
		"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"};
	/* what Debian's script starts, which adds flags of its own */
	static const char debian[] = "/usr/lib/chromium/chromium";

	if (browser)
		snprintf(probe->browser, sizeof(probe->browser), "%s", browser);
	else if (access(debian, X_OK) == 0)
		snprintf(probe->browser, sizeof(probe->browser), "%s", debian);
	for (size_t i = 0; !probe->browser[0] && i < TR_COUNT(names); i++)
		find_on_path(names[i], probe->browser, sizeof(probe->browser));
	if (!probe->browser[0])
		return;
	if (!ask_program(probe->browser, "--version", probe->browser_version,
		    sizeof(probe->browser_version))) {
		probe->browser[0] = '\0';
		return;
	}
	size_t length = strcspn(probe->browser_version, "\n");
	while (length > 0 && probe->browser_version[length - 1] == ' ')
		length--;
	probe->browser_version[length] = '\0';
}

/* Tried by an ordinary user, because root may always. */
static bool try_user_namespace(void)
{
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (pid == 0) {
		if (geteuid() == 0 &&
			(setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
			_exit(1);
		_exit(unshare(CLONE_NEWUSER) < 0);
	}
	int status = -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0;
}

static void probe_sound(struct tr_machine_probe *probe)
{
	static const char name[] = "libasound_module_pcm_telerec.so";
	int rc =
		tr_slot_client_find_program(name, probe->sound_plugin, sizeof(probe->sound_plugin));
	/* a library that is installed need not be executable */
	if (rc < 0 && access(probe->sound_plugin, R_OK) < 0)
		probe->sound_plugin[0] = '\0';
	probe->has_loopback = access("/sys/module/snd_aloop", F_OK) == 0;
}

static void probe_encoding(bool is_testing, struct tr_machine_probe *probe)
{
	char program[PATH_MAX];
	const struct tr_probe_settings settings = {.program = program, .is_testing = is_testing};

	if (tr_slot_client_find_program("telerec-encoder", program, sizeof(program)) < 0)
		return;
	int rc = tr_probe_run(&settings, &probe->encoding);
	if (rc < 0 && rc != -ETIMEDOUT)
		probe->encoding = NULL;
}

void tr_machine_probe_take(const char *browser, bool is_testing, struct tr_machine_probe *ret_probe)
{
	struct sysinfo info;
	struct stat st;

	*ret_probe = (struct tr_machine_probe){0};
	probe_browser(browser, ret_probe);
	find_on_path("Xvfb", ret_probe->xserver, sizeof(ret_probe->xserver));
	ret_probe->has_user_namespaces = try_user_namespace();
	ret_probe->has_setuid_sandbox = stat("/usr/lib/chromium/chrome-sandbox", &st) == 0 &&
					(st.st_mode & S_ISUID) && st.st_uid == 0;
	probe_sound(ret_probe);
	probe_encoding(is_testing, ret_probe);
	ret_probe->cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (sysinfo(&info) == 0)
		ret_probe->memory_bytes = (int64_t)info.totalram * info.mem_unit;
}

void tr_machine_probe_release(struct tr_machine_probe *probe)
{
	json_decref(probe->encoding);
	probe->encoding = NULL;
}

static bool has_encoder(const struct tr_machine_probe *probe)
{
	size_t i;
	json_t *rung;

	json_array_foreach(json_object_get(probe->encoding, "rungs"), i, rung)
	{
		if (json_is_true(json_object_get(rung, "works")))
			return true;
	}
	return false;
}

enum tr_reason tr_machine_probe_obstacle(const struct tr_machine_probe *probe)
{
	if (!probe->browser[0])
		return TR_REASON_NO_BROWSER;
	if (!probe->xserver[0])
		return TR_REASON_NO_DISPLAY;
	if (!has_encoder(probe))
		return TR_REASON_NO_ENCODER;
	if (!probe->sound_plugin[0] && !probe->has_loopback)
		return TR_REASON_NO_SOUND;
	return TR_REASON_NONE;
}
