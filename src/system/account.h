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

/* Hands the open folder to the account, and what of ours is in it (one level; links are left
 * alone). 0 also when we are that account. -errno. */
TR_CHECKED int tr_account_lend(int dirfd, const struct tr_account *account);

/* Takes the folder back, and what the account made in it (one level; links are left alone). Best
 * effort, 0 or the first -errno. */
int tr_account_take_back(int dirfd, const struct tr_account *account);

/*
 * Without root's help: the open folder, which is ours, is shared by the group of the slot's user
 * `uid`, which we must be in (the units' sysusers.d makes it so). The mode is 0770 then: what the
 * slot makes there belongs to that group, and no other slot gets in. Ourselves need nothing.
 * -EPERM when we are not in that group, -ENOENT for no such user, -errno.
 */
TR_CHECKED int tr_account_share(int dirfd, uid_t uid);

/* Ends it: our own group, 0750. What was made in the folder can still be read by us. 0, -errno. */
int tr_account_unshare(int dirfd);

#endif
