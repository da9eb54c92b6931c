/* Upload targets in the configuration, its file of secrets, and as JSON. */
#include "test.h"

#include "config/config.h"
#include "config/upload_json.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
#define TARGETS                                                                                    \
	"storage: { uploads = ( { name = \"nas\"; url = \"sftp://rec@nas.example/x\"; what = "     \
	"\"movie\"; bandwidth = \"5M\"; host_keys = [ \"" KEY "\" ]; },\n"                         \
	"{ name = \"cloud\"; url = \"s3://bucket/x\"; check = false; } ); };"

static struct tr_config *config;
static struct tr_config_complaints *complaints;
static struct tr_upload_target target;
static char why[400];

static int set_up(void **state)
{
	config = calloc(1, sizeof(*config));
	complaints = calloc(1, sizeof(*complaints));
	return config && complaints ? 0 : -1;
}

static int tear_down(void **state)
{
	free(tr_take(config));
	free(tr_take(complaints));
	return 0;
}

static void expect_complaint(const char *text, const char *words)
{
	assert_int_equal(tr_config_parse(text, "x", config, complaints), -EINVAL);
	if (!strstr(complaints->lines[0], words))
		fail_msg("\"%s\" is not in: %s", words, complaints->lines[0]);
}

static void targets_are_taken_with_their_defaults(void **state)
{
	if (tr_config_parse(TARGETS, "x", config, complaints) < 0)
		fail_msg("%s", complaints->lines[0]);
	assert_int_equal(config->storage.upload_count, 2);
	const struct tr_upload_target *nas = &config->storage.uploads[0].target;
	const struct tr_upload_target *cloud = &config->storage.uploads[1].target;
	assert_true(nas->only_movie);
	assert_true(nas->check);
	assert_int_equal(nas->bandwidth, 5 << 20);
	assert_int_equal(nas->host_key_count, 1);
	assert_string_equal(nas->host_keys[0], KEY);
	assert_false(cloud->only_movie);
	assert_false(cloud->check);
	assert_int_equal(cloud->bandwidth, 0);
	assert_true(config->storage.upload_while_recording);
}

static void what_cannot_work_is_told(void **state)
{
	expect_complaint("storage: { uploads = ( { url = \"sftp://a@b/c\"; } ); };", "name");
	expect_complaint("storage: { uploads = ( { name = \"a\"; } ); };", "url");
	expect_complaint(
		"storage: { uploads = ( { name = \"a\"; url = \"ftp://b/c\"; } ); };", "sftp://");
	expect_complaint("storage: { uploads = ( { name = \"a\"; url = \"sftp://u@b/c\"; }, { name "
			 "= \"a\"; url = \"sftp://u@b/d\"; } ); };",
		"two entries");
	expect_complaint("storage: { uploads = ( { name = \"a\"; url = \"sftp://u:geheim@b/c\"; } "
			 "); };",
		"secrets.conf");
}

static void write_file(const char *path, const char *text)
{
	TR_CLEANUP(tr_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
}

static void secrets_come_from_their_file(void **state)
{
	char folder[] = "/tmp/telerec-uploads.XXXXXX", path[80], secrets[80];

	unsetenv("CREDENTIALS_DIRECTORY");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/telerec.conf", folder);
	snprintf(secrets, sizeof(secrets), "%s/secrets.conf", folder);
	write_file(path, TARGETS);
	write_file(secrets, "storage: { uploads = ( { name = \"cloud\"; access_key = \"id\"; "
			    "secret_key = \"geheim\"; } ); };");
	int rc = tr_config_load(path, config, complaints);
	tr_file_remove_tree(folder);
	if (rc < 0)
		fail_msg("%s", complaints->lines[0]);
	assert_string_equal(config->storage.uploads[1].target.secret_key, "geheim");
	assert_string_equal(config->storage.uploads[1].target.access_key, "id");
	assert_string_equal(config->storage.uploads[0].target.password, "");
}

static void a_target_comes_as_json(void **state)
{
	assert_int_equal(tr_upload_json_read("{\"url\": \"sftp://a@b/c\", \"password\": \"p\", "
					     "\"host_keys\": [\"" KEY "\"], \"what\": \"movie\", "
					     "\"bandwidth\": \"1M\", \"check\": false}",
				 &target, why, sizeof(why)),
		0);
	assert_string_equal(target.password, "p");
	assert_int_equal(target.host_key_count, 1);
	assert_true(target.only_movie);
	assert_false(target.check);
	assert_int_equal(target.bandwidth, 1 << 20);
}

static void wrong_json_is_told_without_its_secrets(void **state)
{
	static const char *const wrong[] = {"", "[]", "{}", "{\"url\": 1}",
		"{\"url\": \"sftp://a@b/c\", \"pasword\": \"geheim\"}",
		"{\"url\": \"sftp://a@b/c\", \"password\": \"geheim\\n[x]\"}",
		"{\"url\": \"sftp://a@b/c\", \"password\": \"geheim\\u0000\"}",
		"{\"url\": \"sftp://a:geheim@b/c\"}",
		"{\"url\": \"sftp://a@b/c\", \"host_keys\": [\"geheim\"]}",
		"{\"url\": \"sftp://a@b/c\", \"what\": \"geheim\"}",
		"{\"url\": \"sftp://a@b/c\", \"bandwidth\": \"geheim\"}"};

	for (size_t i = 0; i < TR_COUNT(wrong); i++) {
		why[0] = '\0';
		if (tr_upload_json_read(wrong[i], &target, why, sizeof(why)) != -EINVAL)
			fail_msg("taken: %s", wrong[i]);
		assert_true(why[0]);
		assert_null(strstr(why, "geheim"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			targets_are_taken_with_their_defaults, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_work_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(secrets_come_from_their_file, set_up, tear_down),
		cmocka_unit_test(a_target_comes_as_json),
		cmocka_unit_test(wrong_json_is_told_without_its_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
