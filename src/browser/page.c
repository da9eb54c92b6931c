#include "browser/page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "browser/page_internal.h"
#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "page"
#define SENTENCE_SIZE 512
#define HTTP_ERROR 400

void tr_page_wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

const char *tr_page_text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

void tr_page_set_name(char out[TR_PAGE_NAME_SIZE], const char *text)
{
	snprintf(out, TR_PAGE_NAME_SIZE, "%s", text);
}

static int call(struct tr_page *page, const char *method, json_t *params)
{
	return tr_cdp_call(
		page->cdp, page->session, method, params, TR_PAGE_CALL_TIMEOUT_MS, NULL, NULL);
}

void tr_page_try_call(struct tr_page *page, const char *method, json_t *params)
{
	int rc = call(page, method, params);
	if (rc < 0)
		tr_debug("%s not sent: %s", method, strerror(-rc));
}

static void try_browser_call(struct tr_page *page, const char *method, json_t *params)
{
	int rc = tr_cdp_call(page->cdp, NULL, method, params, TR_PAGE_CALL_TIMEOUT_MS, NULL, NULL);
	if (rc < 0)
		tr_debug("%s not sent: %s", method, strerror(-rc));
}

static void end_opening(struct tr_page *page, enum page_state state)
{
	page->state = state;
	page->opening++;
	sd_event_source_set_enabled(page->deadline, SD_EVENT_OFF);
	/* Its events are many once a meeting runs (one per message of a web socket). */
	tr_page_try_call(page, "Network.disable", NULL);
}

static void fail(struct tr_page *page, enum tr_load_error reason, const char *sentence)
{
	end_opening(page, PAGE_FAILED);
	page->events.on_failed(reason, sentence, page->user);
}

void tr_page_fail_net(struct tr_page *page, const char *net_error)
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
	char url[TR_PAGE_URL_SHOWN], sentence[SENTENCE_SIZE];

	tr_text_redact(page->url, url, sizeof(url));
	snprintf(sentence, sizeof(sentence),
		"cannot load %s: it was not complete after %.3g s; check the server and the network",
		url, page->timeout_ms / 1000.0);
	tr_info("of the page that was not complete %s had come",
		page->loader[0] ? "the document" : "nothing");
	tr_page_try_call(page, "Page.stopLoading", NULL);
	fail(page, TR_LOAD_ERROR_TIMEOUT, sentence);
	return 0;
}

/* Attaching */

/* A page that is still on its way to the browser's first address would take a load() for nothing:
 * that first one could end it, or be taken for it. */
static void note_start_page(struct tr_page *page, json_t *frame)
{
	const char *url = tr_page_text_of(frame, "url");

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

	tr_page_try_call(page, "Page.enable", NULL);
	tr_page_try_call(page, "Runtime.enable", NULL);
	tr_page_try_call(page, "Log.enable", NULL);
	tr_page_try_call(page, "Inspector.enable", NULL);
	tr_page_try_call(page, "Page.setLifecycleEventsEnabled", json_pack("{s:b}", "enabled", 1));
	if (page->ignore_certificate_errors)
		tr_page_try_call(page, "Security.setIgnoreCertificateErrors",
			json_pack("{s:b}", "ignore", 1));
	json_array_foreach(page->bindings, i, name)
		tr_page_try_call(page, "Runtime.addBinding", json_pack("{s:O}", "name", name));
	if (page->script)
		tr_page_try_call(page, "Page.addScriptToEvaluateOnNewDocument",
			json_pack("{s:s}", "source", page->script));
	/* Answers come in order: with this one all of the above are done. */
	int rc = tr_cdp_call(page->cdp, page->session, "Page.getFrameTree", NULL,
		TR_PAGE_CALL_TIMEOUT_MS, on_prepared, page);
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
	tr_page_set_name(page->session, tr_page_text_of(result, "sessionId"));
	prepare(page);
}

