#include "test.h"

#include "core/file.h"
#include "storage/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static char folder[64];
static int dirfd_ = -1;
static struct tr_recording recording, loaded;

static int start(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/tr-recording-XXXXXX");
	assert_non_null(mkdtemp(folder));
	dirfd_ = open(folder, O_RDONLY | O_DIRECTORY);
	memset(&loaded, 0, sizeof(loaded));
	return dirfd_ >= 0 ? 0 : -1;
}

static int stop(void **state)
{
	close(dirfd_);
	return tr_file_remove_tree(folder);
}

static void names_are_safe(void **state)
{
	char name[32];
	tr_recording_safe_name("../../etc/passwd", name, sizeof(name));
	assert_string_equal(name, "_.._etc_passwd");
	tr_recording_safe_name("..", name, sizeof(name));
	assert_string_equal(name, "recording");
	tr_recording_safe_name("Käse & Brot", name, sizeof(name));
	assert_string_equal(name, "K_se_Brot");
}

static void a_name_that_was_chosen_is_kept_when_it_can_be_a_files(void **state)
{
	static const char *const names[][2] = {{"Käse & Brot", "Käse & Brot"}, {"../x", "_x"},
		{".hidden", "hidden"}, {"a\nb", "a_b"}, {"", "recording"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(
			tr_recording_init(&recording, "s", "https://x/y", names[i][0], 1), 0);
		assert_string_equal(recording.name, names[i][1]);
		assert_int_equal(tr_recording_save(dirfd_, &recording), 0);
		assert_int_equal(tr_recording_load(dirfd_, &loaded), 0);
		assert_string_equal(loaded.name, names[i][1]);
	}
}

static void a_name_is_room_and_date(void **state)
{
	char name[128];
	setenv("TZ", "UTC", 1);
	tr_recording_name_for("https://meet.example/Team/MyRoom?jwt=secret#config.x=1",
		INT64_C(1795234380) * 1000000000, name, sizeof(name));
	assert_string_equal(name, "MyRoom_2026-11-21-04-13-00");
}

static void a_saved_state_comes_back(void **state)
{
	assert_int_equal(tr_recording_init(&recording, "session-1",
				 "https://u:p@meet.example/room?jwt=secret", NULL, 1000000000),
		0);
	assert_int_equal(tr_recording_add_part(&recording, 0), 0);
	assert_int_equal(tr_recording_add_part(&recording, 7000000000), 0);
	assert_int_equal(tr_recording_save(dirfd_, &recording), 0);
	assert_int_equal(tr_recording_load(dirfd_, &loaded), 0);
	assert_memory_equal(&loaded.parts, &recording.parts, sizeof(loaded.parts));
	assert_string_equal(loaded.session_id, "session-1");
	assert_int_equal(loaded.state, TR_RECORDING_RUNNING);
	assert_null(strstr(loaded.url, "secret"));
	assert_non_null(strstr(loaded.parts[1].file, ".part-002.mp4"));
}

static void a_damaged_state_is_told_and_stays(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{\"schema\": 1}",
		"{\"schema\": 1, \"state\": \"asleep\"}", "\xff\xfe"};
	assert_int_equal(tr_recording_load(dirfd_, &loaded), -ENOENT);
	for (size_t i = 0; i < TR_COUNT(texts); i++) {
		assert_int_equal(
			tr_file_replace(dirfd_, "state.json", texts[i], strlen(texts[i])), 0);
		assert_int_equal(tr_recording_load(dirfd_, &loaded), -EBADMSG);
		assert_int_equal(faccessat(dirfd_, "state.json", F_OK, 0), 0);
	}
	assert_int_equal(tr_file_replace(dirfd_, "state.json", "{\"schema\": 2}", 13), 0);
	assert_int_equal(tr_recording_load(dirfd_, &loaded), -ENOTSUP);
}

static void a_part_outside_the_folder_is_refused(void **state)
{
	assert_int_equal(tr_recording_init(&recording, "s", "https://a/b", "n", 1), 0);
	assert_int_equal(tr_recording_add_part(&recording, 0), 0);
	strcpy(recording.parts[0].file, "../other.mp4");
	assert_int_equal(tr_recording_save(dirfd_, &recording), 0);
	assert_int_equal(tr_recording_load(dirfd_, &loaded), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(names_are_safe),
		TEST(a_name_that_was_chosen_is_kept_when_it_can_be_a_files),
		TEST(a_name_is_room_and_date),
		TEST(a_saved_state_comes_back),
		TEST(a_damaged_state_is_told_and_stays),
		TEST(a_part_outside_the_folder_is_refused),
	};
	return cmocka_run_group_tests_name("recording", tests, NULL, NULL);
}
