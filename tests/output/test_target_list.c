#include "test.h"

#include "output/target_list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct tr_target_list list;
static char text[65536];

static int start_empty(void **state)
{
	tr_target_list_wipe(&list);
	return 0;
}

static void targets_are_resolved_and_named_without_their_keys(void **state)
{
	assert_int_equal(tr_target_list_add(&list, " RTMP://h.example/live/secret\n"), 0);
	assert_int_equal(tr_target_list_add(&list, "abcd-efgh"), 0);
	assert_string_equal(list.items[0].url, "rtmp://h.example/live/secret");
	assert_string_equal(list.items[0].name, "rtmp://h.example/live/***");
	assert_string_equal(list.items[1].url, "rtmp://a.rtmp.youtube.com/live2/abcd-efgh");
	assert_string_equal(list.items[1].name, "rtmp://a.rtmp.youtube.com/live2/***");
}

static void no_two_names_are_the_same(void **state)
{
	for (int i = 1; i <= 3; i++) {
		char url[50];
		snprintf(url, sizeof(url), "rtmp://h/live/secret%d", i);
		assert_int_equal(tr_target_list_add(&list, url), 0);
	}
	assert_string_equal(list.items[0].name, "rtmp://h/live/***");
	assert_string_equal(list.items[1].name, "rtmp://h/live/*** (2)");
	assert_string_equal(list.items[2].name, "rtmp://h/live/*** (3)");
}

static void what_cannot_be_a_target_is_refused(void **state)
{
	char url[50];

	assert_int_equal(tr_target_list_add(&list, ""), -EINVAL);
	assert_int_equal(tr_target_list_add(&list, "gopher://h/x"), -EPROTONOSUPPORT);
	assert_int_equal(tr_target_list_add(&list, "rtmp://h/a/b"), 0);
	assert_int_equal(tr_target_list_add(&list, "RTMP://h/a/b"), -EEXIST);
	for (int i = 1; i < TR_TARGET_LIST_MAX; i++) {
		snprintf(url, sizeof(url), "rtmp://h/a/%d", i);
		assert_int_equal(tr_target_list_add(&list, url), 0);
	}
	assert_int_equal(tr_target_list_add(&list, "rtmp://h/a/z"), -E2BIG);
	assert_int_equal(list.count, TR_TARGET_LIST_MAX);
	for (int rc = -200; rc < 0; rc++)
		assert_non_null(tr_target_list_fault(rc));
}

static void a_list_is_printed_as_json(void **state)
{
	assert_int_equal(tr_target_list_print(&list, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(tr_target_list_add(&list, "rtmp://h/a/q\"b\\c"), 0);
	assert_int_equal(tr_target_list_add(&list, "srt://h:1?x=y"), 0);
	assert_int_equal(tr_target_list_print(&list, text, sizeof(text)), 0);
	assert_string_equal(text,
		"[{\"name\":\"rtmp://h/a/***\",\"url\":\"rtmp://h/a/q\\\"b\\\\c\"},"
		"{\"name\":\"srt://h:1/***\",\"url\":\"srt://h:1?x=y\"}]");
	size_t length = strlen(text);
	assert_int_equal(tr_target_list_print(&list, text, length), -ENAMETOOLONG);
	assert_int_equal(tr_target_list_print(&list, text, length + 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			targets_are_resolved_and_named_without_their_keys, start_empty),
		cmocka_unit_test_setup(no_two_names_are_the_same, start_empty),
		cmocka_unit_test_setup(what_cannot_be_a_target_is_refused, start_empty),
		cmocka_unit_test_setup(a_list_is_printed_as_json, start_empty),
	};
	return cmocka_run_group_tests_name("target list", tests, NULL, NULL);
}
