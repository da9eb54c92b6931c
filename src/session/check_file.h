/* `telerec-slot --check [--json] FILE...`: decodes files fully and prints what their reports would
 * say. */
#ifndef TR_SESSION_CHECK_FILE_H
#define TR_SESSION_CHECK_FILE_H

/* argv holds only what follows --check. The exit code: 0 all grade C or better, 1 not, 2 usage. */
int tr_check_file_run(int argc, char **argv);

#endif
