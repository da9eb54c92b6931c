#include "config/placeholder.h"

#include <stdbool.h>
#include <string.h>

static const char *const texts[TR_PLACEHOLDER_COUNT_] = {
	[TR_PLACEHOLDER_NONE] = "",
	[TR_PLACEHOLDER_SESSION_ID] = "{session_id}",
	[TR_PLACEHOLDER_ROOM] = "{room}",
	[TR_PLACEHOLDER_TENANT] = "{tenant}",
	[TR_PLACEHOLDER_ENVIRONMENT] = "{environment}",
	[TR_PLACEHOLDER_NODE] = "{node}",
	[TR_PLACEHOLDER_DATE] = "{date}",
	[TR_PLACEHOLDER_TIME] = "{time}",
};

const char *tr_placeholder_text(enum tr_placeholder which)
{
	return (unsigned)which < TR_PLACEHOLDER_COUNT_ ? texts[which] : "";
}

enum tr_placeholder tr_placeholder_find(const char *text, size_t *ret_length)
{
	for (unsigned i = TR_PLACEHOLDER_NONE + 1; i < TR_PLACEHOLDER_COUNT_; i++) {
		*ret_length = strlen(texts[i]);
		if (!strncmp(text, texts[i], *ret_length))
			return (enum tr_placeholder)i;
	}
	*ret_length = 0;
	return TR_PLACEHOLDER_NONE;
}

/* What no template may hold. */
static const char *find_fault(const char *text, bool has[TR_PLACEHOLDER_COUNT_])
{
	size_t length;

	if (strchr(text, '/'))
		return "a name without a slash: every recording has one folder, and no folders "
		       "above it";
	if (text[0] == '.' || text[0] == '-')
		return "a name that begins with neither a dot nor a minus";
	for (const char *at = text; *at; at += length ? length : 1) {
		enum tr_placeholder which = tr_placeholder_find(at, &length);
		has[which] = true;
		if (which == TR_PLACEHOLDER_NONE && (*at == '{' || *at == '}'))
			return "plain text with {session_id}, {room}, {tenant}, {environment}, "
			       "{node}, {date}, {time}";
	}
	return NULL;
}

const char *tr_placeholder_folder_fault(const char *text)
{
	bool has[TR_PLACEHOLDER_COUNT_] = {false};
	const char *fault = find_fault(text, has);

	if (fault)
		return fault;
	if (!has[TR_PLACEHOLDER_SESSION_ID] &&
		!(has[TR_PLACEHOLDER_DATE] && has[TR_PLACEHOLDER_TIME]))
		return "a name that no two recordings share: put {session_id}, or {date} and "
		       "{time}, into it";
	return NULL;
}

const char *tr_placeholder_file_fault(const char *text)
{
	bool has[TR_PLACEHOLDER_COUNT_] = {false};
	const char *fault = find_fault(text, has);

	return fault ? fault : text[0] ? NULL : "a name, for example \"{room}_{date}-{time}\"";
}
