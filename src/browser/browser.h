/*
 * The browser of a slot: one Chromium with one page, kept warm, loaded on demand.
 *
 * Lives on the caller's event loop, one thread, never waits (but for the reaping of a killed
 * process, milliseconds). All functions of tr_browser_events and all answers come from the loop,
 * never from within a call, and may call anything here, tr_browser_stop() included; after stop
 * nothing comes.
 *
 * A life: start -> on_ready (warm, a black page) -> open -> on_loaded or on_failed -> ...
 *   on_crashed: the page's process died: open() again (about 0.3 s).
 *   on_failed with TR_LOAD_ERROR_HUNG: scripts do not answer: open() again; when that fails too,
 *   or with TR_LOAD_ERROR_BROWSER: stop(), start() again (about a second until it is loaded).
 *   on_exited: the process died: stop(), start() again.
 */
#ifndef TR_BROWSER_BROWSER_H
#define TR_BROWSER_BROWSER_H

#include "browser/chromium.h"
#include "browser/load_error.h"

#include <jansson.h>
#include <stdint.h>

struct tr_browser;

struct tr_browser_settings {
	struct tr_chromium_settings chromium;
	const char *const *bindings; /* names of functions that pages push text with; or NULL */
	const char *script;	     /* runs before the scripts of every page; or NULL */
	bool ignore_certificate_errors;
	int start_timeout_ms;	  /* until on_ready; 0: 60 s */
	int heartbeat_ms;	  /* a loaded page is asked this often; 0: 5 s, -1: never */
	int heartbeat_timeout_ms; /* without an answer for so long it is hung; 0: 10 s */
};

/* Members may be NULL. Texts are borrowed for the call. */
struct tr_browser_events {
	void (*on_ready)(void *user);
	void (*on_loaded)(const char *url, void *user);
	void (*on_failed)(enum tr_load_error reason, const char *sentence, void *user);
	void (*on_crashed)(const char *sentence, void *user);
	void (*on_exited)(int wait_status, const char *sentence, void *user);
	/* The page called window.NAME(payload). */
	void (*on_push)(const char *name, const char *payload, void *user);
};

/* rc 0: `value` as JSON, borrowed. -EREMOTEIO: the expression threw `error`; -ETIMEDOUT;
 * -ECONNRESET: the page crashed; -EPIPE: the browser has gone. */
typedef void (*tr_browser_value_fn)(int rc, json_t *value, const char *error, void *user);

/* rc 0: a PNG, borrowed. Else data is NULL. */
typedef void (*tr_browser_picture_fn)(int rc, const uint8_t *data, size_t size, void *user);

/* Borrows the settings, copies the events. Errors as tr_chromium_start(); all are said. */
TR_CHECKED int tr_browser_start(sd_event *event, const struct tr_browser_settings *settings,
	const struct tr_browser_events *events, void *user, struct tr_browser **ret_browser);

/* Kills all of its processes, reaps, removes the profile. Open questions get no answer. NULL is
 * fine. */
void tr_browser_stop(struct tr_browser *browser);

/* Loads `url` in place of what is there. on_loaded or on_failed comes once, at the latest after
 * `timeout_ms`, unless a crash, an exit or another open() is first. -ENOTCONN before on_ready,
 * -EPIPE when the browser has gone. */
TR_CHECKED int tr_browser_open(struct tr_browser *browser, const char *url, int timeout_ms);

/* `fn` is called exactly once (or never, after stop), unless this fails: -ENOTCONN before
 * on_ready and while the page is crashed, -EPIPE. A promise is waited for. */
TR_CHECKED int tr_browser_evaluate(struct tr_browser *browser, const char *expression,
	int timeout_ms, tr_browser_value_fn fn, void *user);

/* What the page looks like, as the browser sees it. Errors as above. */
TR_CHECKED int tr_browser_screenshot(
	struct tr_browser *browser, int timeout_ms, tr_browser_picture_fn fn, void *user);

/* A script of one session: runs before the scripts of every page from the next open() on, until the
 * next call or NULL takes it away. It may hold a secret: never logged, wiped when it goes.
 * -ENOTCONN before on_ready, -EPIPE. */
TR_CHECKED int tr_browser_set_script(struct tr_browser *browser, const char *script);

/* Takes away what pages of this address's site have stored: cookies, databases, caches, workers. */
void tr_browser_clear_storage(struct tr_browser *browser, const char *url);

/* Stops the page's scripts when they run for ever, so that open() has a chance. */
void tr_browser_interrupt(struct tr_browser *browser);

/* One user of the browser besides its owner; NULL for the one before. `on_stop` is called from
 * tr_browser_stop(), after which `user` must not touch the browser. */
void tr_browser_attach(struct tr_browser *browser, void (*on_stop)(void *user), void *user);

/* That user is told no more, and what it asked is not answered. */
void tr_browser_detach(struct tr_browser *browser, void *user);

/* "Chromium 150.0.1.2", after on_ready; "" before. */
const char *tr_browser_version(const struct tr_browser *browser);

/* The last 32 error lines of the page's console (array of strings, borrowed), for the report. They
 * may quote anything the page knows: not for the log. */
const json_t *tr_browser_console(const struct tr_browser *browser);

/* The main process, for watching; 0 when it has ended. */
pid_t tr_browser_pid(const struct tr_browser *browser);

TR_CLEANUP_DEFINE(struct tr_browser, tr_browser_stop)

#endif
