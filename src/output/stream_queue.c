#include "output/stream_queue.h"

#include "core/clock.h"

#include <errno.h>
#include <string.h>

#define CAPACITY 4096			   /* packets: 45 s at 30 pictures a second */
#define HOLD_NS (250 * TR_NS_PER_MS)	   /* for the other track */
#define UNBEGUN_SOUND_NS (1 * TR_NS_PER_S) /* kept for the key picture that is on its way */

struct item {
	struct tr_packet *packet;
	int64_t arrival_ns;
};

struct tr_stream_queue {
	struct tr_stream_queue_settings settings;
	bool has_begun;	 /* something may go out */
	bool awaits_key; /* pictures are dropped until one comes */
	bool key_asked;
	int64_t begin_ns;     /* nothing earlier belongs to this connection */
	int64_t newest_ns[3]; /* pushed, by track */
	size_t bytes;
	unsigned pictures;
	unsigned dropped_pictures, dropped_sounds;
	unsigned count;
	struct item items[CAPACITY]; /* by time, oldest first */
};

static bool is_picture(const struct tr_packet *packet)
{
	return packet->track == TR_PACKET_VIDEO;
}

static int64_t newest_ns(const struct tr_stream_queue *queue)
{
	return queue->items[queue->count - 1].packet->pts_ns;
}

/* How far behind the newest packet the oldest one is. */
static int64_t backlog_ns(const struct tr_stream_queue *queue)
{
	return queue->count > 0 ? newest_ns(queue) - queue->items[0].packet->pts_ns : 0;
}

static struct tr_packet *take_out(struct tr_stream_queue *queue, unsigned index)
{
	struct tr_packet *packet = queue->items[index].packet;

	queue->bytes -= packet->size;
	queue->pictures -= is_picture(packet);
	queue->count--;
	memmove(queue->items + index, queue->items + index + 1,
		(queue->count - index) * sizeof(*queue->items));
	return packet;
}

static void count_dropped(struct tr_stream_queue *queue, const struct tr_packet *packet)
{
	if (is_picture(packet))
		queue->dropped_pictures++;
	else
		queue->dropped_sounds++;
}

void tr_stream_queue_begin(struct tr_stream_queue *queue)
{
	for (unsigned i = 0; i < queue->count; i++) {
		if (queue->has_begun)
			count_dropped(queue, queue->items[i].packet);
		tr_packet_unref(queue->items[i].packet);
	}
	queue->count = 0;
	queue->bytes = 0;
	queue->pictures = 0;
	queue->has_begun = !queue->settings.has_pictures;
	queue->awaits_key = queue->settings.has_pictures;
	queue->key_asked = false;
	queue->begin_ns = 0;
	for (unsigned i = 0; i < TR_COUNT(queue->newest_ns); i++)
		queue->newest_ns[i] = INT64_MIN;
}

int tr_stream_queue_create(
	const struct tr_stream_queue_settings *settings, struct tr_stream_queue **ret_queue)
{
	struct tr_stream_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	queue->settings = *settings;
	tr_stream_queue_begin(queue);
	*ret_queue = queue;
	return 0;
}

void tr_stream_queue_destroy(struct tr_stream_queue *queue)
{
	if (!queue)
		return;
	tr_stream_queue_begin(queue);
	free(queue);
}

static void drop(struct tr_stream_queue *queue, unsigned index)
{
	struct tr_packet *packet = take_out(queue, index);

	count_dropped(queue, packet);
	tr_packet_unref(packet);
}

/* ---- when full ---- */

/* Where the first picture (or, behind the first one, the first key picture) is; count: nowhere. */
static unsigned find_picture(const struct tr_stream_queue *queue, unsigned from, bool must_be_key)
{
	for (unsigned i = from; i < queue->count; i++) {
		const struct tr_packet *packet = queue->items[i].packet;
		if (is_picture(packet) && (packet->is_key || !must_be_key))
			return i;
	}
	return queue->count;
}

static void drop_pictures_before(struct tr_stream_queue *queue, unsigned end)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < queue->count; i++) {
		struct item item = queue->items[i];
		if (i < end && is_picture(item.packet)) {
			count_dropped(queue, item.packet);
			queue->bytes -= item.packet->size;
			queue->pictures--;
			tr_packet_unref(item.packet);
		} else {
			queue->items[kept++] = item;
		}
	}
	queue->count = kept;
}

static void shed_pictures(struct tr_stream_queue *queue)
{
	unsigned first = find_picture(queue, 0, false);
	unsigned key = find_picture(queue, first + 1, true);

	if (key >= queue->count) {
		key = queue->count;
		queue->awaits_key = true;
		queue->key_asked = false;
	}
	drop_pictures_before(queue, key);
}

static bool is_too_much(const struct tr_stream_queue *queue)
{
	return queue->bytes > queue->settings.max_bytes || queue->count >= CAPACITY;
}

