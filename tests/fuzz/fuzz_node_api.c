/* Any bytes as what the node API reads itself: lines of method, path, query (NAME=VALUE), range,
 * host, authorization, and the rest as a body. What gets through must be safe to hand on. */
#include "control/http_internal.h"
#include "control/node_api_internal.h"

#include <string.h>

const char tr_node_api_document[] = ""; /* not generated here */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool is_so)
{
	if (!is_so)
		abort();
}

static void check_path(const char *method, const char *path, struct tr_node_api_call *call)
{
	char allow[100];

	call->route = tr_node_api_routes_find(method, path, call, allow, sizeof(allow));
	for (unsigned i = 0; call->route && i < TR_COUNT(call->args); i++) {
		const char *arg = call->args[i];
		need(!arg || (*arg && *arg != '.' && !strchr(arg, '/') && strlen(arg) < 256));
	}
	need(call->route || strlen(allow) < 50);
}

static void check_query(struct tr_node_api_call *call, char *text)
{
	const struct tr_node_api_parameter *parameters =
		call->route ? call->route->parameters : NULL;
	char why[200] = "";
	char *value = strchr(text, '=');

	if (value)
		*value++ = '\0';
	tr_node_api_query_init(&call->query, parameters);
	int rc = tr_node_api_query_take(
		&call->query, parameters, text, value ? value : "", why, sizeof(why));
	need((rc < 0) == (why[0] != '\0'));
	for (unsigned i = 0; rc == 0 && parameters[i].name; i++)
		need(!parameters[i].is_number || !call->query.is_given[i] ||
			(call->query.numbers[i] >= parameters[i].min &&
				call->query.numbers[i] <= parameters[i].max));
}

static void check_range(const char *text, int64_t file_size)
{
	int64_t first, count;

	if (tr_http_range_parse(text, file_size, &first, &count) == 0)
		need(first >= 0 && count > 0 && first <= file_size - count);
}

static void check_body(struct tr_node_api_call *call, const char *body, size_t size)
{
	char member[16], why[100] = "";
	json_t *object = NULL;

	int rc = tr_node_api_query_read_body(body, size, call->route ? call->route->members : NULL,
		&object, member, sizeof(member), why, sizeof(why));
	need((rc == 0) == json_is_object(object) && (rc == 0) == (why[0] == '\0'));
	json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	TR_CLEANUP(tr_freep) char *text = calloc(1, size + 1);
	static struct tr_node_api_call call;
	char *lines[6], *rest = text, escaped[50];

	if (!text)
		return 0;
	memcpy(text, data, size);
	memset(&call, 0, sizeof(call));
	for (unsigned i = 0; i < TR_COUNT(lines); i++)
		lines[i] = rest ? strsep(&rest, "\n") : "";
	check_path(lines[0], lines[1], &call);
	if (*lines[2])
		check_query(&call, lines[2]);
	check_range(lines[3], 0);
	check_range(lines[3], 1000);
	check_range(lines[3], INT64_MAX);
	need(!tr_node_api_access_host_is_ours(lines[4], "") || *lines[4]);
	need(!tr_node_api_access_has_token(lines[5], "0123456789abcdef") ||
		strstr(lines[5], "0123456789abcdef"));
	tr_node_api_reply_escape(lines[1], escaped, sizeof(escaped));
	need(strlen(escaped) < sizeof(escaped) && !strpbrk(escaped, "/\"\r\n "));
	if (rest)
		check_body(&call, rest, strlen(rest));
	return 0;
}
