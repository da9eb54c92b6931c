#include "test.h"

#include "sample_snapshot.h"

#include "control/metrics.h"

#include <stdio.h>
#include <string.h>

static struct tr_snapshot *snapshot;
static char *text;

static int fill(void **state)
{
	snapshot = calloc(1, sizeof(*snapshot));
	text = NULL;
	assert_non_null(snapshot);
	sample_snapshot_fill(snapshot);
	return 0;
}

static int drop(void **state)
{
	free(snapshot);
	free(text);
	return 0;
}

static void print(void)
{
	free(text);
	text = NULL;
	assert_int_equal(tr_metrics_print(snapshot, &text), 0);
}

static void assert_line(const char *line)
{
	char whole[600];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if (!strstr(text, whole))
		fail_msg("no line %s in\n%s", line, text);
}

static unsigned count(const char *part)
{
	unsigned found = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
		found++;
	return found;
}

static void figures_have_their_units(void **state)
{
	print();
	assert_line("telerec_start_time_seconds 1794996400");
	assert_line("telerec_disk_free_bytes 5000000000");
	assert_line("telerec_disk_recording_left_seconds 9000");
	assert_line("telerec_slot_recorded_seconds{slot=\"1\"} 60.5");
	assert_line("telerec_slot_video_bytes_per_second{slot=\"1\"} 101562.5");
	assert_line("telerec_slot_sound_peak_dbfs{slot=\"1\"} -6.5");
	assert_line("telerec_slot_sound_drift_ppm{slot=\"1\"} -12.5");
	assert_line("telerec_slot_sound_gap_seconds_total{slot=\"1\"} 0.25");
	assert_line("telerec_slot_progress_age_seconds{slot=\"2\"} 0.5");
	assert_line("telerec_uploads_total{target=\"archive\",result=\"failed\"} 16");
	assert_line("telerec_uploads_open{target=\"archive\",state=\"waiting\"} 3");
	assert_line("telerec_upload_lag_seconds{target=\"archive\"} 1800");
}

static void states_are_ones_and_zeros(void **state)
{
	print();
	assert_line("telerec_disk_state{state=\"low\"} 1");
	assert_line("telerec_disk_state{state=\"fine\"} 0");
	assert_line("telerec_slot_state{slot=\"3\",state=\"idle\"} 1");
	assert_line("telerec_healthy 1");
	assert_line("telerec_slot_session{slot=\"2\",kind=\"stream\",phase=\"on\","
		    "environment=\"meet-xmpp.example.org\"} 1");
}

static void counters_of_one_family_have_one_head(void **state)
{
	print();
	assert_int_equal(count("# TYPE telerec_starts_refused_total counter\n"), 1);
	assert_line("telerec_starts_refused_total{cause=\"busy\"} 4");
	assert_line("telerec_starts_refused_total{cause=\"other\"} 3");
	assert_line("telerec_finalize_scripts_total{result=\"failed\"} 2");
}

static void jibris_names_are_kept(void **state)
{
	print();
	assert_line("jitsi_jibri_healthy 1");
	assert_line("jitsi_jibri_recording 0");
	assert_line("jitsi_jibri_sessions_started_total 10");
	assert_line("jitsi_jibri_busy_total 4");
	assert_line("jitsi_jibri_xmpp_reconnecting_total 6");
	snapshot->slots[2].is_busy = true;
	print();
	assert_line("jitsi_jibri_recording 1");
}

static void streams_of_one_name_stay_two_series(void **state)
{
	print();
	assert_line("telerec_stream_up{slot=\"2\",stream=\"1\",target=\"live.example.org\"} 1");
	assert_line("telerec_stream_up{slot=\"2\",stream=\"2\",target=\"live.example.org\"} 0");
	assert_line("telerec_stream_queued_seconds{slot=\"2\",stream=\"2\","
		    "target=\"live.example.org\"} 1.5");
}

static void labels_are_escaped(void **state)
{
	print();
	assert_line("telerec_link_present{slot=\"1\",connection=\"1\","
		    "environment=\"meet \\\"one\\\\two\\\"\\nthree\","
		    "server=\"xmpp.example.org:5222\"} 1");
	assert_non_null(strstr(text, "telerec_link_connected{slot=\"2\""));
}

