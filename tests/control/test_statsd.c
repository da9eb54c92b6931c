#include "test.h"

#include "control/statsd.h"
#include "control/xmpp.h"
#include "core/clock.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 30000

static int fd = -1; /* the server's */
static int port;
static struct tr_statsd *statsd;
static char heard[500];

static void open_server(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	port = ntohs(address.sin_port);
}

static bool hear(int ms)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	if (poll(&poller, 1, ms) != 1)
		return false;
	ssize_t size = recv(fd, heard, sizeof(heard) - 1, 0);
	assert_true(size >= 0);
	heard[size] = '\0';
	return true;
}

static void tell(struct tr_event event)
{
	event.session_id = event.room = event.environment = event.state = event.sentence = "";
	tr_statsd_tell(&event, statsd);
}

/* The name is looked up meanwhile: counts are lost until it is known. */
static void wait_until_known(void)
{
	int64_t end_ns = tr_clock_now_ns() + PATIENCE_MS * TR_NS_PER_MS;

	do {
		assert_true(tr_clock_now_ns() < end_ns);
		tell((struct tr_event){.type = TR_EVENT_ACCEPTED, .kind = TR_CONTROL_FILE});
	} while (!hear(10));
	while (hear(0))
		;
}

static int start(void **state)
{
	open_server();
	assert_int_equal(tr_statsd_create("localhost", port, &statsd), 0);
	wait_until_known();
	return 0;
}

static int stop(void **state)
{
	tr_statsd_destroy(statsd);
	close(fd);
	return 0;
}

static void assert_heard(const char *line)
{
	assert_true(hear(PATIENCE_MS));
	assert_string_equal(heard, line);
}

static void sessions_are_counted_by_their_kind(void **state)
{
	tell((struct tr_event){.type = TR_EVENT_ACCEPTED, .kind = TR_CONTROL_FILE});
	assert_heard("jibri.start:1|c|#recording");
	tell((struct tr_event){.type = TR_EVENT_ACCEPTED, .kind = TR_CONTROL_STREAM});
	assert_heard("jibri.start:1|c|#live_stream");
	tell((struct tr_event){.type = TR_EVENT_ENDED, .kind = TR_CONTROL_STREAM});
	assert_heard("jibri.stop:1|c|#live_stream");
	assert_false(hear(0));
}

static void a_failure_is_an_error_and_a_stop(void **state)
{
	tell((struct tr_event){
		.type = TR_EVENT_ENDED, .kind = TR_CONTROL_FILE, .is_failure = true});
	assert_heard("jibri.error:1|c|#recording");
	assert_heard("jibri.stop:1|c|#recording");
}

static void only_busy_refusals_are_busy(void **state)
{
	tell((struct tr_event){.type = TR_EVENT_REFUSED, .answer = TR_CONTROL_REFUSED});
	tell((struct tr_event){.type = TR_EVENT_REFUSED, .answer = TR_CONTROL_BUSY});
	assert_heard("jibri.busy:1|c|#recording");
	assert_false(hear(0));
}

static void tell_link(unsigned connection, enum tr_xmpp_link_state state, unsigned reconnects,
	const char *problem)
{
	struct tr_xmpp_link link = {
		.connection = connection, .slot = 1, .state = state, .reconnects = reconnects};

	strcpy(link.entry, "xmpp.example.org:5222");
	strcpy(link.problem, problem);
	tell((struct tr_event){.type = TR_EVENT_LINK, .link = &link});
}

static void connections_come_and_go(void **state)
{
	tell_link(1, TR_XMPP_CONNECTING, 0, "");
	tell_link(1, TR_XMPP_JOINING, 0, "");
	assert_heard("jibri.xmpp-connected:1|c|#xmpp_server_host:xmpp.example.org:5222");
	tell_link(1, TR_XMPP_PRESENT, 0, "");
	tell_link(1, TR_XMPP_OFFLINE, 0, "the server is gone");
	assert_heard("jibri.xmpp-closed-on-error:1|c|#xmpp_server_host:xmpp.example.org:5222");
	assert_heard("jibri.xmpp-reconnecting:1|c|#xmpp_server_host:xmpp.example.org:5222");
	tell_link(1, TR_XMPP_PRESENT, 1, "");
	assert_heard("jibri.xmpp-connected:1|c|#xmpp_server_host:xmpp.example.org:5222");
	assert_false(hear(0));
}

static void a_connection_that_was_away_between_two_looks_counts(void **state)
{
	tell_link(256, TR_XMPP_PRESENT, 0, "");
	assert_heard("jibri.xmpp-connected:1|c|#xmpp_server_host:xmpp.example.org:5222");
	tell_link(256, TR_XMPP_PRESENT, 1, "");
	assert_heard("jibri.xmpp-closed:1|c|#xmpp_server_host:xmpp.example.org:5222");
	assert_heard("jibri.xmpp-reconnecting:1|c|#xmpp_server_host:xmpp.example.org:5222");
	assert_heard("jibri.xmpp-connected:1|c|#xmpp_server_host:xmpp.example.org:5222");
	tell_link(257, TR_XMPP_PRESENT, 0, "");
	assert_false(hear(0));
}

static void a_server_that_comes_back_is_heard_again(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	close(fd);
	for (int i = 0; i < 5; i++)
		tell((struct tr_event){.type = TR_EVENT_ACCEPTED});
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	tell((struct tr_event){.type = TR_EVENT_ACCEPTED});
	assert_heard("jibri.start:1|c|#recording");
}

static void a_name_that_is_none_holds_nobody_up(void **state)
{
	struct tr_statsd *lost = NULL;
	struct tr_event event = {.type = TR_EVENT_ACCEPTED};

	assert_int_equal(tr_statsd_create("no-such-host.invalid", 8125, &lost), 0);
	int64_t start_ns = tr_clock_now_ns();
	for (int i = 0; i < 1000; i++)
		tr_statsd_tell(&event, lost);
	/* A look-up that waits would take seconds here; the bound is for busy machines. */
	assert_true(tr_clock_now_ns() - start_ns < 10 * TR_NS_PER_S);
	tr_statsd_destroy(lost);
	tr_statsd_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sessions_are_counted_by_their_kind, start, stop),
		cmocka_unit_test_setup_teardown(a_failure_is_an_error_and_a_stop, start, stop),
		cmocka_unit_test_setup_teardown(only_busy_refusals_are_busy, start, stop),
		cmocka_unit_test_setup_teardown(connections_come_and_go, start, stop),
		cmocka_unit_test_setup_teardown(
			a_connection_that_was_away_between_two_looks_counts, start, stop),
		cmocka_unit_test_setup_teardown(
			a_server_that_comes_back_is_heard_again, start, stop),
		cmocka_unit_test(a_name_that_is_none_holds_nobody_up),
	};
	return cmocka_run_group_tests_name("statsd", tests, NULL, NULL);
}
