#include "output/stream.h"

#include "core/clock.h"
#include "core/log.h"
#include "output/stream_link.h"
#include "output/stream_queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define TR_LOG_AREA "stream"

#define GOODBYE_NS (1000 * TR_NS_PER_MS) /* for the last words after the drain */
#define ABANDON_NS (1000 * TR_NS_PER_MS) /* then the thread is left behind */
#define RATE_WINDOW_NS (1000 * TR_NS_PER_MS)
#define RATE_STALE_NS (2500 * TR_NS_PER_MS)
#define MIN_QUEUE_BYTES (2 << 20)

/* Shared by the owner and the stream's thread; the last of the two frees it. */
struct tr_stream {
	/* fixed after open */
	struct tr_stream_settings settings; /* its pointers are ours */
	char target[TR_STREAM_URL_SHOWN_SIZE];
	pthread_t thread;

	/* atomic */
	atomic_uint owners;
	_Atomic int64_t abort_ns; /* no call to the network blocks after it */

	pthread_mutex_t hook_lock; /* held while a hook runs */
	bool has_hooks;		   /* under hook_lock */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* under lock */
	struct tr_stream_queue *queue;
	bool is_connected; /* packets are taken */
	bool is_ending;
	int64_t end_ns; /* when ending: nothing is sent after it */
	bool has_ended; /* the thread will look at nothing any more */
	enum tr_stream_state state;
	bool was_connected;
	unsigned reconnects;
	unsigned outage_pictures, outage_sounds;
	int64_t bytes;
	int64_t window_ns, window_bytes; /* since when, how many */
	int kbit_s;
	char problem[400];

	/* the stream's thread only */
	bool is_established; /* once a connection held for stable_ms */
	unsigned refusals;
	unsigned failures; /* in a row, for the pause */
	char said[400];	   /* the last problem in the log */
	int64_t good_ns;   /* when there was a connection that counts, or the start */
	unsigned random;
};

/* ---- life ---- */

static void destroy(struct tr_stream *stream)
{
	tr_stream_queue_destroy(stream->queue);
	pthread_mutex_destroy(&stream->lock);
	pthread_mutex_destroy(&stream->hook_lock);
	pthread_cond_destroy(&stream->changed);
	if (stream->settings.url)
		explicit_bzero((char *)stream->settings.url, strlen(stream->settings.url));
	free((char *)stream->settings.url);
	free((uint8_t *)stream->settings.video_extradata);
	free((uint8_t *)stream->settings.audio_extradata);
	free((char *)stream->settings.ca_file);
	free(stream);
}

static void let_go(struct tr_stream *stream)
{
	if (atomic_fetch_sub(&stream->owners, 1) == 1)
		destroy(stream);
}

static void let_gop(struct tr_stream **stream)
{
	if (*stream)
		let_go(*stream);
}

static void *copy_bytes(const void *data, size_t size)
{
	void *copy = malloc(size + 1);
	if (copy && size > 0)
		memcpy(copy, data, size);
	return copy;
}

static void default_to(int *value, int otherwise)
{
	if (*value <= 0)
		*value = otherwise;
}

static void fill_defaults(struct tr_stream_settings *settings)
{
	default_to(&settings->frame_rate, 30);
	default_to(&settings->audio_rate, 48000);
	default_to(&settings->audio_channels, 2);
	default_to(&settings->queue_ms, 3000);
	default_to(&settings->connect_timeout_ms, 10000);
	default_to(&settings->io_timeout_ms, 8000);
	default_to(&settings->backoff_min_ms, 1000);
	default_to(&settings->backoff_max_ms, 15000);
	default_to(&settings->first_give_up_ms, 60000);
	default_to(&settings->give_up_ms, 600000);
	default_to(&settings->stable_ms, 10000);
	if (settings->first_refusals == 0)
		settings->first_refusals = 3;
	if (settings->queue_bytes == 0) {
		int64_t kbps = settings->video_kbps + settings->audio_kbps;
		int64_t bytes = kbps * settings->queue_ms / 8 * 2;
		settings->queue_bytes = bytes > MIN_QUEUE_BYTES ? (size_t)bytes : MIN_QUEUE_BYTES;
	}
}

/* Copies what the settings point to. */
static int copy_settings(struct tr_stream *stream, const struct tr_stream_settings *from)
{
	struct tr_stream_settings *to = &stream->settings;

	*to = *from;
	to->url = strdup(from->url);
	to->video_extradata = copy_bytes(from->video_extradata, from->video_extradata_size);
	to->audio_extradata = copy_bytes(from->audio_extradata, from->audio_extradata_size);
	to->ca_file = from->ca_file ? strdup(from->ca_file) : NULL;
	if (!to->url || !to->video_extradata || !to->audio_extradata ||
		(from->ca_file && !to->ca_file))
		return -ENOMEM;
	fill_defaults(to);
	return 0;
}

