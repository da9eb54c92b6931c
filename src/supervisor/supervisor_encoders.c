/* What the slots can encode with: one looks, and all are told. The rights to the GPU are theirs. */
#define TR_LOG_AREA "supervisor"

#include "supervisor/supervisor_internal.h"

#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NOTHING "{}"		    /* software alone */
#define LOOK_NS (120 * TR_NS_PER_S) /* takes no slot that long */

/* `found` "": look. */
static void tell(struct slot *slot, const char *found)
{
	TR_CLEANUP(tr_freep) struct tr_message *message = calloc(1, sizeof(*message));

	if (!message) {
		tr_error("no memory to tell slot %u of the encoders", slot->number);
		return;
	}
	message->type = TR_MESSAGE_ENCODERS;
	snprintf(message->encoders.found, sizeof(message->encoders.found), "%s", found);
	tr_supervisor_send(slot, message, -1);
}

static void ask(struct slot *slot)
{
	slot->supervisor->asker = slot->number;
	slot->supervisor->asked_ns = tr_clock_now_ns();
	tell(slot, "");
}

static bool is_looking(const struct tr_supervisor *supervisor)
{
	return supervisor->asker && tr_clock_now_ns() - supervisor->asked_ns < LOOK_NS;
}

void tr_supervisor_greet_encoders(struct slot *slot)
{
	struct tr_supervisor *supervisor = slot->supervisor;

	if (!supervisor->settings.configure.is_told_encoders)
		return;
	if (supervisor->encoders)
		tell(slot, supervisor->encoders);
	else if (!is_looking(supervisor))
		ask(slot);
}

void tr_supervisor_on_encoders(struct slot *slot, const char *found)
{
	struct tr_supervisor *supervisor = slot->supervisor;

	if (supervisor->asker != slot->number)
		return;
	supervisor->asker = 0;
	char *copy = strdup(found[0] ? found : NOTHING);
	if (!copy)
		return;
	free(supervisor->encoders);
	supervisor->encoders = copy;
	for (unsigned i = 0; i < supervisor->slot_count; i++) {
		struct slot *other = &supervisor->slots[i];
		if (other != slot && other->link)
			tell(other, supervisor->encoders);
	}
	if (supervisor->events.on_encoders)
		supervisor->events.on_encoders(supervisor->encoders, supervisor->user);
}

/* Whoever has looked in vain so far waits: the next one of them. */
void tr_supervisor_lose_asker(struct slot *slot)
{
	struct tr_supervisor *supervisor = slot->supervisor;

	if (supervisor->asker != slot->number)
		return;
	supervisor->asker = 0;
	for (unsigned i = 0; i < supervisor->slot_count && !supervisor->encoders; i++) {
		struct slot *other = &supervisor->slots[i];
		if (other == slot || !other->link || supervisor->asker)
			continue;
		ask(other);
	}
}

int tr_supervisor_ask_encoders(struct tr_supervisor *supervisor)
{
	if (is_looking(supervisor) || !supervisor->settings.configure.is_told_encoders)
		return -EBUSY;
	for (unsigned i = 0; i < supervisor->slot_count; i++) {
		struct slot *slot = &supervisor->slots[i];
		if (slot->link && slot->state == TR_SLOTLIFE_IDLE) {
			ask(slot);
			return 0;
		}
	}
	return -EBUSY;
}
