#define TR_LOG_AREA "xserver"
#include "display/xserver.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <X11/Xauth.h>
#include <X11/Xlib.h>
#include <X11/extensions/Xrandr.h>
#include <xcb/xcb.h>

#define START_TIMEOUT_MS 20000
#define COOKIE_BYTES 16
#define LOG_NAME "xserver.log"

/* The server's number is not known yet, so the entry is a wild one: good for any display. */
static int write_cookie(const char *path)
{
	unsigned char cookie[COOKIE_BYTES];
	char protocol[] = "MIT-MAGIC-COOKIE-1";

	if (getrandom(cookie, sizeof(cookie), 0) != (ssize_t)sizeof(cookie))
		return -EIO;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file) {
		if (fd >= 0)
			close(fd);
		return -errno;
	}
	Xauth entry = {
		.family = FamilyWild,
		.name = protocol,
		.name_length = sizeof(protocol) - 1,
		.data = (char *)cookie,
		.data_length = sizeof(cookie),
	};
	int rc = XauWriteAuth(file, &entry) ? 0 : -EIO;
	if (fclose(file) != 0)
		rc = -errno;
	return rc;
}

/* The server writes its display's number and a newline once it accepts clients. */
static int read_display_number(int fd, char *out, size_t size)
{
	char text[12] = "";
	size_t length = 0;
	int64_t deadline = tr_clock_now_ns() + START_TIMEOUT_MS * TR_NS_PER_MS;

	while (length < sizeof(text) - 1 && !strchr(text, '\n')) {
		int left_ms = (int)((deadline - tr_clock_now_ns()) / TR_NS_PER_MS);
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(&poll_fd, 1, left_ms) < 0 && errno != EINTR)
			return -errno;
		if (!poll_fd.revents)
			continue;
		ssize_t n = read(fd, text + length, sizeof(text) - 1 - length);
		if (n == 0)
			return -EIO; /* it died */
		if (n > 0)
			length += (size_t)n;
	}
	text[strcspn(text, "\n")] = '\0';
	return tr_text_format(out, size, ":%s", text);
}

static int start_server(const struct tr_xserver_settings *settings, struct tr_xserver *server)
{
	char screen[32], log_path[256];
	int fds[2];

	snprintf(screen, sizeof(screen), "%dx%dx24", settings->width + TR_XSERVER_MARGIN,
		settings->height + TR_XSERVER_MARGIN);
	int rc = tr_text_format(log_path, sizeof(log_path), "%s/" LOG_NAME, settings->runtime_dir);
	if (rc < 0)
		return rc;
	TR_CLEANUP(tr_closep)
	int log_fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (log_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int reader = fds[0];
	TR_CLEANUP(tr_closep) int writer = fds[1];

	const char *program = settings->program ? settings->program : "Xvfb";
	const char *argv[] = {program, "-displayfd", "3", "-screen", "0", screen, "-fbdir",
		settings->runtime_dir, "-auth", server->xauthority, "-nolisten", "tcp", "-noreset",
		"-dpi", "96", "-s", "0", NULL};
	struct tr_child_fd child_fds[] = {{writer, 3}, {log_fd, STDERR_FILENO}};
	struct tr_child_settings child = {.argv = argv, .fds = child_fds, .fd_count = 2};
	rc = tr_child_start(&child, &server->child);
	if (rc == -ENOENT)
		return tr_fail(rc, "cannot start %s: install the X server (apt-get install xvfb)",
			program);
	if (rc < 0)
		return tr_fail(rc, "cannot start %s", program);
	close(tr_take_fd(&writer));
	return read_display_number(reader, server->display, sizeof(server->display));
}

static void log_last_words(const char *runtime_dir)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	char path[256];

	if (tr_text_format(path, sizeof(path), "%s/" LOG_NAME, runtime_dir) < 0 ||
		tr_file_read(AT_FDCWD, path, 65536, &text, NULL) < 0)
		return;
	if (*text)
		tr_error("the X server said: %.600s", text);
}

/* Chromium composes as often as the mode it finds at its start refreshes; Xvfb's own says 0 = 60.
 */
