#include "test.h"

#include "control/xmpp_internal.h"
#include "core/clock.h"
#include "core/log.h"

#include "focus_client.h"
#include "prosody.h"
#include "relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BREWERY "jibribrewery@internal.meet.test"
#define NS "http://jitsi.org/protocol/jibri"
#define ROOM "standup@conference.meet.test"

/* libstrophe leaks an address when a try to take up an old stream does not reach the login. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libstrophe";
}

/* The node: what it was asked, and what it shall answer. */
struct node {
	struct tr_xmpp *xmpp;
	enum tr_control_answer answer;
	bool is_presence_set;
	unsigned starts, stops, losses, orphans;
	struct tr_control_origin origin;
	char session[64], url[256], stopped[64], orphan[64], room[64], name[64], environment[64];
	char metadata[256], stream_url[256], call_jid[64];
	unsigned slot;
};

static struct prosody *prosody;
static sd_event *event;
static struct node node;
static struct focus *focus;
static struct tr_xmpp_server server;

static enum tr_control_answer on_start(
	void *user, const struct tr_control_start *start, char *why, size_t why_size)
{
	node.starts++;
	node.origin = start->origin;
	node.slot = start->slot;
	snprintf(node.session, sizeof(node.session), "%s", start->session_id);
	snprintf(node.url, sizeof(node.url), "%s", start->meeting_url);
	snprintf(node.room, sizeof(node.room), "%s", start->room);
	snprintf(node.name, sizeof(node.name), "%s", start->call_name);
	snprintf(node.environment, sizeof(node.environment), "%s", start->environment);
	snprintf(node.metadata, sizeof(node.metadata), "%s", start->metadata);
	snprintf(node.stream_url, sizeof(node.stream_url), "%s", start->stream_url);
	snprintf(node.call_jid, sizeof(node.call_jid), "%s", start->call_jid);
	if (node.answer == TR_CONTROL_ACCEPTED)
		tr_xmpp_set_presence(node.xmpp, start->slot, true, true);
	snprintf(why, why_size, "the test says so");
	return node.answer;
}

static bool on_stop(void *user, unsigned slot, const char *session_id)
{
	node.stops++;
	snprintf(node.stopped, sizeof(node.stopped), "%u:%s", slot, session_id);
	return true;
}

static void on_lost(void *user, unsigned connection)
{
	node.losses++;
}

static void on_orphaned(void *user, unsigned slot, const char *session_id)
{
	node.orphans++;
	snprintf(node.orphan, sizeof(node.orphan), "%s", session_id);
}

static void run_a_little(void)
{
	while (sd_event_run(event, 5000) > 0)
		;
	if (focus)
		focus_pump(focus, 5);
}

#define wait_for(condition)                                                                        \
	wait_until(#condition, ({                                                                  \
		bool is_met_ = false;                                                              \
		int64_t deadline_ = tr_clock_now_ns() + 60 * TR_NS_PER_S;                          \
		while (!(is_met_ = (condition)) && tr_clock_now_ns() < deadline_)                  \
			run_a_little();                                                            \
		is_met_;                                                                           \
	}))

static void wait_until(const char *what, bool is_met)
{
	struct tr_xmpp_link link;

	if (is_met)
		return;
	for (unsigned i = 0; node.xmpp && i < tr_xmpp_link_count(node.xmpp); i++) {
		tr_xmpp_read_link(node.xmpp, i, &link);
		fprintf(stderr, "link %u: state %d, nick %s, problem: %s\n", i, (int)link.state,
			link.nickname, link.problem);
	}
	if (focus)
		fprintf(stderr, "the focus heard:\n%s", focus_heard(focus));
	prosody_print_log(prosody);
	fail_msg("still not: %s", what);
}

static struct tr_xmpp_link link_at(unsigned index)
{
	struct tr_xmpp_link link;

	tr_xmpp_read_link(node.xmpp, index, &link);
	return link;
}

static bool is_present(unsigned index)
{
	return link_at(index).state == TR_XMPP_PRESENT;
}

static void short_waits(struct tr_xmpp_waits *waits)
{
	tr_xmpp_waits_init(waits);
	waits->retry = 100;
	waits->retry_max = 400;
	waits->refused = 300;
	waits->refused_max = 600;
	waits->conflict = 300;
	waits->brewery.retry = 300;
	waits->brewery.retry_max = 300;
	waits->brewery.kicked = 200;
	waits->brewery.banned = 300;
	waits->brewery.merged = 200;
	waits->brewery.self_ping = 500;
}

