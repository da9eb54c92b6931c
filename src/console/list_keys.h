/* The keys by which one goes through a list or a long text, the same everywhere. Pure. */
#ifndef TR_CONSOLE_LIST_KEYS_H
#define TR_CONSOLE_LIST_KEYS_H

#include <stdbool.h>

/* Moves `at` within 0 to `last` by Up, Down, Page Up, Page Down, Home, End; false: another key. A
 * `last` below 0 is an empty list, where `at` becomes 0. */
bool tr_list_keys_move(int key, int page, int last, int *at);

#endif
