#include "test.h"

#include "curl.h"
#include "http_client.h"

#include "control/http_internal.h"
#include "core/clock.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FILE_SIZE 3000017

/* A server that answers by the path: a file, a stream, or what it was asked. */
static struct {
	sd_event *event;
	struct tr_http_server *server;
	struct http_client client;
	struct tr_http_stream *stream;
	unsigned gone;
	char folder[40], socket[80], file[80], got[80], certificate[80], key[80];
	char parameters[200];
	int64_t size;
} site;

static void on_gone(void *user)
{
	site.gone++;
	site.stream = NULL;
}

static bool note_parameter(const char *name, const char *value, void *user)
{
	size_t used = strlen(site.parameters);
	snprintf(site.parameters + used, sizeof(site.parameters) - used, "%s=%s;", name, value);
	return true;
}

static void answer_file(struct tr_http_request *request)
{
	int fd = open(site.file, O_RDONLY | O_CLOEXEC);

	int rc = tr_http_request_answer_file(request, "video/mp4", fd, &site.size);
	if (rc == 0)
		return;
	assert_int_equal(rc, -ERANGE);
	close(fd);
	tr_http_request_answer(request, 416, NULL, "");
}

static void on_request(struct tr_http_request *request, void *user)
{
	const char *path = tr_http_request_path(request);

	assert_ptr_equal(user, &site);
	if (!strcmp(path, "/file")) {
		answer_file(request);
	} else if (!strcmp(path, "/stream")) {
		assert_int_equal(tr_http_request_answer_stream(request, "text/event-stream", 1000,
					 on_gone, NULL, &site.stream),
			0);
	} else {
		site.parameters[0] = '\0';
		tr_http_request_each_parameter(request, note_parameter, NULL);
		tr_http_request_add_header(request, "X-Test", "yes");
		tr_http_request_answer_bytes(request, 200, "application/octet-stream", "a\0b", 3);
	}
}

static struct tr_http_server_settings make_settings(void)
{
	return (struct tr_http_server_settings){
		.bind = "127.0.0.1",
		.body_max = 1000,
		.large_type = "text/plain",
		.large_text = "large",
		.handle = on_request,
		.user = &site,
	};
}

static void write_file(const char *name, size_t size)
{
	FILE *file = fopen(name, "we");

	assert_non_null(file);
	for (size_t i = 0; i < size; i++)
		putc((int)(i * 13 + i / 251) & 0xff, file);
	assert_int_equal(fclose(file), 0);
}

static int prepare(void **state)
{
	memset(&site, 0, sizeof(site));
	site.client.fd = -1;
	strcpy(site.folder, "/tmp/telerec-http-XXXXXX");
	assert_non_null(mkdtemp(site.folder));
	snprintf(site.socket, sizeof(site.socket), "%s/socket", site.folder);
	snprintf(site.file, sizeof(site.file), "%s/file", site.folder);
	snprintf(site.got, sizeof(site.got), "%s/got", site.folder);
	snprintf(site.certificate, sizeof(site.certificate), "%s/certificate", site.folder);
	snprintf(site.key, sizeof(site.key), "%s/key", site.folder);
	assert_true(sd_event_new(&site.event) >= 0);
	return 0;
}

static int serve(void **state)
{
	const struct tr_http_server_settings settings = make_settings();

	prepare(state);
	write_file(site.file, FILE_SIZE);
	return tr_http_server_create(site.event, &settings, &site.server);
}

static int serve_socket(void **state)
{
	struct tr_http_server_settings settings = make_settings();

	prepare(state);
	settings.socket_path = site.socket;
	settings.socket_mode = 0620;
	return tr_http_server_create(site.event, &settings, &site.server);
}

static int end(void **state)
{
	http_client_close(&site.client);
	tr_http_server_destroy(site.server);
	sd_event_unref(site.event);
	return tr_file_remove_tree(site.folder);
}

static int port(void)
{
	return tr_http_server_port(site.server);
}

static int ask(const char *line, const char *head)
{
	return http_client_ask(&site.client, site.event, port(), line, head, "");
}

static void assert_header(const char *name, const char *value)
{
	char heard[200];

	http_client_header(&site.client, name, heard, sizeof(heard));
	assert_string_equal(heard, value);
}

/* ---- ranges ---- */

static void assert_range(const char *text, int64_t size, int rc, int64_t first, int64_t count)
{
	int64_t got_first = -7, got_count = -7;

	assert_int_equal(tr_http_range_parse(text, size, &got_first, &got_count), rc);
	if (rc == 0) {
		assert_int_equal(got_first, first);
		assert_int_equal(got_count, count);
	}
}

