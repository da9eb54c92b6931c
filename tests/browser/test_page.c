#include "test.h"

#include <errno.h>
#include <stdio.h>

#include "browser/page.h"
#include "core/log.h"
#include "peer.h"

#define URL "https://meet.example/room#config.secret=1"

static struct peer peer;
static struct tr_cdp *cdp;
static struct tr_page *page;
static int attached, loaded, failed, crashed, pushed, answered;
static int last_rc;
static enum tr_load_error reason;
static char text[512];

static void keep(const char *what)
{
	snprintf(text, sizeof(text), "%s", what);
}

static void on_attached(void *user)
{
	attached++;
}

static void on_loaded(const char *url, void *user)
{
	loaded++;
}

static void on_failed(enum tr_load_error why, const char *sentence, void *user)
{
	failed++;
	reason = why;
	keep(sentence);
}

static void on_crashed(const char *sentence, void *user)
{
	crashed++;
	keep(sentence);
}

static void on_push(const char *name, const char *payload, void *user)
{
	pushed++;
	keep(payload);
}

static void on_value(int rc, json_t *value, const char *error, void *user)
{
	answered++;
	last_rc = rc;
}

static void on_event(const char *session, const char *method, json_t *params, void *user)
{
	if (page)
		tr_page_handle_event(page, session, method, params);
}

static void on_closed(int rc, void *user)
{
}

static void tell(const char *method, const char *params)
{
	char message[1024];

	snprintf(message, sizeof(message), "{\"method\":\"%s\",\"sessionId\":\"S\",\"params\":%s}",
		method, params);
	peer_write(&peer, message);
}

static int start(void **state)
{
	static const struct tr_cdp_events cdp_events = {on_event, on_closed};
	static const struct tr_page_events page_events = {
		on_attached, on_loaded, on_failed, on_crashed, on_push};
	static const char *const bindings[] = {"news", NULL};
	static const struct tr_page_settings settings = {.bindings = bindings, .script = "1"};

	tr_log_set_level(TR_LOG_NONE);
	attached = loaded = failed = crashed = pushed = answered = 0;
	int fd = peer_start(&peer);
	assert_int_equal(tr_cdp_create(peer.event, fd, &cdp_events, NULL, &cdp), 0);
	assert_int_equal(tr_page_create(cdp, peer.event, &settings, &page_events, NULL, &page), 0);
	peer_write(&peer, "{\"method\":\"Target.targetCreated\",\"params\":{\"targetInfo\":"
			  "{\"targetId\":\"T\",\"type\":\"page\"}}}");
	peer_answer(&peer, peer_expect(&peer, "Target.attachToTarget"),
		"\"result\":{\"sessionId\":\"S\"}");
	json_decref(peer_expect(&peer, "Runtime.addBinding"));
	json_decref(peer_expect(&peer, "Page.addScriptToEvaluateOnNewDocument"));
	peer_answer(&peer, peer_expect(&peer, "Page.getFrameTree"),
		"\"result\":{\"frameTree\":{\"frame\":{\"id\":\"T\",\"url\":\"about:blank\"}}}");
	assert_int_equal(tr_page_open(page, URL, 1000), -ENOTCONN);
	tell("Page.frameNavigated", "{\"frame\":{\"id\":\"T\",\"url\":\"data:,\"}}");
	return attached == 1 ? 0 : -1;
}

static int stop(void **state)
{
	tr_cdp_destroy(cdp);
	tr_page_destroy(page);
	page = NULL;
	peer_stop(&peer);
	return 0;
}

static void tell_document(const char *loader, int status)
{
	char params[256];

	snprintf(params, sizeof(params),
		"{\"type\":\"Document\",\"frameId\":\"T\",\"loaderId\":\"%s\",\"response\":"
		"{\"status\":%d}}",
		loader, status);
	tell("Network.responseReceived", params);
	snprintf(params, sizeof(params), "{\"frame\":{\"id\":\"T\",\"loaderId\":\"%s\"}}", loader);
	tell("Page.frameNavigated", params);
}

