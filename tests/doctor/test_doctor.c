/* The order of the questions, and what is not asked, on this machine alone. (Servers:
 * tests/e2e/doctor.py.) */
#include "test.h"

#include "core/file.h"
#include "doctor/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[128];
static struct tr_findings findings;

static int begin(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/telerec-test-doctor-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/telerec.conf", folder);
	return tr_findings_init(&findings);
}

static int end(void **state)
{
	tr_findings_fini(&findings);
	return tr_file_remove_tree(folder);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	char file[200];

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	FILE *out = fopen(file, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(file, mode), 0);
}

static int run(const char *environment, const char *only, bool may_fix)
{
	const struct tr_doctor_settings settings = {.config_path = path,
		.environment = environment,
		.only = only,
		.is_quick = true,
		.may_fix = may_fix};
	return tr_doctor_run(&settings, &findings);
}

static const char *word(size_t index, const char *key)
{
	const char *text =
		json_string_value(json_object_get(json_array_get(findings.list, index), key));
	return text ? text : "";
}

/* The first failure's cause. */
static const char *cause(void)
{
	for (size_t i = 0; i < json_array_size(findings.list); i++)
		if (!strcmp(word(i, "status"), "failure"))
			return word(i, "cause");
	return "";
}

static bool says(const char *part)
{
	for (size_t i = 0; i < json_array_size(findings.list); i++)
		if (strstr(word(i, "sentence"), part))
			return true;
	return false;
}

#define ENVIRONMENT                                                                                \
	"environments = ({ name = \"one\"; xmpp_domain = \"meet.nowhere.invalid\"; });\n"
#define SECRETS                                                                                    \
	"environments = ({ name = \"one\"; control = { password = \"pass-1\"; };"                  \
	" call = { password = \"pass-2\"; }; });\n"

static void without_a_configuration_nothing_else_is_asked(void **state)
{
	assert_int_equal(run(NULL, NULL, false), 0);
	assert_string_equal(cause(), "no-config");
	assert_int_equal(json_array_size(findings.list), 2);
	assert_string_equal(word(1, "status"), "skipped");
}

static void a_wrong_key_is_shown_with_its_line(void **state)
{
	write_file("telerec.conf", "\nrecordigns = \"/tmp\";\n", 0644);
	assert_int_equal(run(NULL, NULL, false), 0);
	assert_string_equal(cause(), "unknown-key");
	assert_non_null(
		strstr(json_string_value(json_object_get(
			       json_object_get(json_array_get(findings.list, 0), "cure"), "text")),
			"+2 "));
}

static void an_environment_that_is_not_there_is_refused(void **state)
{
	write_file("telerec.conf", ENVIRONMENT, 0644);
	write_file("secrets.conf", SECRETS, 0600);
	assert_int_equal(run("two", NULL, false), -ENOENT);
}

static void what_needs_a_name_is_not_asked_without_it(void **state)
{
	write_file("telerec.conf", ENVIRONMENT, 0644);
	write_file("secrets.conf", SECRETS, 0600);
	assert_int_equal(run("one", "network", false), 0);
	assert_string_equal(cause(), "no-dns");
	assert_int_equal(tr_findings_count(&findings, TR_FINDING_FAILURE, "network"), 1);
	assert_int_equal(tr_findings_count(&findings, TR_FINDING_SKIPPED, "tls"), 0);
	assert_false(says("pass-"));
}

static void missing_passwords_do_not_keep_the_rest_from_being_asked(void **state)
{
	write_file("telerec.conf", ENVIRONMENT, 0644);
	assert_int_equal(run("one", NULL, false), 0);
	assert_string_equal(word(0, "area"), "config");
	assert_string_equal(word(0, "status"), "failure");
	assert_true(says("does not exist") || says("cannot be looked up"));
}

static void open_secrets_are_closed_when_that_is_wanted(void **state)
{
	struct stat st;
	char file[200];

	write_file("telerec.conf", ENVIRONMENT, 0644);
	write_file("secrets.conf", SECRETS, 0644);
	assert_int_equal(run("one", "config", false), 0);
	assert_string_equal(cause(), "secrets-open");
	tr_findings_fini(&findings);
	assert_int_equal(tr_findings_init(&findings), 0);
	assert_int_equal(run("one", "config", true), 0);
	assert_true(says("fixed: "));
	snprintf(file, sizeof(file), "%s/secrets.conf", folder);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07, 0);
}

static void a_missing_folder_is_made_when_that_is_wanted(void **state)
{
	char text[300], file[200];

	snprintf(file, sizeof(file), "%s/new/recordings", folder);
	snprintf(text, sizeof(text), "recordings = \"%s\";\n", file);
	write_file("telerec.conf", text, 0644);
	assert_int_equal(run(NULL, "disk", false), 0);
	assert_string_equal(cause(), "no-folder");
	assert_int_not_equal(access(file, F_OK), 0);
	assert_int_equal(run(NULL, "disk", true), 0);
	assert_int_equal(access(file, W_OK), 0);
}

static void every_area_can_be_asked_for(void **state)
{
	write_file("telerec.conf", "sound: { source = \"none\"; };\n", 0644);
	for (const char *const *area = tr_doctor_areas(); *area; area++)
		assert_int_equal(run(NULL, *area, false), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_configuration_nothing_else_is_asked),
		TEST(a_wrong_key_is_shown_with_its_line),
		TEST(an_environment_that_is_not_there_is_refused),
		TEST(what_needs_a_name_is_not_asked_without_it),
		TEST(missing_passwords_do_not_keep_the_rest_from_being_asked),
		TEST(open_secrets_are_closed_when_that_is_wanted),
		TEST(a_missing_folder_is_made_when_that_is_wanted),
		TEST(every_area_can_be_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
