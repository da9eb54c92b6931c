#include "test.h"

#include "storage/upload_target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct tr_upload_url url;
static struct tr_upload_target target;
static char why[400];

static int set_up(void **state)
{
	url = (struct tr_upload_url){0};
	target = (struct tr_upload_target){.name = "archive"};
	return 0;
}

static void take(const char *text)
{
	if (tr_upload_target_url_fault(text))
		fail_msg("%s: %s", text, tr_upload_target_url_fault(text));
	assert_int_equal(tr_upload_target_parse_url(text, &url), 0);
}

static int check(const char *text)
{
	snprintf(target.url, sizeof(target.url), "%s", text);
	return tr_upload_target_check(&target, why, sizeof(why));
}

static void an_sftp_url_is_taken_apart(void **state)
{
	take("sftp://recorder@nas.example.org:2022/recordings/jitsi/");
	assert_int_equal(url.kind, TR_UPLOAD_SFTP);
	assert_string_equal(url.user, "recorder");
	assert_string_equal(url.host, "nas.example.org");
	assert_int_equal(url.port, 2022);
	assert_string_equal(url.path, "/recordings/jitsi");
}

static void addresses_of_version_6_stand_in_brackets(void **state)
{
	take("sftp://a@[fe80::1]:22/x");
	assert_string_equal(url.host, "fe80::1");
	assert_int_equal(url.port, 22);
	take("webdav://[::1]/x");
	assert_string_equal(url.host, "::1");
	assert_int_equal(url.port, 0);
}

static void percent_encoding_is_undone(void **state)
{
	take("sftp://a%40b@host/with%20space");
	assert_string_equal(url.user, "a@b");
	assert_string_equal(url.path, "/with space");
	assert_non_null(tr_upload_target_url_fault("sftp://a@host/%0a"));
	assert_non_null(tr_upload_target_url_fault("sftp://a@host/%4"));
	assert_non_null(tr_upload_target_url_fault("sftp://a@host/%"));
}

static void web_addresses_are_webdav(void **state)
{
	take("https://cloud.example.org/remote.php/dav/files/rec/jitsi");
	assert_int_equal(url.kind, TR_UPLOAD_WEBDAV);
	assert_true(url.is_tls);
	take("webdav://host");
	assert_int_equal(url.kind, TR_UPLOAD_WEBDAV);
	assert_false(url.is_tls);
	assert_string_equal(url.path, "");
}

static void what_is_no_target_is_refused(void **state)
{
	static const char *const wrong[] = {"", "nas", "ftp://host/x", "sftp:/host/x", "sftp://",
		"sftp:///x", "sftp://a@host:0/x", "sftp://a@host:99999/x", "sftp://a@host:x/x",
		"sftp://a@ho st/x", "sftp://a@-oProxy/x", "sftp://a@[::1/x", "sftp://a@[::1]x/x",
		"webdav://host/x?y", "https://host/x#y", "s3://bucket:80/x", "s3://key@bucket/x",
		"smb://host", "smb://host/"};

	for (size_t i = 0; i < TR_COUNT(wrong); i++)
		if (!tr_upload_target_url_fault(wrong[i]))
			fail_msg("taken: %s", wrong[i]);
}

static void a_password_in_the_url_is_refused_with_its_place(void **state)
{
	const char *fault = tr_upload_target_url_fault("sftp://a:geheim@host/x");

	assert_non_null(strstr(fault, "secrets.conf"));
	assert_null(strstr(fault, "geheim"));
}

static void a_host_key_looks_like_one(void **state)
{
	assert_null(tr_upload_target_host_key_fault("ssh-ed25519 "
						    "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqK"
						    "LsabgH5C9okWi0dh2l9GKJl"));
	assert_non_null(tr_upload_target_host_key_fault("ssh-ed25519 AAAA"));
	assert_non_null(tr_upload_target_host_key_fault("SHA256:abcdef"));
	assert_non_null(tr_upload_target_host_key_fault(""));
}

static void what_does_not_fit_together_is_named(void **state)
{
	assert_int_equal(check("sftp://host/x"), -EINVAL);
	assert_non_null(strstr(why, "user"));
	assert_int_equal(check("sftp://a@host/x"), 0);
	snprintf(target.access_key, sizeof(target.access_key), "x");
	assert_int_equal(check("sftp://a@host/x"), -EINVAL);
	assert_int_equal(check("s3://bucket"), 0);
	snprintf(target.password, sizeof(target.password), "x");
	assert_int_equal(check("s3://bucket"), -EINVAL);
	target.name[0] = '\0';
	assert_int_equal(check("webdav://host/x"), -EINVAL);
	snprintf(target.name, sizeof(target.name), "a b");
	assert_int_equal(check("webdav://host/x"), -EINVAL);
}

static void the_url_is_shown_without_its_user(void **state)
{
	char shown[1024];

	assert_int_equal(check("sftp://recorder@host/x"), 0);
	tr_upload_target_show(&target, shown, sizeof(shown));
	assert_null(strstr(shown, "recorder"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_sftp_url_is_taken_apart, set_up),
		cmocka_unit_test_setup(addresses_of_version_6_stand_in_brackets, set_up),
		cmocka_unit_test_setup(percent_encoding_is_undone, set_up),
		cmocka_unit_test_setup(web_addresses_are_webdav, set_up),
		cmocka_unit_test_setup(what_is_no_target_is_refused, set_up),
		cmocka_unit_test_setup(a_password_in_the_url_is_refused_with_its_place, set_up),
		cmocka_unit_test_setup(a_host_key_looks_like_one, set_up),
		cmocka_unit_test_setup(what_does_not_fit_together_is_named, set_up),
		cmocka_unit_test_setup(the_url_is_shown_without_its_user, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