static void start_node_with(unsigned slots, const struct tr_xmpp_waits *waits)
{
	const struct tr_xmpp_settings settings = {
		.slots = slots, .servers = &server, .server_count = 1};
	const struct tr_control_actions actions = {
		.start = on_start, .stop = on_stop, .lost = on_lost, .orphaned = on_orphaned};

	assert_int_equal(
		tr_xmpp_create_with_waits(event, &settings, &actions, waits, &node.xmpp), 0);
}

static void start_node(unsigned slots)
{
	struct tr_xmpp_waits waits;

	short_waits(&waits);
	start_node_with(slots, &waits);
	for (unsigned slot = 1; slot <= slots; slot++)
		tr_xmpp_set_presence(node.xmpp, slot, false, true);
}

static void start_focus(const char *room)
{
	focus = focus_create(prosody->port, "focus", "pass-focus");
	wait_for(focus_is_online(focus));
	focus_join(focus, room, "focus");
	wait_for(focus_is_in(focus));
}

static bool shows(const char *nick, bool is_busy)
{
	const struct focus_node *seen = focus_find(focus, nick);

	return seen && seen->is_busy == is_busy && seen->is_healthy;
}

static bool heard(const char *words)
{
	return strstr(focus_heard(focus), words) != NULL;
}

/* Node and focus in the same room. */
static void meet(void)
{
	start_focus(BREWERY);
	start_node(1);
	wait_for(is_present(0) && shows("telerec", false));
}

static void ask(const char *id, const char *attributes)
{
	focus_send(focus,
		"<iq type='set' id='%s' to='" BREWERY "/telerec'><jibri xmlns='" NS "' %s/></iq>",
		id, attributes);
}

#define START "action='start' recording_mode='file' room='" ROOM "' "

static int set_up(void **state)
{
	tr_log_set_level(getenv("VERBOSE") ? TR_LOG_INFO : TR_LOG_ERROR);
	node = (struct node){0};
	server = (struct tr_xmpp_server){
		.environment = "test",
		.entry = "127.0.0.1",
		.host = "127.0.0.1",
		.port = prosody->port,
		.ca_file = prosody->ca_file,
		.control_domain = "auth.meet.test",
		.control_username = "jibri",
		.control_password = "pass-jibri",
		.brewery_domain = "internal.meet.test",
		.brewery_room = "JibriBrewery",
		.nickname = "telerec",
		.xmpp_domain = "meet.test",
		.strip = "conference.",
		.call_domain = "recorder.meet.test",
		.call_username = "recorder",
		.call_password = "secret",
	};
	return 0;
}

static int tear_down(void **state)
{
	tr_xmpp_destroy(node.xmpp);
	node.xmpp = NULL;
	focus_destroy(focus);
	focus = NULL;
	return prosody->child.pid || prosody_start(prosody) ? 0 : -1;
}

static void a_start_shows_busy_and_is_answered_with_pending(void **state)
{
	meet();
	ask("a+/=1", START "session_id='s1' x='1' app_data='{&quot;file_recording_metadata&quot;:"
			   "{&quot;share&quot;:true}}'");
	wait_for(heard("pending"));
	assert_true(heard("id=\"a+/=1\""));
	assert_true(heard("session_id=\"s1\""));
	assert_true(shows("telerec", true)); /* before the answer */
	assert_string_equal(node.url, "https://meet.test/standup");
	assert_string_equal(node.room, ROOM);
	assert_string_equal(node.environment, "test-127.0.0.1");
	assert_string_equal(node.metadata, "{\"share\":true}");
	assert_string_equal(node.call_jid, "recorder@recorder.meet.test");
	assert_int_equal(node.slot, 1);
	focus_forget(focus);
	tr_xmpp_send_status(node.xmpp, &node.origin, "s1", TR_CONTROL_ON, false);
	wait_for(heard("status=\"on\""));
	assert_false(heard("failure_reason"));
	tr_xmpp_send_status(node.xmpp, &node.origin, "s1", TR_CONTROL_OFF_FAILED, true);
	wait_for(heard("status=\"off\""));
	assert_true(heard("failure_reason=\"error\""));
	assert_true(heard("should_retry=\"true\""));
}

