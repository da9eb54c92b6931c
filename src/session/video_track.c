#define TR_LOG_AREA "video"
#include "session/video_track.h"

#include "core/clock.h"
#include "core/log.h"
#include "display/grab.h"
#include "session/zero_copy.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#define REPEAT_NS TR_NS_PER_S
#define CHECK_NS TR_NS_PER_S
#define KEY_NS (8 * TR_NS_PER_S)
#define QUIET_KEY_NS                                                                               \
	(60 * TR_NS_PER_S) /* nothing changed since the last one: cheap to seek over               \
			    */
#define LAST_PACKET_NS (3 * TR_NS_PER_S)
#define PUSH_TIMEOUT_MS 10000

/* By level of economy. A key picture is the dearest of all: the strictest level has few. */
static const struct {
	int fewer; /* of the rate, its part */
	int64_t spacing_ns;
	int coarser; /* quantizer steps; six are half the bits */
	bool has_few_keys;
} economies[] = {
	{1, 0, 0, false}, {2, 0, 0, false}, {2, 0, 8, false}, {1, 5 * TR_NS_PER_S, 12, true}};

struct tr_video_track {
	/* fixed after start */
	struct tr_video_track_settings settings;
	struct tr_video_track_hooks hooks;
	int wake; /* eventfd: something under `lock` changed */
	pthread_t thread;
	bool has_thread;
	int64_t period_ns;

	/* the track's thread */
	struct tr_grab *grab; /* NULL: the display is lost, nobody gave another */
	struct tr_relay *relay;
	struct tr_zero_copy *zero_copy; /* NULL: not on this display */
	bool is_zero_copy_over;		/* its display is gone; once nothing is in flight */
	struct tr_outlets outlets;
	int64_t start_ns;
	int64_t next_take_ns;	 /* leaky bucket of pictures, see may_take_at() */
	int64_t damage_since_ns; /* 0: nothing waits */
	int64_t submitted_ns;	 /* the last one, CLOCK_MONOTONIC; 0: none */
	int64_t due_ns;		 /* of the next one, at a constant rate */
	int64_t last_pts_ns;
	int64_t key_ns; /* the last key picture */
	int64_t checked_ns;
	bool changed_since_key;
	bool is_map_true; /* against the last packet that came back */
	bool needs_key;
	unsigned handovers; /* that are known here */
	int64_t outage_ns;  /* no picture was taken since then; 0: none was missed */
	int economy;
	int64_t spacing_ns; /* between two pictures: a period, or more when it economizes */

	/* under `lock` */
	pthread_mutex_t lock;
	bool has_gone;
	bool must_stop;
	int64_t end_ns;
	bool has_new_display;
	bool is_key_wanted;
	int wanted_economy;
	char display[64];
	char frame_buffer[256];
	struct tr_video_track_stats stats;
	struct tr_relay_log
		log; /* as it was at the last hand-over; all of it once it has stopped */
};

/* What the thread was told; a copy, so that it works without the lock. */
struct orders {
	bool must_stop;
	bool has_new_display;
	char display[64];
	char frame_buffer[256];
};

static void wake(struct tr_video_track *track)
{
	if (eventfd_write(track->wake, 1) < 0)
		tr_error("cannot wake the video thread");
}

static void economize(struct tr_video_track *track, int level)
{
	if (track->economy == level)
		return;
	track->economy = level;
	track->spacing_ns = economies[level].spacing_ns ? economies[level].spacing_ns
							: track->period_ns * economies[level].fewer;
	track->next_take_ns = track->due_ns = tr_clock_now_ns();
	tr_relay_set_coarser(track->relay, economies[level].coarser);
}

static void read_orders(struct tr_video_track *track, struct orders *ret)
{
	pthread_mutex_lock(&track->lock);
	economize(track, track->wanted_economy);
	ret->must_stop = track->must_stop;
	track->needs_key |= track->is_key_wanted;
	track->is_key_wanted = false;
	ret->has_new_display = track->has_new_display;
	if (track->has_new_display) {
		memcpy(ret->display, track->display, sizeof(ret->display));
		memcpy(ret->frame_buffer, track->frame_buffer, sizeof(ret->frame_buffer));
		track->has_new_display = false;
	}
	pthread_mutex_unlock(&track->lock);
}

