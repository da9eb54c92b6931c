#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "browser/cdp.h"
#include "core/log.h"
#include "peer.h"

static struct peer peer;
static struct tr_cdp *cdp;
static int answered, events, closed, last_rc;
static char last_text[128];

static void on_event(const char *session, const char *method, json_t *params, void *user)
{
	assert_true(json_is_object(params));
	snprintf(last_text, sizeof(last_text), "%s/%s", session, method);
	events++;
}

static void on_closed(int rc, void *user)
{
	closed++;
}

static void on_result(int rc, json_t *result, const char *error, void *user)
{
	answered++;
	last_rc = rc;
	const char *text = rc ? error : json_string_value(json_object_get(result, "text"));
	snprintf(last_text, sizeof(last_text), "%s", text ? text : "");
}

static int start(void **state)
{
	static const struct tr_cdp_events cdp_events = {on_event, on_closed};

	answered = events = closed = last_rc = 0;
	last_text[0] = '\0';
	int fd = peer_start(&peer);
	return tr_cdp_create(peer.event, fd, &cdp_events, NULL, &cdp);
}

static int stop(void **state)
{
	tr_cdp_destroy(cdp);
	peer_stop(&peer);
	return 0;
}

static void ask(const char *session, int timeout_ms)
{
	assert_int_equal(tr_cdp_call(cdp, session, "Some.thing", json_pack("{s:i}", "n", 1),
				 timeout_ms, on_result, NULL),
		0);
}

static void answers_go_to_their_calls_in_any_order(void **state)
{
	ask(NULL, 60000);
	ask("S", 60000);
	json_t *first = peer_take(&peer), *second = peer_take(&peer);
	assert_null(json_object_get(first, "sessionId"));
	assert_string_equal(json_string_value(json_object_get(second, "sessionId")), "S");
	peer_answer(&peer, second, "\"result\":{\"text\":\"two\"}");
	assert_string_equal(last_text, "two");
	peer_answer(&peer, first, "\"result\":{\"text\":\"one\"}");
	assert_string_equal(last_text, "one");
	assert_int_equal(answered, 2);
	assert_int_equal(last_rc, 0);
}

static void an_error_answer_brings_its_message(void **state)
{
	ask(NULL, 60000);
	peer_answer(&peer, peer_take(&peer), "\"error\":{\"code\":-32000,\"message\":\"no such\"}");
	assert_int_equal(last_rc, -EREMOTEIO);
	assert_string_equal(last_text, "no such");
}

static void a_call_without_an_answer_fails_at_its_deadline(void **state)
{
	ask(NULL, 60000);
	ask(NULL, 20);
	json_decref(peer_take(&peer));
	json_t *late = peer_take(&peer);
	while (!answered)
		assert_true(sd_event_run(peer.event, UINT64_MAX) >= 0);
	assert_int_equal(last_rc, -ETIMEDOUT);
	peer_answer(&peer, late, "\"result\":{}");
	assert_int_equal(answered, 1);
}

static void a_crashed_session_fails_its_calls_only(void **state)
{
	ask("S", 60000);
	ask("T", 60000);
	ask("S", 60000);
	tr_cdp_fail_session(cdp, "S", -ECONNRESET, "crashed");
	assert_int_equal(answered, 2);
	assert_int_equal(last_rc, -ECONNRESET);
}

static void the_end_of_the_browser_fails_all_calls(void **state)
{
	ask("S", 60000);
	ask(NULL, 60000);
	close(peer.fd);
	peer.fd = -1;
	peer_run(&peer);
	assert_int_equal(answered, 2);
	assert_int_equal(last_rc, -EPIPE);
	assert_int_equal(closed, 1);
	assert_int_equal(tr_cdp_call(cdp, NULL, "Some.thing", NULL, 1000, on_result, NULL), -EPIPE);
}

static void events_are_told_with_their_session(void **state)
{
	peer_write(&peer, "{\"method\":\"A.b\",\"params\":{}}");
	assert_string_equal(last_text, "/A.b");
	peer_write(&peer, "{\"method\":\"C.d\",\"sessionId\":\"S\"}");
	assert_string_equal(last_text, "S/C.d");
}

static void nonsense_is_survived(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "null", "{\"id\":77,\"result\":{}}",
		"{\"id\":\"x\"}", "{\"method\":5}", "{\"error\":{}}", "\xff\xfe"};

	tr_log_set_level(TR_LOG_NONE);
	for (size_t i = 0; i < TR_COUNT(texts); i++)
		peer_write(&peer, texts[i]);
	assert_int_equal(events, 0);
	ask(NULL, 60000);
	peer_answer(&peer, peer_take(&peer), "\"result\":5");
	assert_int_equal(last_rc, -EREMOTEIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			answers_go_to_their_calls_in_any_order, start, stop),
		cmocka_unit_test_setup_teardown(an_error_answer_brings_its_message, start, stop),
		cmocka_unit_test_setup_teardown(
			a_call_without_an_answer_fails_at_its_deadline, start, stop),
		cmocka_unit_test_setup_teardown(
			a_crashed_session_fails_its_calls_only, start, stop),
		cmocka_unit_test_setup_teardown(
			the_end_of_the_browser_fails_all_calls, start, stop),
		cmocka_unit_test_setup_teardown(events_are_told_with_their_session, start, stop),
		cmocka_unit_test_setup_teardown(nonsense_is_survived, start, stop),
	};
	return cmocka_run_group_tests_name("cdp", tests, NULL, NULL);
}
