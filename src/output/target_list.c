#include "output/target_list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool has_name(const struct tr_target_list *list, const char *name)
{
	for (unsigned i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].name, name))
			return true;
	return false;
}

/* Two streams to one server differ in the key alone, which is not shown. */
static void make_name(const struct tr_target_list *list, struct tr_target_list_item *item)
{
	char shown[TR_STREAM_URL_SHOWN_SIZE];

	tr_stream_url_redact(item->url, shown, sizeof(shown));
	snprintf(item->name, sizeof(item->name), "%.140s", shown);
	for (int i = 2; has_name(list, item->name); i++)
		snprintf(item->name, sizeof(item->name), "%.140s (%d)", shown, i);
}

int tr_target_list_add(struct tr_target_list *list, const char *target)
{
	struct tr_target_list_item item = {0};

	int rc = tr_stream_url_resolve(target, item.url, sizeof(item.url));
	for (unsigned i = 0; rc == 0 && i < list->count; i++)
		if (!strcmp(list->items[i].url, item.url))
			rc = -EEXIST;
	if (rc == 0 && list->count == TR_TARGET_LIST_MAX)
		rc = -E2BIG;
	if (rc == 0) {
		make_name(list, &item);
		list->items[list->count++] = item;
	}
	explicit_bzero(&item, sizeof(item));
	return rc;
}

const char *tr_target_list_fault(int rc)
{
	switch (rc) {
	case -EEXIST:
		return "is named twice";
	case -E2BIG:
		return "is one too many: 8 are the most";
	case -EPROTONOSUPPORT:
		return "is of a kind that cannot be streamed to: rtmp://, rtmps://, srt://, http:// "
		       "and https:// can";
	case -ENAMETOOLONG:
		return "is too long";
	default:
		return "is neither a URL like rtmp://host/application/key nor a key of YouTube's";
	}
}

/* Nothing in a URL that was resolved, or in a name of ours, but quotes and backslashes needs care
 * in JSON: both are printable ASCII. */
static size_t put_quoted(char *out, size_t size, size_t used, const char *text)
{
	if (used < size)
		out[used] = '"';
	used++;
	for (; *text; text++) {
		if (*text == '"' || *text == '\\') {
			if (used < size)
				out[used] = '\\';
			used++;
		}
		if (used < size)
			out[used] = *text;
		used++;
	}
	if (used < size)
		out[used] = '"';
	return used + 1;
}

static size_t put(char *out, size_t size, size_t used, const char *text)
{
	for (; *text; text++, used++)
		if (used < size)
			out[used] = *text;
	return used;
}

int tr_target_list_print(const struct tr_target_list *list, char *out, size_t size)
{
	size_t used = 0;

	for (unsigned i = 0; i < list->count; i++) {
		used = put(out, size, used, i ? ",{\"name\":" : "[{\"name\":");
		used = put_quoted(out, size, used, list->items[i].name);
		used = put(out, size, used, ",\"url\":");
		used = put_quoted(out, size, used, list->items[i].url);
		used = put(out, size, used, "}");
	}
	if (list->count > 0)
		used = put(out, size, used, "]");
	if (used >= size)
		return -ENAMETOOLONG;
	out[used] = '\0';
	return 0;
}

void tr_target_list_wipe(struct tr_target_list *list)
{
	explicit_bzero(list, sizeof(*list));
}
