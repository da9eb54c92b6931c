#define TR_LOG_AREA "grab"
#include "display/grab.h"

#include "core/clock.h"
#include "core/log.h"
#include "display/convert.h"
#include "display/frame_buffer.h"
#include "media/damage.h"

#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <X11/extensions/XShm.h>
#include <X11/extensions/Xdamage.h>
#include <X11/extensions/Xfixes.h>

struct tr_grab {
	Display *display;
	bool is_dead; /* the connection broke */
	int damage_event;
	Damage watch;
	struct tr_damage damage;
	struct tr_convert convert;

	struct tr_frame_buffer buffer; /* its pixels are NULL when XShm is used */

	/* XShm */
	XImage *image;
	XShmSegmentInfo segment;
	bool is_shm_closed; /* to the server: pixels come over the connection */
};

/* Xlib would exit() the process by default, in two places: the handler of all displays does so in
 * some versions, the one of each display in others. */
static int ignore_death(Display *display)
{
	(void)display;
	return 0;
}

static void note_death(Display *display, void *user)
{
	(void)display;
	((struct tr_grab *)user)->is_dead = true;
}

static int ignore_error(Display *display, XErrorEvent *event)
{
	(void)display;
	tr_debug("the X server refused request %d (error %d)", event->request_code,
		event->error_code);
	return 0;
}

static int create_shm_image(struct tr_grab *grab, int width, int height)
{
	int screen = DefaultScreen(grab->display);

	if (!XShmQueryExtension(grab->display))
		return tr_fail(-ENODEV, "the X server has no MIT-SHM extension");
	grab->image = XShmCreateImage(grab->display, DefaultVisual(grab->display, screen), 24,
		ZPixmap, NULL, &grab->segment, (unsigned)width, (unsigned)height);
	if (!grab->image || grab->image->bits_per_pixel != 32)
		return tr_fail(-ENODEV, "the X server's pixels are not 32 bits wide");
	grab->segment.shmid = shmget(IPC_PRIVATE,
		(size_t)grab->image->bytes_per_line * (size_t)height, IPC_CREAT | 0600);
	if (grab->segment.shmid < 0)
		return tr_fail(-errno, "no shared memory for pictures");
	grab->segment.shmaddr = grab->image->data = shmat(grab->segment.shmid, NULL, 0);
	grab->segment.readOnly = False;
	XShmAttach(grab->display, &grab->segment);
	XSync(grab->display, False);
	shmctl(grab->segment.shmid, IPC_RMID, NULL); /* gone with its last user */
	/* A server of another user who is not root may not open it. */
	grab->is_shm_closed = !XShmGetImage(
		grab->display, DefaultRootWindow(grab->display), grab->image, 0, 0, AllPlanes);
	return grab->is_dead ? -EPIPE : 0;
}

static void get_image(struct tr_grab *grab)
{
	Window root = DefaultRootWindow(grab->display);

	if (!grab->is_shm_closed)
		XShmGetImage(grab->display, root, grab->image, 0, 0, AllPlanes);
	else
		XGetSubImage(grab->display, root, 0, 0, (unsigned)grab->image->width,
			(unsigned)grab->image->height, AllPlanes, ZPixmap, grab->image, 0, 0);
}

static int watch_screen(struct tr_grab *grab)
{
	int error_base, major, minor;
	Window root = DefaultRootWindow(grab->display);

	if (!XDamageQueryExtension(grab->display, &grab->damage_event, &error_base))
		return tr_fail(-ENODEV, "the X server has no DAMAGE extension");
	if (!XFixesQueryVersion(grab->display, &major, &minor))
		return tr_fail(-ENODEV, "the X server has no XFIXES extension");
	XFixesHideCursor(grab->display, root);
	/* Raw rectangles come by themselves: no request and no answer per picture. */
	grab->watch = XDamageCreate(grab->display, root, XDamageReportRawRectangles);
	XSync(grab->display, False);
	return grab->is_dead ? -EPIPE : 0;
}

