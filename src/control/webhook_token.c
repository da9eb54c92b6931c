#define TR_LOG_AREA "webhooks"

#include "control/webhook_token.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <jwt.h>
#include <string.h>

#define KEY_MAX_BYTES 65536

struct tr_webhook_token {
	char *key; /* a secret */
	size_t key_size;
	char *key_id;
	char *claims; /* iss and aud */
	int64_t lifetime_s;
};

static void free_jwtp(jwt_t **jwt)
{
	jwt_free(*jwt);
}

static int sign(const struct tr_webhook_token *token, jwt_t *jwt, int64_t expiry_s)
{
	int rc = jwt_add_grants_json(jwt, token->claims);
	if (rc == 0)
		rc = jwt_add_grant_int(jwt, "exp", (long)expiry_s);
	if (rc == 0)
		rc = jwt_add_header(jwt, "kid", token->key_id);
	if (rc == 0)
		rc = jwt_set_alg(jwt, JWT_ALG_RS256, (const unsigned char *)token->key,
			(int)token->key_size);
	return rc == 0 ? 0 : -EINVAL;
}

int tr_webhook_token_make(const struct tr_webhook_token *token, int64_t now_s, char **ret_text)
{
	TR_CLEANUP(free_jwtp) jwt_t *jwt = NULL;

	if (jwt_new(&jwt) != 0)
		return -ENOMEM;
	int rc = sign(token, jwt, now_s + token->lifetime_s);
	if (rc < 0)
		return rc;
	char *text = jwt_encode_str(jwt);
	if (!text)
		return -EINVAL;
	*ret_text = text;
	return 0;
}

static int fill(struct tr_webhook_token *token, const struct tr_webhook_token_settings *settings)
{
	json_t *claims =
		json_pack("{s:s, s:[s]}", "iss", settings->issuer, "aud", settings->audience);

	token->claims = claims ? json_dumps(claims, JSON_COMPACT) : NULL;
	json_decref(claims);
	token->key_id = strdup(settings->key_id);
	token->lifetime_s = settings->lifetime_s;
	if (token->lifetime_s < TR_WEBHOOK_TOKEN_LIFETIME_MIN_S)
		token->lifetime_s = TR_WEBHOOK_TOKEN_LIFETIME_MIN_S;
	return token->claims && token->key_id ? 0 : -EINVAL;
}

int tr_webhook_token_create(
	const struct tr_webhook_token_settings *settings, struct tr_webhook_token **ret_token)
{
	TR_CLEANUP(tr_webhook_token_destroyp)
	struct tr_webhook_token *token = calloc(1, sizeof(*token));
	TR_CLEANUP(tr_freep) char *trial = NULL;

	if (!token)
		return -ENOMEM;
	int rc = fill(token, settings);
	if (rc < 0)
		return tr_fail(rc, "issuer or audience is no text");
	rc = tr_file_read(
		AT_FDCWD, settings->key_file, KEY_MAX_BYTES, &token->key, &token->key_size);
	if (rc < 0)
		return tr_fail(rc, "the key %s cannot be read", settings->key_file);
	rc = tr_webhook_token_make(token, tr_clock_wall_ns() / TR_NS_PER_S, &trial);
	if (rc < 0)
		return tr_fail(rc, "%s is no private RSA key in PEM form", settings->key_file);
	*ret_token = tr_take(token);
	return 0;
}

void tr_webhook_token_destroy(struct tr_webhook_token *token)
{
	if (!token)
		return;
	if (token->key)
		explicit_bzero(token->key, token->key_size);
	free(token->key);
	free(token->key_id);
	free(token->claims);
	free(token);
}
