/* Cuts GRUB's script language into commands: words without their quotes, up to a line's end, a ';'
 * or a brace. Variables stay as they are written. Private to system/grub.c. */
#ifndef TR_SYSTEM_GRUB_LEXER_H
#define TR_SYSTEM_GRUB_LEXER_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

#define TR_GRUB_WORDS_MAX 128 /* of one command; more are dropped */

enum tr_grub_end { TR_GRUB_LINE, TR_GRUB_OPEN, TR_GRUB_CLOSE, TR_GRUB_NO_MORE };

struct tr_grub_lexer {
	const char *at;
	char *words[TR_GRUB_WORDS_MAX]; /* of the last command; valid until the next one */
	unsigned count;
	char *room; /* where they lie: as long as the whole text, so always enough */
	char *to;
};

/* Keeps the text. -ENOMEM; tr_grub_lexer_end() all the same. */
TR_CHECKED int tr_grub_lexer_begin(struct tr_grub_lexer *lexer, const char *text);
void tr_grub_lexer_end(struct tr_grub_lexer *lexer);

/* Reads one command; says what ended it. */
enum tr_grub_end tr_grub_lexer_next(struct tr_grub_lexer *lexer);

#endif
