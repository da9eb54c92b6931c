#include "test.h"

#include "core/file.h"
#include "output/clip.h"
#include "output/mp4.h"
#include "storage/check.h"
#include "storage/finish.h"
#include "storage/poster.h"
#include "storage/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MS INT64_C(1000000)

static char folder[64];
static int dirfd_ = -1;
static struct tr_check check;
static struct tr_finish_result result;

static int start(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/tr-finish-XXXXXX");
	assert_non_null(mkdtemp(folder));
	dirfd_ = open(folder, O_RDONLY | O_DIRECTORY);
	assert_true(dirfd_ >= 0);
	return 0;
}

static int stop(void **state)
{
	close(dirfd_);
	return tr_file_remove_tree(folder);
}

/* 25 pictures a second, one in each third second; sound without the frames that `hole` names. */
static void write_part(
	const char *name, int ms, enum clip_picture picture, int hole_begin, int hole_end)
{
	struct clip *clip = clip_create();
	struct tr_mp4_settings settings = {
		.dirfd = dirfd_,
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
	int frames = 0;
	for (int at = 0; at < ms; at += 40) {
		for (; frames * 1024 / 48 < at + 40; frames++) {
			struct tr_packet *sound = clip_encode_sound(clip, 0.3f);
			if (sound && (frames < hole_begin || frames >= hole_end))
				assert_int_equal(tr_mp4_write(mp4, sound), 0);
			tr_packet_unref(sound);
		}
		if (at / 1000 % 3 == 2 && at % 1000 != 0)
			continue;
		struct tr_packet *packet =
			clip_encode_picture(clip, at * MS, at % 5000 == 0, picture);
		assert_int_equal(tr_mp4_write(mp4, packet), 0);
		tr_packet_unref(packet);
	}
	assert_int_equal(tr_mp4_finish(mp4), 0);
	clip_destroy(clip);
}

static bool exists(const char *name)
{
	return faccessat(dirfd_, name, F_OK, 0) == 0;
}

static char *output_of(const char *words)
{
	static char text[64 * 1024];
	char command[512];
	snprintf(command, sizeof(command), "cd %s && %s", folder, words);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t size = fread(text, 1, sizeof(text) - 1, pipe);
	text[size] = '\0';
	pclose(pipe);
	return text;
}

static void assert_good(const char *name)
{
	char words[256];
	snprintf(words, sizeof(words),
		"ffmpeg -nostdin -v warning -xerror -i %s -f null - 2>&1 || echo failed", name);
	assert_string_equal(output_of(words), "");
	assert_int_equal(tr_check_file(dirfd_, name, true, &check), 0);
	assert_string_equal(check.trouble, "");
	assert_int_equal(check.quality.decode_errors, 0);
	assert_int_equal(check.quality.time_errors, 0);
	assert_true(check.quality.file_gap_s < 0.001);
}

static char grade(void)
{
	struct tr_grade found;
	tr_grade_of(&check.quality, &found);
	return found.letter;
}

static void one_part_becomes_an_ordinary_file(void **state)
{
	struct tr_recording_part parts[] = {{"a.part-001.mp4", 0}};
	write_part(parts[0].file, 10000, CLIP_MOVING, 0, 0);
	assert_int_equal(tr_finish_recording(dirfd_, "a.mp4", parts, 1, &result), 0);
	assert_false(exists(parts[0].file));
	assert_good("a.mp4");
	assert_int_equal(result.filled, 0);
	assert_int_equal(check.pictures, 7 * 25 + 3);
	assert_int_equal(result.pictures, check.pictures);
	assert_in_range(check.quality.duration_ms, 9950, 10070);
	assert_int_equal(grade(), 'A');
	/* The index is in front. */
	char *text = output_of("head -c 4096 a.mp4 | grep -a -c moov");
	assert_int_equal(atoi(text), 1);
	text = output_of("ffprobe -v error -select_streams a -show_entries stream=start_time "
			 "-of csv=p=0 a.mp4");
	assert_true(strtod(text, NULL) == 0);
}

static void parts_are_joined_with_their_gaps(void **state)
{
	struct tr_recording_part parts[] = {{"a.part-001.mp4", 0}, {"a.part-002.mp4", 8000 * MS},
		{"a.part-003.mp4", 14500 * MS}};
	write_part(parts[0].file, 5000, CLIP_MOVING, 0, 0);
	write_part(parts[1].file, 4000, CLIP_SLIDE, 0, 0);
	write_part(parts[2].file, 3000, CLIP_MOVING, 0, 0);
	assert_int_equal(tr_finish_recording(dirfd_, "a.mp4", parts, 3, &result), 0);
	assert_int_equal(result.parts_used, 3);
	assert_good("a.mp4");
	assert_in_range(check.quality.duration_ms, 17450, 17560);
	assert_in_range(
		result.filled, (3000 + 2500) * 48 / 1024 - 6, (3000 + 2500) * 48 / 1024 + 4);
	assert_true(check.quality.silence_s > 5.2 && check.quality.silence_s < 5.7);
	char *text = output_of("ffprobe -v error -select_streams v -show_entries packet=pts "
			       "-of csv=p=0 a.mp4 | grep -c -E '^(720000|1305000),?$'");
	assert_int_equal(atoi(text), 2);
}

static void a_hole_in_the_sound_is_filled(void **state)
{
	struct tr_recording_part parts[] = {{"a.part-001.mp4", 0}};
	write_part(parts[0].file, 6000, CLIP_MOVING, 100, 150);
	assert_int_equal(tr_finish_recording(dirfd_, "a.mp4", parts, 1, &result), 0);
	assert_int_equal(result.filled, 50);
	assert_good("a.mp4");
}

static void a_torn_end_and_an_unreadable_part_do_no_harm(void **state)
{
	struct tr_recording_part parts[] = {{"a.part-001.mp4", 0}, {"a.part-002.mp4", 6000 * MS},
		{"a.part-003.mp4", 12000 * MS}};
	struct stat st;
	write_part(parts[0].file, 5000, CLIP_MOVING, 0, 0);
	write_part(parts[2].file, 4000, CLIP_MOVING, 0, 0);
	assert_int_equal(tr_file_replace(dirfd_, parts[1].file, "garbage", 7), 0);
	assert_int_equal(fstatat(dirfd_, parts[0].file, &st, 0), 0);
	int fd = openat(dirfd_, parts[0].file, O_WRONLY);
	assert_int_equal(ftruncate(fd, st.st_size - 3000), 0);
	close(fd);
	assert_int_equal(tr_check_file(dirfd_, parts[0].file, true, &check), 0);
	assert_true(check.is_truncated);
	assert_int_equal(check.quality.decode_errors, 0);
	assert_int_equal(tr_finish_recording(dirfd_, "a.mp4", parts, 3, &result), 0);
	assert_int_equal(result.parts_used, 2);
	assert_good("a.mp4");
	assert_in_range(check.quality.duration_ms, 15950, 16070);
	assert_true(exists(parts[1].file));
}

static void a_failure_leaves_the_parts(void **state)
{
	struct tr_recording_part parts[] = {{"a.part-001.mp4", 0}};
	write_part(parts[0].file, 2000, CLIP_MOVING, 0, 0);
	assert_int_equal(mkdirat(dirfd_, "a.mp4", 0700), 0); /* its name is taken */
	assert_true(tr_finish_recording(dirfd_, "a.mp4", parts, 1, &result) < 0);
	assert_true(exists(parts[0].file));
	assert_false(exists(".a.mp4.new"));
	struct tr_recording_part none[] = {{"nothing.mp4", 0}};
	assert_int_equal(tr_finish_recording(dirfd_, "b.mp4", none, 1, &result), -ENODATA);
	assert_false(exists("b.mp4"));
}

static void a_check_says_what_is_wrong(void **state)
{
	assert_int_equal(tr_check_file(dirfd_, "none.mp4", true, &check), -ENOENT);
	assert_int_equal(tr_file_replace(dirfd_, "empty.mp4", "", 0), 0);
	assert_int_equal(tr_check_file(dirfd_, "empty.mp4", true, &check), -ENODATA);
	assert_string_equal(check.trouble, "the file is empty");
	assert_int_equal(tr_file_replace(dirfd_, "text.mp4", "hello, world\n", 13), 0);
	assert_int_equal(tr_check_file(dirfd_, "text.mp4", true, &check), -EBADMSG);
	write_part("hole.mp4", 6000, CLIP_MOVING, 100, 150);
	assert_int_equal(tr_check_file(dirfd_, "hole.mp4", true, &check), 0);
	assert_true(check.quality.file_gap_s > 1.0 && check.quality.file_gap_s < 1.1);
	assert_true(grade() > 'A');
	write_part("black.mp4", 4000, CLIP_BLACK, 0, 0);
	assert_int_equal(tr_check_file(dirfd_, "black.mp4", true, &check), 0);
	assert_true(check.quality.black_s > 3.9);
	assert_int_equal(grade(), 'F');
}

static void a_poster_is_the_first_picture_with_content(void **state)
{
	struct tr_recording_part parts[] = {{"a.part-001.mp4", 0}, {"a.part-002.mp4", 5000 * MS}};
	write_part(parts[0].file, 5000, CLIP_BLACK, 0, 0);
	write_part(parts[1].file, 5000, CLIP_SLIDE, 0, 0);
	assert_int_equal(tr_finish_recording(dirfd_, "a.mp4", parts, 2, &result), 0);
	assert_int_equal(tr_poster_make(dirfd_, "a.mp4", "poster.jpg"), 0);
	char *text =
		output_of("ffmpeg -nostdin -v error -i poster.jpg -vf scale=8:8,format=gray "
			  "-f rawvideo - | od -An -tu1 -v | tr -s ' ' '\\n' | sort -n | tail -1");
	assert_true(atoi(text) > 80);
	assert_int_equal(tr_poster_make(dirfd_, "none.mp4", "poster.jpg"), -ENOENT);
}

static void a_report_is_json_with_grade_and_reasons(void **state)
{
	struct tr_quality quality = {.duration_ms = 10000,
		.has_video = true,
		.has_audio = true,
		.encoder_restarts = 1,
		.encoder = "software",
		.peak_db = -3};
	struct tr_report report = {.file = "a.mp4", .trouble = NULL};
	json_error_t error;
	char *text;
	assert_int_equal(tr_report_write(dirfd_, "report.json", &report, &quality), 0);
	assert_int_equal(tr_file_read(dirfd_, "report.json", 1 << 20, &text, NULL), 0);
	json_t *root = json_loads(text, 0, &error);
	free(text);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "grade")), "B");
	assert_string_equal(json_string_value(json_object_get(root, "file")), "a.mp4");
	assert_int_equal(json_array_size(json_object_get(root, "reasons")), 1);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(root, "pictures"), "encoder_restarts")),
		1);
	json_decref(root);
}

static void prints_do_not_fail(void **state)
{
	write_part("a.mp4", 2000, CLIP_MOVING, 0, 0);
	assert_int_equal(tr_check_file(dirfd_, "a.mp4", true, &check), 0);
	FILE *out = fopen("/dev/null", "w");
	assert_int_equal(tr_check_print(out, "a.mp4", &check), 0);
	assert_int_equal(tr_check_print_json(out, "a.mp4", &check), 0);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(one_part_becomes_an_ordinary_file),
		TEST(parts_are_joined_with_their_gaps),
		TEST(a_hole_in_the_sound_is_filled),
		TEST(a_torn_end_and_an_unreadable_part_do_no_harm),
		TEST(a_failure_leaves_the_parts),
		TEST(a_check_says_what_is_wrong),
		TEST(a_poster_is_the_first_picture_with_content),
		TEST(a_report_is_json_with_grade_and_reasons),
		TEST(prints_do_not_fail),
	};
	return cmocka_run_group_tests_name("finish", tests, NULL, NULL);
}
