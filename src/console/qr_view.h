/* Texts to be taken along by a camera: a QR code each, or several where the terminal is small. */
#ifndef TR_CONSOLE_QR_VIEW_H
#define TR_CONSOLE_QR_VIEW_H

#include "console/screen.h"

#define TR_QR_ITEMS_MAX 32

struct tr_qr_item {
	const char *title; /* what it is for */
	const char *where; /* where it is to be put */
	const char *text;
};

struct tr_qr_request {
	const struct tr_qr_item *items; /* copied */
	unsigned count;			/* at least 1 */
};

extern const struct tr_screen tr_screen_qr; /* argument: struct tr_qr_request */

#endif
