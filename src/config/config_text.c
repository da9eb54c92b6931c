#include "config/config_text.h"

#include <errno.h>

static void put_value(FILE *out, const json_t *value, int depth);

static void indent(FILE *out, int depth)
{
	for (int i = 0; i < depth; i++)
		fputc('\t', out);
}

void tr_config_text_quote(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void put_members(FILE *out, const json_t *group, int depth)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)group, key, value)
	{
		indent(out, depth);
		fprintf(out, "%s%s", key, json_is_object(value) ? ":\n" : " = ");
		put_value(out, value, depth);
		fputs(";\n", out);
	}
}

static void put_group(FILE *out, const json_t *group, int depth)
{
	indent(out, depth);
	fputs("{\n", out);
	put_members(out, group, depth + 1);
	indent(out, depth);
	fputc('}', out);
}

/* Lists of groups are ( ), those of texts [ ]. */
static void put_list(FILE *out, const json_t *list, int depth)
{
	size_t count = json_array_size(list);

	if (!json_is_object(json_array_get(list, 0))) {
		fputs("[ ", out);
		for (size_t i = 0; i < count; i++) {
			fputs(i ? ", " : "", out);
			put_value(out, json_array_get(list, i), depth);
		}
		fputs(count ? " ]" : "]", out);
		return;
	}
	fputs("(\n", out);
	for (size_t i = 0; i < count; i++) {
		put_group(out, json_array_get(list, i), depth + 1);
		fputs(i + 1 < count ? ",\n" : "\n", out);
	}
	indent(out, depth);
	fputc(')', out);
}

static void put_value(FILE *out, const json_t *value, int depth)
{
	if (json_is_object(value))
		put_group(out, value, depth);
	else if (json_is_array(value))
		put_list(out, value, depth);
	else if (json_is_integer(value))
		fprintf(out, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "true" : "false", out);
	else
		tr_config_text_quote(out, json_is_string(value) ? json_string_value(value) : "");
}

int tr_config_text_make(const char *head, const json_t *settings, char **ret_text)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	fputs(head, out);
	put_members(out, settings, 0);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}
