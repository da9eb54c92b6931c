#include "test.h"

#include "cli/node_answers.h"
#include "cli/node_show.h"
#include "cli/node_status.h"
#include "protocol/node_words.h"
#include "cli/text_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW_MS 1795260760000

static char shown[8192];

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	if (!json)
		fail_msg("%s: %s", error.text, text);
	return json;
}

static bool show_status(const char *node_text, const char *slots_text)
{
	json_t *node = parse(node_text), *slots = parse(slots_text);
	FILE *out = fmemopen(shown, sizeof(shown), "w");

	bool is_well = tr_node_status_show(out, node, json_object_get(slots, "slots"), 80);
	fclose(out);
	assert_int_equal(
		is_well, tr_node_status_show(NULL, node, json_object_get(slots, "slots"), 80));
	json_decref(node);
	json_decref(slots);
	return is_well;
}

static void expect(const char *words)
{
	if (!strstr(shown, words))
		fail_msg("\"%s\" is not in:\n%s", words, shown);
}

static void expect_lines_to_fit(void)
{
	char *next = NULL, *copy = strdup(shown);

	for (char *line = strtok_r(copy, "\n", &next); line; line = strtok_r(NULL, "\n", &next))
		if (tr_text_table_measure(line) > 80)
			fail_msg("this line is too long: %s", line);
	free(copy);
}

static void a_node_that_is_well_is_told_in_a_few_lines(void **state)
{
	assert_true(show_status(NODE, SLOTS(RECORDING_SLOT, IDLE_SLOT)));
	assert_string_equal(shown,
		"telerec-0a1b2c3d: well, 1 of 2 slots in use (telerec 0.1.0, up 2 h 59 min)\n"
		"\n"
		"SLOT  STATE      MEETING                       TIME     SIZE   SOUND  PEOPLE\n"
		"   1  recording  a very long name of a me...  12:34  120 MiB  -12 dB  5, 2 muted\n"
		"   2  idle\n"
		"\n"
		"Disk: 412 GiB of 500 GiB free, some 310 hours of recording "
		"(/var/lib/telerec/recordings)\n"
		"Jitsi: prod (meet.example.org): 2 of 2 recorders in the brewery, Jicofo is "
		"there\n");
}

static void what_needs_a_person_is_told_and_makes_it_unwell(void **state)
{
	assert_false(show_status(NODE_("false", "no slot is well", "0",
					 "\"state\":\"low\",\"problem\":\"only 3 GiB are left\","
					 "\"hours_left\":0.5",
					 LINK("1", "offline", "false", "wrong password")),
		SLOTS(SLOT_("1", "away", "false", "no sound", "null"), IDLE_SLOT)));
	expect("telerec-0a1b2c3d: UNWELL");
	expect("some 30 minutes of recording");
	expect("0 of 1 recorders in the brewery, Jicofo is NOT there");
	expect("\n! no slot is well\n");
	expect("\n! disk low: only 3 GiB are left\n");
	expect("\n! slot 1: no sound\n");
	expect("\n! prod (meet.example.org): wrong password\n");
}

static void recordings_that_power_off_loses_are_worth_a_word(void **state)
{
	assert_true(show_status(
		NODE_("true", "", "0", FINE ",\"is_in_memory\":true",
			LINK("1", "present", "true", "") "," LINK("2", "present", "true", "")),
		SLOTS(IDLE_SLOT, IDLE_SLOT)));
	expect("\n! Recordings are kept in memory only, and are lost");
}

static void a_brewery_without_jicofo_is_worth_a_word(void **state)
{
	assert_false(show_status(
		NODE_("true", "", "0", FINE,
			LINK("1", "present", "false", "") "," LINK("2", "present", "false", "")),
		SLOTS(IDLE_SLOT, IDLE_SLOT)));
	expect("! prod: Jicofo is not in the brewery");
	assert_null(strstr(strstr(shown, "! prod") + 1, "! prod"));
}

static void trouble_of_a_recording_is_told_but_the_node_is_well(void **state)
{
	assert_true(show_status(NODE,
		SLOTS(SLOT_("1", "recording", "true", "",
			      SESSION("on", STREAM("waiting", "it hung up"), "nobody speaks")),
			IDLE_SLOT)));
	expect("\n! slot 1: nobody speaks\n");
	expect("\n! slot 1, stream to rtmp://live.example/live/***: waiting: it hung up\n");
}

static void a_session_is_told_with_its_streams(void **state)
{
	json_t *session = parse(SESSION("on", STREAM("streaming", ""), "too quiet"));
	FILE *out = fmemopen(shown, sizeof(shown), "w");

	tr_node_show_session(out, session, NOW_MS);
	fclose(out);
	json_decref(session);
	expect("Session     abcdefghijklmnop\n");
	expect("Time        12:34\n");
	expect("People      5, 2 muted\n");
	expect("Pictures    18000 encoded, 3 lost, 812 kbit/s\n");
	expect("Stream to   rtmp://live.example/live/***: streaming, 2900 kbit/s, 40 ms queued, "
	       "connected again 1 times, 12 pictures lost\n");
	expect("Warning     too quiet\n");
}

