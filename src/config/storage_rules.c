#include "config/storage_rules_internal.h"

#include "core/text.h"
#include "output/stream_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A recording that runs ends at 20 MiB. */
#define LEAST_BYTES (INT64_C(32) << 20)

/* "5%" and "5 %"; -EINVAL. */
static int parse_percent(const char *text, int *ret_percent)
{
	char number[8];
	int64_t percent;
	size_t length = strspn(text, "0123456789");
	const char *rest = text + length + strspn(text + length, " ");

	if (length == 0 || length >= sizeof(number) || strcmp(rest, "%") != 0)
		return -EINVAL;
	snprintf(number, sizeof(number), "%.*s", (int)length, text);
	if (tr_text_parse_int(number, 0, 90, &percent) < 0)
		return -EINVAL;
	*ret_percent = (int)percent;
	return 0;
}

int tr_config_read_reserve(const struct tr_config *config, int64_t *ret_bytes, int *ret_percent)
{
	const char *text = config->storage.reserve;

	*ret_bytes = 0;
	*ret_percent = 0;
	if (!strcmp(text, "auto") || parse_percent(text, ret_percent) == 0)
		return 0;
	return tr_text_parse_bytes(text, ret_bytes);
}

const char *tr_storage_rules_reserve_fault(const char *text)
{
	int64_t bytes;
	int percent;

	if (!strcmp(text, "auto") || parse_percent(text, &percent) == 0)
		return NULL;
	return tr_text_parse_bytes(text, &bytes) < 0 || bytes < LEAST_BYTES
		       ? "\"auto\", a size like \"2G\" (32M at least) or a share like \"5%\" (90% at "
			 "most)"
		       : NULL;
}

static void check_rule(struct tr_keytable_check *check, const struct tr_config *config,
	const struct tr_config_keep *rule)
{
	char problem[300];

	if (!rule->match[0])
		tr_keytable_complain(check, rule->line,
			"an entry of storage.keep has no match: write match = \"...\"; with a "
			"regular expression, \".*\" for all rooms");
	else if (tr_stream_url_check_pattern(rule->match, problem, sizeof(problem)) < 0)
		tr_keytable_complain(check, rule->line, "storage.keep.match: %s", problem);
	if (rule->max_age_ms > 0 && rule->max_age_ms < rule->min_age_ms)
		tr_keytable_complain(check, rule->line,
			"storage.keep.max_age is shorter than min_age: what is to go would have to "
			"stay");
	if (rule->uploaded_only && !config->finalize.script[0] && config->storage.upload_count == 0)
		tr_keytable_warn(check,
			"storage.keep has uploaded_only for \"%.100s\", but there is no "
			"finalize.script and no entry of storage.uploads that could take "
			"recordings over: none of them is ever removed",
			rule->match);
}

void tr_storage_rules_check_all(struct tr_keytable_check *check, const struct tr_config *config)
{
	for (unsigned i = 0; i < config->storage.keep_count; i++)
		check_rule(check, config, &config->storage.keep[i]);
}
