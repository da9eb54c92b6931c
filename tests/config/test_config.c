#include "test.h"

#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct tr_config config;
static struct tr_config_complaints complaints;

static int parse(const char *text)
{
	memset(&complaints, 0, sizeof(complaints));
	return tr_config_parse(text, "t.conf", &config, &complaints);
}

static void expect_complaint(const char *text, const char *line)
{
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(complaints.count, 1);
	assert_string_equal(complaints.lines[0], line);
}

static void an_empty_file_gives_the_defaults(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_int_equal(config.video.width, 1280);
	assert_int_equal(config.video.height, 720);
	assert_int_equal(config.slots, 1);
	assert_false(config.video.constant_rate);
	assert_true(config.browser.page_timeout_ms == 30000);
	assert_string_equal(config.sound.source, "auto");
	assert_string_equal(config.recordings, "/var/lib/telerec/recordings");
}

static void every_kind_of_value_is_taken(void **state)
{
	assert_int_equal(parse("recordings = \"/srv/r\"; slots = 4; log_level = \"debug\";\n"
			       "video: { size = \"1920x1080\"; frame_rate_mode = \"constant\";\n"
			       " bitrate = 3000L; };\n"
			       "sound: { source = \"pcm\"; capture_pcm = \"hw:1\"; };\n"
			       "browser: { page_timeout = \"1m\"; path = \"/usr/bin/x\"; };"),
		0);
	assert_string_equal(config.recordings, "/srv/r");
	assert_int_equal(config.slots, 4);
	assert_int_equal(config.video.width, 1920);
	assert_int_equal(config.video.height, 1080);
	assert_true(config.video.constant_rate);
	assert_int_equal(config.video.video_kbps, 3000);
	assert_string_equal(config.sound.capture_pcm, "hw:1");
	assert_true(config.browser.page_timeout_ms == 60000);
}

static void an_unknown_key_is_refused_with_line_and_nearest_key(void **state)
{
	expect_complaint("slots = 1;\nslotz = 2;",
		"t.conf:2: unknown key \"slotz\"; did you mean \"slots\"?");
	expect_complaint("\n\nvideo: { sise = \"1x1\"; };",
		"t.conf:3: unknown key \"video.sise\"; did you mean \"video.size\"?");
	expect_complaint("size = \"1280x720\";",
		"t.conf:1: unknown key \"size\"; did you mean \"video.size\"?");
	expect_complaint("xylophone_of_the_year = 1;",
		"t.conf:1: unknown key \"xylophone_of_the_year\" (telerec.conf(5) lists them all)");
}

static void a_wrong_type_is_refused_with_what_it_must_be(void **state)
{
	expect_complaint("slots = \"2\";",
		"t.conf:1: slots is a text, but must be a whole number without quotes, or "
		"\"auto\"");
	expect_complaint("slots = 2.5;", "t.conf:1: slots is a number with a fraction, but must be "
					 "a whole number without quotes, or \"auto\"");
	expect_complaint("video: { size = 1280; };",
		"t.conf:1: video.size is a whole number, but must be a text in \"quotes\"");
	expect_complaint(
		"video = 3;", "t.conf:1: video is a whole number, but must be a group { }");
	expect_complaint("video = ( { size = \"1280x720\"; } );",
		"t.conf:1: video is a list, but must be a group { }");
}