static void each_answer_of_the_node_reaches_jicofo_in_its_words(void **state)
{
	static const struct {
		enum tr_control_answer answer;
		const char *words[3];
	} rows[] = {
		{TR_CONTROL_BUSY,
			{"status=\"off\"", "failure_reason=\"busy\"", "should_retry=\"true\""}},
		{TR_CONTROL_FAILED,
			{"status=\"off\"", "failure_reason=\"error\"", "should_retry=\"true\""}},
		{TR_CONTROL_DUPLICATE,
			{"type=\"result\"", "status=\"pending\"", "session_id=\"s1\""}},
		{TR_CONTROL_DUPLICATE_ON, {"status=\"pending\"", "status=\"on\"", "type=\"set\""}},
		{TR_CONTROL_REFUSED, {"status=\"pending\"", "failure_reason=\"error\"",
					     "should_retry=\"false\""}},
	};

	meet();
	for (unsigned i = 0; i < TR_COUNT(rows); i++) {
		node.answer = rows[i].answer;
		focus_forget(focus);
		ask("a", START "session_id='s1'");
		for (unsigned j = 0; j < 3; j++)
			wait_for(heard(rows[i].words[j]));
		assert_false(heard("bad-request"));
		assert_int_equal(node.starts, i + 1);
		const char *pending = strstr(focus_heard(focus), "pending");
		if (pending && i >= 3) /* the answer goes first */
			assert_true(pending < strstr(focus_heard(focus), "type=\"set\""));
	}
	wait_for(shows("telerec", false));
}

static void a_refused_start_is_answered_by_a_busy_node(void **state)
{
	meet();
	node.answer = TR_CONTROL_REFUSED;
	unsigned changes = focus_find(focus, "telerec")->changes;
	ask("a", START "session_id='s1'");
	wait_for(heard("should_retry=\"false\""));
	wait_for(shows("telerec", false) && focus_find(focus, "telerec")->changes == changes + 2);
}

static void a_stop_is_always_answered_with_off(void **state)
{
	meet();
	ask("a", "action='STOP' session_id='zz'");
	wait_for(heard("id=\"a\""));
	assert_true(heard("status=\"off\""));
	assert_string_equal(node.stopped, "1:zz");
	ask("b", "action='stop'"); /* nothing of this server runs */
	wait_for(heard("id=\"b\""));
	assert_int_equal(node.stops, 1);
	ask("c", START "session_id='s1'");
	ask("d", "action='stop'");
	wait_for(heard("id=\"d\""));
	assert_string_equal(node.stopped, "1:");
}

static void what_makes_no_sense_is_a_bad_request(void **state)
{
	static const char *const wrong[][2] = {
		{"set", "<jibri xmlns='" NS "'/>"},
		{"set", "<jibri xmlns='" NS "' action='fly'/>"},
		{"get", "<jibri xmlns='" NS "' action='stop'/>"},
		{"set", "<jibri xmlns='" NS "' action='stop'/><jibri xmlns='" NS
			"' action='stop'/>"},
		{"set", ""},
		{"set", "<jibri xmlns='" NS "' action='start' recording_mode='file' "
			"session_id='s' room='nowhere.test'/>"},
		{"set", "<jibri xmlns='" NS
			"' action='start' recording_mode='file' session_id='s'/>"},
	};

	meet();
	for (unsigned i = 0; i < TR_COUNT(wrong); i++) {
		char id[16];
		snprintf(id, sizeof(id), "id=\"w%u\"", i);
		focus_forget(focus);
		focus_send(focus, "<iq type='%s' id='w%u' to='" BREWERY "/telerec'>%s</iq>",
			wrong[i][0], i, wrong[i][1]);
		wait_for(heard(id));
		assert_true(heard("bad-request"));
	}
	assert_int_equal(node.starts, 0);
	assert_int_equal(node.stops, 0);
	assert_true(is_present(0));
}

