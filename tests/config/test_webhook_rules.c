#include "test.h"

#include "config/config.h"

#include <errno.h>
#include <string.h>

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
}

static void nothing_is_told_by_default(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_int_equal(config.webhooks.subscriber_count, 0);
	assert_true(config.webhooks.timeout_ms == 2000);
	assert_string_equal(config.stats.statsd, "");
	assert_false(config.stats.prometheus);
}

static void subscribers_are_taken(void **state)
{
	assert_int_equal(parse("webhooks: { subscribers = [\"https://hooks.example.org/jibri\", "
			       "\"http://127.0.0.1:8080\"]; retry_for = \"0s\"; };"),
		0);
	assert_int_equal(config.webhooks.subscriber_count, 2);
	assert_string_equal(config.webhooks.subscribers[1], "http://127.0.0.1:8080");
	assert_true(config.webhooks.retry_for_ms == 0);
}

static void half_a_token_is_refused(void **state)
{
	expect_complaint(
		"webhooks: { key_file = \"/etc/k.pem\"; key_id = \"k\"; issuer = \"i\"; };",
		"t.conf: webhooks.issuer is given, but webhooks.audience is not: a token needs "
		"key_file, key_id, issuer and audience");
	assert_int_equal(parse("webhooks: { key_file = \"/etc/k.pem\"; key_id = \"k\"; "
			       "issuer = \"i\"; audience = \"a\"; };"),
		0);
}

static void what_cannot_be_called_is_refused(void **state)
{
	assert_int_equal(parse("webhooks: { subscribers = [\"hooks.example.org\"]; };"), -EINVAL);
	assert_int_equal(
		parse("webhooks: { subscribers = [\"ftp://hooks.example.org\"]; };"), -EINVAL);
	assert_int_equal(parse("stats: { statsd = \"not a host\"; };"), -EINVAL);
	assert_int_equal(parse("stats: { statsd = \"stats.example.org:8126\"; };"), 0);
}

static void a_key_that_is_not_there_is_told(void **state)
{
	assert_int_equal(parse("webhooks: { key_file = \"/nonexistent/k.pem\"; key_id = \"k\"; "
			       "issuer = \"i\"; audience = \"a\"; };"),
		0);
	assert_int_equal(tr_config_check_files(&config, "t.conf", &complaints), -EINVAL);
	assert_non_null(strstr(complaints.lines[0], "webhooks.key_file names /nonexistent/k.pem"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_told_by_default),
		cmocka_unit_test(subscribers_are_taken),
		cmocka_unit_test(half_a_token_is_refused),
		cmocka_unit_test(what_cannot_be_called_is_refused),
		cmocka_unit_test(a_key_that_is_not_there_is_told),
	};
	return cmocka_run_group_tests_name("webhook_rules", tests, NULL, NULL);
}
