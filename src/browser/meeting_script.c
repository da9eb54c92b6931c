#include "browser/meeting_script.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const char tr_meeting_script_source[]; /* made of meeting_script.js by the build */

void tr_meeting_script_release(char *script)
{
	if (script)
		explicit_bzero(script, strlen(script));
	free(script);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

/* What recorders put into the page's local storage. */
static json_t *pack_storage(const struct tr_meeting_script *settings)
{
	json_t *storage = json_pack("{s:s, s:s, s:s}", "displayname", "", "email", "",
		"callStatsUserName", or_empty(settings->call_name));

	if (storage && or_empty(settings->call_jid)[0] &&
		(json_object_set_new(
			 storage, "xmpp_username_override", json_string(settings->call_jid)) < 0 ||
			json_object_set_new(storage, "xmpp_password_override",
				json_string(or_empty(settings->call_password))) < 0)) {
		json_decref(storage);
		return NULL;
	}
	return storage;
}

static json_t *pack_presence(const struct tr_meeting_script *settings)
{
	json_t *presence = json_pack("{s:s, s:s}", "session_id", or_empty(settings->session_id),
		"mode", or_empty(settings->mode));

	if (presence && or_empty(settings->view_url)[0] &&
		json_object_set_new(
			presence, "live-stream-view-url", json_string(settings->view_url)) < 0) {
		json_decref(presence);
		return NULL;
	}
	return presence;
}

int tr_meeting_script_format(const struct tr_meeting_script *settings, char **ret_script)
{
	char *script;

	json_t *storage = pack_storage(settings);
	json_t *presence = pack_presence(settings);
	if (!storage || !presence) {
		json_decref(storage);
		json_decref(presence);
		return -EINVAL;
	}
	json_t *all = json_pack("{s:s, s:s, s:o, s:o}", "url", settings->url, "binding",
		settings->binding, "storage", storage, "presence", presence);
	/* ASCII, so that no character means anything to the language around it. */
	TR_CLEANUP(tr_meeting_script_releasep)
	char *text = all ? json_dumps(all, JSON_ENSURE_ASCII | JSON_COMPACT) : NULL;
	json_decref(all);
	if (!text)
		return -EINVAL;
	if (asprintf(&script, "%s(%s);\n", tr_meeting_script_source, text) < 0)
		return -ENOMEM;
	*ret_script = script;
	return 0;
}
