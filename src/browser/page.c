#include "browser/page.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "page"
#define CALL_TIMEOUT_MS 10000
#define NAME_SIZE 80
#define URL_SHOWN 200
#define SENTENCE_SIZE 512
#define CONSOLE_LINES 32
#define CONSOLE_LINE_SIZE 400
#define HTTP_ERROR 400

enum page_state {
	PAGE_NONE,
	PAGE_BLANK,
	PAGE_LOADING,
	PAGE_LOADED,
	PAGE_FAILED,
	PAGE_CRASHED,
};

struct tr_page {
	struct tr_cdp *cdp;
	struct tr_page_events events;
	void *user;
	json_t *bindings; /* array of names */
	char *script;
	bool ignore_certificate_errors;
	bool is_prepared, has_start_page, is_attached;

	enum page_state state;
	char target[NAME_SIZE]; /* "" until one is found */
	char session[NAME_SIZE];
	char frame[NAME_SIZE];	/* the main one */
	char loader[NAME_SIZE]; /* of the document that is shown */
	char answered_loader[NAME_SIZE];
	int answered_status;	 /* HTTP status of that loader's document */
	char failure[NAME_SIZE]; /* why the last document did not come: "net::ERR_..." */
	char *url;
	uint64_t opening; /* counts open() calls: answers to older ones mean nothing */
	sd_event_source *deadline;
	int timeout_ms;
	json_t *console;

	char *wanted_script;		/* of the session; may hold a secret; NULL: none */
	char *applied_script;		/* what the browser was given */
	uint64_t scripts;		/* counts the times it was given one */
	char session_script[NAME_SIZE]; /* the browser's name for it, or "" */
	char revived_loader[NAME_SIZE]; /* of the empty page after a crash: its news mean nothing */
};

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

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static void set_name(char out[static NAME_SIZE], const char *text)
{
	snprintf(out, NAME_SIZE, "%s", text);
}

static int call(struct tr_page *page, const char *method, json_t *params)
{
	return tr_cdp_call(page->cdp, page->session, method, params, CALL_TIMEOUT_MS, NULL, NULL);
}

/* For what may fail alone without harm: a dead browser is told by the pipe's end. */
static void try_call(struct tr_page *page, const char *method, json_t *params)
{
	int rc = call(page, method, params);
	if (rc < 0)
		tr_debug("%s not sent: %s", method, strerror(-rc));
}

static void try_browser_call(struct tr_page *page, const char *method, json_t *params)
{
	int rc = tr_cdp_call(page->cdp, NULL, method, params, CALL_TIMEOUT_MS, NULL, NULL);
	if (rc < 0)
		tr_debug("%s not sent: %s", method, strerror(-rc));
}

static void end_opening(struct tr_page *page, enum page_state state)
{
	page->state = state;
	page->opening++;
	sd_event_source_set_enabled(page->deadline, SD_EVENT_OFF);
	/* Its events are many once a meeting runs (one per message of a web socket). */
	try_call(page, "Network.disable", NULL);
}

static void fail(struct tr_page *page, enum tr_load_error reason, const char *sentence)
{
	end_opening(page, PAGE_FAILED);
	page->events.on_failed(reason, sentence, page->user);
}

static void fail_net(struct tr_page *page, const char *net_error)
{
	char sentence[SENTENCE_SIZE];

	enum tr_load_error reason = tr_load_error_describe_net(
		net_error, page->url ? page->url : "the page", sentence, sizeof(sentence));
	fail(page, reason, sentence);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	(void)usec;
	struct tr_page *page = user;
	char url[URL_SHOWN], sentence[SENTENCE_SIZE];

	tr_text_redact(page->url, url, sizeof(url));
	snprintf(sentence, sizeof(sentence),
		"cannot load %s: it was not complete after %.3g s; check the server and the network",
		url, page->timeout_ms / 1000.0);
	try_call(page, "Page.stopLoading", NULL);
	fail(page, TR_LOAD_ERROR_TIMEOUT, sentence);
	return 0;
}

/* Attaching */

/* A page that is still on its way to the browser's first address would take a load() for nothing:
 * that first one could end it, or be taken for it. */
static void note_start_page(struct tr_page *page, json_t *frame)
{
	const char *url = text_of(frame, "url");

	if (url[0] && strcmp(url, ":") != 0 && strcmp(url, "about:blank") != 0)
		page->has_start_page = true;
	if (!page->is_prepared || !page->has_start_page || page->is_attached)
		return;
	page->is_attached = true;
	page->state = PAGE_BLANK;
	page->events.on_attached(page->user);
}

