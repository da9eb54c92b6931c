/* Other people's programs (modprobe, update-grub, dpkg-query): run without a shell, found on PATH,
 * with a limit of time, and with their words in English. */
#ifndef TR_SYSTEM_TOOL_H
#define TR_SYSTEM_TOOL_H

#include "core/cleanup.h"

#define TR_TOOL_OUTPUT_MAX ((size_t)1 << 20) /* what is more is dropped */

/*
 * Waits for the end. The exit code (128 + signal when killed); -ENOENT when there is no such
 * program, -ETIMEDOUT (it is killed then), -errno. Says nothing. Gives what it wrote to standard
 * output, and with `with_errors` to standard error, too; never NULL when the result is not
 * negative.
 */
TR_CHECKED int tr_tool_run(
	const char *const *argv, int timeout_ms, int with_errors, char **ret_output);

/* The last line that is not empty, for an error's text. In `output`, which it changes. */
const char *tr_tool_last_line(char *output);

#endif
