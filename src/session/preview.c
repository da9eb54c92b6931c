#include "session/preview.h"

#include "core/file.h"
#include "core/text.h"
#include "display/frame_buffer.h"
#include "display/still.h"
#include "storage/jpeg.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define NICE 10

struct tr_preview {
	sd_event_source *source;
	int ready; /* eventfd: the thread is done */
	tr_preview_done_fn *done;
	void *user;
	pthread_t thread;
	bool has_thread;

	/* the thread's while it runs */
	char frame_buffer[PATH_MAX];
	char display[16];
	int width, height, to_width;
	int fd; /* what came of it, or -1 */
	size_t size;
	int rc;
};

static int fill_memory(const void *bytes, size_t size)
{
	TR_CLEANUP(tr_closep) int fd = memfd_create("telerec-preview", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = tr_file_write_all(fd, bytes, size);
	return rc < 0 ? rc : tr_take_fd(&fd);
}

static int make_from_display(struct tr_preview *preview, void **ret_jpeg)
{
	TR_CLEANUP(tr_freep) uint8_t *pixels = NULL;

	int rc = tr_still_take(preview->display, preview->width, preview->height, &pixels);
	return rc < 0 ? rc
		      : tr_jpeg_make(pixels, (size_t)preview->width * 4, preview->width,
				preview->height, preview->to_width, ret_jpeg, &preview->size);
}

static int make_from_frame_buffer(struct tr_preview *preview, void **ret_jpeg)
{
	struct tr_frame_buffer buffer = {0};

	int rc = tr_frame_buffer_map(
		preview->frame_buffer, preview->width, preview->height, &buffer);
	if (rc < 0)
		return rc;
	rc = tr_jpeg_make(buffer.pixels, buffer.stride, preview->width, preview->height,
		preview->to_width, ret_jpeg, &preview->size);
	tr_frame_buffer_unmap(&buffer);
	return rc;
}

static int make(struct tr_preview *preview)
{
	TR_CLEANUP(tr_freep) void *jpeg = NULL;

	int rc = preview->frame_buffer[0] ? make_from_frame_buffer(preview, &jpeg)
					  : make_from_display(preview, &jpeg);
	return rc < 0 ? rc : fill_memory(jpeg, preview->size);
}

static void *run(void *user)
{
	struct tr_preview *preview = user;

	pthread_setname_np(pthread_self(), "preview");
	setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + NICE);
	int rc = make(preview);
	preview->fd = rc < 0 ? -1 : rc;
	preview->rc = rc < 0 ? rc : 0;
	while (eventfd_write(preview->ready, 1) < 0 && errno == EINTR)
		;
	return NULL;
}

static void join(struct tr_preview *preview)
{
	if (preview->has_thread)
		pthread_join(preview->thread, NULL);
	preview->has_thread = false;
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct tr_preview *preview = user;
	eventfd_t ignored;

	(void)source, (void)events;
	if (eventfd_read(fd, &ignored) < 0)
		return 0;
	join(preview);
	TR_CLEANUP(tr_closep) int picture = tr_take_fd(&preview->fd);
	preview->done(picture, preview->size, preview->to_width, preview->rc, preview->user);
	return 0;
}

int tr_preview_create(
	sd_event *event, tr_preview_done_fn *done, void *user, struct tr_preview **ret_preview)
{
	TR_CLEANUP(tr_preview_destroyp) struct tr_preview *preview = calloc(1, sizeof(*preview));
	if (!preview)
		return -ENOMEM;
	preview->fd = -1;
	preview->done = done;
	preview->user = user;
	preview->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (preview->ready < 0)
		return -errno;
	int rc = sd_event_add_io(
		event, &preview->source, preview->ready, EPOLLIN, on_ready, preview);
	if (rc < 0)
		return rc;
	*ret_preview = tr_take(preview);
	return 0;
}

void tr_preview_destroy(struct tr_preview *preview)
{
	if (!preview)
		return;
	join(preview);
	sd_event_source_disable_unref(preview->source);
	tr_closep(&preview->ready);
	tr_closep(&preview->fd);
	free(preview);
}

/* The loop's signals stay the loop's. */
static int start_thread(struct tr_preview *preview)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int rc = pthread_create(&preview->thread, NULL, run, preview);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	preview->has_thread = rc == 0;
	return -rc;
}

int tr_preview_make(struct tr_preview *preview, const struct tr_preview_settings *settings)
{
	if (preview->has_thread)
		return -EBUSY;
	int rc = tr_text_format(
		preview->frame_buffer, sizeof(preview->frame_buffer), "%s", settings->frame_buffer);
	if (rc == 0)
		rc = tr_text_format(
			preview->display, sizeof(preview->display), "%s", settings->display);
	if (rc < 0)
		return rc;
	preview->width = settings->width;
	preview->height = settings->height;
	preview->to_width = settings->to_width;
	return start_thread(preview);
}
