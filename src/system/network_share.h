/*
 * A folder of another machine, for recordings: "nfs://host/export" or "smb://host/share/folder". It
 * is tried before anything is changed; then /etc/telerec/share.conf names it, from which
 * telerec-share.service mounts it at each start of the machine, and again when that failed.
 *
 * Who may read files on an SMB share is decided by its server alone: here it is below a folder that
 * only root and the service's group may enter. The password is in /etc/telerec/share.credentials,
 * which only root can read, and nowhere else.
 */
#ifndef TR_SYSTEM_NETWORK_SHARE_H
#define TR_SYSTEM_NETWORK_SHARE_H

#include "system/kernel_change.h"

#include <limits.h>

#define TR_NETWORK_SHARE_PLACE "/run/media/telerec/share/files"
#define TR_NETWORK_SHARE_FOLDER TR_NETWORK_SHARE_PLACE "/recordings"

struct tr_network_share {
	bool is_smb;	 /* else NFS */
	char host[256];	 /* a name or an address; IPv6 in brackets */
	int port;	 /* 0: the usual one */
	char path[1024]; /* begins with '/': the export, or share and folder */
	char user[128];	 /* of SMB, also "DOMAIN\\user"; "": as a guest */
	char password[256];
};

/* Takes host, port and path from a URL; the rest is emptied. -EINVAL with a sentence in `why`. */
TR_CHECKED int tr_network_share_parse(
	const char *url, struct tr_network_share *ret_share, char *why, size_t why_size);

/* What mount(8) is told; the credentials are in that file. -ENAMETOOLONG. */
TR_CHECKED int tr_network_share_what(const struct tr_network_share *share, char *out, size_t size);
TR_CHECKED int tr_network_share_options(
	const struct tr_network_share *share, const char *credentials, char *out, size_t size);

/* Its credentials' file as text; the caller wipes it. -EINVAL for what no line can hold. */
TR_CHECKED int tr_network_share_credentials(
	const struct tr_network_share *share, char *out, size_t size);

/* Tries it, mounts it for good and makes the folder of recordings, TR_NETWORK_SHARE_FOLDER. Needs
 * root. -errno with `why`; nothing is changed when the trial failed. */
TR_CHECKED int tr_network_share_use(
	struct tr_change *change, const struct tr_network_share *share, const char *url);

/* It is not mounted again; now it goes too, unless somebody has files open there. */
TR_CHECKED int tr_network_share_forget(struct tr_change *change);

/* The URL that is used, "" for none, and whether it is mounted now. Never touches the share. */
void tr_network_share_read(const char *root, char *url, size_t size, bool *ret_is_mounted);

#endif
