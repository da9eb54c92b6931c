/*
 * JSON objects from structs, by a table of members: what an object of the node API has is read off
 * its table. Strings that are no UTF-8 (cut ones, what a page says) are made such.
 */
#ifndef TR_CONTROL_MEMBER_JSON_INTERNAL_H
#define TR_CONTROL_MEMBER_JSON_INTERNAL_H

#include "core/cleanup.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tr_member_type {
	TR_MEMBER_TEXT, /* an array of char */
	TR_MEMBER_INT,
	TR_MEMBER_UNSIGNED,
	TR_MEMBER_INT64,
	TR_MEMBER_UINT64,
	TR_MEMBER_DOUBLE, /* not finite: -200, the silence of a level */
	TR_MEMBER_BOOL,
};

struct tr_member {
	const char *name; /* NULL ends a table */
	enum tr_member_type type;
	size_t offset;
};

/* clang-format off */
#define TR_MEMBER_TYPE_(place) _Generic((place), char *: TR_MEMBER_TEXT, int: TR_MEMBER_INT,       \
	unsigned: TR_MEMBER_UNSIGNED, int64_t: TR_MEMBER_INT64, uint64_t: TR_MEMBER_UINT64,        \
	double: TR_MEMBER_DOUBLE, bool: TR_MEMBER_BOOL)
#define TR_MEMBER_AS(struct_type, member, name)                                                    \
	{ name, TR_MEMBER_TYPE_(((struct_type *)0)->member), offsetof(struct_type, member) }
/* clang-format on */
#define TR_MEMBER(struct_type, member) TR_MEMBER_AS(struct_type, member, #member)

/* Adds the members to `object`, in their order. NULL objects are fine. */
void tr_member_json_add(json_t *object, const struct tr_member *members, const void *value);

/* A new object of them; NULL without memory. */
json_t *tr_member_json_make(const struct tr_member *members, const void *value);

/* A new string; bytes that are no UTF-8 become '?'. */
json_t *tr_member_json_text(const char *text);

#endif
