/*
 * What the threads of the XMPP logins tell the loop: a queue that any of them may fill, and that
 * outlives whoever lets go of it first.
 */
#ifndef TR_CONTROL_XMPP_INBOX_H
#define TR_CONTROL_XMPP_INBOX_H

#include "control/jibri_iq.h"

enum tr_xmpp_news_type {
	TR_XMPP_NEWS_REQUEST, /* `iq` from `from` with `id`, to be answered */
	TR_XMPP_NEWS_LOST,    /* sessions started over it are not ours any more */
	TR_XMPP_NEWS_ORPHAN,  /* "on" of `session_id` was answered with item-not-found */
};

struct tr_xmpp_news {
	struct tr_xmpp_news *next;
	enum tr_xmpp_news_type type;
	unsigned connection;
	unsigned age; /* of the login and membership that it belongs to */
	char *from, *id, *session_id;
	struct tr_jibri_iq *iq;
};

struct tr_xmpp_inbox;

/* -ENOMEM, -errno. */
TR_CHECKED int tr_xmpp_inbox_create(struct tr_xmpp_inbox **ret_inbox);
struct tr_xmpp_inbox *tr_xmpp_inbox_ref(struct tr_xmpp_inbox *inbox);
void tr_xmpp_inbox_unref(struct tr_xmpp_inbox *inbox);

/* Readable while there are news. The inbox keeps it. */
int tr_xmpp_inbox_fd(const struct tr_xmpp_inbox *inbox);

/* Takes the news. -ENOBUFS when nobody reads; a loss always fits. */
TR_CHECKED int tr_xmpp_inbox_push(struct tr_xmpp_inbox *inbox, struct tr_xmpp_news *news);

/* Gives the oldest, NULL for none. */
struct tr_xmpp_news *tr_xmpp_inbox_pop(struct tr_xmpp_inbox *inbox);

/* Around libstrophe's steps of a login: one thread at a time. */
void tr_xmpp_inbox_lock_login(struct tr_xmpp_inbox *inbox);
void tr_xmpp_inbox_unlock_login(struct tr_xmpp_inbox *inbox);

void tr_xmpp_news_destroy(struct tr_xmpp_news *news);

TR_CLEANUP_DEFINE(struct tr_xmpp_inbox, tr_xmpp_inbox_unref)
TR_CLEANUP_DEFINE(struct tr_xmpp_news, tr_xmpp_news_destroy)

#endif
