#define TR_LOG_AREA "encoder"
#include "encode/relay.h"

#include "core/clock.h"
#include "core/log.h"
#include "encode/avcc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SOFTWARE_TRIES 5  /* deaths in a row without a packet */
#define LATER_WAIT_MS 800 /* for a GPU's rung to open while a recording waits for it */
#define LONG_TIME_PICTURES 1000
#define SLOW_WINDOW 150 /* pictures */

struct tr_relay {
	struct tr_encoder *encoder;
	struct tr_ladder own; /* when none was given */
	struct tr_ladder *ladder;
	uint8_t extradata[TR_VIDEO_EXTRADATA_MAX]; /* of the track, once it has begun */
	size_t extradata_size;
	bool has_gpu_header; /* software's sets are the second ones in it */
	int32_t profile;     /* of the rung that it is of */
	unsigned handovers;
	unsigned software_deaths;
	int64_t period_us;

	/* the picture in flight */
	bool is_in_flight;
	int64_t pts_ns; /* of it, or of the last one */
	int changed;
	int surface;	 /* 0: the picture in the memory */
	bool has_packet; /* the running process has given one */

	/* is a GPU as fast as the pictures come? */
	unsigned window_count;
	int64_t window_us; /* what the pictures before the window took */

	bool has_surfaces;	  /* proved: they may be submitted */
	unsigned attached;	  /* how many */
	char refused[200];	  /* why not, in this recording; "" */
	tr_relay_fetch_fn *fetch; /* may be NULL */
	void *fetch_user;

	struct tr_relay_log log;
};

int tr_relay_create(const struct tr_encoder_settings *settings, struct tr_ladder *ladder,
	struct tr_relay **ret_relay)
{
	TR_CLEANUP(tr_relay_destroyp) struct tr_relay *relay = calloc(1, sizeof(*relay));
	const struct tr_rung_list nothing = {0};

	if (!relay)
		return -ENOMEM;
	relay->ladder = ladder ? ladder : &relay->own;
	if (!ladder)
		tr_ladder_init(&relay->own, &nothing);
	relay->pts_ns = -1;
	relay->period_us = 1000000 / settings->video.rate;
	int rc = tr_encoder_create(settings, &relay->encoder);
	if (rc < 0)
		return rc;
	*ret_relay = tr_take(relay);
	return 0;
}

void tr_relay_destroy(struct tr_relay *relay)
{
	if (!relay)
		return;
	tr_encoder_destroy(relay->encoder);
	free(relay);
}

void tr_relay_stop(struct tr_relay *relay)
{
	tr_encoder_stop(relay->encoder);
}

/* ---- the log ---- */

static void note_failure(struct tr_relay *relay, enum tr_ladder_failure what, const char *sentence)
{
	const struct tr_rung *rung = tr_ladder_current(relay->ladder);

	tr_warning("%s %s: %s", rung->name, tr_ladder_failure_name(what), sentence);
	if (relay->log.failure_count < TR_RELAY_FAILURES) {
		struct tr_relay_failure *to = &relay->log.failures[relay->log.failure_count];
		snprintf(to->name, sizeof(to->name), "%s", rung->name);
		snprintf(to->sentence, sizeof(to->sentence), "%s", sentence);
		to->at_ns = relay->extradata_size > 0 ? relay->pts_ns : -1;
		to->what = what;
		to->has_surfaces = relay->attached > 0;
	}
	relay->log.failure_count++;
}

static void note_packet(struct tr_relay *relay, int64_t pts_ns)
{
	struct tr_relay_log *log = &relay->log;
	const char *name = tr_encoder_stats(relay->encoder)->name;
	struct tr_relay_leg *leg = log->leg_count > 0 ? &log->legs[log->leg_count - 1] : NULL;

	if (!leg || strcmp(leg->name, name) != 0 || leg->has_surfaces != (relay->surface > 0)) {
		if (log->leg_count < TR_RELAY_LEGS)
			log->leg_count++;
		leg = &log->legs[log->leg_count - 1];
		*leg = (struct tr_relay_leg){.from_ns = pts_ns, .has_surfaces = relay->surface > 0};
		snprintf(leg->name, sizeof(leg->name), "%s", name);
	}
	leg->to_ns = pts_ns;
	if (++leg->pictures == LONG_TIME_PICTURES)
		tr_ladder_succeed(relay->ladder);
}

