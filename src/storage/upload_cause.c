#include "storage/upload_cause.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The first that fits: what is special stands before what is general. */
static const struct {
	const char *words;
	enum tr_upload_cause cause;
} signs[] = {
	{"key is unknown", TR_UPLOAD_HOST_KEY_UNKNOWN},
	{"key mismatch", TR_UPLOAD_HOST_KEY_CHANGED},
	{"failed to read private key", TR_UPLOAD_KEY_FILE},
	{"failed to parse private key", TR_UPLOAD_KEY_FILE},
	{"x509", TR_UPLOAD_CERTIFICATE},
	{"certificate", TR_UPLOAD_CERTIFICATE},
	{"first record does not look like a TLS handshake", TR_UPLOAD_CERTIFICATE},
	{"no such host", TR_UPLOAD_NAME_UNKNOWN},
	{"server misbehaving", TR_UPLOAD_NAME_UNKNOWN},
	{"name resolution", TR_UPLOAD_NAME_UNKNOWN},
	{"connection refused", TR_UPLOAD_REFUSED},
	{"unable to authenticate", TR_UPLOAD_LOGIN},
	{"unauthorized", TR_UPLOAD_LOGIN},
	{"InvalidAccessKeyId", TR_UPLOAD_LOGIN},
	{"SignatureDoesNotMatch", TR_UPLOAD_LOGIN},
	{"logon is invalid", TR_UPLOAD_LOGIN},
	{"logon failure", TR_UPLOAD_LOGIN},
	{"bad username or authentication", TR_UPLOAD_LOGIN},
	{"507 ", TR_UPLOAD_FULL},
	{"insufficient storage", TR_UPLOAD_FULL},
	{"no space left", TR_UPLOAD_FULL},
	{"disk is full", TR_UPLOAD_FULL},
	{"disk full", TR_UPLOAD_FULL},
	{"quota", TR_UPLOAD_FULL},
	{"NoSuchBucket", TR_UPLOAD_NO_PLACE},
	{"bad network name", TR_UPLOAD_NO_PLACE},
	{"network name cannot be found", TR_UPLOAD_NO_PLACE},
	{"409 conflict", TR_UPLOAD_NO_PLACE},
	{"directory not found", TR_UPLOAD_NO_PLACE},
	{"no such file", TR_UPLOAD_NO_PLACE},
	{"not exist", TR_UPLOAD_NO_PLACE},
	{"permission denied", TR_UPLOAD_DENIED},
	{"access denied", TR_UPLOAD_DENIED},
	{"accessdenied", TR_UPLOAD_DENIED},
	{"forbidden", TR_UPLOAD_DENIED},
	{"i/o timeout", TR_UPLOAD_SILENT},
	{"deadline exceeded", TR_UPLOAD_SILENT},
	{"no route to host", TR_UPLOAD_SILENT},
	{"unreachable", TR_UPLOAD_SILENT},
	{"connection reset", TR_UPLOAD_CUT},
	{"connection lost", TR_UPLOAD_CUT},
	{"broken pipe", TR_UPLOAD_CUT},
	{"EOF", TR_UPLOAD_CUT},
	{"files differ", TR_UPLOAD_DIFFERS},
	{"sizes differ", TR_UPLOAD_DIFFERS},
	{"differences found", TR_UPLOAD_DIFFERS},
	{"404 not found", TR_UPLOAD_NO_PLACE},
	{"SSH_FX_FAILURE", TR_UPLOAD_BROKEN},
	{"internal server error", TR_UPLOAD_BROKEN},
};

