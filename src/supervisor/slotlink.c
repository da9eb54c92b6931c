#define TR_LOG_AREA "supervisor"

#include "supervisor/slotlink.h"

#include "core/child.h"
#include "core/log.h"
#include "protocol/slot_client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>

struct tr_slotlink {
	struct tr_slot_client *client; /* of a child, else NULL */
	struct tr_line *line;	       /* of an adopted one, else NULL */
	int pidfd;		       /* of an adopted one, or -1 */
	uid_t uid;
};

int tr_slotlink_start(
	const char *program, bool is_log_piped, int log_level, struct tr_slotlink **ret_link)
{
	TR_CLEANUP(tr_slotlink_destroyp) struct tr_slotlink *link = calloc(1, sizeof(*link));
	if (!link)
		return -ENOMEM;
	link->pidfd = -1;
	link->uid = geteuid();
	int rc = tr_slot_client_start(program, is_log_piped, log_level, &link->client);
	if (rc < 0)
		return tr_fail(rc, "cannot start %s", program);
	*ret_link = tr_take(link);
	return 0;
}

int tr_slotlink_adopt(int fd, pid_t pid, uid_t uid, struct tr_slotlink **ret_link)
{
	TR_CLEANUP(tr_slotlink_destroyp) struct tr_slotlink *link = calloc(1, sizeof(*link));
	if (!link) {
		close(fd);
		return -ENOMEM;
	}
	link->uid = uid;
	link->pidfd = pidfd_open(pid, 0); /* without it the connection's end says the same */
	int rc = tr_line_create(fd, &link->line);
	if (rc < 0)
		return rc;
	*ret_link = tr_take(link);
	return 0;
}

struct tr_line *tr_slotlink_line(struct tr_slotlink *link)
{
	return link->client ? tr_slot_client_line(link->client) : link->line;
}

uid_t tr_slotlink_uid(const struct tr_slotlink *link)
{
	return link->uid;
}

pid_t tr_slotlink_pid(const struct tr_slotlink *link)
{
	return link->client ? tr_slot_client_pid(link->client) : 0;
}

int tr_slotlink_exit_fd(const struct tr_slotlink *link)
{
	return link->client ? tr_slot_client_exit_fd(link->client) : link->pidfd;
}

int tr_slotlink_log_fd(const struct tr_slotlink *link)
{
	return link->client ? tr_slot_client_log_fd(link->client) : -1;
}

int tr_slotlink_read_log(struct tr_slotlink *link, char *out, size_t size)
{
	return link->client ? tr_slot_client_read_log(link->client, out, size) : -EPIPE;
}

void tr_slotlink_abort(struct tr_slotlink *link, bool is_hung, char *fate, size_t size)
{
	if (!link->client) {
		if (is_hung && link->pidfd >= 0 &&
			pidfd_send_signal(link->pidfd, SIGKILL, NULL, 0) < 0)
			tr_debug("a slot of the service manager's cannot be killed from here");
		tr_line_destroy(tr_take(link->line));
		snprintf(fate, size, "has closed its connection");
		return;
	}
	if (is_hung) {
		tr_slot_client_destroy(tr_take(link->client));
		snprintf(fate, size, "was killed");
		return;
	}
	tr_child_describe(tr_slot_client_abort(link->client), fate, size);
	tr_slot_client_destroy(tr_take(link->client));
}

void tr_slotlink_ask_to_quit(struct tr_slotlink *link)
{
	const struct tr_message quit = {.type = TR_MESSAGE_QUIT};

	if (tr_message_send(tr_slotlink_line(link), &quit, -1) < 0)
		tr_debug("a slot listens no more");
}

void tr_slotlink_wait(struct tr_slotlink *link, int grace_ms)
{
	if (link->client)
		tr_slot_client_stop(link->client, grace_ms);
}

void tr_slotlink_destroy(struct tr_slotlink *link)
{
	if (!link)
		return;
	tr_slot_client_destroy(link->client);
	tr_line_destroy(link->line);
	tr_closep(&link->pidfd);
	free(link);
}
