#include "test.h"

#include "cli/config_edit.h"
#include "cli/config_file.h"
#include "cli/config_value.h"
#include "config/config.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void expect_set(const char *text, const char *key, const char *value, const char *expected)
{
	char *made = NULL;

	assert_int_equal(tr_config_edit_set(text, key, value, &made), 0);
	assert_string_equal(made, expected);
	free(made);
}

static void expect_refused(const char *text, const char *key, int rc)
{
	char *made = NULL;

	assert_int_equal(tr_config_edit_set(text, key, "1", &made), rc);
	assert_null(made);
}

static void only_the_value_changes(void **state)
{
	expect_set("# slots = 1;\nslots = 1; # as many\nid = \"x\";\n", "slots", "2",
		"# slots = 1;\nslots = 2; # as many\nid = \"x\";\n");
	expect_set("video:\n{\n\t/* size = 1; */ size=\"1280x720\"\n};", "video.size",
		"\"640x360\"", "video:\n{\n\t/* size = 1; */ size=\"640x360\"\n};");
	expect_set("a = \"slots = 5;\" \"more\"; slots : 3", "slots", "\"auto\"",
		"a = \"slots = 5;\" \"more\"; slots : \"auto\"");
	expect_set("a = \"x\" // one\n  \"y\"; b = 2;", "a", "\"z\"", "a = \"z\"; b = 2;");
	expect_set("x = [ \"a\", \"]\" ]; y = 1;", "x", "[ ]", "x = [ ]; y = 1;");
}

static void a_missing_setting_is_added_where_it_belongs(void **state)
{
	expect_set("id = \"x\";\n", "slots", "2", "id = \"x\";\nslots = 2;\n");
	expect_set("id = \"x\"", "slots", "2", "id = \"x\"\nslots = 2;\n");
	expect_set("", "video.size", "\"640x360\"", "video:\n{\n\tsize = \"640x360\";\n};\n");
	expect_set("video:\n{\n\tquality = 1;\n};\n# end\n", "video.bitrate", "9",
		"video:\n{\n\tquality = 1;\n\tbitrate = 9;\n};\n# end\n");
	expect_set("video: { quality = 1; };\n", "video.bitrate", "9",
		"video: { quality = 1; bitrate = 9; };\n");
	expect_set("video: {};\n", "video.bitrate", "9", "video: {bitrate = 9; };\n");
}

#define TWO                                                                                         \
	"environments = (\n\t{ name = \"prod\"; a = 1; },\n\t{\n\t\ta = 2;\n\t\tname = \"t.e]st\";" \
	"\n\t} );\n"

static void an_entry_of_a_list_is_named_in_brackets(void **state)
{
	expect_set(TWO, "environments[prod].a", "7",
		"environments = (\n\t{ name = \"prod\"; a = 7; },\n\t{\n\t\ta = 2;\n\t\tname = "
		"\"t.e]st\";\n\t} );\n");
	expect_set(TWO, "environments[t.e]st].a", "7",
		"environments = (\n\t{ name = \"prod\"; a = 1; },\n\t{\n\t\ta = 7;\n\t\tname = "
		"\"t.e]st\";\n\t} );\n");
	expect_set(TWO, "environments[t.e]st].b.c", "7",
		"environments = (\n\t{ name = \"prod\"; a = 1; },\n\t{\n\t\ta = 2;\n\t\tname = "
		"\"t.e]st\";\n\t\tb:\n\t\t{\n\t\t\tc = 7;\n\t\t};\n\t} );\n");
	expect_set("rooms = ( { match = \"a\\\\.b\"; } );", "rooms[a\\.b].record_too", "true",
		"rooms = ( { match = \"a\\\\.b\"; record_too = true; } );");
}

static void the_only_entry_of_a_list_needs_no_name(void **state)
{
	expect_set("environments = ( { a = 1; } );", "environments.a", "2",
		"environments = ( { a = 2; } );");
	expect_refused(TWO, "environments.a", -ENOTUNIQ);
	expect_refused(TWO, "environments[other].a", -ENOENT);
	expect_refused("environments = ( );", "environments.a", -ENOENT);
}

