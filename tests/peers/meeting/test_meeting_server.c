/* The demo meeting's server, asked as a browser asks it. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "core/child.h"

#define PATIENCE_MS 60000

static struct tr_child server;
static int stdin_writer;
static unsigned port;
static char answer[1 << 16];

static int start(void **state)
{
	char path[512], line[128] = "";
	int out[2], in[2];

	snprintf(path, sizeof(path), "%s/telerec-demo-meeting", getenv("TR_BUILD_DIR"));
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	char login[128], password[] = "/tmp/telerec-test-password-XXXXXX";
	int fd = mkstemp(password);
	assert_true(fd >= 0 && write(fd, "s3cret\n", 7) == 7);
	close(fd);
	snprintf(login, sizeof(login), "recorder@a.invalid:%s", password);
	const char *argv[] = {path, "--until-eof", "--domain", "muc.a.invalid", "--focus",
		"http://127.0.0.1:1", "--call-login", login, NULL};
	const struct tr_child_fd fds[] = {{in[0], STDIN_FILENO}, {out[1], STDOUT_FILENO}};
	const struct tr_child_settings settings = {.argv = argv, .fds = fds, .fd_count = 2};
	assert_int_equal(tr_child_start(&settings, &server), 0);
	close(in[0]);
	close(out[1]);
	stdin_writer = in[1];
	assert_true(read(out[0], line, sizeof(line) - 1) > 0);
	close(out[0]);
	unlink(password);
	assert_int_equal(sscanf(line, "http://127.0.0.1:%u/DemoMeeting\n", &port), 1);
	return 0;
}

static int stop(void **state)
{
	tr_child_stop(&server, PATIENCE_MS);
	if (stdin_writer >= 0)
		close(stdin_writer);
	return 0;
}

/* The whole answer, head and body, and its status. */
static int send_request(const char *text)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
	size_t used = 0;
	int status = 0;

	TR_CLEANUP(tr_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	for (;;) {
		ssize_t n = recv(fd, answer + used, sizeof(answer) - 1 - used, 0);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	answer[used] = '\0';
	assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &status), 1);
	return status;
}

static int ask(const char *path, const char *headers)
{
	char request[512];

	snprintf(request, sizeof(request),
		"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", path, headers);
	return send_request(request);
}

static int log_in(const char *body)
{
	static char request[20000];

	snprintf(request, sizeof(request),
		"POST /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		strlen(body), body);
	return send_request(request);
}

static void only_the_recorders_account_logs_in(void **state)
{
	static char huge[10000];

	assert_int_equal(log_in("{\"user\":\"recorder@a.invalid\",\"password\":\"s3cret\"}"), 200);
	assert_int_equal(log_in("{\"user\":\"recorder@a.invalid\",\"password\":\"s3cre\"}"), 403);
	assert_int_equal(log_in("{\"user\":null,\"password\":null}"), 403);
	assert_int_equal(log_in("nonsense"), 403);
	memset(huge, ' ', sizeof(huge) - 1);
	assert_int_equal(log_in(huge), 403);
}

static void the_page_is_told_how_it_was_started(void **state)
{
	assert_int_equal(ask("/demo.json", ""), 200);
	assert_non_null(strstr(answer, "\"domain\":\"muc.a.invalid\""));
	assert_non_null(strstr(answer, "\"focus\":\"http://127.0.0.1:1\""));
	assert_non_null(strstr(answer, "\"callLogin\":true"));
	assert_null(strstr(answer, "s3cret"));
}

static void a_room_is_the_meeting(void **state)
{
	assert_int_equal(ask("/", ""), 200);
	assert_int_equal(ask("/SomeRoom?people=2", ""), 200);
	assert_non_null(strstr(answer, "Content-Type: text/html"));
	assert_non_null(strstr(answer, "meeting.js"));
	assert_int_equal(ask("/acme/all-mute.2.5-tone440", ""), 200);
	assert_non_null(strstr(answer, "Content-Type: text/html"));
}

static void parts_of_a_file_are_served(void **state)
{
	assert_int_equal(ask("/meeting.css", "Range: bytes=2-5\r\n"), 206);
	assert_non_null(strstr(answer, "Content-Range: bytes 2-5/"));
	assert_non_null(strstr(answer, "Content-Length: 4\r\n"));
	assert_int_equal(ask("/meeting.css", "Range: bytes=-3\r\n"), 206);
	assert_non_null(strstr(answer, "Content-Length: 3\r\n"));
	assert_int_equal(ask("/meeting.css", "Range: bytes=10-\r\n"), 206);
	assert_int_equal(ask("/meeting.css", "Range: bytes=9999999-\r\n"), 416);
	assert_int_equal(ask("/meeting.css", "Range: lines=1-2\r\n"), 200);
}

static void nothing_outside_of_its_folder_is_served(void **state)
{
	assert_int_equal(ask("/none.js", ""), 404);
	assert_int_equal(ask("/../CMakeLists.txt", ""), 404);
	assert_int_equal(ask("/%2e%2e/CMakeLists.txt", ""), 404);
	assert_int_equal(ask("/..%2fCMakeLists.txt", ""), 404);
	assert_int_equal(ask("//etc/os.release", ""), 404);
}

static void it_ends_when_its_input_closes(void **state)
{
	close(stdin_writer);
	stdin_writer = -1;
	int status = tr_child_wait(&server, PATIENCE_MS);
	assert_true(status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void it_ends_by_sigterm(void **state)
{
	tr_child_kill(&server, SIGTERM);
	int status = tr_child_wait(&server, PATIENCE_MS);
	assert_true(status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_room_is_the_meeting, start, stop),
		cmocka_unit_test_setup_teardown(the_page_is_told_how_it_was_started, start, stop),
		cmocka_unit_test_setup_teardown(only_the_recorders_account_logs_in, start, stop),
		cmocka_unit_test_setup_teardown(parts_of_a_file_are_served, start, stop),
		cmocka_unit_test_setup_teardown(
			nothing_outside_of_its_folder_is_served, start, stop),
		cmocka_unit_test_setup_teardown(it_ends_when_its_input_closes, start, stop),
		cmocka_unit_test_setup_teardown(it_ends_by_sigterm, start, stop),
	};
	return cmocka_run_group_tests_name("meeting_server", tests, NULL, NULL);
}