static void ranges_are_cut_to_the_file(void **state)
{
	assert_range("bytes=0-0", 10, 0, 0, 1);
	assert_range("bytes=3-", 10, 0, 3, 7);
	assert_range("BYTES=3-100", 10, 0, 3, 7);
	assert_range("bytes=-4", 10, 0, 6, 4);
	assert_range("bytes=-40 ", 10, 0, 0, 10);
	assert_range("bytes=2-99999999999999999999999", 10, 0, 2, 8);
}

static void ranges_behind_the_end_are_none(void **state)
{
	assert_range("bytes=10-", 10, -ERANGE, 0, 0);
	assert_range("bytes=99999999999999999999999-", 10, -ERANGE, 0, 0);
	assert_range("bytes=-0", 10, -ERANGE, 0, 0);
	assert_range("bytes=0-", 0, -ERANGE, 0, 0);
	assert_range("bytes=-1", 0, -ERANGE, 0, 0);
}

static void other_ranges_are_not_understood(void **state)
{
	static const char *const texts[] = {"", "bytes", "bytes=", "bytes=-", "bytes=5",
		"bytes=5-4", "bytes=0-1,3-4", "lines=0-1", "bytes=0--1", "bytes=a-b", "bytes=0-1x",
		"bytes=+1-2"};

	for (unsigned i = 0; i < TR_COUNT(texts); i++)
		assert_range(texts[i], 10, -EINVAL, 0, 0);
}

/* ---- answers ---- */

static void bytes_and_headers_go_out_as_they_are(void **state)
{
	assert_int_equal(ask("GET /a%20b?x=1&y=%26&z", ""), 200);
	assert_header("X-Test", "yes");
	assert_header("Content-Length", "3");
	assert_memory_equal(http_client_body(&site.client), "a\0b", 3);
	assert_string_equal(site.parameters, "x=1;y=&;z=;");
}

static void a_large_body_is_told_as_it_was_set(void **state)
{
	char body[1500];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	assert_int_equal(
		http_client_ask(&site.client, site.event, port(), "POST /", "", body), 413);
	assert_header("Content-Type", "text/plain");
	assert_string_equal(http_client_body(&site.client), "large");
}

static void assert_got_file(const char *url, const char *const *args)
{
	const char *all[16] = {url, "-o", site.got};
	const char *compare[] = {"cmp", site.file, site.got, NULL};

	for (unsigned i = 3; *args; i++)
		all[i] = *args++;
	int code = curl_run(site.event, all);
	if (code == 127)
		skip();
	assert_int_equal(code, 0);
	assert_int_equal(curl_run_program(site.event, compare), 0);
	remove(site.got);
}

static void a_file_comes_whole(void **state)
{
	const char *const none[] = {NULL};
	char url[60];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/file", port());
	assert_got_file(url, none);
}

static void a_file_comes_in_pieces_that_fit(void **state)
{
	const char *const first[] = {"-r", "0-99999", NULL}, *const rest[] = {"-C", "-", NULL};
	const char *args[] = {NULL, "-o", site.got, first[0], first[1], NULL};
	char url[60];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/file", port());
	args[0] = url;
	int code = curl_run(site.event, args);
	if (code == 127)
		skip();
	assert_int_equal(code, 0);
	assert_got_file(url, rest);
}

static void a_range_tells_where_it_is(void **state)
{
	assert_int_equal(ask("GET /file", "Range: bytes=10-19\r\n"), 206);
	assert_header("Content-Range", "bytes 10-19/3000017");
	assert_header("Content-Length", "10");
	assert_header("Accept-Ranges", "bytes");
	assert_int_equal((unsigned char)http_client_body(&site.client)[0], 130);
	assert_int_equal(ask("GET /file", "Range: bytes=3000017-\r\n"), 416);
	assert_int_equal(site.size, FILE_SIZE);
}

static void a_range_counts_only_while_the_file_is_the_same(void **state)
{
	char head[200], tag[100];

	assert_int_equal(ask("GET /file", "Range: bytes=0-0\r\n"), 206);
	http_client_header(&site.client, "ETag", tag, sizeof(tag));
	snprintf(head, sizeof(head), "Range: bytes=0-0\r\nIf-Range: %s\r\n", tag);
	assert_int_equal(ask("GET /file", head), 206);
	write_file(site.file, 20);
	assert_int_equal(ask("GET /file", head), 200);
	assert_header("Content-Length", "20");
}