/* ---- climbing down ---- */

static void forget_surfaces(struct tr_relay *relay)
{
	relay->has_surfaces = false;
	relay->attached = 0;
}

/* The first header is the track's; a later one must be part of it. */
static bool fits_track(struct tr_relay *relay)
{
	const uint8_t *sets;
	size_t size = tr_encoder_extradata(relay->encoder, &sets);

	if (relay->extradata_size > 0)
		return tr_avcc_holds(relay->extradata, relay->extradata_size, sets, size);
	memcpy(relay->extradata, sets, size);
	relay->extradata_size = size;
	relay->has_gpu_header = tr_ladder_current(relay->ladder)->kind != TR_RUNG_SOFTWARE;
	relay->profile = tr_ladder_current(relay->ladder)->profile;
	return true;
}

/* Not worth the time to open it. */
static bool cannot_fit_track(const struct tr_relay *relay)
{
	const struct tr_rung *rung = tr_ladder_current(relay->ladder);

	return relay->extradata_size > 0 && rung->kind != TR_RUNG_SOFTWARE &&
	       (!relay->has_gpu_header || rung->profile != relay->profile);
}

static void pass_over(struct tr_relay *relay)
{
	tr_info("%s has other parameter sets than this track: passed over",
		tr_ladder_current(relay->ladder)->name);
	tr_encoder_stop(relay->encoder);
	tr_ladder_pass(relay->ladder, tr_clock_now_ns());
}

static int open_current(struct tr_relay *relay)
{
	const struct tr_rung *rung = tr_ladder_current(relay->ladder);
	bool is_software = rung->kind == TR_RUNG_SOFTWARE;
	bool is_first = relay->extradata_size == 0;

	tr_encoder_set_rung(
		relay->encoder, rung, is_software && relay->has_gpu_header, !is_software);
	return tr_encoder_start_within(relay->encoder, is_first ? 0 : LATER_WAIT_MS);
}

/* Before a recording the reason is not chance: once is enough. */
static bool may_try_again(struct tr_relay *relay)
{
	unsigned most = relay->extradata_size == 0 ? 1 : SOFTWARE_TRIES;
	const struct tr_rung *rung = tr_ladder_current(relay->ladder);

	return rung->kind != TR_RUNG_SOFTWARE || relay->software_deaths++ < most;
}

/* Until a rung opens. */
static int climb(struct tr_relay *relay)
{
	int rc = -EIO;

	relay->has_packet = false;
	relay->window_count = 0;
	relay->window_us = tr_encoder_stats(relay->encoder)->work_us;
	while (may_try_again(relay)) {
		if (cannot_fit_track(relay)) {
			pass_over(relay);
			continue;
		}
		rc = open_current(relay);
		if (rc == 0 && fits_track(relay))
			return 0;
		if (rc == 0) {
			pass_over(relay);
			continue;
		}
		enum tr_ladder_failure what = rc == -ETIMEDOUT ? TR_LADDER_HUNG
					      : rc == -EPIPE   ? TR_LADDER_ENDED
							       : TR_LADDER_NOT_OPENED;
		note_failure(relay, what, tr_encoder_explain(relay->encoder, rc));
		tr_ladder_fail(relay->ladder, what, tr_clock_now_ns());
	}
	return rc < 0 ? rc : -EIO;
}

int tr_relay_start(struct tr_relay *relay)
{
	relay->extradata_size = 0;
	relay->surface = 0;
	relay->refused[0] = '\0';
	forget_surfaces(relay);
	tr_ladder_begin(relay->ladder, tr_clock_now_ns());
	return climb(relay);
}

/* What the surface in flight shows becomes the picture. */
static void fetch_surface(struct tr_relay *relay)
{
	int number = relay->surface;

	relay->surface = 0;
	if (number == 0 || !relay->is_in_flight)
		return;
	if (!relay->fetch ||
		relay->fetch(relay->fetch_user, number, tr_encoder_picture(relay->encoder)) < 0)
		tr_warning("a surface cannot be read back: an older picture is encoded instead");
}

