#include "control/xmpp_inbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>

#define NEWS_MAX 256

struct tr_xmpp_inbox {
	/* fixed after creation */
	int eventfd;
	pthread_mutex_t lock;
	pthread_mutex_t login_lock;

	/* under `lock` */
	unsigned refs;
	unsigned count;
	struct tr_xmpp_news *first, **end;
};

int tr_xmpp_inbox_create(struct tr_xmpp_inbox **ret_inbox)
{
	struct tr_xmpp_inbox *inbox = calloc(1, sizeof(*inbox));

	if (!inbox)
		return -ENOMEM;
	inbox->refs = 1;
	inbox->end = &inbox->first;
	inbox->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (inbox->eventfd < 0) {
		int rc = -errno;
		free(inbox);
		return rc;
	}
	pthread_mutex_init(&inbox->lock, NULL);
	pthread_mutex_init(&inbox->login_lock, NULL);
	*ret_inbox = inbox;
	return 0;
}

struct tr_xmpp_inbox *tr_xmpp_inbox_ref(struct tr_xmpp_inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->refs++;
	pthread_mutex_unlock(&inbox->lock);
	return inbox;
}

void tr_xmpp_inbox_unref(struct tr_xmpp_inbox *inbox)
{
	if (!inbox)
		return;
	pthread_mutex_lock(&inbox->lock);
	bool is_last = --inbox->refs == 0;
	pthread_mutex_unlock(&inbox->lock);
	if (!is_last)
		return;
	for (struct tr_xmpp_news *news; (news = tr_xmpp_inbox_pop(inbox));)
		tr_xmpp_news_destroy(news);
	pthread_mutex_destroy(&inbox->lock);
	pthread_mutex_destroy(&inbox->login_lock);
	close(inbox->eventfd);
	free(inbox);
}

void tr_xmpp_inbox_lock_login(struct tr_xmpp_inbox *inbox)
{
	pthread_mutex_lock(&inbox->login_lock);
}

void tr_xmpp_inbox_unlock_login(struct tr_xmpp_inbox *inbox)
{
	pthread_mutex_unlock(&inbox->login_lock);
}

int tr_xmpp_inbox_fd(const struct tr_xmpp_inbox *inbox)
{
	return inbox->eventfd;
}

int tr_xmpp_inbox_push(struct tr_xmpp_inbox *inbox, struct tr_xmpp_news *news)
{
	uint64_t one = 1;

	pthread_mutex_lock(&inbox->lock);
	bool has_room = inbox->count < NEWS_MAX || news->type == TR_XMPP_NEWS_LOST;
	if (has_room) {
		news->next = NULL;
		*inbox->end = news;
		inbox->end = &news->next;
		inbox->count++;
	}
	pthread_mutex_unlock(&inbox->lock);
	if (!has_room) {
		tr_xmpp_news_destroy(news);
		return -ENOBUFS;
	}
	if (write(inbox->eventfd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

struct tr_xmpp_news *tr_xmpp_inbox_pop(struct tr_xmpp_inbox *inbox)
{
	uint64_t count;

	pthread_mutex_lock(&inbox->lock);
	struct tr_xmpp_news *news = inbox->first;
	if (news) {
		inbox->first = news->next;
		inbox->count--;
	}
	if (!inbox->first) {
		inbox->end = &inbox->first;
		/* Not behind the lock, or a push in between is lost; it does not block. */
		/* NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection) */
		if (read(inbox->eventfd, &count, sizeof(count)) < 0)
			count = 0; /* it was not set */
	}
	pthread_mutex_unlock(&inbox->lock);
	return news;
}

void tr_xmpp_news_destroy(struct tr_xmpp_news *news)
{
	if (!news)
		return;
	free(news->from);
	free(news->id);
	free(news->session_id);
	tr_jibri_iq_destroy(news->iq);
	free(news);
}
