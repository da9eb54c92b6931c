/* The program from outside: with the double of the slot beside it, over Jibri's HTTP API. */
#include "test.h"

#include "copy_program.h"
#include "core/child.h"
#include "core/clock.h"
#include "core/file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define DEADLINE_NS (60 * TR_NS_PER_S)
#define SECRET "marker-Zq7-password"

static char home[] = "/tmp/telerec-daemon-XXXXXX";
static char path_buffer[PATH_MAX + 300];
static struct tr_child telerecd;

static const char *in_home(const char *name)
{
	snprintf(path_buffer, sizeof(path_buffer), "%s/%s", home, name);
	return path_buffer;
}

static const char *read_home(const char *name)
{
	static char *text;

	free(text);
	text = NULL;
	if (tr_file_read(AT_FDCWD, in_home(name), 1 << 20, &text, NULL) < 0)
		text = strdup("");
	return text;
}

static void write_config(const char *more)
{
	FILE *file = fopen(in_home("telerec.conf"), "w");

	assert_non_null(file);
	fprintf(file,
		"recordings = \"%s/rec\";\nslots = 1;\n"
		"jibri_http: { external_port = 0; internal_port = 0; };\n"
		"api: { socket = \"%s/control.sock\"; };\n%s",
		home, home, more);
	fclose(file);
}

