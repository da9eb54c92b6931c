#include "test.h"

#include "control/http_server.h"
#include "control/webhooks.h"
#include "core/clock.h"
#include "core/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jwt.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_NS (60 * TR_NS_PER_S)
#define POSTS_MAX 400
#define SUBSCRIBERS_MAX 4

struct post {
	char path[200], token[4000], type[60], body[700];
};

/* Whoever listens: takes posts down, and answers as it is told. */
struct listener {
	struct tr_http_server *server;
	unsigned status; /* 0: never answers */
	unsigned count;
	struct post posts[POSTS_MAX];
};

static struct {
	sd_event *event;
	struct tr_webhooks *webhooks;
	struct tr_control_presence presence;
	char urls[SUBSCRIBERS_MAX][200];
	const char *subscribers[SUBSCRIBERS_MAX];
	struct tr_webhooks_settings settings;
	struct tr_webhook_token_settings token;
	char dir[100], key[140], file[140];
} node;

static struct listener one, two;

static void on_read(void *user, unsigned slot, struct tr_control_presence *ret)
{
	assert_int_equal(slot, 0);
	*ret = node.presence;
}

static const struct tr_control_actions actions = {.read = on_read};

static void on_request(struct tr_http_request *request, void *user)
{
	struct listener *listener = user;
	size_t size;
	const char *body = tr_http_request_body(request, &size);
	const char *token = tr_http_request_header(request, "Authorization");

	assert_true(listener->count < POSTS_MAX);
	struct post *post = &listener->posts[listener->count++];
	assert_string_equal(tr_http_request_method(request), "POST");
	snprintf(post->path, sizeof(post->path), "%s", tr_http_request_path(request));
	snprintf(post->body, sizeof(post->body), "%.*s", (int)size, body);
	snprintf(post->token, sizeof(post->token), "%s", token ? token : "");
	snprintf(post->type, sizeof(post->type), "%s",
		tr_http_request_header(request, "Content-Type"));
	if (listener->status)
		tr_http_request_answer(request, listener->status, "text/plain", "thanks");
}

static void listen_at(
	struct listener *listener, unsigned status, const char *certificate, const char *key)
{
	const struct tr_http_server_settings settings = {.bind = "127.0.0.1",
		.body_max = 100000,
		.certificate = certificate,
		.key = key,
		.handle = on_request,
		.user = listener};

	listener->status = status;
	listener->count = 0;
	assert_int_equal(tr_http_server_create(node.event, &settings, &listener->server), 0);
}

static void subscribe(const char *scheme, const char *host, int port, const char *rest)
{
	unsigned i = node.settings.subscriber_count++;

	snprintf(node.urls[i], sizeof(node.urls[i]), "%s://%s:%d%s", scheme, host, port, rest);
	node.subscribers[i] = node.urls[i];
}

static void subscribe_listener(const struct listener *listener)
{
	subscribe("http", "127.0.0.1", tr_http_server_port(listener->server), "/hooks");
}

static int start(void **state)
{
	memset(&node, 0, sizeof(node));
	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	assert_true(sd_event_new(&node.event) >= 0);
	node.presence = (struct tr_control_presence){.busy = TR_CONTROL_IDLE, .is_healthy = true};
	node.settings = (struct tr_webhooks_settings){.id = "jibri-1",
		.subscribers = node.subscribers,
		.timeout_ms = 20000,
		.retry_for_ms = 600000,
		.retry_after_ms = 10,
		.ca_file = ""};
	strcpy(node.dir, "/tmp/telerec-test-webhooks-XXXXXX");
	assert_non_null(mkdtemp(node.dir));
	snprintf(node.key, sizeof(node.key), "%s/key.pem", node.dir);
	snprintf(node.file, sizeof(node.file), "%s/file.pem", node.dir);
	return 0;
}

static int stop(void **state)
{
	tr_webhooks_destroy(node.webhooks);
	tr_http_server_destroy(one.server);
	tr_http_server_destroy(two.server);
	sd_event_unref(node.event);
	tr_file_remove_tree(node.dir);
	return 0;
}

