/*
 * The body of Jibri's startService, as its callers write it: JSON in, a request or the refusal that
 * Jibri would have given out. Unknown members, missing ones and wrong types are refused as Jibri
 * refuses them; what Jibri took without looking (a slash in the call's name, a bare stream key) is
 * made safe. Pure: no loop, no I/O.
 */
#ifndef TR_CONTROL_JIBRI_REQUEST_H
#define TR_CONTROL_JIBRI_REQUEST_H

#include "control/actions.h"

#include <jansson.h>
#include <stddef.h>

struct tr_jibri_request {
	struct tr_control_start start; /* its strings live as long as this */
	json_t *body;
	char *meeting_url;
	char *call_name;
	char *call_jid;
	char *stream_url;
	char *url_parameters;
};

/*
 * Gives the request of `size` bytes of JSON. `why` is a sentence for the log, which quotes no
 * value. -EINVAL: to be answered with 500 and nothing. -ENODATA: to be answered with 412 and the
 * static text `*ret_missing`. -EOPNOTSUPP: asks for a SIP gateway, which this node is not: 500.
 * -ENOMEM.
 */
TR_CHECKED int tr_jibri_request_parse(const char *body, size_t size,
	struct tr_jibri_request **ret_request, const char **ret_missing, char *why,
	size_t why_size);
void tr_jibri_request_destroy(struct tr_jibri_request *request);

TR_CLEANUP_DEFINE(struct tr_jibri_request, tr_jibri_request_destroy)

#endif
