/*
 * Where finished recordings are uploaded to: one target as the configuration has it, and what its
 * URL says. Values; the secrets in them are the caller's to wipe.
 *
 *	sftp://user@host:22/folder	from the root; "/~/folder": from the user's home
 *	webdavs://host/path, https://host/path	WebDAV and Nextcloud, with TLS
 *	webdav://host/path, http://host/path	without
 *	s3://bucket/prefix		with `endpoint` for what is not Amazon's
 *	smb://user@host/share/folder
 */
#ifndef TR_STORAGE_UPLOAD_TARGET_H
#define TR_STORAGE_UPLOAD_TARGET_H

#include "core/cleanup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define TR_UPLOAD_TARGETS_MAX 4
#define TR_UPLOAD_HOST_KEYS_MAX 6
#define TR_UPLOAD_NAME_MAX 64

enum tr_upload_kind {
	TR_UPLOAD_NONE,
	TR_UPLOAD_SFTP,
	TR_UPLOAD_WEBDAV,
	TR_UPLOAD_S3,
	TR_UPLOAD_SMB,
};

/* Strings are "" when they are not given. */
struct tr_upload_target {
	char name[TR_UPLOAD_NAME_MAX];
	char url[1024];
	char user[160];		 /* wins over the URL's; smb: also "DOMAIN\\user" */
	char password[256];	 /* a secret; with key_file the key's passphrase */
	char key_file[PATH_MAX]; /* sftp: a private key, which the service's user can read */
	char access_key[256], secret_key[256]; /* s3; secrets */
	char endpoint[1024], region[160];      /* s3 */
	char ca_file[PATH_MAX];		       /* webdavs and s3; "": the system's authorities */
	unsigned host_key_count;	       /* sftp: "ssh-ed25519 AAAA..." */
	char host_keys[TR_UPLOAD_HOST_KEYS_MAX][1024];
	bool only_movie;
	bool check;	   /* compare what arrived */
	int64_t bandwidth; /* bytes per second; 0: no limit */
};

struct tr_upload_url {
	enum tr_upload_kind kind;
	bool is_tls;	 /* webdav */
	char host[256];	 /* s3: the bucket */
	int port;	 /* 0: the usual one */
	char user[160];	 /* or "" */
	char path[1024]; /* with its slash in front, none at its end; "" when there is none */
};

/* Percent-encoding is taken out of user and path. -EINVAL; never of a URL without a fault. */
TR_CHECKED int tr_upload_target_parse_url(const char *text, struct tr_upload_url *ret_url);

/* What a URL must look like, as the end of a sentence, when it does not; else NULL. */
const char *tr_upload_target_url_fault(const char *text);

/* "ssh-ed25519 AAAA...", as in a known_hosts file without the host in front. */
const char *tr_upload_target_host_key_fault(const char *text);

/* What the target lacks or has too much as a whole, a sentence with the key's name; 0 when nothing,
 * -EINVAL. */
TR_CHECKED int tr_upload_target_check(
	const struct tr_upload_target *target, char *why, size_t why_size);

/* The URL without a user, for logs, lists and states. */
void tr_upload_target_show(const struct tr_upload_target *target, char *out, size_t size);

#endif
