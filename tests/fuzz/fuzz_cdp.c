/*
 * Any bytes as what a browser sends over its DevTools pipe: through the framing, the calls, the
 * page and its scripts' news. Lines of the input are messages, so that a corpus can be read; what
 * the page wants to say goes nowhere.
 */
#include "browser/cdp.h"
#include "browser/meeting_news.h"
#include "browser/page.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	struct tr_page *page;
	bool is_opened;
	bool is_closed;
};

static void on_attached(void *user)
{
	struct fuzz *fuzz = user;

	fuzz->is_opened = true;
	if (tr_page_set_script(fuzz->page, "1") < 0 ||
		tr_page_open(fuzz->page, "https://meet.invalid/room", 60000) < 0)
		fuzz->is_opened = false;
}

static void on_loaded(const char *url, void *user)
{
	(void)url;
	(void)user;
}

static void on_failed(enum tr_load_error reason, const char *sentence, void *user)
{
	struct fuzz *fuzz = user;

	if (reason == TR_LOAD_ERROR_NONE || !sentence[0])
		abort();
	if (fuzz->is_opened && tr_page_open(fuzz->page, "http://other.invalid/", 60000) < 0)
		fuzz->is_opened = false;
}

static void on_crashed(const char *sentence, void *user)
{
	struct fuzz *fuzz = user;
	(void)sentence;

	if (tr_page_set_script(fuzz->page, "2") < 0 ||
		tr_page_open(fuzz->page, "http://again.invalid/", 60000) < 0)
		fuzz->is_opened = false;
}

static void on_push(const char *name, const char *payload, void *user)
{
	struct tr_meeting_news news;
	(void)name;
	(void)user;

	if (tr_meeting_news_parse(payload, &news) < 0) {
		if (news.identity)
			abort();
		return;
	}
	if (news.sample.participants < 0 || news.sample.download_kbps < 0 ||
		strlen(news.jid) >= TR_MEETING_NEWS_TEXT)
		abort();
	tr_meeting_news_release(&news);
}

static void on_event(const char *session, const char *method, json_t *params, void *user)
{
	struct fuzz *fuzz = user;

	if (fuzz->page)
		tr_page_handle_event(fuzz->page, session, method, params);
}

static void on_closed(int rc, void *user)
{
	struct fuzz *fuzz = user;
	(void)rc;

	fuzz->is_closed = true;
}

/* In one go: many small ones would fill the socket. What the page says is never read; there is room
 * for it. */
static void feed(int fd, const uint8_t *data, size_t size)
{
	TR_CLEANUP(tr_freep) uint8_t *bytes = malloc(size + 1);

	if (!bytes)
		return;
	for (size_t i = 0; i < size; i++)
		bytes[i] = data[i] == '\n' ? 0 : data[i];
	bytes[size] = 0;
	if (write(fd, bytes, size + 1) < 0)
		shutdown(fd, SHUT_RDWR);
}

static void run(sd_event *event, const uint8_t *data, size_t size)
{
	static const struct tr_cdp_events cdp_events = {on_event, on_closed};
	static const struct tr_page_events page_events = {
		on_attached, on_loaded, on_failed, on_crashed, on_push};
	static const char *const bindings[] = {"telerecPush", NULL};
	const struct tr_page_settings settings = {.bindings = bindings, .script = "0"};
	struct fuzz fuzz = {0};
	struct tr_cdp *cdp = NULL;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return;
	if (fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0 ||
		tr_cdp_create(event, fds[0], &cdp_events, &fuzz, &cdp) < 0 ||
		tr_page_create(cdp, event, &settings, &page_events, &fuzz, &fuzz.page) < 0)
		abort();
	feed(fds[1], data, size);
	shutdown(fds[1], SHUT_WR);
	for (int i = 0; i < 1000 && !fuzz.is_closed; i++)
		if (sd_event_run(event, 0) < 0)
			abort();
	tr_cdp_destroy(cdp);
	tr_page_destroy(fuzz.page);
	close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sd_event *event;

	tr_log_set_level(TR_LOG_NONE);
	if (sd_event_new(&event) < 0)
		return 0;
	run(event, data, size);
	sd_event_unref(event);
	return 0;
}
