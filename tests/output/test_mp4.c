#include "test.h"

#include "core/file.h"
#include "output/clip.h"
#include "output/mp4.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define MS INT64_C(1000000)

static char folder[64];
static int dirfd_ = -1;
static struct clip *clip;

static int start(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/tr-mp4-XXXXXX");
	assert_non_null(mkdtemp(folder));
	dirfd_ = open(folder, O_RDONLY | O_DIRECTORY);
	assert_true(dirfd_ >= 0);
	clip = clip_create();
	return 0;
}

static int stop(void **state)
{
	clip_destroy(clip);
	close(dirfd_);
	return tr_file_remove_tree(folder);
}

static struct tr_mp4_settings settings_for(int dir)
{
	struct tr_mp4_settings settings = {
		.dirfd = dir,
		.name = "a.mp4",
		.width = CLIP_WIDTH,
		.height = CLIP_HEIGHT,
		.audio_bitrate = 128000,
		.audio_priming = 1024,
		.bt709_limited = true,
	};
	settings.video_extradata = clip_video_extradata(clip, &settings.video_extradata_size);
	settings.audio_extradata = clip_audio_extradata(clip, &settings.audio_extradata_size);
	return settings;
}

static struct tr_mp4 *open_mp4(void)
{
	struct tr_mp4_settings settings = settings_for(dirfd_);
	struct tr_mp4 *mp4;
	assert_int_equal(tr_mp4_open(&settings, &mp4), 0);
	return mp4;
}

static int write_picture(struct tr_mp4 *mp4, int64_t pts_ns, bool is_key)
{
	struct tr_packet *packet = clip_encode_picture(clip, pts_ns, is_key, CLIP_MOVING);
	int rc = tr_mp4_write(mp4, packet);
	tr_packet_unref(packet);
	return rc;
}

/* Writes sound until its next packet would start at `until_ns` or later. */
static int write_sound(struct tr_mp4 *mp4, int64_t *samples, int64_t until_ns)
{
	int rc = 0;
	while (rc == 0 && *samples * 1000000 / 48 < until_ns) {
		struct tr_packet *packet = clip_encode_sound(clip, 0.3f);
		*samples += 1024;
		if (packet)
			rc = tr_mp4_write(mp4, packet);
		tr_packet_unref(packet);
	}
	return rc;
}

/* A meeting of `seconds`: 25 pictures a second, but each third second stands still. */
static int write_meeting(struct tr_mp4 *mp4, int seconds)
{
	int64_t samples = 0;
	int rc = 0;
	for (int ms = 0; rc == 0 && ms < seconds * 1000; ms += 40) {
		bool stands = ms / 1000 % 3 == 2 && ms % 1000 != 0;
		rc = write_sound(mp4, &samples, ms * MS);
		if (rc == 0 && !stands)
			rc = write_picture(mp4, ms * MS, ms % 5000 == 0);
	}
	return rc;
}

/* The command's output, run in the folder. */
static char *output_of(const char *words, int *ret_status)
{
	static char text[256 * 1024];
	char command[512];
	snprintf(command, sizeof(command), "cd %s && %s", folder, words);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	size_t size = fread(text, 1, sizeof(text) - 1, pipe);
	text[size] = '\0';
	int status = pclose(pipe);
	if (ret_status)
		*ret_status = status;
	return text;
}

static void assert_decodes_in_silence(const char *file)
{
	char words[256];
	int status;
	snprintf(words, sizeof(words), "ffmpeg -nostdin -v warning -xerror -i %s -f null - 2>&1",
		file);
	char *text = output_of(words, &status);
	assert_string_equal(text, "");
	assert_int_equal(status, 0);
	snprintf(words, sizeof(words), "ffprobe -v warning -show_packets %s 2>&1 >/dev/null", file);
	text = output_of(words, &status);
	assert_string_equal(text, "");
}

static double probe(const char *query, const char *file)
{
	char words[256];
	snprintf(words, sizeof(words), "ffprobe -v error %s -of csv=p=0 %s", query, file);
	return strtod(output_of(words, NULL), NULL);
}

static int count_packets(const char *stream, const char *file)
{
	char query[128];
	snprintf(query, sizeof(query),
		"-count_packets -select_streams %s -show_entries stream=nb_read_packets", stream);
	return (int)probe(query, file);
}

static void an_open_file_is_a_playable_empty_movie(void **state)
{
	struct tr_mp4 *mp4 = open_mp4();
	char *text = output_of("ffprobe -v error -show_entries "
			       "stream=codec_name,width,height,color_space,color_range,sample_rate "
			       "-of csv=p=0 a.mp4 2>&1",
		NULL);
	assert_string_equal(text, "h264,320,192,tv,bt709\naac,48000\n");
	tr_mp4_abandon(mp4);
}

static void a_meeting_decodes_without_a_word(void **state)
{
	struct tr_mp4 *mp4 = open_mp4();
	assert_int_equal(write_meeting(mp4, 10), 0);
	assert_int_equal(tr_mp4_dropped(mp4), 0);
	assert_int_equal(tr_mp4_finish(mp4), 0);
	assert_decodes_in_silence("a.mp4");
	assert_int_equal(count_packets("v", "a.mp4"), 7 * 25 + 3);
	assert_float_equal(probe("-show_entries format=duration", "a.mp4"), 10.0, 0.05);
}

