#include "cli/host_keys.h"

#include "core/child.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_S "10"
#define GRACE_MS 1000
#define SHA256_BYTES 32

/* As ssh-keygen(1) prints it: base64 without its '='. */
static int make_fingerprint(const char *key, char *out, size_t size)
{
	const char *blob = strchr(key, ' ');
	gnutls_datum_t text = {(unsigned char *)(blob ? blob + 1 : key), 0}, raw, coded;
	unsigned char digest[SHA256_BYTES];
	gnutls_datum_t hash = {digest, sizeof(digest)};

	text.size = (unsigned)strlen((const char *)text.data);
	if (gnutls_base64_decode2(&text, &raw) < 0)
		return -EINVAL;
	int rc = gnutls_hash_fast(GNUTLS_DIG_SHA256, raw.data, raw.size, digest);
	gnutls_free(raw.data);
	if (rc < 0 || gnutls_base64_encode2(&hash, &coded) < 0)
		return -EINVAL;
	snprintf(out, size, "SHA256:%.*s", (int)strcspn((const char *)coded.data, "="),
		(const char *)coded.data);
	gnutls_free(coded.data);
	return 0;
}

/* "HOST TYPE KEY"; what is none is passed over. */
static void take_line(char *line, struct tr_host_keys *keys)
{
	char *space = strchr(line, ' ');

	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '#' || !space || keys->count == TR_UPLOAD_HOST_KEYS_MAX ||
		tr_upload_target_host_key_fault(space + 1))
		return;
	char *key = keys->keys[keys->count];
	if (tr_text_format(key, sizeof(keys->keys[0]), "%s", space + 1) < 0 ||
		make_fingerprint(
			key, keys->fingerprints[keys->count], sizeof(keys->fingerprints[0])) < 0)
		return;
	keys->count++;
}

static int scan(const struct tr_upload_url *url, struct tr_child *child, FILE **ret_out)
{
	char port[16];
	int fds[2];

	snprintf(port, sizeof(port), "%d", url->port ? url->port : 22);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int reader = fds[0];
	TR_CLEANUP(tr_closep) int writer = fds[1];
	TR_CLEANUP(tr_closep) int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const char *const argv[] = {
		"ssh-keyscan", "-T", TIMEOUT_S, "-p", port, "--", url->host, NULL};
	const struct tr_child_fd to[] = {{writer, STDOUT_FILENO}, {nothing, STDERR_FILENO}};
	const struct tr_child_settings settings = {
		.argv = argv, .fds = to, .fd_count = TR_COUNT(to), .is_group_ours = true};
	if (nothing < 0)
		return -errno;
	int rc = tr_child_start(&settings, child);
	if (rc < 0)
		return rc;
	*ret_out = fdopen(reader, "r");
	if (*ret_out)
		(void)tr_take_fd(&reader);
	return *ret_out ? 0 : -ENOMEM;
}

int tr_host_keys_scan(const struct tr_upload_target *target, struct tr_host_keys *ret_keys)
{
	struct tr_child child = {.pidfd = -1};
	struct tr_upload_url url;
	FILE *out = NULL;
	char line[2048];

	*ret_keys = (struct tr_host_keys){0};
	if (tr_upload_target_parse_url(target->url, &url) < 0 || url.kind != TR_UPLOAD_SFTP)
		return -EINVAL;
	int rc = scan(&url, &child, &out);
	while (rc == 0 && out && fgets(line, sizeof(line), out))
		take_line(line, ret_keys);
	if (out)
		fclose(out);
	tr_child_stop(&child, GRACE_MS);
	if (rc < 0)
		return rc;
	return ret_keys->count > 0 ? 0 : -ENODATA;
}
