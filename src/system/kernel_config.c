#include "system/kernel_config.h"

#include "core/file.h"
#include "system/tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_SIZE_MAX ((size_t)4 << 20)
#define UNPACK_MS 20000

extern const char tr_kernel_needed_config[];

/* "NAME=value" at a line's start; "" when there is none, or "# NAME is not set". */
static void find_value(const char *config, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);

	out[0] = '\0';
	for (const char *at = strstr(config, name); at; at = strstr(at + 1, name)) {
		if ((at > config && at[-1] != '\n') || at[length] != '=')
			continue;
		const char *value = at + length + 1;
		snprintf(out, size, "%.*s", (int)strcspn(value, "\r\n"), value);
		return;
	}
}

static bool is_met(const char *wanted, const char *has)
{
	if (isdigit((unsigned char)wanted[0]))
		return isdigit((unsigned char)has[0]) &&
		       strtoul(has, NULL, 10) >= strtoul(wanted, NULL, 10);
	return !strcmp(has, "y") || !strcmp(has, wanted);
}

static bool is_comment(const char *line, const char *word, struct tr_kernel_option *option)
{
	if (strncmp(line, word, strlen(word)) != 0)
		return false;
	option->reason = line + strlen(word);
	option->reason_length = (int)strcspn(option->reason, "\n");
	return true;
}

int tr_kernel_config_check(const char *config,
	void (*tell)(const struct tr_kernel_option *option, void *user), void *user)
{
	struct tr_kernel_option option = {0};
	int missing = 0;

	if (!strstr(config, "CONFIG_"))
		return -EINVAL;
	for (const char *line = tr_kernel_needed_config; *line;) {
		if (is_comment(line, "# needed: ", &option))
			option.is_needed = true;
		else if (is_comment(line, "# wanted: ", &option))
			option.is_needed = false;
		else if (sscanf(line, "%63[A-Z0-9_]=%15[a-z0-9]", option.name, option.wanted) ==
			 2) {
			find_value(config, option.name, option.has, sizeof(option.has));
			option.is_met = is_met(option.wanted, option.has);
			missing += option.is_needed && !option.is_met;
			tell(&option, user);
		}
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return missing;
}

int tr_kernel_config_read(const char *path, char **ret_text)
{
	const char *const argv[] = {"gzip", "-dc", path, NULL};
	size_t size, length = strlen(path);

	if (length < 3 || strcmp(path + length - 3, ".gz") != 0)
		return tr_file_read(AT_FDCWD, path, CONFIG_SIZE_MAX, ret_text, &size);
	if (access(path, R_OK) < 0)
		return -errno;
	int code = tr_tool_run(argv, UNPACK_MS, false, ret_text);
	if (code > 0) {
		free(*ret_text);
		return -EINVAL;
	}
	return code;
}
