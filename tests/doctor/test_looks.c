/* What tls_look and http_look make of servers that say the wrong thing, or nothing. (Real servers:
 * tests/e2e/doctor.py.) */
#include "test.h"

#include "doctor/http_look.h"
#include "doctor/tcp.h"
#include "doctor/tls_look.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAM                                                                                     \
	"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' "     \
	"id='1' version='1.0'>"

/* Answers one connection: reads something, then says its piece, and waits for the other's end. */
struct server {
	int listener, port;
	const char *words; /* NULL: silence */
	pthread_t thread;
};

static void *serve(void *user)
{
	struct server *server = user;
	char buffer[1000];
	int fd = accept(server->listener, NULL, NULL);

	if (fd < 0)
		return NULL;
	if (server->words && read(fd, buffer, sizeof(buffer)) > 0)
		send(fd, server->words, strlen(server->words), MSG_NOSIGNAL);
	if (server->words && strncmp(server->words, "HTTP", 4) == 0)
		shutdown(fd, SHUT_WR);
	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	close(fd);
	return NULL;
}

static void start(struct server *server, const char *words)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	server->words = words;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server->listener, 1), 0);
	getsockname(server->listener, (struct sockaddr *)&address, &size);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listener);
}

static struct tr_tls_look look_at(const char *words, bool is_direct, int timeout_ms)
{
	struct server server;
	struct tr_tls_look look;

	start(&server, words);
	const struct tr_tls_look_settings settings = {.host = "127.0.0.1",
		.port = server.port,
		.domain = "auth.meet.test",
		.is_direct = is_direct,
		.ca_file = "",
		.timeout_ms = timeout_ms};
	tr_tls_look_take(&settings, &look);
	stop(&server);
	return look;
}

static void an_unknown_host_is_told(void **state)
{
	struct tr_tls_look look = look_at(STREAM
		"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
		"</stream:error></stream:stream>",
		false, 20000);
	assert_int_equal(look.fault, TR_TLS_LOOK_HOST_UNKNOWN);
}

static void another_stream_error_is_named(void **state)
{
	struct tr_tls_look look = look_at(
		STREAM "<stream:error><policy-violation xmlns='x'/></stream:error>", false, 20000);
	assert_int_equal(look.fault, TR_TLS_LOOK_STREAM_ERROR);
	assert_string_equal(look.word, "policy-violation");
}

static void missing_starttls_is_told(void **state)
{
	struct tr_tls_look look =
		look_at(STREAM "<stream:features><mechanisms/></stream:features>", false, 20000);
	assert_int_equal(look.fault, TR_TLS_LOOK_NO_STARTTLS);
}

static void another_protocol_is_told(void **state)
{
	struct tr_tls_look look =
		look_at("HTTP/1.0 400 Bad Request\r\n\r\n</stream:stream>", false, 20000);
	assert_int_equal(look.fault, TR_TLS_LOOK_NOT_XMPP);
}

static void silence_is_told(void **state)
{
	assert_int_equal(look_at(NULL, false, 300).fault, TR_TLS_LOOK_SILENT);
}

static void a_handshake_that_goes_wrong_is_told(void **state)
{
	assert_int_equal(
		look_at("no TLS at all, whatever it is", true, 20000).fault, TR_TLS_LOOK_HANDSHAKE);
	assert_int_equal(look_at(NULL, true, 300).fault, TR_TLS_LOOK_HANDSHAKE);
}

static void a_flood_ends(void **state)
{
	static char words[20000];
	memset(words, 'a', sizeof(words) - 1);
	assert_int_equal(look_at(words, false, 20000).fault, TR_TLS_LOOK_NOT_XMPP);
}

/* ---- HTTP ---- */

static struct tr_http_look get(const char *words)
{
	struct server server;
	struct tr_http_look look;
	char url[64];

	start(&server, words);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server.port);
	const struct tr_http_look_settings settings = {
		.url = url, .stays = true, .timeout_ms = 20000};
	assert_int_equal(tr_http_look_take(&settings, &look), 0);
	stop(&server);
	return look;
}

static void an_answer_is_read(void **state)
{
	struct tr_http_look look = get("HTTP/1.0 404 Gone\r\n"
				       "Date: Thu, 01 Jan 2015 00:00:00 GMT\r\n\r\nbody");
	assert_int_equal(look.fault, TR_HTTP_LOOK_FINE);
	assert_int_equal(look.status, 404);
	assert_true(look.has_date);
	assert_true(look.ahead_s < -86400);
	assert_string_equal(look.body, "body");
	assert_int_equal(look.days_left, -1);
	tr_http_look_fini(&look);
}

static void an_answer_without_a_date_has_no_clock(void **state)
{
	struct tr_http_look look = get("HTTP/1.0 200 OK\r\n\r\n");
	assert_int_equal(look.status, 200);
	assert_false(look.has_date);
	tr_http_look_fini(&look);
}

static void what_is_no_http_is_a_fault(void **state)
{
	struct tr_http_look look = get("SSH-2.0-OpenSSH_9.2\r\n");
	assert_int_equal(look.fault, TR_HTTP_LOOK_OTHER);
	assert_true(look.word[0] != '\0');
	tr_http_look_fini(&look);
}

static void a_closed_port_refuses(void **state)
{
	struct tr_http_look look;
	struct server server;
	char url[64];
	int fd = -1;

	start(&server, "x");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", server.port);
	assert_int_equal(tr_tcp_connect("127.0.0.1", server.port, 20000, &fd), 0);
	close(fd);
	stop(&server);
	assert_int_equal(tr_tcp_connect("127.0.0.1", server.port, 20000, &fd), -ECONNREFUSED);
	const struct tr_http_look_settings settings = {.url = url, .timeout_ms = 20000};
	assert_int_equal(tr_http_look_take(&settings, &look), 0);
	assert_int_equal(look.fault, TR_HTTP_LOOK_REFUSED);
	tr_http_look_fini(&look);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_host_is_told),
		cmocka_unit_test(another_stream_error_is_named),
		cmocka_unit_test(missing_starttls_is_told),
		cmocka_unit_test(another_protocol_is_told),
		cmocka_unit_test(silence_is_told),
		cmocka_unit_test(a_handshake_that_goes_wrong_is_told),
		cmocka_unit_test(a_flood_ends),
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(an_answer_without_a_date_has_no_clock),
		cmocka_unit_test(what_is_no_http_is_a_fault),
		cmocka_unit_test(a_closed_port_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
