#include "test.h"

#include "control/jibri_iq.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static xmpp_ctx_t *ctx;

static struct tr_jibri_iq *parse(const char *xml)
{
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(ctx, xml);
	struct tr_jibri_iq *iq;

	assert_non_null(stanza);
	assert_int_equal(tr_jibri_iq_parse(stanza, &iq), 0);
	xmpp_stanza_release(stanza);
	return iq;
}

static void parse_reads_what_jicofo_sends(void **state)
{
	struct tr_jibri_iq *iq = parse(
		"<jibri xmlns='" TR_JIBRI_IQ_NS "' action='start' "
		"recording_mode='stream' room='a@b' session_id='s' streamid='k&amp;1' "
		"you_tube_broadcast_id='v' rtcstats_enabled='false' supports_bad_request='true' "
		"foo='1'><x xmlns='urn:x'/></jibri>");

	assert_int_equal(iq->action, TR_JIBRI_IQ_START);
	assert_int_equal(iq->mode, TR_JIBRI_IQ_STREAM);
	assert_string_equal(iq->room, "a@b");
	assert_string_equal(iq->session_id, "s");
	assert_string_equal(iq->stream_id, "k&1");
	assert_string_equal(iq->broadcast_id, "v");
	assert_string_equal(iq->app_data, "");
	assert_int_equal(iq->rtcstats, 0);
	tr_jibri_iq_destroy(iq);
}

static void parse_takes_words_in_any_case_and_empty_ones_as_none(void **state)
{
	struct tr_jibri_iq *iq =
		parse("<jibri action='STOP' recording_mode='File' sipaddress='' streamid='' "
		      "rtcstats_enabled='' session_id=''/>");

	assert_int_equal(iq->action, TR_JIBRI_IQ_STOP);
	assert_int_equal(iq->mode, TR_JIBRI_IQ_FILE);
	assert_string_equal(iq->sip_address, "");
	assert_int_equal(iq->rtcstats, -1);
	tr_jibri_iq_destroy(iq);
	iq = parse("<jibri action='fly' recording_mode='tape' sipaddress='  ' "
		   "rtcstats_enabled='TRUE'/>");
	assert_int_equal(iq->action, TR_JIBRI_IQ_NO_ACTION);
	assert_int_equal(iq->mode, TR_JIBRI_IQ_NO_MODE);
	assert_string_equal(iq->sip_address, "");
	assert_int_equal(iq->rtcstats, 1);
	tr_jibri_iq_destroy(iq);
}

static void a_stream_goes_where_it_says_or_to_youtube(void **state)
{
	static const char *const rows[][2] = {
		{"rtmp://h/a/k", "rtmp://h/a/k"},
		{"RTMPS://h/a/k", "RTMPS://h/a/k"},
		{"abcd-efgh", "rtmp://a.rtmp.youtube.com/live2/abcd-efgh"},
	};
	static const char *const views[][2] = {
		{"https://h/v", "https://h/v"}, {"id", "http://youtu.be/id"}, {"", ""}};

	for (unsigned i = 0; i < TR_COUNT(rows); i++) {
		struct tr_jibri_iq iq = {
			.stream_id = (char *)rows[i][0], .broadcast_id = (char *)views[i][0]};
		char *stream = tr_jibri_iq_stream_url(&iq), *view = tr_jibri_iq_view_url(&iq);
		assert_string_equal(stream, rows[i][1]);
		assert_string_equal(view, views[i][1]);
		free(stream);
		free(view);
	}
}

static int metadata(const char *app_data, char *out, size_t size)
{
	struct tr_jibri_iq iq = {.app_data = (char *)app_data};
	char *text;

	int rc = tr_jibri_iq_metadata(&iq, &text);
	if (rc < 0)
		return rc;
	snprintf(out, size, "%s", text);
	free(text);
	return 0;
}

