#include "cli/import_env.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ENVIRONMENTS "jibri.api.xmpp.environments"

/* What the image puts where; `fallback` is what it takes itself, NULL: it leaves the key out. */
struct variable {
	const char *name;
	const char *path; /* in jibri.conf, from "jibri."; of an environment: from its group */
	const char *fallback;
	bool is_list; /* words between commas */
};

static const struct variable main_variables[] = {
	{"JIBRI_INSTANCE_ID", "id", NULL, false},
	{"JIBRI_SINGLE_USE_MODE", "single-use-mode", NULL, false},
	{"JIBRI_HTTP_API_EXTERNAL_PORT", "api.http.external-api-port", NULL, false},
	{"JIBRI_HTTP_API_INTERNAL_PORT", "api.http.internal-api-port", NULL, false},
	{"JIBRI_RECORDING_DIR", "recording.recordings-directory", NULL, false},
	{"JIBRI_FINALIZE_RECORDING_SCRIPT_PATH", "recording.finalize-script", NULL, false},
	{"JIBRI_WEBHOOK_SUBSCRIBERS", "webhook.subscribers", NULL, true},
	{"JIBRI_RECORDING_RESOLUTION", "ffmpeg.resolution", "1280x720", false},
	{"JIBRI_RECORDING_VIDEO_ENCODE_PRESET_RECORDING", "ffmpeg.video-encode-preset-recording",
		NULL, false},
	{"JIBRI_RECORDING_VIDEO_ENCODE_PRESET_STREAMING", "ffmpeg.video-encode-preset-streaming",
		NULL, false},
	{"JIBRI_RECORDING_VIDEO_ENCODE_PRESET", "ffmpeg.video-encode-preset", NULL, false},
	{"JIBRI_RECORDING_CONSTANT_RATE_FACTOR", "ffmpeg.h264-constant-rate-factor", NULL, false},
	{"JIBRI_RECORDING_FRAMERATE", "ffmpeg.framerate", NULL, false},
	{"JIBRI_RECORDING_QUEUE_SIZE", "ffmpeg.queue-size", NULL, false},
	{"JIBRI_RECORDING_STREAMING_MAX_BITRATE", "ffmpeg.streaming-max-bitrate", NULL, false},
	{"CHROMIUM_FLAGS", "chrome.flags", NULL, true},
	{"ENABLE_STATS_D", "stats.enable-stats-d", NULL, false},
	{"JIBRI_STATSD_HOST", "stats.host", NULL, false},
	{"JIBRI_STATSD_PORT", "stats.port", NULL, false},
	{"JIBRI_ENABLE_PROMETHEUS", "stats.prometheus.enabled", NULL, false},
};

/* Of each environment; XMPP_SERVER makes the environments. */
static const struct variable environment_variables[] = {
	{"XMPP_DOMAIN", "xmpp-domain", "meet.jitsi", false},
	{"PUBLIC_URL", "base-url", NULL, false},
	{"XMPP_INTERNAL_MUC_DOMAIN", "control-muc.domain", "internal-muc.meet.jitsi", false},
	{"JIBRI_BREWERY_MUC", "control-muc.room-name", "jibribrewery", false},
	{"JIBRI_INSTANCE_ID", "control-muc.nickname", NULL, false},
	{"XMPP_AUTH_DOMAIN", "control-login.domain", "auth.meet.jitsi", false},
	{"XMPP_PORT", "control-login.port", NULL, false},
	{"JIBRI_XMPP_USER", "control-login.username", "jibri", false},
	{"JIBRI_XMPP_PASSWORD", "control-login.password", NULL, false},
	{"XMPP_HIDDEN_DOMAIN", "call-login.domain", NULL, false},
	{"JIBRI_RECORDER_USER", "call-login.username", "recorder", false},
	{"JIBRI_RECORDER_PASSWORD", "call-login.password", NULL, false},
	{"JIBRI_USAGE_TIMEOUT", "usage-timeout", NULL, false},
	{"XMPP_TRUST_ALL_CERTS", "trust-all-xmpp-certs", "true", false},
};

/* Read by Jicofo, or by code below. */
static const char *const known_names[] = {"JIBRI_STRIP_DOMAIN_JID", "JIBRI_REQUEST_RETRIES",
	"JIBRI_PENDING_TIMEOUT", "JIBRI_SIP_BREWERY_MUC"};