static void init_locks(struct tr_stream *stream)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&stream->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&stream->lock, NULL);
	pthread_mutex_init(&stream->hook_lock, NULL);
}

/* Waits for a change until `until_ns` (0: as long as it takes). With the lock held. */
static void wait_for_change(struct tr_stream *stream, int64_t until_ns)
{
	struct timespec at = {until_ns / TR_NS_PER_S, until_ns % TR_NS_PER_S};

	if (until_ns == 0)
		pthread_cond_wait(&stream->changed, &stream->lock);
	else
		pthread_cond_timedwait(&stream->changed, &stream->lock, &at);
}

/* ---- news, from the stream's thread without its lock ---- */

static void tell(struct tr_stream *stream, enum tr_stream_news news, const char *problem)
{
	pthread_mutex_lock(&stream->hook_lock);
	if (stream->has_hooks && stream->settings.on_news)
		stream->settings.on_news(news, problem, stream->settings.user);
	pthread_mutex_unlock(&stream->hook_lock);
}

static void ask_for_key(struct tr_stream *stream)
{
	pthread_mutex_lock(&stream->hook_lock);
	if (stream->has_hooks && stream->settings.request_key)
		stream->settings.request_key(stream->settings.user);
	pthread_mutex_unlock(&stream->hook_lock);
}

/* ---- connected ---- */

static void enter_connected(struct tr_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	bool is_first = !stream->was_connected;
	tr_stream_queue_begin(stream->queue);
	if (!is_first)
		stream->reconnects++;
	stream->was_connected = true;
	stream->is_connected = true;
	stream->state = TR_STREAM_STREAMING;
	stream->window_ns = tr_clock_now_ns();
	stream->window_bytes = 0;
	pthread_mutex_unlock(&stream->lock);

	if (is_first)
		tr_info("streaming to %s", stream->target);
	else
		tr_info("streaming to %s again", stream->target);
	tell(stream, is_first ? TR_STREAM_NEWS_CONNECTED : TR_STREAM_NEWS_RECONNECTED, "");
}

/* With a problem, or NULL at the end. */
static void leave_connected(struct tr_stream *stream, const char *problem)
{
	pthread_mutex_lock(&stream->lock);
	stream->is_connected = false;
	if (problem) {
		stream->state = TR_STREAM_WAITING;
		snprintf(stream->problem, sizeof(stream->problem), "%s", problem);
	}
	stream->kbit_s = 0;
	stream->window_bytes = 0;
	tr_stream_queue_begin(stream->queue);
	pthread_mutex_unlock(&stream->lock);
}

static void count_sent(struct tr_stream *stream, size_t bytes)
{
	int64_t now_ns = tr_clock_now_ns();

	pthread_mutex_lock(&stream->lock);
	stream->bytes += (int64_t)bytes;
	stream->window_bytes += (int64_t)bytes;
	int64_t window_ns = now_ns - stream->window_ns;
	if (window_ns >= RATE_WINDOW_NS) {
		stream->kbit_s = (int)(stream->window_bytes * 8 * 1000000 / window_ns);
		stream->window_ns = now_ns;
		stream->window_bytes = 0;
	}
	pthread_mutex_unlock(&stream->lock);
}

/* The next packet to send; NULL: the stream ends and there is none, or none that has time left. */
static struct tr_packet *next_packet(struct tr_stream *stream)
{
	struct tr_packet *packet = NULL;

	pthread_mutex_lock(&stream->lock);
	for (;;) {
		int64_t now_ns = tr_clock_now_ns(), wait_ns;
		if (stream->is_ending && now_ns >= stream->end_ns)
			break;
		bool wants_key = !stream->is_ending && tr_stream_queue_wants_key(stream->queue);
		if (wants_key) {
			pthread_mutex_unlock(&stream->lock);
			ask_for_key(stream);
			pthread_mutex_lock(&stream->lock);
			continue;
		}
		if (tr_stream_queue_pop(
			    stream->queue, now_ns, stream->is_ending, &packet, &wait_ns) == 0)
			break;
		if (stream->is_ending)
			break;
		wait_for_change(stream, wait_ns);
	}
	pthread_mutex_unlock(&stream->lock);
	return packet;
}