static void on_prepared(int rc, json_t *result, const char *error, void *user)
{
	struct tr_page *page = user;

	if (rc == -EPIPE || rc == -ECANCELED)
		return;
	if (rc < 0) {
		tr_warning("the page cannot be prepared (%s)", error);
		page->events.on_failed(TR_LOAD_ERROR_BROWSER,
			"the browser's page does not answer; it has to be started again",
			page->user);
		return;
	}
	page->is_prepared = true;
	note_start_page(page, json_object_get(json_object_get(result, "frameTree"), "frame"));
}

static void prepare(struct tr_page *page)
{
	size_t i;
	json_t *name;

	try_call(page, "Page.enable", NULL);
	try_call(page, "Runtime.enable", NULL);
	try_call(page, "Log.enable", NULL);
	try_call(page, "Inspector.enable", NULL);
	try_call(page, "Page.setLifecycleEventsEnabled", json_pack("{s:b}", "enabled", 1));
	if (page->ignore_certificate_errors)
		try_call(page, "Security.setIgnoreCertificateErrors",
			json_pack("{s:b}", "ignore", 1));
	json_array_foreach(page->bindings, i, name)
		try_call(page, "Runtime.addBinding", json_pack("{s:O}", "name", name));
	if (page->script)
		try_call(page, "Page.addScriptToEvaluateOnNewDocument",
			json_pack("{s:s}", "source", page->script));
	/* Answers come in order: with this one all of the above are done. */
	int rc = tr_cdp_call(page->cdp, page->session, "Page.getFrameTree", NULL, CALL_TIMEOUT_MS,
		on_prepared, page);
	if (rc < 0)
		tr_debug("the page cannot be prepared: %s", strerror(-rc));
}

static void on_session(int rc, json_t *result, const char *error, void *user)
{
	struct tr_page *page = user;

	if (rc < 0) {
		on_prepared(rc, NULL, error, page);
		return;
	}
	set_name(page->session, text_of(result, "sessionId"));
	prepare(page);
}

static void attach(struct tr_page *page, const char *target)
{
	set_name(page->target, target);
	set_name(page->frame, target); /* a target is named after its main frame */
	int rc = tr_cdp_call(page->cdp, NULL, "Target.attachToTarget",
		json_pack("{s:s, s:b}", "targetId", target, "flatten", 1), CALL_TIMEOUT_MS,
		on_session, page);
	if (rc < 0)
		tr_debug("cannot attach: %s", strerror(-rc));
}

static void on_target_created(struct tr_page *page, json_t *params)
{
	json_t *info = json_object_get(params, "targetInfo");
	const char *id = text_of(info, "targetId");

	if (strcmp(text_of(info, "type"), "page") != 0 || !strcmp(id, page->target))
		return;
	if (!page->target[0]) {
		attach(page, id);
		return;
	}
	tr_info("the page opened another window, which is closed");
	try_browser_call(page, "Target.closeTarget", json_pack("{s:s}", "targetId", id));
}

/* A page's life */

static void on_target_crashed(struct tr_page *page, json_t *params)
{
	char sentence[SENTENCE_SIZE];
	const char *status = text_of(params, "status");

	if (strcmp(text_of(params, "targetId"), page->target) != 0)
		return;
	page->state = PAGE_CRASHED;
	page->opening++;
	sd_event_source_set_enabled(page->deadline, SD_EVENT_OFF);
	tr_cdp_fail_session(page->cdp, page->session, -ECONNRESET, "the page crashed");
	snprintf(sentence, sizeof(sentence),
		"the page's process ended (%.40s); it has to be loaded "
		"again",
		status[0] ? status : "crashed");
	page->events.on_crashed(sentence, page->user);
}

static void on_dialog(struct tr_page *page, json_t *params)
{
	const char *type = text_of(params, "type");
	/* "Leave this page?" is the one that must be answered with yes. */
	bool accept = !strcmp(type, "beforeunload");

	tr_info("the page showed a dialog (%.20s), which is closed", type);
	try_call(page, "Page.handleJavaScriptDialog", json_pack("{s:b}", "accept", accept));
}

static void on_response(struct tr_page *page, json_t *params)
{
	if (strcmp(text_of(params, "type"), "Document") != 0 ||
		strcmp(text_of(params, "frameId"), page->frame) != 0)
		return;
	set_name(page->answered_loader, text_of(params, "loaderId"));
	page->answered_status = (int)json_integer_value(
		json_object_get(json_object_get(params, "response"), "status"));
}

static void on_loading_failed(struct tr_page *page, json_t *params)
{
	if (!strcmp(text_of(params, "type"), "Document"))
		set_name(page->failure, text_of(params, "errorText"));
}

