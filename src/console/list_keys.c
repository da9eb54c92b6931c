#include "console/list_keys.h"

#include "console/term.h"

#include <limits.h>

bool tr_list_keys_move(int key, int page, int last, int *at)
{
	int to = *at;

	switch (key) {
	case TR_KEY_UP:
		to--;
		break;
	case TR_KEY_DOWN:
		to += to < last;
		break;
	case TR_KEY_PAGE_UP:
		to -= page;
		break;
	case TR_KEY_PAGE_DOWN:
		to = to > INT_MAX - page ? last : to + page;
		break;
	case TR_KEY_HOME:
		to = 0;
		break;
	case TR_KEY_END:
		to = last;
		break;
	default:
		if (key < TR_KEY_PICK || key - TR_KEY_PICK > last)
			return false;
		to = key - TR_KEY_PICK;
	}
	if (to > last)
		to = last;
	*at = to > 0 ? to : 0;
	return true;
}
