/* Jicofo's place in a test: an ordinary login that joins the brewery, looks at who is there, and
 * sends what a test wants to send. Driven by focus_pump(). */
#ifndef TR_TESTS_CONTROL_FOCUS_CLIENT_H
#define TR_TESTS_CONTROL_FOCUS_CLIENT_H

#include <stdbool.h>

#define FOCUS_NODES 8

struct focus_node {
	char nick[64]; /* "": none */
	char jid[128]; /* real */
	bool is_busy, is_healthy;
	unsigned changes;
};

struct focus;

struct focus *focus_create(int port, const char *user, const char *password);
void focus_destroy(struct focus *focus);

/* Runs the connection for some ms. */
void focus_pump(struct focus *focus, int ms);
bool focus_is_online(const struct focus *focus);

void focus_join(struct focus *focus, const char *room, const char *nick);
bool focus_is_in(const struct focus *focus);

/* A node that showed its state; NULL when it is not there. */
const struct focus_node *focus_find(const struct focus *focus, const char *nick);
unsigned focus_count(const struct focus *focus);

/* Sends XML as it is. */
void focus_send(struct focus *focus, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All IQs that came, one a line, oldest first; taking empties it. */
const char *focus_heard(const struct focus *focus);
void focus_forget(struct focus *focus);

/* How to answer status IQs: an error's condition, NULL for results. */
void focus_answer_with(struct focus *focus, const char *condition);

#endif
