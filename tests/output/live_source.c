#include "output/live_source.h"

#include "core/clock.h"
#include "output/clip.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAX_STREAMS 4
#define PICTURE_NS (TR_NS_PER_S / LIVE_RATE)
#define FILLER_SIZE 1500 /* for a bit rate more like a meeting's: 300 kbit/s above the clip's */
#define SOUND_NS (1024 * TR_NS_PER_S / CLIP_RATE)

struct live_source {
	struct clip *clip;
	pthread_t thread;
	atomic_bool stops, wants_key, has_no_regular_keys;
	atomic_uint requested;
	pthread_mutex_t lock;
	struct tr_stream *streams[MAX_STREAMS]; /* under lock */
};

static void push(struct live_source *source, struct tr_packet *packet)
{
	if (!packet)
		return;
	pthread_mutex_lock(&source->lock);
	for (unsigned i = 0; i < MAX_STREAMS; i++)
		if (source->streams[i])
			tr_stream_push(source->streams[i], packet);
	pthread_mutex_unlock(&source->lock);
	tr_packet_unref(packet);
}

/* The picture with a NAL unit of filler data behind it, which means nothing to a decoder. Takes and
 * gives. */
static struct tr_packet *fatten(struct tr_packet *picture)
{
	struct tr_packet *fat = tr_packet_create(TR_PACKET_VIDEO, picture->size + 4 + FILLER_SIZE);

	if (!fat)
		abort();
	uint8_t *filler = fat->data + picture->size;
	memcpy(fat->data, picture->data, picture->size);
	memcpy(filler, (uint8_t[]){0, 0, FILLER_SIZE >> 8, FILLER_SIZE & 255, 12}, 5);
	memset(filler + 5, 0xff, FILLER_SIZE - 2);
	filler[4 + FILLER_SIZE - 1] = 0x80;
	fat->pts_ns = picture->pts_ns;
	fat->is_key = picture->is_key;
	tr_packet_unref(picture);
	return fat;
}

static bool is_key_due(struct live_source *source, int64_t picture)
{
	bool is_regular =
		picture % (2 * LIVE_RATE) == 0 && !atomic_load(&source->has_no_regular_keys);

	return atomic_exchange(&source->wants_key, false) || is_regular || picture == 0;
}

static void *run(void *user)
{
	struct live_source *source = user;
	int64_t start_ns = tr_clock_now_ns(), sounds = 0;

	for (int64_t picture = 0; !atomic_load(&source->stops); picture++) {
		int64_t pts_ns = picture * PICTURE_NS, due_ns = start_ns + pts_ns;
		struct timespec due = {due_ns / TR_NS_PER_S, due_ns % TR_NS_PER_S};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		for (; sounds * SOUND_NS < pts_ns; sounds++)
			push(source, clip_encode_sound(source->clip, 0.3f));
		struct tr_packet *packet = clip_encode_picture(
			source->clip, pts_ns, is_key_due(source, picture), CLIP_MOVING);
		push(source, fatten(packet));
	}
	return NULL;
}

struct live_source *live_source_create(void)
{
	struct live_source *source = calloc(1, sizeof(*source));

	if (!source)
		abort();
	source->clip = clip_create();
	pthread_mutex_init(&source->lock, NULL);
	if (pthread_create(&source->thread, NULL, run, source) != 0)
		abort();
	return source;
}

void live_source_destroy(struct live_source *source)
{
	atomic_store(&source->stops, true);
	pthread_join(source->thread, NULL);
	pthread_mutex_destroy(&source->lock);
	clip_destroy(source->clip);
	free(source);
}

struct tr_stream_settings live_source_settings(struct live_source *source, const char *url)
{
	struct tr_stream_settings settings = {
		.url = url,
		.width = CLIP_WIDTH,
		.height = CLIP_HEIGHT,
		.frame_rate = LIVE_RATE,
		.video_kbps = 500,
		.audio_kbps = 128,
	};

	settings.video_extradata =
		clip_video_extradata(source->clip, &settings.video_extradata_size);
	settings.audio_extradata =
		clip_audio_extradata(source->clip, &settings.audio_extradata_size);
	return settings;
}

static void replace(struct live_source *source, struct tr_stream *old, struct tr_stream *new)
{
	bool is_done = false;

	pthread_mutex_lock(&source->lock);
	for (unsigned i = 0; i < MAX_STREAMS && !is_done; i++) {
		is_done = source->streams[i] == old;
		if (is_done)
			source->streams[i] = new;
	}
	pthread_mutex_unlock(&source->lock);
	if (!is_done)
		abort();
}

void live_source_add(struct live_source *source, struct tr_stream *stream)
{
	replace(source, NULL, stream);
}

void live_source_remove(struct live_source *source, struct tr_stream *stream)
{
	replace(source, stream, NULL);
}

void live_source_request_key(void *user)
{
	struct live_source *source = user;

	atomic_fetch_add(&source->requested, 1);
	atomic_store(&source->wants_key, true);
}

unsigned live_source_keys_requested(struct live_source *source)
{
	return atomic_load(&source->requested);
}

void live_source_stop_regular_keys(struct live_source *source)
{
	atomic_store(&source->has_no_regular_keys, true);
}