static void a_label_that_is_no_utf_8_is_made_one(void **state)
{
	strcpy(snapshot->links[0].environment, "caf\xe9");
	strcpy(snapshot->links[1].environment, "caf\xc3\xa9");
	print();
	assert_non_null(strstr(text, "environment=\"caf?\""));
	assert_non_null(strstr(text, "environment=\"caf\xc3\xa9\""));
}

static void neither_sessions_nor_rooms_nor_paths_are_shown(void **state)
{
	print();
	assert_null(strstr(text, "the-session-of-somebody"));
	assert_null(strstr(text, "secretroom"));
	assert_null(strstr(text, "/secret/path"));
}

static void a_slot_without_a_session_has_no_figures_of_one(void **state)
{
	print();
	assert_null(strstr(text, "telerec_slot_recorded_seconds{slot=\"3\"}"));
	assert_line("telerec_slot_recording{slot=\"3\"} 0");
	assert_line("telerec_slot_healthy{slot=\"3\"} 1");
}

static void what_is_not_known_of_the_disk_is_left_out(void **state)
{
	snapshot->disk.hours_left = -1;
	print();
	assert_null(strstr(text, "telerec_disk_recording_left_seconds"));
}

static void an_empty_node_is_printed_too(void **state)
{
	memset(snapshot, 0, sizeof(*snapshot));
	print();
	assert_line("telerec_slots 0");
	assert_line("telerec_healthy 0");
}

static void the_fullest_node_is_printed_whole(void **state)
{
	for (unsigned i = 0; i < TR_SNAPSHOT_SLOTS_MAX; i++) {
		snapshot->slots[i] = snapshot->slots[1];
		snapshot->slots[i].number = i + 1;
		snapshot->slots[i].session.stream_count = TR_SNAPSHOT_STREAMS_MAX;
	}
	snapshot->slot_count = TR_SNAPSHOT_SLOTS_MAX;
	for (unsigned i = 0; i < TR_SNAPSHOT_LINKS_MAX; i++) {
		memset(snapshot->links[i].environment, '"', sizeof(snapshot->links[i].environment));
		snapshot->links[i].environment[159] = '\0';
		memset(snapshot->links[i].entry, '\n', sizeof(snapshot->links[i].entry));
		snapshot->links[i].entry[255] = '\0';
	}
	snapshot->link_count = TR_SNAPSHOT_LINKS_MAX;
	print();
	assert_int_equal(count("\ntelerec_link_present{"), TR_SNAPSHOT_LINKS_MAX);
	assert_int_equal(
		count("\ntelerec_stream_up{"), TR_SNAPSHOT_SLOTS_MAX * TR_SNAPSHOT_STREAMS_MAX);
	assert_string_equal(text + strlen(text) - 1, "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(figures_have_their_units, fill, drop),
		cmocka_unit_test_setup_teardown(states_are_ones_and_zeros, fill, drop),
		cmocka_unit_test_setup_teardown(counters_of_one_family_have_one_head, fill, drop),
		cmocka_unit_test_setup_teardown(jibris_names_are_kept, fill, drop),
		cmocka_unit_test_setup_teardown(streams_of_one_name_stay_two_series, fill, drop),
		cmocka_unit_test_setup_teardown(labels_are_escaped, fill, drop),
		cmocka_unit_test_setup_teardown(a_label_that_is_no_utf_8_is_made_one, fill, drop),
		cmocka_unit_test_setup_teardown(
			neither_sessions_nor_rooms_nor_paths_are_shown, fill, drop),
		cmocka_unit_test_setup_teardown(
			a_slot_without_a_session_has_no_figures_of_one, fill, drop),
		cmocka_unit_test_setup_teardown(
			what_is_not_known_of_the_disk_is_left_out, fill, drop),
		cmocka_unit_test_setup_teardown(an_empty_node_is_printed_too, fill, drop),
		cmocka_unit_test_setup_teardown(the_fullest_node_is_printed_whole, fill, drop),
	};
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
