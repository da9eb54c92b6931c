#include "browser/meeting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "browser/join_cause.h"
#include "browser/meeting_internal.h"
#include "browser/meeting_script.h"
#include "browser/meeting_url.h"
#include "core/clock.h"
#include "core/log.h"

#define TR_LOG_AREA "meeting"
#define MEMBERS_MAX 2000
#define CAUSE_STANDS_MS 2000 /* a page may get over what it says at first */
#define CONFIRM_TIMEOUT_MS 3000
#define PICTURE_TIMEOUT_MS 2000

/* The page tells what it is like now; its answer comes behind what it tells. */
static const char look_expression[] = "dispatchEvent(new Event('telerec-look')); 1";

int64_t tr_meeting_now_ms(void)
{
	return tr_clock_now_ns() / TR_NS_PER_MS;
}

void tr_meeting_set_timer(struct tr_meeting *meeting, int64_t at_ms)
{
	int rc = sd_event_source_set_enabled(meeting->timer, SD_EVENT_OFF);
	if (rc >= 0 && at_ms >= 0)
		rc = sd_event_source_set_time(meeting->timer, (uint64_t)at_ms * 1000);
	if (rc >= 0 && at_ms >= 0)
		rc = sd_event_source_set_enabled(meeting->timer, SD_EVENT_ONESHOT);
	if (rc < 0)
		tr_warning("cannot set a timer: %s", strerror(-rc));
}

static void on_browser_stop(void *user)
{
	struct tr_meeting *meeting = user;

	meeting->browser = NULL;
}

void tr_meeting_let_go(struct tr_meeting *meeting)
{
	if (meeting->browser) {
		tr_browser_detach(meeting->browser, meeting);
		if (tr_browser_set_script(meeting->browser, NULL) < 0)
			tr_debug("the browser has gone with its script");
	}
	meeting->browser = NULL;
	meeting->is_confirming = false;
}

/* The end */

static void tell_end(struct tr_meeting *meeting, const uint8_t *picture, size_t size)
{
	meeting->phase = PHASE_ENDED;
	tr_meeting_set_timer(meeting, -1);
	if (meeting->events.on_ended)
		meeting->events.on_ended(
			meeting->end, meeting->sentence, picture, size, meeting->user);
}

static void on_picture(int rc, const uint8_t *data, size_t size, void *user)
{
	struct tr_meeting *meeting = user;

	if (meeting->phase == PHASE_ENDING)
		tell_end(meeting, rc == 0 ? data : NULL, rc == 0 ? size : 0);
}

static void finish(struct tr_meeting *meeting, enum tr_meeting_end end, const char *sentence)
{
	bool is_clean =
		end == TR_MEETING_EMPTY || end == TR_MEETING_MUTED || end == TR_MEETING_KICKED;

	meeting->end = end;
	snprintf(meeting->sentence, sizeof(meeting->sentence), "%s", sentence);
	meeting->phase = PHASE_ENDING;
	tr_meeting_set_timer(
		meeting, tr_meeting_now_ms() + PICTURE_TIMEOUT_MS); /* also when nothing answers */
	if (is_clean || !meeting->browser ||
		tr_browser_screenshot(meeting->browser, PICTURE_TIMEOUT_MS, on_picture, meeting) <
			0)
		tell_end(meeting, NULL, 0);
}

/* Joining */

static struct tr_join_state join_state(const struct tr_meeting *meeting)
{
	return (struct tr_join_state){
		.news = &meeting->last,
		.away = meeting->away,
		.has_login = meeting->has_login,
		.timeout_ms = meeting->join_timeout_ms,
	};
}

