/*
 * telerec-test-focus: the conference focus of the test meetings, an external component of an XMPP
 * server. It lets everybody into any room, and is strict: any other stanza than the request for a
 * conference is answered with an error, said on standard error, and makes the exit code 1.
 *
 * Prints "ready" when the server took it, then a line "conference ROOM for JID" for each request.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define FOCUS_NS "http://jitsi.org/protocol/focus"
#define TURN_MS 100

struct focus {
	xmpp_ctx_t *context;
	unsigned surprises;
	bool is_lost;
	bool is_ending;
};

static void say_surprise(struct focus *focus, xmpp_stanza_t *stanza)
{
	char *text = NULL;
	size_t length = 0;

	focus->surprises++;
	if (xmpp_stanza_to_text(stanza, &text, &length) == XMPP_EOK) {
		fprintf(stderr, "unexpected: %s\n", text);
		xmpp_free(focus->context, text);
	}
}

/* The child <conference room='...'>, or NULL when this is no request for one. */
static xmpp_stanza_t *requested_conference(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	if (strcmp(xmpp_stanza_get_name(stanza), "iq") || !type || strcmp(type, "set") ||
		!xmpp_stanza_get_id(stanza) || !xmpp_stanza_get_from(stanza))
		return NULL;
	xmpp_stanza_t *conference =
		xmpp_stanza_get_child_by_name_and_ns(stanza, "conference", FOCUS_NS);
	return conference && xmpp_stanza_get_attribute(conference, "room") ? conference : NULL;
}

static void answer_conference(
	struct focus *focus, xmpp_conn_t *connection, xmpp_stanza_t *request, const char *room)
{
	xmpp_stanza_t *reply = xmpp_stanza_reply(request);
	xmpp_stanza_t *conference = xmpp_stanza_new(focus->context);
	const char *me = xmpp_stanza_get_to(request);

	xmpp_stanza_set_type(reply, "result");
	xmpp_stanza_set_from(reply, me); /* a component has several addresses (XEP-0114) */
	xmpp_stanza_set_name(conference, "conference");
	xmpp_stanza_set_ns(conference, FOCUS_NS);
	xmpp_stanza_set_attribute(conference, "room", room);
	xmpp_stanza_set_attribute(conference, "ready", "true");
	xmpp_stanza_set_attribute(conference, "focusjid", me);
	xmpp_stanza_add_child(reply, conference);
	xmpp_send(connection, reply);
	xmpp_stanza_release(conference);
	xmpp_stanza_release(reply);
}

static int on_stanza(xmpp_conn_t *connection, xmpp_stanza_t *stanza, void *user)
{
	struct focus *focus = user;
	const char *type = xmpp_stanza_get_type(stanza);
	const char *name = xmpp_stanza_get_name(stanza);
	xmpp_stanza_t *conference = requested_conference(stanza);

	if (conference) {
		const char *room = xmpp_stanza_get_attribute(conference, "room");
		printf("conference %s for %s\n", room, xmpp_stanza_get_from(stanza));
		answer_conference(focus, connection, stanza, room);
		return 1;
	}
	say_surprise(focus, stanza);
	if (!strcmp(name, "iq") && type && (!strcmp(type, "get") || !strcmp(type, "set"))) {
		xmpp_stanza_t *error =
			xmpp_stanza_reply_error(stanza, "cancel", "service-unavailable", NULL);
		if (error) {
			xmpp_stanza_set_from(error, xmpp_stanza_get_to(stanza));
			xmpp_send(connection, error);
			xmpp_stanza_release(error);
		}
	}
	return 1;
}

static void on_connection(xmpp_conn_t *connection, xmpp_conn_event_t event, int error,
	xmpp_stream_error_t *stream_error, void *user)
{
	struct focus *focus = user;

	if (!focus)
		return;
	if (event == XMPP_CONN_CONNECT) {
		xmpp_handler_add(connection, on_stanza, NULL, NULL, NULL, focus);
		puts("ready");
		return;
	}
	if (focus->is_ending)
		return;
	focus->is_lost = true;
	fprintf(stderr, "the server is gone: %s%s%s\n", error ? strerror(error) : "closed",
		stream_error && stream_error->text ? ": " : "",
		stream_error && stream_error->text ? stream_error->text : "");
}

static int refuse_socket(xmpp_conn_t *connection, void *socket)
{
	(void)connection;
	(void)socket;
	return -1;
}

/*
 * libstrophe 0.12 reads the stream management state of every connection that gets a stanza, but
 * makes one for clients only, so that a component crashes: lend it that of a client which is never
 * connected.
 */
static void lend_stream_state(xmpp_ctx_t *context, xmpp_conn_t *connection)
{
	xmpp_conn_t *client = xmpp_conn_new(context);

	if (!client)
		return;
	xmpp_conn_set_jid(client, "nobody@localhost");
	xmpp_conn_set_sockopt_callback(client, refuse_socket);
	xmpp_connect_client(client, "127.0.0.1", 1, on_connection, NULL);
	xmpp_sm_state_t *state = xmpp_conn_get_sm_state(client);
	if (state)
		xmpp_conn_set_sm_state(connection, state);
	xmpp_conn_release(client);
}

static int serve(struct focus *focus, const char *domain, unsigned short port, const char *secret,
	int signals)
{
	struct signalfd_siginfo info;
	xmpp_conn_t *connection = xmpp_conn_new(focus->context);

	if (!connection)
		return -ENOMEM;
	lend_stream_state(focus->context, connection);
	xmpp_conn_set_jid(connection, domain);
	xmpp_conn_set_pass(connection, secret);
	if (xmpp_connect_component(connection, "127.0.0.1", port, on_connection, focus) != XMPP_EOK)
		focus->is_lost = true;
	while (!focus->is_lost && read(signals, &info, sizeof(info)) < 0)
		xmpp_run_once(focus->context, TURN_MS);
	focus->is_ending = true;
	xmpp_conn_release(connection);
	return focus->is_lost ? -ECONNRESET : 0;
}

int main(int argc, char **argv)
{
	struct focus focus = {0};
	sigset_t stop;

	if (argc != 4 || atoi(argv[2]) <= 0 || atoi(argv[2]) > 65535) {
		fputs("usage: telerec-test-focus DOMAIN PORT SECRET\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	int signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return 1;
	xmpp_initialize();
	focus.context = xmpp_ctx_new(NULL, NULL);
	int r = focus.context
			? serve(&focus, argv[1], (unsigned short)atoi(argv[2]), argv[3], signals)
			: -ENOMEM;
	if (focus.context)
		xmpp_ctx_free(focus.context);
	xmpp_shutdown();
	close(signals);
	return r < 0 || focus.surprises ? 1 : 0;
}
