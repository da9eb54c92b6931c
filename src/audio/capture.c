#define TR_LOG_AREA "sound"
#include "audio/capture.h"

#include "audio/alsa.h"
#include "audio/drift.h"
#include "audio/level.h"
#include "audio/soundring.h"
#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#define RATE 48000
#define FIFO_FRAMES (2 * RATE)
#define READ_FRAMES 2048
#define POLL_MS 40
#define HOLD_FRAMES (RATE / 10)	      /* the newest wait: an end at the present is not passed */
#define STALL_FRAMES (RATE / 2)	      /* a card that is silent this long is filled in for */
#define FILL_BEHIND_FRAMES (RATE / 4) /* up to this far behind the clock */
#define AHEAD_FRAMES (RATE / 5)	      /* a card this far ahead of time is no clock */
#define STOP_PATIENCE_NS (TR_NS_PER_S * 7 / 10)
#define GAP_MIN_FRAMES (RATE * 2 / 100)
#define BACKOFF_MIN_NS (TR_NS_PER_S / 4)
#define BACKOFF_MAX_NS (4 * TR_NS_PER_S)
#define COMPENSATION_FRAMES 1000000 /* so one frame of it is 1 ppm */

struct tr_capture {
	/* fixed after start */
	struct tr_capture_settings settings;
	pthread_t thread;

	/* under lock */
	pthread_mutex_t lock;
	pthread_cond_t wake; /* end_ns was set */
	int64_t end_ns;
	struct tr_capture_stats stats;

	/* the capture thread's */
	int64_t position; /* next to be handed out */
	struct tr_level level;
	float left[FIFO_FRAMES], right[FIFO_FRAMES]; /* behind `position` */
	unsigned filled;

	/* the capture thread's, for ALSA */
	struct tr_alsa *alsa;
	SwrContext *swr;
	struct tr_drift drift;
	bool is_steered;  /* the card's own clock is bent: no resampling */
	double steer_ppm; /* by so much */
	double steered;	  /* frames that the card made more for it since the stretch began */
	bool is_placed;	  /* the stretch has its place on the timeline */
	bool was_open;
	int64_t card_frames; /* read since the stretch began */
	int64_t skip;	     /* frames of the card to drop */
	int64_t next_try_ns, backoff_ns;
	float in_left[READ_FRAMES], in_right[READ_FRAMES];
};

static int64_t frames_in(int64_t ns)
{
	return ns <= 0 ? 0 : ns * 3 / 62500;
}

static int64_t ns_of(int64_t frames)
{
	return (frames * 62500 + 2) / 3;
}

/* How many frames the recording has in all; "no end yet" is a very large number. */
static int64_t total_frames(struct tr_capture *capture)
{
	pthread_mutex_lock(&capture->lock);
	int64_t end_ns = capture->end_ns;
	pthread_mutex_unlock(&capture->lock);
	return end_ns == INT64_MAX ? INT64_MAX : frames_in(end_ns - capture->settings.start_ns);
}

/* Sleeps until `due_ns`. False when the end was set meanwhile: think again. */
static bool wait_until(struct tr_capture *capture, int64_t due_ns, int64_t known_total)
{
	struct timespec due = {.tv_sec = due_ns / TR_NS_PER_S, .tv_nsec = due_ns % TR_NS_PER_S};
	int rc = 0;

	pthread_mutex_lock(&capture->lock);
	bool was_endless = known_total == INT64_MAX;
	while (rc == 0 && (capture->end_ns == INT64_MAX) == was_endless)
		rc = pthread_cond_timedwait(&capture->wake, &capture->lock, &due);
	pthread_mutex_unlock(&capture->lock);
	return rc == ETIMEDOUT;
}

static bool has_sound(const float *left, const float *right, unsigned frames)
{
	for (unsigned i = 0; i < frames; i++)
		if (left[i] != 0 || right[i] != 0)
			return true;
	return false;
}

static void hand_out(
	struct tr_capture *capture, const float *left, const float *right, unsigned frames)
{
	capture->settings.on_block(left, right, frames, capture->position, capture->settings.user);
	capture->position += frames;
	bool is_new = tr_level_add(&capture->level, left, right, frames);
	bool is_sound = has_sound(left, right, frames);

	pthread_mutex_lock(&capture->lock);
	struct tr_capture_stats *stats = &capture->stats;
	stats->frames = capture->position;
	stats->peak_dbfs = capture->level.peak_dbfs;
	stats->rms_dbfs = capture->level.rms_dbfs;
	stats->level_seconds += is_new;
	if (is_sound)
		stats->last_sound_ns = tr_clock_now_ns();
	pthread_mutex_unlock(&capture->lock);
}