static int set_refresh(Display *display, int width, int height, int rate)
{
	char name[32];
	Window root = DefaultRootWindow(display);
	int rc = -EIO;

	XRRScreenResources *resources = XRRGetScreenResources(display, root);
	if (!resources || resources->noutput < 1 || resources->ncrtc < 1)
		goto out;
	snprintf(name, sizeof(name), "telerec-%d", rate);
	XRRModeInfo mode = {
		.width = (unsigned)width,
		.height = (unsigned)height,
		.dotClock = (unsigned long)width * (unsigned long)height * (unsigned long)rate,
		.hTotal = (unsigned)width,
		.vTotal = (unsigned)height,
		.hSyncStart = (unsigned)width,
		.hSyncEnd = (unsigned)width,
		.vSyncStart = (unsigned)height,
		.vSyncEnd = (unsigned)height,
		.name = name,
		.nameLength = (unsigned)strlen(name),
	};
	RRMode id = XRRCreateMode(display, root, &mode);
	XRRAddOutputMode(display, resources->outputs[0], id);
	Status status = XRRSetCrtcConfig(display, resources, resources->crtcs[0], CurrentTime, 0, 0,
		id, RR_Rotate_0, resources->outputs, 1);
	XSync(display, False);
	rc = status == RRSetConfigSuccess ? 0 : -EIO;
out:
	if (resources)
		XRRFreeScreenResources(resources);
	return rc;
}

static int prepare_screen(const struct tr_xserver_settings *settings, const char *name)
{
	Display *display = XOpenDisplay(name);

	if (!display)
		return -ECONNREFUSED;
	int rc = set_refresh(display, settings->width + TR_XSERVER_MARGIN,
		settings->height + TR_XSERVER_MARGIN, settings->rate);
	if (rc < 0) {
		tr_warning("the X server takes no mode of %d Hz: the browser will compose 60 "
			   "pictures a second, which costs CPU time",
			settings->rate);
		rc = 0;
	}
	XCloseDisplay(display);
	return rc;
}

int tr_xserver_start(const struct tr_xserver_settings *settings, struct tr_xserver *ret_server)
{
	struct tr_xserver server = {.child.pidfd = -1};

	int rc = tr_text_format(server.xauthority, sizeof(server.xauthority), "%s/Xauthority",
		settings->runtime_dir);
	if (rc == 0)
		rc = tr_text_format(server.frame_buffer, sizeof(server.frame_buffer),
			"%s/Xvfb_screen0", settings->runtime_dir);
	if (rc == 0)
		rc = write_cookie(server.xauthority);
	if (rc < 0)
		return tr_fail(rc, "cannot prepare the X server in %s", settings->runtime_dir);

	rc = start_server(settings, &server);
	if (rc == 0) {
		/* The slot is the only one here that uses Xlib, and has one X server. */
		setenv("XAUTHORITY", server.xauthority, 1);
		rc = prepare_screen(settings, server.display);
	}
	if (rc < 0) {
		if (rc != -ENOENT)
			log_last_words(settings->runtime_dir);
		tr_xserver_stop(&server);
		return tr_fail(rc, "the X server did not come up");
	}
	*ret_server = server;
	return 0;
}

/* ---- somebody else's ---- */

static int refuse(const struct tr_xserver_attach *settings, int rc, const char *format, ...)
	TR_PRINTF(3, 4);

static int refuse(const struct tr_xserver_attach *settings, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(settings->problem, settings->problem_size, format, args);
	va_end(args);
	return rc;
}

static const xcb_screen_t *find_screen(xcb_connection_t *connection, int number)
{
	xcb_screen_iterator_t screens = xcb_setup_roots_iterator(xcb_get_setup(connection));

	for (int i = 0; i < number && screens.rem > 1; i++)
		xcb_screen_next(&screens);
	return screens.data;
}

