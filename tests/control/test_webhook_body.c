#include "test.h"

#include "control/webhook_body.h"

#include <string.h>

static void assert_body(int rc, char *text, const char *expected)
{
	assert_int_equal(rc, 0);
	assert_string_equal(text, expected);
	free(text);
}

static void a_healthy_state_is_told_as_jibri_does(void **state)
{
	const struct tr_control_presence idle = {.busy = TR_CONTROL_IDLE, .is_healthy = true};
	const struct tr_control_presence busy = {.is_healthy = true,
		.busy = TR_CONTROL_WORKING,
		.environment = "prod-xmpp.example.org"};
	char *text = NULL;

	int rc = tr_webhook_body_status("jibri-1", &idle, &text);
	assert_body(rc, text,
		"{\"jibriId\":\"jibri-1\",\"status\":{\"busyStatus\":\"IDLE\",\"health\":{"
		"\"healthStatus\":\"HEALTHY\",\"details\":{}}}}");
	rc = tr_webhook_body_status("", &busy, &text);
	assert_body(rc, text,
		"{\"jibriId\":\"\",\"status\":{\"busyStatus\":\"BUSY\",\"health\":{"
		"\"healthStatus\":\"HEALTHY\",\"details\":{}}}}");
}

static void what_is_wrong_is_a_detail(void **state)
{
	const struct tr_control_presence expired = {
		.busy = TR_CONTROL_EXPIRED, .problem = "no \"disk\""};
	char *text = NULL;

	int rc = tr_webhook_body_status("j", &expired, &text);
	assert_body(rc, text,
		"{\"jibriId\":\"j\",\"status\":{\"busyStatus\":\"EXPIRED\",\"health\":{"
		"\"healthStatus\":\"UNHEALTHY\",\"details\":{\"JibriManager\":{\"healthStatus\":"
		"\"UNHEALTHY\",\"detail\":\"no \\\"disk\\\"\"}}}}}");
}

static void a_session_is_on_and_off(void **state)
{
	char *text = NULL;

	int rc = tr_webhook_body_on("jibri-1", "s1", &text);
	assert_body(rc, text,
		"{\"jibriId\":\"jibri-1\",\"session\":{\"sessionId\":\"s1\",\"status\":\"ON\","
		"\"sipAddress\":null,\"failure\":null,\"shouldRetry\":null}}");
	rc = tr_webhook_body_off("jibri-1", "s1", false, TR_REASON_MEETING_EMPTY, "x", &text);
	assert_body(rc, text,
		"{\"jibriId\":\"jibri-1\",\"session\":{\"sessionId\":\"s1\",\"status\":\"OFF\","
		"\"sipAddress\":null,\"failure\":null,\"shouldRetry\":null}}");
}

static void a_failure_has_scope_and_sentence(void **state)
{
	char *text = NULL;

	int rc = tr_webhook_body_off(
		"jibri-1", "s1", true, TR_REASON_NO_MEDIA, "No media received", &text);
	assert_body(rc, text,
		"{\"jibriId\":\"jibri-1\",\"session\":{\"sessionId\":\"s1\",\"status\":\"OFF\","
		"\"sipAddress\":null,\"failure\":{\"reason\":\"ERROR\",\"error\":{\"scope\":"
		"\"SESSION\",\"detail\":\"No media received\"}},\"shouldRetry\":true}}");
	rc = tr_webhook_body_off("j", "s", true, TR_REASON_NO_DISPLAY, "", &text);
	assert_int_equal(rc, 0);
	assert_non_null(strstr(text, "\"scope\":\"SYSTEM\",\"detail\":\"The X server"));
	free(text);
	rc = tr_webhook_body_off("j", "s", true, TR_REASON_STREAM_REFUSED, "", &text);
	assert_int_equal(rc, 0);
	assert_non_null(strstr(text, "\"shouldRetry\":false}}"));
	free(text);
}

static void what_is_no_utf_8_does_not_silence_the_rest(void **state)
{
	char *text = NULL;

	int rc = tr_webhook_body_on("caf\xe9", "s1", &text);
	assert_int_equal(rc, 0);
	assert_non_null(strstr(text, "{\"jibriId\":\"\",\"session\":{\"sessionId\":\"s1\""));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_state_is_told_as_jibri_does),
		cmocka_unit_test(what_is_wrong_is_a_detail),
		cmocka_unit_test(a_session_is_on_and_off),
		cmocka_unit_test(a_failure_has_scope_and_sentence),
		cmocka_unit_test(what_is_no_utf_8_does_not_silence_the_rest),
	};
	return cmocka_run_group_tests_name("webhook_body", tests, NULL, NULL);
}
