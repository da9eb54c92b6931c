#include "daemon/logline.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* "slot 12" at `text`: what follows it, and the number; NULL. */
static const char *read_slot(const char *text, unsigned *ret_slot)
{
	char *end;

	if (strncmp(text, "slot ", 5) != 0 || !isdigit((unsigned char)text[5]))
		return NULL;
	*ret_slot = (unsigned)strtoul(text + 5, &end, 10);
	return end;
}

/* "session ID" at `text`: what follows it; NULL. */
static const char *read_session(const char *text, char *out, size_t size)
{
	if (strncmp(text, "session ", 8) != 0)
		return NULL;
	text += 8;
	size_t length = 0;
	while (text[length] && text[length] != ',' && strncmp(text + length, " (", 2) != 0 &&
		strncmp(text + length, ": ", 2) != 0)
		length++;
	snprintf(out, size, "%.*s", (int)length, text);
	return text + length;
}

/* "session ID", "slot 2, session ID", "slot 2 ..." in front. */
static const char *read_subject(struct tr_logline *line, const char *text)
{
	const char *rest = read_slot(text, &line->slot);

	if (rest && !strncmp(rest, ", ", 2))
		rest += 2;
	const char *behind =
		read_session(rest ? rest : text, line->session_id, sizeof(line->session_id));
	return behind ? behind : rest ? rest : text;
}

/* In front ("session abc (room): ending"), or later on ("slot 2 finishes session abc"). */
void tr_logline_make(
	struct tr_logline *line, enum tr_log_level level, const char *area, const char *text)
{
	*line = (struct tr_logline){.level = level};
	snprintf(line->area, sizeof(line->area), "%s", area);
	snprintf(line->text, sizeof(line->text), "%s", text);
	read_subject(line, text);
	const char *later = strstr(text, " session ");
	if (!line->session_id[0] && later)
		read_session(later + 1, line->session_id, sizeof(line->session_id));
	const char *slot = strstr(text, " in slot ");
	if (line->slot == 0 && slot)
		read_slot(slot + 4, &line->slot);
}

static const char *read_level(const char *text, enum tr_log_level *ret_level)
{
	if (!strncmp(text, "error: ", 7)) {
		*ret_level = TR_LOG_ERROR;
		return text + 7;
	}
	if (!strncmp(text, "warning: ", 9)) {
		*ret_level = TR_LOG_WARNING;
		return text + 9;
	}
	return text;
}

/* "<4>" as the journal has it. */
static const char *read_priority(const char *text, enum tr_log_level *ret_level)
{
	if (text[0] != '<' || !isdigit((unsigned char)text[1]) || text[2] != '>')
		return text;
	*ret_level = (enum tr_log_level)(text[1] - '0');
	return text + 3;
}

/* A word or a few in front of the first colon; a URL's is none. */
static const char *read_area(const char *text, char *out, size_t size)
{
	const char *colon = strstr(text, ": ");
	size_t length = colon ? (size_t)(colon - text) : size;

	if (length == 0 || length >= size)
		return text;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr(" -_", text[i]))
			return text;
	snprintf(out, size, "%.*s", (int)length, text);
	return colon + 2;
}

void tr_logline_parse(struct tr_logline *line, enum tr_log_level level, const char *raw)
{
	*line = (struct tr_logline){.level = level == TR_LOG_NONE ? TR_LOG_INFO : level};
	struct tr_logline subject = {0};
	const char *text = read_priority(raw, &line->level);
	const char *rest = read_subject(&subject, text);
	char area[sizeof(line->area)] = "";

	if (rest != text && !strncmp(rest, ": ", 2))
		text = rest + 2; /* a label, of which the text is rid */
	text = read_level(text, &line->level);
	text = read_area(text, area, sizeof(area));
	enum tr_log_level found = line->level;
	tr_logline_make(line, found, area, text);
	if (subject.slot > 0)
		line->slot = subject.slot;
	if (subject.session_id[0])
		memcpy(line->session_id, subject.session_id, sizeof(line->session_id));
}

bool tr_logline_fits(const struct tr_logline *line, const struct tr_logline_filter *filter)
{
	return (filter->level == 0 || (int)line->level <= filter->level) &&
	       (filter->slot == 0 || line->slot == filter->slot) && line->ms >= filter->since_ms &&
	       (!filter->session_id[0] || !strcmp(line->session_id, filter->session_id));
}