static const struct {
	const char *name;
	const char *sentence; /* with the server's name in front */
	const char *cure;     /* with a %s: the target's name */
} causes[TR_UPLOAD_CAUSE_COUNT_] = {
	[TR_UPLOAD_FINE] = {"fine", "has taken it", ""},
	[TR_UPLOAD_NO_TOOL] = {"no-rclone",
		"cannot be asked: rclone, which does the transfer, is not installed",
		"apt install rclone"},
	[TR_UPLOAD_NAME_UNKNOWN] = {"name", "is a name that does not exist",
		"look at url of the target %s in telerec.conf, and at this machine's name servers"},
	[TR_UPLOAD_REFUSED] = {"refused", "refuses the connection: nobody listens there",
		"look after the server, and at the port in url of the target %s in telerec.conf"},
	[TR_UPLOAD_SILENT] = {"silent", "does not answer",
		"look after the server and the network on the way; is url of the target %s right?"},
	[TR_UPLOAD_HOST_KEY_UNKNOWN] = {"host-key-unknown",
		"cannot be told from an impostor: no host key of it is in telerec.conf",
		"telerec upload trust %s # prints its keys; compare them and put them in host_keys"},
	[TR_UPLOAD_HOST_KEY_CHANGED] = {"host-key-changed",
		"shows a host key that is not in telerec.conf: it is another machine, or was set up "
		"anew",
		"telerec upload trust %s # prints all its keys; compare them and put them in "
		"host_keys"},
	[TR_UPLOAD_CERTIFICATE] = {"certificate", "shows a certificate that is not trusted",
		"put the authority's certificate into a file, and its name into ca_file of the "
		"target %s in telerec.conf"},
	[TR_UPLOAD_LOGIN] = {"login", "refuses the user or the password",
		"look at the user of the target %s in telerec.conf and at its password in "
		"secrets.conf"},
	[TR_UPLOAD_NO_PLACE] = {"no-place", "has no such bucket, share or folder",
		"make it there, or change url of the target %s in telerec.conf"},
	[TR_UPLOAD_DENIED] = {"denied", "does not let this user write there",
		"give the user of the target %s the right to write, rename and remove there"},
	[TR_UPLOAD_FULL] = {"full", "has no room left for it",
		"make room there (the target %s), or raise the user's quota"},
	[TR_UPLOAD_BROKEN] = {"server-fails",
		"fails at writing it and does not say why, most likely because its disk is full",
		"look how full the disk of the target %s is, and into its server's log"},
	[TR_UPLOAD_CUT] = {"cut", "went away in the middle",
		"it is tried again; look after the network and the server of the target %s when that "
		"happens often"},
	[TR_UPLOAD_DIFFERS] = {"differs", "has something else than what was sent",
		"it is tried again; look after the disk of the target %s when that happens often"},
	[TR_UPLOAD_KEY_FILE] = {"key-file", "was not asked: the private key cannot be read",
		"chgrp telerec FILE; chmod 640 FILE # key_file of the target %s; a passphrase is its "
		"password"},
	[TR_UPLOAD_OTHER] = {"other", "did not take it", ""},
};

enum tr_upload_cause tr_upload_cause_find(const char *words)
{
	for (size_t i = 0; i < TR_COUNT(signs); i++)
		if (strcasestr(words, signs[i].words))
			return signs[i].cause;
	return TR_UPLOAD_OTHER;
}

const char *tr_upload_cause_name(enum tr_upload_cause cause)
{
	return causes[cause].name;
}

void tr_upload_cause_say(enum tr_upload_cause cause, const struct tr_upload_target *target,
	const char *words, char *out, size_t size)
{
	struct tr_upload_url url = {0};
	bool is_known = tr_upload_target_parse_url(target->url, &url) == 0;
	const char *place = !is_known		       ? target->name
			    : url.kind != TR_UPLOAD_S3 ? url.host
			    : target->endpoint[0]      ? target->endpoint
						       : "the S3 service";
	bool has_words = cause == TR_UPLOAD_OTHER && words[0];

	snprintf(out, size, "%.250s %s%s%.200s", place, causes[cause].sentence,
		has_words ? ": " : "", has_words ? words : "");
}

void tr_upload_cause_cure(
	enum tr_upload_cause cause, const struct tr_upload_target *target, char *out, size_t size)
{
	const char *text = causes[cause].cure;
	const char *mark = strstr(text, "%s");

	if (mark)
		snprintf(out, size, "%.*s%s%s", (int)(mark - text), text, target->name, mark + 2);
	else
		snprintf(out, size, "%s", text);
}
