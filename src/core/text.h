/* Small questions about strings: what a person typed, and what may be shown to one. */
#ifndef TR_CORE_TEXT_H
#define TR_CORE_TEXT_H

#include "core/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies `url` without user, password, query and fragment values, for logs and state files. */
void tr_text_redact(const char *url, char *out, size_t size);

/* "90", "30s", "5m", "1.5h", "30d", "250ms" to ms (a bare number is seconds). -EINVAL, or -ERANGE
 * when negative or over 10 years. */
TR_CHECKED int tr_text_parse_duration(const char *text, int64_t *ret_ms);

/* "500M", "1.5 GiB", "20G" or "4096" to bytes; units are powers of 1024. -EINVAL, or -ERANGE when
 * negative or over 8000 TiB. */
TR_CHECKED int tr_text_parse_bytes(const char *text, int64_t *ret_bytes);

/* "1280x720" to two numbers. -EINVAL when it is not of that form; ranges are the caller's. */
TR_CHECKED int tr_text_parse_size(const char *text, int *ret_width, int *ret_height);

/* The whole of `text` as a base 10 number. -EINVAL, -ERANGE. */
TR_CHECKED int tr_text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret);

/* Whether there is a character in it that moves a cursor or ends a line. */
bool tr_text_has_controls(const char *text);

/* Bytes of the UTF-8 character at `text`; 0 when it is none. */
size_t tr_text_utf8_length(const char *text);

/* Puts '?' for each byte that belongs to no such character, as JSON carries none: a cut text ends
 * in half of one, and what a page or a driver says may be anything. */
void tr_text_make_utf8(char *text);

/* The entry of the NULL-terminated list `words` that `word` was most likely meant to be, or NULL
 * when none is near. */
const char *tr_text_nearest(const char *word, const char *const *words);

/* snprintf() that says -ENAMETOOLONG instead of cutting. */
TR_CHECKED int tr_text_format(char *out, size_t size, const char *format, ...) TR_PRINTF(3, 4);

/* A sentence for a person into `out`, cut to its size; returns `rc`, which it explains. */
int tr_text_say(char *out, size_t size, int rc, const char *format, ...) TR_PRINTF(4, 5);

/* 1536 as "1.5 KiB" into `out` (16 bytes are enough). */
void tr_text_format_bytes(int64_t bytes, char *out, size_t size);

#endif
