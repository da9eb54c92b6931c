/* A real Xvfb, which shares no pictures. A server that does is in tests/guest/gpu.sh. */
#include "test.h"

#include "core/file.h"
#include "display/dri3.h"
#include "display/xserver.h"

#include <errno.h>
#include <string.h>

#define WIDTH 320
#define HEIGHT 240

static char runtime_dir[] = "/tmp/telerec-test-XXXXXX";
static struct tr_xserver server;
static char problem[200];

static int start_server(void **state)
{
	struct tr_xserver_settings settings = {
		.runtime_dir = runtime_dir, .width = WIDTH, .height = HEIGHT, .rate = 25};

	if (!mkdtemp(runtime_dir))
		return -1;
	return tr_xserver_start(&settings, &server);
}

static int stop_server(void **state)
{
	tr_xserver_stop(&server);
	return tr_file_remove_tree(runtime_dir);
}

static int open_dri3(const char *display, int width)
{
	struct tr_dri3 *dri3 = NULL;
	struct tr_dri3_settings settings = {.display = display,
		.width = width,
		.height = HEIGHT,
		.problem = problem,
		.problem_size = sizeof(problem)};

	problem[0] = '\0';
	int rc = tr_dri3_open(&settings, &dri3);
	tr_dri3_close(dri3);
	return rc;
}

static void open_says_that_a_server_without_a_gpu_shares_nothing(void **state)
{
	assert_int_equal(open_dri3(server.display, WIDTH), -ENOTSUP);
	assert_non_null(strstr(problem, server.display));
	assert_non_null(strstr(problem, "only Xorg on a GPU does"));
}

static void open_says_that_the_screen_is_too_small(void **state)
{
	assert_int_equal(open_dri3(server.display, 2 * WIDTH), -ERANGE);
	assert_non_null(strstr(problem, "fewer than 640x240"));
}

static void open_says_that_there_is_no_server(void **state)
{
	assert_int_equal(open_dri3("unix:/nowhere/at/all:77", WIDTH), -ECONNREFUSED);
	assert_non_null(strstr(problem, "cannot connect to the display"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_says_that_a_server_without_a_gpu_shares_nothing),
		cmocka_unit_test(open_says_that_the_screen_is_too_small),
		cmocka_unit_test(open_says_that_there_is_no_server),
	};
	return cmocka_run_group_tests(tests, start_server, stop_server);
}