static int make_home(void **state)
{
	strcpy(home, "/tmp/telerec-daemon-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_int_equal(chmod(home, 0755), 0);
	assert_int_equal(mkdir(in_home("run"), 0700), 0);
	copy_program("telerecd", in_home("telerecd"));
	copy_program("fake_slot", in_home("telerec-slot"));
	setenv("FAKE_SLOT", "finish", 1);
	setenv("FAKE_SLOT_NOTES", in_home("notes"), 1);
	setenv("FAKE_SLOT_LOG", in_home("log"), 1);
	setenv("XDG_RUNTIME_DIR", in_home("run"), 1);
	write_config("");
	return 0;
}

static int remove_home(void **state)
{
	tr_child_stop(&telerecd, 0);
	return tr_file_remove_tree(home);
}

static void wait_for(const char *file, const char *words)
{
	int64_t deadline = tr_clock_now_ns() + DEADLINE_NS;
	const struct timespec a_bit = {.tv_nsec = 10 * TR_NS_PER_MS};

	while (!strstr(read_home(file), words)) {
		if (tr_clock_now_ns() > deadline)
			fail_msg("no \"%s\"; it said: %s", words, read_home("said"));
		nanosleep(&a_bit, NULL);
	}
}

static void start(const char *option)
{
	char program[PATH_MAX], config[PATH_MAX];
	const char *argv[] = {program, "--config", config, option, NULL};

	snprintf(program, sizeof(program), "%s/telerecd", home);
	snprintf(config, sizeof(config), "%s/telerec.conf", home);
	TR_CLEANUP(tr_closep) int said = open(in_home("said"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	const struct tr_child_fd fds[] = {{said, 1}, {said, 2}};
	const struct tr_child_settings settings = {.argv = argv, .fds = fds, .fd_count = 2};
	assert_int_equal(tr_child_start(&settings, &telerecd), 0);
}

static void start_ready(void)
{
	start(NULL);
	wait_for("said", "slot 1 can record");
}

/* The exit code; and nothing may be left of the runtime folders. */
static int wait_for_end(void)
{
	int status = tr_child_wait(&telerecd, (int)(DEADLINE_NS / TR_NS_PER_MS));

	if (status < 0 || !WIFEXITED(status))
		fail_msg("it did not end properly (%d): %s", status, read_home("said"));
	char *next = NULL, *notes = strdup(read_home("notes"));
	for (char *path = strtok_r(notes, "\n", &next); path; path = strtok_r(NULL, "\n", &next))
		assert_int_equal(access(path, F_OK), -1);
	free(notes);
	return WEXITSTATUS(status);
}

static int find_port(const char *api)
{
	char words[60];

	snprintf(words, sizeof(words), "Jibri's %s HTTP API is on port ", api);
	const char *at = strstr(read_home("said"), words);
	assert_non_null(at);
	return (int)strtol(at + strlen(words), NULL, 10);
}

/* Says the status of the answer. */
static int ask(const char *api, const char *method, const char *path, const char *body)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)find_port(api)),
		.sin_addr = {htonl(INADDR_LOOPBACK)},
	};
	char text[2000];

	TR_CLEANUP(tr_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	snprintf(text, sizeof(text),
		"%s /jibri/api/%sv1.0/%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		method, strcmp(api, "internal") ? "" : "internal/", path, strlen(body), body);
	assert_int_equal(tr_file_write_all(fd, text, strlen(text)), 0);
	ssize_t length = read(fd, text, sizeof(text) - 1);
	assert_true(length > 12);
	text[length] = '\0';
	return (int)strtol(text + strlen("HTTP/1.1 "), NULL, 10);
}

#define START                                                                                      \
	"{\"sessionId\":\"s1\",\"callParams\":{\"callUrlInfo\":{\"baseUrl\":"                      \
	"\"https://meet.example\",\"callName\":\"finish\"}},\"callLoginParams\":{\"domain\":"      \
	"\"d.example\",\"username\":\"u\",\"password\":\"" SECRET "\"},\"sinkType\":\"file\"}"

static void start_session(void)
{
	assert_int_equal(ask("external", "POST", "startService", START), 200);
	wait_for("said", "on the disk after");
}

static void a_signal_ends_an_idle_daemon_with_0(void **state)
{
	start_ready();
	tr_child_kill(&telerecd, SIGTERM);
	assert_int_equal(wait_for_end(), 0);
}

static void a_signal_closes_the_files_of_a_recording(void **state)
{
	start_ready();
	start_session();
	tr_child_kill(&telerecd, SIGINT);
	assert_int_equal(wait_for_end(), 0);
	wait_for("log", "finished s1");
	assert_int_equal(access(in_home("rec/s1/.finalize-wanted"), F_OK), -1);
}

static void sigusr1_waits_for_the_recording_and_stays_down(void **state)
{
	start_ready();
	start_session();
	tr_child_kill(&telerecd, SIGUSR1);
	wait_for("said", "nothing new starts");
	assert_int_equal(ask("external", "POST", "startService", START), 412);
	assert_int_equal(ask("external", "POST", "stopService", ""), 200);
	assert_int_equal(wait_for_end(), 255);
}

static void the_internal_api_ends_with_jibris_codes(void **state)
{
	start_ready();
	assert_int_equal(ask("internal", "POST", "notifyConfigChanged", ""), 200);
	assert_int_equal(wait_for_end(), 0);
	start_ready();
	assert_int_equal(ask("internal", "POST", "gracefulShutdown", ""), 200);
	assert_int_equal(wait_for_end(), 255);
	start_ready();
	start_session();
	assert_int_equal(ask("internal", "POST", "shutdown", ""), 200);
	assert_int_equal(wait_for_end(), 255);
	wait_for("log", "finished s1");
}

/* What a killed telerecd could not remove. */
static void remove_runtime_folders(void)
{
	char *next = NULL, *list = strdup(read_home("notes"));

	for (char *path = strtok_r(list, "\n", &next); path; path = strtok_r(NULL, "\n", &next)) {
		*strrchr(path, '/') = '\0';
		tr_file_remove_tree(path);
	}
	free(list);
}

static void what_was_cut_off_is_taken_up_at_the_next_start(void **state)
{
	start_ready();
	start_session();
	assert_int_equal(access(in_home("rec/s1/.finalize-wanted"), F_OK), 0);
	tr_child_kill(&telerecd, SIGKILL);
	assert_true(tr_child_wait(&telerecd, 20000) >= 0);
	/* the double writes no state of its own */
	FILE *file = fopen(in_home("rec/s1/state.json"), "w");
	assert_non_null(file);
	fputs("{\"schema\":1,\"state\":\"recording\",\"session_id\":\"s1\",\"url\":\"\","
	      "\"name\":\"x\",\"file\":\"\",\"reason\":\"\",\"created\":\"\",\"created_ns\":1,"
	      "\"bytes\":0,\"duration_ns\":0,\"parts\":[]}",
		file);
	fclose(file);
	remove_runtime_folders();
	start_ready();
	wait_for("log", "1 finish s1");
	wait_for("log", "finished s1");
}

static void sighup_changes_nothing_and_says_so(void **state)
{
	start_ready();
	tr_child_kill(&telerecd, SIGHUP);
	wait_for("said", "SIGHUP");
	tr_child_kill(&telerecd, SIGTERM);
	assert_int_equal(wait_for_end(), 0);
}

static void bad_settings_end_it_with_2(void **state)
{
	write_config("colour = \"red\";\n");
	start(NULL);
	assert_int_equal(wait_for_end(), 2);
	assert_non_null(strstr(read_home("said"), "colour"));
}

static void check_starts_nothing(void **state)
{
	start("--check");
	assert_int_equal(wait_for_end(), 0);
	assert_int_equal(access(in_home("notes"), F_OK), -1);
}

static void a_port_that_is_taken_is_told(void **state)
{
	char more[100];

	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	FILE *file = fopen(in_home("telerec.conf"), "w");
	assert_non_null(file);
	snprintf(more, sizeof(more), "jibri_http: { external_port = %d; internal_port = 0; };\n",
		ntohs(address.sin_port));
	fprintf(file, "recordings = \"%s/rec\";\nslots = 1;\n%s", home, more);
	fclose(file);
	start(NULL);
	assert_int_equal(wait_for_end(), 1);
	close(fd);
}

static void secrets_stay_out_of_the_log_and_the_folder(void **state)
{
	start_ready();
	start_session();
	tr_child_kill(&telerecd, SIGTERM);
	assert_int_equal(wait_for_end(), 0);
	assert_null(strstr(read_home("said"), SECRET));
}

/* telerecd must never be taken down by a driver or a decoder. */
static void telerecd_links_nothing_of_media(void **state)
{
	char program[PATH_MAX], command[PATH_MAX + 100], line[300];

	snprintf(program, sizeof(program), "%s/telerecd", getenv("TR_BUILD_DIR"));
	snprintf(command, sizeof(command), "readelf -d '%s' 2>/dev/null", program);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	unsigned needed = 0;
	while (fgets(line, sizeof(line), pipe)) {
		static const char *const media[] = {"libav", "libsw", "libx264", "libX",
			"libasound", "libva", "libyuv", "libdrm"};
		needed += strstr(line, "NEEDED") != NULL;
		for (size_t i = 0; i < TR_COUNT(media); i++)
			if (strstr(line, "NEEDED") && strstr(line, media[i]))
				fail_msg("telerecd links %s", line);
	}
	pclose(pipe);
	if (needed == 0)
		print_message("skipped: readelf is not installed\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_signal_ends_an_idle_daemon_with_0),
		TEST(a_signal_closes_the_files_of_a_recording),
		TEST(sigusr1_waits_for_the_recording_and_stays_down),
		TEST(the_internal_api_ends_with_jibris_codes),
		TEST(what_was_cut_off_is_taken_up_at_the_next_start),
		TEST(sighup_changes_nothing_and_says_so),
		TEST(bad_settings_end_it_with_2),
		TEST(check_starts_nothing),
		TEST(a_port_that_is_taken_is_told),
		TEST(secrets_stay_out_of_the_log_and_the_folder),
		TEST(telerecd_links_nothing_of_media),
	};
	return cmocka_run_group_tests_name("telerecd", tests, NULL, NULL);
}
