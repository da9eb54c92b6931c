#include "test.h"

#include "output/stream_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char out[TR_STREAM_URL_SIZE];
static char problem[256];

static void assert_resolves(const char *target, const char *url)
{
	assert_int_equal(tr_stream_url_resolve(target, out, sizeof(out)), 0);
	assert_string_equal(out, url);
}

static void assert_shown(const char *url, const char *shown)
{
	char text[TR_STREAM_URL_SHOWN_SIZE];
	tr_stream_url_redact(url, text, sizeof(text));
	assert_string_equal(text, shown);
}

static void a_bare_key_goes_to_youtube(void **state)
{
	assert_resolves(
		"abcd-efgh-ijkl-mnop", "rtmp://a.rtmp.youtube.com/live2/abcd-efgh-ijkl-mnop");
	assert_resolves(" abcd-efgh\n", "rtmp://a.rtmp.youtube.com/live2/abcd-efgh");
}

static void a_whole_url_is_used_as_it_is_in_any_case_of_its_scheme(void **state)
{
	assert_resolves("rtmp://live.example/app/Key?a=B", "rtmp://live.example/app/Key?a=B");
	assert_resolves("RTMPS://Live.Example:443/app/KEY", "rtmps://Live.Example:443/app/KEY");
	assert_resolves("srt://live.example:9000?streamid=x", "srt://live.example:9000?streamid=x");
	assert_resolves("https://up.example/x/a.m3u8", "https://up.example/x/a.m3u8");
}

