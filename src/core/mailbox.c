#include "core/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>

struct tr_mailbox {
	/* fixed after creation */
	size_t capacity;
	size_t message_size;
	int eventfd;
	pthread_mutex_t lock;

	/* under `lock` */
	size_t first;
	size_t count;
	unsigned char messages[];
};

int tr_mailbox_create(size_t capacity, size_t message_size, struct tr_mailbox **ret_mailbox)
{
	struct tr_mailbox *mailbox = calloc(1, sizeof(*mailbox) + capacity * message_size);

	if (!mailbox)
		return -ENOMEM;
	mailbox->capacity = capacity;
	mailbox->message_size = message_size;
	mailbox->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->eventfd < 0) {
		int rc = -errno;
		free(mailbox);
		return rc;
	}
	pthread_mutex_init(&mailbox->lock, NULL);
	*ret_mailbox = mailbox;
	return 0;
}

void tr_mailbox_destroy(struct tr_mailbox *mailbox)
{
	if (!mailbox)
		return;
	close(mailbox->eventfd);
	pthread_mutex_destroy(&mailbox->lock);
	free(mailbox);
}

int tr_mailbox_fd(const struct tr_mailbox *mailbox)
{
	return mailbox->eventfd;
}

static unsigned char *place(struct tr_mailbox *mailbox, size_t index)
{
	return mailbox->messages + (index % mailbox->capacity) * mailbox->message_size;
}

int tr_mailbox_push(struct tr_mailbox *mailbox, const void *message)
{
	int rc = -ENOBUFS;

	pthread_mutex_lock(&mailbox->lock);
	if (mailbox->count < mailbox->capacity) {
		memcpy(place(mailbox, mailbox->first + mailbox->count), message,
			mailbox->message_size);
		mailbox->count++;
		rc = eventfd_write(mailbox->eventfd, 1) < 0 ? -errno : 0;
	}
	pthread_mutex_unlock(&mailbox->lock);
	return rc;
}

int tr_mailbox_pop(struct tr_mailbox *mailbox, void *ret_message)
{
	int rc = -EAGAIN;

	pthread_mutex_lock(&mailbox->lock);
	if (mailbox->count > 0) {
		memcpy(ret_message, place(mailbox, mailbox->first), mailbox->message_size);
		mailbox->first = (mailbox->first + 1) % mailbox->capacity;
		mailbox->count--;
		rc = 0;
	}
	if (mailbox->count == 0) { /* nothing waits: not readable any more */
		eventfd_t ignored;
		if (eventfd_read(mailbox->eventfd, &ignored) < 0 && errno != EAGAIN)
			rc = rc == 0 ? 0 : -errno;
	}
	pthread_mutex_unlock(&mailbox->lock);
	return rc;
}
