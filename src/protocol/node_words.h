/* What the node API answers, in words for people; and short ways to its members, which are "", 0 or
 * false where there are none. Pure. */
#ifndef TR_PROTOCOL_NODE_WORDS_H
#define TR_PROTOCOL_NODE_WORDS_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define TR_NODE_WORDS_MAX 64

/* Where disk.is_in_memory is true. */
#define TR_NODE_WORDS_IN_MEMORY                                                                    \
	"Recordings are kept in memory only, and are lost when this machine is switched off: "     \
	"install telerec on a disk, or give the recordings a disk."

const char *tr_node_words_text(const json_t *object, const char *key);
int64_t tr_node_words_int(const json_t *object, const char *key);
double tr_node_words_number(const json_t *object, const char *key);
bool tr_node_words_is(const json_t *object, const char *key);

/* "1:02:03", "0:59"; into at least TR_NODE_WORDS_MAX bytes, as the others. */
void tr_node_words_length(int64_t ms, char *out);

/* "3 d 4 h", "12 min", "7 s". */
void tr_node_words_span(int64_t ms, char *out);

/* Local time: "11:20" today, "Nov 21 11:20" within the year, "2025-11-21"; "" for 0. */
void tr_node_words_when(int64_t ms, int64_t now_ms, char *out);

/* Local date and time to the second. */
void tr_node_words_date(int64_t ms, char *out);

/* A Jitsi server as the connections to it are, one a slot. */
struct tr_node_words_server {
	const char *environment, *entry; /* borrowed from the connections */
	unsigned present, all;		 /* connections */
	bool has_focus;
};

bool tr_node_words_is_same_server(const json_t *link, const json_t *other);

/* All connections of "links" to the server of that at `first`; false when one before it leads
 * there, too, so that the server was told already. */
bool tr_node_words_server(
	const json_t *links, size_t first, struct tr_node_words_server *ret_server);

/* "-12 dB", "silent"; "" when there is no progress. */
void tr_node_words_level(const json_t *progress, char *out);

#endif