static void attach(struct tr_page *page, const char *target)
{
	tr_page_set_name(page->target, target);
	tr_page_set_name(page->frame, target); /* a target is named after its main frame */
	int rc = tr_cdp_call(page->cdp, NULL, "Target.attachToTarget",
		json_pack("{s:s, s:b}", "targetId", target, "flatten", 1), TR_PAGE_CALL_TIMEOUT_MS,
		on_session, page);
	if (rc < 0)
		tr_debug("cannot attach: %s", strerror(-rc));
}

static void on_target_created(struct tr_page *page, json_t *params)
{
	json_t *info = json_object_get(params, "targetInfo");
	const char *id = tr_page_text_of(info, "targetId");

	if (strcmp(tr_page_text_of(info, "type"), "page") != 0 || !strcmp(id, page->target))
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
	const char *status = tr_page_text_of(params, "status");

	if (strcmp(tr_page_text_of(params, "targetId"), page->target) != 0)
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
	const char *type = tr_page_text_of(params, "type");
	/* "Leave this page?" is the one that must be answered with yes. */
	bool accept = !strcmp(type, "beforeunload");

	tr_info("the page showed a dialog (%.20s), which is closed", type);
	tr_page_try_call(page, "Page.handleJavaScriptDialog", json_pack("{s:b}", "accept", accept));
}

static void on_response(struct tr_page *page, json_t *params)
{
	if (strcmp(tr_page_text_of(params, "type"), "Document") != 0 ||
		strcmp(tr_page_text_of(params, "frameId"), page->frame) != 0)
		return;
	tr_page_set_name(page->answered_loader, tr_page_text_of(params, "loaderId"));
	page->answered_status = (int)json_integer_value(
		json_object_get(json_object_get(params, "response"), "status"));
}

static void on_loading_failed(struct tr_page *page, json_t *params)
{
	if (!strcmp(tr_page_text_of(params, "type"), "Document"))
		tr_page_set_name(page->failure, tr_page_text_of(params, "errorText"));
}

static void on_frame_navigated(struct tr_page *page, json_t *params)
{
	json_t *frame = json_object_get(params, "frame");

	if (json_object_get(frame, "parentId"))
		return;
	if (page->revived_loader[0] &&
		!strcmp(tr_page_text_of(frame, "loaderId"), page->revived_loader))
		return;
	note_start_page(page, frame);
	tr_page_set_name(page->frame, tr_page_text_of(frame, "id"));
	tr_page_set_name(page->loader, tr_page_text_of(frame, "loaderId"));
	if (tr_page_text_of(frame, "unreachableUrl")[0]) {
		/* Page.navigate's answer tells it as well; this is for what the page did itself. */
		if (page->state == PAGE_LOADED || (page->state == PAGE_LOADING && page->failure[0]))
			tr_page_fail_net(
				page, page->failure[0] ? page->failure : "net::ERR_FAILED");
		return;
	}
	if (page->state == PAGE_LOADED)
		tr_info("the page went to another address by itself");
}

static void on_lifecycle(struct tr_page *page, json_t *params)
{
	char sentence[SENTENCE_SIZE];

	if (page->state != PAGE_LOADING || strcmp(tr_page_text_of(params, "name"), "load") != 0 ||
		strcmp(tr_page_text_of(params, "frameId"), page->frame) != 0 ||
		strcmp(tr_page_text_of(params, "loaderId"), page->loader) != 0)
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
	page->events.on_push(
		tr_page_text_of(params, "name"), tr_page_text_of(params, "payload"), page->user);
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
	{"Runtime.consoleAPICalled", false, tr_page_on_console},
	{"Runtime.exceptionThrown", false, tr_page_on_exception},
	{"Log.entryAdded", false, tr_page_on_log_entry},
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
	tr_page_wipe(page->wanted_script);
	tr_page_wipe(page->applied_script);
	free(page->url);
	free(page);
}

const json_t *tr_page_console(const struct tr_page *page)
{
	return page->console;
}

bool tr_page_is_loaded(const struct tr_page *page)
{
	return page->state == PAGE_LOADED;
}