static void what_this_node_cannot_do_is_refused_without_asking_it(void **state)
{
	meet();
	ask("a", START "session_id='s' sipaddress='room@sip.test'");
	wait_for(heard("sipaddress=\"room@sip.test\""));
	assert_true(heard("failure_reason=\"error\"") && heard("should_retry=\"true\""));
	focus_forget(focus);
	ask("b", "action='start' recording_mode='stream' room='" ROOM
		 "' session_id='s' streamid=''");
	wait_for(heard("pending") && heard("should_retry=\"false\""));
	focus_forget(focus);
	ask("c",
		"action='start' recording_mode='file' room='x@conference.other.org' session_id='s'");
	wait_for(heard("should_retry=\"true\""));
	assert_int_equal(node.starts, 0);
	focus_forget(focus);
	ask("d", "action='Start' recording_mode='STREAM' room='" ROOM
		 "' session_id='s' streamid='key'");
	wait_for(heard("pending"));
	assert_string_equal(node.stream_url, "rtmp://a.rtmp.youtube.com/live2/key");
}

static void a_long_id_comes_back_byte_for_byte(void **state)
{
	char id[400], wanted[420];

	for (unsigned i = 0; i < 350; i++)
		id[i] = "abcXYZ019+/="[i % 12];
	id[350] = '\0';
	snprintf(wanted, sizeof(wanted), "id=\"%s\"", id);
	meet();
	ask(id, START "session_id='s1'");
	wait_for(heard(wanted));
}

static void strangers_and_who_is_not_the_focus_are_forbidden(void **state)
{
	server.focus_jid = "focus@auth.meet.test";
	meet();
	char jid[128];
	snprintf(jid, sizeof(jid), "%s", focus_find(focus, "telerec")->jid);
	ask("mine", START "session_id='s1'");
	wait_for(heard("pending"));
	assert_int_equal(node.starts, 1);

	struct focus *jicofo = focus;
	focus = focus_create(prosody->port, "other", "pass-other");
	wait_for(focus_is_online(focus));
	focus_send(focus,
		"<iq type='set' id='x' to='%s'><jibri xmlns='" NS "' action='stop'/></iq>", jid);
	wait_for(heard("forbidden"));
	focus_forget(focus);
	focus_join(focus, BREWERY, "visitor");
	wait_for(focus_is_in(focus));
	ask("y", "action='stop' session_id='s1'");
	wait_for(heard("forbidden"));
	assert_int_equal(node.stops, 0);
	focus_destroy(focus);
	focus = jicofo;
}

static void questions_of_other_kinds_are_answered(void **state)
{
	static const struct {
		const char *query, *words;
	} rows[] = {
		{"<ping xmlns='urn:xmpp:ping'/>", "type=\"result\""},
		{"<query xmlns='http://jabber.org/protocol/disco#info'/>", NS},
		{"<query xmlns='jabber:iq:version'/>", TR_VERSION},
		{"<query xmlns='jabber:iq:last'/>", "service-unavailable"},
	};

	meet();
	for (unsigned i = 0; i < TR_COUNT(rows); i++) {
		focus_forget(focus);
		focus_send(focus, "<iq type='get' id='q' to='" BREWERY "/telerec'>%s</iq>",
			rows[i].query);
		wait_for(heard("id=\"q\""));
		assert_true(heard(rows[i].words));
	}
}

static void an_on_that_nobody_waits_for_is_an_orphan_and_an_off_is_not(void **state)
{
	meet();
	ask("a", START "session_id='s1'");
	wait_for(node.starts == 1);
	focus_answer_with(focus, "item-not-found");
	tr_xmpp_send_status(node.xmpp, &node.origin, "s1", TR_CONTROL_ON, false);
	wait_for(node.orphans == 1);
	assert_string_equal(node.orphan, "s1");
	ask("b", START "session_id='s2'");
	wait_for(node.starts == 2);
	tr_xmpp_send_status(node.xmpp, &node.origin, "s2", TR_CONTROL_OFF, false);
	wait_for(heard("session_id=\"s2\"") && heard("status=\"off\""));
	ask("c", "action='stop' session_id='none'");
	wait_for(heard("id=\"c\""));
	assert_int_equal(node.orphans, 1);
}

