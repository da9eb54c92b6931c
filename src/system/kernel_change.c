#include "system/kernel_change.h"

#include "core/file.h"
#include "core/text.h"
#include "system/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#define FILE_SIZE_MAX ((size_t)1 << 20)
#define CONTEXT 3

void tr_change_say(struct tr_change *change, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(change->out, format, args);
	va_end(args);
	fputc('\n', change->out);
}

int tr_change_fail(struct tr_change *change, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(change->why, sizeof(change->why), format, args);
	va_end(args);
	return rc;
}

/* ---- differences ---- */

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

static unsigned count_lines(const char *text)
{
	unsigned count = 0;

	for (; *text; text = next_line(text))
		count++;
	return count;
}

static const char *skip_lines(const char *text, unsigned count)
{
	while (count-- > 0)
		text = next_line(text);
	return text;
}

static bool is_same_line(const char *a, const char *b)
{
	size_t length = (size_t)(next_line(a) - a);

	return length == (size_t)(next_line(b) - b) && !memcmp(a, b, length);
}

static void print_lines(FILE *out, char mark, const char *text, unsigned from, unsigned to)
{
	text = skip_lines(text, from);
	for (; from < to; from++, text = next_line(text)) {
		size_t length = (size_t)(next_line(text) - text);
		fprintf(out, "%c%.*s", mark, (int)length, text);
		if (text[length - 1] != '\n')
			fputs("\n\\ No newline at end of file\n", out);
	}
}

/* One hunk: what both begin and end with is left out, but for a little of it. */
void tr_change_print_diff(FILE *out, const char *path, const char *before, const char *after)
{
	const char *old = before ? before : "", *new = after ? after : "";
	unsigned olds = count_lines(old), news = count_lines(new), head = 0, tail = 0;

	if (!strcmp(old, new))
		return;
	while (head < olds && head < news &&
		is_same_line(skip_lines(old, head), skip_lines(new, head)))
		head++;
	while (tail < olds - head && tail < news - head &&
		is_same_line(skip_lines(old, olds - tail - 1), skip_lines(new, news - tail - 1)))
		tail++;
	unsigned start = head > CONTEXT ? head - CONTEXT : 0;
	unsigned shown = tail > CONTEXT ? CONTEXT : tail;
	unsigned old_end = olds - tail, new_end = news - tail;
	unsigned old_count = old_end + shown - start, new_count = new_end + shown - start;
	fprintf(out, "--- %s%s\n+++ %s%s\n", before ? "a" : "/dev/null", before ? path : "",
		after ? "b" : "/dev/null", after ? path : "");
	fprintf(out, "@@ -%u,%u +%u,%u @@\n", start + (old_count > 0), old_count,
		start + (new_count > 0), new_count);
	print_lines(out, ' ', old, start, head);
	print_lines(out, '-', old, head, old_end);
	print_lines(out, '+', new, head, new_end);
	print_lines(out, ' ', old, old_end, old_end + shown);
}

/* ---- changes ---- */

static int write_file(const char *whole, const char *text)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(whole, '/');

	if (!text)
		return unlink(whole) < 0 && errno != ENOENT ? -errno : 0;
	int rc = tr_text_format(folder, sizeof(folder), "%.*s", (int)(slash - whole), whole);
	if (rc == 0)
		rc = tr_file_make_folders(folder, 0755);
	if (rc < 0)
		return rc;
	TR_CLEANUP(tr_closep) int dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd < 0 ? -errno : tr_file_replace(dirfd, slash + 1, text, strlen(text));
}

int tr_change_file(struct tr_change *change, const char *path, const char *text)
{
	TR_CLEANUP(tr_freep) char *before = NULL;
	char whole[PATH_MAX];
	size_t size;

	int rc = tr_text_format(whole, sizeof(whole), "%s%s", change->root, path);
	if (rc < 0)
		return tr_change_fail(change, rc, "the path %s is too long", path);
	rc = tr_file_read(AT_FDCWD, whole, FILE_SIZE_MAX, &before, &size);
	if (rc < 0 && rc != -ENOENT)
		return tr_change_fail(change, rc, "cannot read %s: %s", whole, strerror(-rc));
	if ((!before && !text) || (before && text && !strcmp(before, text)))
		return 0;
	if (change->is_dry_run) {
		tr_change_print_diff(change->out, path, before, text);
		return 0;
	}
	rc = write_file(whole, text);
	if (rc < 0)
		return tr_change_fail(change, rc, "cannot %s %s: %s%s", text ? "write" : "remove",
			whole, strerror(-rc),
			rc == -EACCES || rc == -EPERM ? "; run this as root" : "");
	tr_change_say(change, "%s %s", text ? "wrote" : "removed", whole);
	return 0;
}

static void print_command(FILE *out, const char *const *argv)
{
	for (unsigned i = 0; argv[i]; i++) {
		bool is_plain = strspn(argv[i], "abcdefghijklmnopqrstuvwxyz"
						"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
						"0123456789+-./:=_,") == strlen(argv[i]);
		fprintf(out, "%s%s%s%s", i ? " " : "", is_plain ? "" : "'", argv[i],
			is_plain ? "" : "'");
	}
	fputc('\n', out);
}

int tr_change_run(struct tr_change *change, const char *const *argv, int timeout_ms)
{
	TR_CLEANUP(tr_freep) char *output = NULL;

	fputs(change->is_dry_run ? "would run: " : "running: ", change->out);
	print_command(change->out, argv);
	fflush(change->out);
	if (change->is_dry_run)
		return 0;
	int code = tr_tool_run(argv, timeout_ms, true, &output);
	if (code == -ENOENT)
		return tr_change_fail(change, code, "there is no %s here", argv[0]);
	if (code == -ETIMEDOUT)
		return tr_change_fail(change, code, "%s did not end within %d s and was stopped",
			argv[0], timeout_ms / 1000);
	if (code < 0)
		return tr_change_fail(
			change, code, "%s cannot be run: %s", argv[0], strerror(-code));
	if (code > 0)
		return tr_change_fail(change, -EIO, "%s failed with code %d: %s", argv[0], code,
			tr_tool_last_line(output));
	return 0;
}
