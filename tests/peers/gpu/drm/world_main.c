/*
 * Stands in for telerec-encoder in a folder of programs: enters the world that "world" beside it
 * names, and becomes the real one. A program and no script, as the slot starts it by its descriptor
 * alone; the same process throughout, so that whoever waits for it or kills it deals with the real
 * one.
 *
 * The file: a line NAME=VALUE for each setting of the environment, and "program=PATH".
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_world(const char *path, char *program, size_t size)
{
	char line[PATH_MAX * 2];
	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	program[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		char *value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (!strcmp(line, "program"))
			snprintf(program, size, "%s", value);
		else
			setenv(line, value, 1);
	}
	fclose(file);
	return program[0] ? 0 : -1;
}

int main(int argc, char **argv)
{
	char self[PATH_MAX], path[PATH_MAX + 16], program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)argc;
	if (length <= 0)
		return 126;
	self[length] = '\0';
	snprintf(path, sizeof(path), "%s.world", self);
	if (read_world(path, program, sizeof(program)) < 0) {
		fprintf(stderr, "%s: cannot read it\n", path);
		return 126;
	}
	execv(program, argv);
	perror(program);
	return 127;
}