static void a_value_out_of_range_is_refused_with_the_range(void **state)
{
	expect_complaint(
		"slots = 0;", "t.conf:1: slots is 0, but must be from 1 to 16, or \"auto\"");
	expect_complaint("slots = 99999999999L;",
		"t.conf:1: slots is 99999999999, but must be from 1 to 16, or \"auto\"");
	expect_complaint("video: { size = \"0x0\"; };",
		"t.conf:1: video.size 0x0 is too small: the smallest is 64x64");
	expect_complaint("video: { size = \"10000x10000\"; };",
		"t.conf:1: video.size 10000x10000 is too large: the largest is 4096x4096");
	expect_complaint("video: { frame_rate_mode = \"vbr\"; };",
		"t.conf:1: video.frame_rate_mode is \"vbr\", but must be one of \"variable\", "
		"\"constant\"");
	expect_complaint("browser: { page_timeout = \"0s\"; };",
		"t.conf:1: browser.page_timeout is \"0s\", but must be from 1 s to 600 s");
	expect_complaint("recordings = \"here\";",
		"t.conf:1: recordings is \"here\", but must be a full path (\"/...\")");
	expect_complaint("sound: { source = \"pcm\"; };",
		"t.conf: sound.source is \"pcm\", so sound.capture_pcm must name one");
}

static void slots_and_ports_are_numbers_or_a_word(void **state)
{
	assert_int_equal(parse("slots = \"auto\"; jibri_http: { external_port = \"off\";"
			       " internal_port = 0; bind = \"::1\"; };"),
		0);
	assert_int_equal(config.slots, 0);
	assert_int_equal(config.jibri_http.external_port, -1);
	assert_int_equal(config.jibri_http.internal_port, 0);
	expect_complaint("slots = \"all\";",
		"t.conf:1: slots is a text, but must be a whole number without quotes, or \"auto\"");
	expect_complaint("jibri_http: { external_port = 70000; };",
		"t.conf:1: jibri_http.external_port is 70000, but must be from 0 to 65535, or "
		"\"off\"");
	expect_complaint("jibri_http: { external_port = 80; internal_port = 80; };",
		"t.conf: jibri_http.external_port and jibri_http.internal_port are both 80: give "
		"one another number, or \"off\"");
	expect_complaint("jibri_http: { bind = \"eth0\"; };",
		"t.conf:1: jibri_http.bind is \"eth0\", but must be an address of this machine "
		"like \"127.0.0.1\" or \"0.0.0.0\" (all)");
	expect_complaint("single_use = 1;",
		"t.conf:1: single_use is a whole number, but must be true or false without quotes");
}

static void lists_of_texts_are_taken_and_checked_one_by_one(void **state)
{
	assert_int_equal(
		parse("browser: { allowed_hosts = [\"a.example\", \"*.b.example\"]; };"), 0);
	assert_int_equal(config.browser.allowed_host_count, 2);
	assert_string_equal(config.browser.allowed_hosts[1], "*.b.example");
	assert_int_equal(parse("browser: { allowed_hosts = ( \"a.example\" ); };"), 0);
	assert_int_equal(config.browser.allowed_host_count, 1);
	expect_complaint("browser: { allowed_hosts = \"a.example\"; };",
		"t.conf:1: browser.allowed_hosts is a text, but must be a list of texts: [\"...\", "
		"\"...\"]");
	expect_complaint("browser: { allowed_hosts = (\n\"a.example\",\n\"b*\" ); };",
		"t.conf:3: browser.allowed_hosts is \"b*\", but must be a host like "
		"\"meet.example.org\", or \"*.example.org\"");
	assert_int_equal(parse("browser: { allowed_hosts = [1, 2]; };"), -EINVAL);
}

/* A small environment and what else is in it. */
static const char *environment(const char *more)
{
	static char text[4000];

	snprintf(text, sizeof(text),
		"environments = ( { name = \"prod\"; xmpp_domain = \"meet.example.org\";\n%s } );",
		more);
	return text;
}

#define PASSWORDS "control = { password = \"cp\"; }; call = { password = \"rp\"; };"

