/* What of the settings only the machine can check: files that are named. */
#include "config/config.h"

#include "config/keytable_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void check_readable(struct tr_keytable_check *check, const char *key, const char *file,
	int mode, const char *advice)
{
	if (file[0] && access(file, mode) < 0)
		tr_keytable_complain(
			check, 0, "%s names %s: %s. %s", key, file, strerror(errno), advice);
}

int tr_config_check_files(
	const struct tr_config *config, const char *path, struct tr_config_complaints *complaints)
{
	struct tr_keytable_check check = {path, complaints, NULL};
	char key[TR_CONFIG_WORD_MAX + 40];

	check_readable(&check, "finalize.script", config->finalize.script, R_OK | X_OK,
		"It must be there, and executable for this user (chmod +x)");
	check_readable(&check, "browser.path", config->browser.path, R_OK | X_OK,
		"It must be there, and executable for this user");
	check_readable(&check, "api.certificate", config->api.certificate, R_OK,
		"It must be there, and readable for this user");
	check_readable(&check, "api.key", config->api.key, R_OK,
		"It must be there, and readable for this user");
	check_readable(&check, "webhooks.ca_file", config->webhooks.ca_file, R_OK,
		"It must be there, and readable for this user");
	check_readable(&check, "webhooks.key_file", config->webhooks.key_file, R_OK,
		"It must be there, and readable for this user (and for nobody else)");
	check_readable(&check, "stream.ca_file", config->stream.ca_file, R_OK,
		"It must be there, and readable for this user");
	for (unsigned i = 0; i < config->environment_count; i++) {
		snprintf(key, sizeof(key), "environment \"%s\": ca_file",
			config->environments[i].name);
		check_readable(&check, key, config->environments[i].ca_file, R_OK,
			"It must be there, and readable for this user");
	}
	return complaints->count > 0 ? -EINVAL : 0;
}
