/* Any bytes as what comes over the socket: whatever is accepted must pack to the same again. */
#include "protocol/message.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tr_message *message)
{
	struct tr_message back;
	json_t *object;
	char why[200];

	if (tr_message_pack(message, &object) < 0 ||
		tr_message_unpack(object, &back, why, sizeof(why)) < 0 ||
		back.type != message->type)
		abort();
	json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TR_CLEANUP(tr_line_destroyp) struct tr_line *line = NULL;
	struct tr_message message;
	int fds[2], rc;
	char why[200];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return 0;
	if (tr_line_create(fds[0], &line) < 0 || fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0)
		abort();
	ssize_t written = write(fds[1], data, size);
	close(fds[1]);
	for (size_t i = 0; written >= 0 && i <= size; i++) {
		rc = tr_message_receive(line, &message, NULL, why, sizeof(why));
		if (rc == -EPIPE)
			break;
		if (rc == 0)
			check(&message);
	}
	return 0;
}
