#include "control/node_api_internal.h"

static json_t *empty(const struct tr_node_api_shape *shape)
{
	switch (shape->type) {
	case JSON_STRING:
		return json_string("");
	case JSON_INTEGER:
	case JSON_REAL:
		return json_integer(0);
	case JSON_ARRAY:
		return json_array();
	case JSON_TRUE:
	case JSON_FALSE:
		return json_false();
	default:
		return json_null();
	}
}

static json_t *copy(json_t *value, const struct tr_node_api_shape *shape)
{
	bool is_right = shape->type == JSON_TRUE   ? json_is_boolean(value)
			: shape->type == JSON_REAL ? json_is_number(value)
						   : value && json_typeof(value) == shape->type;

	if (!is_right)
		return empty(shape);
	return shape->type == JSON_ARRAY ? tr_node_api_shape_array(value, shape->items)
					 : json_incref(value);
}

json_t *tr_node_api_shape_object(const json_t *object, const struct tr_node_api_shape *shape)
{
	json_t *out = json_object();

	for (; shape->name; shape++)
		json_object_set_new(
			out, shape->name, copy(json_object_get(object, shape->name), shape));
	return out;
}

json_t *tr_node_api_shape_array(const json_t *array, const struct tr_node_api_shape *shape)
{
	json_t *out = json_array();
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		if (shape)
			json_array_append_new(out, tr_node_api_shape_object(item, shape));
		else if (json_is_string(item))
			json_array_append(out, item);
	}
	return out;
}
