#include "system/grubenv.h"

#include "core/file.h"
#include "core/text.h"
#include "system/grub_lexer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE "# GRUB Environment Block\n"
#define SETTINGS_MAX ((size_t)1 << 20)

/* Copies one line's value: a backslash stands before a backslash or a line's end. */
static int copy_value(const char *at, const char *end, char *out, size_t size)
{
	size_t length = 0;

	for (; at < end && *at != '\n'; at++) {
		if (*at == '\\' && at + 1 < end)
			at++;
		if (length + 1 >= size)
			return -ENAMETOOLONG;
		out[length++] = *at;
	}
	out[length] = '\0';
	return 0;
}

int tr_grubenv_get(const char *block, size_t size, const char *name, char *out, size_t out_size)
{
	const char *end = block + size;
	size_t length = strlen(name);

	out[0] = '\0';
	if (size < strlen(SIGNATURE) || memcmp(block, SIGNATURE, strlen(SIGNATURE)) != 0)
		return -EINVAL;
	for (const char *line = block + strlen(SIGNATURE); line < end;) {
		size_t left = (size_t)(end - line);
		if (*line != '#' && left > length && !memcmp(line, name, length) &&
			line[length] == '=')
			return copy_value(line + length + 1, end, out, out_size);
		const char *next = memchr(line, '\n', left);
		/* A value may hold a line's end, behind a backslash. */
		while (next && next[-1] == '\\')
			next = memchr(next + 1, '\n', (size_t)(end - next - 1));
		if (!next)
			break;
		line = next + 1;
	}
	return 0;
}

void tr_grub_read_setting(const char *text, const char *name, char *out, size_t size)
{
	struct tr_grub_lexer lexer;
	size_t length = strlen(name);
	enum tr_grub_end end = TR_GRUB_NO_MORE;

	if (tr_grub_lexer_begin(&lexer, text) == 0)
		do {
			end = tr_grub_lexer_next(&lexer);
			unsigned from = lexer.count > 0 && !strcmp(lexer.words[0], "export");
			for (unsigned i = from; i < lexer.count; i++)
				if (!strncmp(lexer.words[i], name, length) &&
					lexer.words[i][length] == '=')
					snprintf(out, size, "%s", lexer.words[i] + length + 1);
		} while (end != TR_GRUB_NO_MORE);
	tr_grub_lexer_end(&lexer);
}

static void read_file(const char *path, const char *name, char *out, size_t size, char *ret_file)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	/* No value holds a NUL-free mark like this: it tells whether the file says anything. */
	char value[TR_GRUB_VALUE_MAX] = "\001";
	size_t length;

	if (tr_file_read(AT_FDCWD, path, SETTINGS_MAX, &text, &length) < 0)
		return;
	tr_grub_read_setting(text, name, value, sizeof(value));
	if (value[0] == '\001')
		return;
	snprintf(out, size, "%s", value);
	if (ret_file)
		snprintf(ret_file, PATH_MAX, "%s", path);
}

static int is_cfg(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 4 && !strcmp(entry->d_name + length - 4, ".cfg");
}

void tr_grub_find_setting(
	const char *root, const char *name, char *out, size_t size, char *ret_file)
{
	char path[PATH_MAX], folder[PATH_MAX];
	struct dirent **files = NULL;

	out[0] = '\0';
	if (ret_file)
		ret_file[0] = '\0';
	if (tr_text_format(path, sizeof(path), "%s/etc/default/grub", root) < 0 ||
		tr_text_format(folder, sizeof(folder), "%s/etc/default/grub.d", root) < 0)
		return;
	read_file(path, name, out, size, ret_file);
	int count = scandir(folder, &files, is_cfg, alphasort);
	for (int i = 0; i < count; i++) {
		if (tr_text_format(path, sizeof(path), "%s/%s", folder, files[i]->d_name) == 0)
			read_file(path, name, out, size, ret_file);
		free(files[i]);
	}
	free(files);
}