/* Of the X server and the driver of the browser. */
static const char *const unused_names[] = {"JIBRI_XORG_HORIZ_SYNC", "JIBRI_XORG_VERT_REFRESH",
	"JIBRI_CHROMEDRIVER_DEBUG", "JIBRI_CHROMEDRIVER_DEBUG_LOG", "JIBRI_LOGS_DIR"};

/* The value's text without quotes and without a comment behind it, in place. */
static char *trim_value(char *value)
{
	value += strspn(value, " \t");
	if (value[0] == '"' || value[0] == '\'') {
		char *end = strchr(value + 1, value[0]);
		if (end) {
			*end = '\0';
			return value + 1;
		}
	}
	char *comment = strstr(value, " #");
	if (comment)
		*comment = '\0';
	for (size_t length = strlen(value);
		length > 0 && isspace((unsigned char)value[length - 1]);)
		value[--length] = '\0';
	return value;
}

/* 0 for a line that says nothing, too. */
static int parse_line(char *line, json_t *variables)
{
	line += strspn(line, " \t\r");
	if (!line[0] || line[0] == '#')
		return 0;
	if (!strncmp(line, "export ", 7))
		line += 7 + strspn(line + 7, " \t");
	size_t length = 0;
	while (isalnum((unsigned char)line[length]) || line[length] == '_')
		length++;
	if (length == 0 || line[length] != '=')
		return -EINVAL;
	line[length] = '\0';
	json_t *value = json_string(trim_value(line + length + 1));
	if (!value)
		return -EINVAL; /* not UTF-8 */
	return json_object_set_new(variables, line, value) < 0 ? -ENOMEM : 0;
}

int tr_import_env_parse(char *text, json_t **ret_variables, int *ret_line)
{
	json_t *variables = json_object();
	int rc = variables ? 0 : -ENOMEM, number = 0;

	for (char *line = text; rc == 0 && line;) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		number++;
		rc = parse_line(line, variables);
		line = end ? end + 1 : NULL;
	}
	*ret_line = number;
	if (rc < 0)
		json_decref(variables);
	else
		*ret_variables = variables;
	return rc;
}

/* Sets `path`, whose parts are between dots, in groups that are made where they are missing. */
static int put(json_t *root, const char *path, json_t *value)
{
	char part[64];

	for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
		snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
		json_t *group = json_object_get(root, part);
		if (!group && json_object_set_new(root, part, json_object()) == 0)
			group = json_object_get(root, part);
		root = group;
	}
	return json_object_set_new(root, path, value) < 0 ? -ENOMEM : 0;
}

static json_t *split_commas(const char *text)
{
	json_t *list = json_array();

	while (list && *text) {
		size_t length = strcspn(text, ",");
		size_t blanks = strspn(text, " ");
		if (blanks < length)
			json_array_append_new(list, json_stringn(text + blanks, length - blanks));
		text += length + (text[length] == ',');
	}
	return list;
}

static const char *value_of(const json_t *variables, const char *name)
{
	const char *value = json_string_value(json_object_get(variables, name));
	return value && value[0] ? value : NULL;
}

/* Puts those that are given or have a fallback below `root`, whose own path is `prefix`. */
static int put_all(const struct variable *rows, size_t count, const json_t *variables, json_t *root,
	const char *prefix, json_t *origins)
{
	char key[200];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		const char *given = value_of(variables, rows[i].name);
		const char *value = given ? given : rows[i].fallback;
		if (!value)
			continue;
		rc = put(root, rows[i].path,
			rows[i].is_list ? split_commas(value) : json_string(value));
		snprintf(key, sizeof(key), "%s.%s", prefix, rows[i].path);
		if (rc == 0 && given &&
			json_object_set_new(origins, key, json_string(rows[i].name)) < 0)
			rc = -ENOMEM;
	}
	return rc;
}

