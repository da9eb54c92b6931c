/* A real Xvfb, and a client that draws known pixels. */
#include "test.h"

#include "core/file.h"
#include "display/grab.h"
#include "display/xserver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <X11/Xlib.h>
#include <X11/extensions/Xrandr.h>

#define WIDTH 320
#define HEIGHT 240

static char runtime_dir[] = "/tmp/telerec-test-XXXXXX";
static struct tr_xserver server;
static uint8_t y_plane[WIDTH * HEIGHT], uv_plane[WIDTH * HEIGHT / 2], changed[20 * 15];
static struct tr_picture picture = {.width = WIDTH,
	.height = HEIGHT,
	.y_stride = WIDTH,
	.uv_stride = WIDTH,
	.y = y_plane,
	.uv = uv_plane,
	.map_width = 20,
	.map_height = 15,
	.changed = changed};

static int start_server(void **state)
{
	struct tr_xserver_settings settings = {
		.runtime_dir = runtime_dir, .width = WIDTH, .height = HEIGHT, .rate = 25};
	memset(y_plane, 0, sizeof(y_plane));
	return tr_xserver_start(&settings, &server);
}

static int stop_server(void **state)
{
	tr_xserver_stop(&server);
	return 0;
}

static struct tr_grab *open_grab(int mapped)
{
	struct tr_grab *grab = NULL;
	struct tr_grab_settings settings = {.display = server.display,
		.frame_buffer = mapped ? server.frame_buffer : NULL,
		.width = WIDTH,
		.height = HEIGHT};
	assert_int_equal(tr_grab_open(&settings, &grab), 0);
	assert_string_equal(tr_grab_way(grab), mapped ? "mapped frame buffer" : "XShm");
	return grab;
}

static void fill(Display *display, int x, int y, int width, int height, unsigned long colour)
{
	GC gc = XCreateGC(display, DefaultRootWindow(display), 0, NULL);
	XSetForeground(display, gc, colour);
	XFillRectangle(
		display, DefaultRootWindow(display), gc, x, y, (unsigned)width, (unsigned)height);
	XFreeGC(display, gc);
	XSync(display, False);
}

static void wait_for_damage(struct tr_grab *grab)
{
	struct pollfd poll_fd = {.fd = tr_grab_fd(grab), .events = POLLIN};
	int waiting = tr_grab_collect(grab);
	while (waiting == 0) {
		assert_int_equal(poll(&poll_fd, 1, 20000), 1);
		waiting = tr_grab_collect(grab);
	}
	assert_int_equal(waiting, 1);
}

static void check_drawing(int mapped)
{
	struct tr_grab_result result;
	struct tr_grab *grab = open_grab(mapped);
	Display *display = XOpenDisplay(server.display);

	assert_non_null(display);
	assert_int_equal(tr_grab_collect(grab), 1); /* the first picture is all of it */
	assert_int_equal(tr_grab_take(grab, &picture, &result), 0);
	assert_int_equal(y_plane[0], 16);

	memset(changed, 0, sizeof(changed));
	fill(display, 32, 16, 16, 16, 0xffffff);
	wait_for_damage(grab);
	assert_int_equal(tr_grab_take(grab, &picture, &result), 0);
	assert_int_equal(result.changed, 1);
	assert_int_equal(changed[1 * 20 + 2], 1);
	assert_int_equal(y_plane[16 * WIDTH + 32], 235);
	assert_int_equal(y_plane[16 * WIDTH + 48], 16);

	fill(display, 32, 16, 16, 16, 0xffffff); /* damage without a difference */
	wait_for_damage(grab);
	memset(changed, 0, sizeof(changed));
	assert_int_equal(tr_grab_take(grab, &picture, &result), 0);
	assert_int_equal(result.changed, 0);
	XCloseDisplay(display);
	tr_grab_close(grab);
}

