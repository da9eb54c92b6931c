#include "browser/browser_notice.h"

#include <errno.h>
#include <libavutil/base64.h>
#include <limits.h>
#include <stdlib.h>

void tr_browser_notice_free(struct tr_browser_notice *notice)
{
	free(notice->name);
	free(notice->text);
	json_decref(notice->value);
	free(notice->request);
	free(notice);
}

static void deliver_picture(const struct tr_browser_notice *notice)
{
	const struct tr_browser_request *request = notice->request;
	const char *text = json_string_value(notice->value);
	size_t room = AV_BASE64_DECODE_SIZE(json_string_length(notice->value));
	TR_CLEANUP(tr_freep) uint8_t *data = malloc(room + 1);
	int rc = notice->number < 0 ? notice->number : -EIO;
	int size = text && data && room <= INT_MAX && notice->number >= 0
			   ? av_base64_decode(data, text, (int)room)
			   : -1;

	if (size < 0)
		request->picture_fn(rc, NULL, 0, request->user);
	else
		request->picture_fn(0, data, (size_t)size, request->user);
}

void tr_browser_notice_deliver(
	const struct tr_browser_events *events, void *user, const struct tr_browser_notice *notice)
{
	const char *text = notice->text ? notice->text : "";

	switch (notice->kind) {
	case TR_BROWSER_NOTICE_READY:
		if (events->on_ready)
			events->on_ready(user);
		break;
	case TR_BROWSER_NOTICE_LOADED:
		if (events->on_loaded)
			events->on_loaded(text, user);
		break;
	case TR_BROWSER_NOTICE_FAILED:
		if (events->on_failed)
			events->on_failed((enum tr_load_error)notice->number, text, user);
		break;
	case TR_BROWSER_NOTICE_CRASHED:
		if (events->on_crashed)
			events->on_crashed(text, user);
		break;
	case TR_BROWSER_NOTICE_EXITED:
		if (events->on_exited)
			events->on_exited(notice->number, text, user);
		break;
	case TR_BROWSER_NOTICE_PUSH:
		if (events->on_push)
			events->on_push(notice->name ? notice->name : "", text, user);
		break;
	case TR_BROWSER_NOTICE_VALUE:
		notice->request->value_fn(notice->number, notice->value,
			notice->number < 0 ? text : NULL, notice->request->user);
		break;
	case TR_BROWSER_NOTICE_PICTURE:
		deliver_picture(notice);
		break;
	case TR_BROWSER_NOTICE_NONE:
		break;
	}
}