/* ---- the encoder ---- */

static void note_key(struct tr_video_track *track, int64_t taken_ns)
{
	track->key_ns = taken_ns;
	track->changed_since_key = false;
}

static bool has_surfaces(const struct tr_video_track *track)
{
	return track->zero_copy && tr_relay_has_surfaces(track->relay);
}

/* Pictures are taken from now on, the first one whole: the memory has not followed the screen. */
static void end_zero_copy(struct tr_video_track *track)
{
	char why[sizeof(track->stats.no_zero_copy)];

	if (tr_relay_can_have_surfaces(track->relay, why, sizeof(why))) {
		snprintf(why, sizeof(why), "the display was started again");
		tr_relay_refuse_surfaces(track->relay, why);
	}
	tr_zero_copy_close(tr_take(track->zero_copy));
	track->is_zero_copy_over = track->is_map_true = false;
	if (track->grab) {
		tr_grab_invalidate(track->grab);
		track->damage_since_ns = tr_clock_now_ns();
	}
	pthread_mutex_lock(&track->lock);
	memcpy(track->stats.no_zero_copy, why, sizeof(why));
	pthread_mutex_unlock(&track->lock);
}

/* An encoder was replaced (or, with an error, none is left): its first picture is a key picture. */
static int note_handovers(struct tr_video_track *track, int rc)
{
	unsigned handovers = tr_relay_handovers(track->relay);

	if (handovers == track->handovers)
		return rc;
	track->handovers = handovers;
	track->is_map_true = false;
	/* What changed in the meantime waits since then, though nobody looked. */
	track->outage_ns = track->submitted_ns + track->spacing_ns;
	track->needs_key = !tr_relay_is_busy(track->relay); /* else it is on its way */
	if (!track->needs_key)
		note_key(track, track->submitted_ns);
	pthread_mutex_lock(&track->lock);
	track->stats.encoder_restarts = handovers;
	track->log = *tr_relay_log(track->relay);
	snprintf(track->stats.encoder, sizeof(track->stats.encoder), "%s",
		tr_relay_stats(track->relay)->name);
	pthread_mutex_unlock(&track->lock);
	return rc;
}

static int take_packet(struct tr_video_track *track)
{
	struct tr_packet *packet = NULL;

	int rc = tr_relay_receive(track->relay, &packet);
	if (rc < 0)
		return note_handovers(track, rc == -EAGAIN ? 0 : rc);
	track->is_map_true = true;
	if (packet->is_key)
		track->needs_key = false;
	note_handovers(track, 0);
	const struct tr_encoder_stats *encoder = tr_relay_stats(track->relay);
	pthread_mutex_lock(&track->lock);
	track->stats.encoded++;
	track->stats.bytes += (int64_t)packet->size;
	track->stats.last_pts_ns = packet->pts_ns;
	track->stats.qp_sum = encoder->qp_sum;
	track->stats.qp_count = encoder->qp_count;
	track->stats.encode_us = encoder->took_us;
	pthread_mutex_unlock(&track->lock);
	return tr_outlets_push(&track->outlets, packet, PUSH_TIMEOUT_MS) == 0 ? 0 : -ENOBUFS;
}

static bool is_key_due(const struct tr_video_track *track, int64_t now_ns)
{
	int64_t age_ns = now_ns - track->key_ns;
	int64_t longest_ns = track->settings.key_interval_ns;

	if (longest_ns == 0)
		longest_ns = track->changed_since_key && !economies[track->economy].has_few_keys
				     ? KEY_NS
				     : QUIET_KEY_NS;
	/* Half a picture early is nearer than one and a half late. */
	return track->needs_key || track->key_ns == 0 ||
	       age_ns + track->period_ns / 2 >= longest_ns;
}

static int64_t on_grid(int64_t ns)
{
	int64_t tick = (ns * TR_VIDEO_GRID_HZ + TR_NS_PER_S / 2) / TR_NS_PER_S;
	return (tick * TR_NS_PER_S + TR_VIDEO_GRID_HZ / 2) / TR_VIDEO_GRID_HZ;
}

