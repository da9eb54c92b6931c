#include "test.h"

#include "protocol/message.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static char why[200];

/* One message of each type, with values that no two members share. */
static struct tr_message example(enum tr_message_type type)
{
	struct tr_message m = {.type = type};

	switch (type) {
	case TR_MESSAGE_CONFIGURE:
		m.configure = (struct tr_message_configure){.slot = 2,
			.runtime_dir = "/run/x",
			.user = "1:2",
			.width = 1280,
			.height = 720,
			.frame_rate = 30,
			.sound = "auto",
			.sound_capture_pcm = "hw:1",
			.sound_player_pcm = "hw:2",
			.browser = "/b",
			.encoder = "software",
			.hosts = "*.example.org",
			.ignore_certificate_errors = true,
			.is_told_encoders = true,
			.display = ":5",
			.xauthority = "/run/key",
			.has_zero_copy = true,
			.ready_ms = 90000};
		break;
	case TR_MESSAGE_ENCODERS:
		m.encoders = (struct tr_message_encoders){.found = "{\"rungs\":[]}"};
		break;
	case TR_MESSAGE_START:
		m.start = (struct tr_message_start){.session_id = "id",
			.name = "n\xc3\xa4me",
			.url = "https://x/?a=\"b\"",
			.constant_rate = true,
			.quality = 25,
			.video_kbps = 800,
			.audio_kbps = 128,
			.duration_ms = INT64_C(604800000000),
			.page_timeout_ms = 30000,
			.sound_expected = true,
			.is_resume = true,
			.hosts = "meet.example.org",
			.room = "a@b.example.org",
			.mode = "file",
			.call_jid = "recorder@recorder.example.org",
			.call_password = "p\"w",
			.call_name = "jibri",
			.view_url = "http://youtu.be/x",
			.url_parameters = "config.a=1",
			.rtcstats = -1,
			.metadata = "{\"share\":true}",
			.join_timeout_ms = 11,
			.empty_timeout_ms = 12,
			.no_media_timeout_ms = 13,
			.all_muted_timeout_ms = 14,
			.ice_timeout_ms = 15,
			.streams = "[{\"name\":\"a\",\"url\":\"rtmp://x/y\"}]",
			.stream_ca_file = "/ca.pem",
			.is_without_file = true,
			.key_interval_ms = 2000,
			.buffer_kbit = 6000};
		break;
	case TR_MESSAGE_FINISH:
		strcpy(m.finish.session_id, "id");
		break;
	case TR_MESSAGE_ECONOMIZE:
		m.economize.level = 2;
		break;
	case TR_MESSAGE_STARTED:
		m.started = (struct tr_message_started){"id", 400, 1500};
		break;
	case TR_MESSAGE_MEETING:
		m.meeting = (struct tr_message_meeting){true, 4, 3, true, 900};
		break;
	case TR_MESSAGE_STREAM:
		m.stream =
			(struct tr_message_stream){"id", "a", "waiting", "refused", 1, 2, 3, 4, 5};
		break;
	case TR_MESSAGE_STOPPED:
		m.stopped = (struct tr_message_stopped){
			"id", TR_REASON_MEETING_EMPTY, "all gone", true};
		break;
	case TR_MESSAGE_PROGRESS:
		m.progress = (struct tr_message_progress){.time_ms = 1,
			.frames_grabbed = 2,
			.frames_encoded = 3,
			.frames_dropped = 4,
			.video_kbps = 5.5,
			.bytes = 6,
			.peak_db = -7.25,
			.rms_db = -8.5,
			.free_bytes = 9,
			.drift_ppm = -10.5,
			.sound_gap_ms = 11,
			.encoder_restarts = 12,
			.encoder = "h264",
			.note = "ten"};
		break;
	case TR_MESSAGE_FINISHED:
		m.finished = (struct tr_message_finished){
			"id", "a.mp4", "a.jpg", "a.json", "A", 30000, 77};
		break;
	case TR_MESSAGE_FAILED:
		m.failed =
			(struct tr_message_failed){"id", TR_REASON_DISK_FULL, "full", 10, "a.mp4"};
		break;
	case TR_MESSAGE_READY:
		m.ready = (struct tr_message_ready){"plugin", "software", ":9", "Chromium 1"};
		break;
	case TR_MESSAGE_STATE:
		strcpy(m.state.state, "recording");
		break;
	case TR_MESSAGE_WARNING:
		strcpy(m.warning.sentence, "silent");
		break;
	default:
		break;
	}
	return m;
}

