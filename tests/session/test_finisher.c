/* Parts with real pictures and sound become one file, also after the process that wrote them died.
 */
#include "test.h"

#include "core/file.h"
#include "output/clip.h"
#include "output/mp4.h"
#include "session/finisher.h"
#include "storage/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MS INT64_C(1000000)

static char folder_path[64];
static int folder = -1;
static struct tr_finisher finisher; /* of the slot that is at work */
static atomic_int done_count;
static struct tr_check check;

static const struct tr_message_start request = {
	.session_id = "talk", .name = "talk", .url = "https://meet.example.org/talk"};
static const struct tr_message_start request_again = {.session_id = "talk",
	.name = "talk",
	.url = "https://meet.example.org/talk",
	.is_resume = true};

static int make_folder(void **state)
{
	snprintf(folder_path, sizeof(folder_path), "/tmp/telerec-test-XXXXXX");
	assert_non_null(mkdtemp(folder_path));
	folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	done_count = 0;
	return 0;
}

static int remove_folder(void **state)
{
	close(folder);
	return tr_file_remove_tree(folder_path);
}

static void on_done(void *user)
{
	atomic_fetch_add(&done_count, 1);
}

/* 25 pictures a second and a tone. */
static void write_part(const char *name, int ms, bool is_whole)
{
	struct clip *clip = clip_create();
	struct tr_mp4_settings settings = {
		.dirfd = folder,
		.name = name,
		.width = CLIP_WIDTH,
		.height = CLIP_HEIGHT,
		.audio_bitrate = 128000,
		.audio_priming = 1024,
		.bt709_limited = true,
	};
	settings.video_extradata = clip_video_extradata(clip, &settings.video_extradata_size);
	settings.audio_extradata = clip_audio_extradata(clip, &settings.audio_extradata_size);
	struct tr_mp4 *mp4;
	assert_int_equal(tr_mp4_open(&settings, &mp4), 0);
	for (int at = 0, frames = 0; at < ms; at += 40) {
		for (; frames * 1024 / 48 < at + 40; frames++) {
			struct tr_packet *sound = clip_encode_sound(clip, 0.3f);
			if (sound)
				assert_int_equal(tr_mp4_write(mp4, sound), 0);
			tr_packet_unref(sound);
		}
		struct tr_packet *packet =
			clip_encode_picture(clip, at * MS, at % 5000 == 0, CLIP_MOVING);
		assert_int_equal(tr_mp4_write(mp4, packet), 0);
		tr_packet_unref(packet);
	}
	if (is_whole)
		assert_int_equal(tr_mp4_finish(mp4), 0);
	else
		tr_mp4_abandon(mp4);
	clip_destroy(clip);
}

static void begin(const struct tr_message_start *message)
{
	memset(&finisher, 0, sizeof(finisher));
	assert_int_equal(tr_finisher_begin(&finisher, folder, message), 0);
}

static const struct tr_finisher_result *finish(const char *trouble)
{
	struct tr_quality quality = {.has_video = true, .has_audio = true, .width = CLIP_WIDTH};

	assert_int_equal(tr_finisher_start(&finisher, folder, &quality, trouble, on_done, NULL), 0);
	const struct tr_finisher_result *result = tr_finisher_join(&finisher);
	assert_int_equal(done_count, 1);
	return result;
}

static bool exists(const char *name)
{
	return faccessat(folder, name, F_OK, 0) == 0;
}

static enum tr_recording_state saved_state(struct tr_recording *ret)
{
	assert_int_equal(tr_recording_load(folder, ret), 0);
	return ret->state;
}

static void assert_file(const char *name, int64_t least_ms, int64_t most_ms)
{
	assert_int_equal(tr_check_file(folder, name, true, &check), 0);
	assert_string_equal(check.trouble, "");
	assert_int_equal(check.quality.decode_errors, 0);
	assert_int_equal(check.quality.time_errors, 0);
	assert_true(check.quality.file_gap_s < 0.001);
	assert_in_range(check.quality.duration_ms, least_ms, most_ms);
}