/* Until the stream ends (0) or the link breaks (-EIO with the problem). */
static int send_packets(struct tr_stream *stream, struct tr_stream_link *link,
	struct tr_stream_link_problem *problem)
{
	struct tr_packet *packet;

	while ((packet = next_packet(stream))) {
		size_t size = packet->size;
		int rc = tr_stream_link_send(link, packet, problem);
		tr_packet_unref(packet);
		if (rc < 0)
			return rc;
		count_sent(stream, size);
	}
	return 0;
}

/* ---- not connected ---- */

static bool is_ending(struct tr_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	bool ending = stream->is_ending;
	pthread_mutex_unlock(&stream->lock);
	return ending;
}

static void set_state(struct tr_stream *stream, enum tr_stream_state state, const char *problem)
{
	pthread_mutex_lock(&stream->lock);
	stream->state = state;
	if (problem)
		snprintf(stream->problem, sizeof(stream->problem), "%s", problem);
	pthread_mutex_unlock(&stream->lock);
}

/* Doubled with each failure, and a quarter more or less, so that not all recorders of a house come
 * back in the same moment. */
static int pause_ms(struct tr_stream *stream)
{
	int64_t ms = stream->settings.backoff_min_ms;

	for (unsigned i = 1; i < stream->failures && ms < stream->settings.backoff_max_ms; i++)
		ms *= 2;
	if (ms > stream->settings.backoff_max_ms)
		ms = stream->settings.backoff_max_ms;
	int64_t quarter = ms / 4;
	return (int)(ms - quarter + rand_r(&stream->random) % (2 * quarter + 1));
}

static void wait_before_next(struct tr_stream *stream, int ms)
{
	int64_t until_ns = tr_clock_now_ns() + ms * TR_NS_PER_MS;

	pthread_mutex_lock(&stream->lock);
	while (!stream->is_ending && tr_clock_now_ns() < until_ns)
		wait_for_change(stream, until_ns);
	pthread_mutex_unlock(&stream->lock);
}

static void end_for_good(struct tr_stream *stream, enum tr_stream_state state,
	enum tr_stream_news news, const char *problem)
{
	set_state(stream, state, problem);
	tr_error("%s: %s; no more attempts", stream->target, problem);
	tell(stream, news, problem);
}

/* What repeats is said once. */
static void say_why(struct tr_stream *stream, const char *sentence, int wait_ms)
{
	bool is_known = stream->failures > 1 && !strcmp(stream->said, sentence);

	tr_log_write(is_known ? TR_LOG_DEBUG : TR_LOG_WARNING, TR_LOG_AREA,
		"%s: %s; trying again in %.1f s%s", stream->target, sentence, wait_ms / 1e3,
		is_known ? "" : ", and so on");
	snprintf(stream->said, sizeof(stream->said), "%s", sentence);
}

/* The server says no: at once, or, as some platforms do with a key they do not know, by ending what
 * they have just let in. Later it may as well be a server that still holds the lost connection. */
static bool is_refused_for_good(
	struct tr_stream *stream, const struct tr_stream_link_problem *problem)
{
	enum tr_stream_link_trouble trouble = problem->trouble;

	if (stream->is_established || (trouble == TR_STREAM_LINK_IN_USE && stream->was_connected))
		return false;
	stream->refusals += trouble == TR_STREAM_LINK_REFUSED || trouble == TR_STREAM_LINK_IN_USE ||
			    trouble == TR_STREAM_LINK_CLOSED;
	return stream->refusals >= stream->settings.first_refusals;
}

/* After an attempt or a connection that failed: false when it was the last. */
static bool goes_on(struct tr_stream *stream, const struct tr_stream_link_problem *problem)
{
	const struct tr_stream_settings *settings = &stream->settings;
	int64_t limit_ms =
		stream->was_connected ? settings->give_up_ms : settings->first_give_up_ms;

	stream->failures++;
	if (is_refused_for_good(stream, problem)) {
		end_for_good(stream, TR_STREAM_REFUSED, TR_STREAM_NEWS_REFUSED, problem->sentence);
		return false;
	}
	int wait_ms = pause_ms(stream);
	if (tr_clock_now_ns() + wait_ms * TR_NS_PER_MS >
		stream->good_ns + limit_ms * TR_NS_PER_MS) {
		end_for_good(stream, TR_STREAM_GAVE_UP, TR_STREAM_NEWS_GAVE_UP, problem->sentence);
		return false;
	}
	say_why(stream, problem->sentence, wait_ms);
	set_state(stream, TR_STREAM_WAITING, problem->sentence);
	wait_before_next(stream, wait_ms);
	return true;
}