static void on_frame_navigated(struct tr_page *page, json_t *params)
{
	json_t *frame = json_object_get(params, "frame");

	if (json_object_get(frame, "parentId"))
		return;
	if (page->revived_loader[0] && !strcmp(text_of(frame, "loaderId"), page->revived_loader))
		return;
	note_start_page(page, frame);
	set_name(page->frame, text_of(frame, "id"));
	set_name(page->loader, text_of(frame, "loaderId"));
	if (text_of(frame, "unreachableUrl")[0]) {
		/* Page.navigate's answer tells it as well; this is for what the page did itself. */
		if (page->state == PAGE_LOADED || (page->state == PAGE_LOADING && page->failure[0]))
			fail_net(page, page->failure[0] ? page->failure : "net::ERR_FAILED");
		return;
	}
	if (page->state == PAGE_LOADED)
		tr_info("the page went to another address by itself");
}

static void on_lifecycle(struct tr_page *page, json_t *params)
{
	char sentence[SENTENCE_SIZE];

	if (page->state != PAGE_LOADING || strcmp(text_of(params, "name"), "load") != 0 ||
		strcmp(text_of(params, "frameId"), page->frame) != 0 ||
		strcmp(text_of(params, "loaderId"), page->loader) != 0)
		return;
	int status = !strcmp(page->loader, page->answered_loader) ? page->answered_status : 0;
	if (status >= HTTP_ERROR) {
		tr_load_error_describe_http(status, page->url, sentence, sizeof(sentence));
		fail(page, TR_LOAD_ERROR_HTTP, sentence);
		return;
	}
	end_opening(page, PAGE_LOADED);
	page->events.on_loaded(page->url, page->user);
}

static void on_binding(struct tr_page *page, json_t *params)
{
	page->events.on_push(text_of(params, "name"), text_of(params, "payload"), page->user);
}

/* The page's console */

static void keep_line(struct tr_page *page, const char *text)
{
	char line[CONSOLE_LINE_SIZE];
	size_t length = (size_t)snprintf(line, sizeof(line), "%s", text);

	if (length >= sizeof(line)) { /* do not end within a character */
		length = sizeof(line) - 1;
		while (length > 0 && ((unsigned char)line[length - 1] & 0xc0) == 0x80)
			length--;
		if (length > 0 && (unsigned char)line[length - 1] & 0x80)
			length--;
		line[length] = '\0';
	}
	if (json_array_size(page->console) >= CONSOLE_LINES)
		json_array_remove(page->console, 0);
	if (json_array_append_new(page->console, json_string(line)) < 0)
		tr_debug("a line of the page's console was not kept");
}

static void on_console(struct tr_page *page, json_t *params)
{
	char line[CONSOLE_LINE_SIZE] = "";
	size_t i, used = 0;
	json_t *arg;

	const char *type = text_of(params, "type");
	if (strcmp(type, "error") != 0 && strcmp(type, "assert") != 0)
		return;
	json_array_foreach(json_object_get(params, "args"), i, arg)
	{
		const char *text = text_of(arg, "value");
		if (!text[0])
			text = text_of(arg, "description");
		if (used < sizeof(line))
			used += (size_t)snprintf(
				line + used, sizeof(line) - used, "%s%s", i ? " " : "", text);
	}
	keep_line(page, line);
}

static void on_exception(struct tr_page *page, json_t *params)
{
	json_t *details = json_object_get(params, "exceptionDetails");
	const char *text = text_of(json_object_get(details, "exception"), "description");

	keep_line(page, text[0] ? text : text_of(details, "text"));
}

static void on_log_entry(struct tr_page *page, json_t *params)
{
	json_t *entry = json_object_get(params, "entry");

	if (!strcmp(text_of(entry, "level"), "error"))
		keep_line(page, text_of(entry, "text"));
}

static const struct {
	const char *method;
	bool is_browsers; /* comes without a session, else with the page's */
	void (*handle)(struct tr_page *page, json_t *params);
} handlers[] = {
	{"Target.targetCreated", true, on_target_created},
	{"Target.targetCrashed", true, on_target_crashed},
	{"Page.javascriptDialogOpening", false, on_dialog},
	{"Page.frameNavigated", false, on_frame_navigated},
	{"Page.lifecycleEvent", false, on_lifecycle},
	{"Network.responseReceived", false, on_response},
	{"Network.loadingFailed", false, on_loading_failed},
	{"Runtime.bindingCalled", false, on_binding},
	{"Runtime.consoleAPICalled", false, on_console},
	{"Runtime.exceptionThrown", false, on_exception},
	{"Log.entryAdded", false, on_log_entry},
};

void tr_page_handle_event(
	struct tr_page *page, const char *session, const char *method, json_t *params)
{
	bool is_ours = session[0] && !strcmp(session, page->session);

	for (size_t i = 0; i < TR_COUNT(handlers); i++)
		if ((handlers[i].is_browsers ? !session[0] : is_ours) &&
			!strcmp(handlers[i].method, method)) {
			handlers[i].handle(page, params);
			return;
		}
}

/* Orders */

