#include "system/grub_lexer.h"

#include <errno.h>
#include <string.h>

int tr_grub_lexer_begin(struct tr_grub_lexer *lexer, const char *text)
{
	/* A word has a NUL behind it, and a blank or a quote before: twice is always enough. */
	*lexer = (struct tr_grub_lexer){.at = text, .room = malloc(2 * strlen(text) + 2)};
	return lexer->room ? 0 : -ENOMEM;
}

void tr_grub_lexer_end(struct tr_grub_lexer *lexer)
{
	free(lexer->room);
	*lexer = (struct tr_grub_lexer){0};
}

/* "${name}" holds braces that are none. */
static void copy_variable(struct tr_grub_lexer *lexer)
{
	*lexer->to++ = *lexer->at++;
	if (*lexer->at != '{')
		return;
	while (*lexer->at && *lexer->at != '}' && *lexer->at != '\n')
		*lexer->to++ = *lexer->at++;
	if (*lexer->at == '}')
		*lexer->to++ = *lexer->at++;
}

static void read_single(struct tr_grub_lexer *lexer)
{
	lexer->at++;
	while (*lexer->at && *lexer->at != '\'')
		*lexer->to++ = *lexer->at++;
	if (*lexer->at)
		lexer->at++;
}

static void read_double(struct tr_grub_lexer *lexer)
{
	lexer->at++;
	while (*lexer->at && *lexer->at != '"') {
		if (*lexer->at == '\\' && lexer->at[1] && strchr("\"\\$\n", lexer->at[1])) {
			lexer->at++;
			if (*lexer->at != '\n')
				*lexer->to++ = *lexer->at;
			lexer->at++;
		} else if (*lexer->at == '$') {
			copy_variable(lexer);
		} else {
			*lexer->to++ = *lexer->at++;
		}
	}
	if (*lexer->at)
		lexer->at++;
}

static void read_word(struct tr_grub_lexer *lexer)
{
	while (*lexer->at && !strchr(" \t\r\n;", *lexer->at)) {
		switch (*lexer->at) {
		case '\'':
			read_single(lexer);
			break;
		case '"':
			read_double(lexer);
			break;
		case '$':
			copy_variable(lexer);
			break;
		case '\\':
			lexer->at++;
			if (*lexer->at && *lexer->at != '\n')
				*lexer->to++ = *lexer->at;
			if (*lexer->at)
				lexer->at++;
			break;
		default:
			*lexer->to++ = *lexer->at++;
		}
	}
	*lexer->to++ = '\0';
}

/* A line that ends in a backslash goes on. */
static void skip_blanks(struct tr_grub_lexer *lexer)
{
	for (;;) {
		if (*lexer->at && strchr(" \t\r", *lexer->at))
			lexer->at++;
		else if (lexer->at[0] == '\\' && lexer->at[1] == '\n')
			lexer->at += 2;
		else
			break;
	}
	if (*lexer->at == '#')
		lexer->at += strcspn(lexer->at, "\n");
}

enum tr_grub_end tr_grub_lexer_next(struct tr_grub_lexer *lexer)
{
	lexer->count = 0;
	lexer->to = lexer->room;
	for (;;) {
		skip_blanks(lexer);
		char c = *lexer->at;
		if (!c)
			return TR_GRUB_NO_MORE;
		bool is_brace = c == '{' || (c == '}' && lexer->count == 0);
		if (c == '\n' || c == ';' || is_brace) {
			lexer->at++;
			return c == '{' ? TR_GRUB_OPEN : c == '}' ? TR_GRUB_CLOSE : TR_GRUB_LINE;
		}
		char *word = lexer->to;
		read_word(lexer);
		if (lexer->count < TR_GRUB_WORDS_MAX)
			lexer->words[lexer->count++] = word;
	}
}
