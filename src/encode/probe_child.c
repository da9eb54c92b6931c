#include "encode/probe_child.h"

#include "core/clock.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ANSWER_MAX (256 << 10)
#define LOOK_MS 50 /* how often the silence is measured */
#define OUR_EXIT 0
#define KILLED_MS 3000

struct child {
	pid_t pid;
	int answer_fd, words_fd;
	char *answer;
	size_t used;
};

/* Never returns: what the program would do at its end is not for this process. */
static void child_side(
	tr_probe_question_fn *question, void *user, int answer_fd, int words_fd, pid_t parent)
{
	const struct rlimit none = {0, 0};

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	if (getppid() != parent || dup2(words_fd, STDOUT_FILENO) < 0 ||
		dup2(words_fd, STDERR_FILENO) < 0)
		_exit(1);
	json_t *json = question(user);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text || tr_file_write_all(answer_fd, text, strlen(text)) < 0)
		_exit(1);
	_exit(OUR_EXIT);
}

static int start(struct child *child, tr_probe_question_fn *question, void *user)
{
	int fds[2];

	child->words_fd = memfd_create("telerec-probe-words", MFD_CLOEXEC);
	if (child->words_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int writer = fds[1];
	child->answer_fd = fds[0];
	child->answer = malloc(ANSWER_MAX);
	if (!child->answer)
		return -ENOMEM;
	fflush(NULL);
	pid_t parent = getpid();
	child->pid = fork();
	if (child->pid < 0)
		return -errno;
	if (child->pid == 0)
		child_side(question, user, writer, child->words_fd, parent);
	return 0;
}

/* False at the end of the answer. */
static bool read_some(struct child *child)
{
	struct pollfd poll_fd = {.fd = child->answer_fd, .events = POLLIN};

	if (poll(&poll_fd, 1, LOOK_MS) <= 0)
		return true;
	if (child->used >= ANSWER_MAX)
		return false;
	ssize_t n = read(child->answer_fd, child->answer + child->used, ANSWER_MAX - child->used);
	if (n < 0)
		return errno == EINTR;
	child->used += (size_t)n;
	return n > 0;
}

enum silence { READY, SILENT, LATE };

/* Until its end, or until it is to be ended. */
static enum silence listen_to(struct child *child, int silent_ms, int64_t deadline_ns)
{
	int64_t heard_ns = tr_clock_now_ns();
	off_t heard_size = 0;

	while (read_some(child)) {
		struct stat st;
		int64_t now_ns = tr_clock_now_ns();
		if (fstat(child->words_fd, &st) == 0 && st.st_size != heard_size) {
			heard_size = st.st_size;
			heard_ns = now_ns;
		}
		if (now_ns - heard_ns > silent_ms * TR_NS_PER_MS)
			return SILENT;
		if (now_ns > deadline_ns)
			return LATE;
	}
	return READY;
}

/* The answer is closed, so the end is near, unless the driver's threads hang in it. */
static bool wait_for_end(pid_t pid, int silent_ms, int *ret_status)
{
	int64_t until_ns = tr_clock_now_ns() + silent_ms * TR_NS_PER_MS;

	for (;;) {
		pid_t got = waitpid(pid, ret_status, WNOHANG);
		if (got == pid)
			return true;
		if ((got < 0 && errno != EINTR) || tr_clock_now_ns() > until_ns)
			return false;
		usleep(2000);
	}
}

/* Keeps the lines that a person wants to see, without control characters. */
static void keep_words(struct tr_probe_answer *answer, int words_fd)
{
	TR_CLEANUP(tr_freep) char *text = calloc(1, 2 * TR_PROBE_WORDS_MAX + 1);
	off_t size = lseek(words_fd, 0, SEEK_END);
	off_t from = size > 2 * TR_PROBE_WORDS_MAX ? size - 2 * TR_PROBE_WORDS_MAX : 0;
	size_t used = 0;

	if (!text || pread(words_fd, text, 2 * TR_PROBE_WORDS_MAX, from) < 0)
		return;
	char *rest = text, *line;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (!strncmp(line, "at ", 3)) {
			snprintf(answer->stage, sizeof(answer->stage), "%s", line + 3);
			continue;
		}
		size_t length = strlen(line);
		if (length == 0 || used + length + 2 > sizeof(answer->words))
			continue;
		for (size_t i = 0; i < length; i++)
			answer->words[used++] = line[i] >= ' ' && line[i] < 127 ? line[i] : '?';
		answer->words[used++] = '\n';
	}
	answer->words[used] = '\0';
}

static void end(
	struct child *child, struct tr_probe_answer *answer, enum silence silence, int silent_ms)
{
	if (silence != READY || !wait_for_end(child->pid, silent_ms, &answer->wait_status)) {
		answer->is_late = silence == LATE;
		answer->has_hung = !answer->is_late;
		kill(-child->pid, SIGKILL); /* its group, when it got so far, and itself */
		kill(child->pid, SIGKILL);
		/* in a broken driver of the kernel's it cannot even be killed: then it is left */
		if (!wait_for_end(child->pid, KILLED_MS, &answer->wait_status))
			answer->wait_status = SIGKILL;
	}
	answer->has_ended =
		!answer->is_late &&
		(!WIFEXITED(answer->wait_status) || WEXITSTATUS(answer->wait_status) != OUR_EXIT);
	keep_words(answer, child->words_fd);
	if (!answer->has_ended && !answer->has_hung && !answer->is_late)
		answer->json = json_loadb(child->answer, child->used, JSON_REJECT_DUPLICATES, NULL);
}

int tr_probe_child_ask(tr_probe_question_fn *question, void *user, int silent_ms,
	int64_t deadline_ns, struct tr_probe_answer *ret)
{
	struct child child = {.answer_fd = -1, .words_fd = -1};

	*ret = (struct tr_probe_answer){0};
	int rc = start(&child, question, user);
	if (rc == 0)
		end(&child, ret, listen_to(&child, silent_ms, deadline_ns), silent_ms);
	tr_closep(&child.answer_fd);
	tr_closep(&child.words_fd);
	free(child.answer);
	return rc;
}

void tr_probe_child_release(struct tr_probe_answer *answer)
{
	json_decref(answer->json);
	answer->json = NULL;
}
