#include "test.h"

#include "cli/config_apply.h"
#include "cli/config_edit.h"
#include "cli/config_file.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *made, *hidden, why[600];

static int forget(void **state)
{
	tr_config_apply_wipe(made);
	tr_config_apply_wipe(hidden);
	made = hidden = NULL;
	why[0] = '\0';
	return 0;
}

static int apply(const char *json, const char *text, const char *secrets)
{
	json_t *settings = json_loads(json, 0, NULL);
	assert_non_null(settings);
	int rc = tr_config_apply(settings, text, secrets, &made, &hidden, why, sizeof(why));
	json_decref(settings);
	return rc;
}

static void expect_entry(const char *text, const char *key, const char *expected)
{
	char *with = NULL;

	assert_int_equal(tr_config_edit_add_entry(text, key, &with), 0);
	assert_string_equal(with, expected);
	free(with);
}

#define ENTRY "\n\t{\n\t\tname = \"prod\";\n\t}"

static void a_new_entry_goes_behind_the_last_one(void **state)
{
	const char *key = "environments[prod].base_url";

	expect_entry("", key, "environments = (" ENTRY "\n);\n");
	expect_entry("environments = ( ); # none\n", key, "environments = (" ENTRY "\n); # none\n");
	expect_entry(
		"environments = (\n\t# mine\n);", key, "environments = (" ENTRY "\n\t# mine\n);");
	expect_entry("environments = (\n\t{ name = \"a\"; }\n);\n", key,
		"environments = (\n\t{ name = \"a\"; }," ENTRY "\n);\n");
	expect_entry("environments = ( { name = \"prod\"; } );", key,
		"environments = ( { name = \"prod\"; } );");
	expect_entry("", "storage.keep[a\"b].max_age",
		"storage:\n{\n\tkeep = (\n\t{\n\t\tmatch = \"a\\\"b\";\n\t}\n);\n};\n");
}

static void a_new_entry_needs_a_name_and_a_list(void **state)
{
	char *with = NULL;

	assert_int_equal(tr_config_edit_add_entry("", "video.size", &with), -EINVAL);
	assert_int_equal(tr_config_edit_add_entry("rooms = 1;", "rooms[x].match", &with), -EINVAL);
	assert_int_equal(tr_config_edit_add_entry("rooms = (", "rooms[x].match", &with), -EINVAL);
	assert_null(with);
}

static void values_are_taken_literally(void **state)
{
	assert_int_equal(apply("{\"id\": \"[a\\\"\", \"slots\": 2, \"single_use\": true, "
			       "\"browser.allowed_hosts\": [\"a\", \"b\"]}",
				 "# mine\nslots = 1;\n", ""),
		0);
	assert_string_equal(made, "# mine\nslots = 2;\nid = \"[a\\\"\";\nsingle_use = true;\n"
				  "browser:\n{\n\tallowed_hosts = [ \"a\", \"b\" ];\n};\n");
	assert_null(hidden);
	forget(NULL);
	assert_int_equal(apply("{\"storage.keep[.*].max_age\": \"30d\"}", "", ""), 0);
	assert_string_equal(made,
		"storage:\n{\n\tkeep = (\n\t{\n\t\tmatch = \".*\";\n\t\tmax_age = "
		"\"30d\";\n\t}\n);\n};\n");
}

static void secrets_go_into_their_own_file(void **state)
{
	assert_int_equal(apply("{\"environments[p].xmpp_domain\": \"x.org\", "
			       "\"environments[p].control.password\": \"(s3\\\"cret\"}",
				 "", "# mine\n"),
		0);
	assert_null(strstr(made, "cret"));
	assert_non_null(strstr(made, "xmpp_domain = \"x.org\";"));
	assert_string_equal(hidden,
		"# mine\nenvironments = (\n\t{\n\t\tname = \"p\";\n\t\tcontrol:\n\t\t{\n\t\t\tpassword "
		"= \"(s3\\\"cret\";\n\t\t};\n\t}\n);\n");
}

static void a_secret_that_the_main_file_has_stays_there(void **state)
{
	assert_int_equal(apply("{\"api.token\": \"new\"}", "api = { token = \"old\"; };", ""), 0);
	assert_string_equal(made, "api = { token = \"new\"; };");
	assert_null(hidden);
}

