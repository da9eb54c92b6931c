#include "control/member_json_internal.h"

#include <math.h>
#include <string.h>

#define SILENCE_DB (-200.0)

/* The bytes of the character at `text`, 0 when it is none. What is left of the rarer faults
 * (surrogates, too long forms) jansson finds. */
static size_t character_length(const char *text)
{
	unsigned char first = (unsigned char)text[0];
	size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

	if (first >= 0x80 && first < 0xc2)
		return 0;
	for (size_t i = 1; i < length; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

json_t *tr_member_json_text(const char *text)
{
	json_t *string = json_string(text);

	if (string)
		return string;
	TR_CLEANUP(tr_freep) char *clean = strdup(text);
	for (size_t i = 0; clean && clean[i];) {
		size_t length = character_length(clean + i);
		if (length == 0)
			clean[i] = '?';
		i += length ? length : 1;
	}
	string = clean ? json_string(clean) : NULL;
	for (char *c = clean; c && !string && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return string || !clean ? string : json_string(clean);
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
