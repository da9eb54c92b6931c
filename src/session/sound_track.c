#define TR_LOG_AREA "sound"
#include "session/sound_track.h"

#include "core/log.h"
#include "encode/aac.h"

#include <errno.h>
#include <pthread.h>

#define PUSH_TIMEOUT_MS 5000

struct tr_sound_track {
	/* fixed after go */
	const struct tr_soundcard *card;
	struct tr_outlets outlets;
	struct tr_capture *capture; /* NULL: not capturing */

	/* the capture's thread; after its end whoever stops */
	struct tr_aac *aac;

	/* under `lock` */
	pthread_mutex_t lock;
	struct tr_sound_check check;
	int64_t packets;
	int64_t lost_packets;
	struct tr_capture_stats last; /* of the capture, once it has ended */
};

static void on_packet(struct tr_packet *packet, void *user)
{
	struct tr_sound_track *track = user;

	int rc = tr_outlets_push(&track->outlets, packet, PUSH_TIMEOUT_MS);
	pthread_mutex_lock(&track->lock);
	track->packets++;
	if (rc < 0)
		track->lost_packets++;
	pthread_mutex_unlock(&track->lock);
}

static void on_block(
	const float *left, const float *right, unsigned frames, int64_t position, void *user)
{
	struct tr_sound_track *track = user;

	pthread_mutex_lock(&track->lock);
	tr_sound_check_add(&track->check, left, right, frames);
	pthread_mutex_unlock(&track->lock);
	if (tr_aac_push(track->aac, left, right, frames) < 0)
		tr_error("the sound at sample %lld could not be encoded", (long long)position);
}

int tr_sound_track_create(
	const struct tr_soundcard *card, int kbps, struct tr_sound_track **ret_track)
{
	TR_CLEANUP(tr_sound_track_destroyp)
	struct tr_sound_track *track = calloc(1, sizeof(*track));

	if (!track)
		return -ENOMEM;
	track->card = card;
	pthread_mutex_init(&track->lock, NULL);
	tr_sound_check_init(&track->check);
	int rc = tr_aac_create(kbps * 1000, on_packet, track, &track->aac);
	if (rc < 0)
		return tr_fail(rc, "no AAC encoder");
	*ret_track = tr_take(track);
	return 0;
}

void tr_sound_track_destroy(struct tr_sound_track *track)
{
	if (!track)
		return;
	if (track->capture)
		tr_capture_stop(track->capture, 0);
	tr_aac_destroy(track->aac);
	pthread_mutex_destroy(&track->lock);
	free(track);
}

size_t tr_sound_track_extradata(const struct tr_sound_track *track, const uint8_t **ret)
{
	size_t size;

	tr_aac_extradata(track->aac, ret, &size);
	return size;
}

int tr_sound_track_priming(const struct tr_sound_track *track)
{
	return (int)tr_aac_padding(track->aac);
}

int tr_sound_track_go(
	struct tr_sound_track *track, int64_t start_ns, const struct tr_outlets *outlets)
{
	struct tr_capture_settings settings = {
		.card = track->card,
		.start_ns = start_ns,
		.on_block = on_block,
		.user = track,
	};

	track->outlets = *outlets;
	return tr_capture_start(&settings, &track->capture);
}

void tr_sound_track_stop(struct tr_sound_track *track, int64_t end_ns)
{
	if (!track->capture)
		return;
	/* Its figures end with it; what is stopped and lost in its last 0.7 s is not counted. */
	struct tr_capture_stats last;
	tr_capture_get_stats(track->capture, &last);
	tr_capture_stop(tr_take(track->capture), end_ns);
	track->last = last;
	if (tr_aac_finish(track->aac) < 0)
		tr_warning("the last sound could not be encoded");
}

void tr_sound_track_read_stats(struct tr_sound_track *track, struct tr_sound_track_stats *ret)
{
	*ret = (struct tr_sound_track_stats){.capture = track->last};
	if (track->capture)
		tr_capture_get_stats(track->capture, &ret->capture);
	ret->peak_db = ret->capture.peak_dbfs;
	ret->rms_db = ret->capture.rms_dbfs;
	ret->has_player = !ret->capture.has_players || ret->capture.opens > 0;
	pthread_mutex_lock(&track->lock);
	ret->check = track->check;
	ret->packets = track->packets;
	ret->lost_packets = track->lost_packets;
	pthread_mutex_unlock(&track->lock);
}
