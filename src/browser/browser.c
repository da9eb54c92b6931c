#include "browser/browser.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "browser/browser_notice.h"
#include "browser/cdp.h"
#include "browser/page.h"
#include "core/log.h"

#define TR_LOG_AREA "browser"
#define START_TIMEOUT_MS 60000 /* in a machine that is just booting, too */
#define HEARTBEAT_MS 5000
#define HEARTBEAT_TIMEOUT_MS 10000
#define VERSION_SIZE 64
#define SENTENCE_SIZE 640
#define WORDS_SIZE 256

struct tr_browser {
	struct tr_browser_events events;
	void *user;
	struct tr_chromium *chromium;
	struct tr_cdp *cdp;
	struct tr_page *page;
	sd_event_source *exit_source;
	sd_event_source *start_timer;
	sd_event_source *heartbeat;
	sd_event_source *defer;
	struct tr_browser_notice *first, **last;
	struct tr_browser_request *requests;
	bool is_delivering, is_stopped; /* stopped while delivering: on_defer() frees it */
	bool is_ready, is_dead, is_hung, is_beating;
	int heartbeat_ms, heartbeat_timeout_ms;
	char version[VERSION_SIZE];
	void (*on_stop)(void *user);
	void *attached;
};

/* Notices */

/* Takes `request`. The result is owned by the queue; NULL (said) without memory. */
static struct tr_browser_notice *add_notice(struct tr_browser *browser,
	enum tr_browser_notice_kind kind, int number, const char *text,
	struct tr_browser_request *request)
{
	struct tr_browser_notice *notice = calloc(1, sizeof(*notice));

	if (!notice) {
		tr_error("out of memory: an event of the browser is lost");
		free(request);
		return NULL;
	}
	notice->kind = kind;
	notice->number = number;
	notice->text = strdup(text ? text : "");
	notice->request = request;
	*browser->last = notice;
	browser->last = &notice->next;
	sd_event_source_set_enabled(browser->defer, SD_EVENT_ONESHOT);
	return notice;
}

static void free_browser(struct tr_browser *browser)
{
	while (browser->first) {
		struct tr_browser_notice *notice = browser->first;
		browser->first = notice->next;
		tr_browser_notice_free(notice);
	}
	while (browser->requests) {
		struct tr_browser_request *request = browser->requests;
		browser->requests = request->next;
		free(request);
	}
	free(browser);
}

static int on_defer(sd_event_source *source, void *user)
{
	(void)source;
	struct tr_browser *browser = user;

	browser->is_delivering = true;
	while (browser->first && !browser->is_stopped) {
		struct tr_browser_notice *notice = browser->first;
		browser->first = notice->next;
		if (!browser->first)
			browser->last = &browser->first;
		tr_browser_notice_deliver(&browser->events, browser->user, notice);
		tr_browser_notice_free(notice);
	}
	browser->is_delivering = false;
	if (browser->is_stopped)
		free_browser(browser);
	return 0;
}

/* What the layers below say */

static void on_attached(void *user)
{
	struct tr_browser *browser = user;

	browser->is_ready = true;
	sd_event_source_set_enabled(browser->start_timer, SD_EVENT_OFF);
	add_notice(browser, TR_BROWSER_NOTICE_READY, 0, NULL, NULL);
}

static void on_loaded(const char *url, void *user)
{
	add_notice(user, TR_BROWSER_NOTICE_LOADED, 0, url, NULL);
}

static void on_failed(enum tr_load_error reason, const char *sentence, void *user)
{
	struct tr_browser *browser = user;

	if (!browser->is_dead)
		add_notice(browser, TR_BROWSER_NOTICE_FAILED, (int)reason, sentence, NULL);
}

static void on_crashed(const char *sentence, void *user)
{
	add_notice(user, TR_BROWSER_NOTICE_CRASHED, 0, sentence, NULL);
}

static void on_push(const char *name, const char *payload, void *user)
{
	struct tr_browser_notice *notice =
		add_notice(user, TR_BROWSER_NOTICE_PUSH, 0, payload, NULL);

	if (notice)
		notice->name = strdup(name);
}

static void on_cdp_event(const char *session, const char *method, json_t *params, void *user)
{
	struct tr_browser *browser = user;

	if (browser->page)
		tr_page_handle_event(browser->page, session, method, params);
}

