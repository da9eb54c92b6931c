#include "media/packetq.h"

#include "core/clock.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct tr_packetq {
	/* fixed after creation */
	unsigned max_packets;
	size_t max_bytes;
	pthread_mutex_t lock;
	pthread_cond_t changed;

	/* under `lock` */
	bool is_closed;
	unsigned first;
	unsigned count;
	size_t bytes;
	struct tr_packet *packets[];
};

int tr_packetq_create(unsigned max_packets, size_t max_bytes, struct tr_packetq **ret)
{
	struct tr_packetq *queue = calloc(1, sizeof(*queue) + max_packets * sizeof(void *));
	pthread_condattr_t attributes;

	if (!queue)
		return -ENOMEM;
	queue->max_packets = max_packets;
	queue->max_bytes = max_bytes;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	*ret = queue;
	return 0;
}

void tr_packetq_destroy(struct tr_packetq *queue)
{
	if (!queue)
		return;
	for (unsigned i = 0; i < queue->count; i++)
		tr_packet_unref(queue->packets[(queue->first + i) % queue->max_packets]);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

static struct timespec deadline_after(int timeout_ms)
{
	int64_t ns = tr_clock_now_ns() + timeout_ms * TR_NS_PER_MS;
	return (struct timespec){.tv_sec = ns / TR_NS_PER_S, .tv_nsec = ns % TR_NS_PER_S};
}

/* One packet always fits, however large. */
static bool has_room(const struct tr_packetq *queue, size_t size)
{
	return queue->count == 0 ||
	       (queue->count < queue->max_packets && queue->bytes + size <= queue->max_bytes);
}

int tr_packetq_push(struct tr_packetq *queue, struct tr_packet *packet, int timeout_ms)
{
	struct timespec deadline = deadline_after(timeout_ms);
	int rc = 0;

	pthread_mutex_lock(&queue->lock);
	while (rc == 0 && !queue->is_closed && !has_room(queue, packet->size))
		rc = -pthread_cond_timedwait(&queue->changed, &queue->lock, &deadline);
	if (queue->is_closed)
		rc = -EPIPE;
	if (rc == 0) {
		queue->packets[(queue->first + queue->count++) % queue->max_packets] = packet;
		queue->bytes += packet->size;
		pthread_cond_broadcast(&queue->changed);
	}
	pthread_mutex_unlock(&queue->lock);
	if (rc < 0)
		tr_packet_unref(packet);
	return rc;
}

int tr_packetq_pop(struct tr_packetq *queue, int timeout_ms, struct tr_packet **ret)
{
	struct timespec deadline = deadline_after(timeout_ms);
	int rc = 0;

	pthread_mutex_lock(&queue->lock);
	while (rc == 0 && !queue->is_closed && queue->count == 0)
		rc = -pthread_cond_timedwait(&queue->changed, &queue->lock, &deadline);
	if (queue->count > 0) {
		*ret = queue->packets[queue->first];
		queue->first = (queue->first + 1) % queue->max_packets;
		queue->count--;
		queue->bytes -= (*ret)->size;
		pthread_cond_broadcast(&queue->changed);
		rc = 0;
	} else {
		rc = queue->is_closed ? -EPIPE : -EAGAIN;
	}
	pthread_mutex_unlock(&queue->lock);
	return rc;
}

void tr_packetq_close(struct tr_packetq *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->is_closed = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}

size_t tr_packetq_bytes(struct tr_packetq *queue)
{
	pthread_mutex_lock(&queue->lock);
	size_t bytes = queue->bytes;
	pthread_mutex_unlock(&queue->lock);
	return bytes;
}
