#include "daemon/linkwatch.h"

#include <errno.h>
#include <string.h>

#define PERIOD_US 1000000
#define ACCURACY_US 200000

struct seen {
	enum tr_xmpp_link_state state;
	char problem[sizeof(((struct tr_xmpp_link *)0)->problem)];
};

struct tr_linkwatch {
	const struct tr_xmpp *xmpp;
	tr_event_fn *tell;
	void *user;
	sd_event_source *timer;
	unsigned count;
	struct seen seen[];
};

static void look(struct tr_linkwatch *watch, unsigned index)
{
	struct seen *seen = &watch->seen[index];
	struct tr_xmpp_link link;

	tr_xmpp_read_link(watch->xmpp, index, &link);
	if (seen->state == link.state && !strcmp(seen->problem, link.problem))
		return;
	seen->state = link.state;
	memcpy(seen->problem, link.problem, sizeof(seen->problem));
	const struct tr_event event = {
		.type = TR_EVENT_LINK,
		.slot = link.slot,
		.session_id = "",
		.room = "",
		.environment = link.environment,
		.state = tr_snapshot_link_name(link.state),
		.sentence = link.problem,
		.link = &link,
	};
	watch->tell(&event, watch->user);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_linkwatch *watch = user;

	(void)usec;
	for (unsigned i = 0; i < watch->count; i++)
		look(watch, i);
	sd_event_source_set_time_relative(source, PERIOD_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int tr_linkwatch_create(sd_event *event, const struct tr_xmpp *xmpp, tr_event_fn *tell, void *user,
	struct tr_linkwatch **ret_watch)
{
	unsigned count = xmpp ? tr_xmpp_link_count(xmpp) : 0;
	TR_CLEANUP(tr_linkwatch_destroyp)
	struct tr_linkwatch *watch = calloc(1, sizeof(*watch) + count * sizeof(watch->seen[0]));
	if (!watch)
		return -ENOMEM;
	watch->xmpp = xmpp;
	watch->tell = tell;
	watch->user = user;
	watch->count = count;
	int rc = count == 0 ? 0
			    : sd_event_add_time_relative(event, &watch->timer, CLOCK_MONOTONIC,
				      PERIOD_US, ACCURACY_US, on_timer, watch);
	if (rc < 0)
		return rc;
	*ret_watch = tr_take(watch);
	return 0;
}

void tr_linkwatch_destroy(struct tr_linkwatch *watch)
{
	if (!watch)
		return;
	sd_event_source_disable_unref(watch->timer);
	free(watch);
}

void tr_linkwatch_read(const struct tr_linkwatch *watch, struct tr_snapshot *snapshot)
{
	snapshot->link_count = 0;
	for (unsigned i = 0; i < watch->count && i < TR_COUNT(snapshot->links); i++)
		tr_xmpp_read_link(watch->xmpp, i, &snapshot->links[snapshot->link_count++]);
}
