#include "test.h"

#include "config/config.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define KEY "abcd-efgh-ijkl-mnop"

static struct tr_config config;
static struct tr_config_complaints complaints;

static int parse(const char *text)
{
	memset(&complaints, 0, sizeof(complaints));
	return tr_config_parse(text, "t.conf", &config, &complaints);
}

static void expect_complaint(const char *text, const char *line)
{
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(complaints.count, 1);
	assert_string_equal(complaints.lines[0], line);
	assert_null(strstr(complaints.lines[0], KEY));
}

static void without_rules_everything_is_allowed_and_nothing_rewritten(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_int_equal(config.stream.allowed_count, 1);
	assert_string_equal(config.stream.allowed[0], ".*");
	assert_int_equal(config.stream.rewrite_count, 0);
	assert_int_equal(config.stream.video_kbps, 3000);
	assert_int_equal(config.stream.buffer_kbit, 6000);
	assert_true(config.stream.key_interval_ms == 2000);
	assert_false(config.stream.record_too);
	assert_int_equal(config.room_count, 0);
}

static void an_empty_list_allows_nothing(void **state)
{
	assert_int_equal(parse("stream: { allowed = []; };"), 0);
	assert_int_equal(config.stream.allowed_count, 0);
}

static void rules_are_taken(void **state)
{
	assert_int_equal(
		parse("stream: { allowed = [\"rtmp://a/.*\", \"rtmps://b/.*\"]; bitrate = 0;\n"
		      "rewrite = ( { match = \"rtmp://a/(.*)\"; to = \"rtmp://c/\\\\1\"; } );\n"
		      "record_too = true; key_interval = \"4s\"; };\n"
		      "rooms = ( { match = \"x@.*\"; streams = [\"rtmp://d/e/" KEY "\", \"" KEY
		      "\"]; },\n"
		      "{ match = \"y@.*\"; record_too = true; } );"),
		0);
	assert_int_equal(config.stream.allowed_count, 2);
	assert_int_equal(config.stream.video_kbps, 0);
	assert_string_equal(config.stream.rewrites[0].to, "rtmp://c/\\1");
	assert_int_equal(config.room_count, 2);
	assert_int_equal(config.rooms[0].stream_count, 2);
	assert_string_equal(config.rooms[0].streams[1], KEY);
	assert_true(config.rooms[1].record_too);
	assert_int_equal(config.rooms[1].stream_count, 0);
}

static void a_pattern_that_is_none_is_told(void **state)
{
	assert_int_equal(parse("stream: { allowed = [\"rtmp://(\"]; };"), -EINVAL);
	assert_int_equal(
		strncmp(complaints.lines[0], "t.conf: stream.allowed: \"rtmp://(\" is no ", 41), 0);
	assert_int_equal(parse("rooms = (\n{ match = \"[\"; record_too = true; } );"), -EINVAL);
	assert_int_equal(
		strncmp(complaints.lines[0], "t.conf:2: rooms.match: \"[\" is no ", 33), 0);
	expect_complaint("stream: { allowed = [\"rtmp://\\\\d+/\"]; };",
		"t.conf: stream.allowed: \"rtmp://\\d+/\": \\d is not known here, write [0-9] instead");
}

static void a_rule_that_cannot_work_is_told_with_its_line(void **state)
{
	expect_complaint("stream: { rewrite = (\n{ match = \"a(b)\"; to = \"rtmp://h/" KEY
			 "/\\\\2\"; } ); };",
		"t.conf:2: stream.rewrite: \\2: the pattern has 1 groups");
	expect_complaint("stream: { rewrite = (\n{ match = \"a\"; } ); };",
		"t.conf:2: a rule of stream.rewrite wants both: match = \"...\"; and to = \"...\";");
	expect_complaint("stream: { rewrite = (\n{ match = \"a\"; to = \"gopher://x/" KEY
			 "\"; } ); };",
		"t.conf:2: stream.rewrite.to must be a URL like "
		"\"rtmp://host/application/key\", or a stream key of YouTube's");
	expect_complaint("rooms = (\n{ record_too = true; } );",
		"t.conf:2: an entry of rooms has no match: write match = \"...\"; with a regular "
		"expression");
	expect_complaint("rooms = ( { match = \"a\"; },\n{ match = \"a\"; } );",
		"t.conf:2: rooms has two entries for \"a\": make one of them");
	expect_complaint("rooms = (\n{ match = \"a\"; stream = []; } );",
		"t.conf:2: unknown key \"rooms.stream\"; did you mean \"rooms.streams\"?");
}