static void tell_load(const char *loader)
{
	char params[256];

	snprintf(params, sizeof(params),
		"{\"frameId\":\"T\",\"loaderId\":\"%s\",\"name\":\"load\"}", loader);
	tell("Page.lifecycleEvent", params);
}

static void begin(int timeout_ms)
{
	assert_int_equal(tr_page_open(page, URL, timeout_ms), 0);
	peer_answer(&peer, peer_expect(&peer, "Page.navigate"),
		"\"result\":{\"frameId\":\"T\",\"loaderId\":\"L\"}");
}

static void a_page_is_loaded_when_its_own_load_event_comes(void **state)
{
	begin(60000);
	tell_document("L", 200);
	tell_load("OLD");
	assert_int_equal(loaded, 0);
	tell_load("L");
	tell_load("L");
	assert_int_equal(loaded, 1);
	assert_int_equal(failed, 0);
	assert_true(tr_page_is_loaded(page));
}

static void a_page_behind_a_script_redirect_counts(void **state)
{
	begin(60000);
	tell_document("L", 200);
	tell_document("M", 404);
	tell_load("M");
	assert_int_equal(failed, 1);
	assert_int_equal(reason, TR_LOAD_ERROR_HTTP);
}

static void a_refused_navigation_is_a_failure_once(void **state)
{
	assert_int_equal(tr_page_open(page, URL, 60000), 0);
	tell("Page.frameNavigated", "{\"frame\":{\"id\":\"T\",\"loaderId\":\"E\","
				    "\"unreachableUrl\":\"" URL "\"}}");
	peer_answer(&peer, peer_expect(&peer, "Page.navigate"),
		"\"result\":{\"errorText\":\"net::ERR_CONNECTION_REFUSED\"}");
	assert_int_equal(failed, 1);
	assert_int_equal(reason, TR_LOAD_ERROR_CONNECTION);
	assert_null(strstr(text, "secret"));
}

static void an_older_answer_does_not_harm_the_next_page(void **state)
{
	assert_int_equal(tr_page_open(page, URL, 60000), 0);
	json_t *first = peer_expect(&peer, "Page.navigate");
	assert_int_equal(tr_page_open(page, URL, 60000), 0);
	peer_answer(&peer, first, "\"result\":{\"errorText\":\"net::ERR_ABORTED\"}");
	assert_int_equal(failed, 0);
	tell_document("M", 200);
	tell_load("M");
	assert_int_equal(loaded, 1);
}

static void the_deadline_is_a_failure(void **state)
{
	begin(20);
	while (!failed)
		assert_true(sd_event_run(peer.event, UINT64_MAX) >= 0);
	assert_int_equal(reason, TR_LOAD_ERROR_TIMEOUT);
	tell_document("L", 200);
	tell_load("L");
	assert_int_equal(loaded, 0);
}

static void a_crash_fails_questions_and_ends_the_loading(void **state)
{
	begin(60000);
	assert_int_equal(tr_page_evaluate(page, "1", 60000, on_value, NULL), 0);
	peer_write(&peer, "{\"method\":\"Target.targetCrashed\",\"params\":{\"targetId\":\"T\","
			  "\"status\":\"killed\"}}");
	assert_int_equal(crashed, 1);
	assert_int_equal(answered, 1);
	assert_int_equal(last_rc, -ECONNRESET);
	assert_non_null(strstr(text, "killed"));
	assert_int_equal(tr_page_evaluate(page, "1", 60000, on_value, NULL), -ENOTCONN);
	begin(60000);
	tell_document("N", 200);
	tell_load("N");
	assert_int_equal(loaded, 1);
}

