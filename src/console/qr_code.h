/* A text as QR codes, as many as it takes: whole lines in each, where a line fits into one. Pure.
 */
#ifndef TR_CONSOLE_QR_CODE_H
#define TR_CONSOLE_QR_CODE_H

#include "core/cleanup.h"

#include <stddef.h>
#include <stdint.h>

#define TR_QR_CODE_LEAST 21 /* dots of the smallest one */

struct tr_qr_code {
	int width;     /* dots of a side; 0: there is none */
	uint8_t *dark; /* width * width; the caller's, free() */
};

/* How many bytes from the text's begin go into a code of at most `dots`; 0: not one does. */
size_t tr_qr_code_take(const char *text, int dots);

/* -ENOMEM, -E2BIG for more than any code holds. */
TR_CHECKED int tr_qr_code_make(const char *text, size_t length, struct tr_qr_code *ret_code);

#endif
