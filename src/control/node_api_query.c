#include "control/node_api_internal.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void tr_node_api_query_init(
	struct tr_node_api_query *query, const struct tr_node_api_parameter *parameters)
{
	memset(query, 0, sizeof(*query));
	for (unsigned i = 0; parameters && parameters[i].name; i++)
		query->numbers[i] = parameters[i].words ? -1 : parameters[i].fallback;
}

static int take_number(const struct tr_node_api_parameter *parameter, const char *value,
	int64_t *ret, char *why, size_t why_size)
{
	if (tr_text_parse_int(value, parameter->min, parameter->max, ret) == 0)
		return 0;
	snprintf(why, why_size, "%s is a number from %lld to %lld", parameter->name,
		(long long)parameter->min, (long long)parameter->max);
	return -EINVAL;
}

static int take_word(const struct tr_node_api_parameter *parameter, const char *value, int64_t *ret,
	char *why, size_t why_size)
{
	for (int i = 0; parameter->words[i]; i++)
		if (!strcmp(parameter->words[i], value)) {
			*ret = i;
			return 0;
		}
	snprintf(why, why_size, "%s is one of", parameter->name);
	for (int i = 0; parameter->words[i]; i++) {
		size_t used = strlen(why);
		snprintf(why + used, why_size - used, "%s %s", i ? "," : "", parameter->words[i]);
	}
	return -EINVAL;
}

static int take_text(const struct tr_node_api_parameter *parameter, const char *value, char *ret,
	char *why, size_t why_size)
{
	if (strlen(value) > (size_t)parameter->max || strlen(value) >= TR_NODE_API_TEXT_MAX) {
		snprintf(why, why_size, "%s is too long: %lld bytes at most", parameter->name,
			(long long)parameter->max);
		return -EINVAL;
	}
	memcpy(ret, value, strlen(value) + 1);
	return 0;
}

int tr_node_api_query_take(struct tr_node_api_query *query,
	const struct tr_node_api_parameter *parameters, const char *name, const char *value,
	char *why, size_t why_size)
{
	unsigned i = 0;

	while (parameters && parameters[i].name && strcmp(parameters[i].name, name) != 0)
		i++;
	if (!parameters || !parameters[i].name) {
		snprintf(why, why_size, "there is no such parameter here");
		return -EINVAL;
	}
	if (query->is_given[i]) {
		snprintf(why, why_size, "%s is given twice", parameters[i].name);
		return -EINVAL;
	}
	query->is_given[i] = true;
	if (parameters[i].is_number)
		return take_number(&parameters[i], value, &query->numbers[i], why, why_size);
	if (parameters[i].words)
		return take_word(&parameters[i], value, &query->numbers[i], why, why_size);
	return take_text(&parameters[i], value, query->texts[i], why, why_size);
}

/* ---- bodies ---- */

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_OBJECT:
		return "an object";
	default:
		return "true or false";
	}
}

static bool is_of_type(const json_t *value, json_type type)
{
	return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static int check_member(const struct tr_node_api_member *members, const char *name,
	const json_t *value, char *why, size_t why_size)
{
	while (members && members->name && strcmp(members->name, name) != 0)
		members++;
	if (!members || !members->name) {
		snprintf(why, why_size, "there is no such member here");
		return -EINVAL;
	}
	if (is_of_type(value, members->type))
		return 0;
	snprintf(why, why_size, "%s is %s", members->name, type_name(members->type));
	return -EINVAL;
}

static int check_members(json_t *object, const struct tr_node_api_member *members, char *member,
	size_t member_size, char *why, size_t why_size)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		if (check_member(members, name, value, why, why_size) == 0)
			continue;
		snprintf(member, member_size, "%s", name);
		return -EINVAL;
	}
	for (; members && members->name; members++)
		if (members->is_needed && !json_object_get(object, members->name)) {
			snprintf(member, member_size, "%s", members->name);
			snprintf(why, why_size, "%s is missing", members->name);
			return -EINVAL;
		}
	return 0;
}

int tr_node_api_query_read_body(const char *body, size_t size,
	const struct tr_node_api_member *members, json_t **ret_object, char *member,
	size_t member_size, char *why, size_t why_size)
{
	json_error_t error;

	*member = '\0';
	json_t *object =
		size > 0 ? json_loadb(body, size, JSON_REJECT_DUPLICATES, &error) : json_object();
	if (!json_is_object(object)) {
		/* jansson's own words may quote the body, and that may hold a secret */
		snprintf(why, why_size, "the body is not a JSON object");
		json_decref(object);
		return -EINVAL;
	}
	int rc = check_members(object, members, member, member_size, why, why_size);
	if (rc < 0)
		json_decref(object);
	else
		*ret_object = object;
	return rc;
}