static void fail_joining(struct tr_meeting *meeting)
{
	const struct tr_join_state state = join_state(meeting);
	char sentence[TR_MEETING_SENTENCE_SIZE], time[32];

	if (meeting->phase == PHASE_LOST && !tr_join_cause_is_final(&state)) {
		snprintf(sentence, sizeof(sentence),
			"the page lost the meeting and was not back in it after %s: check the "
			"meeting's server, and the network between it and here",
			tr_join_cause_format_ms(meeting->lost_timeout_ms, time));
		finish(meeting, TR_MEETING_ICE_FAILED, sentence);
		return;
	}
	if (meeting->last.kind == TR_MEETING_NEWS_NONE && !meeting->away[0])
		tr_info("our script in the page has said nothing");
	tr_join_cause_describe(&state, sentence, sizeof(sentence));
	finish(meeting, TR_MEETING_JOIN_FAILED, sentence);
}

/* When joining has to be looked at again: at its end, or when a cause has stood long enough. */
static void judge_joining(struct tr_meeting *meeting)
{
	const struct tr_join_state state = join_state(meeting);
	int64_t now = tr_meeting_now_ms();

	if (!tr_join_cause_is_final(&state))
		meeting->cause_since_ms = -1;
	else if (meeting->cause_since_ms < 0)
		meeting->cause_since_ms = now;
	int64_t until = meeting->phase == PHASE_LOADING ? -1 : meeting->deadline_ms;
	if (meeting->cause_since_ms >= 0 &&
		(until < 0 || meeting->cause_since_ms + CAUSE_STANDS_MS < until))
		until = meeting->cause_since_ms + CAUSE_STANDS_MS;
	if (until >= 0 && now >= until)
		fail_joining(meeting);
	else
		tr_meeting_set_timer(meeting, until);
}

/* In the meeting */

static void finish_call(struct tr_meeting *meeting, enum tr_call_verdict verdict)
{
	const struct tr_call_limits *limits = &meeting->limits;
	char sentence[TR_MEETING_SENTENCE_SIZE], time[32];

	switch (verdict) {
	case TR_CALL_EMPTY:
		snprintf(sentence, sizeof(sentence), "nobody else was in the meeting for %s",
			tr_join_cause_format_ms(limits->empty_ms, time));
		finish(meeting, TR_MEETING_EMPTY, sentence);
		break;
	case TR_CALL_MUTED:
		snprintf(sentence, sizeof(sentence),
			"everybody in the meeting had sound and picture muted for %s",
			tr_join_cause_format_ms(limits->muted_ms, time));
		finish(meeting, TR_MEETING_MUTED, sentence);
		break;
	case TR_CALL_NO_MEDIA:
		snprintf(sentence, sizeof(sentence),
			"nothing was received from the meeting for %s, though not everybody is "
			"muted: check the video bridge, and the network between it and here",
			tr_join_cause_format_ms(limits->no_media_ms, time));
		finish(meeting, TR_MEETING_NO_MEDIA, sentence);
		break;
	case TR_CALL_ICE_FAILED:
		snprintf(sentence, sizeof(sentence),
			"the connection to the video bridge was down for %s: check that its UDP "
			"port (10000) can be reached from here",
			tr_join_cause_format_ms(limits->ice_ms, time));
		finish(meeting, TR_MEETING_ICE_FAILED, sentence);
		break;
	case TR_CALL_KICKED:
		finish(meeting, TR_MEETING_KICKED,
			"somebody removed the recorder from the meeting");
		break;
	case TR_CALL_FINE:
		break;
	}
}

static void on_confirmed(int rc, json_t *value, const char *error, void *user)
{
	struct tr_meeting *meeting = user;
	(void)rc; /* a page that does not answer has no better news */
	(void)value;
	(void)error;

	meeting->is_confirming = false;
	if (meeting->phase != PHASE_JOINED)
		return;
	finish_call(meeting, tr_call_checks_judge(&meeting->checks, tr_meeting_now_ms()));
	if (meeting->phase == PHASE_JOINED)
		tr_meeting_set_timer(meeting, tr_call_checks_next_ms(&meeting->checks));
}

/* Before the meeting is ended because of what it was like a while ago, it is asked once more: this
 * process may have stood still, and newer news wait in the pipe. */
