#include "daemon/journal.h"

#include "core/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

#define SLOTS_MAX 16
#define LOOKS_MAX 20000
#define PATIENCE_NS (TR_NS_PER_S / 2)
#define LINE_BYTES 4096

bool tr_journal_is_ours(void)
{
	return getenv("JOURNAL_STREAM") != NULL && getenv("INVOCATION_ID") != NULL;
}

static void close_journal(sd_journal **journal)
{
	if (*journal)
		sd_journal_close(*journal);
}

static int match_units(sd_journal *journal)
{
	char match[80];

	int rc = sd_journal_add_match(journal, "_SYSTEMD_UNIT=telerecd.service", 0);
	for (unsigned slot = 1; rc >= 0 && slot <= SLOTS_MAX; slot++) {
		snprintf(match, sizeof(match), "_SYSTEMD_UNIT=telerec-slot@%u.service", slot);
		rc = sd_journal_add_match(journal, match, 0);
	}
	return rc;
}

/* The field's value; "" when it has none. */
static void read_field(sd_journal *journal, const char *name, char *out, size_t size)
{
	const void *data;
	size_t length, skip = strlen(name) + 1;

	out[0] = '\0';
	if (sd_journal_get_data(journal, name, &data, &length) < 0 || length < skip)
		return;
	snprintf(out, size, "%.*s", (int)(length - skip), (const char *)data + skip);
}

static int read_line(sd_journal *journal, struct tr_logline *line)
{
	char raw[LINE_BYTES], priority[4], unit[80];
	unsigned slot = 0;
	uint64_t usec;

	int rc = sd_journal_get_realtime_usec(journal, &usec);
	if (rc < 0)
		return rc;
	read_field(journal, "MESSAGE", raw, sizeof(raw));
	read_field(journal, "PRIORITY", priority, sizeof(priority));
	read_field(journal, "_SYSTEMD_UNIT", unit, sizeof(unit));
	tr_logline_parse(line, (enum tr_log_level)atoi(priority), raw);
	line->ms = (int64_t)(usec / 1000);
	if (line->slot == 0 && sscanf(unit, "telerec-slot@%u.service", &slot) == 1)
		line->slot = slot;
	return 0;
}

int tr_journal_read(
	int64_t since_ms, bool (*take)(const struct tr_logline *line, void *user), void *user)
{
	TR_CLEANUP(close_journal) sd_journal *journal = NULL;
	int64_t end_ns = tr_clock_now_ns() + PATIENCE_NS;
	struct tr_logline line;

	int rc = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY);
	if (rc >= 0)
		rc = match_units(journal);
	if (rc >= 0)
		rc = sd_journal_seek_tail(journal);
	for (unsigned i = 0; rc >= 0 && i < LOOKS_MAX && tr_clock_now_ns() < end_ns; i++) {
		rc = sd_journal_previous(journal);
		if (rc <= 0 || read_line(journal, &line) < 0 || line.ms < since_ms ||
			!take(&line, user))
			break;
	}
	return rc < 0 ? rc : 0;
}