static int copy_settings(struct tr_page *page, const struct tr_page_settings *settings)
{
	page->bindings = json_array();
	page->console = json_array();
	if (!page->bindings || !page->console)
		return -ENOMEM;
	for (const char *const *name = settings->bindings; name && *name; name++)
		if (json_array_append_new(page->bindings, json_string(*name)) < 0)
			return -ENOMEM;
	page->ignore_certificate_errors = settings->ignore_certificate_errors;
	page->script = settings->script ? strdup(settings->script) : NULL;
	return settings->script && !page->script ? -ENOMEM : 0;
}

int tr_page_create(struct tr_cdp *cdp, sd_event *event, const struct tr_page_settings *settings,
	const struct tr_page_events *events, void *user, struct tr_page **ret_page)
{
	TR_CLEANUP(tr_page_destroyp) struct tr_page *page = calloc(1, sizeof(*page));

	if (!page)
		return -ENOMEM;
	page->cdp = cdp;
	page->events = *events;
	page->user = user;
	int rc = copy_settings(page, settings);
	if (rc < 0)
		return rc;
	rc = sd_event_add_time(event, &page->deadline, CLOCK_MONOTONIC, 0, 0, on_deadline, page);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(page->deadline, SD_EVENT_OFF);
	if (rc < 0)
		return rc;
	/* Brings a targetCreated event for the page that is there, or will be. A browser that has
	 * died already is told by its process. */
	try_browser_call(page, "Target.setDiscoverTargets", json_pack("{s:b}", "discover", 1));
	try_browser_call(
		page, "Browser.setDownloadBehavior", json_pack("{s:s}", "behavior", "deny"));
	*ret_page = tr_take(page);
	return 0;
}

void tr_page_destroy(struct tr_page *page)
{
	if (!page)
		return;
	sd_event_source_disable_unref(page->deadline);
	json_decref(page->bindings);
	json_decref(page->console);
	free(page->script);
	wipe(page->wanted_script);
	wipe(page->applied_script);
	free(page->url);
	free(page);
}

static void remove_script(struct tr_page *page, const char *identifier)
{
	try_call(page, "Page.removeScriptToEvaluateOnNewDocument",
		json_pack("{s:s}", "identifier", identifier));
}

static void on_script_added(int rc, json_t *result, const char *error, void *user)
{
	TR_CLEANUP(tr_freep) struct script *script = user;
	struct tr_page *page = script->page;
	const char *identifier = text_of(result, "identifier");

	if (rc < 0) {
		if (rc != -EPIPE && rc != -ECANCELED)
			tr_warning("the page does not take its script (%s)", error);
		if (script->number == page->scripts)
			wipe(tr_take(page->applied_script)); /* so that it is given again */
		return;
	}
	if (script->number == page->scripts)
		set_name(page->session_script, identifier);
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
		params, CALL_TIMEOUT_MS, on_script_added, script);
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
	wipe(tr_take(page->applied_script));
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
		fail_net(page, rc == -EREMOTEIO ? "net::ERR_INVALID_URL" : error);
		return;
	}
	const char *net_error = text_of(result, "errorText");
	if (net_error[0])
		fail_net(page, net_error);
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

	set_name(page->revived_loader, text_of(result, "loaderId"));
	if (navigation->opening != page->opening || rc == -EPIPE || rc == -ECANCELED)
		return;
	rc = load(page);
	if (rc < 0 && rc != -EPIPE)
		fail_net(page, "net::ERR_FAILED");
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
	try_call(page, "Network.enable",
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
		wipe(own);
		return page->is_attached ? -ENOMEM : -ENOTCONN;
	}
	wipe(page->wanted_script);
	page->wanted_script = own;
	return page->state == PAGE_CRASHED ? 0 : apply_script(page);
}

void tr_page_clear_storage(struct tr_page *page, const char *url)
{
	const char *host = strstr(url, "://");
	size_t length = host ? (size_t)(host - url) + 3 : 0;
	char origin[URL_SHOWN];

	length += strcspn(url + length, "/?#");
	if (page->is_attached &&
		tr_text_format(origin, sizeof(origin), "%.*s", (int)length, url) == 0)
		try_call(page, "Storage.clearDataForOrigin",
			json_pack("{s:s, s:s}", "origin", origin, "storageTypes", "all"));
}

static void on_value(int rc, json_t *result, const char *error, void *user)
{
	TR_CLEANUP(tr_freep) struct question *question = user;
	json_t *details = json_object_get(result, "exceptionDetails");

	if (rc == 0 && details) {
		const char *text = text_of(json_object_get(details, "exception"), "description");
		question->fn(-EREMOTEIO, NULL, text[0] ? text : text_of(details, "text"),
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
	try_call(page, "Runtime.terminateExecution", NULL);
}

const json_t *tr_page_console(const struct tr_page *page)
{
	return page->console;
}

bool tr_page_is_loaded(const struct tr_page *page)
{
	return page->state == PAGE_LOADED;
}
