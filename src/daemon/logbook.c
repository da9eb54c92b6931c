#include "daemon/logbook.h"

#include "core/clock.h"
#include "daemon/journal.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Shorter than a line taken apart, of which 2000 are too much. */
struct entry {
	int64_t ms;
	enum tr_log_level level;
	unsigned slot;
	char *area, *session_id, *text;
};

struct tr_logbook {
	pthread_mutex_t lock;
	/* under `lock` */
	unsigned next; /* where the next one goes */
	struct entry entries[TR_LOGBOOK_LINES];
};

static void free_entry(struct entry *entry)
{
	free(entry->area);
	free(entry->session_id);
	free(entry->text);
	*entry = (struct entry){0};
}

static void add(struct tr_logbook *book, const struct tr_logline *line)
{
	struct entry entry = {tr_clock_wall_ns() / TR_NS_PER_MS, line->level, line->slot,
		strdup(line->area), strdup(line->session_id), strdup(line->text)};

	if (!entry.area || !entry.session_id || !entry.text) {
		free_entry(&entry);
		return;
	}
	pthread_mutex_lock(&book->lock);
	free_entry(&book->entries[book->next]);
	book->entries[book->next] = entry;
	book->next = (book->next + 1) % TR_LOGBOOK_LINES;
	pthread_mutex_unlock(&book->lock);
}

static void hear(enum tr_log_level level, const char *area, const char *text, void *user)
{
	struct tr_logline line;

	tr_logline_make(&line, level, area, text);
	add(user, &line);
}

void tr_logbook_add(struct tr_logbook *book, unsigned slot, const char *raw)
{
	struct tr_logline line;

	tr_logline_parse(&line, TR_LOG_NONE, raw);
	line.slot = slot;
	add(book, &line);
}

int tr_logbook_create(struct tr_logbook **ret_book)
{
	struct tr_logbook *book = calloc(1, sizeof(*book));

	if (!book)
		return -ENOMEM;
	pthread_mutex_init(&book->lock, NULL);
	tr_log_set_listener(hear, book);
	*ret_book = book;
	return 0;
}

void tr_logbook_destroy(struct tr_logbook *book)
{
	if (!book)
		return;
	tr_log_set_listener(NULL, NULL);
	for (unsigned i = 0; i < TR_LOGBOOK_LINES; i++)
		free_entry(&book->entries[i]);
	pthread_mutex_destroy(&book->lock);
	free(book);
}

/* ---- reading ---- */

struct reader {
	const struct tr_logline_filter *filter;
	json_t *lines; /* newest first */
};

static const char *level_name(enum tr_log_level level)
{
	return level <= TR_LOG_ERROR	 ? "error"
	       : level == TR_LOG_WARNING ? "warning"
	       : level <= TR_LOG_INFO	 ? "info"
					 : "debug";
}

/* What a page or a driver said may be no UTF-8. */
static json_t *text_of(const char *text)
{
	json_t *string = json_string(text);
	TR_CLEANUP(tr_freep) char *plain = string ? NULL : strdup(text);

	for (char *c = plain; c && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return string ? string : json_string(plain ? plain : "");
}

static bool take(const struct tr_logline *line, void *user)
{
	struct reader *reader = user;

	if (tr_logline_fits(line, reader->filter))
		json_array_append_new(reader->lines,
			json_pack("{s:I, s:s, s:o, s:i, s:o, s:o}", "ms", (json_int_t)line->ms,
				"level", level_name(line->level), "area", text_of(line->area),
				"slot", (int)line->slot, "session_id", text_of(line->session_id),
				"text", text_of(line->text)));
	return json_array_size(reader->lines) < reader->filter->limit;
}

static void read_book(const struct tr_logbook *book, struct reader *reader)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&book->lock;
	bool wants_more = reader->filter->limit > 0;

	pthread_mutex_lock(lock);
	for (unsigned i = 1; wants_more && i <= TR_LOGBOOK_LINES; i++) {
		unsigned at = (book->next + TR_LOGBOOK_LINES - i) % TR_LOGBOOK_LINES;
		const struct entry *entry = &book->entries[at];
		struct tr_logline line = {entry->ms, entry->level, "", entry->slot, "", ""};
		if (!entry->text)
			break;
		snprintf(line.area, sizeof(line.area), "%s", entry->area);
		snprintf(line.session_id, sizeof(line.session_id), "%s", entry->session_id);
		snprintf(line.text, sizeof(line.text), "%s", entry->text);
		wants_more = take(&line, reader);
	}
	pthread_mutex_unlock(lock);
}

int tr_logbook_read(
	const struct tr_logbook *book, const struct tr_logline_filter *filter, json_t **ret_lines)
{
	struct reader reader = {filter, json_array()};
	json_t *lines = json_array();

	if (filter->limit > 0 && tr_journal_is_ours() &&
		tr_journal_read(filter->since_ms, take, &reader) < 0)
		json_array_clear(reader.lines);
	if (json_array_size(reader.lines) == 0)
		read_book(book, &reader);
	for (size_t i = json_array_size(reader.lines); i > 0; i--)
		json_array_append(lines, json_array_get(reader.lines, i - 1));
	json_decref(reader.lines);
	if (!lines)
		return -ENOMEM;
	*ret_lines = lines;
	return 0;
}
