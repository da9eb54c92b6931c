#include "cli/import_pattern.h"

#include "output/stream_url.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct conversion {
	const char *at;
	char *out;
	size_t used, size;
	bool is_class;	 /* inside of [ ] */
	bool may_repeat; /* the last thing was *, + or ?, so that a further + or ? changes only how
			  */
};

static int add(struct conversion *conversion, const char *text)
{
	size_t length = strlen(text);

	if (conversion->used + length + 1 > conversion->size)
		return -ENAMETOOLONG;
	memcpy(conversion->out + conversion->used, text, length + 1);
	conversion->used += length;
	return 0;
}

static int add_escape(struct conversion *conversion, char c)
{
	static const struct {
		char letter;
		const char *inside, *outside; /* of [ ] */
	} classes[] = {{'d', "0-9", "[0-9]"}, {'w', "A-Za-z0-9_", "[A-Za-z0-9_]"},
		{'s', " \t", "[ \t]"}, {'D', NULL, "[^0-9]"}, {'W', NULL, "[^A-Za-z0-9_]"},
		{'S', NULL, "[^ \t]"}};
	char plain[3] = {'\\', c, '\0'};

	for (size_t i = 0; i < TR_COUNT(classes); i++)
		if (classes[i].letter == c) {
			const char *text =
				conversion->is_class ? classes[i].inside : classes[i].outside;
			return text ? add(conversion, text) : -ENOTSUP;
		}
	if (!c || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return c ? -ENOTSUP : -EINVAL;
	/* A backslash is nothing special in a POSIX class, and '-' and ']' have their places there.
	 */
	if (conversion->is_class)
		return strchr("-]\\^", c) ? -ENOTSUP : add(conversion, plain + 1);
	return add(conversion, strchr(".[]{}()*+?^$|\\", c) ? plain : plain + 1);
}

static int add_next(struct conversion *conversion)
{
	const char *at = conversion->at;
	char plain[2] = {at[0], '\0'};
	bool was_repeat = conversion->may_repeat;

	conversion->may_repeat = false;
	conversion->at += at[0] == '\\' && at[1] ? 2 : 1;
	if (at[0] == '\\')
		return add_escape(conversion, at[1]);
	if (conversion->is_class) {
		if (at[0] == '&' && at[1] == '&')
			return -ENOTSUP;
		conversion->is_class = at[0] != ']';
		return at[0] == '[' ? -ENOTSUP : add(conversion, plain);
	}
	if (!strncmp(at, "(?:", 3)) {
		conversion->at += 2;
		return add(conversion, "(");
	}
	if (!strncmp(at, "(?", 2))
		return -ENOTSUP;
	if (was_repeat && (at[0] == '?' || at[0] == '+'))
		return 0; /* lazy, or greedy without return: the whole must match, so it is the same
			   */
	conversion->is_class = at[0] == '[';
	conversion->may_repeat = strchr("*+?}", at[0]) != NULL;
	return add(conversion, plain);
}

int tr_import_pattern_convert(const char *java, char *out, size_t size)
{
	struct conversion conversion = {.at = java, .out = out, .size = size};
	char problem[200];
	int rc = 0;

	out[0] = '\0';
	while (rc == 0 && *conversion.at)
		rc = add_next(&conversion);
	if (rc < 0)
		return rc;
	return tr_stream_url_check_pattern(out, problem, sizeof(problem)) < 0 ? -EINVAL : 0;
}
