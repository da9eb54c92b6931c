/*
 * From the JID of a conference room to the address of its meeting page, by Jibri's rule: the room's
 * domain without `strip` (its first occurrence) is what stands before `xmpp_domain`, the tenant.
 *
 * Stricter than Jibri in one point: `xmpp_domain` must be the end of what is left, whole labels of
 * it. Jibri takes its first occurrence anywhere, so that a room of meet.example.org.evil.org is one
 * of meet.example.org, and one of the tenant "meet.jitsi" on meet.jitsi has no tenant. Where rooms
 * are below the domain, as every set-up has them, the results are the same.
 */
#ifndef TR_CONTROL_ROOM_URL_H
#define TR_CONTROL_ROOM_URL_H

#include "core/cleanup.h"

struct tr_room_url_rule {
	const char *xmpp_domain;
	const char *base_url; /* "": https://<xmpp_domain> */
	const char *strip;    /* "": nothing */
};

struct tr_room_url {
	char *url;	 /* base, tenant, room; what may not stand in an address is %-encoded */
	char *call_name; /* the room's localpart, A-Z in lower case */
};

/* Gives two strings. -EINVAL when the room is no bare JID with a localpart, or one that is no name
 * in an address ("." and ".."); -EDOM when its domain is not one of ours; -ENOMEM. */
TR_CHECKED int tr_room_url_make(
	const struct tr_room_url_rule *rule, const char *room, struct tr_room_url *ret_url);
void tr_room_url_fini(struct tr_room_url *url);

#endif
