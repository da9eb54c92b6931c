#include "control/xmpp.h"

#include <errno.h>

#include "control/xmpp_internal.h"
#include "control/xmpp_lines.h"
#include "core/clock.h"
#include "core/log.h"

#define TR_LOG_AREA "xmpp"
#define NEWS_AT_ONCE 32
#define QUIT_MS 2000

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tr_xmpp *xmpp = user;

	(void)source, (void)fd, (void)revents;
	for (unsigned i = 0; i < NEWS_AT_ONCE; i++) {
		TR_CLEANUP(tr_xmpp_news_destroyp)
		struct tr_xmpp_news *news = tr_xmpp_inbox_pop(xmpp->inbox);
		if (!news)
			break;
		tr_xmpp_take_news(xmpp, news);
	}
	return 0;
}

static int on_watch(sd_event_source *source, uint64_t now_us, void *user)
{
	struct tr_xmpp *xmpp = user;

	for (unsigned i = 0; i < xmpp->line_count; i++)
		tr_xmpp_stream_watch(xmpp->lines[i].stream, tr_clock_now_ns());
	int rc = sd_event_source_set_time(source, now_us + xmpp->watch_us);
	return rc < 0 ? rc : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- public ---- */

void tr_xmpp_waits_init(struct tr_xmpp_waits *waits)
{
	*waits = (struct tr_xmpp_waits){
		.login = 30000,
		.retry = 1000,
		/* Not the minute that is usual: a node is to be back within 30 s of its server. */
		.retry_max = 20000,
		.resume_retry_max = 2000,
		.refused = 30000,
		.refused_max = 300000,
		.conflict = 20000,
		.resume = 60000,
		.ping = 30000,
		.pong = 20000,
		.quit = 1500,
		.brewery =
			{
				.join = 15000,
				.retry = 15000,
				.retry_max = 60000,
				.kicked = 5000,
				.banned = 300000,
				.merged = 10000,
				.self_ping = 30000,
				.focus = 120000,
			},
	};
}

static int check(const struct tr_xmpp_settings *settings)
{
	if (settings->slots == 0)
		return tr_fail(-EINVAL, "no slots to show");
	for (unsigned i = 0; i < settings->server_count; i++) {
		struct tr_xmpp_server copy = {0};
		int rc = tr_xmpp_server_copy(&settings->servers[i], &copy);
		if (rc == 0)
			rc = tr_xmpp_server_check(&copy);
		if (rc == 0 && copy.trust_all && !copy.fingerprint[0])
			tr_warning(
				"environment \"%s\": trust_all is on, NO CERTIFICATE IS CHECKED: "
				"anybody on the way to the server can take the password",
				copy.environment);
		tr_xmpp_server_fini(&copy);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int copy_servers(struct tr_xmpp *xmpp, const struct tr_xmpp_settings *settings)
{
	xmpp->servers = calloc(settings->server_count + 1, sizeof(*xmpp->servers));
	xmpp->lines =
		calloc((size_t)settings->server_count * settings->slots + 1, sizeof(*xmpp->lines));
	if (!xmpp->servers || !xmpp->lines)
		return -ENOMEM;
	for (; xmpp->server_count < settings->server_count; xmpp->server_count++) {
		int rc = tr_xmpp_server_copy(
			&settings->servers[xmpp->server_count], &xmpp->servers[xmpp->server_count]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int start_line(struct tr_xmpp *xmpp, const struct tr_xmpp_server *server, unsigned slot,
	const struct tr_xmpp_waits *waits)
{
	struct tr_xmpp_line *line = &xmpp->lines[xmpp->line_count];

	*line = (struct tr_xmpp_line){.server = server,
		.connection = xmpp->line_count + 1,
		.slot = slot,
		.is_busy = true};
	int rc = tr_xmpp_stream_create(
		server, line->connection, slot, waits, xmpp->inbox, &line->stream);
	if (rc == 0)
		xmpp->line_count++;
	return rc;
}

static int add_sources(struct tr_xmpp *xmpp, sd_event *event, const struct tr_xmpp_waits *waits)
{
	xmpp->watch_us = (uint64_t)(waits->login < 10000 ? waits->login : 10000) * 1000 / 2;
	int rc = sd_event_add_io(
		event, &xmpp->inbox_source, tr_xmpp_inbox_fd(xmpp->inbox), EPOLLIN, on_news, xmpp);
	if (rc < 0)
		return rc;
	rc = sd_event_add_time_relative(event, &xmpp->watch_source, CLOCK_MONOTONIC, xmpp->watch_us,
		250000, on_watch, xmpp);
	return rc < 0 ? rc : 0;
}

static int start_lines(struct tr_xmpp *xmpp, const struct tr_xmpp_settings *settings,
	const struct tr_xmpp_waits *waits)
{
	for (unsigned i = 0; i < settings->server_count; i++) {
		for (unsigned slot = 1; slot <= settings->slots; slot++) {
			int rc = start_line(xmpp, &xmpp->servers[i], slot, waits);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int tr_xmpp_create_with_waits(sd_event *event, const struct tr_xmpp_settings *settings,
	const struct tr_control_actions *actions, const struct tr_xmpp_waits *waits,
	struct tr_xmpp **ret_xmpp)
{
	int rc = check(settings);
	if (rc < 0)
		return rc; /* said there */
	TR_CLEANUP(tr_xmpp_destroyp) struct tr_xmpp *xmpp = calloc(1, sizeof(*xmpp));
	if (!xmpp)
		return -ENOMEM;

	xmpp_initialize();
	xmpp->actions = *actions;
	rc = copy_servers(xmpp, settings);
	if (rc == 0)
		rc = tr_xmpp_inbox_create(&xmpp->inbox);
	if (rc == 0)
		rc = add_sources(xmpp, event, waits);
	if (rc == 0)
		rc = start_lines(xmpp, settings, waits);
	if (rc < 0)
		return tr_fail(rc, "cannot start the XMPP connections");
	*ret_xmpp = tr_take(xmpp);
	return 0;
}

int tr_xmpp_create(sd_event *event, const struct tr_xmpp_settings *settings,
	const struct tr_control_actions *actions, struct tr_xmpp **ret_xmpp)
{
	struct tr_xmpp_waits waits;

	tr_xmpp_waits_init(&waits);
	if (settings->ping_interval_ms > 0)
		waits.ping = settings->ping_interval_ms;
	if (settings->ping_timeout_ms > 0)
		waits.pong = settings->ping_timeout_ms;
	return tr_xmpp_create_with_waits(event, settings, actions, &waits, ret_xmpp);
}

void tr_xmpp_destroy(struct tr_xmpp *xmpp)
{
	if (!xmpp)
		return;
	int64_t deadline_ns = tr_clock_now_ns() + QUIT_MS * TR_NS_PER_MS;

	sd_event_source_disable_unref(xmpp->inbox_source);
	sd_event_source_disable_unref(xmpp->watch_source);
	for (unsigned i = 0; i < xmpp->line_count; i++)
		tr_xmpp_stream_quit(xmpp->lines[i].stream);
	for (unsigned i = 0; i < xmpp->line_count; i++) {
		tr_xmpp_stream_destroy(xmpp->lines[i].stream, deadline_ns);
	}
	tr_xmpp_inbox_unref(xmpp->inbox);
	for (unsigned i = 0; i < xmpp->server_count; i++)
		tr_xmpp_server_fini(&xmpp->servers[i]);
	tr_xmpp_forget_sessions(xmpp);
	free(xmpp->servers);
	free(xmpp->lines);
	free(xmpp);
}

void tr_xmpp_set_presence(struct tr_xmpp *xmpp, unsigned slot, bool is_busy, bool is_healthy)
{
	for (unsigned i = 0; i < xmpp->line_count; i++) {
		struct tr_xmpp_line *line = &xmpp->lines[i];
		if (line->slot != slot)
			continue;
		line->is_busy = is_busy;
		line->is_healthy = is_healthy;
		tr_xmpp_stream_publish(line->stream, is_busy, is_healthy);
	}
}
unsigned tr_xmpp_link_count(const struct tr_xmpp *xmpp)
{
	return xmpp->line_count;
}

void tr_xmpp_read_link(const struct tr_xmpp *xmpp, unsigned index, struct tr_xmpp_link *ret_link)
{
	if (index < xmpp->line_count)
		tr_xmpp_stream_read(xmpp->lines[index].stream, ret_link);
	else
		*ret_link = (struct tr_xmpp_link){0};
}
