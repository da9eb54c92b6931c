/* Why an upload failed, from what rclone(1) says, and sentences about it. Pure. */
#ifndef TR_STORAGE_UPLOAD_CAUSE_H
#define TR_STORAGE_UPLOAD_CAUSE_H

#include "storage/upload_target.h"

enum tr_upload_cause {
	TR_UPLOAD_FINE,
	TR_UPLOAD_NO_TOOL,	    /* rclone is not installed */
	TR_UPLOAD_NAME_UNKNOWN,	    /* there is no such host */
	TR_UPLOAD_REFUSED,	    /* nobody listens there */
	TR_UPLOAD_SILENT,	    /* no answer */
	TR_UPLOAD_HOST_KEY_UNKNOWN, /* none is configured */
	TR_UPLOAD_HOST_KEY_CHANGED, /* it has another one */
	TR_UPLOAD_CERTIFICATE,
	TR_UPLOAD_LOGIN,
	TR_UPLOAD_NO_PLACE, /* no such bucket, share or folder */
	TR_UPLOAD_DENIED,
	TR_UPLOAD_FULL,
	TR_UPLOAD_BROKEN,   /* it fails at writing, and does not say why */
	TR_UPLOAD_CUT,	    /* the connection, in the middle */
	TR_UPLOAD_DIFFERS,  /* what arrived is not what was sent */
	TR_UPLOAD_KEY_FILE, /* the private key cannot be read */
	TR_UPLOAD_OTHER,
	TR_UPLOAD_CAUSE_COUNT_,
};

/* By rclone's words; never FINE. */
enum tr_upload_cause tr_upload_cause_find(const char *words);

/* "login", "host-key-unknown", ... for programs. */
const char *tr_upload_cause_name(enum tr_upload_cause cause);

/* "nas.example.org refuses the user or the password", and what to do, "" when nothing is known. */
void tr_upload_cause_say(enum tr_upload_cause cause, const struct tr_upload_target *target,
	const char *words, char *out, size_t size);
void tr_upload_cause_cure(
	enum tr_upload_cause cause, const struct tr_upload_target *target, char *out, size_t size);

#endif
