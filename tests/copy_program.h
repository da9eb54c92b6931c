/* For tests that run our programs beside doubles of others: a program finds its companions in its own
 * folder. After test.h. */
#ifndef TR_TESTS_COPY_PROGRAM_H
#define TR_TESTS_COPY_PROGRAM_H

#include "core/file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* `name` of the build folder becomes the program `to`. */
static inline void copy_program(const char *name, const char *to)
{
	char path[PATH_MAX], *data;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", getenv("TR_BUILD_DIR"), name);
	assert_int_equal(tr_file_read(AT_FDCWD, path, 64 << 20, &data, &size), 0);
	int fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, data, size), 0);
	close(fd);
	free(data);
}

#endif
