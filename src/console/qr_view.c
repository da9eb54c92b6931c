#include "console/qr_view.h"

#include "console/qr_code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2
#define WORDS_LEAST 24 /* columns beside the code */

struct item {
	char *title, *where, *text;
};

struct qr {
	struct item items[TR_QR_ITEMS_MAX];
	unsigned count, chosen;
	unsigned part, parts; /* of the chosen one's codes */
	int dots;	      /* the room that they were made for; 0: make them anew */
	size_t begin, length; /* of the part */
	struct tr_qr_code code;
};

static void close_qr(void *state)
{
	struct qr *qr = state;

	for (unsigned i = 0; i < qr->count; i++) {
		free(qr->items[i].title);
		free(qr->items[i].where);
		free(qr->items[i].text);
	}
	free(qr->code.dark);
	free(qr);
}

static int open_qr(struct tr_console *console, const void *argument, void **ret_state)
{
	const struct tr_qr_request *request = argument;
	struct qr *qr = calloc(1, sizeof(*qr));

	(void)console;
	if (!qr)
		return -ENOMEM;
	for (unsigned i = 0; i < request->count && i < TR_QR_ITEMS_MAX; i++) {
		const struct tr_qr_item *from = &request->items[i];
		struct item *item = &qr->items[qr->count++];
		*item = (struct item){strdup(from->title), strdup(from->where), strdup(from->text)};
		if (!item->title || !item->where || !item->text) {
			close_qr(qr);
			return -ENOMEM;
		}
	}
	*ret_state = qr;
	return 0;
}

/* ---- the code for the room that there is ---- */

static void make_code(struct qr *qr, int dots)
{
	const char *text = qr->items[qr->chosen].text;
	size_t at = 0, taken;

	qr->dots = dots;
	qr->parts = 0;
	free(qr->code.dark);
	qr->code = (struct tr_qr_code){0};
	while (text[at] && (taken = tr_qr_code_take(text + at, dots)) > 0) {
		if (qr->parts++ <= qr->part) {
			qr->begin = at;
			qr->length = taken;
		}
		at += taken;
	}
	if (qr->parts == 0)
		return;
	qr->part = qr->part < qr->parts ? qr->part : qr->parts - 1;
	if (tr_qr_code_make(text + qr->begin, qr->length, &qr->code) < 0)
		qr->parts = 0;
}

/* ---- the screen ---- */

static void draw_words(const struct qr *qr, const struct tr_area *area)
{
	const struct item *item = &qr->items[qr->chosen];
	const char *end = item->text + qr->begin + qr->length;
	bool goes_on = qr->parts > 1 && *end && end[-1] != '\n';
	char count[80];
	int row = 0;

	snprintf(count, sizeof(count), "%u of %u", qr->chosen + 1, qr->count);
	row += tr_draw_paragraph(area, row, TR_ROLE_DIM, count, false);
	row += tr_draw_paragraph(area, row, TR_ROLE_STRONG, item->title, false) + 1;
	row += tr_draw_paragraph(area, row, TR_ROLE_TEXT, item->where, false) + 1;
	if (qr->parts > 1) {
		snprintf(count, sizeof(count), "Code %u of %u: Down has the next.%s", qr->part + 1,
			qr->parts, goes_on ? " A line goes on there." : "");
		row += tr_draw_paragraph(area, row, TR_ROLE_WARNING, count, false) + 1;
	}
	tr_draw_paragraph(area, row, TR_ROLE_DIM,
		"A telephone's camera reads the lines from the code.", false);
}

static void draw(struct tr_console *console, void *state, const struct tr_area *area)
{
	struct qr *qr = state;
	int most = tr_draw_code_most(area), side = area->columns - WORDS_LEAST - GAP;

	(void)console;
	side = (tr_term_abilities(area->term)->is_utf8 ? side : side / 2) - 4;
	most = most < side ? most : side;
	if (most != qr->dots || qr->parts == 0)
		make_code(qr, most);
	int used = tr_draw_code(area, qr->code.dark, qr->code.width);
	used += used > 0 ? GAP : 1;
	const struct tr_area words =
		tr_draw_part(area, 0, used, area->rows, area->columns - used - 1);
	if (qr->code.width > 0)
		draw_words(qr, &words);
	else
		tr_draw_paragraph(&words, 0, TR_ROLE_WARNING,
			tr_term_abilities(area->term)->is_utf8
				? "This terminal is too small for a code."
				: "Without UTF-8 a code needs a terminal of 28 rows and 80 columns at "
				  "least. The lines stand on the page before.",
			false);
}

static enum tr_screen_answer key(struct tr_console *console, void *state, int key)
{
	struct qr *qr = state;

	(void)console;
	if ((key == TR_KEY_DOWN || key == TR_KEY_PAGE_DOWN) && qr->part + 1 < qr->parts)
		qr->part++;
	else if ((key == TR_KEY_UP || key == TR_KEY_PAGE_UP) && qr->part > 0)
		qr->part--;
	else if ((key == TR_KEY_RIGHT || key == TR_KEY_LEFT) && qr->count > 0) {
		qr->chosen = (qr->chosen + (key == TR_KEY_RIGHT ? 1 : qr->count - 1)) % qr->count;
		qr->part = 0;
	} else
		return TR_SCREEN_IGNORED;
	qr->dots = 0;
	return TR_SCREEN_TAKEN;
}

const struct tr_screen tr_screen_qr = {
	.name = "qr",
	.title = "Lines as a QR code",
	.help = "The lines to paste, for a camera: a telephone carries them to where they are "
		"needed.\n\n"
		"Left, Right    the lines of another fault\n"
		"Up, Down       the codes, when there are several\n"
		"Esc            back to the lines themselves",
	.keys = "Left/Right other fault|Up/Down more",
	.open = open_qr,
	.draw = draw,
	.key = key,
	.close = close_qr,
};
