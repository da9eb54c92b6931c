/* An X server that somebody else runs: a real Xvfb, which is attached to. */
#include "test.h"

#include "core/file.h"
#include "display/grab.h"
#include "display/still.h"
#include "display/xserver.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define WIDTH 320
#define HEIGHT 240

static char runtime_dir[] = "/tmp/telerec-test-XXXXXX";
static struct tr_xserver theirs, attached;
static char problem[400];

static int start_server(void **state)
{
	const struct tr_xserver_settings settings = {
		.runtime_dir = runtime_dir, .width = WIDTH, .height = HEIGHT, .rate = 25};
	attached = (struct tr_xserver){.child.pidfd = -1};
	problem[0] = '\0';
	return tr_xserver_start(&settings, &theirs);
}

static int stop_server(void **state)
{
	tr_xserver_stop(&attached);
	tr_xserver_stop(&theirs);
	return 0;
}

static int attach_to(const char *display, int width, int height)
{
	const struct tr_xserver_attach settings = {.display = display,
		.xauthority = theirs.xauthority,
		.width = width,
		.height = height,
		.problem = problem,
		.problem_size = sizeof(problem)};
	return tr_xserver_attach(&settings, &attached);
}

static void an_attached_server_outlives_us(void **state)
{
	unsetenv("XAUTHORITY");
	assert_int_equal(attach_to(theirs.display, WIDTH, HEIGHT), 0);
	assert_true(tr_xserver_is_set(&attached));
	assert_true(tr_xserver_is_alive(&attached));
	assert_string_equal(attached.display, theirs.display);
	assert_string_equal(attached.xauthority, theirs.xauthority);
	assert_string_equal(attached.frame_buffer, "");
	tr_xserver_stop(&attached);
	assert_false(tr_xserver_is_set(&attached));
	assert_int_equal(tr_child_wait(&theirs.child, 0), -ETIMEDOUT);
	assert_int_equal(attach_to(theirs.display, WIDTH, HEIGHT), 0);
}

static void its_pictures_can_be_had(void **state)
{
	struct tr_grab *grab = NULL;
	uint8_t *pixels = NULL;

	assert_int_equal(attach_to(theirs.display, WIDTH, HEIGHT), 0);
	const struct tr_grab_settings settings = {.display = attached.display,
		.frame_buffer = attached.frame_buffer,
		.width = WIDTH,
		.height = HEIGHT};
	assert_int_equal(tr_grab_open(&settings, &grab), 0);
	assert_string_equal(tr_grab_way(grab), "XShm");
	tr_grab_close(grab);
	assert_int_equal(tr_still_take(attached.display, WIDTH, HEIGHT, &pixels), 0);
	for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
		assert_int_equal(pixels[i * 4] | pixels[i * 4 + 1] | pixels[i * 4 + 2], 0);
	free(pixels);
	assert_int_equal(tr_still_take(attached.display, 4 * WIDTH, HEIGHT, &pixels), -EIO);
}

static void its_end_is_noticed(void **state)
{
	assert_int_equal(attach_to(theirs.display, WIDTH, HEIGHT), 0);
	struct pollfd news = {.fd = tr_xserver_fd(&attached), .events = POLLIN};
	assert_int_equal(kill(theirs.child.pid, SIGTERM), 0);
	while (tr_xserver_is_alive(&attached))
		assert_int_equal(poll(&news, 1, 60000), 1);
	tr_xserver_stop(&attached);
	assert_int_equal(attach_to(theirs.display, WIDTH, HEIGHT), -ECONNREFUSED);
	assert_non_null(strstr(problem, "does not answer"));
	assert_non_null(strstr(problem, "xhost +si:localuser:"));
	assert_false(tr_xserver_is_set(&attached));
}

static void a_screen_that_is_too_small_is_refused_with_its_size(void **state)
{
	assert_int_equal(attach_to(theirs.display, WIDTH + 2, HEIGHT), -ERANGE);
	assert_non_null(strstr(problem, "has 328x248 pixels"));
	assert_non_null(strstr(problem, "xrandr --fb 330x248"));
	assert_false(tr_xserver_is_set(&attached));
}

static void a_key_that_cannot_be_read_is_said(void **state)
{
	const struct tr_xserver_attach settings = {.display = theirs.display,
		.xauthority = "/nowhere/key",
		.width = WIDTH,
		.height = HEIGHT,
		.problem = problem,
		.problem_size = sizeof(problem)};
	assert_int_equal(tr_xserver_attach(&settings, &attached), -ECONNREFUSED);
	assert_non_null(strstr(problem, "/nowhere/key, cannot be read: No such file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_server, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_attached_server_outlives_us),
		TEST(its_pictures_can_be_had),
		TEST(its_end_is_noticed),
		TEST(a_screen_that_is_too_small_is_refused_with_its_size),
		TEST(a_key_that_cannot_be_read_is_said),
	};
	if (!mkdtemp(runtime_dir))
		return 1;
	int failed = cmocka_run_group_tests_name("xserver", tests, NULL, NULL);
	tr_file_remove_tree(runtime_dir);
	return failed;
}
