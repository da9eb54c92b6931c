#define TR_LOG_AREA "probe"
#include "encode/probe.h"

#include "core/child.h"
#include "core/clock.h"
#include "core/log.h"
#include "encode/probe_internal.h"
#include "encode/wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define TIMEOUT_MS 20000
#define TEST_TIMEOUT_MS 60000
#define GRACE_MS 5000 /* it keeps the time itself; this is for when it does not */

/* What is true when nothing is known. */
static json_t *make_answer(const char *advice)
{
	struct tr_probe_candidate software = {
		.works = true, .rung = {.kind = TR_RUNG_SOFTWARE, .profile = 66}};

	tr_probe_name_rung(&software.rung);
	return json_pack("{s:[], s:[o], s:[s], s:b}", "devices", "rungs",
		tr_probe_write_rung(&software, 1), "advice", advice, "was_tested", 0);
}

static bool has_render_node(const char *folder_name)
{
	DIR *folder = opendir(folder_name);
	struct dirent *entry;
	bool is_found = false;

	while (folder && !is_found && (entry = readdir(folder)) != NULL)
		is_found = !strncmp(entry->d_name, "renderD", 7);
	if (folder)
		closedir(folder);
	return is_found;
}

static int start(const struct tr_probe_settings *settings, int timeout_ms, struct tr_child *child,
	int *ret_reader)
{
	char timeout[16];
	const char *argv[] = {settings->program ? settings->program : "telerec-encoder", "--probe",
		"--timeout", timeout, settings->is_testing ? "--self-test" : NULL, NULL};
	int fds[2];

	snprintf(timeout, sizeof(timeout), "%d", timeout_ms);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int reader = fds[0];
	TR_CLEANUP(tr_closep) int writer = fds[1];
	TR_CLEANUP(tr_closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0)
		return -errno;
	const struct tr_child_fd child_fds[] = {{writer, STDOUT_FILENO}, {null, STDERR_FILENO},
		{settings->module_fd, TR_WIRE_MODULE_FD}};
	const struct tr_child_settings child_settings = {.argv = argv,
		.exec_fd = settings->program_fd,
		.fds = child_fds,
		.fd_count = settings->module_fd > 0 ? 3 : 2};
	int rc = tr_child_start(&child_settings, child);
	if (rc == 0)
		*ret_reader = tr_take_fd(&reader);
	return rc;
}

/* Until its end. -ETIMEDOUT, -EFBIG. */
static int read_all(int fd, int64_t deadline_ns, char *out, size_t size, size_t *ret_used)
{
	size_t used = 0;

	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		int64_t left_ms = (deadline_ns - tr_clock_now_ns()) / TR_NS_PER_MS;
		int ready = left_ms > 0 ? poll(&poll_fd, 1, (int)left_ms) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready < 0 ? -errno : -ETIMEDOUT;
		if (used == size)
			return -EFBIG;
		ssize_t n = read(fd, out + used, size - used);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	*ret_used = used;
	return 0;
}

static int parse(const char *text, size_t size, json_t **ret_json)
{
	json_error_t error;
	char why[120];
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		return tr_fail(-EPROTO, "the encoder's answer is no JSON (line %d: %s)", error.line,
			error.text);
	int rc = tr_probe_check(json, why, sizeof(why));
	if (rc < 0) {
		json_decref(json);
		return tr_fail(rc, "the encoder's answer cannot be used (%s)", why);
	}
	*ret_json = json;
	return 0;
}

static int ask(const struct tr_probe_settings *settings, json_t **ret_json)
{
	TR_CLEANUP(tr_freep) char *text = malloc(TR_PROBE_ANSWER_MAX);
	int timeout_ms = settings->timeout_ms > 0 ? settings->timeout_ms
			 : settings->is_testing	  ? TEST_TIMEOUT_MS
						  : TIMEOUT_MS;
	TR_CLEANUP(tr_closep) int reader = -1;
	struct tr_child child = {.pidfd = -1};
	size_t used = 0;

	if (!text)
		return -ENOMEM;
	int rc = start(settings, timeout_ms, &child, &reader);
	if (rc < 0)
		return tr_fail(rc, "cannot start %s",
			settings->program ? settings->program : "telerec-encoder");
	int64_t deadline_ns = tr_clock_now_ns() + (timeout_ms + GRACE_MS) * TR_NS_PER_MS;
	rc = read_all(reader, deadline_ns, text, TR_PROBE_ANSWER_MAX, &used);
	int status = rc == 0 ? tr_child_wait(&child, GRACE_MS) : -ETIMEDOUT;
	if (status == -ETIMEDOUT)
		status = tr_child_stop(&child, 0);
	if (rc < 0)
		return rc;
	if (status < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return tr_fail(-EPROTO, "the encoder's probe failed (status %d)", status);
	return parse(text, used, ret_json);
}

int tr_probe_run(const struct tr_probe_settings *settings, json_t **ret_json)
{
	json_t *json = NULL;
	int rc = 0;

	if (!settings->is_testing && !has_render_node("/dev/dri") &&
		!has_render_node("/sys/class/drm"))
		json = make_answer("This machine has no GPU that could encode; software does it.");
	else
		rc = ask(settings, &json);
	if (rc == -ETIMEDOUT)
		json = make_answer("The probe of the GPUs did not end, so software encodes: "
				   "journalctl -k shows whether a GPU hangs.");
	if (rc != 0 && rc != -ETIMEDOUT)
		return rc;
	if (!json)
		return -ENOMEM;
	*ret_json = json;
	return rc;
}
