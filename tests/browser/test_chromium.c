#include "test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "browser/chromium.h"
#include "core/log.h"

static char path[512];

static void a_browser_that_is_named_is_taken(void **state)
{
	assert_int_equal(tr_chromium_find("/bin/sh", path, sizeof(path)), 0);
	assert_string_equal(path, "/bin/sh");
}

static void a_named_browser_that_is_not_there_is_no_reason_to_take_another(void **state)
{
	assert_int_equal(tr_chromium_find("/nonexistent/chromium", path, sizeof(path)), -ENOENT);
}

static void root_is_refused(void **state)
{
	const struct tr_chromium_settings settings = {
		.binary = "/bin/true", .runtime_dir = "/nonexistent", .display = ":0"};
	struct tr_chromium *chromium;
	int fd;

	if (geteuid() != 0)
		skip();
	assert_int_equal(tr_chromium_start(NULL, &settings, &chromium, &fd), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_browser_that_is_named_is_taken),
		cmocka_unit_test(a_named_browser_that_is_not_there_is_no_reason_to_take_another),
		cmocka_unit_test(root_is_refused),
	};
	tr_log_set_level(TR_LOG_NONE);
	return cmocka_run_group_tests_name("chromium", tests, NULL, NULL);
}