static void dialogs_are_dismissed_but_leaving_is_accepted(void **state)
{
	tell("Page.javascriptDialogOpening", "{\"type\":\"confirm\",\"message\":\"?\"}");
	json_t *call = peer_expect(&peer, "Page.handleJavaScriptDialog");
	json_t *params = json_object_get(call, "params");
	assert_true(json_is_false(json_object_get(params, "accept")));
	json_decref(call);
	tell("Page.javascriptDialogOpening", "{\"type\":\"beforeunload\"}");
	call = peer_expect(&peer, "Page.handleJavaScriptDialog");
	assert_true(json_is_true(json_object_get(json_object_get(call, "params"), "accept")));
	json_decref(call);
}

static void another_page_is_closed(void **state)
{
	peer_write(&peer, "{\"method\":\"Target.targetCreated\",\"params\":{\"targetInfo\":"
			  "{\"targetId\":\"U\",\"type\":\"page\"}}}");
	json_t *call = peer_expect(&peer, "Target.closeTarget");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(call, "params"), "targetId")),
		"U");
	json_decref(call);
}

static void a_push_is_handed_on(void **state)
{
	tell("Runtime.bindingCalled", "{\"name\":\"news\",\"payload\":\"joined\"}");
	assert_int_equal(pushed, 1);
	assert_string_equal(text, "joined");
}

static void the_console_keeps_the_last_errors(void **state)
{
	char params[128];

	for (int i = 0; i < 100; i++) {
		snprintf(params, sizeof(params),
			"{\"type\":\"error\",\"args\":[{\"type\":\"string\",\"value\":\"e%d\"}]}",
			i);
		tell("Runtime.consoleAPICalled", params);
	}
	tell("Runtime.consoleAPICalled", "{\"type\":\"log\",\"args\":[{\"value\":\"no\"}]}");
	assert_int_equal(json_array_size(tr_page_console(page)), 32);
	assert_string_equal(json_string_value(json_array_get(tr_page_console(page), 31)), "e99");
}

