#include "browser/page_internal.h"

#include <errno.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "page"

struct question {
	tr_page_value_fn fn;
	void *user;
};

struct navigation {
	struct tr_page *page;
	uint64_t opening;
};

struct script {
	struct tr_page *page;
	uint64_t number;
};

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void remove_script(struct tr_page *page, const char *identifier)
{
	tr_page_try_call(page, "Page.removeScriptToEvaluateOnNewDocument",
		json_pack("{s:s}", "identifier", identifier));
}

static void on_script_added(int rc, json_t *result, const char *error, void *user)
{
	TR_CLEANUP(tr_freep) struct script *script = user;
	struct tr_page *page = script->page;
	const char *identifier = tr_page_text_of(result, "identifier");

	if (rc < 0) {
		if (rc != -EPIPE && rc != -ECANCELED)
			tr_warning("the page does not take its script (%s)", error);
		if (script->number == page->scripts)
			tr_page_wipe(tr_take(page->applied_script)); /* so that it is given again */
		return;
	}
	if (script->number == page->scripts)
		tr_page_set_name(page->session_script, identifier);
	else
		remove_script(page, identifier); /* another one came meanwhile */
}

static int add_script(struct tr_page *page)
{
	TR_CLEANUP(tr_freep) struct script *script = calloc(1, sizeof(*script));
	json_t *params = json_pack("{s:s}", "source", page->wanted_script);

	page->applied_script = strdup(page->wanted_script);
	if (!script || !params || !page->applied_script) {
		json_decref(params);
		return -ENOMEM;
	}
	script->page = page;
	script->number = page->scripts;
	int rc = tr_cdp_call(page->cdp, page->session, "Page.addScriptToEvaluateOnNewDocument",
		params, TR_PAGE_CALL_TIMEOUT_MS, on_script_added, script);
	if (rc == 0)
		script = NULL;
	return rc;
}

/* Gives the browser the script that is wanted. A crashed page takes none. */
static int apply_script(struct tr_page *page)
{
	if (is_same(page->wanted_script, page->applied_script))
		return 0;
	page->scripts++;
	tr_page_wipe(tr_take(page->applied_script));
	if (page->session_script[0])
		remove_script(page, page->session_script);
	page->session_script[0] = '\0';
	return page->wanted_script ? add_script(page) : 0;
}

static void on_navigated(int rc, json_t *result, const char *error, void *user)
{
	TR_CLEANUP(tr_freep) struct navigation *navigation = user;
	struct tr_page *page = navigation->page;

	if (navigation->opening != page->opening || rc == -EPIPE || rc == -ECANCELED)
		return;
	if (rc < 0 && rc != -ETIMEDOUT) { /* a slow answer is the deadline's matter */
		tr_page_fail_net(page, rc == -EREMOTEIO ? "net::ERR_INVALID_URL" : error);
		return;
	}
	const char *net_error = tr_page_text_of(result, "errorText");
	if (net_error[0])
		tr_page_fail_net(page, net_error);
}

static int navigate(
	struct tr_page *page, const char *url, int timeout_ms, tr_cdp_result_fn on_answer)
{
	TR_CLEANUP(tr_freep) struct navigation *navigation = calloc(1, sizeof(*navigation));

	if (!navigation)
		return -ENOMEM;
	navigation->page = page;
	navigation->opening = page->opening;
	int rc = tr_cdp_call(page->cdp, page->session, "Page.navigate",
		json_pack("{s:s}", "url", url), timeout_ms, on_answer, navigation);
	if (rc == 0)
		navigation = NULL;
	return rc;
}

static int load(struct tr_page *page)
{
	page->state = PAGE_LOADING;
	page->failure[0] = page->answered_loader[0] = page->loader[0] = '\0';
	int rc = apply_script(page);
	return rc < 0 ? rc : navigate(page, page->url, page->timeout_ms, on_navigated);
}

static void on_revived(int rc, json_t *result, const char *error, void *user)
{
	TR_CLEANUP(tr_freep) struct navigation *navigation = user;
	struct tr_page *page = navigation->page;
	(void)error;

	tr_page_set_name(page->revived_loader, tr_page_text_of(result, "loaderId"));
	if (navigation->opening != page->opening || rc == -EPIPE || rc == -ECANCELED)
		return;
	rc = load(page);
	if (rc < 0 && rc != -EPIPE)
		tr_page_fail_net(page, "net::ERR_FAILED");
}

