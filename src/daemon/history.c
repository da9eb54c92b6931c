#include "daemon/history.h"

#include <errno.h>
#include <string.h>

struct tr_history {
	unsigned count;
	unsigned next; /* where the next one goes */
	struct tr_history_entry entries[TR_HISTORY_MAX];
};

int tr_history_create(struct tr_history **ret_history)
{
	struct tr_history *history = calloc(1, sizeof(*history));

	if (!history)
		return -ENOMEM;
	*ret_history = history;
	return 0;
}

void tr_history_destroy(struct tr_history *history)
{
	free(history);
}

struct tr_history_entry *tr_history_add(struct tr_history *history)
{
	struct tr_history_entry *entry = &history->entries[history->next];

	history->next = (history->next + 1) % TR_HISTORY_MAX;
	if (history->count < TR_HISTORY_MAX)
		history->count++;
	memset(entry, 0, sizeof(*entry));
	return entry;
}

static struct tr_history_entry *get(const struct tr_history *history, unsigned index)
{
	unsigned at = (history->next + 2 * TR_HISTORY_MAX - 1 - index) % TR_HISTORY_MAX;

	return index < history->count ? (struct tr_history_entry *)&history->entries[at] : NULL;
}

struct tr_history_entry *tr_history_find(struct tr_history *history, uint64_t job)
{
	struct tr_history_entry *entry;

	for (unsigned i = 0; (entry = get(history, i)); i++)
		if (entry->job == job)
			return entry;
	return NULL;
}

struct tr_history_entry *tr_history_find_open(struct tr_history *history, const char *folder)
{
	struct tr_history_entry *entry;

	for (unsigned i = 0; (entry = get(history, i)); i++)
		if (!entry->is_over && !strcmp(entry->folder, folder))
			return entry;
	return NULL;
}

const struct tr_history_entry *tr_history_get(const struct tr_history *history, unsigned index)
{
	return get(history, index);
}