static void the_head_of_a_file_has_its_size(void **state)
{
	static const char head[] = "HEAD /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

	http_client_open(&site.client, site.event, port());
	assert_true(http_client_send(&site.client, head, strlen(head)));
	assert_false(http_client_wait_for(&site.client, "that never comes"));
	assert_header("Content-Length", "3000017");
	assert_string_equal(http_client_body(&site.client), "");
}

/* ---- streams ---- */

static void listen_to_stream(void)
{
	static const char head[] = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";

	http_client_open(&site.client, site.event, port());
	assert_true(http_client_send(&site.client, head, strlen(head)));
	assert_true(http_client_wait_for(&site.client, "\r\n\r\n"));
	assert_non_null(site.stream);
}

static void push(const char *text)
{
	assert_int_equal(tr_http_stream_push(site.stream, text, strlen(text)), 0);
}

static void a_stream_brings_what_is_pushed_when_it_is(void **state)
{
	char expected[20], text[20];

	listen_to_stream();
	push("one");
	assert_true(http_client_wait_for(&site.client, "one"));
	push("two");
	push("three");
	assert_true(http_client_wait_for(&site.client, "two"));
	for (int i = 0; i < 500; i++) { /* the ring goes round several times */
		snprintf(text, sizeof(text), "<%d>", i);
		snprintf(expected, sizeof(expected), "<%d>", i);
		push(text);
		assert_true(http_client_wait_for(&site.client, expected));
	}
}

static void a_stream_refuses_what_its_client_does_not_take(void **state)
{
	char block[300];
	int rc = 0;

	memset(block, 'x', sizeof(block));
	listen_to_stream();
	for (int i = 0; i < 100000 && rc == 0; i++) {
		rc = tr_http_stream_push(site.stream, block, sizeof(block));
		assert_true(sd_event_run(site.event, 0) >= 0);
	}
	assert_int_equal(rc, -ENOBUFS);
	assert_int_equal(site.gone, 0);
}

static void a_client_that_goes_is_noticed_at_once(void **state)
{
	listen_to_stream();
	http_client_close(&site.client);
	for (int i = 0; i < 6000 && site.gone == 0; i++)
		assert_true(sd_event_run(site.event, 10000) >= 0);
	assert_int_equal(site.gone, 1);
	assert_int_equal(ask("GET /", ""), 200);
}

static void a_client_that_goes_with_bytes_underway_is_noticed(void **state)
{
	char block[900];

	memset(block, 'x', sizeof(block));
	listen_to_stream();
	while (tr_http_stream_push(site.stream, block, sizeof(block)) == 0)
		assert_true(sd_event_run(site.event, 0) >= 0);
	http_client_close(&site.client);
	for (int i = 0; i < 6000 && site.gone == 0; i++)
		assert_true(sd_event_run(site.event, 10000) >= 0);
	assert_int_equal(site.gone, 1);
}

static void a_server_that_ends_ends_its_streams(void **state)
{
	listen_to_stream();
	push("the last");
	tr_http_server_destroy(site.server);
	site.server = NULL;
	assert_int_equal(site.gone, 1);
	assert_true(http_client_wait_for(&site.client, "the last"));
	assert_false(http_client_wait_for(&site.client, "that never comes"));
}

/* ---- the Unix socket ---- */

static void a_socket_has_its_mode_and_serves(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct stat st;

	assert_int_equal(lstat(site.socket, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0620);
	assert_int_equal(tr_http_server_port(site.server), 0);
	http_client_open_socket(&site.client, site.event, site.socket);
	assert_true(http_client_send(&site.client, head, strlen(head)));
	assert_int_equal(http_client_wait(&site.client), 200);
}

static void a_socket_is_removed_at_the_end(void **state)
{
	tr_http_server_destroy(site.server);
	site.server = NULL;
	assert_int_equal(access(site.socket, F_OK), -1);
}

static void a_socket_that_another_has_taken_is_left(void **state)
{
	assert_int_equal(unlink(site.socket), 0);
	write_file(site.socket, 1);
	tr_http_server_destroy(site.server);
	site.server = NULL;
	assert_int_equal(access(site.socket, F_OK), 0);
}

static int create_second(void)
{
	struct tr_http_server_settings settings = make_settings();
	struct tr_http_server *second = NULL;

	settings.socket_path = site.socket;
	settings.socket_mode = 0600;
	int rc = tr_http_server_create(site.event, &settings, &second);
	tr_http_server_destroy(second);
	return rc;
}

static void a_socket_in_use_is_an_error(void **state)
{
	assert_int_equal(create_second(), -EADDRINUSE);
	a_socket_has_its_mode_and_serves(state);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, site.socket, strlen(site.socket));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(create_second(), 0);
	assert_int_equal(access(site.socket, F_OK), -1);
}