static void a_small_environment_follows_from_its_domain(void **state)
{
	const struct tr_config_environment *prod = &config.environments[0];

	assert_int_equal(parse(environment(PASSWORDS)), 0);
	assert_int_equal(config.environment_count, 1);
	assert_string_equal(prod->name, "prod");
	assert_int_equal(prod->server_count, 1);
	assert_string_equal(prod->servers[0], "meet.example.org");
	assert_string_equal(prod->base_url, "https://meet.example.org");
	assert_string_equal(prod->strip, "conference.");
	assert_string_equal(prod->control.domain, "auth.meet.example.org");
	assert_string_equal(prod->control.username, "jibri");
	assert_string_equal(prod->control.password, "cp");
	assert_string_equal(prod->brewery.domain, "internal.auth.meet.example.org");
	assert_string_equal(prod->brewery.room, "jibribrewery");
	assert_string_equal(prod->brewery.nickname, config.id);
	assert_string_equal(prod->call.domain, "recorder.meet.example.org");
	assert_string_equal(prod->call.username, "recorder");
	assert_string_equal(prod->call.password, "rp");
	assert_string_equal(prod->security, "starttls");
	assert_true(prod->usage_timeout_ms == 0);
	assert_false(prod->trust_all_certificates);
}

static void what_an_environment_says_itself_is_kept(void **state)
{
	const struct tr_config_environment *prod = &config.environments[0];

	assert_int_equal(
		parse(environment(
			"servers = [\"xmpp\", \"[::1]:5333\"]; base_url = \"http://[::1]:8080/j//\";"
			"strip = \"\"; control = { domain = \"c.example\"; password = \"x\"; port = 6222; };"
			"brewery = { nickname = \"B\u00fccher 1\"; }; usage_timeout = \"30s\";"
			"call = { password = \"y\"; randomize = true; }; security = \"tls\";"
			"fingerprint = \"AA:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\";")),
		0);
	assert_int_equal(prod->server_count, 2);
	assert_string_equal(prod->servers[1], "[::1]:5333");
	assert_string_equal(prod->base_url, "http://[::1]:8080/j");
	assert_string_equal(prod->strip, "");
	assert_string_equal(prod->brewery.domain, "internal.c.example");
	assert_string_equal(prod->brewery.nickname, "B\u00fccher 1");
	assert_int_equal(prod->control.port, 6222);
	assert_true(prod->call.randomize);
	assert_true(prod->usage_timeout_ms == 30000);
	assert_string_equal(prod->security, "tls");
}

static void a_fault_in_an_environment_is_told_with_its_line(void **state)
{
	expect_complaint(environment(PASSWORDS "\nbase_url = \"ftp://x\";"),
		"t.conf:3: environments.base_url is \"ftp://x\", but must be an address like "
		"\"https://meet.example.org\", without ? and #");
	expect_complaint(environment("\ncontrol = { password = \"x\"; username = \"a@b\"; };"
				     "call = { password = \"x\"; };"),
		"t.conf:3: environments.control.username is \"a@b\", but must be a name without "
		"domain, like \"jibri\"");
	expect_complaint(environment(PASSWORDS "servers = [\"h:0\"];"),
		"t.conf:2: environments.servers is \"h:0\", but must be a server like "
		"\"xmpp.example.org\", \"xmpp.example.org:5222\" or \"[2001:db8::1]:5222\"");
	expect_complaint(environment(PASSWORDS "brewery = { nickname = \" a\"; };"),
		"t.conf:2: environments.brewery.nickname is \" a\", but must be a name without "
		"blanks at its ends, like \"recorder-1\"");
	expect_complaint(environment(PASSWORDS "brewery = { room = \"\"; };"),
		"t.conf:2: environments.brewery.room is \"\", but must be a name without domain, "
		"like \"jibri\"");
	expect_complaint(environment(PASSWORDS "brewery = { nickame = \"a\"; };"),
		"t.conf:2: unknown key \"environments.brewery.nickame\"; did you mean "
		"\"environments.brewery.nickname\"?");
	expect_complaint(environment(PASSWORDS "fingerprint = \"abc\";"),
		"t.conf:2: environments.fingerprint is \"abc\", but must be the SHA-256 of the "
		"certificate: 64 hex digits");
	expect_complaint(environment(PASSWORDS "usage_timeout = 60;"),
		"t.conf:2: environments.usage_timeout is a whole number, but must be a text in "
		"\"quotes\"");
	expect_complaint(environment(PASSWORDS "brewery = { nickname = \"\\xff\"; };"),
		"t.conf:2: environments.brewery.nickname is not written in UTF-8");
	expect_complaint("environments = { };",
		"t.conf:1: environments is a group { }, but must be a list of groups: ( { ... }, { "
		"... } )");
}

