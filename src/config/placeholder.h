/* The words in braces that a name's template may hold, "{room}_{date}-{time}". The one list of
 * them: for who checks a template and for who fills it. */
#ifndef TR_CONFIG_PLACEHOLDER_H
#define TR_CONFIG_PLACEHOLDER_H

#include <stddef.h>

enum tr_placeholder {
	TR_PLACEHOLDER_NONE,
	TR_PLACEHOLDER_SESSION_ID,
	TR_PLACEHOLDER_ROOM,	    /* the call's name */
	TR_PLACEHOLDER_TENANT,	    /* of the room's address, or nothing */
	TR_PLACEHOLDER_ENVIRONMENT, /* or nothing, over HTTP */
	TR_PLACEHOLDER_NODE,	    /* this machine's id */
	TR_PLACEHOLDER_DATE,	    /* 2026-11-21, local time */
	TR_PLACEHOLDER_TIME,	    /* 04-13-00 */
	TR_PLACEHOLDER_COUNT_,
};

/* "{session_id}", ... */
const char *tr_placeholder_text(enum tr_placeholder which);

/* The one that `text` begins with, and its bytes; none and 0. */
enum tr_placeholder tr_placeholder_find(const char *text, size_t *ret_length);

/* What is wrong with a template of a folder or a file, as the end of a sentence ("text without a
 * slash ..."); NULL when nothing is. A folder's must tell two sessions apart. */
const char *tr_placeholder_folder_fault(const char *text);
const char *tr_placeholder_file_fault(const char *text);

#endif