static void sound_sample_zero_is_at_time_zero(void **state)
{
	struct tr_mp4 *mp4 = open_mp4();
	assert_int_equal(write_meeting(mp4, 3), 0);
	assert_int_equal(tr_mp4_finish(mp4), 0);
	assert_float_equal(
		probe("-select_streams a -read_intervals %+#1 -show_entries packet=pts", "a.mp4"),
		-1024, 0);
	/* From time zero on: FFmpeg 7 leaves out the priming before it, FFmpeg 5 does not. */
	char *text = output_of("ffmpeg -nostdin -v error -copyts -i a.mp4 -map a -af atrim=start=0 "
			       "-f s16le -t 0.05 - | "
			       "od -An -td2 -v -w4 | awk '$1>4000{print NR; exit}'",
		NULL);
	int first_loud = atoi(text);
	assert_in_range(first_loud, 5, 40);
}

static void pictures_keep_their_times_over_pauses(void **state)
{
	struct tr_mp4 *mp4 = open_mp4();
	int64_t samples = 0;
	const int at_ms[] = {0, 33, 1200, 2900, 2933, 6000, 6040};
	for (size_t i = 0; i < TR_COUNT(at_ms); i++) {
		assert_int_equal(write_sound(mp4, &samples, at_ms[i] * MS), 0);
		assert_int_equal(write_picture(mp4, at_ms[i] * MS, i == 0), 0);
	}
	assert_int_equal(tr_mp4_finish(mp4), 0);
	assert_decodes_in_silence("a.mp4");
	char *text = output_of(
		"ffprobe -v error -select_streams v -show_entries packet=pts -of csv=p=0 a.mp4",
		NULL);
	assert_string_equal(text, "0\n2970\n108000\n261000\n263970\n540000\n543600\n");
}

static void sound_alone_or_pictures_alone_make_fragments(void **state)
{
	struct tr_mp4 *mp4 = open_mp4();
	int64_t samples = 0;
	assert_int_equal(write_sound(mp4, &samples, 5000 * MS), 0);
	assert_true(tr_mp4_synced_ns(mp4) >= 3900 * MS);
	assert_true(write_picture(mp4, 5000 * MS, true) == 0);
	for (int i = 1; i < 5; i++)
		assert_int_equal(write_picture(mp4, (5000 + 1000 * i) * MS, false), 0);
	assert_int_equal(tr_mp4_finish(mp4), 0);
	assert_decodes_in_silence("a.mp4");
}

static void a_gap_in_the_sound_moves_nothing(void **state)
{
	struct tr_mp4 *mp4 = open_mp4();
	int64_t samples = 0;
	for (int i = 0; i < 200; i++) {
		struct tr_packet *packet = clip_encode_sound(clip, 0.3f);
		samples += 1024;
		if (packet && (i < 50 || i >= 100))
			assert_int_equal(tr_mp4_write(mp4, packet), 0);
		tr_packet_unref(packet);
		if (i % 40 == 0)
			assert_int_equal(write_picture(mp4, samples * 1000000 / 48, i == 0), 0);
	}
	assert_int_equal(tr_mp4_finish(mp4), 0);
	char *text = output_of("ffprobe -v error -select_streams a -show_entries packet=pts "
			       "-of csv=p=0 a.mp4 | sed -n '49,50p;$p' | tr -d ','",
		NULL);
	assert_string_equal(text, "48128\n100352\n201728\n");
}

static void packets_without_a_place_are_counted(void **state)
{
	struct tr_mp4 *mp4 = open_mp4();
	assert_int_equal(write_picture(mp4, 0, true), 0);
	assert_int_equal(write_picture(mp4, 100 * MS, false), 0);
	assert_int_equal(write_picture(mp4, 100 * MS, false), 0);
	assert_int_equal(write_picture(mp4, 50 * MS, false), 0);
	assert_int_equal(tr_mp4_dropped(mp4), 2);
	assert_int_equal(tr_mp4_finish(mp4), 0);
}

static void an_existing_file_is_never_overwritten(void **state)
{
	tr_mp4_abandon(open_mp4());
	struct tr_mp4_settings settings = settings_for(dirfd_);
	struct tr_mp4 *mp4;
	assert_int_equal(tr_mp4_open(&settings, &mp4), -EEXIST);
}

/* Where the last whole moof + mdat at or before `cut` ends. */
static size_t whole_until(const uint8_t *data, size_t cut, unsigned *ret_fragments)
{
	size_t at = 0, whole = 0;
	unsigned fragments = 0;
	while (at + 8 <= cut) {
		size_t size = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
			      (size_t)data[at + 2] << 8 | data[at + 3];
		if (at + size > cut)
			break;
		at += size;
		if (memcmp(data + at - size + 4, "moof", 4) != 0) {
			whole = at;
			fragments += memcmp(data + at - size + 4, "mdat", 4) == 0;
		}
	}
	*ret_fragments = fragments;
	return whole;
}

