#include "browser/page_internal.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"

#define TR_LOG_AREA "page"
#define CONSOLE_LINES 32
#define CONSOLE_LINE_SIZE 400

static void keep_line(struct tr_page *page, const char *text)
{
	char line[CONSOLE_LINE_SIZE];
	size_t length = (size_t)snprintf(line, sizeof(line), "%s", text);

	if (length >= sizeof(line)) { /* do not end within a character */
		length = sizeof(line) - 1;
		while (length > 0 && ((unsigned char)line[length - 1] & 0xc0) == 0x80)
			length--;
		if (length > 0 && (unsigned char)line[length - 1] & 0x80)
			length--;
		line[length] = '\0';
	}
	if (json_array_size(page->console) >= CONSOLE_LINES)
		json_array_remove(page->console, 0);
	if (json_array_append_new(page->console, json_string(line)) < 0)
		tr_debug("a line of the page's console was not kept");
}

void tr_page_on_console(struct tr_page *page, json_t *params)
{
	char line[CONSOLE_LINE_SIZE] = "";
	size_t i, used = 0;
	json_t *arg;

	const char *type = tr_page_text_of(params, "type");
	if (strcmp(type, "error") != 0 && strcmp(type, "assert") != 0)
		return;
	json_array_foreach(json_object_get(params, "args"), i, arg)
	{
		const char *text = tr_page_text_of(arg, "value");
		if (!text[0])
			text = tr_page_text_of(arg, "description");
		if (used < sizeof(line))
			used += (size_t)snprintf(
				line + used, sizeof(line) - used, "%s%s", i ? " " : "", text);
	}
	keep_line(page, line);
}

void tr_page_on_exception(struct tr_page *page, json_t *params)
{
	json_t *details = json_object_get(params, "exceptionDetails");
	const char *text = tr_page_text_of(json_object_get(details, "exception"), "description");

	keep_line(page, text[0] ? text : tr_page_text_of(details, "text"));
}

void tr_page_on_log_entry(struct tr_page *page, json_t *params)
{
	json_t *entry = json_object_get(params, "entry");

	if (!strcmp(tr_page_text_of(entry, "level"), "error"))
		keep_line(page, tr_page_text_of(entry, "text"));
}
