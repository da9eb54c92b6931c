/*
 * The targets of one stream, as whoever starts a slot collects them and the slot is told of them.
 *
 * A value without pointers. The URLs are secrets: wipe the list when the slot has been told. Pure;
 * nothing here logs.
 */
#ifndef TR_OUTPUT_TARGET_LIST_H
#define TR_OUTPUT_TARGET_LIST_H

#include "output/stream_url.h"

#define TR_TARGET_LIST_MAX 8
#define TR_TARGET_LIST_NAME_SIZE 160

struct tr_target_list {
	unsigned count;
	struct tr_target_list_item {
		char url[TR_STREAM_URL_SIZE];
		char name[TR_TARGET_LIST_NAME_SIZE]; /* what may be shown; no two are the same */
	} items[TR_TARGET_LIST_MAX];
};

/* Adds what tr_stream_url_resolve() makes of `target`. Its errors; -EEXIST: the list has it;
 * -E2BIG: the list is full. */
TR_CHECKED int tr_target_list_add(struct tr_target_list *list, const char *target);

/* What such an error means, as the end of a sentence ("this target ..."). */
const char *tr_target_list_fault(int rc);

/* The list as tr_message_start's `streams` wants it; "" for an empty one. -ENAMETOOLONG. */
TR_CHECKED int tr_target_list_print(const struct tr_target_list *list, char *out, size_t size);

void tr_target_list_wipe(struct tr_target_list *list);

#endif