static void what_is_no_target_is_refused(void **state)
{
	char long_key[TR_STREAM_URL_SIZE + 1];
	memset(long_key, 'k', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = '\0';

	assert_int_equal(tr_stream_url_resolve("", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve("  ", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve("two words", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve("key\rwith", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve("schl\xc3\xbcssel", out, sizeof(out)), -EINVAL);
	assert_int_equal(
		tr_stream_url_resolve("file:///etc/passwd", out, sizeof(out)), -EPROTONOSUPPORT);
	assert_int_equal(
		tr_stream_url_resolve("rtmp\x01://live.example/a", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve("rtmp://", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve("rtmp:///app/key", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve("rtmp://h:0/app/key", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve("rtmp://h:x/app/key", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve("srt://no-port", out, sizeof(out)), -EINVAL);
	assert_int_equal(tr_stream_url_resolve(long_key, out, sizeof(out)), -ENAMETOOLONG);
}

static void a_url_is_taken_apart(void **state)
{
	struct tr_stream_url url;

	assert_int_equal(tr_stream_url_read("rtmp://user:p@ss@live.example/a/k", &url), 0);
	assert_int_equal(url.scheme, TR_STREAM_URL_RTMP);
	assert_string_equal(url.host, "live.example");
	assert_int_equal(url.port, 1935);
	assert_int_equal(tr_stream_url_read("rtmps://[2001:db8::1]:8443/a/k", &url), 0);
	assert_int_equal(url.scheme, TR_STREAM_URL_RTMPS);
	assert_string_equal(url.host, "2001:db8::1");
	assert_int_equal(url.port, 8443);
	assert_int_equal(tr_stream_url_read("rtmps://live.example/a/k", &url), 0);
	assert_int_equal(url.port, 443);
}

static void only_host_and_application_are_shown(void **state)
{
	assert_shown(
		"rtmp://a.rtmp.youtube.com/live2/abcd-efgh", "rtmp://a.rtmp.youtube.com/live2/***");
	assert_shown("rtmps://u:pw@live.example:443/rtmp/FB-1?s_bl=1&s=x",
		"rtmps://live.example:443/rtmp/***");
	assert_shown("rtmp://h/app?password=sesame", "rtmp://h/***");
	assert_shown("rtmp://h/app?password=a/b", "rtmp://h/***");
	assert_shown("rtmp://h/KEY", "rtmp://h/***");
	assert_shown("rtmp://h", "rtmp://h");
	assert_shown("rtmp://h?secret", "rtmp://h/***");
	assert_shown("srt://h:9000?streamid=KEY&passphrase=x", "srt://h:9000/***");
	assert_shown("https://h/upload/KEY/a.m3u8", "https://h/***");
	assert_shown("KEY", "***");
	assert_shown("odd://user:pw@h/KEY", "***");
}

static void a_pattern_must_match_the_whole_url(void **state)
{
	const char *const some[] = {"rtmp://one\\.example/.*", "rtmps?://(a|b)\\.two/live/[a-z]+"};

	assert_true(tr_stream_url_is_allowed("rtmp://one.example/app/key", some, 2));
	assert_false(tr_stream_url_is_allowed("rtmp://oneXexample/app/key", some, 2));
	assert_false(tr_stream_url_is_allowed("xrtmp://one.example/app/key", some, 2));
	assert_true(tr_stream_url_is_allowed("rtmps://b.two/live/key", some, 2));
	assert_false(tr_stream_url_is_allowed("rtmps://b.two/live/key1", some, 2));
	assert_true(tr_stream_url_is_allowed("rtmp://anything/at/all", (const char *[]){".*"}, 1));
	assert_true(tr_stream_url_is_allowed("ab", (const char *[]){"a|ab"}, 1));
	assert_false(tr_stream_url_is_allowed("ab", (const char *[]){"a|b"}, 1));
	assert_false(tr_stream_url_is_allowed("rtmp://h/a/k", NULL, 0));
	assert_false(tr_stream_url_is_allowed("rtmp://h/a/k", (const char *[]){"("}, 1));
}

static void the_first_rule_that_matches_rewrites(void **state)
{
	const struct tr_stream_url_rewrite rules[] = {
		{"rtmp://a\\.rtmp\\.youtube\\.com/live2/(.+)",
			"rtmps://relay.example/in/\\1?from=telerec"},
		{"(rtmp)://([^/]*)/(.*)", "\\1s://proxy.example/\\2/\\3"},
	};

	assert_int_equal(tr_stream_url_rewrite(
				 "rtmp://a.rtmp.youtube.com/live2/k-1", rules, 2, out, sizeof(out)),
		0);
	assert_string_equal(out, "rtmps://relay.example/in/k-1?from=telerec");
	assert_int_equal(tr_stream_url_rewrite("rtmp://h/app/k", rules, 2, out, sizeof(out)), 0);
	assert_string_equal(out, "rtmps://proxy.example/h/app/k");
	assert_int_equal(tr_stream_url_rewrite("rtmps://h/app/k", rules, 2, out, sizeof(out)), 0);
	assert_string_equal(out, "rtmps://h/app/k");
}

static void odd_rules_do_what_they_say(void **state)
{
	const struct tr_stream_url_rewrite whole = {".*", "rtmp://h/app/x?was=\\0"};
	const struct tr_stream_url_rewrite backslash = {".*", "rtmp://h/app/\\\\1"};
	const struct tr_stream_url_rewrite unmatched = {"rtmp://(a)?h/.*", "rtmp://x/app/[\\1]"};
	const struct tr_stream_url_rewrite bad = {".*", "file:///tmp/\\0"};

	assert_int_equal(tr_stream_url_rewrite("rtmp://h/a", &whole, 1, out, sizeof(out)), 0);
	assert_string_equal(out, "rtmp://h/app/x?was=rtmp://h/a");
	assert_int_equal(tr_stream_url_rewrite("rtmp://h/a", &backslash, 1, out, sizeof(out)), 0);
	assert_string_equal(out, "rtmp://h/app/\\1");
	assert_int_equal(tr_stream_url_rewrite("rtmp://h/a", &unmatched, 1, out, sizeof(out)), 0);
	assert_string_equal(out, "rtmp://x/app/[]");
	assert_int_equal(
		tr_stream_url_rewrite("rtmp://h/a", &bad, 1, out, sizeof(out)), -EPROTONOSUPPORT);
	assert_int_equal(tr_stream_url_rewrite("rtmp://h/a", &whole, 1, out, 20), -ENAMETOOLONG);
}

static void a_pattern_that_cannot_work_is_explained(void **state)
{
	assert_int_equal(tr_stream_url_check_pattern(".*", problem, sizeof(problem)), 0);
	assert_int_equal(
		tr_stream_url_check_pattern("rtmp://(", problem, sizeof(problem)), -EINVAL);
	assert_non_null(strstr(problem, "rtmp://("));
	assert_int_equal(tr_stream_url_check_pattern("a\\d+", problem, sizeof(problem)), -EINVAL);
	assert_non_null(strstr(problem, "[0-9]"));
	assert_int_equal(tr_stream_url_check_pattern("a\\", problem, sizeof(problem)), -EINVAL);
	/* Would close the group that is put around it. */
	assert_int_equal(tr_stream_url_check_pattern("a)|(b", problem, sizeof(problem)), -EINVAL);
}

static void a_rule_that_names_a_group_it_has_not_is_explained(void **state)
{
	struct tr_stream_url_rewrite rule = {"(a)(b)", "rtmp://h/\\2"};

	assert_int_equal(tr_stream_url_check_rewrite(&rule, problem, sizeof(problem)), 0);
	rule.to = "rtmp://h/\\3";
	assert_int_equal(tr_stream_url_check_rewrite(&rule, problem, sizeof(problem)), -EINVAL);
	rule.to = "rtmp://h/\\x";
	assert_int_equal(tr_stream_url_check_rewrite(&rule, problem, sizeof(problem)), -EINVAL);
	rule.to = "rtmp://h/\\";
	assert_int_equal(tr_stream_url_check_rewrite(&rule, problem, sizeof(problem)), -EINVAL);
	rule.to = "rtmp://h/\\\\\\1";
	assert_int_equal(tr_stream_url_check_rewrite(&rule, problem, sizeof(problem)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_key_goes_to_youtube),
		cmocka_unit_test(a_whole_url_is_used_as_it_is_in_any_case_of_its_scheme),
		cmocka_unit_test(what_is_no_target_is_refused),
		cmocka_unit_test(a_url_is_taken_apart),
		cmocka_unit_test(only_host_and_application_are_shown),
		cmocka_unit_test(a_pattern_must_match_the_whole_url),
		cmocka_unit_test(the_first_rule_that_matches_rewrites),
		cmocka_unit_test(odd_rules_do_what_they_say),
		cmocka_unit_test(a_pattern_that_cannot_work_is_explained),
		cmocka_unit_test(a_rule_that_names_a_group_it_has_not_is_explained),
	};
	return cmocka_run_group_tests_name("stream_url", tests, NULL, NULL);
}