static void what_an_environment_lacks_is_told_with_what_to_write(void **state)
{
	expect_complaint(environment("control = { password = \"x\"; };"),
		"t.conf:1: environment \"prod\" has no password for its call account: write call = "
		"{ password = \"...\"; } into its entry in secrets.conf");
	expect_complaint("\nenvironments = ( { xmpp_domain = \"a\"; " PASSWORDS " } );",
		"t.conf:2: an environment has no name: write name = \"...\";");
	expect_complaint("environments = ( { name = \"a\"; " PASSWORDS " } );",
		"t.conf:1: environment \"a\" has no xmpp_domain: write xmpp_domain = "
		"\"meet.example.org\"; with the domain of its Jitsi Meet");
}

static void environments_that_contradict_are_refused(void **state)
{
	expect_complaint("environments = ( { name = \"a\"; xmpp_domain = \"a\"; " PASSWORDS " },\n"
			 "{ name = \"a\"; xmpp_domain = \"b\"; " PASSWORDS " } );",
		"t.conf:2: two environments are called \"a\": give this one another name");
	expect_complaint("id = \"n\"; environments = ("
			 "{ name = \"a\"; xmpp_domain = \"a\"; " PASSWORDS " },\n"
			 "{ name = \"b\"; xmpp_domain = \"A\"; " PASSWORDS " } );",
		"t.conf:2: environments \"a\" and \"b\" would join the same brewery as \"n\": give one "
		"another brewery.nickname, or take one out");
	expect_complaint(environment(PASSWORDS "servers = [\"x\", \"X\"];"),
		"t.conf:1: environment \"prod\" names the server \"X\" twice");
	expect_complaint(environment(PASSWORDS "trust_all_certificates = true; ca_file = \"/c\";"),
		"t.conf:1: environment \"prod\" has trust_all_certificates, so its ca_file or "
		"fingerprint would mean nothing: take one of them out");
	expect_complaint(environment(PASSWORDS "security = \"plain\"; ca_file = \"/c\";"),
		"t.conf:1: environment \"prod\" has security \"plain\", so there is no certificate "
		"to check: take out ca_file and fingerprint, or write security = \"starttls\"");
}

static void what_is_allowed_but_risky_is_warned_of(void **state)
{
	assert_int_equal(parse(environment(PASSWORDS "trust_all_certificates = true;")), 0);
	assert_int_equal(complaints.warning_count, 1);
	assert_int_equal(parse(environment(PASSWORDS "security = \"plain\";")), 0);
	assert_int_equal(complaints.warning_count, 1);
	assert_int_equal(parse(environment(PASSWORDS
				 "security = \"plain\"; servers = [\"127.0.0.1:15222\"];")),
		0);
	assert_int_equal(complaints.warning_count, 0);
	assert_int_equal(parse("jibri_http: { bind = \"0.0.0.0\"; };"), 0);
	assert_int_equal(complaints.warning_count, 1);
}

