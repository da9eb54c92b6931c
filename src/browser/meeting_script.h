/* The script that goes into the meeting's page: meeting_script.js with its settings. */
#ifndef TR_BROWSER_MEETING_SCRIPT_H
#define TR_BROWSER_MEETING_SCRIPT_H

#include "core/cleanup.h"

struct tr_meeting_script {
	const char *url; /* the log-in is for pages of its site only */
	const char *binding;
	const char *call_jid; /* "": no log-in */
	const char *call_password;
	const char *call_name;
	const char *session_id, *mode;
	const char *view_url; /* "": none */
};

/* Gives the source, ASCII, which holds the password: to be let go of by
 * tr_meeting_script_release(). -EINVAL for what is not UTF-8, -ENOMEM. */
TR_CHECKED int tr_meeting_script_format(
	const struct tr_meeting_script *settings, char **ret_script);

/* Wipes and frees. NULL is fine. */
void tr_meeting_script_release(char *script);

TR_CLEANUP_DEFINE(char, tr_meeting_script_release)

#endif
