/* The public keys of an SFTP server, by ssh-keyscan(1), for a person to compare and to put into the
 * configuration. Waits. */
#ifndef TR_CLI_HOST_KEYS_H
#define TR_CLI_HOST_KEYS_H

#include "storage/upload_target.h"

struct tr_host_keys {
	unsigned count;
	char keys[TR_UPLOAD_HOST_KEYS_MAX][1024];	/* "ssh-ed25519 AAAA..." */
	char fingerprints[TR_UPLOAD_HOST_KEYS_MAX][64]; /* "SHA256:..." */
};

/* -EINVAL: not an SFTP target; -ENOENT: there is no ssh-keyscan; -ENODATA: it gave none. */
TR_CHECKED int tr_host_keys_scan(
	const struct tr_upload_target *target, struct tr_host_keys *ret_keys);

#endif