static void events_without_their_members_are_survived(void **state)
{
	static const char *const methods[] = {"Target.targetCreated", "Target.targetCrashed",
		"Page.frameNavigated", "Page.lifecycleEvent", "Network.responseReceived",
		"Network.loadingFailed", "Runtime.bindingCalled", "Runtime.consoleAPICalled",
		"Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"};
	char message[128];

	begin(60000);
	for (size_t i = 0; i < TR_COUNT(methods); i++) {
		tell(methods[i], "{}");
		snprintf(message, sizeof(message), "{\"method\":\"%s\"}", methods[i]);
		peer_write(&peer, message);
	}
	assert_int_equal(crashed + loaded + failed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static void expect_no_call(const char *method)
{
	for (json_t *call = peer_take(&peer); call; call = peer_take(&peer)) {
		assert_string_not_equal(json_string_value(json_object_get(call, "method")), method);
		json_decref(call);
	}
}

static void expect_removal(const char *identifier)
{
	json_t *call = peer_expect(&peer, "Page.removeScriptToEvaluateOnNewDocument");

	assert_string_equal(
		json_string_value(json_object_get(json_object_get(call, "params"), "identifier")),
		identifier);
	json_decref(call);
}

static void crash(void)
{
	peer_write(&peer, "{\"method\":\"Target.targetCrashed\",\"params\":"
			  "{\"targetId\":\"T\",\"status\":\"crashed\"}}");
	assert_int_equal(crashed, 1);
}

static json_t *expect_navigation(const char *url)
{
	json_t *call = peer_expect(&peer, "Page.navigate");

	assert_string_equal(
		json_string_value(json_object_get(json_object_get(call, "params"), "url")), url);
	return call;
}

static void a_script_of_a_session_is_put_in_once_and_taken_away(void **state)
{
	assert_int_equal(tr_page_set_script(page, "a"), 0);
	peer_answer(&peer, peer_expect(&peer, "Page.addScriptToEvaluateOnNewDocument"),
		"\"result\":{\"identifier\":\"7\"}");
	assert_int_equal(tr_page_set_script(page, "a"), 0);
	begin(1000);
	expect_no_call("Page.addScriptToEvaluateOnNewDocument");
	assert_int_equal(tr_page_set_script(page, NULL), 0);
	expect_removal("7");
}

static void a_script_that_was_replaced_before_it_was_there_goes(void **state)
{
	assert_int_equal(tr_page_set_script(page, "a"), 0);
	json_t *first = peer_expect(&peer, "Page.addScriptToEvaluateOnNewDocument");
	assert_int_equal(tr_page_set_script(page, "b"), 0);
	json_t *second = peer_expect(&peer, "Page.addScriptToEvaluateOnNewDocument");
	peer_answer(&peer, first, "\"result\":{\"identifier\":\"1\"}");
	peer_answer(&peer, second, "\"result\":{\"identifier\":\"2\"}");
	expect_removal("1");
	assert_int_equal(tr_page_set_script(page, NULL), 0);
	expect_removal("2");
}

static void a_crashed_page_gets_a_new_script_by_way_of_an_empty_one(void **state)
{
	crash();
	assert_int_equal(tr_page_set_script(page, "a"), 0);
	assert_int_equal(tr_page_open(page, URL, 1000), 0);
	json_t *blank = expect_navigation("about:blank");
	peer_answer(&peer, blank, "\"result\":{\"frameId\":\"T\",\"loaderId\":\"B\"}");
	peer_answer(&peer, peer_expect(&peer, "Page.addScriptToEvaluateOnNewDocument"),
		"\"result\":{\"identifier\":\"1\"}");
	json_decref(expect_navigation(URL));
	/* The empty page's own news come late. */
	tell("Page.frameNavigated", "{\"frame\":{\"id\":\"T\",\"loaderId\":\"B\"}}");
	tell_load("B");
	assert_int_equal(loaded, 0);
	tell_document("L", 200);
	tell_load("L");
	assert_int_equal(loaded, 1);
}

static void a_crashed_page_with_the_same_script_is_opened_at_once(void **state)
{
	assert_int_equal(tr_page_set_script(page, "a"), 0);
	peer_answer(&peer, peer_expect(&peer, "Page.addScriptToEvaluateOnNewDocument"),
		"\"result\":{\"identifier\":\"7\"}");
	crash();
	assert_int_equal(tr_page_set_script(page, NULL), 0);
	assert_int_equal(tr_page_set_script(page, "a"), 0);
	assert_int_equal(tr_page_open(page, URL, 1000), 0);
	json_decref(expect_navigation(URL));
}

static void storage_is_cleared_by_site(void **state)
{
	tr_page_clear_storage(page, "https://meet.example:8443/room?x#y");
	json_t *call = peer_expect(&peer, "Storage.clearDataForOrigin");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(call, "params"), "origin")),
		"https://meet.example:8443");
	json_decref(call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_is_loaded_when_its_own_load_event_comes),
		TEST(a_page_behind_a_script_redirect_counts),
		TEST(a_refused_navigation_is_a_failure_once),
		TEST(an_older_answer_does_not_harm_the_next_page),
		TEST(the_deadline_is_a_failure),
		TEST(a_crash_fails_questions_and_ends_the_loading),
		TEST(dialogs_are_dismissed_but_leaving_is_accepted),
		TEST(another_page_is_closed),
		TEST(a_push_is_handed_on),
		TEST(the_console_keeps_the_last_errors),
		TEST(events_without_their_members_are_survived),
		cmocka_unit_test_setup_teardown(
			a_script_of_a_session_is_put_in_once_and_taken_away, start, stop),
		cmocka_unit_test_setup_teardown(
			a_script_that_was_replaced_before_it_was_there_goes, start, stop),
		cmocka_unit_test_setup_teardown(
			a_crashed_page_gets_a_new_script_by_way_of_an_empty_one, start, stop),
		cmocka_unit_test_setup_teardown(
			a_crashed_page_with_the_same_script_is_opened_at_once, start, stop),
		cmocka_unit_test_setup_teardown(storage_is_cleared_by_site, start, stop),
	};
	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