static void create(void)
{
	assert_int_equal(
		tr_webhooks_create(node.event, &node.settings, &actions, &node.webhooks), 0);
}

static void turn_until(const unsigned *count, unsigned least)
{
	int64_t end_ns = tr_clock_now_ns() + PATIENCE_NS;

	while (*count < least) {
		if (tr_clock_now_ns() > end_ns)
			fail_msg("waited in vain for %u, there are %u", least, *count);
		sd_event_run(node.event, 100000);
	}
}

static struct tr_webhooks_count count_of(unsigned index)
{
	struct tr_webhooks_count count;

	tr_webhooks_read(node.webhooks, index, &count);
	return count;
}

static void turn_until_sent(unsigned index, unsigned least)
{
	int64_t end_ns = tr_clock_now_ns() + PATIENCE_NS;

	while (count_of(index).sent < least) {
		assert_true(tr_clock_now_ns() < end_ns);
		sd_event_run(node.event, 100000);
	}
}

static void tell(enum tr_event_type type, const char *session_id)
{
	const struct tr_event event = {.type = type,
		.session_id = session_id,
		.room = "",
		.environment = "",
		.state = "",
		.sentence = ""};

	tr_webhooks_tell(&event, node.webhooks);
}

static bool has(const struct listener *listener, unsigned index, const char *part)
{
	return strstr(listener->posts[index].body, part) != NULL;
}

static void the_state_is_told_at_once_and_at_each_change(void **state)
{
	listen_at(&one, 200, NULL, NULL);
	subscribe_listener(&one);
	create();
	turn_until_sent(0, 1);
	assert_string_equal(one.posts[0].path, "/hooks/v1/status");
	assert_string_equal(one.posts[0].type, "application/json");
	assert_string_equal(one.posts[0].token, "");
	assert_true(has(&one, 0, "{\"jibriId\":\"jibri-1\",\"status\":{\"busyStatus\":\"IDLE\""));
	tell(TR_EVENT_SLOT, ""); /* nothing that a subscriber sees */
	tell(TR_EVENT_ON, "s1");
	turn_until_sent(0, 2);
	assert_true(has(&one, 1, "\"sessionId\":\"s1\",\"status\":\"ON\""));
	node.presence.busy = TR_CONTROL_WORKING;
	tell(TR_EVENT_SLOT, "");
	turn_until_sent(0, 3);
	assert_true(has(&one, 2, "\"busyStatus\":\"BUSY\""));
	assert_int_equal(one.count, 3);
}

static void the_state_is_told_again_and_again(void **state)
{
	listen_at(&one, 200, NULL, NULL);
	subscribe_listener(&one);
	node.settings.interval_ms = 20;
	create();
	turn_until_sent(0, 3);
	assert_string_equal(one.posts[2].body, one.posts[0].body);
}

static void a_slash_at_the_end_of_a_base_is_not_doubled(void **state)
{
	listen_at(&one, 200, NULL, NULL);
	subscribe("http", "127.0.0.1", tr_http_server_port(one.server), "/a//");
	create();
	turn_until_sent(0, 1);
	assert_string_equal(one.posts[0].path, "/a/v1/status");
}

static void all_sessions_are_told_in_order(void **state)
{
	listen_at(&one, 200, NULL, NULL);
	subscribe_listener(&one);
	create();
	turn_until_sent(0, 1);
	for (unsigned i = 0; i < 20; i++) {
		char id[16];
		snprintf(id, sizeof(id), "s%u.", i / 2);
		tell(i % 2 ? TR_EVENT_ENDED : TR_EVENT_ON, id);
	}
	turn_until_sent(0, 21);
	for (unsigned i = 0; i < 20; i++) {
		char part[60];
		snprintf(part, sizeof(part), "\"sessionId\":\"s%u.\",\"status\":\"%s\"", i / 2,
			i % 2 ? "OFF" : "ON");
		assert_string_equal(one.posts[1 + i].path, "/hooks/v1/session/status");
		assert_true(has(&one, 1 + i, part));
	}
}