static void shed(struct tr_stream_queue *queue)
{
	int64_t max_ns = queue->settings.max_ns;

	while (queue->pictures > 0) {
		unsigned first = find_picture(queue, 0, false);
		int64_t span_ns = newest_ns(queue) - queue->items[first].packet->pts_ns;
		if (!is_too_much(queue) && span_ns <= max_ns && backlog_ns(queue) <= 2 * max_ns)
			return;
		shed_pictures(queue);
	}
	while (queue->count > 0 && (is_too_much(queue) || backlog_ns(queue) > 2 * max_ns))
		drop(queue, 0);
}

/* ---- in ---- */

/* The connection's first picture: sound from before it has no place any more. */
static void begin_with(struct tr_stream_queue *queue, const struct tr_packet *key)
{
	queue->has_begun = true;
	queue->begin_ns = key->pts_ns;
	while (queue->count > 0 && queue->items[0].packet->pts_ns < key->pts_ns)
		tr_packet_unref(take_out(queue, 0));
}

static bool takes_picture(struct tr_stream_queue *queue, const struct tr_packet *packet)
{
	if (!queue->awaits_key)
		return true;
	if (!packet->is_key)
		return false;
	if (!queue->has_begun) {
		begin_with(queue, packet);
	} else if (backlog_ns(queue) > queue->settings.max_ns / 2) {
		queue->key_asked = false; /* it would only grow old here: another one later */
		return false;
	}
	queue->awaits_key = false;
	return true;
}

static bool takes(struct tr_stream_queue *queue, const struct tr_packet *packet)
{
	if (packet->size == 0 || packet->pts_ns <= queue->newest_ns[packet->track])
		return false;
	if (is_picture(packet))
		return queue->settings.has_pictures && takes_picture(queue, packet);
	return queue->settings.has_sound &&
	       (!queue->has_begun || packet->pts_ns >= queue->begin_ns);
}

static void insert(struct tr_stream_queue *queue, struct tr_packet *packet, int64_t now_ns)
{
	unsigned at = queue->count;

	while (at > 0 && queue->items[at - 1].packet->pts_ns > packet->pts_ns)
		at--;
	memmove(queue->items + at + 1, queue->items + at,
		(queue->count - at) * sizeof(*queue->items));
	queue->items[at] = (struct item){tr_packet_ref(packet), now_ns};
	queue->count++;
	queue->bytes += packet->size;
	queue->pictures += is_picture(packet);
}

void tr_stream_queue_push(struct tr_stream_queue *queue, struct tr_packet *packet, int64_t now_ns)
{
	if (packet->track != TR_PACKET_VIDEO && packet->track != TR_PACKET_AUDIO)
		return;
	if (!takes(queue, packet)) {
		/* Sound of before the beginning is not missed by anybody. */
		if (is_picture(packet))
			queue->dropped_pictures++;
		return;
	}
	queue->newest_ns[packet->track] = packet->pts_ns;
	insert(queue, packet, now_ns);
	if (!queue->has_begun)
		while (backlog_ns(queue) > UNBEGUN_SOUND_NS || is_too_much(queue))
			tr_packet_unref(take_out(queue, 0));
	else
		shed(queue);
}

/* ---- out ---- */

/* No packet of the other track can still come before this one, or it has waited long enough. */
static bool is_ripe(const struct tr_stream_queue *queue, const struct item *item, int64_t now_ns)
{
	enum tr_packet_track other = is_picture(item->packet) ? TR_PACKET_AUDIO : TR_PACKET_VIDEO;
	bool has_other = other == TR_PACKET_AUDIO
				 ? queue->settings.has_sound
				 : queue->settings.has_pictures && !queue->awaits_key;

	return !has_other || queue->newest_ns[other] >= item->packet->pts_ns ||
	       now_ns - item->arrival_ns >= HOLD_NS;
}

int tr_stream_queue_pop(struct tr_stream_queue *queue, int64_t now_ns, bool is_last,
	struct tr_packet **ret_packet, int64_t *ret_wait_ns)
{
	*ret_wait_ns = 0;
	if (!queue->has_begun || queue->count == 0)
		return -EAGAIN;
	const struct item *item = &queue->items[0];
	if (!is_last && !is_ripe(queue, item, now_ns)) {
		*ret_wait_ns = item->arrival_ns + HOLD_NS;
		return -EAGAIN;
	}
	*ret_packet = take_out(queue, 0);
	return 0;
}

bool tr_stream_queue_wants_key(struct tr_stream_queue *queue)
{
	bool wants = queue->awaits_key && !queue->key_asked &&
		     (!queue->has_begun || backlog_ns(queue) <= queue->settings.max_ns / 2);

	queue->key_asked |= wants;
	return wants;
}

void tr_stream_queue_read(
	const struct tr_stream_queue *queue, struct tr_stream_queue_stats *ret_stats)
{
	*ret_stats = (struct tr_stream_queue_stats){
		.queued_ns = queue->has_begun ? backlog_ns(queue) : 0,
		.bytes = queue->bytes,
		.packets = queue->count,
		.dropped_pictures = queue->dropped_pictures,
		.dropped_sounds = queue->dropped_sounds,
	};
}