static void judge_call(struct tr_meeting *meeting, bool is_news)
{
	enum tr_call_verdict verdict = tr_call_checks_judge(&meeting->checks, tr_meeting_now_ms());

	if (verdict == TR_CALL_FINE) {
		tr_meeting_set_timer(meeting, tr_call_checks_next_ms(&meeting->checks));
	} else if (is_news || verdict == TR_CALL_KICKED) {
		finish_call(meeting, verdict);
	} else if (!meeting->is_confirming) {
		meeting->is_confirming =
			meeting->browser && tr_browser_evaluate(meeting->browser, look_expression,
						    CONFIRM_TIMEOUT_MS, on_confirmed, meeting) == 0;
		if (!meeting->is_confirming)
			finish_call(meeting, verdict);
	}
}

static bool is_same_state(const struct tr_meeting_state *a, const struct tr_meeting_state *b)
{
	return a->is_joined == b->is_joined && a->participants == b->participants &&
	       a->muted == b->muted && a->is_connected == b->is_connected &&
	       a->download_kbps == b->download_kbps;
}

static void tell_state(struct tr_meeting *meeting, bool is_joined)
{
	const struct tr_call_sample *sample = &meeting->sample;
	const struct tr_meeting_state state = {
		.is_joined = is_joined,
		.participants = sample->participants,
		.muted = sample->muted + sample->telephones,
		.is_connected = sample->is_connected,
		.download_kbps = sample->download_kbps,
	};

	if (is_same_state(&state, &meeting->state))
		return;
	meeting->state = state;
	if (meeting->events.on_state)
		meeting->events.on_state(&state, meeting->user);
}

static void enter_call(struct tr_meeting *meeting)
{
	bool is_back = meeting->phase == PHASE_LOST;

	meeting->phase = PHASE_JOINED;
	meeting->cause_since_ms = -1;
	tr_call_checks_init(&meeting->checks, &meeting->limits);
	tr_info(is_back ? "the page is back in the meeting" : "joined the meeting");
	if (!is_back && meeting->events.on_joined)
		meeting->events.on_joined(meeting->user);
}

/* A page without its meeting cannot say who is in it: nobody has left for that. */
static void lose_call(struct tr_meeting *meeting)
{
	if (meeting->phase == PHASE_JOINED) {
		tr_info("the page has lost the meeting; it may find back by itself");
		meeting->phase = PHASE_LOST;
		meeting->deadline_ms = tr_meeting_now_ms() + meeting->lost_timeout_ms;
		meeting->sample.is_connected = false;
		meeting->sample.download_kbps = 0;
		tell_state(meeting, false);
	}
	if (meeting->phase == PHASE_LOST)
		judge_joining(meeting);
}

/* Said on the way out; true when that ended it. */
static bool is_over(struct tr_meeting *meeting, const struct tr_meeting_news *news)
{
	if (meeting->phase != PHASE_JOINED && meeting->phase != PHASE_LOST)
		return false;
	if (news->sample.is_kicked)
		finish_call(meeting, TR_CALL_KICKED);
	else if (!news->is_joined && !strcmp(news->conference_error, "conference.destroyed"))
		finish(meeting, TR_MEETING_EMPTY, "the meeting was ended for everybody");
	else
		return false;
	return true;
}

static void handle_state(struct tr_meeting *meeting, const struct tr_meeting_news *news)
{
	bool is_in = news->is_joined && !news->is_no_recorder;

	meeting->last = *news;
	meeting->away[0] = '\0';
	if (is_over(meeting, news))
		return;
	switch (meeting->phase) {
	case PHASE_LOADING:
	case PHASE_JOINING:
	case PHASE_LOST:
		if (!is_in) {
			judge_joining(meeting);
			return;
		}
		enter_call(meeting);
		break;
	case PHASE_JOINED:
		if (!is_in) {
			lose_call(meeting);
			return;
		}
		break;
	default:
		return;
	}
	if (meeting->phase != PHASE_JOINED) /* left from within on_joined */
		return;
	meeting->sample = news->sample;
	tr_call_checks_update(&meeting->checks, &meeting->sample, tr_meeting_now_ms());
	tell_state(meeting, true);
	if (meeting->phase == PHASE_JOINED)
		judge_call(meeting, true);
}

