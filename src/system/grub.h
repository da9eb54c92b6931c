/*
 * What a generated grub.cfg offers: a pure reader of GRUB's script language that knows menus, their
 * ids and kernels, and runs nothing. Conditions are not judged: an entry inside an "if" is listed.
 *
 * A choice ("default", "saved_entry") is a path of ids, titles or numbers with '>' between them,
 * and
 * ">>" for a '>' in a title, as GRUB's manual tells under "default".
 */
#ifndef TR_SYSTEM_GRUB_H
#define TR_SYSTEM_GRUB_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

#define TR_GRUB_TEXT_MAX ((size_t)4 << 20) /* no grub.cfg is longer */
#define TR_GRUB_ENTRIES_MAX 1024

struct tr_grub_entry {
	char *title;
	char *id;	     /* the title when none is given, as in GRUB */
	char *path;	     /* what chooses it, from the top */
	char *image;	     /* "/boot/vmlinuz-6.1.0-50-amd64" as GRUB sees it; "" */
	const char *version; /* its end, "6.1.0-50-amd64"; "" when the name tells none */
	bool is_submenu;
	bool is_recovery;
	int parent;	   /* index of its submenu; -1 at the top */
	unsigned position; /* from 0, in its menu */
};

struct tr_grub_menu {
	struct tr_grub_entry *entries; /* in the file's order: a submenu before what is in it */
	unsigned count;
	char *chosen;	    /* the last `set default=` that is not ${next_entry}; "" when none */
	bool knows_next;    /* reads next_entry: one boot can be chosen (grub-reboot) */
	bool saves_nothing; /* never loads grubenv */
	bool is_bls;	    /* the entries are files of their own (blscfg) */
};

/* -ENOMEM; -E2BIG when there are more than TR_GRUB_ENTRIES_MAX. Any bytes are read as far as they
 * make sense. */
TR_CHECKED int tr_grub_parse(const char *text, struct tr_grub_menu *ret_menu);
void tr_grub_menu_release(struct tr_grub_menu *menu);

/* The entry that GRUB takes for `choice`: "" is the first one, as is what names nothing at the top.
 * NULL when there is no entry at all, or a later part of the path names nothing. */
const struct tr_grub_entry *tr_grub_find(const struct tr_grub_menu *menu, const char *choice);

/* True when each part of the choice names an entry, and the last one boots something. */
bool tr_grub_names(const struct tr_grub_menu *menu, const char *choice);

/* The first entry, recovery and submenus apart, that boots this version. NULL when there is none.
 */
const struct tr_grub_entry *tr_grub_find_version(
	const struct tr_grub_menu *menu, const char *version);

/* What GRUB will take at the next ordinary boot, as a choice: ${saved_entry} is looked up in
 * `saved`. Borrows both. */
const char *tr_grub_default(const struct tr_grub_menu *menu, const char *saved);

#endif