static void no_complaint_and_no_warning_holds_a_password(void **state)
{
	static const char *const texts[] = {
		"control = { password = \"Marker\"; domain = \"-\"; };",
		"control = { password = \"Mar\\x01ker\"; };",
		"control = { password = \"Mar\\xffker\"; };",
		"control = { password = [\"Marker\"]; };",
		"control = { passwort = \"Marker\"; };",
		"control = { password = \"Marker\" \"Marker\"; username = 5; };",
		"control = { password = \"Marker\n\"; username = 5 };",
		"control = { password = Marker; };",
		"call = { password = \"Marker\"; }; trust_all_certificates = true;",
	};
	char longest[600] = "call = { password = \"";

	for (size_t i = 0; i < TR_COUNT(texts); i++) {
		(void)parse(environment(texts[i]));
		for (unsigned line = 0; line < complaints.count; line++)
			assert_null(strstr(complaints.lines[line], "arker"));
		for (unsigned line = 0; line < complaints.warning_count; line++)
			assert_null(strstr(complaints.warnings[line], "arker"));
	}
	while (strlen(longest) < 500)
		strcat(longest, "Marker");
	strcat(longest, "\"; };");
	assert_int_equal(parse(environment(longest)), -EINVAL);
	assert_string_equal(complaints.lines[0],
		"t.conf:2: environments.call.password is too long: at most 255 bytes");
}

static void too_many_environments_are_refused(void **state)
{
	char text[20000] = "environments = (";

	for (int i = 0; i < 17; i++)
		sprintf(text + strlen(text),
			"%s{ name = \"n%d\"; xmpp_domain = \"d%d\"; " PASSWORDS "}", i ? "," : "",
			i, i);
	strcat(text, ");");
	expect_complaint(text, "t.conf:1: environments has 17 entries, but 16 is the most");
}

static void a_server_is_taken_apart(void **state)
{
	static const struct {
		const char *entry, *host;
		int port;
	} good[] = {{"a.b", "a.b", 0}, {"a.b:5222", "a.b", 5222}, {"10.0.0.1:1", "10.0.0.1", 1},
		{"[::1]", "::1", 0}, {"[2001:db8::1]:65535", "2001:db8::1", 65535}};
	static const char *const bad[] = {"", ":1", "a:", "a:0", "a:65536", "a:b", "a b", "::1",
		"[::1", "[x]:1", "[::1]1", "-a", "a..b", "a.", ".a", "a/b"};
	char host[TR_CONFIG_HOST_MAX];
	int port;

	for (size_t i = 0; i < TR_COUNT(good); i++) {
		assert_int_equal(
			tr_config_split_server(good[i].entry, host, sizeof(host), &port), 0);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < TR_COUNT(bad); i++)
		assert_int_equal(
			tr_config_split_server(bad[i], host, sizeof(host), &port), -EINVAL);
}

static void the_browsers_hosts_are_those_of_the_environments_unless_named(void **state)
{
	char hosts[200], few[20];

	assert_int_equal(parse(""), 0);
	assert_int_equal(tr_config_list_hosts(&config, hosts, sizeof(hosts)), 0);
	assert_string_equal(hosts, "");
	assert_int_equal(parse(environment(PASSWORDS)), 0);
	assert_int_equal(tr_config_list_hosts(&config, hosts, sizeof(hosts)), 0);
	assert_string_equal(hosts, "meet.example.org,*.meet.example.org");
	assert_int_equal(tr_config_list_hosts(&config, few, sizeof(few)), -ENAMETOOLONG);
	assert_int_equal(parse(environment(PASSWORDS "base_url = \"http://localhost:8000\";")), 0);
	assert_int_equal(tr_config_list_hosts(&config, hosts, sizeof(hosts)), 0);
	assert_string_equal(hosts, "localhost,meet.example.org,*.meet.example.org");
	assert_int_equal(parse("browser: { allowed_hosts = [\"127.0.0.1\"]; };"), 0);
	assert_int_equal(tr_config_list_hosts(&config, hosts, sizeof(hosts)), 0);
	assert_string_equal(hosts, "127.0.0.1");
}