/* The plug-in's samples are where they belong already; without a card there is only silence. */
static void run_exact(struct tr_capture *capture)
{
	struct tr_soundring *ring = capture->settings.card->ring;
	int64_t delay_ns = ring ? tr_soundring_delay_ns() : 0;

	for (;;) {
		int64_t total = total_frames(capture);
		int64_t left = total - capture->position;
		if (left <= 0)
			return;
		unsigned count = left < TR_CAPTURE_BLOCK ? (unsigned)left : TR_CAPTURE_BLOCK;
		int64_t due_ns =
			capture->settings.start_ns + ns_of(capture->position + count) + delay_ns;
		if (!wait_until(capture, due_ns, total))
			continue;
		if (ring)
			tr_soundring_read(ring, capture->left, capture->right, count);
		hand_out(capture, capture->left, capture->right, count);
	}
}

/* Hands out what is complete; at the end what there is, but nothing behind the end. */
static void flush_blocks(struct tr_capture *capture, int64_t total)
{
	unsigned done = 0, hold = total == INT64_MAX ? HOLD_FRAMES : 0;

	while (done < capture->filled && capture->position < total) {
		int64_t left = total - capture->position;
		unsigned count = left < TR_CAPTURE_BLOCK ? (unsigned)left : TR_CAPTURE_BLOCK;
		if (count + hold > capture->filled - done)
			break;
		hand_out(capture, capture->left + done, capture->right + done, count);
		done += count;
	}
	capture->filled -= done;
	memmove(capture->left, capture->left + done, capture->filled * sizeof(float));
	memmove(capture->right, capture->right + done, capture->filled * sizeof(float));
}

static void insert_silence(struct tr_capture *capture, int64_t frames, int64_t total)
{
	pthread_mutex_lock(&capture->lock);
	capture->stats.gap_frames += frames;
	capture->stats.gaps += frames >= GAP_MIN_FRAMES;
	pthread_mutex_unlock(&capture->lock);
	while (frames > 0 && capture->position < total) {
		int64_t room = FIFO_FRAMES - capture->filled;
		size_t count = (size_t)(frames < room ? frames : room);
		memset(capture->left + capture->filled, 0, count * sizeof(float));
		memset(capture->right + capture->filled, 0, count * sizeof(float));
		capture->filled += (unsigned)count;
		frames -= (int64_t)count;
		flush_blocks(capture, total);
	}
}

static int64_t write_position(const struct tr_capture *capture)
{
	return capture->position + capture->filled;
}

static int64_t clock_position(const struct tr_capture *capture, int64_t ns)
{
	int64_t past = ns - capture->settings.start_ns;

	return past < 0 ? -frames_in(-past) : frames_in(past);
}

static void set_broken(struct tr_capture *capture, bool is_broken, bool is_recovery)
{
	pthread_mutex_lock(&capture->lock);
	capture->stats.is_broken = is_broken;
	capture->stats.recoveries += is_recovery;
	pthread_mutex_unlock(&capture->lock);
}

static void lose_card(struct tr_capture *capture, int rc)
{
	const char *pcm = capture->settings.card->capture_pcm;

	tr_alsa_close(capture->alsa);
	capture->alsa = NULL;
	capture->backoff_ns = capture->backoff_ns ? capture->backoff_ns * 2 : BACKOFF_MIN_NS;
	if (capture->backoff_ns > BACKOFF_MAX_NS)
		capture->backoff_ns = BACKOFF_MAX_NS;
	capture->next_try_ns = tr_clock_now_ns() + capture->backoff_ns;
	if (!capture->stats.is_broken) /* ours alone to write */
		tr_warning("lost the sound of %s (%s), recording silence and trying again", pcm,
			strerror(-rc));
	set_broken(capture, true, false);
}

static void open_card(struct tr_capture *capture)
{
	const struct tr_soundcard *card = capture->settings.card;
	struct tr_alsa_settings settings = {.config = card->config[0] ? card->config : NULL,
		.pcm = card->capture_pcm,
		.rate_shift = card->rate_shift[0] ? card->rate_shift : NULL};

	int rc = tr_alsa_open(&settings, &capture->alsa);
	if (rc < 0) {
		lose_card(capture, rc);
		return;
	}
	if (capture->was_open)
		tr_info("%s is back", card->capture_pcm);
	capture->steer_ppm = 0;
	capture->is_steered = tr_alsa_steer(capture->alsa, 0) == 0;
	capture->is_placed = false;
	set_broken(capture, false, capture->was_open);
	capture->was_open = true;
}

