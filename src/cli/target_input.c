#include "cli/target_input.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE (TR_STREAM_URL_SIZE + 2)

static int add_line(const char *verb, const char *path, unsigned number, const char *line,
	struct tr_target_list *targets)
{
	size_t length = strlen(line);
	bool is_cut = length == LINE_SIZE - 1 && line[length - 1] != '\n';

	line += strspn(line, " \t\r\n");
	if (!is_cut && (!*line || *line == '#'))
		return 0;
	int rc = is_cut ? -ENAMETOOLONG : tr_target_list_add(targets, line);
	if (rc < 0)
		fprintf(stderr, "telerec %s: line %u of %s %s\n", verb, number, path,
			tr_target_list_fault(rc));
	return rc < 0 ? -EINVAL : 0;
}

static int read_lines(const char *verb, const char *path, FILE *in, struct tr_target_list *targets)
{
	char line[LINE_SIZE];
	unsigned number = 0;
	int rc = 0;

	while (rc == 0 && fgets(line, sizeof(line), in))
		rc = add_line(verb, path, ++number, line, targets);
	explicit_bzero(line, sizeof(line));
	if (rc == 0 && ferror(in)) {
		fprintf(stderr, "telerec %s: %s cannot be read: %s\n", verb, path, strerror(errno));
		rc = -EINVAL;
	}
	return rc;
}

int tr_target_input_read(const char *verb, const char *path, struct tr_target_list *targets)
{
	if (!path)
		return read_lines(verb, "standard input", stdin, targets);
	FILE *in = fopen(path, "re");
	if (!in) {
		fprintf(stderr, "telerec %s: %s cannot be read: %s\n", verb, path, strerror(errno));
		return -EINVAL;
	}
	int rc = read_lines(verb, path, in, targets);
	fclose(in);
	return rc;
}

void tr_target_input_wipe(const char *argument)
{
	/* argv is ours to change, whatever the options' table passes it on as. */
	memset((char *)argument, '*', strlen(argument));
}
