/* An X server that somebody else runs: a real Xvfb, which is attached to. */
#include "test.h"

#include "core/child.h"
#include "core/file.h"
#include "display/grab.h"
#include "display/still.h"
#include "display/xserver.h"

#include <errno.h>
#include <fcntl.h>
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

/* A server of a user who may not open our memory. */
static void start_server_of(const char *user, struct tr_child *ret_child, char *out, size_t size)
{
	const char *argv[] = {"setpriv", user, "--clear-groups", "Xvfb", "-displayfd", "3",
		"-screen", "0", "400x300x24", "-ac", "-nolisten", "tcp", NULL};
	char number[12] = "";
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	struct tr_child_fd child_fd = {fds[1], 3};
	const struct tr_child_settings settings = {.argv = argv, .fds = &child_fd, .fd_count = 1};
	assert_int_equal(tr_child_start(&settings, ret_child), 0);
	close(fds[1]);
	for (size_t used = 0; !strchr(number, '\n');) {
		ssize_t n = read(fds[0], number + used, sizeof(number) - 1 - used);
		assert_true(n > 0);
		used += (size_t)n;
	}
	close(fds[0]);
	number[strcspn(number, "\n")] = '\0';
	snprintf(out, size, ":%s", number);
}

static void a_server_that_may_not_open_our_memory_sends_its_pixels(void **state)
{
	static uint8_t y[WIDTH * HEIGHT], uv[WIDTH * HEIGHT / 2], changed[20 * 15];
	struct tr_picture picture = {.width = WIDTH,
		.height = HEIGHT,
		.y_stride = WIDTH,
		.uv_stride = WIDTH,
		.y = y,
		.uv = uv,
		.map_width = 20,
		.map_height = 15,
		.changed = changed};
	struct tr_child child;
	struct tr_grab *grab = NULL;
	struct tr_grab_result result;
	char display[16];

	if (geteuid() != 0)
		skip();
	start_server_of("--reuid=64123", &child, display, sizeof(display));
	const struct tr_grab_settings settings = {
		.display = display, .width = WIDTH, .height = HEIGHT};
	assert_int_equal(tr_grab_open(&settings, &grab), 0);
	assert_string_equal(tr_grab_way(grab), "XGetImage");
	assert_int_equal(tr_grab_take(grab, &picture, &result), 0);
	assert_int_equal(y[0], 16); /* black, as it is in video: it was 0 */
	assert_int_equal(y[WIDTH * HEIGHT - 1], 16);
	tr_grab_close(grab);
	tr_child_stop(&child, 5000);
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
		cmocka_unit_test(a_server_that_may_not_open_our_memory_sends_its_pixels),
	};
	if (!mkdtemp(runtime_dir))
		return 1;
	int failed = cmocka_run_group_tests_name("xserver", tests, NULL, NULL);
	tr_file_remove_tree(runtime_dir);
	return failed;
}
