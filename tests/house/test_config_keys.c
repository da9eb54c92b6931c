#include "test.h"

#include "config/config.h"
#include "core/file.h"
#include "core/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static char *read_source(const char *name)
{
	char path[PATH_MAX], *text = NULL;

	assert_non_null(getenv("TR_SOURCE_DIR"));
	assert_int_equal(
		tr_text_format(path, sizeof(path), "%s/%s", getenv("TR_SOURCE_DIR"), name), 0);
	assert_int_equal(tr_file_read(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
	return text;
}

/* The keys of the example file with their groups: its lines are "key = value;" and "group:". */
static unsigned count_example_keys(const char *text, const char *wanted, char *value, size_t size)
{
	char group[66] = "", name[64], path[140];
	unsigned found = 0;

	for (const char *line = text; line;
		line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		line += strspn(line, " \t");
		size_t length = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
		snprintf(name, sizeof(name), "%.*s", (int)length, line);
		if (line[0] == '}')
			group[0] = '\0';
		else if (length && line[length] == ':')
			snprintf(group, sizeof(group), "%s.", name);
		if (!length || strncmp(line + length, " = ", 3) != 0)
			continue;
		snprintf(path, sizeof(path), "%s%s", group, name);
		if (wanted && strcmp(path, wanted) != 0)
			continue;
		found++;
		if (value)
			snprintf(value, size, "%.*s", (int)strcspn(line + length + 3, ";"),
				line + length + 3);
	}
	return found;
}

static unsigned count_keys(void)
{
	unsigned count = 0;
	while (tr_config_key(count))
		count++;
	return count;
}

static void the_example_file_is_accepted_and_names_every_key_once_with_its_default(void **state)
{
	TR_CLEANUP(tr_freep) char *text = read_source("conf/telerec.conf");
	static struct tr_config_complaints complaints;
	struct tr_config config;
	char value[200], expected[200];

	assert_int_equal(tr_config_parse(text, "telerec.conf", &config, &complaints), 0);
	for (unsigned i = 0; tr_config_key(i); i++) {
		assert_int_equal(
			count_example_keys(text, tr_config_key(i), value, sizeof(value)), 1);
		tr_config_key_default(i, expected, sizeof(expected));
		assert_string_equal(value, expected);
	}
	assert_int_equal(count_example_keys(text, NULL, NULL, 0), count_keys());
}

static void the_manual_names_every_key_and_no_other(void **state)
{
	TR_CLEANUP(tr_freep) char *text = read_source("conf/telerec.conf.5");
	char entry[200];
	unsigned entries = 0;

	for (const char *c = text; (c = strstr(c, "\n.It Ic ")) != NULL; c++)
		entries++;
	assert_int_equal(entries, count_keys());
	for (unsigned i = 0; tr_config_key(i); i++) {
		snprintf(entry, sizeof(entry), "\n.It Ic %s\n", tr_config_key(i));
		if (!strstr(text, entry))
			fail_msg("telerec.conf(5) does not name %s", tr_config_key(i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_example_file_is_accepted_and_names_every_key_once_with_its_default),
		cmocka_unit_test(the_manual_names_every_key_and_no_other),
	};
	return cmocka_run_group_tests_name("config keys", tests, NULL, NULL);
}
