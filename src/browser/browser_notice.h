/*
 * What goes from a browser to its caller. It waits in the browser's queue until the loop is at
 * nothing else of ours, so that the caller may do anything, also stop the browser.
 */
#ifndef TR_BROWSER_BROWSER_NOTICE_H
#define TR_BROWSER_BROWSER_NOTICE_H

#include "browser/browser.h"

enum tr_browser_notice_kind {
	TR_BROWSER_NOTICE_NONE,
	TR_BROWSER_NOTICE_READY,
	TR_BROWSER_NOTICE_LOADED,
	TR_BROWSER_NOTICE_FAILED,
	TR_BROWSER_NOTICE_CRASHED,
	TR_BROWSER_NOTICE_EXITED,
	TR_BROWSER_NOTICE_PUSH,
	TR_BROWSER_NOTICE_VALUE,
	TR_BROWSER_NOTICE_PICTURE,
};

struct tr_browser_notice {
	struct tr_browser_notice *next; /* in the queue */
	enum tr_browser_notice_kind kind;
	int number; /* rc, wait status or reason */
	char *name;
	char *text;
	json_t *value;
	struct tr_browser_request *request;
};

struct tr_browser_request {
	struct tr_browser *browser;
	struct tr_browser_request *next; /* of those without an answer */
	tr_browser_value_fn value_fn;
	tr_browser_picture_fn picture_fn;
	void *user;
};

/* With what belongs to it. */
void tr_browser_notice_free(struct tr_browser_notice *notice);

/* Calls back; whoever is called may stop the browser. */
void tr_browser_notice_deliver(
	const struct tr_browser_events *events, void *user, const struct tr_browser_notice *notice);

#endif
