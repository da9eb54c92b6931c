/* What cannot be read is told with its place and without its values; what is there is kept. */
#include "test.h"

#include "cli/import_write.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/telerec-import.XXXXXX";
static char problem[800];
static struct tr_import_source source;

static const char *path_of(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const void *data, size_t size)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, data, size), 0);
	close(fd);
}

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static int read_text(const char *name, const char *text)
{
	write_text(name, text);
	return tr_import_read(path_of(name), NULL, &source, problem, sizeof(problem));
}

static void assert_told(const char *part)
{
	if (!strstr(problem, part))
		fail_msg("\"%s\" is not in: %s", part, problem);
}

static void a_missing_brace_is_told_with_its_line(void **state)
{
	assert_int_equal(read_text("a.conf", "jibri {\n id = x\n"), -EINVAL);
	assert_told("/a.conf:3: ");
}

static void no_value_is_told(void **state)
{
	static const char *const texts[] = {"jibri { password = hunter2$x }",
		"jibri { password = \"hunter2 }", "jibri { password = [ hunter2 }",
		"jibri { hunter2 }", "jibri = ${hunter2", "include hunter2",
		"jibri.password = hunter2\njibri.password += 1 }"};

	for (size_t i = 0; i < TR_COUNT(texts); i++) {
		assert_int_equal(read_text("b.conf", texts[i]), -EINVAL);
		assert_null(strstr(problem, "hunter2"));
		assert_told("/b.conf");
	}
}

static void a_variable_without_a_value_is_named(void **state)
{
	assert_int_equal(read_text("c.conf", "jibri.id = ${TR_NO_SUCH}"), -EINVAL);
	assert_told("${TR_NO_SUCH} has no value");
	assert_told("--env");
}

static void what_is_no_text_is_refused(void **state)
{
	assert_int_equal(read_text("d.conf", "jibri.id = \"\xff\xfe\""), -EINVAL);
	assert_told("UTF-8");
	assert_int_equal(tr_import_read(folder, NULL, &source, problem, sizeof(problem)), -EISDIR);
	assert_int_equal(
		tr_import_read("/nonexistent", NULL, &source, problem, sizeof(problem)), -ENOENT);
	assert_told("No such file");
}

static void a_line_that_is_no_variable_is_told(void **state)
{
	write_text("env", "A=1\nhunter2\n");
	assert_int_equal(
		tr_import_read(NULL, path_of("env"), &source, problem, sizeof(problem)), -EINVAL);
	assert_told("/env:2:");
	assert_null(strstr(problem, "hunter2"));
}

static void without_the_library_its_package_is_named(void **state)
{
	char *path = strdup(getenv("PATH"));

	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(read_text("e.conf", "jibri { }"), -ENOENT);
	setenv("PATH", path, 1);
	free(path);
	assert_told("apt install ruby-hocon");
}

/* Imports a text into the folder `to`. */
static void import(
	const char *text, const char *to, bool is_forced, struct tr_import_result *result)
{
	struct tr_import_plan plan;

	assert_int_equal(read_text("f.conf", text), 0);
	assert_int_equal(tr_import_plan_make(&source, &plan), 0);
	tr_import_source_clear(&source);
	assert_int_equal(tr_import_write(&plan, path_of(to), "", is_forced, result), 0);
	tr_import_plan_clear(&plan);
}

static bool exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static void what_is_there_is_only_written_over_when_asked(void **state)
{
	struct tr_import_result *result = calloc(1, sizeof(*result));
	struct stat before, after;

	import("jibri.id = one", "to", false, result);
	assert_false(result->is_beside);
	assert_int_equal(stat(path_of("to/telerec.conf"), &before), 0);
	import("jibri.id = two", "to", false, result);
	assert_true(result->is_beside);
	assert_int_equal(stat(path_of("to/telerec.conf"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_true(exists("to/telerec.conf.new"));
	import("jibri.id = three", "to", true, result);
	assert_false(result->is_beside);
	assert_int_equal(stat(path_of("to/telerec.conf"), &after), 0);
	assert_int_not_equal(before.st_ino, after.st_ino);
	assert_int_equal(stat(path_of("to/telerec.conf.old"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_true(exists("to/secrets.conf.old"));
	free(result);
}

static void one_with_faults_never_takes_the_place(void **state)
{
	struct tr_import_result *result = calloc(1, sizeof(*result));

	import("jibri.api.xmpp.environments = [ { name = x, xmpp-domain = \"a b\" } ]", "faults",
		true, result);
	assert_true(result->is_beside);
	assert_int_equal(result->complaints.count, 1);
	assert_false(exists("faults/telerec.conf"));
	assert_true(exists("faults/telerec.conf.new"));
	assert_non_null(strstr(result->complaints.lines[0], "/faults/telerec.conf:"));
	free(result);
}

static int make_folder(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	return tr_file_remove_tree(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_brace_is_told_with_its_line),
		cmocka_unit_test(no_value_is_told),
		cmocka_unit_test(a_variable_without_a_value_is_named),
		cmocka_unit_test(what_is_no_text_is_refused),
		cmocka_unit_test(a_line_that_is_no_variable_is_told),
		cmocka_unit_test(without_the_library_its_package_is_named),
		cmocka_unit_test(what_is_there_is_only_written_over_when_asked),
		cmocka_unit_test(one_with_faults_never_takes_the_place),
	};

	if (system("ruby -e 'require \"hocon\"' 2>/dev/null") != 0) {
		puts("skipped: ruby-hocon is not installed");
		return 77;
	}
	return cmocka_run_group_tests_name("import_faults", tests, make_folder, remove_folder);
}
