/* For tests that need what a shell does in a line. After test.h. */
#ifndef TR_TESTS_SHELL_H
#define TR_TESTS_SHELL_H

#include <stdio.h>
#include <stdlib.h>

/* Runs a line of at most 2 KiB; the test fails when that fails. */
__attribute__((format(printf, 1, 2))) static inline void shell(const char *format, ...)
{
	char command[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

#endif
