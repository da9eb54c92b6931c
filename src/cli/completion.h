/* What a shell must know to complete a command line of telerec, made from the table of verbs. */
#ifndef TR_CLI_COMPLETION_H
#define TR_CLI_COMPLETION_H

#include <stdio.h>

void tr_completion_print_bash(FILE *out);
void tr_completion_print_zsh(FILE *out);

#endif