static void a_kicked_node_loses_its_sessions_and_comes_back(void **state)
{
	meet();
	ask("a", START "session_id='s1'");
	wait_for(shows("telerec", true));
	focus_send(focus,
		"<iq type='set' id='k' to='" BREWERY "'><query "
		"xmlns='http://jabber.org/protocol/muc#admin'><item nick='telerec' role='none'/>"
		"</query></iq>");
	wait_for(node.losses == 1);
	wait_for(!focus_find(focus, "telerec"));
	wait_for(shows("telerec", true)); /* as it was: the node has not said otherwise */
	focus_forget(focus);
	tr_xmpp_send_status(node.xmpp, &node.origin, "s1", TR_CONTROL_OFF, false);
	tr_xmpp_set_presence(node.xmpp, 1, false, true);
	wait_for(shows("telerec", false));
	assert_false(heard("status=\"off\"")); /* of no interest any more */
}

static void a_destroyed_room_is_joined_again(void **state)
{
	meet();
	focus_send(focus, "<iq type='set' id='d' to='" BREWERY "'><query "
			  "xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>");
	wait_for(node.losses == 1);
	wait_for(is_present(0));
	focus_join(focus, BREWERY, "focus");
	wait_for(shows("telerec", false));
}

static void a_restarted_server_finds_the_node_again(void **state)
{
	meet();
	focus_destroy(focus);
	focus = NULL;
	prosody_stop(prosody);
	wait_for(link_at(0).state == TR_XMPP_OFFLINE);
	tr_xmpp_set_presence(node.xmpp, 1, true, true);
	assert_true(prosody_start(prosody));
	wait_for(node.losses >= 1); /* the server knows nothing of the old connection */
	wait_for(is_present(0));
	start_focus(BREWERY);
	wait_for(shows("telerec", true));
	assert_true(link_at(0).reconnects >= 1);
}

static void the_end_leaves_the_brewery_at_once(void **state)
{
	meet();
	tr_xmpp_destroy(node.xmpp);
	node.xmpp = NULL;
	int64_t before = tr_clock_now_ns();
	wait_for(!focus_find(focus, "telerec"));
	assert_true(tr_clock_now_ns() - before < 4800 * TR_NS_PER_MS); /* 5 s as a ghost */
}

static void the_log_holds_no_secret_even_when_it_tells_everything(void **state)
{
	static char log[1 << 20];
	static const char *const secrets[] = {"pass-jibri", "KEY-1", "TOKEN-2", "call-secret"};
	static const char *const ids[] = {"id=\"a\"", "id=\"b\"", "id=\"c\"", "id=\"d\""};
	FILE *file = tmpfile();
	int old = dup(STDERR_FILENO);

	server.call_password = "call-secret";
	assert_true(file && dup2(fileno(file), STDERR_FILENO) >= 0);
	tr_log_set_level(TR_LOG_DEBUG);
	start_node(1);
	wait_for(is_present(0));
	start_focus(BREWERY);
	wait_for(shows("telerec", false));
	node.answer = TR_CONTROL_FAILED;
	ask("a", "action='start' recording_mode='stream' room='" ROOM "' session_id='s1' "
		 "streamid='KEY-1'");
	ask("b", START "session_id='s2' app_data='{TOKEN-2'");
	ask("c", "action='start' recording_mode='stream' room='x@other.org' session_id='s3' "
		 "streamid='KEY-1' app_data='TOKEN-2'");
	ask("d", "streamid='KEY-1' app_data='TOKEN-2'");
	for (unsigned i = 0; i < TR_COUNT(ids); i++)
		wait_for(heard(ids[i]));
	tear_down(NULL);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(file);
	size_t size = fread(log, 1, sizeof(log) - 1, file);
	log[size] = '\0';
	fclose(file);
	assert_non_null(strstr(log, "session s2")); /* it was written at all */
	for (unsigned i = 0; i < TR_COUNT(secrets); i++)
		assert_null(strstr(log, secrets[i]));
}

static void a_wrong_password_is_named_and_nothing_else_tried(void **state)
{
	server.control_password = "not it";
	start_node(1);
	wait_for(strstr(link_at(0).problem, "password") != NULL);
	assert_non_null(strstr(link_at(0).problem, "jibri@auth.meet.test"));
	assert_non_null(strstr(link_at(0).problem, "not-authorized"));
	assert_null(strstr(link_at(0).problem, "not it"));
}

