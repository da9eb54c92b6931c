/*
 * What a Jitsi server needs for a recorder, as texts to paste: for Prosody, Jicofo, the web page
 * and docker-jitsi-meet. Pure but for the passwords, which come from the kernel.
 */
#ifndef TR_DOCTOR_SERVER_SNIPPETS_H
#define TR_DOCTOR_SERVER_SNIPPETS_H

#include "config/config.h"

#include <jansson.h>

enum tr_server_part {
	TR_SERVER_PROSODY,
	TR_SERVER_JICOFO,
	TR_SERVER_JITSI_MEET,
	TR_SERVER_DOCKER,
	TR_SERVER_PARTS,
};

struct tr_server_wish {
	enum tr_server_part part;
	bool is_old; /* for servers of about 2020 to 2022 */
	/* Names and passwords; every name passes the configuration's own check. */
	const struct tr_config_environment *environment;
	/* Where the passwords are instead of in the texts, or NULL. */
	const char *secrets_path;
	bool is_new_here;	/* not in telerec.conf yet: say what to put there */
	bool has_new_passwords; /* not in secrets.conf yet: say so, too */
};

/* Parts of them, as answers to one question. */
enum tr_server_piece {
	TR_SERVER_PIECE_NONE,
	TR_SERVER_PIECE_BREWERY_HOST,	 /* the component of the control room */
	TR_SERVER_PIECE_HIDDEN_HOST,	 /* the host of the hidden account, and the account */
	TR_SERVER_PIECE_CONTROL_ACCOUNT, /* made, or its password set */
	TR_SERVER_PIECE_CALL_ACCOUNT,
	TR_SERVER_PIECE_TLS,
	TR_SERVER_PIECE_FILTER,
	TR_SERVER_PIECE_JICOFO,
	TR_SERVER_PIECE_WEB,
	TR_SERVER_PIECE_LOBBY,
	TR_SERVER_PIECE_PASSWORD,
	TR_SERVER_PIECE_COUNT_,
};

/* "prosody" and so on; TR_SERVER_PARTS when it is none. */
enum tr_server_part tr_server_part_find(const char *name);

/* [{"where": "on the Jitsi server", "file": path or "", "text": what to paste}, ...], with the file
 * empty for commands. -EINVAL for account names that cannot be quoted everywhere; -ENOMEM. */
TR_CHECKED int tr_server_snippets_make(const struct tr_server_wish *wish, json_t **ret_list);

/* {"where", "file", "text"} without any password: commands ask for it, and name where it is.
 * -EINVAL as above; -ENOMEM. */
TR_CHECKED int tr_server_snippets_piece(const struct tr_config_environment *environment,
	const char *secrets_path, enum tr_server_piece piece, json_t **ret_snippet);

/* The text of secrets.conf for the environment; the caller's. -ENOMEM. */
TR_CHECKED int tr_server_snippets_secrets(
	const struct tr_config_environment *environment, char **ret_text);

/* Letters and digits, which survive every shell and every format. `size` with the NUL. -errno. */
TR_CHECKED int tr_server_password_make(char *out, size_t size);

#endif
