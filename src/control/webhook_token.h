/* The JSON web token by which webhooks' subscribers know this node: RS256, as Jibri's. Made for
 * each request, so none is ever too old. */
#ifndef TR_CONTROL_WEBHOOK_TOKEN_H
#define TR_CONTROL_WEBHOOK_TOKEN_H

#include "core/cleanup.h"

#include <stdint.h>

#define TR_WEBHOOK_TOKEN_LIFETIME_MIN_S 600

struct tr_webhook_token_settings {
	const char *key_file; /* PEM, an RSA key, PKCS#1 or PKCS#8 */
	const char *key_id;
	const char *issuer;
	const char *audience;
	int64_t lifetime_s;
};

struct tr_webhook_token;

/* Copies all and reads the key. -ENOENT, -EACCES, -EINVAL for what is no RSA key, ..., said. */
TR_CHECKED int tr_webhook_token_create(
	const struct tr_webhook_token_settings *settings, struct tr_webhook_token **ret_token);
void tr_webhook_token_destroy(struct tr_webhook_token *token);

/* Gives the token's text, a secret, to be freed. `now_s` since 1970. -ENOMEM, -EINVAL. */
TR_CHECKED int tr_webhook_token_make(
	const struct tr_webhook_token *token, int64_t now_s, char **ret_text);

TR_CLEANUP_DEFINE(struct tr_webhook_token, tr_webhook_token_destroy)

#endif