static void an_unknown_domain_is_named(void **state)
{
	server.security = TR_XMPP_OPPORTUNISTIC;
	server.control_domain = "nowhere.test";
	start_node(1);
	wait_for(strstr(link_at(0).problem, "nowhere.test") != NULL);
}

static void an_untrusted_certificate_gets_no_password_but_its_fingerprint_shown(void **state)
{
	server.ca_file = "";
	start_node(1);
	wait_for(strstr(link_at(0).problem, prosody->fingerprint) != NULL);
	assert_false(is_present(0));
}

static void a_certificate_for_another_name_is_not_trusted(void **state)
{
	server.control_domain = "internal.meet.test";
	start_node(1);
	wait_for(strstr(link_at(0).problem, prosody->fingerprint) != NULL ||
		 strstr(link_at(0).problem, "TLS") != NULL ||
		 strstr(link_at(0).problem, "host-unknown") != NULL);
}

static void the_pinned_certificate_is_enough_and_another_one_is_not(void **state)
{
	server.ca_file = "";
	server.fingerprint = prosody->fingerprint;
	start_node(1);
	wait_for(is_present(0));
	tear_down(NULL);
	server.fingerprint = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:"
			     "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";
	server.ca_file = prosody->ca_file; /* being valid does not help */
	start_node(1);
	wait_for(strstr(link_at(0).problem, "another certificate") != NULL);
	assert_non_null(strstr(link_at(0).problem, prosody->fingerprint));
}

static void trust_all_connects_and_says_so(void **state)
{
	server.ca_file = "";
	server.trust_all = true;
	start_node(1);
	wait_for(is_present(0));
	assert_non_null(strstr(link_at(0).problem, "trust_all"));
}

static void direct_tls_works_with_the_same_checks(void **state)
{
	server.security = TR_XMPP_DIRECT_TLS;
	server.port = prosody->tls_port;
	start_node(1);
	wait_for(is_present(0));
	tear_down(NULL);
	server.ca_file = "";
	start_node(1);
	wait_for(strstr(link_at(0).problem, prosody->fingerprint) != NULL);
}

static void each_slot_is_an_instance_of_its_own(void **state)
{
	start_focus(BREWERY);
	start_node(2);
	wait_for(shows("telerec", false) && shows("telerec-2", false));
	assert_int_equal(tr_xmpp_link_count(node.xmpp), 2);
	focus_send(focus, "<iq type='set' id='a' to='" BREWERY "/telerec-2'><jibri xmlns='" NS
			  "' " START "session_id='s1'/></iq>");
	wait_for(shows("telerec-2", true));
	assert_true(shows("telerec", false));
	assert_int_equal(node.slot, 2);
}

static void many_logins_at_the_same_time_do_not_disturb_each_other(void **state)
{
	struct tr_xmpp_waits waits;

	short_waits(&waits);
	waits.refused = waits.refused_max = 60000;
	start_node_with(12, &waits);
	for (unsigned i = 0; i < 12; i++)
		wait_for(is_present(i));
}

static void a_nick_of_another_account_is_left_to_it(void **state)
{
	focus = focus_create(prosody->port, "other", "pass-other");
	wait_for(focus_is_online(focus));
	focus_join(focus, BREWERY, "telerec");
	wait_for(focus_is_in(focus));
	start_node(1);
	wait_for(is_present(0));
	assert_int_equal(strncmp(link_at(0).nickname, "telerec-", 8), 0);
	wait_for(shows(link_at(0).nickname, false));
}

static void a_nick_shared_by_the_same_account_is_left_by_who_came_later(void **state)
{
	focus = focus_create(prosody->port, "jibri", "pass-jibri");
	wait_for(focus_is_online(focus));
	focus_join(focus, BREWERY, "telerec");
	wait_for(focus_is_in(focus));
	start_node(1);
	wait_for(is_present(0) && strcmp(link_at(0).nickname, "telerec"));
	wait_for(shows(link_at(0).nickname, false));
	assert_true(focus_is_in(focus));
}

static void a_room_made_by_the_node_is_unlocked(void **state)
{
	server.brewery_domain = "locked.meet.test";
	start_node(1);
	wait_for(is_present(0));
	start_focus("jibribrewery@locked.meet.test");
	wait_for(shows("telerec", false));
	assert_non_null(strchr(focus_find(focus, "telerec")->jid, '@')); /* anyone may see it */
}