/* A browser without its pipe is of no use; its end is told when it is reaped. */
static void on_cdp_closed(int rc, void *user)
{
	struct tr_browser *browser = user;

	browser->is_dead = true;
	if (rc != -EPIPE) {
		tr_warning("the browser's pipe failed (%s), it is ended", strerror(-rc));
		tr_child_kill(tr_chromium_child(browser->chromium), SIGKILL);
	}
}

static void describe_exit(struct tr_browser *browser, int status, char *out, size_t size)
{
	char how[64], words[WORDS_SIZE];

	tr_child_describe(status, how, sizeof(how));
	tr_chromium_last_words(browser->chromium, words, sizeof(words));
	bool is_quoted = words[0] && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	snprintf(out, size, "the browser %s%s%s%s", how,
		browser->is_ready ? "" : " before it was ready", is_quoted ? "; it said: " : "",
		is_quoted ? words : "");
}

static int on_exit_ready(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	(void)fd;
	(void)revents;
	struct tr_browser *browser = user;
	char sentence[SENTENCE_SIZE];

	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	int status = tr_chromium_reap(browser->chromium);
	browser->is_dead = true;
	sd_event_source_set_enabled(browser->start_timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(browser->heartbeat, SD_EVENT_OFF);
	describe_exit(browser, status, sentence, sizeof(sentence));
	add_notice(browser, TR_BROWSER_NOTICE_EXITED, status, sentence, NULL);
	return 0;
}

static int on_start_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	(void)usec;
	char sentence[SENTENCE_SIZE], words[WORDS_SIZE];
	struct tr_browser *browser = user;

	tr_chromium_last_words(browser->chromium, words, sizeof(words));
	snprintf(sentence, sizeof(sentence), "the browser was started, but does not answer%s%s",
		words[0] ? "; it said: " : "", words);
	on_failed(TR_LOAD_ERROR_BROWSER, sentence, browser);
	return 0;
}

/* Heartbeat: a page whose scripts do not run shows it in no other way */

static void set_timer(sd_event_source *timer, int ms)
{
	int rc = sd_event_source_set_time_relative(timer, (uint64_t)ms * 1000);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
	if (rc < 0)
		tr_warning("cannot set a timer: %s", strerror(-rc));
}

static void on_beat(int rc, json_t *value, const char *error, void *user)
{
	(void)value;
	(void)error;
	struct tr_browser *browser = user;

	browser->is_beating = false;
	if (rc != -ETIMEDOUT || browser->is_hung || !tr_page_is_loaded(browser->page))
		return;
	browser->is_hung = true;
	on_failed(TR_LOAD_ERROR_HUNG,
		"the page's scripts do not answer any more; it has to be loaded again", browser);
}

static int on_heartbeat(sd_event_source *source, uint64_t usec, void *user)
{
	(void)usec;
	struct tr_browser *browser = user;

	set_timer(source, browser->heartbeat_ms);
	if (browser->is_beating || browser->is_hung || !tr_page_is_loaded(browser->page))
		return 0;
	int rc = tr_page_evaluate(
		browser->page, "1", browser->heartbeat_timeout_ms, on_beat, browser);
	browser->is_beating = rc == 0;
	return 0;
}

/* Start and stop */