int tr_page_open(struct tr_page *page, const char *url, int timeout_ms)
{
	if (!page->is_attached)
		return -ENOTCONN;
	bool is_reviving =
		page->state == PAGE_CRASHED && !is_same(page->wanted_script, page->applied_script);
	char *own_url = strdup(url);
	if (!own_url)
		return -ENOMEM;
	free(page->url);
	page->url = own_url;
	page->opening++;
	page->timeout_ms = timeout_ms;
	tr_page_try_call(page, "Network.enable",
		json_pack("{s:i, s:i}", "maxTotalBufferSize", 0, "maxResourceBufferSize", 0));
	/* An empty page brings the process back, which takes the script then. */
	int rc = is_reviving ? navigate(page, "about:blank", timeout_ms, on_revived) : load(page);
	if (rc == 0)
		rc = sd_event_source_set_time(page->deadline,
			(uint64_t)tr_clock_now_ns() / 1000 + (uint64_t)timeout_ms * 1000);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(page->deadline, SD_EVENT_ONESHOT);
	return rc < 0 ? rc : 0;
}

int tr_page_set_script(struct tr_page *page, const char *script)
{
	char *own = script ? strdup(script) : NULL;

	if (!page->is_attached || (script && !own)) {
		tr_page_wipe(own);
		return page->is_attached ? -ENOMEM : -ENOTCONN;
	}
	tr_page_wipe(page->wanted_script);
	page->wanted_script = own;
	return page->state == PAGE_CRASHED ? 0 : apply_script(page);
}

void tr_page_clear_storage(struct tr_page *page, const char *url)
{
	const char *host = strstr(url, "://");
	size_t length = host ? (size_t)(host - url) + 3 : 0;
	char origin[TR_PAGE_URL_SHOWN];

	length += strcspn(url + length, "/?#");
	if (page->is_attached &&
		tr_text_format(origin, sizeof(origin), "%.*s", (int)length, url) == 0)
		tr_page_try_call(page, "Storage.clearDataForOrigin",
			json_pack("{s:s, s:s}", "origin", origin, "storageTypes", "all"));
}

static void on_value(int rc, json_t *result, const char *error, void *user)
{
	TR_CLEANUP(tr_freep) struct question *question = user;
	json_t *details = json_object_get(result, "exceptionDetails");

	if (rc == 0 && details) {
		const char *text =
			tr_page_text_of(json_object_get(details, "exception"), "description");
		question->fn(-EREMOTEIO, NULL, text[0] ? text : tr_page_text_of(details, "text"),
			question->user);
		return;
	}
	json_t *value = json_object_get(json_object_get(result, "result"), "value");
	question->fn(rc, rc == 0 && !value ? json_null() : value, error, question->user);
}

static void on_picture(int rc, json_t *result, const char *error, void *user)
{
	TR_CLEANUP(tr_freep) struct question *question = user;

	question->fn(rc, json_object_get(result, "data"), error, question->user);
}

static int ask(struct tr_page *page, const char *method, json_t *params, int timeout_ms,
	tr_cdp_result_fn answer, tr_page_value_fn fn, void *user)
{
	TR_CLEANUP(tr_freep) struct question *question = calloc(1, sizeof(*question));

	if (!question || !page->is_attached || page->state == PAGE_CRASHED) {
		json_decref(params);
		return question ? -ENOTCONN : -ENOMEM;
	}
	question->fn = fn;
	question->user = user;
	int rc =
		tr_cdp_call(page->cdp, page->session, method, params, timeout_ms, answer, question);
	if (rc == 0)
		question = NULL;
	return rc;
}

int tr_page_evaluate(struct tr_page *page, const char *expression, int timeout_ms,
	tr_page_value_fn fn, void *user)
{
	json_t *params = json_pack(
		"{s:s, s:b, s:b}", "expression", expression, "returnByValue", 1, "awaitPromise", 1);

	return params ? ask(page, "Runtime.evaluate", params, timeout_ms, on_value, fn, user)
		      : -EINVAL;
}

int tr_page_screenshot(struct tr_page *page, int timeout_ms, tr_page_value_fn fn, void *user)
{
	return ask(page, "Page.captureScreenshot", json_pack("{s:s}", "format", "png"), timeout_ms,
		on_picture, fn, user);
}

void tr_page_interrupt(struct tr_page *page)
{
	tr_page_try_call(page, "Runtime.terminateExecution", NULL);
}