/* ---- the thread ---- */

static int open_link(struct tr_stream *stream, struct tr_stream_link_problem *problem,
	struct tr_stream_link **ret_link)
{
	const struct tr_stream_settings *from = &stream->settings;
	struct tr_stream_link_settings settings = {
		.url = from->url,
		.video_extradata = from->video_extradata,
		.video_extradata_size = from->video_extradata_size,
		.width = from->width,
		.height = from->height,
		.frame_rate = from->frame_rate,
		.video_kbps = from->video_kbps,
		.audio_extradata = from->audio_extradata,
		.audio_extradata_size = from->audio_extradata_size,
		.audio_rate = from->audio_rate,
		.audio_channels = from->audio_channels,
		.audio_kbps = from->audio_kbps,
		.ca_file = from->ca_file,
		.connect_timeout_ms = from->connect_timeout_ms,
		.io_timeout_ms = from->io_timeout_ms,
		.abort_ns = &stream->abort_ns,
	};

	return tr_stream_link_open(&settings, problem, ret_link);
}

/* From connect to loss or end. 0: the stream ends. */
static int serve(struct tr_stream *stream, struct tr_stream_link_problem *problem)
{
	TR_CLEANUP(tr_stream_link_abandonp) struct tr_stream_link *link = NULL;

	set_state(stream, TR_STREAM_CONNECTING, NULL);
	int rc = open_link(stream, problem, &link);
	if (rc < 0)
		return rc;
	int64_t connected_ns = tr_clock_now_ns();
	enter_connected(stream);
	rc = send_packets(stream, link, problem);
	leave_connected(stream, rc < 0 ? problem->sentence : NULL);
	if (rc == 0) {
		tr_stream_link_finish(tr_take(link));
		return 0;
	}
	if (tr_clock_now_ns() - connected_ns >= stream->settings.stable_ms * TR_NS_PER_MS) {
		stream->good_ns = tr_clock_now_ns();
		stream->is_established = true;
		stream->failures = 0;
	}
	if (!is_ending(stream))
		tell(stream, TR_STREAM_NEWS_LOST, problem->sentence);
	return rc;
}

static void *run(void *user)
{
	TR_CLEANUP(let_gop) struct tr_stream *stream = user;
	struct tr_stream_link_problem problem = {0};

	stream->good_ns = tr_clock_now_ns();
	while (!is_ending(stream))
		if (serve(stream, &problem) < 0 && !is_ending(stream) && !goes_on(stream, &problem))
			break;

	pthread_mutex_lock(&stream->lock);
	stream->has_ended = true;
	pthread_cond_broadcast(&stream->changed);
	pthread_mutex_unlock(&stream->lock);
	return NULL;
}

/* ---- the owner's side ---- */

static int create_stream(const struct tr_stream_settings *settings, struct tr_stream **ret)
{
	TR_CLEANUP(let_gop) struct tr_stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	init_locks(stream);
	atomic_init(&stream->owners, 1);
	atomic_init(&stream->abort_ns, INT64_MAX);
	stream->has_hooks = true;
	stream->state = TR_STREAM_CONNECTING;
	stream->random = (unsigned)tr_clock_now_ns() ^ (unsigned)(uintptr_t)stream;
	tr_stream_url_redact(settings->url, stream->target, sizeof(stream->target));
	int rc = copy_settings(stream, settings);
	if (rc < 0)
		return rc;

	struct tr_stream_queue_settings queue = {
		.has_pictures = settings->video_extradata_size > 0,
		.has_sound = settings->audio_extradata_size > 0,
		.max_ns = stream->settings.queue_ms * TR_NS_PER_MS,
		.max_bytes = stream->settings.queue_bytes,
	};
	rc = tr_stream_queue_create(&queue, &stream->queue);
	if (rc < 0)
		return rc;
	*ret = tr_take(stream);
	return 0;
}

int tr_stream_open(const struct tr_stream_settings *settings, struct tr_stream **ret_stream)
{
	TR_CLEANUP(let_gop) struct tr_stream *stream = NULL;
	struct tr_stream_url url;

	int rc = tr_stream_url_read(settings->url, &url);
	if (rc < 0)
		return tr_fail(-EINVAL, "the stream's URL is none that can be streamed to");
	if (settings->video_extradata_size == 0 && settings->audio_extradata_size == 0)
		return tr_fail(-EINVAL, "a stream needs pictures or sound");
	rc = create_stream(settings, &stream);
	if (rc < 0)
		return rc;
	atomic_store(&stream->owners, 2);
	rc = -pthread_create(&stream->thread, NULL, run, stream);
	if (rc < 0) {
		atomic_store(&stream->owners, 1);
		return tr_fail(rc, "cannot start the thread of a stream");
	}
	*ret_stream = tr_take(stream);
	return 0;
}

