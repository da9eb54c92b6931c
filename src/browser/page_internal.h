/* What the files of a page share: page.c (attaching, what happens to it), page_orders.c (what it is
 * told to do) and page_console.c (what it says on its console). */
#ifndef TR_BROWSER_PAGE_INTERNAL_H
#define TR_BROWSER_PAGE_INTERNAL_H

#include "browser/page.h"

#include <stdint.h>

#define TR_PAGE_CALL_TIMEOUT_MS 10000
#define TR_PAGE_NAME_SIZE 80
#define TR_PAGE_URL_SHOWN 200

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
	char target[TR_PAGE_NAME_SIZE]; /* "" until one is found */
	char session[TR_PAGE_NAME_SIZE];
	char frame[TR_PAGE_NAME_SIZE];	/* the main one */
	char loader[TR_PAGE_NAME_SIZE]; /* of the document that is shown */
	char answered_loader[TR_PAGE_NAME_SIZE];
	int answered_status;		 /* HTTP status of that loader's document */
	char failure[TR_PAGE_NAME_SIZE]; /* why the last document did not come: "net::ERR_..." */
	char *url;
	uint64_t opening; /* counts open() calls: answers to older ones mean nothing */
	sd_event_source *deadline;
	int timeout_ms;
	json_t *console;

	char *wanted_script;			/* of the session; may hold a secret; NULL: none */
	char *applied_script;			/* what the browser was given */
	uint64_t scripts;			/* counts the times it was given one */
	char session_script[TR_PAGE_NAME_SIZE]; /* the browser's name for it, or "" */
	char revived_loader[TR_PAGE_NAME_SIZE]; /* of the empty page after a crash: its news mean
						   nothing */
};

/* For what may fail alone without harm: a dead browser is told by the pipe's end. */
void tr_page_try_call(struct tr_page *page, const char *method, json_t *params);

void tr_page_fail_net(struct tr_page *page, const char *net_error);

/* Wipes a string that may hold a secret, and frees it; NULL is fine. */
void tr_page_wipe(char *secret);

/* A member that is text, else "". */
const char *tr_page_text_of(json_t *object, const char *key);
void tr_page_set_name(char out[static TR_PAGE_NAME_SIZE], const char *text);

/* Events. */
void tr_page_on_console(struct tr_page *page, json_t *params);
void tr_page_on_exception(struct tr_page *page, json_t *params);
void tr_page_on_log_entry(struct tr_page *page, json_t *params);

#endif
