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

/* Keys of the groups in lists: the example shows those in comments. */
static bool is_list_key(const char *key)
{
	return !strncmp(key, "environments.", 13) || !strncmp(key, "rooms.", 6) ||
	       !strncmp(key, "stream.rewrite.", 15) || !strncmp(key, "storage.keep.", 13) ||
	       !strncmp(key, "storage.uploads.", 16);
}

/* The example of an entry of the list, which is in comments, without their signs. */
static char *uncomment(const char *text, const char *list)
{
	char start[60];
	snprintf(start, sizeof(start), "\n# %s = (\n", list);
	const char *line = strstr(text, start);
	char *out = calloc(1, strlen(text) + 1), *to = out;

	assert_non_null(line);
	assert_non_null(out);
	for (line++; strncmp(line, "# );", 4) != 0; line = strchr(line, '\n') + 1) {
		assert_true(line[0] == '#' && strchr(line, '\n'));
		to += sprintf(to, "%.*s\n", (int)strcspn(line + 2, "\n"), line + 2);
	}
	strcpy(to, ");\n");
	return out;
}

static struct tr_config *parse(const char *text)
{
	static struct tr_config_complaints complaints;
	struct tr_config *config = calloc(1, sizeof(*config));

	assert_non_null(config);
	if (tr_config_parse(text, "telerec.conf", config, &complaints) < 0)
		fail_msg("%s", complaints.lines[0]);
	return config;
}

static void the_example_file_is_accepted_and_names_every_key_once_with_its_default(void **state)
{
	TR_CLEANUP(tr_freep) char *text = read_source("conf/telerec.conf");
	TR_CLEANUP(tr_freep) struct tr_config *config = parse(text);
	char value[200], expected[200];
	unsigned keys = 0;

	assert_int_equal(config->environment_count, 0);
	for (unsigned i = 0; tr_config_key(i); i++) {
		if (is_list_key(tr_config_key(i)))
			continue;
		if (count_example_keys(text, tr_config_key(i), value, sizeof(value)) != 1)
			fail_msg("the example file does not name %s once", tr_config_key(i));
		tr_config_key_default(i, expected, sizeof(expected));
		assert_string_equal(value, expected);
		keys++;
	}
	assert_int_equal(count_example_keys(text, NULL, NULL, 0), keys);
}

static void the_example_of_an_environment_names_every_key_once_and_says_the_defaults(void **state)
{
	TR_CLEANUP(tr_freep) char *text = read_source("conf/telerec.conf");
	TR_CLEANUP(tr_freep) char *example = uncomment(text, "environments");
	TR_CLEANUP(tr_freep) struct tr_config *whole = parse(example);
	TR_CLEANUP(tr_freep)
	struct tr_config *least =
		parse("id = \"telerec-0a1b2c3d\"; environments = ( { name = \"prod\";"
		      "xmpp_domain = \"meet.example.org\"; control = { password = \"...\"; };"
		      "call = { password = \"...\"; }; } );");
	unsigned keys = 0;

	for (unsigned i = 0; tr_config_key(i); i++) {
		if (strncmp(tr_config_key(i), "environments.", 13) != 0)
			continue;
		if (count_example_keys(example, tr_config_key(i) + 13, NULL, 0) != 1)
			fail_msg("the example does not name %s once", tr_config_key(i));
		keys++;
	}
	/* and its own first line */
	assert_int_equal(count_example_keys(example, NULL, NULL, 0), keys + 1);
	assert_int_equal(whole->environment_count, 1);
	assert_memory_equal(
		&whole->environments[0], &least->environments[0], sizeof(whole->environments[0]));
}

static void the_examples_of_rules_for_streams_are_accepted(void **state)
{
	TR_CLEANUP(tr_freep) char *text = read_source("conf/telerec.conf");
	TR_CLEANUP(tr_freep) char *example = uncomment(text, "rooms");
	TR_CLEANUP(tr_freep) struct tr_config *rooms = parse(example);

	for (unsigned i = 0; tr_config_key(i); i++)
		if (!strncmp(tr_config_key(i), "rooms.", 6))
			assert_int_equal(
				count_example_keys(example, tr_config_key(i) + 6, NULL, 0), 1);
	assert_int_equal(rooms->room_count, 1);
	assert_string_equal(rooms->rooms[0].match, "townhall@.*");
	assert_int_equal(rooms->rooms[0].stream_count, 1);
	assert_false(rooms->rooms[0].record_too);
	assert_non_null(strstr(text, "# rewrite = ( { match = "));
	assert_non_null(strstr(text, "# keep = ( { match = "));
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
		cmocka_unit_test(
			the_example_of_an_environment_names_every_key_once_and_says_the_defaults),
		cmocka_unit_test(the_examples_of_rules_for_streams_are_accepted),
		cmocka_unit_test(the_manual_names_every_key_and_no_other),
	};
	return cmocka_run_group_tests_name("config keys", tests, NULL, NULL);
}
