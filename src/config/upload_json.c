#include "config/upload_json.h"

#include "config/upload_rules_internal.h"
#include "core/text.h"

#include <errno.h>
#include <string.h>

static const char *key_of(const struct tr_key_row *row)
{
	return row->path + strlen(tr_upload_rules_keys.prefix);
}

static int take_text(
	const struct tr_key_row *row, const json_t *value, char *out, char *why, size_t size)
{
	const char *text = json_string_value(value);
	const char *fault = text && text[0] && row->fault ? row->fault(text) : NULL;

	if (!text || tr_text_has_controls(text) || strlen(text) != json_string_length(value) ||
		strlen(text) >= row->size)
		return tr_text_say(why, size, -EINVAL, "%s must be a text of at most %zu bytes",
			key_of(row), row->size - 1);
	if (fault)
		return tr_text_say(why, size, -EINVAL, "%s must be %s", key_of(row), fault);
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

static int take_texts(const struct tr_key_row *row, const json_t *value,
	struct tr_config_upload *upload, char *why, size_t size)
{
	size_t count = json_array_size(value);

	if (!json_is_array(value) || count > row->count_max)
		return tr_text_say(why, size, -EINVAL, "%s must be a list of at most %u texts",
			key_of(row), row->count_max);
	for (size_t i = 0; i < count; i++) {
		char *out = (char *)upload + row->offset + i * row->size;
		int rc = take_text(row, json_array_get(value, i), out, why, size);
		if (rc < 0)
			return rc;
	}
	*(unsigned *)((char *)upload + row->count_offset) = (unsigned)count;
	return 0;
}

static int take(const struct tr_key_row *row, const json_t *value, struct tr_config_upload *upload,
	char *why, size_t size)
{
	void *out = (char *)upload + row->offset;
	const char *text = json_string_value(value);

	switch (row->type) {
	case TR_KEY_STRINGS:
		return take_texts(row, value, upload, why, size);
	case TR_KEY_BOOL:
		*(bool *)out = json_is_true(value);
		return json_is_boolean(value) ? 0
					      : tr_text_say(why, size, -EINVAL,
							"%s must be true or false", key_of(row));
	case TR_KEY_CHOICE:
		if (!text || (strcmp(text, row->words[0]) != 0 && strcmp(text, row->words[1]) != 0))
			return tr_text_say(why, size, -EINVAL, "%s must be \"%s\" or \"%s\"",
				key_of(row), row->words[0], row->words[1]);
		*(bool *)out = !strcmp(text, row->words[1]);
		return 0;
	case TR_KEY_BYTES:
		return text && tr_text_parse_bytes(text, out) == 0
			       ? 0
			       : tr_text_say(why, size, -EINVAL, "%s must be a size like \"5M\"",
					 key_of(row));
	default:
		return take_text(row, value, out, why, size);
	}
}

static const struct tr_key_row *find_row(const char *key)
{
	for (size_t i = 0; i < tr_upload_rules_keys.count; i++)
		if (!strcmp(key_of(&tr_upload_rules_keys.rows[i]), key))
			return &tr_upload_rules_keys.rows[i];
	return NULL;
}

static int take_all(json_t *root, struct tr_config_upload *upload, char *why, size_t size)
{
	const char *key;
	json_t *value;

	if (!json_is_object(root))
		return tr_text_say(why, size, -EINVAL,
			"a JSON object with the keys of storage.uploads is expected");
	json_object_foreach(root, key, value)
	{
		const struct tr_key_row *row = find_row(key);
		if (!row)
			return tr_text_say(
				why, size, -EINVAL, "storage.uploads has no key \"%.60s\"", key);
		int rc = take(row, value, upload, why, size);
		if (rc < 0)
			return rc;
	}
	return tr_upload_target_check(&upload->target, why, size);
}

int tr_upload_json_read(
	const char *text, struct tr_upload_target *ret_target, char *why, size_t why_size)
{
	struct tr_config_upload upload = {.target = {.name = "new", .check = true}};
	json_t *root = json_loads(text, 0, NULL);

	int rc = take_all(root, &upload, why, why_size);
	json_decref(root);
	if (rc == 0)
		*ret_target = upload.target;
	explicit_bzero(&upload, sizeof(upload));
	return rc;
}
