#include "config/upload_rules_internal.h"

#include <stdio.h>
#include <string.h>

#define UPLOAD(path_, type_, member, fallback_, ...)                                               \
	{                                                                                          \
		.path = "storage.uploads." path_, .type = TR_KEY_##type_,                          \
		.offset = offsetof(struct tr_config_upload, member),                               \
		.size = sizeof(((struct tr_config_upload *)0)->member), .fallback = fallback_,     \
		__VA_ARGS__                                                                        \
	}
#define NAME UPLOAD("name", STRING, target.name, NULL)
#define SECRETS                                                                                    \
	UPLOAD("password", SECRET, target.password, ""),                                           \
		UPLOAD("access_key", SECRET, target.access_key, ""),                               \
		UPLOAD("secret_key", SECRET, target.secret_key, "")

static const struct tr_key_row rows[] = {
	NAME,
	UPLOAD("url", STRING, target.url, NULL, .fault = tr_upload_target_url_fault),
	UPLOAD("user", STRING, target.user, ""),
	SECRETS,
	UPLOAD("key_file", PATH, target.key_file, ""),
	UPLOAD("host_keys", STRINGS, target.host_keys[0], "",
		.count_offset = offsetof(struct tr_config_upload, target.host_key_count),
		.count_max = TR_UPLOAD_HOST_KEYS_MAX, .fault = tr_upload_target_host_key_fault),
	UPLOAD("ca_file", PATH, target.ca_file, ""),
	UPLOAD("endpoint", STRING, target.endpoint, ""),
	UPLOAD("region", STRING, target.region, ""),
	UPLOAD("what", CHOICE, target.only_movie, "all", .words = {"all", "movie"}),
	UPLOAD("check", BOOL, target.check, "true"),
	UPLOAD("bandwidth", BYTES, target.bandwidth, "0", .min = 0, .max = INT64_C(1) << 40),
};

const struct tr_key_table tr_upload_rules_keys = {
	"storage.uploads.", rows, TR_COUNT(rows), offsetof(struct tr_config_upload, line)};

static const struct tr_key_row secret_rows[] = {
	NAME, UPLOAD("user", STRING, target.user, ""), SECRETS};

const struct tr_key_table tr_upload_rules_secret_keys = {"storage.uploads.", secret_rows,
	TR_COUNT(secret_rows), offsetof(struct tr_config_upload, line)};

static void check_one(struct tr_keytable_check *check, const struct tr_config *config, unsigned i)
{
	const struct tr_config_upload *upload = &config->storage.uploads[i];
	char why[400];

	if (tr_upload_target_check(&upload->target, why, sizeof(why)) < 0)
		tr_keytable_complain(check, upload->line, "%s", why);
	for (unsigned j = 0; j < i; j++)
		if (!strcmp(upload->target.name, config->storage.uploads[j].target.name))
			tr_keytable_complain(check, upload->line,
				"storage.uploads has two entries called \"%s\": give one another "
				"name",
				upload->target.name);
}

void tr_upload_rules_check_all(struct tr_keytable_check *check, const struct tr_config *config)
{
	for (unsigned i = 0; i < config->storage.upload_count; i++)
		check_one(check, config, i);
}

static struct tr_config_upload *find(struct tr_config *config, const char *name)
{
	for (unsigned i = 0; i < config->storage.upload_count; i++)
		if (!strcmp(config->storage.uploads[i].target.name, name))
			return &config->storage.uploads[i];
	return NULL;
}

static void merge_text(struct tr_keytable_check *check, const struct tr_config_upload *from,
	const char *key, const char *text, char *to, size_t size)
{
	if (!text[0])
		return;
	if (to[0])
		tr_keytable_complain(check, from->line,
			"storage.uploads has the %s of \"%s\" twice, here and in the main file or "
			"further up: take the other one out",
			key, from->target.name);
	else
		snprintf(to, size, "%s", text);
}

void tr_upload_rules_merge(struct tr_keytable_check *check, const struct tr_config_upload *uploads,
	unsigned count, struct tr_config *config)
{
	for (unsigned i = 0; i < count; i++) {
		const struct tr_config_upload *from = &uploads[i];
		struct tr_config_upload *to = find(config, from->target.name);
		if (!to) {
			tr_keytable_complain(check, from->line,
				"storage.uploads of the main file has no entry with name = \"%s\"",
				from->target.name);
			continue;
		}
		merge_text(check, from, "user", from->target.user, to->target.user,
			sizeof(to->target.user));
		merge_text(check, from, "password", from->target.password, to->target.password,
			sizeof(to->target.password));
		merge_text(check, from, "access_key", from->target.access_key,
			to->target.access_key, sizeof(to->target.access_key));
		merge_text(check, from, "secret_key", from->target.secret_key,
			to->target.secret_key, sizeof(to->target.secret_key));
	}
}

bool tr_upload_rules_hold_secrets(const struct tr_config *config)
{
	for (unsigned i = 0; i < config->storage.upload_count; i++) {
		const struct tr_upload_target *target = &config->storage.uploads[i].target;
		if (target->password[0] || target->access_key[0] || target->secret_key[0])
			return true;
	}
	return false;
}