static void handle_member(struct tr_meeting *meeting, const struct tr_meeting_news *news)
{
	json_t *place = json_object_get(meeting->members, news->jid);
	size_t count = json_array_size(meeting->identities);
	int rc = 0;

	if (place)
		rc = json_array_set(
			meeting->identities, (size_t)json_integer_value(place), news->identity);
	else if (count < MEMBERS_MAX && json_array_append(meeting->identities, news->identity) == 0)
		rc = json_object_set_new(
			meeting->members, news->jid, json_integer((json_int_t)count));
	if (rc < 0)
		tr_warning("a participant will be missing in the list of them");
}

static void handle_away(struct tr_meeting *meeting, const struct tr_meeting_news *news)
{
	snprintf(meeting->away, sizeof(meeting->away), "%s", news->origin);
	meeting->last = (struct tr_meeting_news){0};
	lose_call(meeting);
}

void tr_meeting_handle_push(struct tr_meeting *meeting, const char *name, const char *payload)
{
	struct tr_meeting_news news;

	if (strcmp(name, TR_MEETING_BINDING) != 0 || !meeting->browser)
		return;
	if (tr_meeting_news_parse(payload, &news) < 0) {
		tr_debug("the page pushed what is no news, which is ignored");
		return;
	}
	switch (news.kind) {
	case TR_MEETING_NEWS_NONE:
		break;
	case TR_MEETING_NEWS_STATE:
		handle_state(meeting, &news);
		break;
	case TR_MEETING_NEWS_MEMBER:
		handle_member(meeting, &news);
		break;
	case TR_MEETING_NEWS_AWAY:
		handle_away(meeting, &news);
		break;
	}
	tr_meeting_news_release(&news);
}

void tr_meeting_handle_loaded(struct tr_meeting *meeting)
{
	if (meeting->phase != PHASE_LOADING || !meeting->browser)
		return;
	meeting->phase = PHASE_JOINING;
	meeting->deadline_ms = tr_meeting_now_ms() + meeting->join_timeout_ms;
	judge_joining(meeting);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_meeting *meeting = user;
	(void)source;
	(void)usec;

	switch (meeting->phase) {
	case PHASE_LOADING:
	case PHASE_JOINING:
	case PHASE_LOST:
		judge_joining(meeting);
		break;
	case PHASE_JOINED:
		judge_call(meeting, false);
		break;
	case PHASE_ENDING:
		tell_end(meeting, NULL, 0);
		break;
	case PHASE_LEAVING:
	case PHASE_CLEARING:
		tr_meeting_tell_left(meeting);
		break;
	case PHASE_NONE:
	case PHASE_ENDED:
	case PHASE_LEFT:
		break;
	}
	return 0;
}

/* Life */

static int64_t with_default(int64_t value, int64_t otherwise)
{
	return value > 0 ? value : otherwise;
}

