#include "cli/text_table.h"

#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#define GAP 2
#define DOTS "..."

struct tr_text_table {
	const struct tr_text_column *columns;
	unsigned count, row_count;
	char **cells; /* row by row */
};

/* ---- characters ---- */

/* The next character, or U+FFFD for bytes that are none; moves `*text` behind it. */
static wchar_t next_character(const char **text)
{
	const unsigned char *at = (const unsigned char *)*text;
	unsigned more = at[0] < 0x80   ? 0
			: at[0] < 0xc2 ? 9
			: at[0] < 0xe0 ? 1
			: at[0] < 0xf0 ? 2
			: at[0] < 0xf5 ? 3
				       : 9;
	uint32_t value = more == 0 ? at[0] : at[0] & (0x3fU >> more);

	(*text)++;
	if (more == 9)
		return 0xfffd;
	for (unsigned i = 1; i <= more; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0xfffd;
		value = value << 6 | (at[i] & 0x3f);
	}
	if ((more == 2 && (value < 0x800 || (value >= 0xd800 && value < 0xe000))) ||
		(more == 3 && (value < 0x10000 || value > 0x10ffff)))
		return 0xfffd;
	*text += more;
	return (wchar_t)value;
}

/* Marks that turn the direction of what is written, and others that only hide. */
static bool is_trick(wchar_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xad;
}

static unsigned width_of(wchar_t c)
{
	int width = wcwidth(c);

	return width < 0 ? 1 : (unsigned)width;
}

static size_t put_character(char *out, wchar_t c)
{
	uint32_t value = (uint32_t)c;

	if (value < 0x80) {
		out[0] = (char)value;
		return 1;
	}
	size_t more = value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
	for (size_t i = more; i > 0; i--, value >>= 6)
		out[i] = (char)(0x80 | (value & 0x3f));
	out[0] = (char)((0xff00 >> (more + 1) & 0xff) | value);
	return more + 1;
}

/* wcwidth() knows what the locale knows. */
static locale_t begin_utf8(locale_t *ret_utf8)
{
	*ret_utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	return *ret_utf8 ? uselocale(*ret_utf8) : NULL;
}

static void end_utf8(locale_t old, locale_t utf8)
{
	if (!utf8)
		return;
	uselocale(old);
	freelocale(utf8);
}

unsigned tr_text_table_measure(const char *text)
{
	locale_t utf8, old = begin_utf8(&utf8);
	unsigned width = 0;

	while (*text)
		width += width_of(next_character(&text));
	end_utf8(old, utf8);
	return width;
}

/* Up to three bytes for each: U+FFFD is that long. */
static void clean_into(char *out, const char *text, unsigned width)
{
	unsigned used = 0;
	size_t length = 0, length_before_dots = 0;

	while (*text) {
		wchar_t c = next_character(&text);
		if (is_trick(c))
			continue;
		if (c < 0x20 || (c >= 0x7f && c < 0xa0) || wcwidth(c) < 0)
			c = c < 0x20 ? ' ' : 0xfffd;
		used += width_of(c);
		if (width > 0 && used > width) {
			length = length_before_dots;
			memset(out + length, '.', width < 3 ? width : 3);
			length += width < 3 ? width : 3;
			break;
		}
		length += put_character(out + length, c);
		if (used + strlen(DOTS) <= width)
			length_before_dots = length;
	}
	out[length] = '\0';
}

char *tr_text_table_clean(const char *text, unsigned width)
{
	char *out = malloc(3 * strlen(text) + sizeof(DOTS) + 1);

	if (!out)
		return NULL;
	locale_t utf8, old = begin_utf8(&utf8);
	clean_into(out, text, width);
	end_utf8(old, utf8);
	return out;
}

