#define TR_LOG_AREA "slot"
#include "core/file.h"
#include "core/log.h"
#include "session/recorder_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REPAIRS_MAX 10		      /* of browser and page, in a recording */
#define STARTS_MAX 3		      /* of the browser, before a recording */
#define HEALTHY_NS (60 * TR_NS_PER_S) /* after which earlier repairs are forgotten */
#define LEAVE_TIMEOUT_MS 1500
#define FAILURE_PICTURE "failure.png"

/* ---- sound ---- */

int tr_recorder_choose_sound(struct tr_recorder *recorder)
{
	const struct tr_message_configure *config = &recorder->config;
	struct tr_soundcard_settings settings = {
		.source = config->sound,
		.runtime_dir = config->runtime_dir,
		.plugin_path = recorder->programs.plugin[0] ? recorder->programs.plugin : NULL,
		.slot = (unsigned)config->slot,
		.capture_pcm = config->sound_capture_pcm[0] ? config->sound_capture_pcm : NULL,
		.player_pcm = config->sound_player_pcm[0] ? config->sound_player_pcm : NULL,
	};

	if (recorder->soundcard)
		return 0;
	int rc = tr_soundcard_open(&settings, &recorder->soundcard);
	if (rc < 0)
		tr_recorder_note_reason(recorder, TR_REASON_NO_SOUND, "%s",
			recorder->soundcard ? recorder->soundcard->problem
					    : "the sound cannot be set up; the log says more");
	return rc;
}

bool tr_recorder_has_sound(const struct tr_recorder *recorder)
{
	return recorder->soundcard && recorder->soundcard->way != TR_SOUNDCARD_NONE;
}

/* ---- the meeting ---- */

static void on_joined(void *user)
{
	struct tr_recorder *recorder = user;

	recorder->joined_ns = tr_clock_now_ns();
	tr_recorder_post(recorder, TR_MACHINE_PAGE_LOADED);
}

static void on_meeting_state(const struct tr_meeting_state *state, void *user)
{
	struct tr_message message = {
		.type = TR_MESSAGE_MEETING,
		.meeting =
			{
				.is_joined = state->is_joined,
				.participants = state->participants,
				.muted = state->muted,
				.is_connected = state->is_connected,
				.download_kbps = state->download_kbps,
			},
	};

	tr_recorder_send(user, &message);
}

static enum tr_reason reason_of_end(enum tr_meeting_end end)
{
	switch (end) {
	case TR_MEETING_EMPTY:
		return TR_REASON_MEETING_EMPTY;
	case TR_MEETING_MUTED:
		return TR_REASON_MEETING_MUTED;
	case TR_MEETING_KICKED:
		return TR_REASON_MEETING_KICKED;
	case TR_MEETING_JOIN_FAILED:
		return TR_REASON_JOIN_FAILED;
	case TR_MEETING_NO_MEDIA:
		return TR_REASON_NO_MEDIA;
	case TR_MEETING_ICE_FAILED:
		return TR_REASON_ICE_FAILED;
	}
	return TR_REASON_INTERNAL;
}

static void on_meeting_ended(enum tr_meeting_end end, const char *sentence, const uint8_t *picture,
	size_t picture_size, void *user)
{
	struct tr_recorder *recorder = user;

	if (picture && recorder->folder >= 0 &&
		tr_file_replace(recorder->folder, FAILURE_PICTURE, picture, picture_size) < 0)
		tr_warning("what the browser showed could not be kept");
	tr_recorder_note_reason(recorder, reason_of_end(end), "%s", sentence);
	tr_recorder_post(recorder, TR_MACHINE_TROUBLE);
}

static bool is_meeting(const struct tr_message_start *request)
{
	return strcmp(request->mode, "page") != 0;
}

static int create_meeting(struct tr_recorder *recorder)
{
	static const struct tr_meeting_events events = {
		.on_joined = on_joined,
		.on_state = on_meeting_state,
		.on_ended = on_meeting_ended,
	};
	const struct tr_message_start *request = &recorder->request;
	struct tr_meeting_settings settings = {
		.url = request->url,
		.mode = request->mode,
		.session_id = request->session_id,
		.view_url = request->view_url,
		.call_jid = request->call_jid,
		.call_password = request->call_password,
		.call_name = request->call_name,
		.url_parameters = request->url_parameters,
		.rtcstats = request->rtcstats,
		.load_timeout_ms = request->page_timeout_ms,
		.join_timeout_ms = request->join_timeout_ms,
		.empty_timeout_ms = request->empty_timeout_ms,
		.no_media_timeout_ms = request->no_media_timeout_ms,
		.all_muted_timeout_ms = request->all_muted_timeout_ms,
		.ice_timeout_ms = request->ice_timeout_ms,
	};

	return tr_meeting_create(recorder->event, &settings, &events, recorder, &recorder->meeting);
}