/* The picture in the shared memory is whole, and its packet never came: it is encoded again. */
static int resubmit(struct tr_relay *relay)
{
	if (!relay->is_in_flight)
		return 0;
	return tr_encoder_submit(relay->encoder, relay->pts_ns, true, false, relay->changed);
}

/* With surfaces in use they are given up first, and the rung only if that does not help. */
static void step_down(struct tr_relay *relay, enum tr_ladder_failure what, const char *sentence)
{
	bool has_surfaces = relay->attached > 0;

	note_failure(relay, what, sentence);
	tr_encoder_stop(relay->encoder);
	if (has_surfaces) {
		forget_surfaces(relay);
		snprintf(relay->refused, sizeof(relay->refused), "%s", sentence);
		tr_ladder_fail_surfaces(relay->ladder, what, tr_clock_now_ns());
	} else {
		tr_ladder_fail(relay->ladder, what, tr_clock_now_ns());
	}
}

static int hand_over(struct tr_relay *relay, enum tr_ladder_failure what, int rc)
{
	relay->handovers++;
	fetch_surface(relay);
	do {
		step_down(relay, what, tr_encoder_explain(relay->encoder, rc));
		if (climb(relay) < 0)
			return tr_fail(-EIO, "no encoder is left");
		rc = resubmit(relay);
		what = TR_LADDER_ENDED;
	} while (rc < 0);
	tr_info("%s goes on", tr_encoder_stats(relay->encoder)->name);
	return 0;
}

/* ---- surfaces ---- */

bool tr_relay_can_have_surfaces(const struct tr_relay *relay, char *why, size_t why_size)
{
	const struct tr_rung *rung = tr_ladder_current(relay->ladder);

	if (relay->refused[0])
		snprintf(why, why_size, "%s", relay->refused);
	else if (rung->kind == TR_RUNG_SOFTWARE)
		snprintf(why, why_size, "software encodes from memory");
	else if (!rung->can_convert)
		snprintf(why, why_size, "the probe has not proved it of %s", rung->name);
	else if (!tr_ladder_may_have_surfaces(relay->ladder, tr_clock_now_ns()))
		snprintf(why, why_size, "it failed lately with %s", rung->name);
	else
		return true;
	return false;
}

/* Nothing is in flight, so nothing is lost. */
static int settle(struct tr_relay *relay, int rc)
{
	if (rc == 0)
		return 0;
	if (rc == -EPIPE || rc == -ETIMEDOUT || rc == -EPROTO) {
		relay->attached++; /* it is surfaces that it failed at */
		rc = hand_over(relay, rc == -ETIMEDOUT ? TR_LADDER_HUNG : TR_LADDER_ENDED, rc);
		return rc < 0 ? rc : -ENOTSUP;
	}
	tr_relay_refuse_surfaces(relay, tr_encoder_explain(relay->encoder, rc));
	return rc == -EINVAL ? rc : -ENOTSUP;
}

int tr_relay_attach(struct tr_relay *relay, int number, const struct tr_surface *surface)
{
	if (relay->refused[0] || relay->is_in_flight)
		return -ENOTSUP;
	int rc = tr_encoder_attach(relay->encoder, number, surface);
	relay->attached += rc == 0;
	return settle(relay, rc);
}

int tr_relay_convert(struct tr_relay *relay, int number)
{
	if (relay->refused[0] || relay->is_in_flight)
		return -ENOTSUP;
	return settle(relay, tr_encoder_convert(relay->encoder, number));
}

void tr_relay_take_surfaces(struct tr_relay *relay)
{
	relay->has_surfaces = relay->attached > 0 && !relay->refused[0];
}

void tr_relay_refuse_surfaces(struct tr_relay *relay, const char *sentence)
{
	tr_info("zero-copy is off: %s", sentence);
	snprintf(relay->refused, sizeof(relay->refused), "%s", sentence);
	forget_surfaces(relay);
}

bool tr_relay_has_surfaces(const struct tr_relay *relay)
{
	return relay->has_surfaces;
}

void tr_relay_set_fetch(struct tr_relay *relay, tr_relay_fetch_fn *fetch, void *user)
{
	relay->fetch = fetch;
	relay->fetch_user = user;
}

