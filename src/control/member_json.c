#include "control/member_json_internal.h"

#include "core/text.h"

#include <math.h>
#include <string.h>

#define SILENCE_DB (-200.0)

json_t *tr_member_json_text(const char *text)
{
	json_t *string = json_string(text);

	if (string)
		return string;
	TR_CLEANUP(tr_freep) char *clean = strdup(text);
	if (!clean)
		return NULL;
	tr_text_make_utf8(clean);
	return json_string(clean);
}

static json_t *make(const struct tr_member *member, const void *value)
{
	const void *place = (const char *)value + member->offset;

	switch (member->type) {
	case TR_MEMBER_TEXT:
		return tr_member_json_text(place);
	case TR_MEMBER_INT:
		return json_integer(*(const int *)place);
	case TR_MEMBER_UNSIGNED:
		return json_integer(*(const unsigned *)place);
	case TR_MEMBER_INT64:
		return json_integer(*(const int64_t *)place);
	case TR_MEMBER_UINT64:
		return json_integer((json_int_t) * (const uint64_t *)place);
	case TR_MEMBER_DOUBLE: {
		double number = *(const double *)place;
		return json_real(isfinite(number) ? number : SILENCE_DB); /* JSON has no infinity */
	}
	case TR_MEMBER_BOOL:
		return json_boolean(*(const bool *)place);
	}
	return NULL;
}

void tr_member_json_add(json_t *object, const struct tr_member *members, const void *value)
{
	for (; members->name; members++)
		json_object_set_new(object, members->name, make(members, value));
}

json_t *tr_member_json_make(const struct tr_member *members, const void *value)
{
	json_t *object = json_object();
	tr_member_json_add(object, members, value);
	return object;
}