static int add_timer(sd_event *event, sd_event_source **ret, sd_event_time_handler_t fn,
	struct tr_browser *browser)
{
	int rc = sd_event_add_time(event, ret, CLOCK_MONOTONIC, 0, 0, fn, browser);
	return rc < 0 ? rc : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static int add_sources(struct tr_browser *browser, sd_event *event)
{
	int rc = sd_event_add_defer(event, &browser->defer, on_defer, browser);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(browser->defer, SD_EVENT_OFF);
	if (rc >= 0) /* before the pipe is read again: bounds what waits */
		rc = sd_event_source_set_priority(browser->defer, SD_EVENT_PRIORITY_NORMAL - 1);
	if (rc >= 0)
		rc = sd_event_add_io(event, &browser->exit_source,
			tr_chromium_child(browser->chromium)->pidfd, EPOLLIN, on_exit_ready,
			browser);
	if (rc >= 0)
		rc = add_timer(event, &browser->start_timer, on_start_timeout, browser);
	if (rc >= 0)
		rc = add_timer(event, &browser->heartbeat, on_heartbeat, browser);
	return rc < 0 ? rc : 0;
}

static int connect_page(struct tr_browser *browser, sd_event *event, int fd,
	const struct tr_browser_settings *settings)
{
	static const struct tr_cdp_events cdp_events = {on_cdp_event, on_cdp_closed};
	static const struct tr_page_events page_events = {
		on_attached, on_loaded, on_failed, on_crashed, on_push};
	const struct tr_page_settings page = {
		.bindings = settings->bindings,
		.script = settings->script,
		.ignore_certificate_errors = settings->ignore_certificate_errors,
	};

	int rc = tr_cdp_create(event, fd, &cdp_events, browser, &browser->cdp);
	if (rc < 0)
		return rc;
	return tr_page_create(browser->cdp, event, &page, &page_events, browser, &browser->page);
}

/* "Chrome/150.0.1.2" is what all of that family answer. */
static void on_version(int rc, json_t *result, const char *error, void *user)
{
	struct tr_browser *browser = user;
	const char *product = json_string_value(json_object_get(result, "product"));
	const char *number = product ? strchr(product, '/') : NULL;
	(void)error;

	if (rc == 0 && number)
		snprintf(browser->version, sizeof(browser->version), "Chromium %s", number + 1);
}

static void ask_version(struct tr_browser *browser)
{
	int rc = tr_cdp_call(browser->cdp, NULL, "Browser.getVersion", NULL, START_TIMEOUT_MS,
		on_version, browser);
	if (rc < 0)
		tr_debug("the browser is not asked for its version: %s", strerror(-rc));
}

static int with_default(int value, int otherwise)
{
	return value ? value : otherwise;
}

int tr_browser_start(sd_event *event, const struct tr_browser_settings *settings,
	const struct tr_browser_events *events, void *user, struct tr_browser **ret_browser)
{
	TR_CLEANUP(tr_browser_stopp) struct tr_browser *browser = calloc(1, sizeof(*browser));
	TR_CLEANUP(tr_closep) int fd = -1;

	if (!browser)
		return -ENOMEM;
	browser->last = &browser->first;
	browser->events = *events;
	browser->user = user;
	browser->heartbeat_ms = with_default(settings->heartbeat_ms, HEARTBEAT_MS);
	browser->heartbeat_timeout_ms =
		with_default(settings->heartbeat_timeout_ms, HEARTBEAT_TIMEOUT_MS);
	int rc = tr_chromium_start(event, &settings->chromium, &browser->chromium, &fd);
	if (rc < 0)
		return rc; /* it has said why */
	rc = add_sources(browser, event);
	if (rc == 0)
		rc = connect_page(browser, event, tr_take_fd(&fd), settings);
	if (rc < 0)
		return tr_fail(rc, "cannot talk to the browser");
	ask_version(browser);
	set_timer(browser->start_timer, with_default(settings->start_timeout_ms, START_TIMEOUT_MS));
	if (browser->heartbeat_ms > 0)
		set_timer(browser->heartbeat, browser->heartbeat_ms);
	*ret_browser = tr_take(browser);
	return 0;
}

void tr_browser_stop(struct tr_browser *browser)
{
	if (!browser)
		return;
	tr_browser_attach(browser, NULL, NULL);
	tr_cdp_destroy(browser->cdp); /* ends its calls, which the page still hears */
	tr_page_destroy(browser->page);
	sd_event_source_disable_unref(browser->exit_source);
	sd_event_source_disable_unref(browser->start_timer);
	sd_event_source_disable_unref(browser->heartbeat);
	sd_event_source_disable_unref(browser->defer);
	tr_chromium_stop(browser->chromium);
	browser->is_stopped = true;
	if (!browser->is_delivering)
		free_browser(browser);
}

/* Orders */

static int check_usable(const struct tr_browser *browser)
{
	if (browser->is_dead)
		return -EPIPE;
	return browser->is_ready ? 0 : -ENOTCONN;
}

int tr_browser_open(struct tr_browser *browser, const char *url, int timeout_ms)
{
	int rc = check_usable(browser);
	if (rc < 0)
		return rc;
	if (browser->is_hung)
		tr_page_interrupt(browser->page);
	browser->is_hung = false;
	return tr_page_open(browser->page, url, timeout_ms);
}

/* Takes an answered request off the list. */
static void unlink_request(struct tr_browser *browser, struct tr_browser_request *request)
{
	struct tr_browser_request **at = &browser->requests;

	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
}

static void on_answer(int rc, json_t *value, const char *error, void *user)
{
	struct tr_browser_request *request = user;
	struct tr_browser *browser = request->browser;

	unlink_request(browser, request);
	struct tr_browser_notice *notice = add_notice(browser,
		request->value_fn ? TR_BROWSER_NOTICE_VALUE : TR_BROWSER_NOTICE_PICTURE, rc, error,
		request);
	if (notice)
		notice->value = json_incref(value);
}

/* -EPIPE, -ENOTCONN, -ENOMEM. */
static int add_request(struct tr_browser *browser, void *user, struct tr_browser_request **ret)
{
	int rc = check_usable(browser);
	if (rc < 0)
		return rc;
	struct tr_browser_request *request = calloc(1, sizeof(*request));
	if (!request)
		return -ENOMEM;
	request->browser = browser;
	request->user = user;
	request->next = browser->requests;
	*ret = browser->requests = request;
	return 0;
}

static int forget_failed(struct tr_browser *browser, struct tr_browser_request *request, int rc)
{
	if (rc < 0) {
		unlink_request(browser, request);
		free(request);
	}
	return rc;
}

int tr_browser_evaluate(struct tr_browser *browser, const char *expression, int timeout_ms,
	tr_browser_value_fn fn, void *user)
{
	struct tr_browser_request *request;
	int rc = add_request(browser, user, &request);
	if (rc < 0)
		return rc;
	request->value_fn = fn;
	return forget_failed(browser, request,
		tr_page_evaluate(browser->page, expression, timeout_ms, on_answer, request));
}

int tr_browser_screenshot(
	struct tr_browser *browser, int timeout_ms, tr_browser_picture_fn fn, void *user)
{
	struct tr_browser_request *request;
	int rc = add_request(browser, user, &request);
	if (rc < 0)
		return rc;
	request->picture_fn = fn;
	return forget_failed(browser, request,
		tr_page_screenshot(browser->page, timeout_ms, on_answer, request));
}

int tr_browser_set_script(struct tr_browser *browser, const char *script)
{
	int rc = check_usable(browser);
	return rc < 0 ? rc : tr_page_set_script(browser->page, script);
}

void tr_browser_clear_storage(struct tr_browser *browser, const char *url)
{
	if (check_usable(browser) == 0)
		tr_page_clear_storage(browser->page, url);
}

void tr_browser_interrupt(struct tr_browser *browser)
{
	if (check_usable(browser) == 0)
		tr_page_interrupt(browser->page);
}

void tr_browser_attach(struct tr_browser *browser, void (*on_stop)(void *user), void *user)
{
	void (*before)(void *user) = browser->on_stop;

	browser->on_stop = NULL;
	if (before)
		before(browser->attached);
	browser->on_stop = on_stop;
	browser->attached = user;
}

static void ignore_value(int rc, json_t *value, const char *error, void *user)
{
	(void)rc;
	(void)value;
	(void)error;
	(void)user;
}

static void ignore_picture(int rc, const uint8_t *data, size_t size, void *user)
{
	(void)rc;
	(void)data;
	(void)size;
	(void)user;
}

static void ignore_answer(struct tr_browser_request *request, const void *user)
{
	if (!request || request->user != user)
		return;
	if (request->value_fn)
		request->value_fn = ignore_value;
	else
		request->picture_fn = ignore_picture;
}

void tr_browser_detach(struct tr_browser *browser, void *user)
{
	if (browser->attached == user) {
		browser->on_stop = NULL;
		browser->attached = NULL;
	}
	for (struct tr_browser_request *request = browser->requests; request;
		request = request->next)
		ignore_answer(request, user);
	for (struct tr_browser_notice *notice = browser->first; notice; notice = notice->next)
		ignore_answer(notice->request, user);
}

const char *tr_browser_version(const struct tr_browser *browser)
{
	return browser->version;
}

const json_t *tr_browser_console(const struct tr_browser *browser)
{
	return tr_page_console(browser->page);
}

pid_t tr_browser_pid(const struct tr_browser *browser)
{
	return tr_chromium_child(browser->chromium)->pid;
}