/* The stretch's first frame has a place on the timeline: silence before it, or drop to it. */
static int place(struct tr_capture *capture, int64_t total)
{
	int64_t unread, ns;

	int rc = tr_alsa_get_time(capture->alsa, &unread, &ns);
	if (rc < 0)
		return rc;
	int64_t away = clock_position(capture, ns) - unread - write_position(capture);
	capture->skip = away < 0 ? -away : 0;
	capture->card_frames = 0;
	capture->steered = 0;
	tr_drift_begin(&capture->drift, ns - ns_of(unread));
	capture->is_placed = true;
	if (away > 0)
		insert_silence(capture, away, total);
	return 0;
}

static void bend(struct tr_capture *capture)
{
	int correct = (int)capture->drift.correct;

	if (capture->is_steered) {
		/* In the control's own steps, so that we know what it does. */
		capture->steer_ppm = 10 * round(capture->drift.correct / 10);
		if (tr_alsa_steer(capture->alsa, capture->steer_ppm) < 0)
			capture->is_steered = false;
	} else if (swr_set_compensation(capture->swr, correct, COMPENSATION_FRAMES) < 0) {
		tr_debug("no drift correction by %d ppm", correct);
	}
	pthread_mutex_lock(&capture->lock);
	capture->stats.drift_ppm = capture->drift.ppm;
	capture->stats.is_drift_known = capture->drift.is_known;
	pthread_mutex_unlock(&capture->lock);
}

/* Compares the card's clock with ours, after a read. */
static int check_time(struct tr_capture *capture, int64_t total)
{
	int64_t unread, ns;

	int rc = tr_alsa_get_time(capture->alsa, &unread, &ns);
	if (rc < 0)
		return rc;
	int64_t delay = capture->is_steered ? 0 : swr_get_delay(capture->swr, RATE);
	int64_t behind = clock_position(capture, ns) -
			 (write_position(capture) + delay + unread - capture->skip);
	if (behind < -AHEAD_FRAMES) {
		capture->skip -= behind;
		return 0;
	}
	/* What the card would have recorded with its own clock. */
	int64_t frames = capture->card_frames + unread - (int64_t)capture->steered;
	int64_t gap = tr_drift_add(&capture->drift, ns, frames, (double)behind);
	if (gap > 0)
		insert_silence(capture, gap, total);
	bend(capture);
	return 0;
}

static void append(struct tr_capture *capture, unsigned from, unsigned frames)
{
	const uint8_t *in[2] = {
		(uint8_t *)(capture->in_left + from), (uint8_t *)(capture->in_right + from)};
	uint8_t *out[2] = {(uint8_t *)(capture->left + capture->filled),
		(uint8_t *)(capture->right + capture->filled)};
	int room = FIFO_FRAMES - (int)capture->filled;

	if (capture->is_steered) {
		memcpy(out[0], in[0], frames * sizeof(float));
		memcpy(out[1], in[1], frames * sizeof(float));
		capture->filled += frames;
		return;
	}
	int made = swr_convert(capture->swr, out, room, in, (int)frames);
	if (made > 0)
		capture->filled += (unsigned)made;
}

static int read_card(struct tr_capture *capture, int64_t total)
{
	if (!capture->is_placed) {
		int rc = place(capture, total);
		if (rc < 0)
			return rc;
	}
	int got = tr_alsa_read(capture->alsa, capture->in_left, capture->in_right, READ_FRAMES);
	if (got == -EPIPE) {
		capture->is_placed = false;
		set_broken(capture, false, true);
		return 0;
	}
	if (got <= 0)
		return got;
	capture->card_frames += got;
	capture->steered += got * capture->steer_ppm * 1e-6;
	capture->backoff_ns = 0;
	unsigned skip = capture->skip < got ? (unsigned)capture->skip : (unsigned)got;
	capture->skip -= skip;
	if (skip < (unsigned)got)
		append(capture, skip, (unsigned)got - skip);
	flush_blocks(capture, total);
	return check_time(capture, total);
}

/* Nobody waits for a card: time goes on with silence. */
static void fill_in(struct tr_capture *capture, int64_t total)
{
	int64_t now = clock_position(capture, tr_clock_now_ns());
	int64_t reach = now - FILL_BEHIND_FRAMES;

	if (total < now - frames_in(STOP_PATIENCE_NS) && reach > total)
		reach = total; /* the end is long past: what has not come will not */
	else if (write_position(capture) >= now - STALL_FRAMES)
		return;
	if (reach <= write_position(capture))
		return;
	insert_silence(capture, reach - write_position(capture), total);
	capture->is_placed = false;
}