static int submit(struct tr_video_track *track, int64_t taken_ns, int changed)
{
	bool is_first = track->last_pts_ns < 0;
	int64_t pts_ns =
		is_first ? 0 : on_grid(taken_ns - track->start_ns + track->settings.lead_ns);
	bool is_key = is_key_due(track, taken_ns);

	if (pts_ns <= track->last_pts_ns)
		pts_ns = on_grid(track->last_pts_ns + TR_NS_PER_S / TR_VIDEO_GRID_HZ);
	if (is_key)
		note_key(track, taken_ns);
	else if (changed > 0)
		track->changed_since_key = true;
	track->last_pts_ns = pts_ns;
	track->submitted_ns = taken_ns;
	int number = has_surfaces(track) ? tr_zero_copy_number(track->zero_copy) : 0;
	int rc = number > 0 ? tr_relay_submit_surface(track->relay, number, pts_ns, is_key, changed)
			    : tr_relay_submit(
				      track->relay, pts_ns, is_key, track->is_map_true, changed);
	rc = note_handovers(track, rc);
	if (rc < 0)
		return rc;
	track->due_ns += track->spacing_ns;
	if (track->due_ns < taken_ns || track->due_ns > taken_ns + 2 * track->spacing_ns)
		track->due_ns = taken_ns + track->spacing_ns;
	return 0;
}

/* ---- the screen ---- */

/* At most settings.rate pictures a second in the long run, but a picture that comes early after a
 * late one is not held back. The bucket leaks 1 % faster, or a single late picture would shift all
 * that follow it. */
static int64_t may_take_at(const struct tr_video_track *track)
{
	return track->next_take_ns - track->spacing_ns;
}

static void count_take(struct tr_video_track *track, const struct tr_grab_result *result)
{
	int64_t waited_ns = track->damage_since_ns ? result->taken_ns - track->damage_since_ns : 0;
	const struct tr_picture *picture = tr_relay_picture(track->relay);

	if (track->next_take_ns < result->taken_ns)
		track->next_take_ns = result->taken_ns;
	track->next_take_ns += track->spacing_ns * 99 / 100;
	track->damage_since_ns = 0;
	pthread_mutex_lock(&track->lock);
	track->stats.grabbed++;
	if (waited_ns > 2 * track->spacing_ns)
		track->stats.late++;
	/* A change that waited n periods stands for n pictures that were not taken. */
	track->stats.dropped += waited_ns / track->spacing_ns;
	if (result->changed == 0)
		track->stats.unchanged++;
	else
		track->stats.share_changed_sum +=
			result->changed / (double)(picture->map_width * picture->map_height);
	pthread_mutex_unlock(&track->lock);
}

static void lose_display(struct tr_video_track *track)
{
	tr_warning("the display is gone: repeating the last picture until there is another");
	tr_grab_close(track->grab);
	track->grab = NULL;
	track->damage_since_ns = 0;
	if (track->hooks.on_end)
		track->hooks.on_end(TR_VIDEO_TRACK_DISPLAY_LOST, track->hooks.user);
}

/* Whoever checks pictures gets one about once a second. */
static void show_picture(struct tr_video_track *track, int64_t now_ns)
{
	if (!track->hooks.on_picture || now_ns - track->checked_ns < CHECK_NS ||
		(has_surfaces(track) && tr_zero_copy_show(track->zero_copy) < 0))
		return;
	track->checked_ns = now_ns;
	track->hooks.on_picture(
		tr_relay_picture(track->relay), now_ns - track->start_ns, track->hooks.user);
}

/* Into the picture, or into a pixmap. */
static int take(struct tr_video_track *track, struct tr_grab_result *ret_result)
{
	if (!has_surfaces(track))
		return tr_grab_take(track->grab, tr_relay_picture(track->relay), ret_result);
	int rc = tr_grab_skip(track->grab, ret_result);
	return rc < 0 ? rc : tr_zero_copy_take(track->zero_copy);
}

static int take_picture(struct tr_video_track *track)
{
	struct tr_grab_result result;

	int rc = take(track, &result);
	if (rc < 0) {
		lose_display(track);
		return 0;
	}
	count_take(track, &result);
	show_picture(track, result.taken_ns);
	if (result.changed == 0 && track->submitted_ns != 0)
		return 0;
	return submit(track, result.taken_ns, result.changed);
}