void tr_text_table_say(FILE *out, const char *format, ...)
{
	char line[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	TR_CLEANUP(tr_freep) char *clean = tr_text_table_clean(line, 0);
	fprintf(out, "%s\n", clean ? clean : "");
}

/* ---- tables ---- */

struct tr_text_table *tr_text_table_create(const struct tr_text_column *columns, unsigned count)
{
	struct tr_text_table *table = calloc(1, sizeof(*table));

	if (table) {
		table->columns = columns;
		table->count = count;
	}
	return table;
}

void tr_text_table_destroy(struct tr_text_table *table)
{
	if (!table)
		return;
	for (unsigned i = 0; i < table->row_count * table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

void tr_text_table_add(struct tr_text_table *table, const char *const *cells)
{
	size_t used = (size_t)table->row_count * table->count;
	char **more = realloc(table->cells, (used + table->count) * sizeof(*more));

	if (!more)
		return;
	table->cells = more;
	for (unsigned i = 0; i < table->count; i++)
		more[used + i] = tr_text_table_clean(cells[i] ? cells[i] : "", 0);
	table->row_count++;
}

static const char *cell(const struct tr_text_table *table, unsigned row, unsigned column)
{
	const char *text = table->cells[row * table->count + column];
	return text ? text : "";
}

/* The widest that may give gives, until the line fits. */
static void fit(const struct tr_text_table *table, unsigned *widths, unsigned width)
{
	for (;;) {
		unsigned all = 0, widest = table->count;
		for (unsigned i = 0; i < table->count; i++) {
			const struct tr_text_column *column = &table->columns[i];
			all += widths[i] + (i > 0 ? GAP : 0);
			if (column->least && widths[i] > column->least &&
				(widest == table->count || widths[i] > widths[widest]))
				widest = i;
		}
		if (all <= width || widest == table->count)
			return;
		widths[widest]--;
	}
}

static void put_cell(FILE *out, const char *text, unsigned width, bool is_right, bool is_last)
{
	unsigned used = tr_text_table_measure(text);
	TR_CLEANUP(tr_freep) char *cut = used > width ? tr_text_table_clean(text, width) : NULL;

	if (cut)
		used = tr_text_table_measure(cut);
	int pad = width > used ? (int)(width - used) : 0;
	fprintf(out, "%*s%s%*s", is_right ? pad : 0, "", cut ? cut : text,
		is_right || is_last ? 0 : pad, "");
}

void tr_text_table_print(const struct tr_text_table *table, FILE *out, unsigned width)
{
	TR_CLEANUP(tr_freep) unsigned *widths = calloc(table->count, sizeof(*widths));
	unsigned last = 0;

	if (!widths)
		return;
	for (unsigned i = 0; i < table->count; i++) {
		bool has_text = false;
		for (unsigned row = 0; row < table->row_count; row++) {
			unsigned wide = tr_text_table_measure(cell(table, row, i));
			widths[i] = wide > widths[i] ? wide : widths[i];
			has_text |= wide > 0;
		}
		unsigned title = tr_text_table_measure(table->columns[i].title);
		widths[i] = title > widths[i] ? title : widths[i];
		last = has_text ? i : last;
	}
	if (width > 0)
		fit(table, widths, width);
	for (unsigned row = 0; row <= table->row_count; row++) {
		unsigned end = row == 0 ? last : 0;
		for (unsigned i = 0; row > 0 && i < table->count; i++)
			end = cell(table, row - 1, i)[0] ? i : end;
		for (unsigned i = 0; i <= end; i++) {
			fprintf(out, "%*s", i > 0 ? GAP : 0, "");
			put_cell(out, row == 0 ? table->columns[i].title : cell(table, row - 1, i),
				widths[i], table->columns[i].is_right, i == end);
		}
		fputc('\n', out);
	}
}

unsigned tr_text_table_terminal_width(FILE *out)
{
	struct winsize window;
	int fd = fileno(out);

	if (fd < 0 || !isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &window) == 0 && window.ws_col >= 20 ? window.ws_col : 80;
}