int tr_grab_open(const struct tr_grab_settings *settings, struct tr_grab **ret_grab)
{
	TR_CLEANUP(tr_grab_closep) struct tr_grab *grab = calloc(1, sizeof(*grab));

	if (!grab)
		return -ENOMEM;
	grab->segment.shmid = -1;
	grab->display = XOpenDisplay(settings->display);
	if (!grab->display)
		return tr_fail(
			-ECONNREFUSED, "cannot connect to the display %s", settings->display);
	XSetErrorHandler(ignore_error);
	XSetIOErrorHandler(ignore_death);
	XSetIOErrorExitHandler(grab->display, note_death, grab);

	int screen = DefaultScreen(grab->display);
	if (DisplayWidth(grab->display, screen) < settings->width ||
		DisplayHeight(grab->display, screen) < settings->height)
		return tr_fail(-ERANGE, "the screen %s has %dx%d pixels, fewer than %dx%d",
			settings->display, DisplayWidth(grab->display, screen),
			DisplayHeight(grab->display, screen), settings->width, settings->height);

	tr_convert_init(&grab->convert, false);
	tr_damage_init(&grab->damage, settings->width, settings->height);
	int rc = settings->frame_buffer ? tr_frame_buffer_map(settings->frame_buffer,
						  settings->width, settings->height, &grab->buffer)
					: -ENOENT;
	if (rc < 0)
		rc = create_shm_image(grab, settings->width, settings->height);
	if (rc == 0)
		rc = watch_screen(grab);
	if (rc < 0)
		return rc;
	*ret_grab = tr_take(grab);
	return 0;
}

void tr_grab_close(struct tr_grab *grab)
{
	if (!grab)
		return;
	if (grab->image) {
		if (grab->segment.shmaddr && !grab->is_dead)
			XShmDetach(grab->display, &grab->segment);
		grab->image->data = NULL;
		XDestroyImage(grab->image);
	}
	if (grab->segment.shmaddr)
		shmdt(grab->segment.shmaddr);
	tr_frame_buffer_unmap(&grab->buffer);
	if (grab->display)
		XCloseDisplay(grab->display);
	free(grab);
}

int tr_grab_fd(const struct tr_grab *grab)
{
	return ConnectionNumber(grab->display);
}

int tr_grab_collect(struct tr_grab *grab)
{
	while (!grab->is_dead && XPending(grab->display) > 0) {
		XEvent event;
		XNextEvent(grab->display, &event);
		if (grab->is_dead || event.type != grab->damage_event + XDamageNotify)
			continue;
		const XRectangle *area = &((XDamageNotifyEvent *)&event)->area;
		/* Outside of the picture (in the screen's margin) is nothing to us. */
		int rc = tr_damage_add(
			&grab->damage, (struct tr_rect){area->x, area->y, area->x + area->width,
					       area->y + area->height});
		(void)rc;
	}
	if (grab->is_dead)
		return -EPIPE;
	return grab->damage.count > 0;
}

void tr_grab_invalidate(struct tr_grab *grab)
{
	tr_damage_init(&grab->damage, grab->damage.screen.x2, grab->damage.screen.y2);
}

static int convert_all(struct tr_grab *grab, struct tr_picture *picture)
{
	struct tr_rect rects[TR_DAMAGE_MAX];
	const uint8_t *pixels = grab->buffer.pixels;
	size_t stride = grab->buffer.stride;
	int changed = 0;

	if (!pixels) {
		get_image(grab);
		pixels = (const uint8_t *)grab->image->data;
		stride = (size_t)grab->image->bytes_per_line;
	}
	unsigned count = tr_damage_take(&grab->damage, rects);
	for (unsigned i = 0; i < count; i++)
		changed += tr_convert_rect(&grab->convert, pixels, stride, rects[i], picture);
	return changed;
}

int tr_grab_take(
	struct tr_grab *grab, struct tr_picture *picture, struct tr_grab_result *ret_result)
{
	/* While the server is grabbed nobody draws. The sync also brings the damage events of
	 * everything drawn until now, so what is taken is not taken again. */
	if (grab->buffer.pixels) {
		XGrabServer(grab->display);
		XSync(grab->display, False);
		int rc = tr_grab_collect(grab);
		if (rc < 0)
			return rc;
	}
	ret_result->taken_ns = tr_clock_now_ns();
	ret_result->changed = convert_all(grab, picture);
	if (grab->buffer.pixels) {
		XUngrabServer(grab->display);
		XFlush(grab->display);
	}
	return grab->is_dead ? -EPIPE : 0;
}

int tr_grab_skip(struct tr_grab *grab, struct tr_grab_result *ret_result)
{
	struct tr_rect rects[TR_DAMAGE_MAX];
	int changed = 0;

	XSync(grab->display, False);
	int rc = tr_grab_collect(grab);
	if (rc < 0)
		return rc;
	unsigned count = tr_damage_take(&grab->damage, rects);
	for (unsigned i = 0; i < count; i++)
		changed += ((rects[i].x2 + 15) / 16 - rects[i].x1 / 16) *
			   ((rects[i].y2 + 15) / 16 - rects[i].y1 / 16);
	*ret_result = (struct tr_grab_result){.taken_ns = tr_clock_now_ns(), .changed = changed};
	return 0;
}

const char *tr_grab_way(const struct tr_grab *grab)
{
	return grab->buffer.pixels   ? "mapped frame buffer"
	       : grab->is_shm_closed ? "XGetImage"
				     : "XShm";
}
