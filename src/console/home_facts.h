/* What Home says in sentences: what is wrong, and how this machine is. Pure but for the machine's
 * own facts. */
#ifndef TR_CONSOLE_HOME_FACTS_H
#define TR_CONSOLE_HOME_FACTS_H

#include "console/model.h"
#include "console/term.h"

#define TR_HOME_WARNINGS_MAX 32

struct tr_home_warning {
	enum tr_role role; /* BAD: recordings fail; WARNING: it goes on all the same */
	char text[600];
};

struct tr_home_warnings {
	unsigned count;
	struct tr_home_warning items[TR_HOME_WARNINGS_MAX]; /* the worst first */
};

/* All that needs a person, in plain words. */
void tr_home_find_warnings(const struct tr_model_view *view, struct tr_home_warnings *ret_warnings);

/* A line for each Jitsi server; gives how many. */
unsigned tr_home_servers(const json_t *node, char (*lines)[256], unsigned most);

void tr_home_disk(const json_t *node, char *out, size_t size);

/* Of the machine that this program runs on: "192.0.2.7, 2001:db8::7" and "synchronised". */
void tr_home_addresses(char *out, size_t size);
bool tr_home_clock(char *out, size_t size); /* false: it is not synchronised */

#endif
