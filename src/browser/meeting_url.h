/* The address a meeting's page is opened with: Jibri's options of the page behind the '#', where
 * they never reach the web server. It holds no secret. */
#ifndef TR_BROWSER_MEETING_URL_H
#define TR_BROWSER_MEETING_URL_H

#include "core/cleanup.h"

struct tr_meeting_url {
	const char *url;	/* what stands before the '#'; bytes beyond ASCII become "%xx" */
	const char *parameters; /* further ones, joined by '&', or NULL; duplicates are dropped */
	int rtcstats;		/* 0, 1; -1: not said */
};

/* Gives the whole address. -ENOMEM; -EINVAL when it is none of http or https. */
TR_CHECKED int tr_meeting_url_format(const struct tr_meeting_url *meeting, char **ret_url);

#endif
