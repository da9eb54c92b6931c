#define TR_LOG_AREA "slot"
#include "core/log.h"
#include "session/privileges.h"
#include "session/recorder_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- to the parent ---- */

static void send_with(struct tr_recorder *recorder, const struct tr_message *message, int fd)
{
	if (!recorder->line)
		return;
	int rc = tr_message_send(recorder->line, message, fd);
	if (rc < 0 && rc != -EPIPE)
		tr_warning("cannot tell the parent: %s", strerror(-rc));
	unsigned events = EPOLLIN;
	if (tr_line_wants_to_send(recorder->line))
		events |= EPOLLOUT;
	sd_event_source_set_io_events(recorder->control_source, events);
}

void tr_recorder_send(struct tr_recorder *recorder, const struct tr_message *message)
{
	send_with(recorder, message, -1);
}

void tr_recorder_send_picture(int fd, size_t size, int width, int rc, void *user)
{
	struct tr_message message = {.type = TR_MESSAGE_PICTURE, .picture = {.width = width}};

	if (rc == 0)
		message.picture.bytes = (int64_t)size;
	else
		snprintf(message.picture.sentence, sizeof(message.picture.sentence),
			"the screen cannot be shown: %s", strerror(-rc));
	send_with(user, &message, fd);
}

void tr_recorder_warn(struct tr_recorder *recorder, const char *format, ...)
{
	struct tr_message message = {.type = TR_MESSAGE_WARNING};
	va_list args;

	va_start(args, format);
	vsnprintf(message.warning.sentence, sizeof(message.warning.sentence), format, args);
	va_end(args);
	tr_warning("%s", message.warning.sentence);
	tr_recorder_send(recorder, &message);
}

void tr_recorder_send_failed(struct tr_recorder *recorder, const char *session_id,
	enum tr_reason reason, const char *sentence, const char *file)
{
	struct tr_message message = {.type = TR_MESSAGE_FAILED};
	struct tr_message_failed *failed = &message.failed;

	failed->reason = reason;
	failed->exit_code = tr_reason_exit_code(reason);
	snprintf(failed->session_id, sizeof(failed->session_id), "%s", session_id);
	snprintf(failed->sentence, sizeof(failed->sentence), "%s",
		sentence[0] ? sentence : tr_reason_sentence(reason));
	snprintf(failed->file, sizeof(failed->file), "%s", file);
	tr_error("%s", failed->sentence);
	tr_recorder_send(recorder, &message);
}

void tr_recorder_send_stopped(struct tr_recorder *recorder, bool has_files)
{
	struct tr_message message = {.type = TR_MESSAGE_STOPPED};
	struct tr_message_stopped *stopped = &message.stopped;

	memcpy(stopped->session_id, recorder->request.session_id, sizeof(stopped->session_id));
	stopped->reason = recorder->reason;
	memcpy(stopped->sentence, recorder->sentence, sizeof(stopped->sentence));
	stopped->has_files = has_files;
	tr_recorder_send(recorder, &message);
}

void tr_recorder_send_state(struct tr_recorder *recorder)
{
	struct tr_message message = {.type = TR_MESSAGE_STATE};

	snprintf(message.state.state, sizeof(message.state.state), "%s",
		tr_machine_state_name(recorder->state));
	tr_recorder_send(recorder, &message);
}

/* ---- from the parent ---- */

static bool size_is_sane(const struct tr_message_configure *config)
{
	return config->width >= 64 && config->width <= 7680 && config->width % 2 == 0 &&
	       config->height >= 64 && config->height <= 4320 && config->height % 2 == 0 &&
	       config->frame_rate >= 1 && config->frame_rate <= 60;
}

/* Under the service manager the unit gives the slot its folder, and telerecd names none. */
static void take_own_runtime_dir(struct tr_message_configure *config)
{
	const char *own = getenv("RUNTIME_DIRECTORY");

	if (!config->runtime_dir[0] && own && own[0] == '/')
		snprintf(config->runtime_dir, sizeof(config->runtime_dir), "%s", own);
}

static void on_configure(struct tr_recorder *recorder, const struct tr_message_configure *config)
{
	if (recorder->state != TR_MACHINE_NONE || !size_is_sane(config)) {
		tr_recorder_send_failed(recorder, "", TR_REASON_BAD_REQUEST,
			"a slot is configured once, with a size from 64x64 to 7680x4320 (even numbers) "
			"and a rate from 1 to 60",
			"");
		return;
	}
	recorder->config = *config;
	take_own_runtime_dir(&recorder->config);
	tr_privileges_prepare_system();
	int rc = tr_programs_copy_plugin(&recorder->programs, recorder->config.runtime_dir);
	if (rc == 0)
		rc = tr_privileges_drop(config->user);
	if (rc < 0) {
		tr_recorder_send_failed(recorder, "", TR_REASON_INTERNAL,
			"the slot cannot become an ordinary user", "");
		tr_recorder_post(recorder, TR_MACHINE_QUIT);
		return;
	}
	recorder->awaits_encoders = true;
	if (!config->is_told_encoders)
		tr_recorder_ask_encoders(recorder);
	tr_recorder_post(recorder, TR_MACHINE_CONFIGURED);
}