static void a_room_that_only_jicofo_may_make_is_waited_for(void **state)
{
	server.brewery_domain = "closed.meet.test";
	start_node(1);
	wait_for(strstr(link_at(0).problem, "waiting for Jicofo") != NULL);
	start_focus("jibribrewery@closed.meet.test");
	wait_for(shows("telerec", false));
	wait_for(link_at(0).problem[0] == '\0');
}

static void a_lost_connection_is_resumed_and_what_was_held_is_sent(void **state)
{
	struct relay *relay = relay_create(prosody->port);

	server.port = relay_port(relay);
	meet();
	ask("a", START "session_id='s1'");
	wait_for(shows("telerec", true));
	focus_forget(focus);
	unsigned connections = relay_count(relay);
	relay_break(relay);
	wait_for(link_at(0).state < TR_XMPP_JOINING);
	tr_xmpp_send_status(node.xmpp, &node.origin, "s1", TR_CONTROL_ON, false);
	wait_for(is_present(0) && heard("status=\"on\""));
	assert_true(relay_count(relay) > connections);
	assert_int_equal(node.losses, 0);
	assert_true(shows("telerec", true));
	tear_down(NULL);
	relay_destroy(relay);
}

/* The server keeps the old stream for seconds: waits that have grown would come too late. */
static void a_connection_that_is_lost_often_is_resumed_as_soon(void **state)
{
	struct relay *relay = relay_create(prosody->port);
	struct tr_xmpp_waits waits;

	short_waits(&waits);
	waits.retry_max = 600000;
	waits.resume_retry_max = 200;
	server.port = relay_port(relay);
	start_focus(BREWERY);
	start_node_with(1, &waits);
	tr_xmpp_set_presence(node.xmpp, 1, false, true);
	wait_for(is_present(0) && shows("telerec", false));
	for (unsigned breaks = 0; breaks < 10; breaks++) {
		unsigned reconnects = link_at(0).reconnects;
		relay_break(relay);
		wait_for(link_at(0).reconnects > reconnects && is_present(0));
	}
	assert_int_equal(node.losses, 0);
	assert_true(shows("telerec", false));
	tear_down(NULL);
	relay_destroy(relay);
}

static void a_server_that_swallows_everything_is_noticed_and_left(void **state)
{
	struct relay *relay = relay_create(prosody->port);
	struct tr_xmpp_waits waits;

	short_waits(&waits);
	waits.ping = 300;
	waits.pong = 300;
	waits.resume = 1000;
	waits.brewery.self_ping = 200;
	server.port = relay_port(relay);
	start_focus(BREWERY);
	start_node_with(1, &waits);
	tr_xmpp_set_presence(node.xmpp, 1, false, true);
	wait_for(is_present(0) && shows(link_at(0).nickname, false));
	relay_set_mode(relay, RELAY_SWALLOW);
	wait_for(node.losses == 1); /* not resumed in time */
	relay_set_mode(relay, RELAY_PASS);
	relay_break(relay);
	wait_for(is_present(0));
	wait_for(shows(link_at(0).nickname, false));
	tear_down(NULL);
	relay_destroy(relay);
}

static void a_server_without_starttls_gets_no_password(void **state)
{
	struct relay *relay = relay_create(prosody->port);

	relay_set_mode(relay, RELAY_NO_TLS);
	server.port = relay_port(relay);
	start_node(1);
	wait_for(strstr(link_at(0).problem, "no TLS") != NULL);
	assert_true(relay_has_heard(relay, "<stream:stream"));
	assert_false(relay_has_heard(relay, "<auth"));
	tear_down(NULL);
	relay_destroy(relay);
}

static void a_silent_handshake_holds_up_neither_the_others_nor_the_end(void **state)
{
	struct relay *relay = relay_create(prosody->port);
	struct tr_xmpp_server servers[2] = {server, server};
	const struct tr_xmpp_settings settings = {
		.slots = 1, .servers = servers, .server_count = 2};
	const struct tr_control_actions actions = {
		.start = on_start, .stop = on_stop, .lost = on_lost, .orphaned = on_orphaned};
	struct tr_xmpp_waits waits;

	short_waits(&waits);
	waits.login = 1000;
	relay_set_mode(relay, RELAY_SILENT);
	servers[0].port = relay_port(relay);
	assert_int_equal(
		tr_xmpp_create_with_waits(event, &settings, &actions, &waits, &node.xmpp), 0);
	wait_for(relay_has_heard(relay, "<starttls"));
	wait_for(is_present(1));
	wait_for(strstr(link_at(0).problem, "log-in within") != NULL);
	wait_for(link_at(0).state == TR_XMPP_CONNECTING);
	int64_t before = tr_clock_now_ns();
	tear_down(NULL);
	assert_true(tr_clock_now_ns() - before < 20 * TR_NS_PER_S);
	relay_destroy(relay);
}

