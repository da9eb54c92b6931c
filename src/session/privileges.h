/*
 * From root to the slot's ordinary user, for good. What only root's paths reach (the encoder
 * program, the sound plug-in) is opened or copied before. Of root's groups none is kept, but the
 * GPUs' groups are given.
 */
#ifndef TR_SESSION_PRIVILEGES_H
#define TR_SESSION_PRIVILEGES_H

#include "core/cleanup.h"

/* `user` is a name or "UID:GID"; "" stays as it is, which root may not. -EPERM for root without a
 * user, -ENOENT for no such user, -errno. Says what is wrong. */
TR_CHECKED int tr_privileges_drop(const char *user);

/* No core dumps; and the folder of X sockets, which only root may make where it is missing. Best
 * effort. */
void tr_privileges_prepare_system(void);

#endif
