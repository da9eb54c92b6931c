/*
 * The settings of the machine itself that the console offers, as JSON: network, time, keyboard, SSH
 * keys, the console's PIN. Each part says in "why" what it cannot do here and who can instead; ""
 *is that it can be set. Setting needs root; every change is a tr_change, so it can be shown first.
 *
 *	{"network": {"why", "manager", "interface", "method", "address", "gateway", "dns": [],
 *		"vlan", "proxy"},
 *	 "time": {"why", "zone", "servers": []}, "keyboard": {"why", "layout"},
 *	 "ssh": {"why", "user"}, "console": {"has_pin"}}
 */
#ifndef TR_SYSTEM_MACHINE_SETUP_H
#define TR_SYSTEM_MACHINE_SETUP_H

#include "system/kernel_change.h"

#include <jansson.h>

/* All parts; the caller's. NULL: no memory. */
json_t *tr_machine_read(const char *root);

/*
 * Sets what `settings` has, by keys like "time.zone". 0; -EINVAL for a key or value that cannot be,
 * before anything is changed; -EPERM without the PIN that is set ("console.old_pin"); -ENOTSUP
 * where somebody else decides; -EACCES, -EIO when a tool failed. With `why`, which never holds a
 * PIN.
 */
TR_CHECKED int tr_machine_set(struct tr_change *change, const json_t *settings);

/* 0 when the PIN is this one, or there is none; -EACCES; -errno. Takes a moment, by design. */
TR_CHECKED int tr_machine_check_pin(const char *root, const char *pin);

/* ---- the parts, for the tests and for each other ---- */

json_t *tr_machine_network_read(const char *root);
TR_CHECKED int tr_machine_network_set(struct tr_change *change, const json_t *settings);

/* A line for each step from the cable to names; the first that fails ends it. 0 or -ENETDOWN. */
TR_CHECKED int tr_machine_network_test(FILE *out, const char *const *hosts);

json_t *tr_machine_ssh_read(const char *root);
TR_CHECKED int tr_machine_ssh_add(struct tr_change *change, const char *user, const char *key);

#endif
