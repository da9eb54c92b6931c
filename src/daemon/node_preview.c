/* Pictures of what the slots show. A slot makes two a second at most; whoever asks for one that was
 * made just now gets that. */
#include "daemon/node_internal.h"

#include "core/clock.h"

#include <errno.h>
#include <string.h>

#define FRESH_NS (TR_NS_PER_S / 2)
#define PATIENCE_NS (5 * TR_NS_PER_S)
#define WAITERS_MAX 16
#define BYTES_MAX (8 << 20)

struct tr_node_waiter {
	struct tr_node_waiter *next; /* oldest first */
	unsigned width;
	tr_node_api_preview_fn *done;
	void *user;
};

/* Answers those who wait for this width (0: all), who may ask again from within. */
static void answer(struct preview *preview, unsigned width, const void *jpeg, size_t size, int rc)
{
	struct tr_node_waiter *all = tr_take(preview->waiters);
	struct tr_node_waiter **end = &preview->waiters;

	while (all) {
		struct tr_node_waiter *waiter = all;
		all = waiter->next;
		waiter->next = NULL;
		if (width != 0 && waiter->width != width) {
			while (*end)
				end = &(*end)->next;
			*end = waiter;
			continue;
		}
		waiter->done(jpeg, size, rc, waiter->user);
		free(waiter);
	}
}

static void forget_picture(struct preview *preview)
{
	free(tr_take(preview->jpeg));
	preview->size = 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user);

static void set_timer(struct tr_node *node, unsigned slot, int64_t at_ns)
{
	struct preview *preview = &tr_node_place(node, slot)->preview;
	int64_t after_ms = (at_ns - tr_clock_now_ns()) / TR_NS_PER_MS + 1;

	if (tr_node_add_timer(node, &preview->timer, after_ms > 0 ? after_ms : 0, on_timer, node) <
		0)
		answer(preview, 0, NULL, 0, -ENOMEM);
}

/* Asks the slot for the first one's picture, not before its time. */
static void ask(struct tr_node *node, unsigned slot)
{
	struct preview *preview = &tr_node_place(node, slot)->preview;
	int64_t now_ns = tr_clock_now_ns();

	if (!preview->waiters)
		return;
	if (preview->is_asked || now_ns < preview->asked_ns + FRESH_NS) {
		set_timer(node, slot,
			preview->is_asked ? preview->asked_ns + PATIENCE_NS
					  : preview->asked_ns + FRESH_NS);
		return;
	}
	int rc = tr_supervisor_preview(node->supervisor, slot, (int)preview->waiters->width);
	if (rc < 0) {
		answer(preview, 0, NULL, 0, rc);
		return;
	}
	preview->is_asked = true;
	preview->asked_ns = now_ns;
	set_timer(node, slot, now_ns + PATIENCE_NS);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_node *node = user;

	(void)usec;
	for (unsigned slot = 1; slot <= node->slot_count; slot++) {
		struct preview *preview = &tr_node_place(node, slot)->preview;
		if (preview->timer != source)
			continue;
		if (preview->is_asked) {
			preview->is_asked = false;
			answer(preview, 0, NULL, 0, -ETIMEDOUT);
		}
		ask(node, slot);
	}
	return 0;
}

void tr_node_preview(struct tr_node *node, unsigned slot, unsigned width,
	tr_node_api_preview_fn *done, void *user)
{
	unsigned count = 0;

	if (slot == 0 || slot > node->slot_count) {
		done(NULL, 0, -ENOENT, user);
		return;
	}
	struct preview *preview = &tr_node_place(node, slot)->preview;
	bool is_fresh = preview->jpeg && preview->width == width &&
			tr_clock_now_ns() < preview->taken_ns + FRESH_NS;
	if (is_fresh) {
		done(preview->jpeg, preview->size, 0, user);
		return;
	}
	struct tr_node_waiter **end = &preview->waiters;
	for (; *end; end = &(*end)->next)
		count++;
	struct tr_node_waiter *waiter = count < WAITERS_MAX ? calloc(1, sizeof(*waiter)) : NULL;
	if (!waiter) {
		done(NULL, 0, count < WAITERS_MAX ? -ENOMEM : -EBUSY, user);
		return;
	}
	*waiter = (struct tr_node_waiter){.width = width, .done = done, .user = user};
	*end = waiter;
	ask(node, slot);
}

static int take_jpeg(struct preview *preview, const struct tr_message_picture *picture, int fd)
{
	size_t size = (size_t)picture->bytes, used = 0;

	forget_picture(preview);
	if (fd < 0 || picture->bytes <= 0)
		return -ENODATA;
	if (picture->bytes > BYTES_MAX)
		return -EFBIG;
	TR_CLEANUP(tr_freep) char *jpeg = malloc(size);
	if (!jpeg)
		return -ENOMEM;
	while (used < size) {
		ssize_t n = pread(fd, jpeg + used, size - used, (off_t)used);
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		used += (size_t)n;
	}
	preview->jpeg = tr_take(jpeg);
	preview->size = size;
	preview->width = (unsigned)picture->width;
	preview->taken_ns = tr_clock_now_ns();
	return 0;
}

void tr_node_on_picture(unsigned slot, const struct tr_message_picture *picture, int fd, void *user)
{
	struct tr_node *node = user;
	struct preview *preview = &tr_node_place(node, slot)->preview;

	if (!preview->is_asked)
		return; /* too late */
	preview->is_asked = false;
	int rc = take_jpeg(preview, picture, fd);
	answer(preview, rc == 0 ? preview->width : 0, preview->jpeg, preview->size, rc);
	ask(node, slot);
}

void tr_node_end_previews(struct tr_node *node, unsigned slot, int rc)
{
	struct preview *preview = &tr_node_place(node, slot)->preview;

	preview->is_asked = false;
	preview->timer = sd_event_source_disable_unref(preview->timer);
	answer(preview, 0, NULL, 0, rc);
	forget_picture(preview);
}