static void settings_that_can_never_work_are_refused(void **state)
{
	const struct tr_control_actions actions = {0};
	const struct tr_xmpp_settings settings = {
		.slots = 1, .servers = &server, .server_count = 1};
	struct tr_xmpp *xmpp = NULL;

	tr_log_set_level(TR_LOG_NONE);
	server.fingerprint = "12:34";
	assert_int_equal(tr_xmpp_create(event, &settings, &actions, &xmpp), -EINVAL);
	server.fingerprint = "";
	server.nickname = "";
	assert_int_equal(tr_xmpp_create(event, &settings, &actions, &xmpp), -EINVAL);
	server.nickname = "a\nb";
	assert_int_equal(tr_xmpp_create(event, &settings, &actions, &xmpp), -EINVAL);
	server.nickname = "telerec";
	server.control_username = "";
	assert_int_equal(tr_xmpp_create(event, &settings, &actions, &xmpp), -EINVAL);
	assert_null(xmpp);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_start_shows_busy_and_is_answered_with_pending),
		TEST(each_answer_of_the_node_reaches_jicofo_in_its_words),
		TEST(a_refused_start_is_answered_by_a_busy_node),
		TEST(a_stop_is_always_answered_with_off),
		TEST(what_makes_no_sense_is_a_bad_request),
		TEST(what_this_node_cannot_do_is_refused_without_asking_it),
		TEST(a_long_id_comes_back_byte_for_byte),
		TEST(strangers_and_who_is_not_the_focus_are_forbidden),
		TEST(questions_of_other_kinds_are_answered),
		TEST(an_on_that_nobody_waits_for_is_an_orphan_and_an_off_is_not),
		TEST(a_kicked_node_loses_its_sessions_and_comes_back),
		TEST(a_destroyed_room_is_joined_again),
		TEST(a_restarted_server_finds_the_node_again),
		TEST(the_end_leaves_the_brewery_at_once),
		TEST(the_log_holds_no_secret_even_when_it_tells_everything),
		TEST(a_wrong_password_is_named_and_nothing_else_tried),
		TEST(an_unknown_domain_is_named),
		TEST(an_untrusted_certificate_gets_no_password_but_its_fingerprint_shown),
		TEST(a_certificate_for_another_name_is_not_trusted),
		TEST(the_pinned_certificate_is_enough_and_another_one_is_not),
		TEST(trust_all_connects_and_says_so),
		TEST(direct_tls_works_with_the_same_checks),
		TEST(each_slot_is_an_instance_of_its_own),
		TEST(many_logins_at_the_same_time_do_not_disturb_each_other),
		TEST(a_nick_of_another_account_is_left_to_it),
		TEST(a_nick_shared_by_the_same_account_is_left_by_who_came_later),
		TEST(a_room_made_by_the_node_is_unlocked),
		TEST(a_room_that_only_jicofo_may_make_is_waited_for),
		TEST(a_lost_connection_is_resumed_and_what_was_held_is_sent),
		TEST(a_connection_that_is_lost_often_is_resumed_as_soon),
		TEST(a_server_that_swallows_everything_is_noticed_and_left),
		TEST(a_server_without_starttls_gets_no_password),
		TEST(a_silent_handshake_holds_up_neither_the_others_nor_the_end),
		TEST(settings_that_can_never_work_are_refused),
	};
	const char *why;

	prosody = prosody_create(&why);
	if (!prosody) {
		printf("skipped: %s\n", why);
		return 77;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	assert_true(sd_event_new(&event) >= 0);
	int failures = cmocka_run_group_tests_name("xmpp", tests, NULL, NULL);
	sd_event_unref(event);
	prosody_destroy(prosody);
	return failures;
}
