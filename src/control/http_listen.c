#define TR_LOG_AREA "http"

#include "control/http_internal.h"
#include "core/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BACKLOG 32

/* ---- an address ---- */

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	const struct sockaddr_in6 *in6 = (const void *)address;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* An address only: a name could make the daemon wait for a name server. */
static int find_address(const char *host, int port, struct addrinfo **ret)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	char service[16];

	snprintf(service, sizeof(service), "%d", port);
	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	int error = getaddrinfo(host, service, &hints, ret);
	if (error == EAI_MEMORY)
		return -ENOMEM;
	return error ? tr_fail(-EINVAL, "\"%s\" is not an IP address to listen at", host) : 0;
}

static int read_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = {.in6 = {0}};
	socklen_t length = sizeof(address);

	if (getsockname(fd, &address.any, &length) < 0)
		return -errno;
	return ntohs(
		address.any.sa_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
}

static int open_socket(const struct addrinfo *address, int *ret_fd)
{
	const int on = 1;

	TR_CLEANUP(tr_closep)
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = tr_take_fd(&fd);
	return 0;
}

static int listen_at_address(struct tr_http_server *server, int *ret_fd, unsigned *ret_flags)
{
	const struct tr_http_server_settings *settings = &server->settings;
	struct addrinfo *address = NULL;

	int rc = find_address(settings->bind, settings->port, &address);
	if (rc < 0)
		return rc;
	rc = open_socket(address, ret_fd);
	bool is_open = !is_loopback(address->ai_addr);
	*ret_flags = address->ai_family == AF_INET6 ? MHD_USE_DUAL_STACK : 0;
	freeaddrinfo(address);
	if (rc < 0)
		return tr_fail(rc, "cannot listen at %s port %d", settings->bind, settings->port);
	server->port = read_port(*ret_fd);
	if (is_open && !settings->is_guarded)
		tr_warning("whoever reaches %s port %d may start and stop recordings",
			settings->bind, server->port);
	return 0;
}

/* ---- a Unix socket ---- */

/* A socket that nobody listens at any more is left by a process that was killed. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return tr_fail(-EEXIST, "%s is something else than a socket", address->sun_path);
	TR_CLEANUP(tr_closep)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		errno != ECONNREFUSED)
		return tr_fail(-EADDRINUSE, "another process listens at %s", address->sun_path);
	return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* The socket's file has its mode from the beginning, whatever the umask leaves of it, and never a
 * wider one. */
static int bind_socket(
	const struct sockaddr_un *address, unsigned mode, struct stat *ret_stat, int *ret_fd)
{
	TR_CLEANUP(tr_closep)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || fchmod(fd, mode) < 0 ||
		bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	if (chmod(address->sun_path, mode) < 0 || lstat(address->sun_path, ret_stat) < 0 ||
		listen(fd, BACKLOG) < 0) {
		int rc = -errno;
		unlink(address->sun_path);
		return rc;
	}
	*ret_fd = tr_take_fd(&fd);
	return 0;
}

static int listen_at_path(struct tr_http_server *server, int *ret_fd)
{
	const char *path = server->settings.socket_path;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return tr_fail(-ENAMETOOLONG, "the socket's path %s is too long", path);
	memcpy(address.sun_path, path, strlen(path));
	int rc = remove_stale(&address);
	if (rc == -EADDRINUSE || rc == -EEXIST)
		return rc;
	if (rc == 0)
		rc = bind_socket(
			&address, server->settings.socket_mode, &server->socket_stat, ret_fd);
	if (rc < 0)
		return tr_fail(rc, "cannot listen at %s", path);
	server->socket_path = strdup(path);
	return server->socket_path ? 0 : -ENOMEM;
}

void tr_http_listen_remove(const struct tr_http_server *server)
{
	struct stat st;

	/* Not the one of a process that has taken our place. */
	if (server->socket_path && lstat(server->socket_path, &st) == 0 &&
		st.st_dev == server->socket_stat.st_dev && st.st_ino == server->socket_stat.st_ino)
		unlink(server->socket_path);
}

int tr_http_listen_open(struct tr_http_server *server, int *ret_fd, unsigned *ret_flags)
{
	*ret_flags = 0;
	return server->settings.socket_path ? listen_at_path(server, ret_fd)
					    : listen_at_address(server, ret_fd, ret_flags);
}
