#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS 16

struct pair {
	int client, server; /* -1: none */
	bool is_greeted;
};

struct relay {
	int listener, wake, port, target;
	pthread_t thread;
	pthread_mutex_t lock;

	/* under `lock` */
	enum relay_mode mode;
	bool is_ending, is_breaking;
	unsigned count;
	char heard[16384];

	/* the thread's */
	struct pair pairs[PAIRS];
};

static const char header[] = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
			     "xmlns:stream='http://etherx.jabber.org/streams' id='x' version='1.0' "
			     "from='auth.meet.test'>";
static const char mechanisms[] =
	"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
	"</mechanisms></stream:features>";
static const char starttls[] =
	"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
	"</stream:features>";
static const char proceed[] = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

static void end_pair(struct pair *pair)
{
	if (pair->client >= 0)
		close(pair->client);
	if (pair->server >= 0)
		close(pair->server);
	*pair = (struct pair){-1, -1, false};
}

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return;
}

static enum relay_mode mode_of(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	enum relay_mode mode = relay->mode;
	pthread_mutex_unlock(&relay->lock);
	return mode;
}

static void take_client(struct relay *relay)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)relay->target)};
	int client = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
	struct pair *pair = NULL;

	for (unsigned i = 0; i < PAIRS && !pair; i++)
		pair = relay->pairs[i].client < 0 ? &relay->pairs[i] : NULL;
	if (client < 0 || !pair) {
		if (client >= 0)
			close(client);
		return;
	}
	pthread_mutex_lock(&relay->lock);
	relay->count++;
	pthread_mutex_unlock(&relay->lock);
	pair->client = client;
	if (mode_of(relay) != RELAY_PASS)
		return;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	pair->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(pair->server, (struct sockaddr *)&address, sizeof(address)) < 0)
		end_pair(pair);
}

static void play(struct relay *relay, struct pair *pair, const char *words)
{
	bool is_silent = mode_of(relay) == RELAY_SILENT;
	char text[1024];

	pthread_mutex_lock(&relay->lock);
	size_t used = strlen(relay->heard);
	snprintf(relay->heard + used, sizeof(relay->heard) - used, "%s", words);
	pthread_mutex_unlock(&relay->lock);
	if (!pair->is_greeted && strstr(words, "<stream:stream")) {
		pair->is_greeted = true;
		snprintf(text, sizeof(text), "%s<stream:features>%s", header,
			is_silent ? starttls : mechanisms);
		say(pair->client, text);
	} else if (is_silent && strstr(words, "<starttls")) {
		say(pair->client, proceed);
	}
}

static void pass(struct relay *relay, struct pair *pair, bool is_from_client)
{
	char bytes[16384];
	int from = is_from_client ? pair->client : pair->server;
	int to = is_from_client ? pair->server : pair->client;

	ssize_t size = recv(from, bytes, sizeof(bytes) - 1, 0);
	if (size <= 0) {
		end_pair(pair);
		return;
	}
	bytes[size] = '\0';
	enum relay_mode mode = mode_of(relay);
	if (mode == RELAY_NO_TLS || mode == RELAY_SILENT)
		play(relay, pair, bytes);
	else if (mode == RELAY_PASS && to >= 0 &&
		 send(to, bytes, (size_t)size, MSG_NOSIGNAL) != size)
		end_pair(pair);
}

static void watch(struct relay *relay)
{
	struct pollfd fds[2 + 2 * PAIRS] = {
		{.fd = relay->wake, .events = POLLIN}, {.fd = relay->listener, .events = POLLIN}};
	uint64_t count;

	for (unsigned i = 0; i < PAIRS; i++) {
		fds[2 + 2 * i] = (struct pollfd){.fd = relay->pairs[i].client, .events = POLLIN};
		fds[3 + 2 * i] = (struct pollfd){.fd = relay->pairs[i].server, .events = POLLIN};
	}
	if (poll(fds, 2 + 2 * PAIRS, -1) < 0)
		return;
	if (fds[0].revents && read(relay->wake, &count, sizeof(count)) < 0)
		return;
	for (unsigned i = 0; i < PAIRS; i++) {
		if (fds[2 + 2 * i].revents && relay->pairs[i].client >= 0)
			pass(relay, &relay->pairs[i], true);
		if (fds[3 + 2 * i].revents && relay->pairs[i].server >= 0)
			pass(relay, &relay->pairs[i], false);
	}
	if (fds[1].revents)
		take_client(relay);
}

static void *run(void *user)
{
	struct relay *relay = user;

	for (;;) {
		pthread_mutex_lock(&relay->lock);
		bool is_ending = relay->is_ending, is_breaking = relay->is_breaking;
		relay->is_breaking = false;
		pthread_mutex_unlock(&relay->lock);
		for (unsigned i = 0; i < PAIRS && (is_ending || is_breaking); i++)
			end_pair(&relay->pairs[i]);
		if (is_ending)
			return NULL;
		watch(relay);
	}
}

static void wake(struct relay *relay)
{
	uint64_t one = 1;

	if (write(relay->wake, &one, sizeof(one)) < 0)
		abort();
}

struct relay *relay_create(int port)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	relay->target = port;
	relay->wake = eventfd(0, EFD_CLOEXEC);
	relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(relay->listener, (struct sockaddr *)&address, size) < 0 ||
		listen(relay->listener, 8) < 0 ||
		getsockname(relay->listener, (struct sockaddr *)&address, &size) < 0)
		abort();
	relay->port = ntohs(address.sin_port);
	for (unsigned i = 0; i < PAIRS; i++)
		relay->pairs[i] = (struct pair){-1, -1, false};
	pthread_mutex_init(&relay->lock, NULL);
	if (pthread_create(&relay->thread, NULL, run, relay))
		abort();
	return relay;
}

void relay_destroy(struct relay *relay)
{
	if (!relay)
		return;
	pthread_mutex_lock(&relay->lock);
	relay->is_ending = true;
	pthread_mutex_unlock(&relay->lock);
	wake(relay);
	pthread_join(relay->thread, NULL);
	pthread_mutex_destroy(&relay->lock);
	close(relay->listener);
	close(relay->wake);
	free(relay);
}

int relay_port(const struct relay *relay)
{
	return relay->port;
}

void relay_set_mode(struct relay *relay, enum relay_mode mode)
{
	pthread_mutex_lock(&relay->lock);
	relay->mode = mode;
	pthread_mutex_unlock(&relay->lock);
}

void relay_break(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	relay->is_breaking = true;
	pthread_mutex_unlock(&relay->lock);
	wake(relay);
}

unsigned relay_count(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	unsigned count = relay->count;
	pthread_mutex_unlock(&relay->lock);
	return count;
}

int relay_has_heard(struct relay *relay, const char *words)
{
	pthread_mutex_lock(&relay->lock);
	int is_heard = strstr(relay->heard, words) != NULL;
	pthread_mutex_unlock(&relay->lock);
	return is_heard;
}
