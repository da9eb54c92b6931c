#define TR_LOG_AREA "supervisor"

#include "supervisor/supervisor.h"

#include "core/child.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "protocol/slot_client.h"
#include "supervisor/backoff.h"
#include "system/runtime_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define READY_TIMEOUT_US (90 * 1000000)
#define QUIT_GRACE_MS 10000

enum slot_state {
	SLOT_PAUSING,  /* `timer` starts it */
	SLOT_STARTING, /* `timer` gives it up */
	SLOT_READY,
};

struct slot {
	struct tr_supervisor *supervisor;
	int number; /* from 1 */
	enum slot_state state;
	struct tr_slot_client *client; /* NULL while pausing */
	sd_event_source *messages;
	sd_event_source *timer;
	struct tr_backoff backoff;
	int64_t started_ns;
	unsigned starts;
	char runtime_base[PATH_MAX];
};

struct tr_supervisor {
	sd_event *event;
	struct tr_supervisor_settings settings;
	char program[PATH_MAX];
	struct tr_account account;
	unsigned slot_count;
	struct slot slots[];
};

static int on_timer(sd_event_source *source, uint64_t now_us, void *data);

static int set_timer(struct slot *slot, uint64_t after_us)
{
	slot->timer = sd_event_source_unref(slot->timer);
	return sd_event_add_time_relative(slot->supervisor->event, &slot->timer, CLOCK_MONOTONIC,
		after_us, 0, on_timer, slot);
}

static void pause_slot(struct slot *slot)
{
	int64_t pause_ns = tr_backoff_next_ns(&slot->backoff, tr_clock_now_ns() - slot->started_ns);

	slot->state = SLOT_PAUSING;
	int rc = set_timer(slot, (uint64_t)pause_ns / 1000);
	if (rc < 0)
		tr_fail(rc, "slot %d cannot be started again", slot->number);
	else
		tr_info("starting slot %d again in %.1f s", slot->number, (double)pause_ns / 1e9);
}

/* Ends what is left of the process, and waits for the next try. */
static void lose_slot(struct slot *slot, const char *why)
{
	char fate[100];

	slot->messages = sd_event_source_disable_unref(slot->messages);
	int status = tr_slot_client_abort(slot->client);
	tr_child_describe(status, fate, sizeof(fate));
	tr_warning("slot %d %s", slot->number, why ? why : fate);
	tr_slot_client_destroy(tr_take(slot->client));
	tr_runtime_dir_remove(slot->runtime_base);
	slot->runtime_base[0] = '\0';
	pause_slot(slot);
}

static void on_message(struct slot *slot, const struct tr_message *message)
{
	switch (message->type) {
	case TR_MESSAGE_READY:
		slot->state = SLOT_READY;
		slot->timer = sd_event_source_disable_unref(slot->timer);
		tr_info("slot %d is ready: %s, sound %s, encoder %s", slot->number,
			message->ready.browser_version, message->ready.sound,
			message->ready.encoder);
		break;
	case TR_MESSAGE_FAILED:
		tr_error("slot %d: %s", slot->number,
			message->failed.sentence[0] ? message->failed.sentence
						    : tr_reason_sentence(message->failed.reason));
		break;
	case TR_MESSAGE_WARNING:
		tr_warning("slot %d: %s", slot->number, message->warning.sentence);
		break;
	default:
		tr_debug("slot %d says %s", slot->number, tr_message_type_name(message->type));
	}
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct slot *slot = data;
	struct tr_message message;
	char why[300];
	int rc;

	(void)source, (void)fd, (void)events;
	while ((rc = tr_message_receive(tr_slot_client_line(slot->client), &message, NULL, why,
			sizeof(why))) == 0) {
		on_message(slot, &message);
		if (message.type == TR_MESSAGE_FAILED && slot->state == SLOT_STARTING) {
			lose_slot(slot, "cannot be made ready");
			return 0;
		}
	}
	if (rc == -EPROTO)
		tr_warning("slot %d: %s", slot->number, why);
	if (rc != -EAGAIN)
		lose_slot(slot, rc == -EPROTO ? "speaks another language" : NULL);
	return 0;
}