static void sessions_and_recordings_fit_a_terminal(void **state)
{
	json_t *list = parse("[" SESSION("on", "", "") "," ENDED("true") "," FAILED "]");
	FILE *out = fmemopen(shown, sizeof(shown), "w");

	tr_node_show_sessions(out, list, 1, NOW_MS, 80);
	fclose(out);
	expect_lines_to_fit();
	expect("abcdefghijklmnop     1  ended  file");
	assert_null(strstr(shown, "FAILED"));
	expect("... and 1 older ones");
	json_decref(list);
	list = parse(
		"[{\"id\":\"abcdefghijklmnop-2\",\"session_id\":\"x\",\"room\":\"r\","
		"\"name\":\"a name that is far too long for any terminal of this size\","
		"\"state\":\"recording\",\"reason\":\"\",\"file\":\"\",\"bytes\":1099511627776,"
		"\"duration_ms\":36000000,\"created_ms\":1795000000000,\"grade\":\"A\","
		"\"is_finalized\":false}]");
	out = fmemopen(shown, sizeof(shown), "w");
	tr_node_show_recordings(out, list, NOW_MS, 80);
	fclose(out);
	expect_lines_to_fit();
	expect("10:00:00  1.0 TiB  A      a name...");
	json_decref(list);
}

static void how_a_session_ended_is_told(void **state)
{
	json_t *session = parse(FAILED);
	FILE *out = fmemopen(shown, sizeof(shown), "w");

	tr_node_show_session(out, session, NOW_MS);
	fclose(out);
	json_decref(session);
	expect("FAILED      the meeting could not be joined\n");
	expect("Reason      join_failed\n");
	expect("On since    not yet\n");
}

static void events_and_log_lines_are_one_line_each(void **state)
{
	json_t *event = parse("{\"type\":\"slot\",\"ms\":1795260760000,\"slot\":2,\"session_id\":"
			      "\"abc\",\"state\":\"pending\",\"sentence\":\"a\\nb\"}");
	json_t *line = parse("{\"ms\":1795260760000,\"level\":\"warning\",\"area\":\"stream\","
			     "\"slot\":1,\"session_id\":\"\",\"text\":\"lost \\u001b[2J\"}");
	FILE *out = fmemopen(shown, sizeof(shown), "w");

	tr_node_show_event(out, event);
	tr_node_show_log(out, line);
	fclose(out);
	assert_string_equal(shown, "2026-11-21 11:32:40 slot 2: pending, session abc: a b\n"
				   "2026-11-21 11:32:40 slot 1 warning: stream: lost  [2J\n");
	json_decref(event);
	json_decref(line);
}

static void times_are_as_short_as_they_can_be(void **state)
{
	char text[TR_NODE_WORDS_MAX];

	tr_node_words_when(NOW_MS - 3600000, NOW_MS, text);
	assert_string_equal(text, "10:32");
	tr_node_words_when(NOW_MS - 86400000, NOW_MS, text);
	assert_string_equal(text, "Nov 20 11:32");
	tr_node_words_when(NOW_MS - 400 * INT64_C(86400000), NOW_MS, text);
	assert_string_equal(text, "2025-10-17");
	tr_node_words_length(3723000, text);
	assert_string_equal(text, "1:02:03");
	tr_node_words_span(300000000, text);
	assert_string_equal(text, "3 d 11 h");
}

static void an_answer_that_lacks_everything_is_shown_all_the_same(void **state)
{
	assert_false(show_status("{}", "{\"slots\":[{},{\"session\":{}}]}"));
	json_t *list = parse("[{}, null, 7, \"x\"]");
	FILE *out = fmemopen(shown, sizeof(shown), "w");
	tr_node_show_sessions(out, list, 5, NOW_MS, 80);
	tr_node_show_recordings(out, list, NOW_MS, 80);
	tr_node_show_event(out, json_array_get(list, 1));
	tr_node_show_log(out, json_array_get(list, 2));
	fclose(out);
	json_decref(list);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_that_is_well_is_told_in_a_few_lines),
		cmocka_unit_test(what_needs_a_person_is_told_and_makes_it_unwell),
		cmocka_unit_test(recordings_that_power_off_loses_are_worth_a_word),
		cmocka_unit_test(a_brewery_without_jicofo_is_worth_a_word),
		cmocka_unit_test(trouble_of_a_recording_is_told_but_the_node_is_well),
		cmocka_unit_test(a_session_is_told_with_its_streams),
		cmocka_unit_test(sessions_and_recordings_fit_a_terminal),
		cmocka_unit_test(how_a_session_ended_is_told),
		cmocka_unit_test(events_and_log_lines_are_one_line_each),
		cmocka_unit_test(times_are_as_short_as_they_can_be),
		cmocka_unit_test(an_answer_that_lacks_everything_is_shown_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