static int put_names(json_t *environment, const json_t *variables, const char *prefix, size_t index,
	json_t *origins)
{
	const char *hidden = value_of(variables, "XMPP_HIDDEN_DOMAIN");
	const char *recorder = value_of(variables, "XMPP_RECORDER_DOMAIN");
	const char *strip = value_of(variables, "JIBRI_STRIP_DOMAIN_JID");
	const char *muc = value_of(variables, "XMPP_MUC_DOMAIN");
	const char *name = value_of(variables, "XMPP_ENV_NAME");
	char text[200], key[200];
	int rc = 0;

	if (!hidden)
		rc = put(environment, "call-login.domain",
			json_string(recorder ? recorder : "hidden.meet.jitsi"));
	if (!strip)
		strip = muc ? muc : "muc";
	snprintf(text, sizeof(text), "%.*s.", (int)strcspn(strip, "."), strip);
	if (rc == 0)
		rc = put(environment, "strip-from-room-domain", json_string(text));
	snprintf(key, sizeof(key), "%s.strip-from-room-domain", prefix);
	if (value_of(variables, "JIBRI_STRIP_DOMAIN_JID"))
		json_object_set_new(origins, key, json_string("JIBRI_STRIP_DOMAIN_JID"));
	snprintf(text, sizeof(text), "%s-%zu", name ? name : "docker", index);
	return rc < 0 ? rc : put(environment, "name", json_string(text));
}

static int put_environments(json_t *jibri, const json_t *variables, json_t *origins)
{
	const char *servers = value_of(variables, "XMPP_SERVER");
	json_t *hosts = split_commas(servers ? servers : "xmpp.meet.jitsi"), *host;
	json_t *list = json_array();
	char prefix[80], key[120];
	size_t i;
	int rc = hosts && list ? 0 : -ENOMEM;

	json_array_foreach(hosts, i, host)
	{
		json_t *environment = json_object();
		snprintf(prefix, sizeof(prefix), ENVIRONMENTS "[%zu]", i);
		if (rc == 0)
			rc = put(environment, "xmpp-server-hosts", json_pack("[O]", host));
		snprintf(key, sizeof(key), "%s.xmpp-server-hosts", prefix);
		if (servers)
			json_object_set_new(origins, key, json_string("XMPP_SERVER"));
		if (rc == 0)
			rc = put_all(environment_variables, TR_COUNT(environment_variables),
				variables, environment, prefix, origins);
		if (rc == 0)
			rc = put_names(environment, variables, prefix, i, origins);
		json_array_append_new(list, environment);
	}
	json_decref(hosts);
	if (rc < 0) {
		json_decref(list);
		return rc;
	}
	return put(jibri, "api.xmpp.environments", list);
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static bool has_variable(const char *name, const struct variable *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(rows[i].name, name))
			return true;
	return false;
}

/* An .env has the variables of all containers: only those that are called after Jibri are ours. */
static void list_others(json_t *variables, json_t *strangers, json_t *unused)
{
	const char *name;
	json_t *value;

	json_object_foreach(variables, name, value)
	{
		if (strncmp(name, "JIBRI_", 6) != 0 || json_string_length(value) == 0)
			continue;
		if (is_one_of(name, unused_names, TR_COUNT(unused_names)))
			json_array_append_new(unused, json_string(name));
		else if (!has_variable(name, main_variables, TR_COUNT(main_variables)) &&
			 !has_variable(
				 name, environment_variables, TR_COUNT(environment_variables)) &&
			 !is_one_of(name, known_names, TR_COUNT(known_names)))
			json_array_append_new(strangers, json_string(name));
	}
}

static bool has_accounts(const json_t *variables)
{
	return value_of(variables, "JIBRI_XMPP_PASSWORD") ||
	       value_of(variables, "JIBRI_RECORDER_PASSWORD") ||
	       value_of(variables, "JIBRI_XMPP_USER") || value_of(variables, "XMPP_SERVER");
}

int tr_import_env_layer(
	json_t *variables, json_t **ret_layer, json_t *origins, json_t *strangers, json_t *unused)
{
	json_t *jibri = json_object();
	int rc = jibri ? 0 : -ENOMEM;

	list_others(variables, strangers, unused);
	if (rc == 0 && has_accounts(variables)) {
		rc = put_all(main_variables, TR_COUNT(main_variables), variables, jibri, "jibri",
			origins);
		if (rc == 0)
			rc = put_environments(jibri, variables, origins);
	}
	json_t *layer = rc == 0 ? json_pack("{s:o}", "jibri", jibri) : NULL;
	if (rc < 0)
		json_decref(jibri);
	else if (!layer)
		rc = -ENOMEM;
	*ret_layer = layer;
	return rc;
}
