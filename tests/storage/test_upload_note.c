/* What is noted of uploads in a recording's folder, and what rclone's words mean. */
#include "test.h"

#include "core/file.h"
#include "storage/upload_cause.h"
#include "storage/upload_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static char folder[64];
static int dirfd_ = -1;

static int set_up(void **state)
{
	strcpy(folder, "/tmp/telerec-note.XXXXXX");
	assert_non_null(mkdtemp(folder));
	dirfd_ = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dirfd_ >= 0);
	return 0;
}

static int tear_down(void **state)
{
	close(dirfd_);
	tr_file_remove_tree(folder);
	return 0;
}

static void what_is_noted_is_read_again(void **state)
{
	struct tr_upload_note note = {0}, got = {0};
	struct tr_upload_entry *entry = tr_upload_note_add(&note, "archive", 1000);

	assert_non_null(entry);
	entry->state = TR_UPLOAD_FAILED;
	entry->attempts = 3;
	entry->total = 1234567890123;
	entry->next_try_ms = 5000;
	strcpy(entry->error, "it is \"away\"");
	assert_non_null(tr_upload_note_add(&note, "cloud", 1000));
	assert_int_equal(tr_upload_note_save(dirfd_, &note), 0);
	assert_int_equal(tr_upload_note_load(dirfd_, &got), 0);
	assert_int_equal(got.count, 2);
	entry = tr_upload_note_find(&got, "archive");
	assert_int_equal(entry->state, TR_UPLOAD_FAILED);
	assert_int_equal(entry->attempts, 3);
	assert_int_equal(entry->total, 1234567890123);
	assert_int_equal(entry->next_try_ms, 5000);
	assert_int_equal(entry->since_ms, 1000);
	assert_string_equal(entry->error, "it is \"away\"");
	assert_int_equal(tr_upload_note_find(&got, "cloud")->state, TR_UPLOAD_WAITING);
	assert_null(tr_upload_note_find(&got, "other"));
}

static void one_that_ran_waits_after_a_restart(void **state)
{
	struct tr_upload_note note = {0};

	tr_upload_note_add(&note, "a", 1)->state = TR_UPLOAD_RUNNING;
	assert_int_equal(tr_upload_note_save(dirfd_, &note), 0);
	assert_int_equal(tr_upload_note_load(dirfd_, &note), 0);
	assert_int_equal(note.entries[0].state, TR_UPLOAD_WAITING);
}

static void a_damaged_note_is_told_from_none(void **state)
{
	static const char *const wrong[] = {"", "{", "[]", "{\"schema\": 2, \"uploads\": []}",
		"{\"schema\": 1}", "{\"schema\": 1, \"uploads\": [1]}",
		"{\"schema\": 1, \"uploads\": [{\"name\": \"a\"}]}"};
	struct tr_upload_note note;

	assert_int_equal(tr_upload_note_load(dirfd_, &note), -ENOENT);
	for (size_t i = 0; i < TR_COUNT(wrong); i++) {
		assert_int_equal(
			tr_file_replace(dirfd_, TR_UPLOAD_NOTE_FILE, wrong[i], strlen(wrong[i])),
			0);
		if (tr_upload_note_load(dirfd_, &note) != -EBADMSG)
			fail_msg("taken: %s", wrong[i]);
	}
}

static void a_note_has_room_for_eight_targets(void **state)
{
	struct tr_upload_note note = {0};
	char name[8];

	for (unsigned i = 0; i < TR_UPLOAD_NOTE_MAX; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		assert_non_null(tr_upload_note_add(&note, name, 1));
	}
	assert_null(tr_upload_note_add(&note, "more", 1));
}

static void a_sentence_that_is_no_text_is_shown_all_the_same(void **state)
{
	struct tr_upload_note note = {0};

	strcpy(tr_upload_note_add(&note, "a", 1)->error, "b\xe4h");
	json_t *list = tr_upload_note_show(&note);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(list, 0), "error")), "b?h");
	json_decref(list);
}

static void rclones_words_have_a_cause(void **state)
{
	static const struct {
		const char *words;
		enum tr_upload_cause cause;
	} cases[] = {
		{"couldn't connect SSH: ssh: handshake failed: knownhosts: key is unknown",
			TR_UPLOAD_HOST_KEY_UNKNOWN},
		{"ssh: handshake failed: knownhosts: key mismatch", TR_UPLOAD_HOST_KEY_CHANGED},
		{"ssh: unable to authenticate, attempted methods [none password]", TR_UPLOAD_LOGIN},
		{"dial tcp 127.0.0.1:1: connect: connection refused", TR_UPLOAD_REFUSED},
		{"dial tcp: lookup nas.invalid: no such host", TR_UPLOAD_NAME_UNKNOWN},
		{"x509: certificate signed by unknown authority", TR_UPLOAD_CERTIFICATE},
		{"read metadata failed: : 401 Unauthorized", TR_UPLOAD_LOGIN},
		{"507 Insufficient Storage", TR_UPLOAD_FULL},
		{"NoSuchBucket: The specified bucket does not exist", TR_UPLOAD_NO_PLACE},
		{"sftp: \"Permission denied\" (SSH_FX_PERMISSION_DENIED)", TR_UPLOAD_DENIED},
		{"Failed to copy: unexpected EOF", TR_UPLOAD_CUT},
		{"something new", TR_UPLOAD_OTHER},
	};

	for (size_t i = 0; i < TR_COUNT(cases); i++)
		if (tr_upload_cause_find(cases[i].words) != cases[i].cause)
			fail_msg("%s: %s", cases[i].words,
				tr_upload_cause_name(tr_upload_cause_find(cases[i].words)));
}

static void every_cause_has_words(void **state)
{
	const struct tr_upload_target target = {.name = "archive", .url = "sftp://a@nas/x"};
	char text[512];

	for (int cause = 0; cause < TR_UPLOAD_CAUSE_COUNT_; cause++) {
		assert_non_null(tr_upload_cause_name(cause));
		tr_upload_cause_say(cause, &target, "words", text, sizeof(text));
		assert_int_equal(strncmp(text, "nas ", 4), 0);
		tr_upload_cause_cure(cause, &target, text, sizeof(text));
		assert_null(strstr(text, "%s"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_noted_is_read_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_that_ran_waits_after_a_restart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_damaged_note_is_told_from_none, set_up, tear_down),
		cmocka_unit_test(a_note_has_room_for_eight_targets),
		cmocka_unit_test(a_sentence_that_is_no_text_is_shown_all_the_same),
		cmocka_unit_test(rclones_words_have_a_cause),
		cmocka_unit_test(every_cause_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
