/*
 * The one page of a browser: attaches to it, loads addresses into it, tells whether they came,
 * answers its dialogs, closes its popups, and asks it questions.
 *
 * One thread: that of the event loop. The page calls its owner through tr_page_events, last thing
 * in a callback of the loop; the owner must not destroy it from there.
 */
#ifndef TR_BROWSER_PAGE_H
#define TR_BROWSER_PAGE_H

#include "browser/cdp.h"
#include "browser/load_error.h"

#include <stdbool.h>

struct tr_page;

/* Everything is borrowed for the call. */
struct tr_page_events {
	void (*on_attached)(void *user);
	void (*on_loaded)(const char *url, void *user);
	void (*on_failed)(enum tr_load_error reason, const char *sentence, void *user);
	/* The renderer has gone; open() brings it back. */
	void (*on_crashed)(const char *sentence, void *user);
	void (*on_push)(const char *name, const char *payload, void *user);
};

struct tr_page_settings {
	const char *const *bindings; /* functions of the page's window that push; NULL: none */
	const char *script;	     /* runs before the scripts of every page; NULL: none */
	bool ignore_certificate_errors;
};

/* rc 0: `value` is what the expression gave, as JSON (borrowed). Else `error` tells; -EREMOTEIO:
 * the expression threw, -ETIMEDOUT, -ECONNRESET: the page crashed, -EPIPE: the browser has gone. */
typedef void (*tr_page_value_fn)(int rc, json_t *value, const char *error, void *user);

/* The browser must have been started with an address other than about:blank, by which the page
 * knows that it is there. Keeps `cdp`; copies the settings. */
TR_CHECKED int tr_page_create(struct tr_cdp *cdp, sd_event *event,
	const struct tr_page_settings *settings, const struct tr_page_events *events, void *user,
	struct tr_page **ret_page);
void tr_page_destroy(struct tr_page *page); /* after its tr_cdp */

/* What the owner's tr_cdp_events.on_event got. */
void tr_page_handle_event(
	struct tr_page *page, const char *session, const char *method, json_t *params);

/* Loads `url`. on_loaded or on_failed comes exactly once for it, at the latest after `timeout_ms`,
 * unless a crash or another open() comes before. -ENOTCONN before on_attached; -EPIPE. */
TR_CHECKED int tr_page_open(struct tr_page *page, const char *url, int timeout_ms);

/* Waits for a promise. -ENOTCONN, -EPIPE: `fn` is not called. */
TR_CHECKED int tr_page_evaluate(struct tr_page *page, const char *expression, int timeout_ms,
	tr_page_value_fn fn, void *user);

/* `value` is the base64 text of a PNG of the page. */
TR_CHECKED int tr_page_screenshot(
	struct tr_page *page, int timeout_ms, tr_page_value_fn fn, void *user);

/* The page was found not to answer: stops its script, so that open() has a chance. */
void tr_page_interrupt(struct tr_page *page);

/* A script of one session: runs before the scripts of every page from the next open() on, until
 * the next call or NULL takes it away. Copied, and wiped then. -ENOTCONN before on_attached,
 * -EPIPE. */
TR_CHECKED int tr_page_set_script(struct tr_page *page, const char *script);

/* Takes away what pages of this address's site have stored: cookies, databases, caches, workers. */
void tr_page_clear_storage(struct tr_page *page, const char *url);

/* The last 32 error lines of the page's console, oldest first (array of strings; borrowed). They
 * are the page's words: not for the log. */
const json_t *tr_page_console(const struct tr_page *page);

bool tr_page_is_loaded(const struct tr_page *page);

TR_CLEANUP_DEFINE(struct tr_page, tr_page_destroy)

#endif