void tr_stream_push(struct tr_stream *stream, struct tr_packet *packet)
{
	pthread_mutex_lock(&stream->lock);
	if (stream->is_connected && !stream->is_ending) {
		tr_stream_queue_push(stream->queue, packet, tr_clock_now_ns());
		pthread_cond_broadcast(&stream->changed);
	} else if (stream->was_connected && !stream->is_ending) {
		if (packet->track == TR_PACKET_VIDEO)
			stream->outage_pictures++;
		else
			stream->outage_sounds++;
	}
	pthread_mutex_unlock(&stream->lock);
}

static int current_kbit_s(const struct tr_stream *stream)
{
	int64_t window_ns = tr_clock_now_ns() - stream->window_ns;

	if (!stream->is_connected || window_ns < RATE_STALE_NS)
		return stream->kbit_s;
	return (int)(stream->window_bytes * 8 * 1000000 / window_ns);
}

void tr_stream_read(struct tr_stream *stream, struct tr_stream_status *ret_status)
{
	struct tr_stream_queue_stats stats;

	memset(ret_status, 0, sizeof(*ret_status));
	pthread_mutex_lock(&stream->lock);
	tr_stream_queue_read(stream->queue, &stats);
	ret_status->state = stream->state;
	memcpy(ret_status->target, stream->target, sizeof(ret_status->target));
	memcpy(ret_status->problem, stream->problem, sizeof(ret_status->problem));
	ret_status->was_connected = stream->was_connected;
	ret_status->kbit_s = current_kbit_s(stream);
	ret_status->queued_ms = (int)(stats.queued_ns / TR_NS_PER_MS);
	ret_status->queued_bytes = stats.bytes;
	ret_status->reconnects = stream->reconnects;
	ret_status->dropped_pictures = stats.dropped_pictures + stream->outage_pictures;
	ret_status->dropped_sounds = stats.dropped_sounds + stream->outage_sounds;
	ret_status->bytes = stream->bytes;
	pthread_mutex_unlock(&stream->lock);
}

void tr_stream_end(struct tr_stream *stream, int drain_ms)
{
	int64_t end_ns = tr_clock_now_ns() + (drain_ms > 0 ? drain_ms : 0) * TR_NS_PER_MS;

	pthread_mutex_lock(&stream->lock);
	if (!stream->is_ending) {
		stream->is_ending = true;
		stream->end_ns = end_ns;
		/* Without a connection there is nothing to send, and no reason to wait. */
		atomic_store(&stream->abort_ns,
			stream->is_connected ? end_ns + GOODBYE_NS : tr_clock_now_ns());
		pthread_cond_broadcast(&stream->changed);
	}
	pthread_mutex_unlock(&stream->lock);
}

void tr_stream_close(struct tr_stream *stream, int drain_ms, struct tr_stream_status *ret_status)
{
	if (!stream)
		return;
	tr_stream_end(stream, drain_ms);
	int64_t until_ns = stream->end_ns + GOODBYE_NS + ABANDON_NS;
	pthread_mutex_lock(&stream->lock);
	while (!stream->has_ended && tr_clock_now_ns() < until_ns)
		wait_for_change(stream, until_ns);
	bool has_ended = stream->has_ended;
	pthread_mutex_unlock(&stream->lock);

	if (has_ended) {
		pthread_join(stream->thread, NULL);
	} else {
		/* In the resolver, most likely; it will find nobody to report to. */
		pthread_mutex_lock(&stream->hook_lock);
		stream->has_hooks = false;
		pthread_mutex_unlock(&stream->hook_lock);
		pthread_detach(stream->thread);
	}
	if (ret_status)
		tr_stream_read(stream, ret_status);
	let_go(stream);
}

const char *tr_stream_state_name(enum tr_stream_state state)
{
	switch (state) {
	case TR_STREAM_NONE:
		break;
	case TR_STREAM_CONNECTING:
		return "connecting";
	case TR_STREAM_STREAMING:
		return "streaming";
	case TR_STREAM_WAITING:
		return "waiting";
	case TR_STREAM_REFUSED:
		return "refused";
	case TR_STREAM_GAVE_UP:
		return "gave up";
	}
	return "none";
}