static void a_part_becomes_the_file_with_report_and_poster(void **state)
{
	struct tr_recording recording;

	begin(&request);
	assert_string_equal(finisher.part, "talk.part-001.mp4");
	assert_int_equal(saved_state(&recording), TR_RECORDING_RUNNING);
	write_part(finisher.part, 2000, true);
	const struct tr_finisher_result *result = finish(NULL);
	assert_int_equal(result->rc, 0);
	assert_string_equal(result->file, "talk.mp4");
	assert_true(exists(result->poster) && exists(result->report));
	assert_false(exists("talk.part-001.mp4"));
	assert_in_range(result->duration_ms, 1950, 2100);
	assert_true(result->bytes > 1000);
	assert_int_equal(saved_state(&recording), TR_RECORDING_DONE);
	assert_string_equal(recording.file, "talk.mp4");
	assert_file("talk.mp4", 1950, 2100);
}

static void trouble_is_kept_with_the_recording(void **state)
{
	struct tr_recording recording;
	char *report;
	size_t size;

	begin(&request);
	write_part(finisher.part, 1000, true);
	assert_int_equal(finish("the disk is full")->rc, 0);
	saved_state(&recording);
	assert_string_equal(recording.reason, "the disk is full");
	assert_int_equal(tr_file_read(folder, "report.json", 1 << 20, &report, &size), 0);
	assert_non_null(strstr(report, "the disk is full"));
	free(report);
}

static void a_slot_that_died_is_followed_by_a_part_and_all_is_one_file(void **state)
{
	begin(&request);
	write_part(finisher.part, 3000, false);
	begin(&request_again); /* another process, with nothing but the folder */
	assert_string_equal(finisher.part, "talk.part-002.mp4");
	finisher.recording.parts[1].offset_ns = 4000 * MS; /* the test is faster than time */
	write_part(finisher.part, 2000, true);
	const struct tr_finisher_result *result = finish(NULL);
	assert_int_equal(result->rc, 0);
	assert_string_equal(result->file, "talk.mp4");
	assert_false(exists("talk.part-001.mp4") || exists("talk.part-002.mp4"));
	assert_file("talk.mp4", 5950, 6100);
}

static void a_slot_that_died_before_its_first_part_is_followed_by_a_first(void **state)
{
	begin(&request_again);
	assert_string_equal(finisher.part, "talk.part-001.mp4");
	write_part(finisher.part, 1000, true);
	assert_int_equal(finish(NULL)->rc, 0);
	assert_file("talk.mp4", 950, 1100);
}

/* It died between the file and the word that it is done: the hours before must not be replaced. */
static void what_was_finished_already_is_kept_when_the_recording_goes_on(void **state)
{
	begin(&request);
	write_part(finisher.part, 4000, true);
	assert_int_equal(finish(NULL)->rc, 0);
	begin(&request_again);
	assert_string_equal(finisher.part, "talk.part-002.mp4");
	assert_false(exists("talk.mp4"));
	finisher.recording.parts[1].offset_ns = 4500 * MS;
	write_part(finisher.part, 1000, true);
	done_count = 0;
	assert_int_equal(finish(NULL)->rc, 0);
	assert_false(exists("talk.part-001.mp4") || exists("talk.part-002.mp4"));
	assert_file("talk.mp4", 5450, 5600);
}

/* The same, one step earlier: the file has its name, the parts are there still. */
static void parts_that_are_in_the_finished_file_too_are_not_taken_twice(void **state)
{
	begin(&request);
	write_part(finisher.part, 3000, true);
	begin(&request_again);
	write_part(finisher.part, 3000, true);
	finisher.recording.parts[1].offset_ns = 3000 * MS;
	assert_int_equal(tr_recording_save(folder, &finisher.recording), 0);
	assert_int_equal(linkat(folder, "talk.part-001.mp4", folder, "kept-1", 0), 0);
	assert_int_equal(linkat(folder, "talk.part-002.mp4", folder, "kept-2", 0), 0);
	assert_int_equal(finish(NULL)->rc, 0);
	assert_int_equal(renameat(folder, "kept-1", folder, "talk.part-001.mp4"), 0);
	assert_int_equal(renameat(folder, "kept-2", folder, "talk.part-002.mp4"), 0);

	begin(&request_again);
	assert_string_equal(finisher.part, "talk.part-003.mp4");
	finisher.recording.parts[2].offset_ns = 6000 * MS;
	write_part(finisher.part, 1000, true);
	done_count = 0;
	assert_int_equal(finish(NULL)->rc, 0);
	assert_file("talk.mp4", 6900, 7100);
}