static void take_sees_what_was_drawn_in_the_mapped_frame_buffer(void **state)
{
	check_drawing(1);
}

static void take_sees_what_was_drawn_through_shared_memory(void **state)
{
	check_drawing(0);
}

static void skip_forgets_what_changed_without_a_look_at_it(void **state)
{
	struct tr_grab_result result;
	struct tr_grab *grab = open_grab(0);
	Display *display = XOpenDisplay(server.display);

	assert_int_equal(tr_grab_skip(grab, &result), 0); /* all of it */
	assert_int_equal(result.changed, 20 * 15);
	fill(display, 40, 16, 16, 16, 0xffffff); /* lies on two macroblocks */
	wait_for_damage(grab);
	assert_int_equal(tr_grab_skip(grab, &result), 0);
	assert_int_equal(result.changed, 2);
	assert_int_equal(tr_grab_collect(grab), 0);
	XCloseDisplay(display);
	tr_grab_close(grab);
}

static void the_mode_refreshes_at_the_recordings_rate(void **state)
{
	Display *display = XOpenDisplay(server.display);
	assert_non_null(display);
	XRRScreenConfiguration *info = XRRGetScreenInfo(display, DefaultRootWindow(display));
	assert_int_equal(XRRConfigCurrentRate(info), 25);
	XRRFreeScreenConfigInfo(info);
	XCloseDisplay(display);
}

static void a_killed_server_is_an_error_not_our_end(void **state)
{
	struct tr_grab_result result;
	struct tr_grab *grab = open_grab(1);

	assert_int_equal(tr_grab_take(grab, &picture, &result), 0);
	assert_int_equal(kill(server.child.pid, SIGKILL), 0);
	struct pollfd poll_fd = {.fd = tr_grab_fd(grab), .events = POLLIN};
	assert_int_equal(poll(&poll_fd, 1, 20000), 1);
	assert_int_equal(tr_grab_collect(grab), -EPIPE);
	assert_int_equal(tr_grab_take(grab, &picture, &result), -EPIPE);
	tr_grab_close(grab);
}

static void a_screen_smaller_than_the_picture_is_refused(void **state)
{
	struct tr_grab *grab = NULL;
	struct tr_grab_settings settings = {
		.display = server.display, .width = 4096, .height = HEIGHT};
	assert_int_equal(tr_grab_open(&settings, &grab), -ERANGE);
}

static void a_missing_server_program_is_said(void **state)
{
	struct tr_xserver none;
	struct tr_xserver_settings settings = {.program = "/nonexistent/Xvfb",
		.runtime_dir = runtime_dir,
		.width = WIDTH,
		.height = HEIGHT,
		.rate = 30};
	assert_int_equal(tr_xserver_start(&settings, &none), -ENOENT);
}

static void a_server_that_dies_at_start_is_said(void **state)
{
	struct tr_xserver none;
	struct tr_xserver_settings settings = {.program = "/bin/false",
		.runtime_dir = runtime_dir,
		.width = WIDTH,
		.height = HEIGHT,
		.rate = 30};
	assert_int_equal(tr_xserver_start(&settings, &none), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(take_sees_what_was_drawn_in_the_mapped_frame_buffer,
			start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			take_sees_what_was_drawn_through_shared_memory, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			skip_forgets_what_changed_without_a_look_at_it, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			the_mode_refreshes_at_the_recordings_rate, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			a_killed_server_is_an_error_not_our_end, start_server, stop_server),
		cmocka_unit_test_setup_teardown(
			a_screen_smaller_than_the_picture_is_refused, start_server, stop_server),
		cmocka_unit_test(a_missing_server_program_is_said),
		cmocka_unit_test(a_server_that_dies_at_start_is_said),
	};
	if (!mkdtemp(runtime_dir))
		return 1;
	int failed = cmocka_run_group_tests_name("grab", tests, NULL, NULL);
	tr_file_remove_tree(runtime_dir);
	return failed;
}
