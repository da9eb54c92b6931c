#include "doctor/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

static int connect_one(const struct addrinfo *address, int timeout_ms, int *ret_fd)
{
	int error = 0;
	socklen_t size = sizeof(error);
	TR_CLEANUP(tr_closep)
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
		struct pollfd wait = {.fd = fd, .events = POLLOUT};
		if (errno != EINPROGRESS)
			return -errno;
		int count = poll(&wait, 1, timeout_ms);
		if (count <= 0)
			return count < 0 ? -errno : -ETIMEDOUT;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
			return error ? -error : -errno;
	}
	const struct timeval limit = {
		.tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	*ret_fd = tr_take_fd(&fd);
	return 0;
}

int tr_tcp_connect(const char *host, int port, int timeout_ms, int *ret_fd)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *addresses = NULL;
	char text[16];
	int rc = -ENOENT;

	snprintf(text, sizeof(text), "%d", port);
	if (getaddrinfo(host, text, &hints, &addresses) != 0)
		return -ENOENT;
	for (struct addrinfo *at = addresses; at; at = at->ai_next) {
		rc = connect_one(at, timeout_ms, ret_fd);
		if (rc == 0)
			break;
	}
	freeaddrinfo(addresses);
	return rc;
}
