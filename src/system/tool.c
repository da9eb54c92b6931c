#include "system/tool.h"

#include "core/child.h"
#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#define GRACE_MS 2000

struct reading {
	int fd; /* -1 at its end */
	char *output;
	size_t size;
};

/* What is there now. */
static void take_output(struct reading *reading)
{
	char waste[4096];
	size_t room = TR_TOOL_OUTPUT_MAX - 1 - reading->size;

	ssize_t n = room > 0 ? read(reading->fd, reading->output + reading->size, room)
			     : read(reading->fd, waste, sizeof(waste));
	if (n > 0 && room > 0)
		reading->size += (size_t)n;
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		reading->fd = -1;
}

/* Until the program has ended: something it left behind may hold the pipe for longer. */
static int read_until_end(struct reading *reading, const struct tr_child *child, int timeout_ms)
{
	int64_t end = tr_clock_now_ns() + timeout_ms * TR_NS_PER_MS;

	for (;;) {
		struct pollfd fds[2] = {{.fd = child->pidfd, .events = POLLIN},
			{.fd = reading->fd, .events = POLLIN}};
		int64_t left = (end - tr_clock_now_ns()) / TR_NS_PER_MS;
		int ready = left > 0 ? poll(fds, 2, (int)left) : 0;
		if (ready == 0)
			return -ETIMEDOUT;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready > 0 && fds[1].revents)
			take_output(reading);
		else if (ready > 0 && fds[0].revents)
			return 0;
	}
}

/* Ours, in the C locale and without questions. */
static char **make_environment(void)
{
	static char *const ours[] = {"LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"};
	size_t count = 0, kept = 0;

	while (environ[count])
		count++;
	char **env = calloc(count + TR_COUNT(ours) + 1, sizeof(*env));
	for (size_t i = 0; env && i < count; i++)
		if (strncmp(environ[i], "LC_", 3) != 0 && strncmp(environ[i], "LANG", 4) != 0 &&
			strncmp(environ[i], "DEBIAN_FRONTEND=", 16) != 0)
			env[kept++] = environ[i];
	for (size_t i = 0; env && i < TR_COUNT(ours); i++)
		env[kept++] = ours[i];
	return env;
}

static int run(const char *const *argv, int timeout_ms, int with_errors, struct reading *reading)
{
	TR_CLEANUP(tr_freep) char **env = make_environment();
	struct tr_child child = {.pidfd = -1};
	int fds[2];

	if (!env)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int reader = fds[0];
	TR_CLEANUP(tr_closep) int writer = fds[1];
	/* The program's end blocks as it expects. */
	(void)fcntl(writer, F_SETFL, 0);
	TR_CLEANUP(tr_closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct tr_child_fd to[] = {{writer, 1}, {with_errors ? writer : null, 2}};
	const struct tr_child_settings settings = {
		.argv = argv, .envp = (const char *const *)env, .fds = to, .fd_count = 2};
	int rc = null < 0 ? -errno : tr_child_start(&settings, &child);
	if (rc < 0)
		return rc;
	close(tr_take_fd(&writer));
	reading->fd = reader;
	rc = read_until_end(reading, &child, timeout_ms);
	int status = rc < 0 ? tr_child_stop(&child, GRACE_MS) : tr_child_wait(&child, -1);
	if (rc < 0 || status < 0)
		return rc < 0 ? rc : status;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int tr_tool_run(const char *const *argv, int timeout_ms, int with_errors, char **ret_output)
{
	TR_CLEANUP(tr_freep) char *output = calloc(1, TR_TOOL_OUTPUT_MAX);
	struct reading reading = {.fd = -1, .output = output};

	if (!output)
		return -ENOMEM;
	int rc = run(argv, timeout_ms, with_errors, &reading);
	if (rc < 0)
		return rc;
	output[reading.size] = '\0';
	if (ret_output)
		*ret_output = tr_take(output);
	return rc;
}

const char *tr_tool_last_line(char *output)
{
	size_t length = strlen(output);

	while (length > 0 && strchr(" \t\r\n", output[length - 1]))
		output[--length] = '\0';
	char *last = strrchr(output, '\n');
	return last ? last + 1 : output;
}
