#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "browser/meeting_news.h"

static struct tr_meeting_news news;

static int stop(void **state)
{
	tr_meeting_news_release(&news);
	return 0;
}

static void a_state_is_read(void **state)
{
	assert_int_equal(
		tr_meeting_news_parse(
			"{\"t\":\"state\",\"app\":true,\"joined\":true,\"recorder\":true,"
			"\"participants\":3,\"telephones\":1,\"muted\":2,\"download\":512,"
			"\"connection\":\"CONNECTED\",\"video\":true,\"kicked\":false,"
			"\"connectionError\":\"\",\"conferenceError\":\"conference.x\",\"lobby\":true}",
			&news),
		0);
	assert_int_equal(news.kind, TR_MEETING_NEWS_STATE);
	assert_true(news.has_app && news.is_joined && news.is_in_lobby && !news.is_no_recorder);
	assert_int_equal(news.sample.participants, 3);
	assert_int_equal(news.sample.telephones, 1);
	assert_int_equal(news.sample.muted, 2);
	assert_int_equal(news.sample.download_kbps, 512);
	assert_true(news.sample.is_connected && news.sample.has_shared_video);
	assert_string_equal(news.conference_error, "conference.x");
}

static void what_is_missing_or_of_another_type_is_nothing(void **state)
{
	assert_int_equal(
		tr_meeting_news_parse(
			"{\"t\":\"state\",\"joined\":\"yes\",\"participants\":\"9\","
			"\"download\":null,\"connection\":7,\"recorder\":null,\"muted\":-4}",
			&news),
		0);
	assert_false(news.is_joined || news.is_no_recorder || news.sample.is_connected);
	assert_int_equal(news.sample.participants, 0);
	assert_int_equal(news.sample.muted, 0);
	assert_int_equal(news.sample.download_kbps, 0);
}

static void numbers_are_bounded_and_need_not_be_whole(void **state)
{
	assert_int_equal(
		tr_meeting_news_parse("{\"t\":\"state\",\"participants\":1e300,\"download\":0.25,"
				      "\"muted\":99999999999999999}",
			&news),
		0);
	assert_int_equal(news.sample.participants, 100000);
	assert_int_equal(news.sample.download_kbps, 0);
	assert_int_equal(news.sample.muted, 100000);
	assert_int_equal(tr_meeting_news_parse("{\"t\":\"state\",\"download\":12.75}", &news), 0);
	assert_int_equal(news.sample.download_kbps, 12);
}

static void texts_keep_only_what_can_be_printed(void **state)
{
	char payload[2000], name[1000];

	memset(name, 'e', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	snprintf(payload, sizeof(payload),
		"{\"t\":\"away\",\"origin\":\"a\\n b\\u001b\xc3\xbc%s\"}", name);
	assert_int_equal(tr_meeting_news_parse(payload, &news), 0);
	assert_int_equal(news.kind, TR_MEETING_NEWS_AWAY);
	assert_int_equal(strlen(news.origin), TR_MEETING_NEWS_TEXT - 1);
	assert_true(!strncmp(news.origin, "abee", 4));
}

static void a_member_has_a_name_and_an_identity(void **state)
{
	assert_int_equal(
		tr_meeting_news_parse(
			"{\"t\":\"member\",\"jid\":\"r@c/1\",\"identity\":{\"user\":{}}}", &news),
		0);
	assert_string_equal(news.jid, "r@c/1");
	assert_true(json_is_object(news.identity));
	tr_meeting_news_release(&news);
	assert_int_equal(
		tr_meeting_news_parse("{\"t\":\"member\",\"identity\":{}}", &news), -EPROTO);
	assert_int_equal(
		tr_meeting_news_parse("{\"t\":\"member\",\"jid\":\"x\",\"identity\":[1]}", &news),
		-EPROTO);
}

static void what_is_no_news_is_refused(void **state)
{
	static const char *const wrong[] = {"", "{", "[]", "7", "{\"t\":7}", "{\"t\":\"else\"}",
		"{\"t\":\"state\",\"t\":\"away\"}", "\xff\xfe"};
	static char huge[TR_MEETING_NEWS_MAX + 100];

	for (size_t i = 0; i < TR_COUNT(wrong); i++)
		assert_int_equal(tr_meeting_news_parse(wrong[i], &news), -EPROTO);
	memset(huge, ' ', sizeof(huge) - 1);
	memcpy(huge, "{\"t\":\"state\"}", 13);
	assert_int_equal(tr_meeting_news_parse(huge, &news), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_state_is_read, stop),
		cmocka_unit_test_teardown(what_is_missing_or_of_another_type_is_nothing, stop),
		cmocka_unit_test_teardown(numbers_are_bounded_and_need_not_be_whole, stop),
		cmocka_unit_test_teardown(texts_keep_only_what_can_be_printed, stop),
		cmocka_unit_test_teardown(a_member_has_a_name_and_an_identity, stop),
		cmocka_unit_test_teardown(what_is_no_news_is_refused, stop),
	};
	return cmocka_run_group_tests_name("meeting_news", tests, NULL, NULL);
}
