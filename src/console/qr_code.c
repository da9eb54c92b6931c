#include "console/qr_code.h"

#include <errno.h>
#include <qrencode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MOST 2953 /* of the largest code */

static QRcode *encode(const char *text, size_t length)
{
	while (length > 0 && text[length - 1] == '\n')
		length--;
	if (length == 0 || length > BYTES_MOST)
		return NULL;
	return QRcode_encodeData((int)length, (const unsigned char *)text, 0, QR_ECLEVEL_L);
}

static bool fits(const char *text, size_t length, int dots)
{
	QRcode *code = encode(text, length);
	bool is_good = code && code->width <= dots;

	if (code)
		QRcode_free(code);
	return is_good;
}

static bool is_middle(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* A part of a line that is too long. */
static size_t cut(const char *text, size_t length, int dots)
{
	size_t good = 0, bad = length < BYTES_MOST ? length : BYTES_MOST;

	while (good + 1 < bad) {
		size_t middle = (good + bad) / 2;
		if (fits(text, middle, dots))
			good = middle;
		else
			bad = middle;
	}
	while (good > 0 && is_middle(text[good]))
		good--;
	return good;
}

size_t tr_qr_code_take(const char *text, int dots)
{
	size_t taken = 0;

	for (size_t at = 0; text[at];) {
		size_t next = at + strcspn(text + at, "\n");
		next += text[next] == '\n';
		if (!fits(text, next, dots) && strspn(text, "\n") < next)
			return taken > 0 ? taken : cut(text, next, dots);
		taken = at = next;
	}
	return taken;
}

int tr_qr_code_make(const char *text, size_t length, struct tr_qr_code *ret_code)
{
	QRcode *code = encode(text, length);

	if (!code)
		return errno == ENOMEM ? -ENOMEM : -E2BIG;
	size_t dots = (size_t)code->width * (size_t)code->width;
	uint8_t *dark = malloc(dots);
	for (size_t i = 0; dark && i < dots; i++)
		dark[i] = code->data[i] & 1;
	if (dark)
		*ret_code = (struct tr_qr_code){code->width, dark};
	QRcode_free(code);
	return dark ? 0 : -ENOMEM;
}
