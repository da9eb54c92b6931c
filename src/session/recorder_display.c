#define TR_LOG_AREA "slot"
#include "core/log.h"
#include "session/recorder_parts.h"

#include <errno.h>
#include <string.h>

#define AWAIT_NS (20 * TR_NS_PER_S) /* somebody else's X server to come back */
#define AWAIT_STEP_US 500000

static bool is_attached(const struct tr_recorder *recorder)
{
	return recorder->config.display[0] != '\0';
}

static int on_display_end(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tr_recorder *recorder = user;

	(void)fd, (void)revents;
	if (tr_xserver_is_alive(&recorder->xserver))
		return 0;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (is_attached(recorder))
		tr_recorder_warn(recorder,
			"the X server %s, which is not ours to start, has ended: waiting for it",
			recorder->config.display);
	else
		tr_recorder_warn(recorder, "the X server died: starting another");
	tr_recorder_post(recorder, TR_MACHINE_DISPLAY_LOST);
	return 0;
}

/* `why` gets a sentence when it is somebody else's and cannot be used. */
static int open_display(struct tr_recorder *recorder, char *why, size_t why_size)
{
	const struct tr_message_configure *config = &recorder->config;
	const struct tr_xserver_settings own = {
		.runtime_dir = config->runtime_dir,
		.width = config->width,
		.height = config->height,
		.rate = config->frame_rate,
	};
	const struct tr_xserver_attach other = {
		.display = config->display,
		.xauthority = config->xauthority,
		.width = config->width,
		.height = config->height,
		.problem = why,
		.problem_size = why_size,
	};

	int rc = is_attached(recorder) ? tr_xserver_attach(&other, &recorder->xserver)
				       : tr_xserver_start(&own, &recorder->xserver);
	if (rc < 0)
		return rc;
	recorder->had_display = true;
	return sd_event_add_io(recorder->event, &recorder->display_source,
		tr_xserver_fd(&recorder->xserver), EPOLLIN, on_display_end, recorder);
}

static int start_display(struct tr_recorder *recorder, char *why, size_t why_size)
{
	recorder->display_source = sd_event_source_unref(recorder->display_source);
	tr_recorder_stop_browser(recorder); /* it cannot live without its display */
	tr_xserver_stop(&recorder->xserver);
	return open_display(recorder, why, why_size);
}

/* After its end. */
static void use_again(struct tr_recorder *recorder)
{
	if (is_attached(recorder))
		tr_recorder_warn(recorder, "the X server %s is back", recorder->config.display);
	if (recorder->pipeline)
		tr_pipeline_set_display(recorder->pipeline, recorder->xserver.display,
			recorder->xserver.frame_buffer);
}

/* ---- somebody else's that has gone ---- */

static int arm_timer(struct tr_recorder *recorder);

/* A recording has waited long enough; a slot without one begins anew, once its files are made. */
static void give_up(struct tr_recorder *recorder, const char *why)
{
	recorder->display_deadline_ns = tr_clock_now_ns() + AWAIT_NS;
	if (recorder->state == TR_MACHINE_WARMING && recorder->filings)
		return;
	tr_recorder_note_reason(recorder,
		recorder->pipeline ? TR_REASON_DISPLAY_LOST : TR_REASON_NO_DISPLAY,
		"the X server %s has ended and did not come back within %d s (%s)",
		recorder->config.display, (int)(AWAIT_NS / TR_NS_PER_S), why);
	tr_recorder_post(recorder, TR_MACHINE_GIVE_UP);
}

static int on_display_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_recorder *recorder = user;
	char why[400] = "";

	(void)source, (void)usec;
	if (recorder->state == TR_MACHINE_ENDED || tr_xserver_is_set(&recorder->xserver))
		return 0;
	if (open_display(recorder, why, sizeof(why)) == 0) {
		use_again(recorder);
		tr_recorder_do_browser(recorder);
		return 0;
	}
	if (tr_clock_now_ns() >= recorder->display_deadline_ns)
		give_up(recorder, why);
	return recorder->state == TR_MACHINE_ENDED ? 0 : arm_timer(recorder);
}

static int arm_timer(struct tr_recorder *recorder)
{
	int rc;

	if (!recorder->display_timer)
		return sd_event_add_time_relative(recorder->event, &recorder->display_timer,
			CLOCK_MONOTONIC, AWAIT_STEP_US, 0, on_display_timer, recorder);
	rc = sd_event_source_set_time_relative(recorder->display_timer, AWAIT_STEP_US);
	return rc < 0 ? rc : sd_event_source_set_enabled(recorder->display_timer, SD_EVENT_ONESHOT);
}

/* Whether it is waited for: one that has worked, and may come back. */
static bool await_display(struct tr_recorder *recorder)
{
	if (!is_attached(recorder) || !recorder->had_display)
		return false;
	recorder->display_deadline_ns = tr_clock_now_ns() + AWAIT_NS;
	return arm_timer(recorder) >= 0;
}

/* ---- the table's orders ---- */

void tr_recorder_do_display(struct tr_recorder *recorder)
{
	char why[400] = "the X server (Xvfb) does not start; its own words are in the log";
	int rc = start_display(recorder, why, sizeof(why));

	if (rc < 0 && await_display(recorder))
		return;
	if (rc < 0)
		tr_recorder_note_reason(recorder, TR_REASON_NO_DISPLAY, "%s",
			rc == -ENOENT
				? "no X server is installed; `telerec doctor` says how it comes"
				: why);
	else
		rc = tr_recorder_choose_sound(recorder);
	if (rc < 0)
		tr_recorder_post(recorder, TR_MACHINE_GIVE_UP);
}

void tr_recorder_do_redisplay(struct tr_recorder *recorder)
{
	char why[400] = "";
	int rc = start_display(recorder, why, sizeof(why));

	if (rc < 0 && await_display(recorder))
		return;
	if (rc < 0) {
		tr_recorder_note_reason(recorder, TR_REASON_DISPLAY_LOST,
			"the X server died and does not start again");
		tr_recorder_post(recorder, TR_MACHINE_GIVE_UP);
		return;
	}
	use_again(recorder);
}