static void run_alsa(struct tr_capture *capture)
{
	for (;;) {
		int64_t total = total_frames(capture);
		int64_t now = tr_clock_now_ns();
		flush_blocks(capture, total);
		if (capture->position >= total)
			break;
		if (!capture->alsa && now >= capture->next_try_ns)
			open_card(capture);
		int rc = capture->alsa ? tr_alsa_wait(capture->alsa, POLL_MS) : 0;
		if (rc > 0)
			rc = read_card(capture, total);
		if (rc < 0)
			lose_card(capture, rc);
		/* A PCM without a clock is always ready: do not spin on it. */
		if (!capture->alsa || capture->skip > READ_FRAMES)
			(void)wait_until(capture, now + POLL_MS * TR_NS_PER_MS, total);
		fill_in(capture, total);
	}
	tr_alsa_close(capture->alsa);
	capture->alsa = NULL;
}

static void *run(void *user)
{
	struct tr_capture *capture = user;
	struct sched_param priority = {.sched_priority = 5};

	pthread_setname_np(pthread_self(), "tr-sound");
	/* Both are refused to most users; the buffers are large enough without. */
	if (pthread_setschedparam(pthread_self(), SCHED_RR, &priority) != 0)
		setpriority(PRIO_PROCESS, (id_t)gettid(), -10);
	if (capture->settings.card->capture_pcm[0])
		run_alsa(capture);
	else
		run_exact(capture);
	return NULL;
}

static int create_resampler(struct tr_capture *capture)
{
	AVChannelLayout stereo = AV_CHANNEL_LAYOUT_STEREO;

	int rc = swr_alloc_set_opts2(&capture->swr, &stereo, AV_SAMPLE_FMT_FLTP, RATE, &stereo,
		AV_SAMPLE_FMT_FLTP, RATE, 0, NULL);
	if (rc >= 0)
		rc = av_opt_set_int(capture->swr, "flags", SWR_FLAG_RESAMPLE, 0);
	if (rc >= 0)
		rc = av_opt_set_int(capture->swr, "filter_size", 16, 0);
	if (rc >= 0)
		rc = av_opt_set_int(capture->swr, "linear_interp", 1, 0);
	if (rc >= 0)
		rc = swr_init(capture->swr);
	return rc < 0 ? tr_fail(-ENOMEM, "no resampler for the sound") : 0;
}

static int start_thread(struct tr_capture *capture)
{
	sigset_t all, before;

	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int rc = -pthread_create(&capture->thread, NULL, run, capture);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void init_wake(struct tr_capture *capture)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&capture->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&capture->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void destroy(struct tr_capture *capture)
{
	if (capture->settings.card->ring)
		tr_soundring_end(capture->settings.card->ring);
	swr_free(&capture->swr);
	pthread_cond_destroy(&capture->wake);
	pthread_mutex_destroy(&capture->lock);
	free(capture);
}

int tr_capture_start(const struct tr_capture_settings *settings, struct tr_capture **ret_capture)
{
	struct tr_capture *capture = calloc(1, sizeof(*capture));

	if (!capture)
		return -ENOMEM;
	capture->settings = *settings;
	capture->end_ns = INT64_MAX;
	tr_level_init(&capture->level);
	capture->stats.peak_dbfs = capture->stats.rms_dbfs = TR_LEVEL_SILENCE;
	init_wake(capture);
	if (settings->card->ring)
		tr_soundring_begin(
			settings->card->ring, tr_soundring_position_of(settings->start_ns));
	int rc = settings->card->capture_pcm[0] ? create_resampler(capture) : 0;
	if (rc == 0)
		rc = start_thread(capture);
	if (rc < 0) {
		destroy(capture);
		return rc;
	}
	*ret_capture = capture;
	return 0;
}

void tr_capture_stop(struct tr_capture *capture, int64_t end_ns)
{
	if (!capture)
		return;
	pthread_mutex_lock(&capture->lock);
	capture->end_ns = end_ns == INT64_MAX ? INT64_MAX - 1 : end_ns;
	pthread_cond_signal(&capture->wake);
	pthread_mutex_unlock(&capture->lock);
	pthread_join(capture->thread, NULL);
	destroy(capture);
}

void tr_capture_get_stats(struct tr_capture *capture, struct tr_capture_stats *ret_stats)
{
	struct tr_soundring_stats ring;

	pthread_mutex_lock(&capture->lock);
	*ret_stats = capture->stats;
	pthread_mutex_unlock(&capture->lock);
	if (!capture->settings.card->ring)
		return;
	tr_soundring_get_stats(capture->settings.card->ring, &ring);
	ret_stats->has_players = true;
	ret_stats->opens = ring.opens;
	ret_stats->players = ring.players;
	ret_stats->first_open_ns = ring.first_open_ns;
	ret_stats->last_write_ns = ring.last_write_ns;
	ret_stats->stalls = ring.stalls;
	ret_stats->late_frames = ring.late_frames;
	ret_stats->lost_frames = ring.lost_frames;
}