static int repeat_picture(struct tr_video_track *track, int64_t now_ns)
{
	pthread_mutex_lock(&track->lock);
	track->stats.repeated++;
	pthread_mutex_unlock(&track->lock);
	show_picture(track, now_ns);
	return submit(track, now_ns, 0);
}

static int64_t repeat_at(const struct tr_video_track *track)
{
	if (track->submitted_ns == 0 || track->needs_key)
		return 0;
	int64_t repeat_ns = track->submitted_ns + REPEAT_NS;
	/* At a constant rate a late picture must not make the next one later. */
	return track->settings.constant_rate && track->due_ns < repeat_ns ? track->due_ns
									  : repeat_ns;
}

static void reconnect(struct tr_video_track *track, const struct orders *orders)
{
	struct tr_grab_settings settings = {
		.display = orders->display,
		.frame_buffer = orders->frame_buffer[0] ? orders->frame_buffer : NULL,
		.width = track->settings.encoder.video.width,
		.height = track->settings.encoder.video.height,
	};

	tr_grab_close(track->grab);
	track->grab = NULL;
	track->is_zero_copy_over = track->zero_copy != NULL;
	if (tr_grab_open(&settings, &track->grab) < 0)
		lose_display(track);
}

/* ---- the loop ---- */

/* What is to be done now; the waiting is in wait_for_news(). */
static int step(struct tr_video_track *track)
{
	int64_t now_ns = tr_clock_now_ns();

	if (tr_relay_is_busy(track->relay)) {
		return now_ns < tr_relay_deadline_ns(track->relay)
			       ? 0
			       : note_handovers(track, tr_relay_watch(track->relay));
	}
	if (track->zero_copy && (track->is_zero_copy_over || !has_surfaces(track)))
		end_zero_copy(track);
	if (track->grab && track->damage_since_ns && now_ns >= may_take_at(track))
		return take_picture(track);
	if (now_ns >= repeat_at(track))
		return repeat_picture(track, now_ns);
	return 0;
}

static int64_t next_deadline(const struct tr_video_track *track)
{
	if (tr_relay_is_busy(track->relay))
		return tr_relay_deadline_ns(track->relay);
	int64_t deadline = repeat_at(track);
	if (track->grab && track->damage_since_ns && may_take_at(track) < deadline)
		deadline = may_take_at(track);
	return deadline;
}

static int collect_damage(struct tr_video_track *track)
{
	int rc = tr_grab_collect(track->grab);
	if (rc < 0)
		lose_display(track);
	else if (rc > 0 && track->damage_since_ns == 0)
		track->damage_since_ns = track->outage_ns ? track->outage_ns : tr_clock_now_ns();
	track->outage_ns = 0;
	return 0;
}

static int wait_for_news(struct tr_video_track *track)
{
	bool is_busy = tr_relay_is_busy(track->relay);
	struct pollfd fds[] = {
		{.fd = track->wake, .events = POLLIN},
		{.fd = tr_relay_fd(track->relay), .events = POLLIN},
		/* While a picture is in flight nothing can be done about another: let it wait. */
		{.fd = track->grab && !is_busy ? tr_grab_fd(track->grab) : -1, .events = POLLIN},
	};
	int64_t left_ns = next_deadline(track) - tr_clock_now_ns();
	struct timespec timeout = {0};
	eventfd_t ignored;

	if (left_ns > 0)
		timeout = (struct timespec){left_ns / TR_NS_PER_S, left_ns % TR_NS_PER_S};
	if (ppoll(fds, TR_COUNT(fds), &timeout, NULL) < 0 && errno != EINTR)
		return -errno;
	if (fds[0].revents && eventfd_read(track->wake, &ignored) < 0 && errno != EAGAIN)
		return -errno;
	int rc = fds[1].revents ? take_packet(track) : 0;
	/* Xlib may hold events that it read while it waited for an answer: always look. */
	if (rc == 0 && track->grab && !tr_relay_is_busy(track->relay))
		rc = collect_damage(track);
	return rc;
}

static int wait_for_packet(struct tr_video_track *track)
{
	int64_t deadline_ns = tr_clock_now_ns() + LAST_PACKET_NS;
	int rc = 0;

	while (rc == 0 && tr_relay_is_busy(track->relay) && tr_clock_now_ns() < deadline_ns) {
		struct pollfd poll_fd = {.fd = tr_relay_fd(track->relay), .events = POLLIN};
		if (poll(&poll_fd, 1, 100) > 0)
			rc = take_packet(track);
		else
			rc = note_handovers(track, tr_relay_watch(track->relay));
	}
	return rc;
}

