#define TR_LOG_AREA "statsd"

#include "control/statsd.h"

#include "control/xmpp.h"
#include "core/clock.h"
#include "core/log.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define LOOK_UP_AGAIN_NS (300 * TR_NS_PER_S)
#define AFTER_FAILURE_NS (10 * TR_NS_PER_S)
#define CANCEL_MS 3000
#define LINKS_MAX 257 /* connections are numbered from 1 */

struct link {
	bool was_up;
	unsigned reconnects;
};

/* Apart, because a look-up that cannot be ended outlives us. */
struct look_up {
	struct gaicb request;
	char host[256];
	char port[8];
};

struct tr_statsd {
	int fd; /* connected, or -1 */
	struct look_up *look_up;
	bool is_looking;
	bool was_failure_said;
	int64_t next_ns; /* when to look again */
	struct link links[LINKS_MAX];
};

/* ---- the server's address ---- */

static void begin_look_up(struct tr_statsd *statsd, int64_t now_ns)
{
	static const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	struct look_up *look_up = statsd->look_up;
	struct gaicb *list[] = {&look_up->request};

	look_up->request = (struct gaicb){
		.ar_name = look_up->host, .ar_service = look_up->port, .ar_request = &hints};
	statsd->is_looking = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) == 0;
	statsd->next_ns = now_ns + (statsd->is_looking ? LOOK_UP_AGAIN_NS : AFTER_FAILURE_NS);
}

static int connect_by(const struct addrinfo *first, bool is_ipv4)
{
	for (const struct addrinfo *at = first; at; at = at->ai_next) {
		if ((at->ai_family == AF_INET) != is_ipv4)
			continue;
		TR_CLEANUP(tr_closep)
		int fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0)
			return tr_take_fd(&fd);
	}
	return -EHOSTUNREACH;
}

/* IPv4 first, as Jibri's client: with UDP nobody learns that a server listens only there, and on
 * Debian 13 "localhost" is both. */
static int connect_to(const struct addrinfo *first)
{
	int fd = connect_by(first, true);

	return fd >= 0 ? fd : connect_by(first, false);
}

static void take_answer(struct tr_statsd *statsd, int error, int64_t now_ns)
{
	struct look_up *look_up = statsd->look_up;
	int fd = error == 0 ? connect_to(look_up->request.ar_result) : -EHOSTUNREACH;

	statsd->is_looking = false;
	if (error == 0)
		freeaddrinfo(look_up->request.ar_result);
	if (fd >= 0) {
		tr_closep(&statsd->fd);
		statsd->fd = fd;
		statsd->was_failure_said = false;
		return;
	}
	statsd->next_ns = now_ns + AFTER_FAILURE_NS;
	if (!statsd->was_failure_said)
		tr_warning("%s: %s; counts are lost until that is better", look_up->host,
			error ? gai_strerror(error) : strerror(EHOSTUNREACH));
	statsd->was_failure_said = true;
}

static void find_server(struct tr_statsd *statsd)
{
	int64_t now_ns = tr_clock_now_ns();

	if (!statsd->is_looking && now_ns >= statsd->next_ns)
		begin_look_up(statsd, now_ns);
	if (!statsd->is_looking)
		return;
	int error = gai_error(&statsd->look_up->request);
	if (error != EAI_INPROGRESS)
		take_answer(statsd, error, now_ns);
}

/* ---- counts ---- */

static void count(struct tr_statsd *statsd, const char *name, const char *tag)
{
	char line[400];
	int length = snprintf(line, sizeof(line), "jibri.%s:1|c|#%s", name, tag);

	/* A refusal by ICMP comes as an error of a later send: that one is tried once more. */
	if (statsd->fd >= 0 && length > 0 && (size_t)length < sizeof(line) &&
		send(statsd->fd, line, (size_t)length, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
		(void)!send(statsd->fd, line, (size_t)length, MSG_NOSIGNAL);
}

static void count_link(struct tr_statsd *statsd, const struct tr_xmpp_link *link)
{
	bool is_up = link->state >= TR_XMPP_JOINING;
	char tag[sizeof(link->entry) + 20];

	if (link->connection >= LINKS_MAX)
		return;
	struct link *known = &statsd->links[link->connection];
	bool was_away = link->reconnects != known->reconnects; /* since the last look */
	snprintf(tag, sizeof(tag), "xmpp_server_host:%s", link->entry);
	if (known->was_up && (!is_up || was_away)) {
		count(statsd, link->problem[0] ? "xmpp-closed-on-error" : "xmpp-closed", tag);
		count(statsd, "xmpp-reconnecting", tag);
	}
	if (is_up && (!known->was_up || was_away))
		count(statsd, "xmpp-connected", tag);
	known->was_up = is_up;
	known->reconnects = link->reconnects;
}

void tr_statsd_tell(const struct tr_event *event, void *user)
{
	struct tr_statsd *statsd = user;
	const char *tag = event->kind == TR_CONTROL_STREAM ? "live_stream" : "recording";

	find_server(statsd);
	switch (event->type) {
	case TR_EVENT_ACCEPTED:
		count(statsd, "start", tag);
		break;
	case TR_EVENT_REFUSED:
		if (event->answer == TR_CONTROL_BUSY)
			count(statsd, "busy", tag);
		break;
	case TR_EVENT_ENDED:
		if (event->is_failure)
			count(statsd, "error", tag);
		count(statsd, "stop", tag);
		break;
	case TR_EVENT_LINK:
		if (event->link)
			count_link(statsd, event->link);
		break;
	default:
		break;
	}
}

/* ---- life ---- */

int tr_statsd_create(const char *host, int port, struct tr_statsd **ret_statsd)
{
	TR_CLEANUP(tr_statsd_destroyp) struct tr_statsd *statsd = calloc(1, sizeof(*statsd));
	if (!statsd)
		return -ENOMEM;
	statsd->fd = -1;
	statsd->look_up = calloc(1, sizeof(*statsd->look_up));
	if (!statsd->look_up)
		return -ENOMEM;
	snprintf(statsd->look_up->host, sizeof(statsd->look_up->host), "%s", host);
	snprintf(statsd->look_up->port, sizeof(statsd->look_up->port), "%d", port);
	begin_look_up(statsd, tr_clock_now_ns());
	*ret_statsd = tr_take(statsd);
	return 0;
}

/* True when the C library is done with it. */
static bool end_look_up(struct look_up *look_up)
{
	const struct gaicb *list[] = {&look_up->request};
	const struct timespec most = {.tv_sec = CANCEL_MS / 1000};

	if (gai_cancel(&look_up->request) == EAI_NOTCANCELED)
		gai_suspend(list, 1, &most);
	int error = gai_error(&look_up->request);
	if (error == 0)
		freeaddrinfo(look_up->request.ar_result);
	return error != EAI_INPROGRESS;
}

void tr_statsd_destroy(struct tr_statsd *statsd)
{
	if (!statsd)
		return;
	if (!statsd->is_looking || end_look_up(statsd->look_up))
		free(statsd->look_up);
	tr_closep(&statsd->fd);
	free(statsd);
}