static void metadata_is_one_member_of_app_data(void **state)
{
	char text[256];

	assert_int_equal(
		metadata("{\"file_recording_metadata\":{\"a\":[1]},\"b\":2}", text, 256), 0);
	assert_string_equal(text, "{\"a\":[1]}");
	assert_int_equal(metadata("{\"other\":1}", text, 256), 0);
	assert_string_equal(text, "");
	assert_int_equal(metadata("", text, 256), 0);
	assert_string_equal(text, "");
	assert_int_equal(metadata("{\"file_recording_metadata\":7}", text, 256), 0);
	assert_string_equal(text, "");
}

static void metadata_survives_what_is_no_json_too_long_or_too_deep(void **state)
{
	size_t size = 2 << 20;
	char *big = malloc(size), text[256];

	assert_int_equal(metadata("{", text, 256), -EBADMSG);
	assert_int_equal(metadata("[1]", text, 256), -EBADMSG);
	memset(big, '[', 5000);
	big[5000] = '\0';
	assert_int_equal(metadata(big, text, 256), -EBADMSG);
	strcpy(big, "{\"file_recording_metadata\":{\"a\":");
	size_t used = strlen(big);
	memset(big + used, '[', 1000);
	memset(big + used + 1000, ']', 1000);
	strcpy(big + used + 2000, "}}");
	assert_int_equal(metadata(big, text, 256), 0);
	strcpy(big, "{\"file_recording_metadata\":{\"a\":\"");
	used = strlen(big);
	memset(big + used, 'x', 100000);
	strcpy(big + used + 100000, "\"}}");
	assert_int_equal(metadata(big, text, 256), -EFBIG);
	memset(big, ' ', size - 1);
	big[size - 1] = '\0';
	assert_int_equal(metadata(big, text, 256), -EFBIG);
	free(big);
}

static void check_build(
	const struct tr_jibri_iq_report *report, bool is_answer, const char *wanted, bool is_there)
{
	char *text;
	size_t size;

	xmpp_stanza_t *iq = tr_jibri_iq_build(ctx, "r@m/focus", "i<&\"'>+/=", is_answer, report);
	assert_int_equal(xmpp_stanza_to_text(iq, &text, &size), XMPP_EOK);
	xmpp_stanza_t *back = xmpp_stanza_new_from_string(ctx, text);
	assert_string_equal(xmpp_stanza_get_id(back), "i<&\"'>+/=");
	assert_string_equal(xmpp_stanza_get_to(back), "r@m/focus");
	assert_string_equal(xmpp_stanza_get_type(back), is_answer ? "result" : "set");
	if ((strstr(text, wanted) != NULL) != is_there)
		fail_msg("%s in %s", wanted, text);
	xmpp_free(ctx, text);
	xmpp_stanza_release(back);
	xmpp_stanza_release(iq);
}

static void build_says_a_failure_only_with_off(void **state)
{
	struct tr_jibri_iq_report report = {
		.status = TR_JIBRI_IQ_OFF, .failure = "error", .session_id = "s"};

	check_build(&report, true, "failure_reason=\"error\"", true);
	check_build(&report, false, "should_retry=\"false\"", true);
	report.status = TR_JIBRI_IQ_ON;
	check_build(&report, false, "failure_reason", false);
	check_build(&report, false, "should_retry", false);
	report.status = TR_JIBRI_IQ_PENDING;
	check_build(&report, true, "failure_reason", false);
	report = (struct tr_jibri_iq_report){.status = TR_JIBRI_IQ_OFF, .should_retry = true};
	check_build(&report, true, "should_retry", false);
	check_build(&report, true, "session_id", false);
	report.sip_address = "a@b";
	check_build(&report, true, "sipaddress=\"a@b\"", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_reads_what_jicofo_sends),
		cmocka_unit_test(parse_takes_words_in_any_case_and_empty_ones_as_none),
		cmocka_unit_test(a_stream_goes_where_it_says_or_to_youtube),
		cmocka_unit_test(metadata_is_one_member_of_app_data),
		cmocka_unit_test(metadata_survives_what_is_no_json_too_long_or_too_deep),
		cmocka_unit_test(build_says_a_failure_only_with_off),
	};

	ctx = xmpp_ctx_new(NULL, NULL);
	int failures = cmocka_run_group_tests_name("jibri_iq", tests, NULL, NULL);
	xmpp_ctx_free(ctx);
	return failures;
}