static void a_target_that_is_none_is_not_quoted(void **state)
{
	expect_complaint("rooms = ( { match = \"a\";\nstreams = [\"gopher://h/" KEY "\"]; } );",
		"t.conf:2: rooms.streams must be a URL like \"rtmp://host/application/key\", or a "
		"stream key of YouTube's");
}

static void write_file(const char *folder, const char *name, const char *text, mode_t mode)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	TR_CLEANUP(tr_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

static int load(const char *folder)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/telerec.conf", folder);
	return tr_config_load(path, &config, &complaints);
}

static void streams_of_rooms_may_be_in_the_file_of_secrets(void **state)
{
	char folder[] = "/tmp/telerec-rules.XXXXXX";

	unsetenv("CREDENTIALS_DIRECTORY");
	assert_non_null(mkdtemp(folder));
	write_file(folder, "telerec.conf",
		"rooms = ( { match = \"a\"; record_too = true; }, { match = \"b\"; } );", 0644);
	write_file(folder, "secrets.conf",
		"rooms = ( { match = \"b\"; streams = [\"rtmp://h/x/" KEY "\"]; } );", 0600);
	assert_int_equal(load(folder), 0);
	assert_int_equal(complaints.warning_count, 0);
	assert_true(config.rooms[0].record_too);
	assert_int_equal(config.rooms[0].stream_count, 0);
	assert_int_equal(config.rooms[1].stream_count, 1);
	assert_string_equal(config.rooms[1].streams[0], "rtmp://h/x/" KEY);

	write_file(folder, "secrets.conf",
		"rooms = (\n{ match = \"c\"; streams = [\"rtmp://h/x/" KEY "\"]; } );", 0600);
	assert_int_equal(load(folder), -EINVAL);
	assert_non_null(strstr(complaints.lines[0],
		"secrets.conf:2: rooms of the main file has no entry with match = \"c\""));

	write_file(
		folder, "secrets.conf", "rooms = ( { match = \"a\"; record_too = true; } );", 0600);
	assert_int_equal(load(folder), -EINVAL);
	assert_non_null(strstr(complaints.lines[0], "unknown key \"rooms.record_too\""));

	write_file(folder, "secrets.conf", "", 0600);
	write_file(folder, "telerec.conf",
		"rooms = ( { match = \"b\"; streams = [\"rtmp://h/x/" KEY "\"]; } );", 0644);
	assert_int_equal(load(folder), 0);
	assert_int_equal(complaints.warning_count, 1);
	assert_non_null(strstr(complaints.warnings[0], "everybody can read it"));
	assert_int_equal(tr_file_remove_tree(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_rules_everything_is_allowed_and_nothing_rewritten),
		cmocka_unit_test(an_empty_list_allows_nothing),
		cmocka_unit_test(rules_are_taken),
		cmocka_unit_test(a_pattern_that_is_none_is_told),
		cmocka_unit_test(a_rule_that_cannot_work_is_told_with_its_line),
		cmocka_unit_test(a_target_that_is_none_is_not_quoted),
		cmocka_unit_test(streams_of_rooms_may_be_in_the_file_of_secrets),
	};
	return cmocka_run_group_tests_name("stream rules", tests, NULL, NULL);
}