static json_t *packed(enum tr_message_type type)
{
	struct tr_message message = example(type);
	json_t *object = NULL;
	assert_int_equal(tr_message_pack(&message, &object), 0);
	return object;
}

static void every_message_comes_back_as_it_was(void **state)
{
	for (int type = 0; type < TR_MESSAGE_COUNT_; type++) {
		struct tr_message back;
		json_t *again, *object = packed((enum tr_message_type)type);

		assert_int_equal(tr_message_unpack(object, &back, why, sizeof(why)), 0);
		assert_int_equal(back.type, type);
		assert_int_equal(tr_message_pack(&back, &again), 0);
		assert_true(json_equal(object, again));
		json_decref(object);
		json_decref(again);
	}
}

static void start_carries_every_member(void **state)
{
	struct tr_message back;
	json_t *object = packed(TR_MESSAGE_START);

	assert_int_equal(tr_message_unpack(object, &back, why, sizeof(why)), 0);
	assert_string_equal(back.start.url, "https://x/?a=\"b\"");
	assert_true(back.start.constant_rate && back.start.sound_expected && back.start.is_resume);
	assert_true(back.start.duration_ms == INT64_C(604800000000));
	assert_int_equal(back.start.audio_kbps, 128);
	json_decref(object);
}

static void a_missing_key_is_named(void **state)
{
	for (int type = 0; type < TR_MESSAGE_COUNT_; type++) {
		json_t *object = packed((enum tr_message_type)type);
		const char *key;
		json_t *value;

		json_object_foreach(object, key, value)
		{
			struct tr_message back;
			char expected[80];
			json_t *lacking = json_copy(object);

			json_object_del(lacking, key);
			assert_int_equal(
				tr_message_unpack(lacking, &back, why, sizeof(why)), -EPROTO);
			snprintf(expected, sizeof(expected), "\"%s\"", key);
			assert_non_null(strstr(why, expected));
			json_decref(lacking);
		}
		json_decref(object);
	}
}

static void a_key_of_another_type_is_named(void **state)
{
	for (int type = 0; type < TR_MESSAGE_COUNT_; type++) {
		json_t *object = packed((enum tr_message_type)type);
		const char *key;
		json_t *value;

		json_object_foreach(object, key, value)
		{
			struct tr_message back;
			json_t *odd = json_copy(object);

			json_object_set_new(odd, key, json_array());
			assert_int_equal(tr_message_unpack(odd, &back, why, sizeof(why)), -EPROTO);
			assert_non_null(strstr(why, key));
			json_decref(odd);
		}
		json_decref(object);
	}
}

static void an_unknown_key_an_unknown_type_and_an_unknown_reason_are_refused(void **state)
{
	struct tr_message back;
	json_t *object = packed(TR_MESSAGE_STOP);

	json_object_set_new(object, "colour", json_true());
	assert_int_equal(tr_message_unpack(object, &back, why, sizeof(why)), -EPROTO);
	assert_non_null(strstr(why, "\"colour\""));
	json_object_set_new(object, "type", json_string("dance"));
	assert_int_equal(tr_message_unpack(object, &back, why, sizeof(why)), -EPROTO);
	assert_non_null(strstr(why, "\"dance\""));
	json_decref(object);
	object = packed(TR_MESSAGE_FAILED);
	json_object_set_new(object, "reason", json_string("boredom"));
	assert_int_equal(tr_message_unpack(object, &back, why, sizeof(why)), -EPROTO);
	json_decref(object);
}

static void a_string_that_does_not_fit_is_refused(void **state)
{
	struct tr_message back;
	char text[TR_MESSAGE_NAME_MAX + 1];
	json_t *object = packed(TR_MESSAGE_STATE);

	memset(text, 'x', sizeof(text));
	json_object_set_new(object, "state", json_stringn(text, TR_MESSAGE_NAME_MAX - 1));
	assert_int_equal(tr_message_unpack(object, &back, why, sizeof(why)), 0);
	json_object_set_new(object, "state", json_stringn(text, TR_MESSAGE_NAME_MAX));
	assert_int_equal(tr_message_unpack(object, &back, why, sizeof(why)), -EPROTO);
	json_decref(object);
}

