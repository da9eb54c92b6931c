/*
 * Small messages from any thread to the one that owns the mailbox, by value, with a descriptor to
 * wait on. Bounded; when it is full the newest message is refused, and the sender decides.
 */
#ifndef TR_CORE_MAILBOX_H
#define TR_CORE_MAILBOX_H

#include "core/cleanup.h"

#include <stddef.h>

struct tr_mailbox;

/* Room for `capacity` messages of `message_size` bytes. -ENOMEM, -errno. */
TR_CHECKED int tr_mailbox_create(
	size_t capacity, size_t message_size, struct tr_mailbox **ret_mailbox);
void tr_mailbox_destroy(struct tr_mailbox *mailbox);

/* Readable while messages are waiting. The mailbox keeps it. */
int tr_mailbox_fd(const struct tr_mailbox *mailbox);

/* Copies the message in. -ENOBUFS when full. Any thread. */
TR_CHECKED int tr_mailbox_push(struct tr_mailbox *mailbox, const void *message);

/* Copies the oldest message out. -EAGAIN when there is none. The owner only. */
TR_CHECKED int tr_mailbox_pop(struct tr_mailbox *mailbox, void *ret_message);

TR_CLEANUP_DEFINE(struct tr_mailbox, tr_mailbox_destroy)

#endif
