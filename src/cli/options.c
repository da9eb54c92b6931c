#include "cli/options.h"

#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 32

static int complain_unknown(const struct tr_options *options, const char *word)
{
	const char *names[OPTIONS_MAX + 1] = {0};

	for (size_t i = 0; i < OPTIONS_MAX && options->table[i].name; i++)
		names[i] = options->table[i].name;
	const char *near = tr_text_nearest(word, names);
	fprintf(stderr, "telerec %s: unknown option \"--%s\"", options->verb, word);
	if (near)
		fprintf(stderr, "; did you mean \"--%s\"?\n", near);
	else
		fprintf(stderr, "; see `telerec %s --help`\n", options->verb);
	return -EINVAL;
}

static const struct tr_option *find(const struct tr_options *options, const char *name)
{
	for (const struct tr_option *option = options->table; option->name; option++)
		if (!strcmp(option->name, name))
			return option;
	return NULL;
}

int tr_options_next(struct tr_options *options, int *ret_id, const char **ret_value)
{
	char name[64];

	if (options->next >= options->argc)
		return 0;
	const char *word = options->argv[options->next++];
	if (!options->is_rest && !strcmp(word, "--")) {
		options->is_rest = true;
		return tr_options_next(options, ret_id, ret_value);
	}
	if (options->is_rest || strncmp(word, "-", 1) != 0 || !strcmp(word, "-")) {
		*ret_id = 0;
		*ret_value = word;
		return 1;
	}
	const char *equals = strchr(word, '=');
	const char *start = word + strspn(word, "-");
	size_t length = equals ? (size_t)(equals - start) : strlen(start);
	snprintf(name, sizeof(name), "%.*s", (int)length, start);
	const struct tr_option *option = strncmp(word, "--", 2) ? NULL : find(options, name);
	if (!option)
		return complain_unknown(options, name);
	const char *value = equals ? equals + 1 : NULL;
	bool is_optional = option->argument && option->argument[0] == '[';
	if (option->argument && !is_optional && !value && options->next < options->argc)
		value = options->argv[options->next++];
	if (!option->argument != !value && !is_optional) {
		fprintf(stderr, "telerec %s: --%s %s\n", options->verb, name,
			option->argument ? "wants a value" : "takes no value");
		return -EINVAL;
	}
	*ret_id = option->id;
	*ret_value = value;
	return 1;
}

int tr_options_refuse(const char *verb, const char *sentence, const char *word)
{
	fprintf(stderr, "telerec %s: %s%s\n", verb, sentence, word);
	return -EINVAL;
}