int tr_relay_submit_surface(
	struct tr_relay *relay, int number, int64_t pts_ns, bool is_key, int changed)
{
	if (!relay->has_surfaces)
		return -ENOTSUP;
	relay->is_in_flight = true;
	relay->pts_ns = pts_ns;
	relay->changed = changed;
	relay->surface = number;
	int rc = tr_encoder_submit_surface(
		relay->encoder, number, pts_ns, is_key || !relay->has_packet, changed);
	return rc < 0 ? hand_over(relay, TR_LADDER_ENDED, rc) : 0;
}

/* ---- pictures ---- */

int tr_relay_submit(struct tr_relay *relay, int64_t pts_ns, bool is_key, bool has_map, int changed)
{
	/* What was encoded before is not what the map is true against. */
	has_map = has_map && relay->surface == 0;
	relay->surface = 0;
	relay->is_in_flight = true;
	relay->pts_ns = pts_ns;
	relay->changed = changed;
	/* A process without a packet yet has nothing that a map could be true against. */
	int rc = tr_encoder_submit(relay->encoder, pts_ns, is_key || !relay->has_packet,
		has_map && relay->has_packet, changed);
	return rc < 0 ? hand_over(relay, TR_LADDER_ENDED, rc) : 0;
}

int64_t tr_relay_deadline_ns(const struct tr_relay *relay)
{
	return tr_encoder_is_busy(relay->encoder) ? tr_encoder_deadline_ns(relay->encoder)
						  : INT64_MAX;
}

int tr_relay_watch(struct tr_relay *relay)
{
	if (!tr_encoder_is_late(relay->encoder, tr_clock_now_ns()))
		return 0;
	return hand_over(relay, TR_LADDER_HUNG, -ETIMEDOUT);
}

/* A GPU that others use, too, or one that only claims: software may well be faster. Its packet is
 * here already, so nothing is encoded again. */
static void leave_if_slow(struct tr_relay *relay)
{
	int64_t work_us = tr_encoder_stats(relay->encoder)->work_us;

	if (tr_ladder_current(relay->ladder)->kind == TR_RUNG_SOFTWARE ||
		++relay->window_count < SLOW_WINDOW)
		return;
	bool is_slow = work_us - relay->window_us > SLOW_WINDOW * relay->period_us * 3 / 2;
	relay->window_count = 0;
	relay->window_us = work_us;
	if (!is_slow)
		return;
	relay->handovers++;
	step_down(relay, TR_LADDER_SLOW, "it takes longer for a picture than there is time");
	if (climb(relay) < 0)
		tr_error("no encoder is left"); /* the next submission finds that out */
}

int tr_relay_receive(struct tr_relay *relay, struct tr_packet **ret_packet)
{
	int rc = tr_encoder_receive(relay->encoder, ret_packet);

	if (rc == -EAGAIN)
		return rc;
	if (rc < 0) {
		rc = hand_over(relay, rc == -EPIPE ? TR_LADDER_ENDED : TR_LADDER_ERROR, rc);
		return rc < 0 ? rc : -EAGAIN;
	}
	relay->is_in_flight = false;
	relay->has_packet = true;
	relay->software_deaths = 0;
	note_packet(relay, (*ret_packet)->pts_ns);
	leave_if_slow(relay);
	return 0;
}

/* ---- what is asked ---- */

struct tr_picture *tr_relay_picture(struct tr_relay *relay)
{
	return tr_encoder_picture(relay->encoder);
}

size_t tr_relay_extradata(const struct tr_relay *relay, const uint8_t **ret)
{
	*ret = relay->extradata;
	return relay->extradata_size;
}

void tr_relay_set_coarser(struct tr_relay *relay, int steps)
{
	tr_encoder_set_coarser(relay->encoder, steps);
}

bool tr_relay_is_busy(const struct tr_relay *relay)
{
	return tr_encoder_is_busy(relay->encoder);
}

int tr_relay_fd(const struct tr_relay *relay)
{
	return tr_encoder_fd(relay->encoder);
}

const struct tr_encoder_stats *tr_relay_stats(const struct tr_relay *relay)
{
	return tr_encoder_stats(relay->encoder);
}

unsigned tr_relay_handovers(const struct tr_relay *relay)
{
	return relay->handovers;
}

const struct tr_relay_log *tr_relay_log(const struct tr_relay *relay)
{
	return &relay->log;
}
