/* Editing one line of UTF-8 in a buffer that always ends with NUL. Pure. */
#ifndef TR_CONSOLE_FORM_TEXT_H
#define TR_CONSOLE_FORM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The first byte of the character before and behind `at`. */
size_t tr_form_text_left(const char *text, size_t at);
size_t tr_form_text_right(const char *text, size_t at);

/* Puts the character in at the cursor, which moves behind it. False when there is no room for it,
 * or it is none that a line can hold. */
bool tr_form_text_insert(char *text, size_t size, size_t *cursor, int character);

/* Takes the one before (Backspace) or at (Delete) the cursor away. False when there is none. */
bool tr_form_text_backspace(char *text, size_t *cursor);
bool tr_form_text_delete(char *text, size_t cursor);

/* How many characters. */
size_t tr_form_text_count(const char *text);

/* Copies and cuts at a character's end; what is no UTF-8 becomes "?". */
void tr_form_text_copy(char *out, size_t size, const char *text);

/* The keys that move in a text or change it. True when it was one of them, and it did something. */
bool tr_form_text_key(char *text, size_t size, size_t *cursor, int key, bool *ret_is_changed);

#endif
