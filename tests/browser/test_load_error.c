#include "test.h"

#include <string.h>

#include "browser/load_error.h"

static char sentence[512];

static void a_network_error_becomes_reason_and_advice(void **state)
{
	assert_int_equal(tr_load_error_describe_net("net::ERR_NAME_NOT_RESOLVED",
				 "https://meet.example/room", sentence, sizeof(sentence)),
		TR_LOAD_ERROR_NAME);
	assert_non_null(strstr(sentence, "https://meet.example/room"));
	assert_non_null(strstr(sentence, "name servers"));
}

static void errors_of_one_family_have_its_reason(void **state)
{
	assert_int_equal(tr_load_error_describe_net("net::ERR_CERT_AUTHORITY_INVALID", "https://a/",
				 sentence, sizeof(sentence)),
		TR_LOAD_ERROR_CERTIFICATE);
	assert_int_equal(tr_load_error_describe_net("net::ERR_CERT_WEAK_KEY", "https://a/",
				 sentence, sizeof(sentence)),
		TR_LOAD_ERROR_CERTIFICATE);
	assert_int_equal(tr_load_error_describe_net(
				 "ERR_CONNECTION_RESET", "https://a/", sentence, sizeof(sentence)),
		TR_LOAD_ERROR_CONNECTION);
}

static void an_unknown_error_is_shown_as_it_is(void **state)
{
	assert_int_equal(tr_load_error_describe_net(
				 "net::ERR_BRAND_NEW", "https://a/", sentence, sizeof(sentence)),
		TR_LOAD_ERROR_OTHER);
	assert_non_null(strstr(sentence, "ERR_BRAND_NEW"));
}

static void secrets_of_the_address_are_not_shown(void **state)
{
	tr_load_error_describe_net("net::ERR_FAILED", "https://me:pw1@a/room?jwt=pw2#x=pw3",
		sentence, sizeof(sentence));
	assert_null(strstr(sentence, "pw"));
	tr_load_error_describe_http(
		403, "https://me:pw1@a/room?jwt=pw2#x=pw3", sentence, sizeof(sentence));
	assert_null(strstr(sentence, "pw"));
}

static void a_status_is_explained(void **state)
{
	tr_load_error_describe_http(404, "https://a/", sentence, sizeof(sentence));
	assert_non_null(strstr(sentence, "404: it has no such page"));
	tr_load_error_describe_http(418, "https://a/", sentence, sizeof(sentence));
	assert_non_null(strstr(sentence, "418: it refuses"));
	tr_load_error_describe_http(599, "https://a/", sentence, sizeof(sentence));
	assert_non_null(strstr(sentence, "599: it has a fault"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_error_becomes_reason_and_advice),
		cmocka_unit_test(errors_of_one_family_have_its_reason),
		cmocka_unit_test(an_unknown_error_is_shown_as_it_is),
		cmocka_unit_test(secrets_of_the_address_are_not_shown),
		cmocka_unit_test(a_status_is_explained),
	};
	return cmocka_run_group_tests_name("load_error", tests, NULL, NULL);
}
