/*
 * For tests of the program `telerec`: a folder of its own for each test, with the program, the
 * slot's double beside it, an empty runtime folder, recordings, and what the program said.
 *
 * Files in it: "said" and "printed" (standard error and output), "input" (standard input, if there
 * is one), "notes" (runtime folders that the double was given), "streams" (what it was told of
 * streams).
 */
#ifndef TR_TESTS_CLI_RIG_H
#define TR_TESTS_CLI_RIG_H

#include "core/child.h"

extern char home[];
extern struct tr_child telerec;

/* For cmocka's set-up and tear-down. */
int make_home(void **state);
int remove_home(void **state);

/* Until the next call. */
const char *in_home(const char *name);
const char *read_home(const char *name);
void write_home(const char *name, const char *text);

/* Starts `telerec ARGS...`; the environment carries the double's order. */
void start_telerec(const char *order, const char *const *args);
void wait_until_it_says(const char *words);

/* The exit code; and nothing may be left of the runtime folders that the double was given. */
int wait_for_end(void);

/* That it is there and ours. */
void expect_file(const char *name);

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PAGE "https://example.invalid/"
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

#endif
