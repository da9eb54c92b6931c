/* A program's run on a job's thread: its input, what it prints, its end. */
#include "console/job_internal.h"

#include "core/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define TEXT_MOST (4 << 20)
#define GRACE_MS 3000
#define LAST_WORDS_MS 200 /* from its end to that of what it left behind */

struct pipes {
	int input[2], output[2], errors[2];
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(struct pipes *pipes)
{
	for (int i = 0; i < 2; i++) {
		close_end(&pipes->input[i]);
		close_end(&pipes->output[i]);
		close_end(&pipes->errors[i]);
	}
}

static int start_program(struct tr_job *job, struct pipes *pipes, struct tr_child *ret_child)
{
	if (pipe2(pipes->input, O_CLOEXEC) < 0 || pipe2(pipes->output, O_CLOEXEC) < 0 ||
		pipe2(pipes->errors, O_CLOEXEC) < 0)
		return -errno;
	fcntl(pipes->input[1], F_SETFL, O_NONBLOCK);
	const struct tr_child_fd fds[] = {
		{pipes->input[0], 0}, {pipes->output[1], 1}, {pipes->errors[1], 2}};
	const struct tr_child_settings settings = {
		.argv = (const char *const *)job->argv,
		.fds = fds,
		.fd_count = TR_COUNT(fds),
	};
	int rc = tr_child_start(&settings, ret_child);
	close_end(&pipes->input[0]);
	close_end(&pipes->output[1]);
	close_end(&pipes->errors[1]);
	return rc;
}

static void append(char **text, size_t *text_size, const char *data, size_t size)
{
	if (*text_size + size > TEXT_MOST)
		return;
	char *longer = realloc(*text, *text_size + size + 1);
	if (!longer)
		return;
	memcpy(longer + *text_size, data, size);
	*text_size += size;
	longer[*text_size] = '\0';
	*text = longer;
}

/* False at the channel's end. */
static bool read_some(struct tr_job *job, int fd, bool is_output)
{
	char data[16384];
	ssize_t size = read(fd, data, sizeof(data));

	if (size <= 0)
		return size < 0 && errno == EINTR;
	for (ssize_t i = 0; i < size; i++)
		data[i] = data[i] ? data[i] : '?';
	pthread_mutex_lock(&job->console->job_lock);
	append(&job->text, &job->text_size, data, (size_t)size);
	pthread_mutex_unlock(&job->console->job_lock);
	if (is_output)
		append(&job->output, &job->output_size, data, (size_t)size);
	return true;
}

/* False when there is no more to write. */
static bool write_some(const char **input, int fd)
{
	ssize_t size = write(fd, *input, strlen(*input));

	if (size < 0)
		return errno == EINTR || errno == EAGAIN;
	*input += size;
	return **input != '\0';
}

/* Until the program closes its channels, ends, or shall end: then false. */
static bool serve(struct tr_job *job, struct pipes *pipes, int pidfd)
{
	const char *input = job->input ? job->input : "";
	int patience_ms = -1;

	if (!*input)
		close_end(&pipes->input[1]);
	while (pipes->output[0] >= 0 || pipes->errors[0] >= 0) {
		struct pollfd fds[] = {
			{.fd = pipes->output[0], .events = POLLIN},
			{.fd = pipes->errors[0], .events = POLLIN},
			{.fd = pipes->input[1], .events = POLLOUT},
			{.fd = job->stop_event, .events = POLLIN},
			{.fd = patience_ms < 0 ? pidfd : -1, .events = POLLIN},
		};
		int rc = poll(fds, TR_COUNT(fds), patience_ms);
		if (rc == 0 || (rc > 0 && fds[3].revents))
			return rc == 0;
		if (rc < 0)
			continue;
		if (fds[4].revents)
			patience_ms = LAST_WORDS_MS;
		if (fds[0].revents && !read_some(job, pipes->output[0], true))
			close_end(&pipes->output[0]);
		if (fds[1].revents && !read_some(job, pipes->errors[0], false))
			close_end(&pipes->errors[0]);
		if (fds[2].revents && !write_some(&input, pipes->input[1]))
			close_end(&pipes->input[1]);
	}
	return true;
}

/* ---- what it means ---- */

static void join_words(char *const *words, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (; *words && used < size; words++)
		used += (size_t)snprintf(
			out + used, size - used, "%s%s", used > 0 ? " " : "", *words);
}

/* sudo asks for a password, or refuses: then a person must do it. */
static void say_root(struct tr_job *job)
{
	char command[600];

	join_words(job->argv + 3, command, sizeof(command));
	snprintf(job->problem, sizeof(job->problem),
		"This needs root, and sudo does not let us. Start the console as root (sudo telerec console), or run as root: %s",
		command);
}

static void say_end(struct tr_job *job)
{
	const char *text = job->text ? job->text : "";
	size_t end = strlen(text);

	if (job->is_by_sudo && (job->result.rc < 0 || !strncmp(text, "sudo:", 5))) {
		say_root(job);
		return;
	}
	if (job->result.rc < 0) {
		snprintf(job->problem, sizeof(job->problem), "%s cannot be started: %s",
			job->argv[0], strerror(-job->result.rc));
		return;
	}
	if (job->result.status == 0)
		return;
	while (end > 0 && strchr(" \n\r\t", text[end - 1]))
		end--;
	size_t begin = end;
	while (begin > 0 && text[begin - 1] != '\n')
		begin--;
	if (end > begin)
		snprintf(job->problem, sizeof(job->problem), "%.*s", (int)(end - begin),
			text + begin);
	else
		snprintf(job->problem, sizeof(job->problem), "%s ended with code %d", job->argv[0],
			job->result.status);
}

void tr_job_do_program(struct tr_job *job)
{
	struct pipes pipes = {{-1, -1}, {-1, -1}, {-1, -1}};
	struct tr_child child = {.pidfd = -1};

	job->result.rc = start_program(job, &pipes, &child);
	if (job->result.rc == 0) {
		bool is_to_end = serve(job, &pipes, child.pidfd);
		close_pipes(&pipes);
		int status = -ETIMEDOUT;
		struct pollfd fds[] = {{.fd = child.pidfd, .events = POLLIN},
			{.fd = job->stop_event, .events = POLLIN}};
		while (is_to_end && poll(fds, TR_COUNT(fds), -1) < 0 && errno == EINTR)
			;
		if (is_to_end && fds[0].revents)
			status = tr_child_wait(&child, 0);
		if (status < 0)
			status = tr_child_stop(&child, GRACE_MS);
		job->result.status = status < 0		   ? 0
				     : WIFSIGNALED(status) ? 128 + WTERMSIG(status)
							   : WEXITSTATUS(status);
		if (job->output)
			job->result.json = json_loads(job->output, 0, NULL);
	}
	close_pipes(&pipes);
	say_end(job);
}
