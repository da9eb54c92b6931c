#include "test.h"

#include "config/config.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MAIN_TEXT                                                                                  \
	"environments = ( { name = \"prod\"; xmpp_domain = \"a.example\"; },\n"                    \
	"{ name = \"test\"; xmpp_domain = \"b.example\"; } );\n"
#define SECRETS_TEXT                                                                               \
	"environments = (\n"                                                                       \
	"{ name = \"test\"; control = { password = \"c2\"; }; call = { password = \"r2\"; }; },\n" \
	"{ name = \"prod\"; control = { password = \"c1\"; }; call = { password = \"r1\"; }; } );"

struct stage {
	char folder[64], main[128], secrets[128];
	struct tr_config config;
	struct tr_config_complaints complaints;
};

static void write_file(const char *path, const char *text, mode_t mode)
{
	TR_CLEANUP(tr_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	assert_non_null(stage);
	unsetenv("CREDENTIALS_DIRECTORY");
	strcpy(stage->folder, "/tmp/telerec-secrets.XXXXXX");
	assert_non_null(mkdtemp(stage->folder));
	snprintf(stage->main, sizeof(stage->main), "%s/telerec.conf", stage->folder);
	snprintf(stage->secrets, sizeof(stage->secrets), "%s/secrets.conf", stage->folder);
	write_file(stage->main, MAIN_TEXT, 0644);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;

	unsetenv("CREDENTIALS_DIRECTORY");
	tr_file_remove_tree(stage->folder);
	free(stage);
	return 0;
}

static int load(struct stage *stage)
{
	return tr_config_load(stage->main, &stage->config, &stage->complaints);
}

static void expect_complaint(struct stage *stage, const char *end)
{
	assert_int_equal(load(stage), -EINVAL);
	assert_int_equal(stage->complaints.count, 1);
	const char *line = stage->complaints.lines[0];
	assert_true(!strncmp(line, stage->folder, strlen(stage->folder)));
	assert_string_equal(line + strlen(stage->folder), end);
}

static void passwords_beside_the_main_file_go_to_the_environments_of_their_names(void **state)
{
	struct stage *stage = *state;

	write_file(stage->secrets, SECRETS_TEXT, 0600);
	assert_int_equal(load(stage), 0);
	assert_string_equal(stage->config.environments[0].control.password, "c1");
	assert_string_equal(stage->config.environments[0].call.password, "r1");
	assert_string_equal(stage->config.environments[1].control.password, "c2");
	assert_string_equal(stage->config.environments[1].call.password, "r2");
	assert_string_equal(stage->config.secrets, stage->secrets);
	assert_int_equal(stage->complaints.warning_count, 0);
}

static void the_token_of_the_node_api_comes_from_there_too(void **state)
{
	struct stage *stage = *state;

	write_file(stage->secrets, SECRETS_TEXT "api = { token = \"0123456789abcdef\"; };", 0600);
	assert_int_equal(tr_config_load(stage->main, &stage->config, &stage->complaints), 0);
	assert_string_equal(stage->config.api.token, "0123456789abcdef");
}

static void without_a_file_of_secrets_missing_passwords_are_told(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(load(stage), -EINVAL);
	assert_int_equal(stage->complaints.count, 4);
	assert_non_null(strstr(stage->complaints.lines[0],
		"telerec.conf:1: environment \"prod\" has no password for its control account"));
}

static void who_needs_no_passwords_reads_none_and_misses_none(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(tr_config_load_public(stage->main, &stage->config, &stage->complaints), 0);
	write_file(stage->secrets, SECRETS_TEXT, 0666);
	assert_int_equal(tr_config_load_public(stage->main, &stage->config, &stage->complaints), 0);
	assert_string_equal(stage->config.environments[0].control.password, "");
}

static void secrets_that_everybody_can_read_are_refused_with_the_line_to_run(void **state)
{
	struct stage *stage = *state;
	char expected[300];

	write_file(stage->secrets, SECRETS_TEXT, 0604);
	snprintf(expected, sizeof(expected),
		"/secrets.conf: holds passwords, but others can read it. Run: chmod o= %s",
		stage->secrets);
	expect_complaint(stage, expected);
	write_file(stage->secrets, SECRETS_TEXT, 0602);
	expect_complaint(stage, expected);
}

static void secrets_may_be_open_to_our_own_group_and_no_other(void **state)
{
	struct stage *stage = *state;
	char expected[300];

	write_file(stage->secrets, SECRETS_TEXT, 0640);
	assert_int_equal(load(stage), 0);
	if (geteuid() != 0)
		return; /* only root can make it another group's */
	assert_int_equal(chown(stage->secrets, 0, 64999), 0);
	snprintf(expected, sizeof(expected),
		"/secrets.conf: holds passwords, but others can read it. Run: chmod g= %s",
		stage->secrets);
	expect_complaint(stage, expected);
	assert_int_equal(chown(stage->secrets, 64999, 0), 0);
	snprintf(expected, sizeof(expected),
		"/secrets.conf: holds passwords, but belongs to another user. Run: chown root %s",
		stage->secrets);
	expect_complaint(stage, expected);
}

static void the_key_secrets_names_another_file_which_must_be_there(void **state)
{
	struct stage *stage = *state;
	char text[1000], other[128];

	snprintf(other, sizeof(other), "%s/other", stage->folder);
	snprintf(text, sizeof(text), "secrets = \"%s\";\n%s", other, MAIN_TEXT);
	write_file(stage->main, text, 0644);
	write_file(stage->secrets, "this is not read", 0600);
	expect_complaint(stage, "/other: cannot be read: No such file or directory");
	write_file(other, SECRETS_TEXT, 0600);
	assert_int_equal(load(stage), 0);
	assert_string_equal(stage->config.environments[0].control.password, "c1");
}

static void the_service_managers_credential_comes_first_and_may_have_any_mode(void **state)
{
	struct stage *stage = *state;
	char credentials[128], credential[160];

	snprintf(credentials, sizeof(credentials), "%s/credentials", stage->folder);
	assert_int_equal(mkdir(credentials, 0700), 0);
	snprintf(credential, sizeof(credential), "%s/secrets.conf", credentials);
	write_file(stage->secrets, "this is not read", 0644);
	setenv("CREDENTIALS_DIRECTORY", credentials, 1);
	write_file(credential, SECRETS_TEXT, 0444);
	assert_int_equal(load(stage), 0);
	assert_string_equal(stage->config.environments[1].call.password, "r2");
	assert_string_equal(stage->config.secrets, credential);
}

static void secrets_say_passwords_of_known_environments_and_nothing_else(void **state)
{
	struct stage *stage = *state;

	write_file(stage->secrets, "environments = (\n { name = \"prot\"; } );", 0600);
	expect_complaint(stage, "/secrets.conf:2: there is no environment \"prot\" in the main "
				"file; did you mean \"prod\"?");
	write_file(
		stage->secrets, "environments = ( { name = \"prod\"; base_url = \"\"; } );", 0600);
	expect_complaint(stage, "/secrets.conf:1: unknown key \"environments.base_url\" "
				"(telerec.conf(5) lists them all)");
	write_file(stage->secrets, "slots = 1;", 0600);
	expect_complaint(
		stage, "/secrets.conf:1: unknown key \"slots\" (telerec.conf(5) lists them all)");
	write_file(stage->secrets, "environments = (", 0600);
	assert_int_equal(load(stage), -EINVAL);
}

static void a_password_in_both_files_is_refused_without_being_said(void **state)
{
	struct stage *stage = *state;

	write_file(stage->main,
		"environments = ( { name = \"prod\"; xmpp_domain = \"a\";"
		"control = { password = \"Marker1\"; }; } );",
		0640);
	write_file(stage->secrets,
		"environments = ( { name = \"prod\"; control = { password = \"Marker2\"; };"
		"call = { password = \"Marker3\"; }; } );",
		0600);
	expect_complaint(stage,
		"/secrets.conf:1: environment \"prod\" has its control.password twice, here and in "
		"the main file or further up: take the other one out");
}

static void passwords_in_a_main_file_that_everybody_can_read_are_warned_of(void **state)
{
	struct stage *stage = *state;
	static const char text[] = "environments = ( { name = \"p\"; xmpp_domain = \"a\";"
				   "control = { password = \"Marker\"; };"
				   "call = { password = \"Marker\"; }; } );";

	write_file(stage->main, text, 0644);
	assert_int_equal(load(stage), 0);
	assert_int_equal(stage->complaints.warning_count, 1);
	assert_non_null(strstr(stage->complaints.warnings[0], "Run: chmod o= "));
	assert_null(strstr(stage->complaints.warnings[0], "Marker"));
	write_file(stage->main, text, 0640);
	assert_int_equal(load(stage), 0);
	assert_int_equal(stage->complaints.warning_count, 0);
}

static void secrets_that_may_not_be_read_are_told(void **state)
{
	struct stage *stage = *state;
	int status;

	write_file(stage->secrets, SECRETS_TEXT, 0600);
	if (geteuid() != 0)
		return; /* only root can become somebody who may not */
	assert_int_equal(chmod(stage->folder, 0755), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		bool is_told = setgroups(0, NULL) == 0 && setgid(64999) == 0 &&
			       setuid(64999) == 0 && load(stage) == -EINVAL &&
			       strstr(stage->complaints.lines[0],
				       "secrets.conf: cannot be read: Permission denied");
		_exit(is_told ? 0 : 1);
	}
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(passwords_beside_the_main_file_go_to_the_environments_of_their_names),
		TEST(the_token_of_the_node_api_comes_from_there_too),
		TEST(without_a_file_of_secrets_missing_passwords_are_told),
		TEST(who_needs_no_passwords_reads_none_and_misses_none),
		TEST(secrets_that_everybody_can_read_are_refused_with_the_line_to_run),
		TEST(secrets_may_be_open_to_our_own_group_and_no_other),
		TEST(the_key_secrets_names_another_file_which_must_be_there),
		TEST(the_service_managers_credential_comes_first_and_may_have_any_mode),
		TEST(secrets_say_passwords_of_known_environments_and_nothing_else),
		TEST(a_password_in_both_files_is_refused_without_being_said),
		TEST(passwords_in_a_main_file_that_everybody_can_read_are_warned_of),
		TEST(secrets_that_may_not_be_read_are_told),
	};
	return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