/* A port of 127.0.0.1 that refuses: bound, but nobody listens. */
static int refuse_at(int *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void who_is_silent_or_refuses_holds_up_nobody_else(void **state)
{
	int port;
	int fd = refuse_at(&port);

	listen_at(&one, 0, NULL, NULL);
	listen_at(&two, 200, NULL, NULL);
	subscribe_listener(&one);
	subscribe("http", "127.0.0.1", port, "");
	subscribe("http", "no-such-host.invalid", 80, "");
	subscribe_listener(&two);
	create();
	int64_t start_ns = tr_clock_now_ns();
	for (unsigned i = 0; i < 10; i++)
		tell(TR_EVENT_ON, "s1");
	turn_until_sent(3, 11);
	/* The silent one's 20 s are not over. */
	assert_true(tr_clock_now_ns() - start_ns < 15 * TR_NS_PER_S);
	assert_int_equal(count_of(0).sent + count_of(1).sent + count_of(2).sent, 0);
	close(fd);
}

static void who_is_silent_is_given_up_after_its_time(void **state)
{
	listen_at(&one, 0, NULL, NULL);
	subscribe_listener(&one);
	node.settings.timeout_ms = 100;
	create();
	turn_until(&one.count, 3); /* and tried again */
	one.status = 200;
	turn_until_sent(0, 1);
}

static void what_was_not_taken_comes_later_and_in_order(void **state)
{
	listen_at(&one, 500, NULL, NULL);
	subscribe_listener(&one);
	create();
	turn_until(&one.count, 1);
	tell(TR_EVENT_ON, "s1");
	tell(TR_EVENT_ENDED, "s1");
	turn_until(&one.count, 4);
	one.status = 200;
	one.count = 0;
	turn_until_sent(0, 3);
	assert_int_equal(one.count, 3);
	assert_true(has(&one, 0, "busyStatus"));
	assert_true(has(&one, 1, "\"ON\""));
	assert_true(has(&one, 2, "\"OFF\""));
}

static void of_states_only_the_newest_waits(void **state)
{
	listen_at(&one, 500, NULL, NULL);
	subscribe_listener(&one);
	create();
	turn_until(&one.count, 1);
	for (unsigned i = 0; i < 30; i++) {
		node.presence.busy = i % 2 ? TR_CONTROL_IDLE : TR_CONTROL_WORKING;
		tell(TR_EVENT_NODE, "");
		sd_event_run(node.event, 1000);
	}
	node.presence.busy = TR_CONTROL_EXPIRED;
	tell(TR_EVENT_NODE, "");
	turn_until(&one.count, one.count + 1);
	assert_true(count_of(0).waiting <= 2); /* one may be under way */
	one.status = 200;
	turn_until_sent(0, 1);
	while (count_of(0).waiting > 0)
		sd_event_run(node.event, 10000);
	assert_true(has(&one, one.count - 1, "EXPIRED"));
}

static void who_does_not_want_it_gets_it_once(void **state)
{
	listen_at(&one, 404, NULL, NULL);
	subscribe_listener(&one);
	create();
	turn_until(&one.count, 1);
	tell(TR_EVENT_ON, "s1");
	turn_until(&one.count, 2);
	one.status = 200;
	tell(TR_EVENT_ENDED, "s1");
	turn_until_sent(0, 1);
	assert_int_equal(one.count, 3);
	assert_true(has(&one, 2, "\"OFF\""));
	assert_int_equal(count_of(0).dropped, 2);
}

static void a_redirection_is_not_followed(void **state)
{
	listen_at(&one, 302, NULL, NULL);
	subscribe_listener(&one);
	create();
	turn_until(&one.count, 1);
	while (count_of(0).dropped < 1)
		sd_event_run(node.event, 10000);
	assert_int_equal(one.count, 1);
}

static void it_is_given_up_after_a_while(void **state)
{
	listen_at(&one, 503, NULL, NULL);
	subscribe_listener(&one);
	node.settings.retry_for_ms = 1;
	create();
	turn_until(&one.count, 1);
	tell(TR_EVENT_ON, "s1");
	while (count_of(0).waiting > 0)
		sd_event_run(node.event, 10000);
	assert_int_equal(count_of(0).sent, 0);
	assert_true(count_of(0).dropped >= 2);
}

static void what_waits_is_bounded(void **state)
{
	int port;
	int fd = refuse_at(&port);

	subscribe("http", "127.0.0.1", port, "");
	create();
	for (unsigned i = 0; i < 1000; i++)
		tell(TR_EVENT_ON, "s1");
	assert_int_equal(count_of(0).waiting, 100);
	assert_int_equal(count_of(0).dropped, 900);
	close(fd);
}

/* ---- tokens ---- */

static bool run(const char *command)
{
	return system(command) == 0;
}

static void make_key(const char *words)
{
	char command[600];

	snprintf(command, sizeof(command),
		"cd %s && openssl genrsa %s -out key.pem 2048 2>err && "
		"openssl rsa -in key.pem -pubout -out pub.pem 2>err",
		node.dir, words);
	if (!run(command))
		skip();
	node.token = (struct tr_webhook_token_settings){.key_file = node.key,
		.key_id = "key-7",
		.issuer = "recorders",
		.audience = "hooks",
		.lifetime_s = 3600};
}

/* By another hand than ours: openssl checks the signature. */
static void assert_signature(const char *text)
{
	char command[900], path[160];
	const char *dot = strrchr(text, '.');

	assert_non_null(dot);
	snprintf(path, sizeof(path), "%s/signed", node.dir);
	FILE *file = fopen(path, "w");
	fwrite(text, (size_t)(dot - text), 1, file);
	fclose(file);
	snprintf(path, sizeof(path), "%s/b64", node.dir);
	file = fopen(path, "w");
	fputs(dot + 1, file);
	fclose(file);
	snprintf(command, sizeof(command),
		"cd %s && (tr -- -_ +/ <b64; printf '==') | tr -d '\\n' | head -c 344 | "
		"openssl base64 -d -A >sig && "
		"openssl dgst -sha256 -verify pub.pem -signature sig signed >/dev/null",
		node.dir);
	assert_true(run(command));
}

static void assert_token(const char *header, int64_t least_s)
{
	TR_CLEANUP(tr_freep) char *public_key = NULL;
	char path[160];
	jwt_t *jwt = NULL;
	size_t size;

	assert_memory_equal(header, "Bearer ", 7);
	snprintf(path, sizeof(path), "%s/pub.pem", node.dir);
	assert_int_equal(tr_file_read(AT_FDCWD, path, 10000, &public_key, &size), 0);
	assert_int_equal(jwt_decode(&jwt, header + 7, (unsigned char *)public_key, (int)size), 0);
	assert_int_equal(jwt_get_alg(jwt), JWT_ALG_RS256);
	assert_string_equal(jwt_get_header(jwt, "kid"), "key-7");
	assert_string_equal(jwt_get_grant(jwt, "iss"), "recorders");
	char *audience = jwt_get_grants_json(jwt, "aud");
	assert_string_equal(audience, "[\"hooks\"]");
	free(audience);
	char *claims = jwt_get_grants_json(jwt, NULL);
	assert_null(strstr(claims, "\"iat\""));
	assert_null(strstr(claims, "\"sub\""));
	free(claims);
	assert_true(jwt_get_grant_int(jwt, "exp") >= least_s);
	assert_true(jwt_get_grant_int(jwt, "exp") <= least_s + 600);
	jwt_free(jwt);
	assert_signature(header + 7);
}

static void a_token_goes_with_every_request(void **state)
{
	int64_t now_s = tr_clock_wall_ns() / TR_NS_PER_S;

	make_key("-traditional");
	listen_at(&one, 200, NULL, NULL);
	subscribe_listener(&one);
	node.settings.token = &node.token;
	create();
	turn_until_sent(0, 1);
	assert_token(one.posts[0].token, now_s + 3600);
	/* Each is made for its request: a second later it lives a second longer. */
	now_s = tr_clock_wall_ns() / TR_NS_PER_S;
	while (tr_clock_wall_ns() / TR_NS_PER_S <= now_s)
		sd_event_run(node.event, 100000);
	tell(TR_EVENT_ON, "s1");
	turn_until_sent(0, 2);
	assert_token(one.posts[one.count - 1].token, now_s + 3600);
	assert_string_not_equal(one.posts[0].token, one.posts[one.count - 1].token);
}

static void a_key_in_the_newer_form_is_taken_and_short_lives_are_raised(void **state)
{
	int64_t now_s = tr_clock_wall_ns() / TR_NS_PER_S;

	make_key("");
	node.token.lifetime_s = 5;
	listen_at(&one, 200, NULL, NULL);
	subscribe_listener(&one);
	node.settings.token = &node.token;
	create();
	turn_until_sent(0, 1);
	assert_token(one.posts[0].token, now_s + 600);
}

static void what_is_no_key_is_refused_at_the_start(void **state)
{
	make_key("");
	node.settings.token = &node.token;
	node.token.key_file = "/nonexistent/key.pem";
	assert_int_equal(
		tr_webhooks_create(node.event, &node.settings, &actions, &node.webhooks), -ENOENT);
	FILE *file = fopen(node.file, "w");
	fputs("no key", file);
	fclose(file);
	node.token.key_file = node.file;
	assert_int_equal(
		tr_webhooks_create(node.event, &node.settings, &actions, &node.webhooks), -EINVAL);
}

/* ---- TLS ---- */

static char *read_text(const char *name)
{
	char path[160];
	char *text = NULL;
	size_t size;

	snprintf(path, sizeof(path), "%s/%s", node.dir, name);
	assert_int_equal(tr_file_read(AT_FDCWD, path, 20000, &text, &size), 0);
	return text;
}

static void listen_with_tls(void)
{
	char command[600];

	snprintf(command, sizeof(command),
		"cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.crt "
		"-days 3 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>err",
		node.dir);
	if (!run(command))
		skip();
	TR_CLEANUP(tr_freep) char *certificate = read_text("tls.crt");
	TR_CLEANUP(tr_freep) char *key = read_text("tls.key");
	listen_at(&one, 200, certificate, key);
}

static void a_certificate_that_nobody_vouches_for_is_refused(void **state)
{
	listen_with_tls();
	subscribe("https", "localhost", tr_http_server_port(one.server), "");
	create();
	while (count_of(0).failed < 2)
		sd_event_run(node.event, 10000);
	assert_int_equal(one.count, 0);
}

static void a_private_authority_can_be_trusted(void **state)
{
	char path[160];

	listen_with_tls();
	subscribe("https", "localhost", tr_http_server_port(one.server), "");
	snprintf(path, sizeof(path), "%s/tls.crt", node.dir);
	node.settings.ca_file = path;
	create();
	turn_until_sent(0, 1);
	assert_string_equal(one.posts[0].path, "/v1/status");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_state_is_told_at_once_and_at_each_change),
		TEST(the_state_is_told_again_and_again),
		TEST(a_slash_at_the_end_of_a_base_is_not_doubled),
		TEST(all_sessions_are_told_in_order),
		TEST(who_is_silent_or_refuses_holds_up_nobody_else),
		TEST(who_is_silent_is_given_up_after_its_time),
		TEST(what_was_not_taken_comes_later_and_in_order),
		TEST(of_states_only_the_newest_waits),
		TEST(who_does_not_want_it_gets_it_once),
		TEST(a_redirection_is_not_followed),
		TEST(it_is_given_up_after_a_while),
		TEST(what_waits_is_bounded),
		TEST(a_token_goes_with_every_request),
		TEST(a_key_in_the_newer_form_is_taken_and_short_lives_are_raised),
		TEST(what_is_no_key_is_refused_at_the_start),
		TEST(a_certificate_that_nobody_vouches_for_is_refused),
		TEST(a_private_authority_can_be_trusted),
	};
	return cmocka_run_group_tests_name("webhooks", tests, NULL, NULL);
}
