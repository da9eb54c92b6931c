/* bench-content: shows one of the bench's contents on an X display and logs when each picture was
 * put there. */
#include "capture/content.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#include <X11/Xlib.h>
#include <X11/extensions/XShm.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>

#define TR_LOG_AREA "content"

struct screen {
	Display *display;
	Window window;
	GC gc;
	XShmSegmentInfo shm;
	XImage *image;
};

static int open_screen(const char *name, int width, int height, struct screen *ret)
{
	Display *display = XOpenDisplay(name);
	if (!display)
		return tr_fail(-ENODEV, "cannot open display %s", name);
	int number = DefaultScreen(display);
	XSetWindowAttributes attributes = {.override_redirect = True, .background_pixel = 0};

	ret->display = display;
	ret->window = XCreateWindow(display, RootWindow(display, number), 0, 0, (unsigned)width,
		(unsigned)height, 0, CopyFromParent, InputOutput, CopyFromParent,
		CWOverrideRedirect | CWBackPixel, &attributes);
	ret->gc = XCreateGC(display, ret->window, 0, NULL);
	ret->image = XShmCreateImage(display, DefaultVisual(display, number), 24, ZPixmap, NULL,
		&ret->shm, (unsigned)width, (unsigned)height);
	if (!ret->image || ret->image->bits_per_pixel != 32)
		return tr_fail(-ENOTSUP, "the display has no shared 32-bit images");
	size_t size = (size_t)ret->image->bytes_per_line * (size_t)height;
	ret->shm.shmid = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
	if (ret->shm.shmid < 0)
		return tr_fail(-errno, "cannot get shared memory");
	ret->shm.shmaddr = ret->image->data = shmat(ret->shm.shmid, NULL, 0);
	XShmAttach(display, &ret->shm);
	XMapRaised(display, ret->window);
	XSync(display, False);
	shmctl(ret->shm.shmid, IPC_RMID, NULL); /* goes when both sides have ended */
	return 0;
}

static int put(struct screen *screen, struct bench_content *content, unsigned number, FILE *log)
{
	struct tr_rect r = bench_content_changed(content, number);
	int rc = bench_content_draw(content, number, r, (uint32_t *)(void *)screen->image->data,
		(size_t)screen->image->bytes_per_line / 4);
	if (rc < 0)
		return rc;
	XShmPutImage(screen->display, screen->window, screen->gc, screen->image, r.x1, r.y1, r.x1,
		r.y1, (unsigned)(r.x2 - r.x1), (unsigned)(r.y2 - r.y1), False);
	XSync(screen->display, False);
	fprintf(log, "%u %lld\n", number, (long long)tr_clock_now_ns());
	fflush(log);
	return 0;
}

/* On the clock's own schedule: a late picture does not move the next ones.
 */
static int show(struct screen *screen, struct bench_content *content, FILE *log)
{
	int64_t start_ns = tr_clock_now_ns();
	for (unsigned number = 1;; number++) {
		int64_t due_ns = start_ns + (int64_t)number * TR_NS_PER_S / BENCH_CONTENT_RATE;
		struct timespec due = {due_ns / TR_NS_PER_S, due_ns % TR_NS_PER_S};
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			continue;
		if (!bench_content_is_drawn(content, number))
			continue;
		int rc = put(screen, content, number, log);
		if (rc < 0)
			return rc;
	}
}

int main(int argc, char **argv)
{
	TR_CLEANUP(bench_content_destroyp) struct bench_content *content = NULL;
	struct screen screen = {0};
	int width, height, kind = 0;

	if (argc != 5 || tr_text_parse_size(argv[3], &width, &height) < 0) {
		fputs("usage: bench-content DISPLAY slides|speaker|gallery|full WxH LOGFILE\n",
			stderr);
		return 2;
	}
	while (bench_content_names[kind] && strcmp(bench_content_names[kind], argv[2]) != 0)
		kind++;
	if (kind == BENCH_CONTENT_COUNT ||
		bench_content_create(kind, width, height, &content) < 0 ||
		bench_content_prepare(content) < 0) {
		tr_error("no such content or size: %s %s", argv[2], argv[3]);
		return 2;
	}
	FILE *log = fopen(argv[4], "we");
	if (!log || open_screen(argv[1], width, height, &screen) < 0)
		return 1;
	return show(&screen, content, log) < 0;
}