static void on_start(
	struct tr_recorder *recorder, const struct tr_message_start *request, int folder)
{
	TR_CLEANUP(tr_closep) int given = folder;

	memcpy(recorder->refused_id, request->session_id, sizeof(recorder->refused_id));
	if (recorder->state != TR_MACHINE_IDLE) {
		tr_recorder_post(recorder, TR_MACHINE_START); /* refused by the table */
		return;
	}
	if (!tr_recorder_can_file(recorder)) {
		tr_recorder_do_refuse(recorder);
		return;
	}
	if (given < 0) {
		tr_recorder_send_failed(recorder, request->session_id, TR_REASON_BAD_REQUEST,
			"a start came without its folder", "");
		return;
	}
	tr_recorder_forget_meeting(recorder);
	tr_recorder_renew_ladder(recorder);
	char label[200];
	snprintf(label, sizeof(label), "slot %d, session %.80s", recorder->config.slot,
		request->session_id);
	tr_log_set_label(label);
	recorder->request = *request;
	recorder->asked_ns = tr_clock_now_ns();
	recorder->joined_ns = 0;
	recorder->folder = tr_take_fd(&given);
	recorder->was_no_sound_said = recorder->was_low_disk_said = false;
	tr_recorder_post(recorder, TR_MACHINE_START);
}

static void on_preview(struct tr_recorder *recorder, const struct tr_message_preview *preview)
{
	const struct tr_preview_settings settings = {
		.frame_buffer = recorder->xserver.frame_buffer,
		.display = recorder->xserver.display,
		.width = recorder->config.width,
		.height = recorder->config.height,
		.to_width = preview->width,
	};
	int rc = tr_xserver_is_set(&recorder->xserver)
			 ? tr_preview_make(recorder->preview, &settings)
			 : -ENODATA;

	if (rc < 0)
		tr_recorder_send_picture(-1, 0, preview->width, rc, recorder);
}

static void on_message(struct tr_recorder *recorder, const struct tr_message *message, int fd)
{
	switch (message->type) {
	case TR_MESSAGE_CONFIGURE:
		on_configure(recorder, &message->configure);
		break;
	case TR_MESSAGE_START:
		on_start(recorder, &message->start, fd);
		return; /* the descriptor is taken */
	case TR_MESSAGE_FINISH:
		tr_recorder_finish_leftover(recorder, message->finish.session_id, fd);
		return; /* this one, too */
	case TR_MESSAGE_ECONOMIZE:
		tr_recorder_economize(recorder, message->economize.level);
		break;
	case TR_MESSAGE_ENCODERS:
		tr_recorder_on_encoders(recorder, &message->encoders);
		break;
	case TR_MESSAGE_PREVIEW:
		on_preview(recorder, &message->preview);
		break;
	case TR_MESSAGE_STOP:
		tr_recorder_post(recorder, TR_MACHINE_STOP);
		break;
	case TR_MESSAGE_QUIT:
		tr_recorder_quit(recorder);
		break;
	default:
		tr_warning("the parent sent %s, which is ours to send",
			tr_message_type_name(message->type));
	}
	if (fd >= 0)
		close(fd);
}

static void lose_parent(struct tr_recorder *recorder)
{
	tr_info("the parent has gone: ending");
	recorder->control_source = sd_event_source_unref(recorder->control_source);
	tr_line_destroy(tr_take(recorder->line));
	tr_recorder_quit(recorder);
}

int tr_recorder_on_control(sd_event_source *source, int socket, uint32_t revents, void *user)
{
	struct tr_recorder *recorder = user;
	struct tr_message message;
	char why[256];
	int fd;

	(void)socket;
	if (revents & EPOLLOUT) {
		if (tr_line_flush(recorder->line) < 0) {
			lose_parent(recorder);
			return 0;
		}
		if (!tr_line_wants_to_send(recorder->line))
			sd_event_source_set_io_events(source, EPOLLIN);
	}
	for (;;) {
		int rc = tr_message_receive(recorder->line, &message, &fd, why, sizeof(why));
		if (rc == -EAGAIN)
			return 0;
		if (rc == -EPROTO) {
			tr_recorder_send_failed(recorder, "", TR_REASON_BAD_REQUEST, why, "");
			continue;
		}
		if (rc < 0) {
			lose_parent(recorder);
			return 0;
		}
		on_message(recorder, &message, fd);
		if (!recorder->line)
			return 0;
	}
}
