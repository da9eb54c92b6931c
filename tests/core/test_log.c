#define TR_LOG_AREA "area"

#include "test.h"

#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>

static int saved, reader;
static char text[16384];

static int catch_stderr(void **state)
{
	int fds[2];

	unsetenv("JOURNAL_STREAM");
	tr_log_set_level(TR_LOG_INFO);
	tr_log_set_label(NULL);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	reader = fds[0];
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	return fcntl(reader, F_SETFL, O_NONBLOCK);
}

static int release_stderr(void **state)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(reader);
	return 0;
}

static const char *logged(void)
{
	ssize_t n = read(reader, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void a_line_names_level_and_area(void **state)
{
	tr_info("hello %d", 1);
	assert_string_equal(logged(), "area: hello 1\n");
	tr_warning("careful");
	assert_string_equal(logged(), "warning: area: careful\n");
	tr_debug("not now");
	assert_string_equal(logged(), "");
}

static void fail_adds_the_error_and_returns_it_and_errno_is_kept(void **state)
{
	errno = EPIPE;
	assert_int_equal(tr_fail(-ENOENT, "cannot open %s", "x"), -ENOENT);
	assert_int_equal(errno, EPIPE);
	assert_string_equal(logged(), "error: area: cannot open x: No such file or directory\n");
}

static void what_comes_from_outside_cannot_forge_lines(void **state)
{
	tr_info("page \"%s\"", "a\nerror: area: forged\033[2J");
	assert_string_equal(logged(), "area: page \"a error: area: forged [2J\"\n");
}

static void the_label_and_the_journals_priority_come_first(void **state)
{
	tr_log_set_label("slot 2");
	tr_info("x");
	assert_string_equal(logged(), "slot 2: area: x\n");
	setenv("JOURNAL_STREAM", "1:2", 1);
	tr_error("x");
	assert_string_equal(logged(), "<3>slot 2: area: x\n");
}

static void an_endless_line_is_cut_and_ends(void **state)
{
	static char endless[8000];

	memset(endless, 'x', sizeof(endless) - 1);
	tr_info("%s", endless);
	logged();
	assert_true(strlen(text) <= 2048);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void a_redacted_address_keeps_its_secrets_out_of_the_log(void **state)
{
	char url[100];

	tr_text_redact("https://me:hunter2@example.org/r?jwt=hunter2#p=hunter2", url, sizeof(url));
	tr_info("loading %s", url);
	assert_null(strstr(logged(), "hunter2"));
	assert_non_null(strstr(text, "example.org"));
}

static void *log_some(void *argument)
{
	for (int i = 0; i < 50; i++)
		tr_info("%s", (const char *)argument);
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	pthread_t threads[2];
	char a[] = "aaaaaaaaaaaaaaaaaaaaaaaa", b[] = "bbbbbbbbbbbbbbbbbbbbbbbb";
	int lines = 0;
	char *next = NULL;

	assert_int_equal(pthread_create(&threads[0], NULL, log_some, a), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, log_some, b), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	logged();
	for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		assert_true(!strcmp(line + 6, a) || !strcmp(line + 6, b));
		lines++;
	}
	assert_int_equal(lines, 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, catch_stderr, release_stderr)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_names_level_and_area),
		TEST(fail_adds_the_error_and_returns_it_and_errno_is_kept),
		TEST(what_comes_from_outside_cannot_forge_lines),
		TEST(the_label_and_the_journals_priority_come_first),
		TEST(an_endless_line_is_cut_and_ends),
		TEST(a_redacted_address_keeps_its_secrets_out_of_the_log),
		TEST(lines_of_threads_do_not_mix),
	};
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
