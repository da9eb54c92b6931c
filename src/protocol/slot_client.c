#include "protocol/slot_client.h"

#include "core/child.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* TR_LIBEXEC_DIR comes from the build: where it installs them. */
#define CONTROL_FD 3
#define TERM_GRACE_MS 2000

struct tr_slot_client {
	struct tr_child child;
	struct tr_line *line;
	int log_fd;
	char log[4096];
	size_t log_size;
};

int tr_slot_client_find_program(const char *name, char *out, size_t size)
{
	/* Beside us in a build folder; beside our bin or sbin wherever that was installed. */
	static const char *const places[] = {"", "../libexec/telerec/"};
	char own[PATH_MAX];

	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	if (length > 0) {
		own[length] = '\0';
		char *slash = strrchr(own, '/');
		if (slash)
			slash[1] = '\0';
		for (size_t i = 0; slash && i < TR_COUNT(places); i++)
			if (tr_text_format(out, size, "%s%s%s", own, places[i], name) == 0 &&
				access(out, X_OK) == 0)
				return 0;
	}
	int rc = tr_text_format(out, size, "%s/%s", TR_LIBEXEC_DIR, name);
	if (rc < 0)
		return rc;
	return access(out, X_OK) < 0 ? -errno : 0;
}

/* Ours, with TELEREC_LOG_LEVEL; the list is malloc()ed, its strings are borrowed. */
static const char **make_environment(char *level)
{
	size_t count = 0, used = 0;

	while (environ[count])
		count++;
	const char **list = calloc(count + 2, sizeof(*list));
	if (!list)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], "TELEREC_LOG_LEVEL=", 18) != 0)
			list[used++] = environ[i];
	list[used] = level;
	return list;
}

static int start_child(struct tr_slot_client *client, const char *program, int control_fd,
	int log_fd, int log_level)
{
	char level[40];
	const char *const argv[] = {program, "--control-fd", "3", NULL};
	const struct tr_child_fd fds[] = {{control_fd, CONTROL_FD}, {log_fd, STDERR_FILENO}};

	snprintf(level, sizeof(level), "TELEREC_LOG_LEVEL=%d", log_level);
	TR_CLEANUP(tr_freep) const char **envp = make_environment(level);
	if (!envp)
		return -ENOMEM;
	const struct tr_child_settings settings = {
		.argv = argv,
		.envp = envp,
		.fds = fds,
		.fd_count = log_fd >= 0 ? 2 : 1,
	};
	return tr_child_start(&settings, &client->child);
}

int tr_slot_client_start(
	const char *program, bool is_log_piped, int log_level, struct tr_slot_client **ret_client)
{
	int sockets[2], pipes[2] = {-1, -1};

	TR_CLEANUP(tr_slot_client_destroyp)
	struct tr_slot_client *client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->child.pidfd = -1;
	client->log_fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int theirs = sockets[1];
	int rc = tr_line_create(sockets[0], &client->line);
	if (rc < 0)
		return rc;
	if (is_log_piped && pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	client->log_fd = pipes[0];
	TR_CLEANUP(tr_closep) int log_writer = pipes[1];
	/* Theirs too: a parent that does not read costs lines, never the recording's time. */
	if (is_log_piped && (fcntl(pipes[0], F_SETFL, O_NONBLOCK) < 0 ||
				    fcntl(pipes[1], F_SETFL, O_NONBLOCK) < 0))
		return -errno;
	rc = start_child(client, program, theirs, log_writer, log_level);
	if (rc < 0)
		return rc;
	*ret_client = tr_take(client);
	return 0;
}

void tr_slot_client_destroy(struct tr_slot_client *client)
{
	if (!client)
		return;
	tr_child_stop(&client->child, 0);
	tr_line_destroy(client->line);
	tr_closep(&client->log_fd);
	free(client);
}

pid_t tr_slot_client_pid(const struct tr_slot_client *client)
{
	return client->child.pid;
}

struct tr_line *tr_slot_client_line(struct tr_slot_client *client)
{
	return client->line;
}

int tr_slot_client_log_fd(const struct tr_slot_client *client)
{
	return client->log_fd;
}

/* Moves the first `length` bytes to `out`, and `skip` bytes away. */
static void take_log(
	struct tr_slot_client *client, size_t length, size_t skip, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)length, client->log);
	client->log_size -= skip;
	memmove(client->log, client->log + skip, client->log_size);
}

int tr_slot_client_read_log(struct tr_slot_client *client, char *out, size_t size)
{
	for (;;) {
		const char *end = memchr(client->log, '\n', client->log_size);
		if (end) {
			size_t length = (size_t)(end - client->log);
			take_log(client, length, length + 1, out, size);
			return 0;
		}
		if (client->log_size == sizeof(client->log) ||
			(client->log_fd < 0 && client->log_size > 0)) {
			take_log(client, client->log_size, client->log_size, out, size);
			return 0;
		}
		if (client->log_fd < 0)
			return -EPIPE;
		ssize_t n = read(client->log_fd, client->log + client->log_size,
			sizeof(client->log) - client->log_size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return -EAGAIN;
		if (n <= 0) {
			close(client->log_fd);
			client->log_fd = -1;
		} else {
			client->log_size += (size_t)n;
		}
	}
}

int tr_slot_client_exit_fd(const struct tr_slot_client *client)
{
	return client->child.pidfd;
}

int tr_slot_client_abort(struct tr_slot_client *client)
{
	return tr_child_stop(&client->child, TERM_GRACE_MS);
}

int tr_slot_client_stop(struct tr_slot_client *client, int grace_ms)
{
	const struct tr_message quit = {.type = TR_MESSAGE_QUIT};
	pid_t group = client->child.pid;

	if (group <= 0)
		return -ECHILD;
	int status = tr_message_send(client->line, &quit, -1) < 0
			     ? -ETIMEDOUT
			     : tr_child_wait(&client->child, grace_ms);
	if (status == -ETIMEDOUT)
		return tr_child_stop(&client->child, TERM_GRACE_MS);
	kill(-group, SIGKILL); /* what it may have left in its group */
	return status;
}
