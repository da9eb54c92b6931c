/* A program in front of the terminal in the console's place: a shell, what asks by itself. */
#ifndef TR_CONSOLE_TERMINAL_PROGRAM_H
#define TR_CONSOLE_TERMINAL_PROGRAM_H

#include "console/screen.h"

/* Until it ends, or the console is told to; with `hello` before it. `waits`: what it printed stays
 * until Enter. */
void tr_terminal_program(struct tr_console *console, const char *file, const char *const argv[],
	const char *hello, bool waits);

#endif