static void a_refusal_names_the_key_and_no_value(void **state)
{
	static const char *const bad[] = {"{\"slotz\": \"s3cret\"}",
		"{\"api.token\": {\"a\": \"s3cret\"}}", "{\"video\": \"s3cret\"}",
		"{\"api.token\": null, \"id\": \"s3cret\"}", "[\"s3cret\"]"};

	for (size_t i = 0; i < TR_COUNT(bad); i++) {
		why[0] = '\0';
		assert_int_equal(apply(bad[i], "", ""), -EINVAL);
		assert_true(why[0]);
		assert_null(strstr(why, "s3cret"));
	}
	assert_int_equal(apply("{\"environments.base_url\": \"s3cret\"}",
				 "environments = ( { name = \"a\"; }, { name = \"b\"; } );", ""),
		-EINVAL);
	assert_non_null(strstr(why, "several entries"));
}

/* ---- both files ---- */

static char folder[64], config[128], secrets[128];
static struct tr_config_complaints complaints;

static int make_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/telerec-test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(config, sizeof(config), "%s/telerec.conf", folder);
	snprintf(secrets, sizeof(secrets), "%s/secrets.conf", folder);
	return 0;
}

static int remove_folder(void **state)
{
	tr_file_remove_tree(folder);
	return 0;
}

static void expect_file(const char *path, const char *text)
{
	TR_CLEANUP(tr_freep) char *got = NULL;
	size_t size;

	assert_int_equal(tr_file_read(AT_FDCWD, path, 1 << 16, &got, &size), 0);
	assert_string_equal(got, text);
}

#define MAIN "environments = ( { name = \"p\"; xmpp_domain = \"x.org\"; } );\n"
#define HIDDEN                                                                                     \
	"environments = ( { name = \"p\"; control = { password = \"a\"; }; call = { password = "   \
	"\"b\"; }; } );\n"

static void both_files_change_or_neither(void **state)
{
	char found[PATH_MAX];
	struct stat st;

	assert_int_equal(tr_config_file_find_secrets(config, "", found, sizeof(found)), 0);
	assert_string_equal(found, secrets);
	assert_int_equal(
		tr_config_file_replace_both(config, MAIN, secrets, HIDDEN, &complaints), 0);
	expect_file(config, MAIN);
	expect_file(secrets, HIDDEN);
	assert_int_equal(stat(secrets, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(tr_config_file_replace_both(
				 config, MAIN "slots = 99;\n", secrets, HIDDEN "\n", &complaints),
		-EINVAL);
	assert_true(complaints.count > 0);
	expect_file(config, MAIN);
	expect_file(secrets, HIDDEN);
}

static void a_first_file_of_secrets_goes_when_the_settings_are_refused(void **state)
{
	assert_int_equal(
		tr_config_file_replace_both(config, "slots = 99;\n", secrets, HIDDEN, &complaints),
		-EINVAL);
	assert_int_equal(access(secrets, F_OK), -1);
	assert_int_equal(access(config, F_OK), -1);
	assert_int_equal(rmdir(folder), 0); /* nothing is left in it */
}

static void the_file_of_secrets_is_where_the_settings_say(void **state)
{
	char found[PATH_MAX];

	assert_int_equal(tr_config_file_find_secrets(
				 config, "secrets = \"/run/x/s.conf\";", found, sizeof(found)),
		0);
	assert_string_equal(found, "/run/x/s.conf");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_entry_goes_behind_the_last_one),
		cmocka_unit_test(a_new_entry_needs_a_name_and_a_list),
		cmocka_unit_test_teardown(values_are_taken_literally, forget),
		cmocka_unit_test_teardown(secrets_go_into_their_own_file, forget),
		cmocka_unit_test_teardown(a_secret_that_the_main_file_has_stays_there, forget),
		cmocka_unit_test_teardown(a_refusal_names_the_key_and_no_value, forget),
		cmocka_unit_test_setup_teardown(
			both_files_change_or_neither, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			a_first_file_of_secrets_goes_when_the_settings_are_refused, make_folder,
			remove_folder),
		cmocka_unit_test_setup_teardown(
			the_file_of_secrets_is_where_the_settings_say, make_folder, remove_folder),
	};
	return cmocka_run_group_tests_name("config_apply", tests, NULL, NULL);
}
