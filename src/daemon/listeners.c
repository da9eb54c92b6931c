#include "daemon/listeners.h"

#include <assert.h>
#include <string.h>

void tr_listeners_add(struct tr_listeners *listeners, tr_event_fn *hear, void *user)
{
	assert(listeners->count < TR_LISTENERS_MAX);
	if (listeners->count == TR_LISTENERS_MAX)
		return;
	listeners->all[listeners->count].hear = hear;
	listeners->all[listeners->count++].user = user;
}

void tr_listeners_remove(struct tr_listeners *listeners, const void *user)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < listeners->count; i++)
		if (listeners->all[i].user != user)
			listeners->all[kept++] = listeners->all[i];
	listeners->count = kept;
}

void tr_listeners_tell(const struct tr_event *event, void *listeners)
{
	const struct tr_listeners *all = listeners;

	for (unsigned i = 0; i < all->count; i++)
		all->all[i].hear(event, all->all[i].user);
}