static void another_file_in_its_place_is_left_alone(void **state)
{
	write_file(site.socket, 1);
	assert_int_equal(create_second(), -EEXIST);
	assert_int_equal(access(site.socket, F_OK), 0);
}

static void a_path_that_is_too_long_is_an_error(void **state)
{
	struct tr_http_server_settings settings = make_settings();
	struct tr_http_server *server = NULL;
	char path[200];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	settings.socket_path = path;
	assert_int_equal(tr_http_server_create(site.event, &settings, &server), -ENAMETOOLONG);
}

/* ---- TLS ---- */

static int create_tls(const char *certificate_file, const char *key_file)
{
	struct tr_http_server_settings settings = make_settings();
	char *certificate = NULL, *key = NULL;
	size_t size;

	assert_int_equal(tr_file_read(AT_FDCWD, certificate_file, 100000, &certificate, &size), 0);
	assert_int_equal(tr_file_read(AT_FDCWD, key_file, 100000, &key, &size), 0);
	settings.certificate = certificate;
	settings.key = key;
	int rc = tr_http_server_create(site.event, &settings, &site.server);
	free(certificate);
	free(key);
	return rc;
}

static void a_file_comes_whole_over_tls(void **state)
{
	const char *const args[] = {"--cacert", site.certificate, NULL};
	char url[60];

	curl_make_certificate(site.event, site.certificate, site.key);
	write_file(site.file, FILE_SIZE);
	assert_int_equal(create_tls(site.certificate, site.key), 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/file", port());
	assert_got_file(url, args);
}

static void old_tls_and_none_are_refused(void **state)
{
	char url[60];
	const char *old[] = {
		url, "-k", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", NULL};
	const char *none[] = {url, NULL};

	curl_make_certificate(site.event, site.certificate, site.key);
	assert_int_equal(create_tls(site.certificate, site.key), 0);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port());
	assert_int_not_equal(curl_run(site.event, old), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port());
	assert_int_not_equal(curl_run(site.event, none), 0);
}

static unsigned count_fds(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1000; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void a_certificate_that_is_none_is_an_error(void **state)
{
	unsigned before = count_fds();

	curl_make_certificate(site.event, site.certificate, site.key);
	write_file(site.file, 100);
	assert_int_equal(create_tls(site.certificate, site.certificate), -EKEYREJECTED);
	assert_int_equal(create_tls(site.file, site.key), -EKEYREJECTED);
	assert_null(site.server);
	assert_int_equal(count_fds(), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, end)
#define SOCKET(name) cmocka_unit_test_setup_teardown(name, serve_socket, end)
#define ALONE(name) cmocka_unit_test_setup_teardown(name, prepare, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_cut_to_the_file),
		cmocka_unit_test(ranges_behind_the_end_are_none),
		cmocka_unit_test(other_ranges_are_not_understood),
		TEST(bytes_and_headers_go_out_as_they_are),
		TEST(a_large_body_is_told_as_it_was_set),
		TEST(a_file_comes_whole),
		TEST(a_file_comes_in_pieces_that_fit),
		TEST(a_range_tells_where_it_is),
		TEST(a_range_counts_only_while_the_file_is_the_same),
		TEST(the_head_of_a_file_has_its_size),
		TEST(a_stream_brings_what_is_pushed_when_it_is),
		TEST(a_stream_refuses_what_its_client_does_not_take),
		TEST(a_client_that_goes_is_noticed_at_once),
		TEST(a_client_that_goes_with_bytes_underway_is_noticed),
		TEST(a_server_that_ends_ends_its_streams),
		SOCKET(a_socket_has_its_mode_and_serves),
		SOCKET(a_socket_is_removed_at_the_end),
		SOCKET(a_socket_that_another_has_taken_is_left),
		SOCKET(a_socket_in_use_is_an_error),
		ALONE(a_stale_socket_is_replaced),
		ALONE(another_file_in_its_place_is_left_alone),
		ALONE(a_path_that_is_too_long_is_an_error),
		ALONE(a_file_comes_whole_over_tls),
		ALONE(old_tls_and_none_are_refused),
		ALONE(a_certificate_that_is_none_is_an_error),
	};
	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