static int check_screen(
	const struct tr_xserver_attach *settings, xcb_connection_t *connection, int number)
{
	static const char *const needed[] = {"DAMAGE", "XFIXES", "MIT-SHM"};
	const xcb_screen_t *screen = find_screen(connection, number);
	int width = settings->width + TR_XSERVER_MARGIN;
	int height = settings->height + TR_XSERVER_MARGIN;

	if (screen->width_in_pixels < width || screen->height_in_pixels < height)
		return refuse(settings, -ERANGE,
			"the screen %s has %dx%d pixels, and a picture of %dx%d wants %dx%d: run on "
			"it `xrandr --fb %dx%d`, or record a smaller picture",
			settings->display, screen->width_in_pixels, screen->height_in_pixels,
			settings->width, settings->height, width, height, width, height);
	for (size_t i = 0; i < TR_COUNT(needed); i++) {
		TR_CLEANUP(tr_freep)
		xcb_query_extension_reply_t *reply = xcb_query_extension_reply(connection,
			xcb_query_extension(connection, (uint16_t)strlen(needed[i]), needed[i]),
			NULL);
		if (!reply || !reply->present)
			return refuse(settings, -ENODEV,
				"the X server %s lacks the extension %s, without which no picture "
				"can be taken of it",
				settings->display, needed[i]);
	}
	return 0;
}

/* The key, for us and for the browser. */
static int choose_key(const struct tr_xserver_attach *settings, struct tr_xserver *server)
{
	const char *key = settings->xauthority;

	if (!key[0])
		key = XauFileName();
	else if (access(key, R_OK) < 0)
		return refuse(settings, -ECONNREFUSED,
			"the key to the X server %s, %s, cannot be read: %s", settings->display,
			key, strerror(errno));
	if (!key || access(key, R_OK) < 0)
		return 0;
	if (tr_text_format(server->xauthority, sizeof(server->xauthority), "%s", key) < 0)
		return refuse(settings, -ENAMETOOLONG, "the path %s is too long for a key", key);
	setenv("XAUTHORITY", server->xauthority, 1);
	return 0;
}

int tr_xserver_attach(const struct tr_xserver_attach *settings, struct tr_xserver *ret_server)
{
	struct tr_xserver server = {.child.pidfd = -1};
	const struct passwd *user = getpwuid(geteuid());
	int number = 0;

	int rc = choose_key(settings, &server);
	if (rc == 0 &&
		tr_text_format(server.display, sizeof(server.display), "%s", settings->display) < 0)
		rc = refuse(settings, -ENAMETOOLONG, "no display is called %s", settings->display);
	if (rc < 0)
		return rc;
	server.watch = xcb_connect(settings->display, &number);
	if (xcb_connection_has_error(server.watch))
		rc = refuse(settings, -ECONNREFUSED,
			"the X server %s does not answer, or does not let %s in: start it, or run "
			"on it `xhost +si:localuser:%s`",
			settings->display, user ? user->pw_name : "the recorder",
			user ? user->pw_name : "USER");
	else
		rc = check_screen(settings, server.watch, number);
	if (rc < 0) {
		tr_xserver_stop(&server);
		return rc;
	}
	/* What it would show then would be in the recording. */
	xcb_set_screen_saver(
		server.watch, 0, 0, XCB_BLANKING_NOT_PREFERRED, XCB_EXPOSURES_NOT_ALLOWED);
	xcb_flush(server.watch);
	*ret_server = server;
	return 0;
}

int tr_xserver_fd(const struct tr_xserver *server)
{
	return server->watch ? xcb_get_file_descriptor(server->watch) : server->child.pidfd;
}

bool tr_xserver_is_alive(struct tr_xserver *server)
{
	xcb_generic_event_t *event;

	if (!server->watch)
		return false; /* a child's descriptor says one thing only */
	while ((event = xcb_poll_for_event(server->watch)))
		free(event);
	return !xcb_connection_has_error(server->watch);
}

bool tr_xserver_is_set(const struct tr_xserver *server)
{
	return server->watch || server->child.pid > 0;
}

void tr_xserver_stop(struct tr_xserver *server)
{
	if (server->watch)
		xcb_disconnect(server->watch);
	else
		tr_child_stop(&server->child, 2000);
	*server = (struct tr_xserver){.child.pidfd = -1};
}