static int configure_slot(struct slot *slot)
{
	struct tr_supervisor *supervisor = slot->supervisor;
	struct tr_message message = {
		.type = TR_MESSAGE_CONFIGURE, .configure = supervisor->settings.configure};
	struct tr_message_configure *to = &message.configure;

	int rc = tr_runtime_dir_make(
		&supervisor->account, slot->runtime_base, sizeof(slot->runtime_base));
	if (rc == 0)
		rc = tr_runtime_dir_add(slot->runtime_base, &supervisor->account, 1,
			to->runtime_dir, sizeof(to->runtime_dir));
	if (rc < 0)
		return rc;
	to->slot = slot->number;
	snprintf(to->user, sizeof(to->user), "%s", supervisor->account.user);
	return tr_message_send(tr_slot_client_line(slot->client), &message, -1);
}

static int start_slot(struct slot *slot)
{
	struct tr_supervisor *supervisor = slot->supervisor;

	slot->started_ns = tr_clock_now_ns();
	slot->starts++;
	int rc = tr_slot_client_start(
		supervisor->program, false, supervisor->settings.log_level, &slot->client);
	if (rc < 0)
		return tr_fail(rc, "cannot start %s", supervisor->program);
	slot->state = SLOT_STARTING;
	rc = configure_slot(slot);
	if (rc == 0 || rc == -EPIPE) /* with EPIPE its end is noticed by the loop */
		rc = sd_event_add_io(supervisor->event, &slot->messages,
			tr_line_fd(tr_slot_client_line(slot->client)), EPOLLIN, on_readable, slot);
	if (rc >= 0)
		rc = set_timer(slot, READY_TIMEOUT_US);
	if (rc < 0) {
		tr_fail(rc, "cannot set slot %d up", slot->number);
		slot->messages = sd_event_source_disable_unref(slot->messages);
		tr_slot_client_destroy(tr_take(slot->client));
	}
	return rc < 0 ? rc : 0;
}

static int on_timer(sd_event_source *source, uint64_t now_us, void *data)
{
	struct slot *slot = data;

	(void)source, (void)now_us;
	if (slot->state == SLOT_STARTING)
		lose_slot(slot, "did not get ready in time");
	else if (start_slot(slot) < 0)
		pause_slot(slot);
	return 0;
}

int tr_supervisor_create(sd_event *event, const struct tr_supervisor_settings *settings,
	struct tr_supervisor **ret_supervisor)
{
	TR_CLEANUP(tr_supervisor_destroyp)
	struct tr_supervisor *supervisor =
		calloc(1, sizeof(*supervisor) + settings->slots * sizeof(supervisor->slots[0]));
	if (!supervisor)
		return -ENOMEM;
	supervisor->event = sd_event_ref(event);
	supervisor->settings = *settings;
	supervisor->slot_count = settings->slots;
	tr_account_for_slots(&supervisor->account);
	int rc = tr_text_format(
		supervisor->program, sizeof(supervisor->program), "%s", settings->program);
	for (unsigned i = 0; rc == 0 && i < settings->slots; i++) {
		supervisor->slots[i].supervisor = supervisor;
		supervisor->slots[i].number = (int)i + 1;
		rc = start_slot(&supervisor->slots[i]);
	}
	if (rc < 0)
		return rc;
	*ret_supervisor = tr_take(supervisor);
	return 0;
}

void tr_supervisor_destroy(struct tr_supervisor *supervisor)
{
	if (!supervisor)
		return;
	for (unsigned i = 0; i < supervisor->slot_count; i++) {
		struct slot *slot = &supervisor->slots[i];
		sd_event_source_disable_unref(slot->messages);
		sd_event_source_disable_unref(slot->timer);
		if (slot->client)
			tr_slot_client_stop(slot->client, QUIT_GRACE_MS);
		tr_slot_client_destroy(slot->client);
		if (slot->runtime_base[0])
			tr_runtime_dir_remove(slot->runtime_base);
	}
	sd_event_unref(supervisor->event);
	free(supervisor);
}

unsigned tr_supervisor_ready_slots(const struct tr_supervisor *supervisor)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < supervisor->slot_count; i++)
		ready += supervisor->slots[i].state == SLOT_READY;
	return ready;
}