static int prepare(struct tr_meeting *meeting, const struct tr_meeting_settings *settings)
{
	const struct tr_meeting_url url = {
		.url = settings->url,
		.parameters = settings->url_parameters,
		.rtcstats = settings->rtcstats,
	};
	const struct tr_meeting_script script = {
		.url = settings->url,
		.binding = TR_MEETING_BINDING,
		.call_jid = settings->call_jid,
		.call_password = settings->call_password,
		.call_name = settings->call_name,
		.session_id = settings->session_id,
		.mode = settings->mode,
		.view_url = settings->view_url,
	};

	meeting->has_login = settings->call_jid && settings->call_jid[0];
	meeting->load_timeout_ms = with_default(settings->load_timeout_ms, 60 * 1000);
	meeting->join_timeout_ms = with_default(settings->join_timeout_ms, 30 * 1000);
	meeting->limits = (struct tr_call_limits){
		.empty_ms = with_default(settings->empty_timeout_ms, 30 * 1000),
		.muted_ms = with_default(settings->all_muted_timeout_ms, 10 * 60 * 1000),
		.no_media_ms = with_default(settings->no_media_timeout_ms, 3 * 60 * 1000),
		.ice_ms = with_default(settings->ice_timeout_ms, 30 * 1000),
	};
	/* A page that has lost its server shows so for a while, loads itself again, and joins. */
	meeting->lost_timeout_ms =
		meeting->load_timeout_ms + meeting->join_timeout_ms + meeting->limits.ice_ms;
	meeting->members = json_object();
	meeting->identities = json_array();
	if (!meeting->members || !meeting->identities)
		return -ENOMEM;
	int rc = tr_meeting_url_format(&url, &meeting->url);
	if (rc < 0)
		return tr_fail(rc, "the meeting's address is none");
	rc = tr_meeting_script_format(&script, &meeting->script);
	return rc < 0 ? tr_fail(rc, "cannot make the script for the meeting's page") : 0;
}

int tr_meeting_create(sd_event *event, const struct tr_meeting_settings *settings,
	const struct tr_meeting_events *events, void *user, struct tr_meeting **ret_meeting)
{
	TR_CLEANUP(tr_meeting_destroyp) struct tr_meeting *meeting = calloc(1, sizeof(*meeting));

	if (!meeting)
		return -ENOMEM;
	meeting->events = *events;
	meeting->user = user;
	meeting->cause_since_ms = -1;
	int rc = prepare(meeting, settings);
	if (rc < 0)
		return rc;
	rc = sd_event_add_time(event, &meeting->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, meeting);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(meeting->timer, SD_EVENT_OFF);
	if (rc < 0)
		return rc;
	*ret_meeting = tr_take(meeting);
	return 0;
}

void tr_meeting_destroy(struct tr_meeting *meeting)
{
	if (!meeting)
		return;
	tr_meeting_let_go(meeting);
	sd_event_source_disable_unref(meeting->timer);
	json_decref(meeting->members);
	json_decref(meeting->identities);
	tr_meeting_script_release(meeting->script);
	free(meeting->url);
	free(meeting);
}

int tr_meeting_open(struct tr_meeting *meeting, struct tr_browser *browser)
{
	tr_meeting_forget_browser(meeting);
	int rc = tr_browser_set_script(browser, meeting->script);
	if (rc == 0)
		rc = tr_browser_open(browser, meeting->url, (int)meeting->load_timeout_ms);
	if (rc < 0)
		return rc;
	meeting->browser = browser;
	tr_browser_attach(browser, on_browser_stop, meeting);
	meeting->phase = PHASE_LOADING;
	return 0;
}

void tr_meeting_forget_browser(struct tr_meeting *meeting)
{
	tr_meeting_let_go(meeting);
	meeting->last = (struct tr_meeting_news){0};
	meeting->away[0] = '\0';
	meeting->cause_since_ms = -1;
	switch (meeting->phase) {
	case PHASE_LOADING:
	case PHASE_JOINING:
	case PHASE_JOINED:
	case PHASE_LOST:
		meeting->phase = PHASE_NONE;
		tr_meeting_set_timer(meeting, -1);
		break;
	case PHASE_ENDING:
	case PHASE_LEAVING:
	case PHASE_CLEARING:
		tr_meeting_set_timer(meeting, tr_meeting_now_ms()); /* there will be no answer */
		break;
	case PHASE_NONE:
	case PHASE_ENDED:
	case PHASE_LEFT:
		break;
	}
}

const json_t *tr_meeting_participants(const struct tr_meeting *meeting)
{
	return meeting->identities;
}