static void a_number_that_does_not_fit_is_refused(void **state)
{
	struct tr_message back;
	json_t *object = packed(TR_MESSAGE_CONFIGURE);

	json_object_set_new(object, "width", json_integer(INT64_C(1) << 32));
	assert_int_equal(tr_message_unpack(object, &back, why, sizeof(why)), -EPROTO);
	json_decref(object);
}

static void infinite_levels_and_broken_text_are_made_sendable(void **state)
{
	struct tr_message back, message = example(TR_MESSAGE_PROGRESS);
	json_t *object;

	message.progress.peak_db = -INFINITY;
	message.progress.rms_db = NAN;
	strcpy(message.progress.note, "caf\xc3\xa9 \xff cut \xe2\x82");
	assert_int_equal(tr_message_pack(&message, &object), 0);
	assert_int_equal(tr_message_unpack(object, &back, why, sizeof(why)), 0);
	assert_true(back.progress.peak_db == -200 && back.progress.rms_db == -200);
	assert_string_equal(back.progress.note, "caf\xc3\xa9 ? cut ??");
	json_decref(object);
	strcpy(message.progress.note, "\xed\xa0\x80");
	assert_int_equal(tr_message_pack(&message, &object), 0);
	assert_string_equal(json_string_value(json_object_get(object, "note")), "???");
	json_decref(object);
}

static void a_failure_travels_over_a_socket_with_its_exit_code(void **state)
{
	const struct tr_message failed = {.type = TR_MESSAGE_FAILED,
		.failed = {.reason = TR_REASON_PAGE_TIMEOUT,
			.exit_code = tr_reason_exit_code(TR_REASON_PAGE_TIMEOUT),
			.sentence = "after 30 s"}};
	const struct tr_message warning = {
		.type = TR_MESSAGE_WARNING, .warning = {.sentence = "hm"}};
	struct tr_line *near, *far;
	struct tr_message back;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(tr_line_create(fds[0], &near), 0);
	assert_int_equal(tr_line_create(fds[1], &far), 0);
	assert_int_equal(tr_message_send(near, &failed, -1), 0);
	assert_int_equal(tr_message_send(near, &warning, -1), 0);
	assert_int_equal(tr_message_receive(far, &back, NULL, why, sizeof(why)), 0);
	assert_int_equal(back.failed.reason, TR_REASON_PAGE_TIMEOUT);
	assert_int_equal(back.failed.exit_code, 8);
	assert_string_equal(back.failed.sentence, "after 30 s");
	assert_int_equal(tr_message_receive(far, &back, NULL, why, sizeof(why)), 0);
	assert_string_equal(back.warning.sentence, "hm");
	assert_int_equal(tr_message_receive(far, &back, NULL, why, sizeof(why)), -EAGAIN);
	tr_line_destroy(near);
	tr_line_destroy(far);
}

static void every_reason_has_a_name_a_sentence_and_an_exit_code_of_its_own(void **state)
{
	for (int i = 0; i < TR_REASON_COUNT_; i++) {
		enum tr_reason back;
		assert_int_equal(tr_reason_from_name(tr_reason_name((enum tr_reason)i), &back), 0);
		assert_int_equal(back, i);
		assert_true(strlen(tr_reason_sentence((enum tr_reason)i)) > 10);
		for (int j = 0; j < i && !tr_reason_is_clean((enum tr_reason)i); j++)
			assert_int_not_equal(tr_reason_exit_code((enum tr_reason)i),
				tr_reason_exit_code((enum tr_reason)j));
	}
	assert_string_equal(tr_reason_name((enum tr_reason)9999), "internal");
	assert_true(tr_reason_is_clean(TR_REASON_MEETING_EMPTY));
	assert_false(tr_reason_is_clean(TR_REASON_NO_MEDIA));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_comes_back_as_it_was),
		cmocka_unit_test(start_carries_every_member),
		cmocka_unit_test(a_missing_key_is_named),
		cmocka_unit_test(a_key_of_another_type_is_named),
		cmocka_unit_test(an_unknown_key_an_unknown_type_and_an_unknown_reason_are_refused),
		cmocka_unit_test(a_string_that_does_not_fit_is_refused),
		cmocka_unit_test(a_number_that_does_not_fit_is_refused),
		cmocka_unit_test(infinite_levels_and_broken_text_are_made_sendable),
		cmocka_unit_test(a_failure_travels_over_a_socket_with_its_exit_code),
		cmocka_unit_test(every_reason_has_a_name_a_sentence_and_an_exit_code_of_its_own),
	};
	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
