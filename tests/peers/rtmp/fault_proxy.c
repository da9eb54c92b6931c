#include "peers/rtmp/fault_proxy.h"

#include "core/cleanup.h"
#include "core/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_PAIRS 8
#define BUFFER_SIZE 16384
#define SOCKET_BUFFER 16384 /* so that not much disappears in the kernel */
#define SEGMENT 1448	    /* of a real network; a loopback's is larger than the window here */
#define TICK_MS 10

struct pair {
	int client, server; /* -1: none */
	bool was_in_hole;
};

struct fault_proxy {
	int listener, port, to_port;
	pthread_t thread;
	atomic_int mode, bytes_per_second;
	atomic_bool stops;
	int64_t allowance_ns; /* when the allowance was last filled */
	int64_t allowance;    /* bytes that may pass now */
	struct pair pairs[MAX_PAIRS];
};

static void need(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "no fault proxy: %s (%s)\n", what, strerror(errno));
	abort();
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void reset_one(int *fd)
{
	struct linger at_once = {1, 0};

	if (*fd < 0)
		return;
	setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(*fd);
	*fd = -1;
}

static void end_pair(struct pair *pair, bool is_reset)
{
	if (is_reset) {
		reset_one(&pair->client);
		reset_one(&pair->server);
	} else {
		close(pair->client);
		close(pair->server);
		pair->client = pair->server = -1;
	}
	pair->was_in_hole = false;
}

static void accept_one(struct fault_proxy *proxy)
{
	struct sockaddr_in address = loopback(proxy->to_port);
	int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);

	if (client < 0)
		return;
	for (unsigned i = 0; i < MAX_PAIRS; i++) {
		struct pair *pair = &proxy->pairs[i];
		if (pair->client >= 0)
			continue;
		*pair = (struct pair){
			client, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), false};
		if (connect(pair->server, (struct sockaddr *)&address, sizeof(address)) < 0)
			end_pair(pair, true);
		return;
	}
	close(client);
}

/* What is there now, at most `limit` bytes. How many, or -1 at the end of the connection. */
static ssize_t pass(int from, int to, size_t limit)
{
	char buffer[BUFFER_SIZE];
	struct pollfd readable = {from, POLLIN, 0};

	if (limit == 0 || poll(&readable, 1, 0) <= 0)
		return 0;
	ssize_t size = recv(from, buffer, limit < sizeof(buffer) ? limit : sizeof(buffer), 0);
	if (size <= 0 || send(to, buffer, (size_t)size, MSG_NOSIGNAL) != size)
		return -1;
	return size;
}

static size_t allowance(struct fault_proxy *proxy, enum fault_proxy_mode mode)
{
	int64_t now_ns = tr_clock_now_ns();
	int64_t rate = atomic_load(&proxy->bytes_per_second);

	if (mode != FAULT_PROXY_SLOW)
		return BUFFER_SIZE;
	proxy->allowance += (now_ns - proxy->allowance_ns) * rate / TR_NS_PER_S;
	if (proxy->allowance > rate / 10)
		proxy->allowance = rate / 10;
	proxy->allowance_ns = now_ns;
	return (size_t)proxy->allowance;
}

static bool serve_pair(struct fault_proxy *proxy, struct pair *pair, enum fault_proxy_mode mode)
{
	if (mode == FAULT_PROXY_HOLE) {
		pair->was_in_hole = true;
		return false;
	}
	if (mode == FAULT_PROXY_CUT || pair->was_in_hole) {
		end_pair(pair, true);
		return false;
	}
	ssize_t up = pass(pair->client, pair->server, allowance(proxy, mode));
	ssize_t down = up < 0 ? -1 : pass(pair->server, pair->client, BUFFER_SIZE);
	if (up < 0 || down < 0) {
		end_pair(pair, false);
		return false;
	}
	proxy->allowance -= mode == FAULT_PROXY_SLOW ? up : 0;
	return up > 0 || down > 0;
}

static void wait_for_work(struct fault_proxy *proxy, enum fault_proxy_mode mode)
{
	struct pollfd fds[1 + 2 * MAX_PAIRS];
	nfds_t count = 0;

	if (mode == FAULT_PROXY_FORWARD) {
		fds[count++] = (struct pollfd){proxy->listener, POLLIN, 0};
		for (unsigned i = 0; i < MAX_PAIRS; i++) {
			if (proxy->pairs[i].client < 0)
				continue;
			fds[count++] = (struct pollfd){proxy->pairs[i].client, POLLIN, 0};
			fds[count++] = (struct pollfd){proxy->pairs[i].server, POLLIN, 0};
		}
	}
	poll(fds, count, TICK_MS);
}

static void *run(void *user)
{
	struct fault_proxy *proxy = user;

	while (!atomic_load(&proxy->stops)) {
		enum fault_proxy_mode mode = (enum fault_proxy_mode)atomic_load(&proxy->mode);
		struct pollfd waiting = {proxy->listener, POLLIN, 0};
		bool has_moved = false;
		if (mode != FAULT_PROXY_HOLE && poll(&waiting, 1, 0) > 0)
			accept_one(proxy);
		for (unsigned i = 0; i < MAX_PAIRS; i++)
			if (proxy->pairs[i].client >= 0)
				has_moved |= serve_pair(proxy, &proxy->pairs[i], mode);
		if (!has_moved)
			wait_for_work(proxy, mode);
	}
	for (unsigned i = 0; i < MAX_PAIRS; i++)
		end_pair(&proxy->pairs[i], true);
	return NULL;
}

struct fault_proxy *fault_proxy_create(int to_port)
{
	struct fault_proxy *proxy = calloc(1, sizeof(*proxy));
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int small = SOCKET_BUFFER, segment = SEGMENT;

	need(proxy, "memory");
	proxy->to_port = to_port;
	for (unsigned i = 0; i < MAX_PAIRS; i++)
		proxy->pairs[i] = (struct pair){-1, -1, false};
	proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(proxy->listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	setsockopt(proxy->listener, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	need(bind(proxy->listener, (struct sockaddr *)&address, size) == 0 &&
			listen(proxy->listener, 16) == 0 &&
			getsockname(proxy->listener, (struct sockaddr *)&address, &size) == 0,
		"no port");
	proxy->port = ntohs(address.sin_port);
	need(pthread_create(&proxy->thread, NULL, run, proxy) == 0, "no thread");
	return proxy;
}

void fault_proxy_destroy(struct fault_proxy *proxy)
{
	atomic_store(&proxy->stops, true);
	pthread_join(proxy->thread, NULL);
	close(proxy->listener);
	free(proxy);
}

int fault_proxy_port(const struct fault_proxy *proxy)
{
	return proxy->port;
}

void fault_proxy_set(struct fault_proxy *proxy, enum fault_proxy_mode mode, int bytes_per_second)
{
	atomic_store(&proxy->bytes_per_second, bytes_per_second);
	atomic_store(&proxy->mode, (int)mode);
}