/* A machine without a battery learns the time late, and the slot may die before that. */
static void a_clock_that_was_set_between_parts_loses_and_adds_nothing(void **state)
{
	begin(&request);
	write_part(finisher.part, 2000, true);
	begin(&request_again);
	finisher.recording.parts[1].offset_ns = 0; /* set back */
	write_part(finisher.part, 2000, true);
	assert_int_equal(finish(NULL)->rc, 0);
	assert_file("talk.mp4", 3900, 4100); /* the last picture of a part has no length */
	assert_true(check.pictures == 100);
}

static void a_clock_that_jumps_years_makes_a_pause_of_an_hour(void **state)
{
	begin(&request);
	write_part(finisher.part, 1000, true);
	begin(&request_again);
	finisher.recording.parts[1].offset_ns = INT64_C(50) * 365 * 86400 * 1000 * MS;
	write_part(finisher.part, 1000, true);
	assert_int_equal(finish(NULL)->rc, 0);
	assert_int_equal(tr_check_file(folder, "talk.mp4", true, &check), 0);
	assert_in_range(check.quality.duration_ms, 3600000, 3603000);
}

static void without_a_picture_the_recording_has_failed_and_says_its_part(void **state)
{
	struct tr_recording recording;

	begin(&request);
	const struct tr_finisher_result *result = finish("the page never came");
	assert_true(result->rc < 0);
	assert_string_equal(result->file, "talk.part-001.mp4");
	assert_int_equal(saved_state(&recording), TR_RECORDING_FAILED);
	assert_false(exists("talk.mp4"));
}

static void assert_refused(const struct tr_message_start *message)
{
	memset(&finisher, 0, sizeof(finisher));
	assert_int_equal(tr_finisher_begin(&finisher, folder, message), -EEXIST);
}

static void a_folder_with_another_recording_is_refused(void **state)
{
	struct tr_message_start other = request_again;
	struct tr_recording recording;

	begin(&request);
	assert_refused(&request);
	snprintf(other.session_id, sizeof(other.session_id), "another");
	assert_refused(&other);
	saved_state(&recording);
	assert_string_equal(recording.session_id, "talk");
	assert_int_equal(recording.part_count, 1);
}

static void a_file_of_that_name_is_not_overwritten(void **state)
{
	struct stat st;

	int fd = openat(folder, "talk.mp4", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_refused(&request);
	assert_refused(&request_again);
	assert_int_equal(fstatat(folder, "talk.mp4", &st, 0), 0);
	assert_int_equal(st.st_size, 8);
}

static void a_damaged_state_is_left_for_a_person(void **state)
{
	int fd = openat(folder, "state.json", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "{\"state\":", 9), 9);
	close(fd);
	memset(&finisher, 0, sizeof(finisher));
	assert_int_equal(tr_finisher_begin(&finisher, folder, &request_again), -EBADMSG);
	assert_int_equal(tr_finisher_begin(&finisher, folder, &request), -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_part_becomes_the_file_with_report_and_poster),
		TEST(trouble_is_kept_with_the_recording),
		TEST(a_slot_that_died_is_followed_by_a_part_and_all_is_one_file),
		TEST(a_slot_that_died_before_its_first_part_is_followed_by_a_first),
		TEST(what_was_finished_already_is_kept_when_the_recording_goes_on),
		TEST(parts_that_are_in_the_finished_file_too_are_not_taken_twice),
		TEST(a_clock_that_was_set_between_parts_loses_and_adds_nothing),
		TEST(a_clock_that_jumps_years_makes_a_pause_of_an_hour),
		TEST(without_a_picture_the_recording_has_failed_and_says_its_part),
		TEST(a_folder_with_another_recording_is_refused),
		TEST(a_file_of_that_name_is_not_overwritten),
		TEST(a_damaged_state_is_left_for_a_person),
	};
	return cmocka_run_group_tests_name("finisher", tests, NULL, NULL);
}
