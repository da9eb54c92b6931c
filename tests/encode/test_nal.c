#include "test.h"

#include "encode/nal.h"

#include <errno.h>
#include <string.h>

static uint8_t out[64];
static struct tr_nal_picture picture;

static void units_get_a_length_and_sets_are_taken_out(void **state)
{
	static const uint8_t in[] = {0, 0, 0, 1, 0x09, 0xf0, /* delimiter */
		0, 0, 0, 1, 0x67, 1, 2, 3,		     /* sequence */
		0, 0, 1, 0x68, 4,			     /* picture parameters */
		0, 0, 1, 0x65, 5, 0, 0, 3, 1, 6, 0, 0,	     /* key slice, zeros behind it */
		0, 0, 1, 0x0c, 0xff};			     /* filler */
	static const uint8_t expected[] = {0, 0, 0, 7, 0x65, 5, 0, 0, 3, 1, 6};

	assert_int_equal(tr_nal_repack(in, sizeof(in), out, sizeof(out), &picture), 0);
	assert_int_equal(picture.size, sizeof(expected));
	assert_memory_equal(out, expected, sizeof(expected));
	assert_true(picture.has_slice && picture.is_idr);
	assert_int_equal(picture.sps_size, 4);
	assert_memory_equal(picture.sps, in + 10, 4);
	assert_int_equal(picture.pps_size, 2);
	assert_memory_equal(picture.pps, in + 17, 2);
}

static void a_key_picture_without_a_slice_is_seen(void **state)
{
	static const uint8_t in[] = {0, 0, 1, 0x67, 1, 2, 3, 0, 0, 1, 0x68, 4};

	assert_int_equal(tr_nal_repack(in, sizeof(in), out, sizeof(out), &picture), 0);
	assert_int_equal(picture.size, 0);
	assert_false(picture.has_slice);
}

static void other_pictures_are_no_key_pictures(void **state)
{
	static const uint8_t in[] = {0, 0, 1, 0x41, 9};

	assert_int_equal(tr_nal_repack(in, sizeof(in), out, sizeof(out), &picture), 0);
	assert_true(picture.has_slice);
	assert_false(picture.is_idr);
	assert_null(picture.sps);
}

static void what_is_no_stream_is_refused(void **state)
{
	static const uint8_t noise[] = {0xd2, 0x41, 0, 0, 2, 0x65, 0x33, 0, 0, 9, 1};

	assert_int_equal(tr_nal_repack(noise, sizeof(noise), out, sizeof(out), &picture), -EBADMSG);
}

static void a_room_that_is_too_small_is_said_and_not_written_over(void **state)
{
	static const uint8_t in[] = {0, 0, 1, 0x65, 5, 6, 7, 8};

	for (size_t room = 0; room < 9; room++) {
		memset(out, 0xaa, sizeof(out));
		assert_int_equal(tr_nal_repack(in, sizeof(in), out, room, &picture), -ENOBUFS);
		assert_int_equal(out[room], 0xaa);
	}
}

/* Under the address sanitizer, no cut reads beyond its end. */
static void every_cut_is_read_to_its_end_only(void **state)
{
	static const uint8_t in[] = {0, 0, 0, 1, 0x67, 0, 0, 3, 0, 0, 1, 0, 0, 1, 0x65, 0, 0, 0, 1};

	for (size_t size = 0; size <= sizeof(in); size++) {
		uint8_t *copy = malloc(size ? size : 1);
		memcpy(copy, in, size);
		int rc = tr_nal_repack(copy, size, out, sizeof(out), &picture);
		assert_true(rc == 0 || rc == -EBADMSG);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_get_a_length_and_sets_are_taken_out),
		cmocka_unit_test(a_key_picture_without_a_slice_is_seen),
		cmocka_unit_test(other_pictures_are_no_key_pictures),
		cmocka_unit_test(what_is_no_stream_is_refused),
		cmocka_unit_test(a_room_that_is_too_small_is_said_and_not_written_over),
		cmocka_unit_test(every_cut_is_read_to_its_end_only),
	};
	return cmocka_run_group_tests_name("nal", tests, NULL, NULL);
}
