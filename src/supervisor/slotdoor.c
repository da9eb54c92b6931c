#define TR_LOG_AREA "supervisor"

#include "supervisor/slotdoor.h"

#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

struct tr_slotdoor {
	int fd;
	struct sockaddr_un address;
	sd_event_source *source;
	tr_slotdoor_enter_fn *enter;
	void *user;
};

/* At "…/2.sock" it is the user telerec-slot-2: one slot does not get at what is another's. */
static bool may_enter(const struct tr_slotdoor *door, uid_t uid)
{
	const char *name = strrchr(door->address.sun_path, '/');
	char user[64];

	if (uid == 0 || uid == geteuid())
		return true;
	name = name ? name + 1 : door->address.sun_path;
	snprintf(user, sizeof(user), "telerec-slot-%.*s", (int)strcspn(name, "."), name);
	const struct passwd *passwd = getpwuid(uid);
	return passwd && !strcmp(passwd->pw_name, user);
}

static int on_knock(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct tr_slotdoor *door = user;
	struct ucred peer;
	socklen_t size = sizeof(peer);

	(void)source, (void)events;
	TR_CLEANUP(tr_closep) int guest = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (guest < 0)
		return 0; /* it has gone again */
	if (getsockopt(guest, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	if (!may_enter(door, peer.uid)) {
		tr_warning("user %u is not this slot's: refused at %s", (unsigned)peer.uid,
			door->address.sun_path);
		return 0;
	}
	tr_slotdoor_close(door);
	door->enter(tr_take_fd(&guest), peer.pid, peer.uid, door->user);
	return 0;
}

static int listen_at(struct tr_slotdoor *door, const char *path)
{
	int rc = tr_text_format(door->address.sun_path, sizeof(door->address.sun_path), "%s", path);
	if (rc < 0)
		return rc;
	door->address.sun_family = AF_UNIX;
	door->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (door->fd < 0)
		return -errno;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(door->fd, (const struct sockaddr *)&door->address, sizeof(door->address)) < 0)
		return -errno;
	/* The folder says who gets here, and the kernel who came. */
	if (chmod(path, 0666) < 0 || listen(door->fd, 4) < 0)
		return -errno;
	return 0;
}

int tr_slotdoor_create(sd_event *event, const char *path, tr_slotdoor_enter_fn *enter, void *user,
	struct tr_slotdoor **ret_door)
{
	TR_CLEANUP(tr_slotdoor_destroyp) struct tr_slotdoor *door = calloc(1, sizeof(*door));
	if (!door)
		return -ENOMEM;
	door->fd = -1;
	door->enter = enter;
	door->user = user;
	int rc = listen_at(door, path);
	if (rc == 0)
		rc = sd_event_add_io(event, &door->source, door->fd, EPOLLIN, on_knock, door);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(door->source, SD_EVENT_OFF);
	if (rc < 0)
		return tr_fail(rc, "cannot wait for slots at %s", path);
	*ret_door = tr_take(door);
	return 0;
}

void tr_slotdoor_open(struct tr_slotdoor *door)
{
	sd_event_source_set_enabled(door->source, SD_EVENT_ON);
}

void tr_slotdoor_close(struct tr_slotdoor *door)
{
	sd_event_source_set_enabled(door->source, SD_EVENT_OFF);
}

void tr_slotdoor_destroy(struct tr_slotdoor *door)
{
	if (!door)
		return;
	sd_event_source_disable_unref(door->source);
	if (door->fd >= 0) {
		close(door->fd);
		unlink(door->address.sun_path);
	}
	free(door);
}
