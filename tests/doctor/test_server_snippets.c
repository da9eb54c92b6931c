#include "test.h"

#include "doctor/server_snippets.h"

#include <errno.h>
#include <string.h>

static struct tr_config_environment environment;
static json_t *list;

static int make_environment(void **state)
{
	environment = (struct tr_config_environment){.name = "prod",
		.server_count = 1,
		.servers = {"xmpp.example.org"},
		.xmpp_domain = "meet.example.org",
		.base_url = "https://meet.example.org",
		.strip = "conference.",
		.control = {.domain = "auth.meet.example.org",
			.username = "jibri",
			.password = "it's $HOME"},
		.brewery = {.domain = "internal.auth.meet.example.org", .room = "brew"},
		.call = {.domain = "rec.example.org", .username = "cam", .password = "Plain1"}};
	list = NULL;
	return 0;
}

static int free_list(void **state)
{
	json_decref(list);
	return 0;
}

static struct tr_server_wish wish_for(enum tr_server_part part)
{
	return (struct tr_server_wish){.part = part, .environment = &environment};
}

/* The text for the file whose name ends so. */
static const char *text_of(const char *end)
{
	json_t *snippet;
	size_t i;

	json_array_foreach(list, i, snippet)
	{
		const char *file = json_string_value(json_object_get(snippet, "file"));
		size_t length = strlen(file);
		if (length >= strlen(end) && !strcmp(file + length - strlen(end), end) &&
			(end[0] || !file[0]))
			return json_string_value(json_object_get(snippet, "text"));
	}
	fail_msg("there is nothing for %s", end);
	return NULL;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void prosody_gets_hosts_and_accounts(void **state)
{
	const struct tr_server_wish wish = wish_for(TR_SERVER_PROSODY);

	assert_int_equal(tr_server_snippets_make(&wish, &list), 0);
	assert_has(text_of("/telerec.cfg.lua"),
		"Component \"internal.auth.meet.example.org\" \"muc\"");
	assert_has(text_of("/telerec.cfg.lua"), "VirtualHost \"rec.example.org\"");
	assert_has(text_of("/meet.example.org.cfg.lua"), "\"cam@rec.example.org\"");
	assert_has(text_of(""), "prosodyctl register jibri auth.meet.example.org 'it'\\''s $HOME'\n"
				"prosodyctl register cam rec.example.org Plain1\n");
}

static void jicofo_gets_brewery_and_trust_in_both_styles(void **state)
{
	struct tr_server_wish wish = wish_for(TR_SERVER_JICOFO);

	assert_int_equal(tr_server_snippets_make(&wish, &list), 0);
	assert_has(
		text_of("/jicofo.conf"), "brewery-jid = \"brew@internal.auth.meet.example.org\"");
	assert_has(text_of("/jicofo.conf"), "trusted-domains = [ \"rec.example.org\" ]");
	json_decref(list);
	wish.is_old = true;
	assert_int_equal(tr_server_snippets_make(&wish, &list), 0);
	assert_has(text_of("/sip-communicator.properties"),
		"org.jitsi.jicofo.jibri.BREWERY=brew@internal.auth.meet.example.org\n");
}

static void no_brace_is_left_unfilled(void **state)
{
	json_t *snippet;
	size_t i;

	for (int part = 0; part < TR_SERVER_PARTS; part++)
		for (int is_old = 0; is_old < 2; is_old++) {
			struct tr_server_wish wish = wish_for((enum tr_server_part)part);
			wish.is_old = is_old;
			wish.is_new_here = wish.has_new_passwords = true;
			assert_int_equal(tr_server_snippets_make(&wish, &list), 0);
			json_array_foreach(list, i, snippet)
			{
				const char *text =
					json_string_value(json_object_get(snippet, "text"));
				assert_null(strstr(text, "_domain}"));
				assert_null(strstr(text, "_user}"));
				assert_null(strstr(text, "{domain"));
			}
			json_decref(list);
		}
	list = NULL;
}

static void passwords_in_a_file_are_nowhere_else(void **state)
{
	for (int part = 0; part < TR_SERVER_PARTS; part++) {
		struct tr_server_wish wish = wish_for((enum tr_server_part)part);
		wish.secrets_path = "/root/secrets.conf";
		wish.is_new_here = wish.has_new_passwords = true;
		assert_int_equal(tr_server_snippets_make(&wish, &list), 0);
		char *text = json_dumps(list, 0);
		assert_null(strstr(text, "Plain1"));
		assert_null(strstr(text, "$HOME"));
		free(text);
		json_decref(list);
	}
	list = NULL;
}

static void pieces_never_hold_a_password(void **state)
{
	json_t *piece;

	for (int i = TR_SERVER_PIECE_NONE + 1; i < TR_SERVER_PIECE_COUNT_; i++) {
		assert_int_equal(tr_server_snippets_piece(&environment, i % 2 ? NULL : "/x/secrets",
					 (enum tr_server_piece)i, &piece),
			0);
		char *text = json_dumps(piece, 0);
		assert_null(strstr(text, "Plain1"));
		assert_null(strstr(text, "$HOME"));
		assert_true(json_string_length(json_object_get(piece, "text")) > 0);
		assert_null(strstr(text, "_domain}"));
		free(text);
		json_decref(piece);
	}
}

static void names_that_shells_take_apart_are_refused(void **state)
{
	const struct tr_server_wish wish = wish_for(TR_SERVER_PROSODY);

	strcpy(environment.call.username, "a`reboot`");
	assert_int_equal(tr_server_snippets_make(&wish, &list), -EINVAL);
	list = NULL;
}

static void passwords_are_long_and_never_the_same(void **state)
{
	char first[33], second[33];

	assert_int_equal(tr_server_password_make(first, sizeof(first)), 0);
	assert_int_equal(tr_server_password_make(second, sizeof(second)), 0);
	assert_int_equal(strlen(first), 32);
	assert_string_not_equal(first, second);
	assert_int_equal(
		strspn(first, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
		32);
}

static void parts_are_found_by_name(void **state)
{
	assert_int_equal(tr_server_part_find("jitsi-meet"), TR_SERVER_JITSI_MEET);
	assert_int_equal(tr_server_part_find("nginx"), TR_SERVER_PARTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_environment, free_list)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(prosody_gets_hosts_and_accounts),
		TEST(jicofo_gets_brewery_and_trust_in_both_styles),
		TEST(no_brace_is_left_unfilled),
		TEST(passwords_in_a_file_are_nowhere_else),
		TEST(pieces_never_hold_a_password),
		TEST(names_that_shells_take_apart_are_refused),
		TEST(passwords_are_long_and_never_the_same),
		TEST(parts_are_found_by_name),
	};
	return cmocka_run_group_tests_name("server_snippets", tests, NULL, NULL);
}