/* The picture that was there at the end lasts until the end. */
static void finish(struct tr_video_track *track)
{
	pthread_mutex_lock(&track->lock);
	int64_t end_ns = track->end_ns - track->period_ns;
	pthread_mutex_unlock(&track->lock);

	int rc = wait_for_packet(track);
	if (rc == 0 && !tr_relay_is_busy(track->relay) &&
		end_ns - track->start_ns > track->last_pts_ns) {
		rc = repeat_picture(track, end_ns);
		if (rc == 0)
			rc = wait_for_packet(track);
	}
	if (rc < 0)
		tr_warning("the last picture could not be encoded");
}

static bool wait_for_go(struct tr_video_track *track)
{
	for (;;) {
		struct pollfd poll_fd = {.fd = track->wake, .events = POLLIN};
		eventfd_t ignored;

		pthread_mutex_lock(&track->lock);
		bool has_gone = track->has_gone, must_stop = track->must_stop;
		pthread_mutex_unlock(&track->lock);
		if (must_stop || has_gone)
			return has_gone && !must_stop;
		if (poll(&poll_fd, 1, -1) > 0 && eventfd_read(track->wake, &ignored) < 0)
			continue;
	}
}

static enum tr_video_track_end end_of(int rc)
{
	return rc == 0		? TR_VIDEO_TRACK_STOPPED
	       : rc == -ENOBUFS ? TR_VIDEO_TRACK_QUEUE_FULL
				: TR_VIDEO_TRACK_ENCODER_LOST;
}

static void *run(void *user)
{
	struct tr_video_track *track = user;
	struct orders orders;
	int rc = 0;

	pthread_setname_np(pthread_self(), "video");
	if (!wait_for_go(track))
		return NULL;
	if (track->grab)
		tr_grab_invalidate(track->grab);
	track->damage_since_ns = tr_clock_now_ns();
	for (read_orders(track, &orders); rc == 0 && !orders.must_stop;
		read_orders(track, &orders)) {
		if (orders.has_new_display)
			reconnect(track, &orders);
		rc = step(track);
		if (rc == 0)
			rc = wait_for_news(track);
	}
	if (rc == 0)
		finish(track);
	else if (track->hooks.on_end)
		track->hooks.on_end(end_of(rc), track->hooks.user);
	return NULL;
}

/* ---- the outside ---- */

/* Where it cannot be, the report says why. */
static int open_zero_copy(struct tr_video_track *track)
{
	struct tr_video_track_stats *stats = &track->stats;
	const struct tr_zero_copy_settings settings = {.display = track->settings.display,
		.width = track->settings.encoder.video.width,
		.height = track->settings.encoder.video.height,
		.relay = track->relay};

	if (!track->settings.has_zero_copy) {
		snprintf(stats->no_zero_copy, sizeof(stats->no_zero_copy), "it is switched off");
		return 0;
	}
	int rc = tr_zero_copy_open(
		&settings, stats->no_zero_copy, sizeof(stats->no_zero_copy), &track->zero_copy);
	stats->has_zero_copy = rc == 0;
	return rc == -EIO ? rc : 0;
}

static int open_parts(struct tr_video_track *track)
{
	struct tr_grab_settings grab = {
		.display = track->settings.display,
		.frame_buffer = track->settings.frame_buffer,
		.width = track->settings.encoder.video.width,
		.height = track->settings.encoder.video.height,
	};

	int rc = tr_grab_open(&grab, &track->grab);
	if (rc < 0)
		return rc;
	rc = tr_relay_create(&track->settings.encoder, track->settings.ladder, &track->relay);
	if (rc == 0)
		rc = tr_relay_start(track->relay);
	if (rc < 0)
		return tr_fail(rc, "no encoder works");
	rc = open_zero_copy(track);
	if (rc < 0)
		return tr_fail(rc, "no encoder works");
	snprintf(track->stats.encoder, sizeof(track->stats.encoder), "%s",
		tr_relay_stats(track->relay)->name);
	track->log = *tr_relay_log(track->relay);
	track->handovers = tr_relay_handovers(track->relay);
	snprintf(track->stats.way, sizeof(track->stats.way), "%s", tr_grab_way(track->grab));
	return 0;
}

