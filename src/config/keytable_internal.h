/*
 * Tables of keys, and the walk that puts a libconfig group into a struct by such a table. What is
 * wrong is added to the complaints; a value that is complained about is not stored.
 */
#ifndef TR_CONFIG_KEYTABLE_INTERNAL_H
#define TR_CONFIG_KEYTABLE_INTERNAL_H

#include "config/config.h"

#include <jansson.h>
#include <libconfig.h>
#include <stddef.h>

enum tr_key_type {
	TR_KEY_NONE,
	TR_KEY_STRING,	 /* any text without control characters */
	TR_KEY_SECRET,	 /* the same, never shown */
	TR_KEY_PATH,	 /* absolute, or "" where `min` is 0 */
	TR_KEY_WORD,	 /* one of `words` */
	TR_KEY_CHOICE,	 /* one of `words`, into a bool: the second word */
	TR_KEY_BOOL,	 /* true or false */
	TR_KEY_INT,	 /* min..max */
	TR_KEY_INT_AUTO, /* the same, or words[0], which is stored as `other` */
	TR_KEY_SIZE,	 /* "1280x720", two ints */
	TR_KEY_DURATION, /* "30s", ms in an int64_t; min..max in ms */
	TR_KEY_BYTES,	 /* "20G", bytes in an int64_t; min..max */
	TR_KEY_STRINGS,	 /* a list of texts: an array of rows of `size`, and their count */
	TR_KEY_GROUPS,	 /* a list of groups by the table `items`, and their count */
};

struct tr_key_table;

struct tr_key_row {
	const char *path; /* whole, "video.size"; in a list of groups "environments.name" */
	enum tr_key_type type;
	size_t offset; /* in the table's struct */
	size_t size;   /* of the value, or of one item of a list */
	/* The default, written like the file's value without quotes. "{key}" in it stands for that
	 * other key's value and makes it a default of last resort: see tr_keytable_derive(). NULL:
	 * the key must be given. */
	const char *fallback;
	int64_t min, max;
	const char *words[6];
	int other;
	/* What a text must look like, as the end of a sentence, when it does not; else NULL. */
	const char *(*fault)(const char *text);
	size_t count_offset; /* lists: of an unsigned */
	unsigned count_max;
	const struct tr_key_table *items;
	bool is_secret;	  /* never shown, as a TR_KEY_SECRET */
	bool is_template; /* "{word}" in `fallback` stands for itself */
};

struct tr_key_table {
	const char *prefix; /* of all paths, which the file does not repeat: "", "environments." */
	const struct tr_key_row *rows;
	size_t count;
	size_t line_offset; /* in a list: of an int that gets the group's line; 0: see below */
};

struct tr_keytable_check {
	const char *path; /* of the file */
	struct tr_config_complaints *complaints;
	int *lines; /* gets the line of each group of a list that has no room for it, or NULL */
};

void tr_keytable_complain(struct tr_keytable_check *check, int line, const char *format, ...)
	TR_PRINTF(3, 4);
void tr_keytable_warn(struct tr_keytable_check *check, const char *format, ...) TR_PRINTF(2, 3);

/* Every row's default, but those that are derived, which become "". */
void tr_keytable_set_defaults(const struct tr_key_table *table, void *target);

/* Puts the group's settings into `target`, which has its defaults. */
void tr_keytable_fill(struct tr_keytable_check *check, const struct tr_key_table *table,
	void *target, const config_setting_t *group);

/* Fills what is "" (or an empty list) and has a default with "{key}"; "{id}" is `id`. In the
 * table's order, so a row may name those before it. */
void tr_keytable_derive(const struct tr_key_table *table, void *target, const char *id);

/* The values as the file would have them, without secrets; a reference. NULL: no memory. */
json_t *tr_keytable_show(const struct tr_key_table *table, const void *source);
bool tr_keytable_is_secret(const struct tr_key_row *row);

#endif