void tr_recorder_forget_meeting(struct tr_recorder *recorder)
{
	tr_meeting_destroy(tr_take(recorder->meeting));
}

/* ---- the browser ---- */

static void on_browser_ready(void *user)
{
	tr_recorder_post(user, TR_MACHINE_BROWSER_READY);
}

static void on_page_loaded(const char *url, void *user)
{
	struct tr_recorder *recorder = user;

	(void)url;
	if (recorder->meeting) {
		tr_meeting_handle_loaded(recorder->meeting);
		return;
	}
	recorder->joined_ns = tr_clock_now_ns();
	tr_recorder_post(recorder, TR_MACHINE_PAGE_LOADED);
}

static void on_push(const char *name, const char *payload, void *user)
{
	struct tr_recorder *recorder = user;

	if (recorder->meeting)
		tr_meeting_handle_push(recorder->meeting, name, payload);
}

static void on_page_failed(enum tr_load_error error, const char *sentence, void *user)
{
	struct tr_recorder *recorder = user;
	bool is_recording = recorder->pipeline != NULL;

	if (is_recording || error == TR_LOAD_ERROR_BROWSER || error == TR_LOAD_ERROR_HUNG)
		tr_recorder_warn(recorder, "%s", sentence);
	else
		tr_recorder_note_reason(recorder,
			error == TR_LOAD_ERROR_TIMEOUT ? TR_REASON_PAGE_TIMEOUT
						       : TR_REASON_PAGE_FAILED,
			"%s", sentence);
	if (error == TR_LOAD_ERROR_BROWSER)
		tr_recorder_post(recorder, TR_MACHINE_BROWSER_EXITED);
	else if (error == TR_LOAD_ERROR_HUNG)
		tr_recorder_post(recorder, TR_MACHINE_PAGE_CRASHED);
	else
		tr_recorder_post(recorder, TR_MACHINE_PAGE_FAILED);
}

static void on_page_crashed(const char *sentence, void *user)
{
	struct tr_recorder *recorder = user;

	if (recorder->meeting)
		tr_meeting_forget_browser(recorder->meeting);
	tr_recorder_warn(recorder, "%s", sentence);
	tr_recorder_post(recorder, TR_MACHINE_PAGE_CRASHED);
}

static void on_browser_exited(int wait_status, const char *sentence, void *user)
{
	(void)wait_status;
	tr_recorder_warn(user, "%s", sentence);
	tr_recorder_post(user, TR_MACHINE_BROWSER_EXITED);
}

static const struct tr_browser_events browser_events = {
	.on_ready = on_browser_ready,
	.on_loaded = on_page_loaded,
	.on_failed = on_page_failed,
	.on_crashed = on_page_crashed,
	.on_exited = on_browser_exited,
	.on_push = on_push,
};

static int start_browser(struct tr_recorder *recorder)
{
	static const char *const bindings[] = {TR_MEETING_BINDING, NULL};
	const struct tr_message_configure *config = &recorder->config;
	char xauthority[sizeof(recorder->xserver.xauthority) + 16];

	snprintf(xauthority, sizeof(xauthority), "XAUTHORITY=%s", recorder->xserver.xauthority);
	const char *env[] = {recorder->xserver.xauthority[0] ? xauthority : NULL, NULL};
	struct tr_browser_settings settings = {
		.chromium =
			{
				.binary = config->browser[0] ? config->browser : NULL,
				.runtime_dir = config->runtime_dir,
				.display = recorder->xserver.display,
				.width = config->width,
				.height = config->height,
				.allow_no_sandbox = true,
				.hosts = config->hosts,
				.env = env,
			},
		.bindings = bindings,
		.ignore_certificate_errors = config->ignore_certificate_errors,
		/* what is left is for the display and the sound */
		.start_timeout_ms = config->ready_ms / 3 * 2,
	};
	if (tr_recorder_has_sound(recorder)) {
		settings.chromium.alsa_pcm = recorder->soundcard->player_pcm;
		settings.chromium.alsa_config = recorder->soundcard->config;
	}
	return tr_browser_start(
		recorder->event, &settings, &browser_events, recorder, &recorder->browser);
}