TR_CLEANUP_DEFINE(struct tr_video_track, tr_video_track_destroy)

int tr_video_track_start(const struct tr_video_track_settings *settings,
	const struct tr_video_track_hooks *hooks, struct tr_video_track **ret_track)
{
	TR_CLEANUP(tr_video_track_destroyp)
	struct tr_video_track *track = calloc(1, sizeof(*track));

	if (!track)
		return -ENOMEM;
	track->settings = *settings;
	track->hooks = *hooks;
	track->period_ns = TR_NS_PER_S / settings->encoder.video.rate;
	track->spacing_ns = track->period_ns;
	track->last_pts_ns = -1;
	pthread_mutex_init(&track->lock, NULL);
	track->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (track->wake < 0)
		return -errno;
	int rc = open_parts(track);
	if (rc < 0)
		return rc;
	track->settings.display = track->settings.frame_buffer = NULL; /* borrowed, used */
	rc = -pthread_create(&track->thread, NULL, run, track);
	if (rc < 0)
		return tr_fail(rc, "no thread for the pictures");
	track->has_thread = true;
	*ret_track = tr_take(track);
	return 0;
}

size_t tr_video_track_extradata(const struct tr_video_track *track, const uint8_t **ret)
{
	return tr_relay_extradata(track->relay, ret);
}

void tr_video_track_go(
	struct tr_video_track *track, int64_t start_ns, const struct tr_outlets *outlets)
{
	track->start_ns = start_ns;
	track->outlets = *outlets;
	pthread_mutex_lock(&track->lock);
	track->has_gone = true;
	pthread_mutex_unlock(&track->lock);
	wake(track);
}

void tr_video_track_set_display(
	struct tr_video_track *track, const char *display, const char *frame_buffer)
{
	pthread_mutex_lock(&track->lock);
	snprintf(track->display, sizeof(track->display), "%s", display);
	snprintf(track->frame_buffer, sizeof(track->frame_buffer), "%s",
		frame_buffer ? frame_buffer : "");
	track->has_new_display = true;
	pthread_mutex_unlock(&track->lock);
	wake(track);
}

void tr_video_track_set_economy(struct tr_video_track *track, int level)
{
	int last = (int)TR_COUNT(economies) - 1;

	pthread_mutex_lock(&track->lock);
	track->wanted_economy = level < 0 ? 0 : level > last ? last : level;
	pthread_mutex_unlock(&track->lock);
	wake(track);
}

void tr_video_track_request_key(struct tr_video_track *track)
{
	pthread_mutex_lock(&track->lock);
	track->is_key_wanted = true;
	pthread_mutex_unlock(&track->lock);
	wake(track);
}

void tr_video_track_stop(struct tr_video_track *track, int64_t end_ns)
{
	if (!track->has_thread)
		return;
	pthread_mutex_lock(&track->lock);
	track->must_stop = true;
	track->end_ns = end_ns;
	pthread_mutex_unlock(&track->lock);
	wake(track);
	pthread_join(track->thread, NULL);
	track->has_thread = false;
	track->log = *tr_relay_log(track->relay);
	tr_relay_stop(track->relay);
}

void tr_video_track_destroy(struct tr_video_track *track)
{
	if (!track)
		return;
	tr_video_track_stop(track, tr_clock_now_ns());
	tr_zero_copy_close(track->zero_copy);
	tr_relay_destroy(track->relay);
	tr_grab_close(track->grab);
	if (track->wake >= 0)
		close(track->wake);
	pthread_mutex_destroy(&track->lock);
	free(track);
}

void tr_video_track_read_stats(struct tr_video_track *track, struct tr_video_track_stats *ret)
{
	pthread_mutex_lock(&track->lock);
	*ret = track->stats;
	pthread_mutex_unlock(&track->lock);
}

void tr_video_track_read_log(struct tr_video_track *track, struct tr_relay_log *ret)
{
	pthread_mutex_lock(&track->lock);
	*ret = track->log;
	pthread_mutex_unlock(&track->lock);
}
