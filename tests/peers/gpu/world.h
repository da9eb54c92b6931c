/*
 * For tests that live in a world of make_world themselves: the test runs again as a child there,
 * and the world is removed when it has ended, however it did. After test.h.
 *
 * The driver's words are given by setenv("TR_TEST_VA", ...), read at each vaInitialize.
 */
#ifndef TR_TESTS_GPU_WORLD_H
#define TR_TESTS_GPU_WORLD_H

#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void tr_world_read(const char *dir)
{
	char line[PATH_MAX * 2];

	snprintf(line, sizeof(line), "%s/environment", dir);
	FILE *file = fopen(line, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		char *value = strchr(line, '=');
		if (!value)
			continue;
		*value = '\0';
		setenv(line, value + 1, 1);
	}
	if (file)
		fclose(file);
}

static inline int tr_world_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int tr_world_make(const char *dir, const char *tree)
{
	char program[PATH_MAX];

	snprintf(
		program, sizeof(program), "%s/tests/peers/gpu/make_world", getenv("TR_SOURCE_DIR"));
	pid_t pid = fork();
	if (pid == 0) {
		execl(program, program, dir, tree, "", NULL);
		_exit(127);
	}
	return tr_world_wait(pid);
}

/* Returns inside of the world only; outside it exits with the child's code, 77 without umockdev. */
static inline void tr_world_enter(const char *tree)
{
	char dir[] = "/tmp/telerec-gpu.XXXXXX";

	if (getenv("TR_TEST_WORLD"))
		return;
	if (access("/usr/bin/umockdev-run", X_OK) < 0) {
		printf("skipped: umockdev is not installed\n");
		exit(77);
	}
	if (!mkdtemp(dir) || tr_world_make(dir, tree) != 0) {
		printf("cannot make the world %s\n", dir);
		exit(tr_file_remove_tree(dir) ? 2 : 1);
	}
	pid_t pid = fork();
	if (pid == 0) {
		setenv("TR_TEST_WORLD", dir, 1);
		tr_world_read(dir);
		execl("/proc/self/exe", "test", NULL);
		_exit(127);
	}
	int rc = tr_world_wait(pid);
	if (tr_file_remove_tree(dir) < 0)
		printf("%s is left behind\n", dir);
	exit(rc);
}

/* The driver's words, and its log into the world. */
static inline void tr_world_words(const char *words)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s,log=%s/log", words, getenv("TR_TEST_WORLD"));
	setenv("TR_TEST_VA", text, 1);
	snprintf(text, sizeof(text), "%s/log", getenv("TR_TEST_WORLD"));
	unlink(text);
	snprintf(text, sizeof(text), "%s/va/fault-done", getenv("TR_TEST_WORLD"));
	unlink(text);
}

/* Does the driver's log have it? */
static inline int tr_world_logged(const char *what)
{
	char path[PATH_MAX], *data = NULL;
	size_t size;

	snprintf(path, sizeof(path), "%s/log", getenv("TR_TEST_WORLD"));
	if (tr_file_read(AT_FDCWD, path, 1 << 20, &data, &size) < 0)
		return 0;
	int found = strstr(data, what) != NULL;
	free(data);
	return found;
}

#endif
