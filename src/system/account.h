/*
 * The ordinary user that a slot becomes when we are root, and the ownership of a recording's
 * folder while that user writes it.
 */
#ifndef TR_SYSTEM_ACCOUNT_H
#define TR_SYSTEM_ACCOUNT_H

#include "core/cleanup.h"

#include <sys/types.h>

struct tr_account {
	char user[64]; /* what a slot is told: a name, "UID:GID", or "" for nobody else */
	uid_t uid;     /* with user "": our own */
	gid_t gid;
};

/* As root: the system user "telerec", or without one the number 64123, which no Debian package
 * uses. As anybody else: ourselves. */
void tr_account_for_slots(struct tr_account *ret_account);

/* Hands the open folder to the account. 0 also when it is ours already. -errno. */
TR_CHECKED int tr_account_lend(int dirfd, const struct tr_account *account);

/* Takes the folder back, and what the account made in it (one level; links are left alone). Best
 * effort, 0 or the first -errno. */
int tr_account_take_back(int dirfd, const struct tr_account *account);

#endif
