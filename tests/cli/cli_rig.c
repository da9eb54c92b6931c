#include "test.h"

#include "cli/cli_rig.h"
#include "copy_program.h"
#include "core/child.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define DEADLINE_NS (60 * TR_NS_PER_S)

char home[] = "/tmp/telerec-cli-XXXXXX";
static char path_buffer[PATH_MAX + 300];
struct tr_child telerec;

const char *in_home(const char *name)
{
	snprintf(path_buffer, sizeof(path_buffer), "%s/%s", home, name);
	return path_buffer;
}

void write_home(const char *name, const char *text)
{
	int fd = open(in_home(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

int make_home(void **state)
{
	assert_non_null(getenv("TR_BUILD_DIR"));
	strcpy(home, "/tmp/telerec-cli-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_int_equal(chmod(home, 0755), 0);
	assert_int_equal(mkdir(in_home("run"), 0700), 0);
	copy_program("telerec", in_home("telerec"));
	copy_program("fake_slot", in_home("telerec-slot"));
	return 0;
}

int remove_home(void **state)
{
	tr_child_stop(&telerec, 0);
	return tr_file_remove_tree(home);
}

const char *read_home(const char *name)
{
	static char *text;

	free(text);
	text = NULL;
	if (tr_file_read(AT_FDCWD, in_home(name), 1 << 20, &text, NULL) < 0)
		text = strdup("");
	return text;
}

void start_telerec(const char *order, const char *const *args)
{
	const char *argv[20];
	char program[PATH_MAX];
	unsigned count = 0;

	snprintf(program, sizeof(program), "%s/telerec", home);
	argv[count++] = program;
	while (*args)
		argv[count++] = *args++;
	argv[count] = NULL;
	setenv("FAKE_SLOT", order, 1);
	setenv("FAKE_SLOT_NOTES", in_home("notes"), 1);
	setenv("FAKE_SLOT_STREAMS", in_home("streams"), 1);
	setenv("XDG_RUNTIME_DIR", in_home("run"), 1);
	TR_CLEANUP(tr_closep) int said = open(in_home("said"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	TR_CLEANUP(tr_closep)
	int printed = open(in_home("printed"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	TR_CLEANUP(tr_closep) int input = open(in_home("input"), O_RDONLY | O_CREAT, 0600);
	const struct tr_child_fd fds[] = {{printed, 1}, {said, 2}, {input, 0}};
	const struct tr_child_settings settings = {.argv = argv, .fds = fds, .fd_count = 3};
	assert_int_equal(tr_child_start(&settings, &telerec), 0);
}

void wait_until_it_says(const char *words)
{
	int64_t deadline = tr_clock_now_ns() + DEADLINE_NS;
	const struct timespec a_bit = {.tv_nsec = 10 * TR_NS_PER_MS};

	while (!strstr(read_home("said"), words)) {
		if (tr_clock_now_ns() > deadline)
			fail_msg("it never said \"%s\", but: %s", words, read_home("said"));
		nanosleep(&a_bit, NULL);
	}
}

int wait_for_end(void)
{
	int status = tr_child_wait(&telerec, (int)(DEADLINE_NS / TR_NS_PER_MS));
	if (status < 0 || !WIFEXITED(status))
		fail_msg("it did not end properly (%d): %s", status, read_home("said"));
	char *next = NULL, *notes = strdup(read_home("notes"));
	for (char *path = strtok_r(notes, "\n", &next); path; path = strtok_r(NULL, "\n", &next))
		assert_int_equal(access(path, F_OK), -1);
	free(notes);
	return WEXITSTATUS(status);
}

void expect_file(const char *name)
{
	struct stat st;

	if (stat(in_home(name), &st) < 0)
		fail_msg("%s is missing; it said: %s", name, read_home("said"));
	assert_int_equal(st.st_uid, geteuid());
}