static void write_file(const char *name, const void *data, size_t size)
{
	TR_CLEANUP(tr_closep) int fd = openat(dirfd_, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(tr_file_write_all(fd, data, size), 0);
}

/* As the writer leaves it: a fragment is a free box until it is complete. */
static void write_cut(const char *name, const char *data, size_t whole, size_t cut)
{
	write_file(name, data, cut);
	TR_CLEANUP(tr_closep) int fd = openat(dirfd_, name, O_WRONLY);
	if (cut >= whole + 8)
		assert_int_equal(pwrite(fd, "free", 4, (off_t)whole + 4), 4);
}

static void a_cut_anywhere_keeps_all_whole_fragments(void **state)
{
	struct tr_mp4 *mp4 = open_mp4();
	assert_int_equal(write_meeting(mp4, 12), 0);
	assert_int_equal(tr_mp4_finish(mp4), 0);
	char *data;
	size_t size;
	unsigned all, fragments;
	assert_int_equal(tr_file_read(dirfd_, "a.mp4", 1 << 28, &data, &size), 0);
	assert_int_equal(whole_until((uint8_t *)data, size, &all), size);
	assert_in_range(all, 10, 14);

	unsigned random = 1;
	for (int i = 0; i < 100; i++) {
		random = random * 1103515245u + 12345u;
		size_t cut = 2000 + random / 4 % (size - 2000);
		size_t whole = whole_until((uint8_t *)data, cut, &fragments);
		write_file("whole.mp4", data, whole);
		write_cut("cut.mp4", data, whole, cut);
		int whole_v = count_packets("v", "whole.mp4"),
		    whole_a = count_packets("a", "whole.mp4");
		int cut_v = count_packets("v", "cut.mp4"), cut_a = count_packets("a", "cut.mp4");
		if (fragments > 1)
			assert_true(whole_v > 0 && whole_a > 0);
		assert_true(cut_v >= whole_v && cut_a >= whole_a);
		if (i % 10 == 0 && fragments > 1)
			assert_decodes_in_silence("cut.mp4");
	}
	free(data);
}

static void at_any_moment_the_disk_has_all_but_two_seconds(void **state)
{
	struct tr_mp4 *mp4 = open_mp4();
	int64_t samples = 0;
	for (int ms = 0; ms < 9000; ms += 40) {
		assert_int_equal(write_sound(mp4, &samples, ms * MS), 0);
		if (ms < 3000 || ms % 1000 == 0)
			assert_int_equal(write_picture(mp4, ms * MS, ms == 0), 0);
		assert_true(tr_mp4_synced_ns(mp4) >= (ms - 1900) * MS);
	}
	tr_mp4_abandon(mp4);
	assert_decodes_in_silence("a.mp4");
}

static void a_full_disk_leaves_a_whole_file(void **state)
{
	if (geteuid() != 0) {
		print_message("skipped: a full disk needs a mount, and a mount needs root\n");
		skip();
	}
	char path[128];
	snprintf(path, sizeof(path), "%s/small", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	if (mount("none", path, "tmpfs", 0, "size=160k") < 0) {
		print_message("skipped: cannot mount a tmpfs here\n");
		skip();
	}
	int small = open(path, O_RDONLY | O_DIRECTORY);
	struct tr_mp4_settings settings = settings_for(small);
	struct tr_mp4 *mp4;
	int opened = tr_mp4_open(&settings, &mp4);
	int rc = write_meeting(mp4, 60);
	int again = write_picture(mp4, 61000 * MS, true);
	int64_t bytes = tr_mp4_bytes(mp4), synced_ns = tr_mp4_synced_ns(mp4);
	int finished = tr_mp4_finish(mp4);
	char *data = NULL;
	size_t size = 0;
	int read_rc = tr_file_read(small, "a.mp4", 1 << 20, &data, &size);
	close(small);
	umount2(path, MNT_DETACH);
	assert_int_equal(opened, 0);
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(again, -ENOSPC);
	assert_int_equal(finished, -ENOSPC);
	assert_int_equal(read_rc, 0);
	assert_int_equal(size, bytes);
	assert_true(synced_ns > 0);
	write_file("kept.mp4", data, size);
	free(data);
	assert_decodes_in_silence("kept.mp4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(an_open_file_is_a_playable_empty_movie),
		TEST(a_meeting_decodes_without_a_word),
		TEST(sound_sample_zero_is_at_time_zero),
		TEST(pictures_keep_their_times_over_pauses),
		TEST(sound_alone_or_pictures_alone_make_fragments),
		TEST(a_gap_in_the_sound_moves_nothing),
		TEST(packets_without_a_place_are_counted),
		TEST(an_existing_file_is_never_overwritten),
		TEST(a_cut_anywhere_keeps_all_whole_fragments),
		TEST(at_any_moment_the_disk_has_all_but_two_seconds),
		TEST(a_full_disk_leaves_a_whole_file),
	};
	return cmocka_run_group_tests_name("mp4", tests, NULL, NULL);
}