/* Counts what goes wrong in a recording; a long healthy stretch wipes the slate. */
static bool may_repair(struct tr_recorder *recorder)
{
	int64_t now_ns = tr_clock_now_ns();

	if (now_ns - recorder->repaired_ns > HEALTHY_NS)
		recorder->repairs = 0;
	recorder->repaired_ns = now_ns;
	return ++recorder->repairs <= REPAIRS_MAX;
}

static void give_up_browser(struct tr_recorder *recorder)
{
	if (recorder->pipeline)
		tr_recorder_note_reason(recorder, TR_REASON_PAGE_CRASHED,
			"the browser or its page died %d times in a row", REPAIRS_MAX);
	else
		tr_recorder_note_reason(recorder, TR_REASON_NO_BROWSER,
			"the browser does not start; what it said last is in the log");
	tr_recorder_post(recorder, TR_MACHINE_GIVE_UP);
}

void tr_recorder_do_browser(struct tr_recorder *recorder)
{
	bool may_try = recorder->pipeline ? may_repair(recorder)
					  : ++recorder->browser_starts <= STARTS_MAX;

	if (!tr_xserver_is_set(&recorder->xserver))
		return; /* the display did not come up: that has been said */
	tr_recorder_stop_browser(recorder);
	if (!may_try) {
		give_up_browser(recorder);
		return;
	}
	int rc = start_browser(recorder);
	if (rc == -ENOENT) {
		tr_recorder_note_reason(recorder, TR_REASON_NO_BROWSER, "%s%s%s",
			recorder->config.browser[0] ? "there is no browser at "
						    : "no Chromium is installed",
			recorder->config.browser,
			recorder->config.browser[0] ? "" : "; `telerec doctor` says how it comes");
		tr_recorder_post(recorder, TR_MACHINE_GIVE_UP);
	} else if (rc == -EPERM) {
		tr_recorder_note_reason(recorder, TR_REASON_NO_BROWSER,
			"the browser cannot run here with its sandbox; the log says what to change");
		tr_recorder_post(recorder, TR_MACHINE_GIVE_UP);
	} else if (rc < 0) {
		tr_recorder_post(recorder, TR_MACHINE_BROWSER_EXITED);
	}
}

void tr_recorder_stop_browser(struct tr_recorder *recorder)
{
	if (recorder->meeting)
		tr_meeting_forget_browser(recorder->meeting);
	tr_browser_stop(tr_take(recorder->browser));
}

/* Which names a browser may resolve is settled when it starts. */
static bool reaches_other_hosts(const struct tr_recorder *recorder)
{
	return strcmp(recorder->config.hosts, recorder->request.hosts) != 0;
}

static int open_page(struct tr_recorder *recorder)
{
	const struct tr_message_start *request = &recorder->request;
	int rc = 0;

	if (!is_meeting(request))
		return tr_browser_open(
			recorder->browser, request->url, (int)request->page_timeout_ms);
	if (!recorder->meeting)
		rc = create_meeting(recorder);
	return rc < 0 ? rc : tr_meeting_open(recorder->meeting, recorder->browser);
}

void tr_recorder_do_open(struct tr_recorder *recorder)
{
	if (recorder->browser && reaches_other_hosts(recorder)) {
		tr_info("the browser is started again: it may reach other hosts now");
		memcpy(recorder->config.hosts, recorder->request.hosts,
			sizeof(recorder->config.hosts));
		tr_recorder_do_browser(recorder);
		return;
	}
	if (!recorder->browser) {
		tr_recorder_post(recorder, TR_MACHINE_BROWSER_EXITED);
		return;
	}
	if (recorder->state != TR_MACHINE_JOINING || recorder->repairs > 0)
		if (!may_repair(recorder)) {
			give_up_browser(recorder);
			return;
		}
	recorder->reloads += recorder->pipeline != NULL;
	if (open_page(recorder) < 0)
		tr_recorder_post(recorder, TR_MACHINE_BROWSER_EXITED);
}

/* ---- leaving ---- */

static void on_left(void *user)
{
	tr_recorder_post(user, TR_MACHINE_LEFT);
}

void tr_recorder_do_leave(struct tr_recorder *recorder)
{
	if (recorder->meeting && recorder->browser &&
		tr_meeting_leave(recorder->meeting, LEAVE_TIMEOUT_MS, on_left, recorder) == 0)
		return;
	if (recorder->browser && tr_browser_open(recorder->browser, "about:blank", 10000) < 0)
		tr_debug("the browser did not leave the page");
	/* Without a display the next recording must wait for one. */
	tr_recorder_post(recorder,
		tr_xserver_is_set(&recorder->xserver) ? TR_MACHINE_LEFT : TR_MACHINE_DISPLAY_LOST);
}
