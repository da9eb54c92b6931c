/* Who may reach the node API: settings that would open it to others are refused. */
#include "test.h"

#include "config/config.h"

#include <stdio.h>
#include <string.h>

static struct tr_config *config;
static struct tr_config_complaints *complaints;

static int make(void **state)
{
	config = calloc(1, sizeof(*config));
	complaints = calloc(1, sizeof(*complaints));
	return config && complaints ? 0 : -1;
}

static int drop(void **state)
{
	free(tr_take(config));
	free(tr_take(complaints));
	return 0;
}

static void expect_complaint(const char *text, const char *words)
{
	assert_true(tr_config_parse(text, "test.conf", config, complaints) < 0);
	if (!strstr(complaints->lines[0], words))
		fail_msg("\"%s\" is not in: %s", words, complaints->lines[0]);
}

static void without_a_word_there_is_the_socket_alone(void **state)
{
	assert_int_equal(tr_config_parse("", "test.conf", config, complaints), 0);
	assert_string_equal(config->api.socket, "/run/telerec/control.sock");
	assert_int_equal(config->api.port, -1);
}

static void loopback_needs_neither_tls_nor_token(void **state)
{
	assert_int_equal(
		tr_config_parse("api: { port = 0; };", "test.conf", config, complaints), 0);
	assert_int_equal(tr_config_parse("api: { port = 8443; bind = \"::1\"; };", "test.conf",
				 config, complaints),
		0);
}

static void an_open_address_needs_tls_and_a_token(void **state)
{
	expect_complaint("api: { port = 1; bind = \"0.0.0.0\"; token = \"0123456789abcdef\"; };",
		"needs api.certificate and api.key");
	expect_complaint("api: { port = 1; bind = \"0.0.0.0\"; certificate = \"/c\"; key = \"/k\"; "
			 "};",
		"needs a token");
	assert_int_equal(tr_config_parse("api: { port = 1; bind = \"0.0.0.0\"; certificate = "
					 "\"/c\"; key = \"/k\"; token = \"0123456789abcdef\"; };",
				 "test.conf", config, complaints),
		0);
}

static void a_certificate_without_its_key_is_told(void **state)
{
	expect_complaint("api: { certificate = \"/c\"; };", "has no api.key");
	expect_complaint("api: { key = \"/k\"; };", "has no api.certificate");
}

static void a_weak_token_is_refused_and_never_quoted(void **state)
{
	expect_complaint("api: { token = \"hunter2\"; };", "at least 16 characters");
	assert_null(strstr(complaints->lines[0], "hunter2"));
	expect_complaint("api: { token = \"with blanks in between\"; };", "without spaces");
}

static void a_socket_longer_than_the_system_takes_is_refused(void **state)
{
	char text[300];

	snprintf(text, sizeof(text), "api: { socket = \"/%0120d\"; };", 1);
	expect_complaint(text, "107 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			without_a_word_there_is_the_socket_alone, make, drop),
		cmocka_unit_test_setup_teardown(loopback_needs_neither_tls_nor_token, make, drop),
		cmocka_unit_test_setup_teardown(an_open_address_needs_tls_and_a_token, make, drop),
		cmocka_unit_test_setup_teardown(a_certificate_without_its_key_is_told, make, drop),
		cmocka_unit_test_setup_teardown(
			a_weak_token_is_refused_and_never_quoted, make, drop),
		cmocka_unit_test_setup_teardown(
			a_socket_longer_than_the_system_takes_is_refused, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
