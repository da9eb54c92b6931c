#include "cli/import_old.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ENVIRONMENTS "jibri.api.xmpp.environments"

struct rename {
	const char *old_name;
	const char
		*path; /* in jibri.conf, of at most two parts, from "jibri." or the environment */
};

static const struct rename main_names[] = {
	{"jibri_id", "id"},
	{"recording_directory", "recording.recordings-directory"},
	{"finalize_recording_script_path", "recording.finalize-script"},
	{"single_use_mode", "single-use-mode"},
	{"enable_stats_d", "stats.enable-stats-d"},
};

static const struct rename environment_names[] = {
	{"xmpp_server_hosts", "xmpp-server-hosts"},
	{"xmpp_domain", "xmpp-domain"},
	{"baseUrl", "base-url"},
	{"room_jid_domain_string_to_strip_from_start", "strip-from-room-domain"},
	{"usage_timeout", "usage-timeout"},
	{"always_trust_certs", "trust-all-xmpp-certs"},
	{"security_mode", "security-mode"},
	{"control_login", "control-login"},
	{"control_muc", "control-muc"},
	{"sip_control_muc", "sip-control-muc"},
	{"call_login", "call-login"},
	{"room_name", "room-name"},
	{"randomizeUsername", "randomize-username"},
};

bool tr_import_old_is(const json_t *found)
{
	if (json_object_get(found, "jibri"))
		return false;
	for (size_t i = 0; i < TR_COUNT(main_names); i++)
		if (json_object_get(found, main_names[i].old_name))
			return true;
	return json_object_get(found, "xmpp_environments") != NULL;
}

static const char *new_name(const struct rename *names, size_t count, const char *old_name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i].old_name, old_name))
			return names[i].path;
	return NULL;
}

static void remember(json_t *origins, const char *path, const char *old_name)
{
	json_object_set_new(origins, path, json_string(old_name));
}

/* The old file counts minutes. */
static json_t *convert_value(const char *path, json_t *value)
{
	const char *text = json_string_value(value);

	if (!strcmp(path, "usage-timeout") && text && text[0] && !text[strspn(text, "0123456789")])
		return json_sprintf("%s minutes", text);
	return json_incref(value);
}

/* An environment, or with its path a group in one. */
static json_t *convert_group(
	const json_t *group, const char *prefix, const char *old_prefix, json_t *origins)
{
	json_t *converted = json_object(), *value;
	char path[200], old_path[200];
	const char *key;

	json_object_foreach((json_t *)group, key, value)
	{
		const char *name = new_name(environment_names, TR_COUNT(environment_names), key);
		name = name ? name : key;
		snprintf(path, sizeof(path), "%s.%s", prefix, name);
		snprintf(old_path, sizeof(old_path), "%s.%s", old_prefix, key);
		if (json_is_object(value)) {
			json_object_set_new(
				converted, name, convert_group(value, path, old_path, origins));
			continue;
		}
		json_object_set_new(converted, name, convert_value(name, value));
		remember(origins, path, old_path);
	}
	return converted;
}

static json_t *convert_environments(const json_t *list, json_t *origins)
{
	json_t *converted = json_array(), *entry;
	char prefix[80], old_prefix[80];
	size_t i;

	json_array_foreach((json_t *)list, i, entry)
	{
		snprintf(prefix, sizeof(prefix), ENVIRONMENTS "[%zu]", i);
		snprintf(old_prefix, sizeof(old_prefix), "xmpp_environments[%zu]", i);
		json_t *environment = convert_group(entry, prefix, old_prefix, origins);
		if (environment && !json_object_get(environment, "trust-all-xmpp-certs"))
			json_object_set_new(environment, "trust-all-xmpp-certs", json_true());
		json_array_append_new(converted, environment);
	}
	return converted;
}

/* Sets "a" or "a.b". */
static void put(json_t *root, const char *path, json_t *value)
{
	const char *dot = strchr(path, '.');
	char group[64];

	if (dot) {
		snprintf(group, sizeof(group), "%.*s", (int)(dot - path), path);
		if (!json_object_get(root, group))
			json_object_set_new(root, group, json_object());
		root = json_object_get(root, group);
		path = dot + 1;
	}
	json_object_set(root, path, value);
}

int tr_import_old_convert(const json_t *found, json_t **ret_found, json_t *origins)
{
	json_t *jibri = json_object(), *value;
	char path[200];
	const char *key;

	json_object_foreach((json_t *)found, key, value)
	{
		const char *name = new_name(main_names, TR_COUNT(main_names), key);
		if (!strcmp(key, "xmpp_environments") && json_is_array(value)) {
			json_object_set_new(jibri, "api",
				json_pack("{s:{s:o}}", "xmpp", "environments",
					convert_environments(value, origins)));
			continue;
		}
		snprintf(path, sizeof(path), "jibri.%s", name ? name : key);
		put(jibri, name ? name : key, value);
		remember(origins, path, key);
	}
	*ret_found = json_pack("{s:o}", "jibri", jibri);
	return *ret_found ? 0 : -ENOMEM;
}
