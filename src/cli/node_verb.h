/*
 * What the verbs that ask a node have in common: their options, the client, how errors are told and
 * which exit code follows.
 *
 * With --json a verb prints what the node answered, and an error as {"error": {"status",
 * "sentence"}}, both to standard output; else errors go to standard error.
 */
#ifndef TR_CLI_NODE_VERB_H
#define TR_CLI_NODE_VERB_H

#include "cli/options.h"
#include "protocol/node_client.h"

#define TR_EXIT_FAILED 1
#define TR_EXIT_UNREACHABLE 3
#define TR_EXIT_BUSY 4

enum { /* ids of options, above those of the verbs */
	TR_NODE_VERB_NODE = 100,
	TR_NODE_VERB_TOKEN,
	TR_NODE_VERB_CA,
	TR_NODE_VERB_JSON,
};

/* The last of a verb's table. */
#define TR_NODE_VERB_OPTIONS                                                                       \
	{"node", "NODE", "another node: its https:// address, or a socket", TR_NODE_VERB_NODE},    \
		{"token-file", "FILE", "the file with that node's token", TR_NODE_VERB_TOKEN},     \
		{"ca-file", "FILE", "trust the authorities in it", TR_NODE_VERB_CA},               \
		{"json", NULL, "print JSON", TR_NODE_VERB_JSON},                                   \
	{                                                                                          \
		0                                                                                  \
	}

struct tr_node_verb {
	const char *name; /* for complaints */
	const char *node, *token_file, *ca_file;
	bool is_json;
	struct tr_node_client *client;
};

/* Takes the option when it is one of those above. */
bool tr_node_verb_take(struct tr_node_verb *verb, int id, const char *value);

/* Whether a node other than the one on this machine is meant. */
bool tr_node_verb_is_elsewhere(const struct tr_node_verb *verb);

/* The socket of this machine's node, as telerec.conf has it. */
void tr_node_verb_find_socket(char *out, size_t size);

/* 0, or the exit code after saying what is wrong. */
int tr_node_verb_open(struct tr_node_verb *verb);
void tr_node_verb_close(struct tr_node_verb *verb);

/* A complaint of our own; returns `code`. */
int tr_node_verb_fail(const struct tr_node_verb *verb, int code, const char *format, ...)
	TR_PRINTF(3, 4);

/* Tells what the client says of a call that returned `rc`, with the error's JSON if there is one
 * (takes it). The exit code. */
int tr_node_verb_tell(const struct tr_node_verb *verb, int rc, json_t *error);

/* A call; `body` is taken, NULL for none. 0, or the exit code after telling what is wrong. */
int tr_node_verb_call(struct tr_node_verb *verb, const char *method, json_t *body,
	json_t **ret_json, const char *path_format, ...) TR_PRINTF(5, 6);

/* Prints JSON as --json shows it, and lets go of it; 0. */
int tr_node_verb_print_json(json_t *json);

/* Reads a node's token, which nobody else may be able to read. -EINVAL after saying why not. */
TR_CHECKED int tr_node_verb_read_token(const char *name, const char *path, char **ret_token);

#endif
