#include "cli/config_apply.h"

#include "cli/config_edit.h"
#include "cli/config_value.h"
#include "config/config.h"
#include "config/config_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEY_SIZE 256

void tr_config_apply_wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void wipe(char **text)
{
	tr_config_apply_wipe(*text);
}

/* As the file has it; NULL for what no setting is. */
static char *write_value(const json_t *value)
{
	char *text = NULL;
	size_t size = 0, i;
	json_t *item;

	if (!json_is_string(value) && !json_is_boolean(value) && !json_is_integer(value) &&
		!json_is_array(value))
		return NULL;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	if (json_is_string(value)) {
		tr_config_text_quote(out, json_string_value(value));
	} else if (json_is_array(value)) {
		fputc('[', out);
		json_array_foreach(value, i, item)
		{
			fputs(i > 0 ? ", " : " ", out);
			tr_config_text_quote(
				out, json_is_string(item) ? json_string_value(item) : "");
		}
		fputs(" ]", out);
	} else {
		json_dumpf(value, out, JSON_ENCODE_ANY);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* 1: it is a secret; 0; -EINVAL with a sentence. */
static int look_at_key(const char *key, char *why, size_t size)
{
	const char *near = NULL;
	char plain[KEY_SIZE];
	int row = tr_config_value_find_key(key, &near);

	if (row < 0) {
		snprintf(why, size, "there is no setting \"%.200s\"%s%s%s", key,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
		return -EINVAL;
	}
	if (tr_config_edit_plain_key(key, plain, sizeof(plain)) < 0 ||
		strcmp(plain, tr_config_key((unsigned)row)) != 0) {
		snprintf(why, size, "\"%.200s\" is a group of settings: name one of them, like %s",
			key, tr_config_key((unsigned)row));
		return -EINVAL;
	}
	return tr_config_key_is_secret((unsigned)row);
}

/* Puts one setting into the text, which is replaced. */
static int put(char **text, const char *key, const char *value)
{
	char *next = NULL;
	int rc = tr_config_edit_set(*text, key, value, &next);

	if (rc == -ENOENT && strchr(key, '[')) {
		TR_CLEANUP(wipe) char *added = NULL;
		rc = tr_config_edit_add_entry(*text, key, &added);
		if (rc == 0)
			rc = tr_config_edit_set(added, key, value, &next);
	}
	if (rc < 0)
		return rc;
	tr_config_apply_wipe(*text);
	*text = next;
	return 0;
}

static int explain(int rc, const char *key, char *why, size_t size)
{
	if (rc == -ENOMEM)
		return rc;
	snprintf(why, size, "%.200s: %s", key,
		rc == -ENOTUNIQ ? "the list has several entries: say which by its name, "
				  "environments[NAME].KEY"
		: rc == -ENOENT ? "the list has no such entry"
				: "the file around it cannot be understood");
	return -EINVAL;
}

static int apply_one(const char *key, const json_t *json, char **text, char **secrets,
	bool *is_secret_changed, char *why, size_t size)
{
	size_t start, length;
	int is_secret = look_at_key(key, why, size);

	if (is_secret < 0)
		return is_secret;
	TR_CLEANUP(wipe) char *value = write_value(json);
	if (!value) {
		snprintf(
			why, size, "%.200s: a text, a number, true, false or a list of texts", key);
		return -EINVAL;
	}
	bool is_elsewhere = is_secret && tr_config_edit_find(*text, key, &start, &length) < 0;
	int rc = put(is_elsewhere ? secrets : text, key, value);
	*is_secret_changed |= is_elsewhere;
	return rc < 0 ? explain(rc, key, why, size) : 0;
}

int tr_config_apply(const json_t *settings, const char *text, const char *secrets, char **ret_text,
	char **ret_secrets, char *why, size_t size)
{
	TR_CLEANUP(wipe) char *now = strdup(text);
	TR_CLEANUP(wipe) char *hidden = strdup(secrets);
	bool is_secret_changed = false;
	const char *key;
	json_t *value;

	if (!now || !hidden)
		return -ENOMEM;
	if (!json_is_object(settings)) {
		snprintf(why, size, "the settings are to be one JSON object: {\"slots\": 2}");
		return -EINVAL;
	}
	json_object_foreach((json_t *)settings, key, value)
	{
		int rc = apply_one(key, value, &now, &hidden, &is_secret_changed, why, size);
		if (rc < 0)
			return rc;
	}
	*ret_text = tr_take(now);
	*ret_secrets = is_secret_changed ? tr_take(hidden) : NULL;
	return 0;
}