static void files_that_are_not_there_are_told_by_the_check(void **state)
{
	assert_int_equal(parse(environment(PASSWORDS "ca_file = \"/nonexistent/ca.pem\";")), 0);
	assert_int_equal(tr_config_check_files(&config, "t.conf", &complaints), -EINVAL);
	assert_int_equal(complaints.count, 1);
	assert_string_equal(complaints.lines[0],
		"t.conf: environment \"prod\": ca_file names /nonexistent/ca.pem: No such file or "
		"directory. It must be there, and readable for this user");
	assert_int_equal(parse("finalize: { script = \"/bin/true\"; };"), 0);
	assert_int_equal(tr_config_check_files(&config, "t.conf", &complaints), 0);
}

static void a_machine_without_a_name_in_its_file_has_one_all_the_same(void **state)
{
	assert_int_equal(parse("id = \"\";"), 0);
	assert_true(!strncmp(config.id, "telerec-", 8) && strlen(config.id) > 8);
	assert_int_equal(parse("id = \"studio 3\";"), 0);
	assert_string_equal(config.id, "studio 3");
}

static void all_complaints_come_at_once_and_nothing_is_half_accepted(void **state)
{
	assert_int_equal(parse("slots = 7;"), 0);
	assert_int_equal(
		parse("slots = 3;\nfoo = 1;\nvideo: { frame_rate = 1000;\n x = 1; };"), -EINVAL);
	assert_int_equal(complaints.count, 3);
	assert_int_equal(config.slots, 7);
}

static void more_complaints_than_there_is_room_for_are_counted(void **state)
{
	char text[4000] = "";

	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "odd_key_%d = 1;\n", i);
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(complaints.count, 100);
}

static void a_fault_of_syntax_is_told_with_its_line(void **state)
{
	assert_int_equal(parse("slots = 1;\nvideo: { size = \n };"), -EINVAL);
	assert_int_equal(complaints.count, 1);
	assert_non_null(strstr(complaints.lines[0], "t.conf:3: syntax error"));
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
	assert_int_equal(tr_config_load("/nonexistent/t.conf", &config, &complaints), -ENOENT);
	assert_string_equal(complaints.lines[0],
		"/nonexistent/t.conf: cannot be read: No such file or directory");
	assert_int_equal(tr_config_load("/tmp", &config, &complaints), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(every_kind_of_value_is_taken),
		cmocka_unit_test(an_unknown_key_is_refused_with_line_and_nearest_key),
		cmocka_unit_test(a_wrong_type_is_refused_with_what_it_must_be),
		cmocka_unit_test(a_value_out_of_range_is_refused_with_the_range),
		cmocka_unit_test(slots_and_ports_are_numbers_or_a_word),
		cmocka_unit_test(lists_of_texts_are_taken_and_checked_one_by_one),
		cmocka_unit_test(a_small_environment_follows_from_its_domain),
		cmocka_unit_test(what_an_environment_says_itself_is_kept),
		cmocka_unit_test(a_fault_in_an_environment_is_told_with_its_line),
		cmocka_unit_test(what_an_environment_lacks_is_told_with_what_to_write),
		cmocka_unit_test(environments_that_contradict_are_refused),
		cmocka_unit_test(what_is_allowed_but_risky_is_warned_of),
		cmocka_unit_test(no_complaint_and_no_warning_holds_a_password),
		cmocka_unit_test(too_many_environments_are_refused),
		cmocka_unit_test(a_server_is_taken_apart),
		cmocka_unit_test(the_browsers_hosts_are_those_of_the_environments_unless_named),
		cmocka_unit_test(files_that_are_not_there_are_told_by_the_check),
		cmocka_unit_test(a_machine_without_a_name_in_its_file_has_one_all_the_same),
		cmocka_unit_test(all_complaints_come_at_once_and_nothing_is_half_accepted),
		cmocka_unit_test(more_complaints_than_there_is_room_for_are_counted),
		cmocka_unit_test(a_fault_of_syntax_is_told_with_its_line),
		cmocka_unit_test(a_file_that_cannot_be_read_is_told),
	};
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