static void what_cannot_be_understood_is_left_alone(void **state)
{
	static const char *const texts[] = {"slots", "slots = ", "/* slots = 1;", "a = \"x",
		"video: { a = 1;", "= 1;", "slots 1;", "a = ( { b = 1;"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_refused(texts[i], "other", -EINVAL);
	expect_refused("a = 1;", "a.b", -EINVAL);
	expect_refused("a = 1;", "", -EINVAL);
	expect_refused("a = 1;", "a..b", -EINVAL);
	expect_refused("a = 1;", "a[b", -EINVAL);
	expect_refused("a = 1;", "a.b.c.d.e.f.g.h.i", -EINVAL);
}

static char *read_reference(void)
{
	char path[PATH_MAX], *text = NULL;
	const char *source = getenv("TR_SOURCE_DIR");

	snprintf(path, sizeof(path), "%s/conf/telerec.conf", source ? source : ".");
	assert_int_equal(tr_config_file_read(path, &text), 0);
	return text;
}

/* With the same value written again nothing changes; and every value is found. */
static void every_setting_of_the_reference_file_is_found(void **state)
{
	TR_CLEANUP(tr_freep) char *text = read_reference();
	const char *key;
	unsigned found = 0;

	for (unsigned i = 0; (key = tr_config_key(i)); i++) {
		char value[4096], usual[4096], *made = NULL;
		size_t start, length;
		int rc = tr_config_edit_find(text, key, &start, &length);
		if (rc == -ENOENT) /* a key of a list that is empty in the file, or a secret */
			continue;
		assert_int_equal(rc, 0);
		assert_true(length < sizeof(value));
		memcpy(value, text + start, length);
		value[length] = '\0';
		tr_config_key_default(i, usual, sizeof(usual));
		if (usual[0] == '"')
			assert_string_equal(value, usual);
		assert_int_equal(tr_config_edit_set(text, key, value, &made), 0);
		assert_string_equal(made, text);
		free(made);
		found++;
	}
	assert_true(found > 40);
}

static void read_value(const char *word, const char *expected)
{
	char *key = NULL, *value = NULL, why[512] = "";

	int rc = tr_config_value_read(word, &key, &value, why, sizeof(why));
	if (rc < 0)
		fail_msg("%s: %s", word, why);
	assert_string_equal(value, expected);
	free(key);
	free(value);
}

static void a_person_needs_no_quotes(void **state)
{
	read_value("video.size=640x360", "\"640x360\"");
	read_value("video.quality=20", "20");
	read_value("slots=2", "2");
	read_value("slots=auto", "\"auto\"");
	read_value("single_use=true", "true");
	read_value("id=7", "\"7\"");
	read_value("finalize.script=/a b/\"c\"", "\"/a b/\\\"c\\\"\"");
	read_value("browser.allowed_hosts=a.example, *.b.example",
		"[ \"a.example\", \"*.b.example\" ]");
	read_value("browser.allowed_hosts=", "[ ]");
	read_value("browser.allowed_hosts=[ \"x\" ]", "[ \"x\" ]");
	read_value("environments[a=b].base_url=https://x", "\"https://x\"");
	read_value("jibri_http.external_port=off", "\"off\"");
	read_value("secrets=", "\"\"");
}

static void expect_no_value(const char *word, const char *words)
{
	char *key = NULL, *value = NULL, why[512] = "";

	assert_int_equal(tr_config_value_read(word, &key, &value, why, sizeof(why)), -EINVAL);
	if (!strstr(why, words))
		fail_msg("\"%s\" does not say \"%s\"", why, words);
	assert_null(strstr(why, "geheim"));
}

static void what_is_no_setting_is_told(void **state)
{
	expect_no_value("vidoe.size=1", "did you mean \"video.size\"?");
	expect_no_value("slots", "Say slots=VALUE");
	expect_no_value("video=1", "group");
	expect_no_value("environments[p].control.password=geheim", "secrets.conf");
	expect_no_value("rooms=( { match = \"a\"; streams = [ \"geheim\" ]; } )", "secrets.conf");
}

/* ---- the file ---- */

static char home[64], path[96];

static int make_home(void **state)
{
	snprintf(home, sizeof(home), "/tmp/telerec-test.XXXXXX");
	if (!mkdtemp(home))
		return -1;
	snprintf(path, sizeof(path), "%s/telerec.conf", home);
	return 0;
}

static int remove_home(void **state)
{
	return tr_file_remove_tree(home);
}

static void write_file(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void expect_file(const char *expected)
{
	char *text = NULL;

	assert_int_equal(tr_config_file_read(path, &text), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void a_file_with_faults_is_not_written(void **state)
{
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));

	write_file("slots = 1;\n", 0640);
	assert_int_equal(tr_config_file_replace(path, "slots = 99;\n", false, complaints), -EINVAL);
	assert_int_equal(complaints->count, 1);
	assert_memory_equal(complaints->lines[0], path, strlen(path));
	assert_memory_equal(complaints->lines[0] + strlen(path), ":1:", 3);
	expect_file("slots = 1;\n");
	assert_int_equal(tr_config_file_replace(path, "slots = 2;\n", true, complaints), 0);
	expect_file("slots = 1;\n");
	free(complaints);
}

static void a_good_file_takes_its_place_with_its_mode(void **state)
{
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	char link[96], other[112];
	struct stat st;

	write_file("slots = 1;\n", 0604);
	snprintf(link, sizeof(link), "%s/link", home);
	assert_int_equal(symlink("telerec.conf", link), 0);
	assert_int_equal(tr_config_file_replace(link, "slots = 2;\n", false, complaints), 0);
	expect_file("slots = 2;\n");
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0604);
	snprintf(other, sizeof(other), "%s.new", path);
	assert_int_equal(access(other, F_OK), -1);
	free(complaints);
}

#define ON_DISK(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_value_changes),
		cmocka_unit_test(a_missing_setting_is_added_where_it_belongs),
		cmocka_unit_test(an_entry_of_a_list_is_named_in_brackets),
		cmocka_unit_test(the_only_entry_of_a_list_needs_no_name),
		cmocka_unit_test(what_cannot_be_understood_is_left_alone),
		cmocka_unit_test(every_setting_of_the_reference_file_is_found),
		cmocka_unit_test(a_person_needs_no_quotes),
		cmocka_unit_test(what_is_no_setting_is_told),
		ON_DISK(a_file_with_faults_is_not_written),
		ON_DISK(a_good_file_takes_its_place_with_its_mode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
