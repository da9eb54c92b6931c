#include "cli/machine_change.h"

#include "core/text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define VLAN_MAX 4094

static json_t *read_list(const char *at)
{
	json_t *list = json_array();

	while (*(at += strspn(at, ", "))) {
		size_t length = strcspn(at, ", ");
		json_array_append_new(list, json_stringn(at, length));
		at += length;
	}
	return list;
}

void tr_machine_change_add(json_t *settings, const char *key, const char *value)
{
	int64_t number;
	json_t *made = NULL;

	if (!strcmp(key, "time.servers") || !strcmp(key, "network.dns"))
		made = read_list(value);
	else if (!strcmp(key, "network.vlan") &&
		 tr_text_parse_int(value, 0, VLAN_MAX, &number) == 0)
		made = json_integer(number);
	else
		made = json_string(value);
	json_object_set_new(settings, key, made);
}

int tr_machine_change_run(
	const struct tr_node_verb *verb, struct tr_change *change, const json_t *settings)
{
	bool is_json = verb->is_json && !change->is_dry_run;
	FILE *nowhere = is_json ? fopen("/dev/null", "we") : NULL;

	change->out = nowhere ? nowhere : stdout;
	signal(SIGHUP, SIG_IGN);
	int rc = tr_machine_set(change, settings);
	if (nowhere)
		fclose(nowhere);
	change->out = stdout;
	if (rc < 0)
		return tr_node_verb_fail(verb, rc == -EINVAL ? TR_EXIT_USAGE : TR_EXIT_FAILED,
			"%s%s", change->why[0] ? change->why : strerror(-rc),
			rc == -EACCES || rc == -EROFS ? ". Run it as root" : "");
	return is_json ? tr_node_verb_print_json(json_object()) : 0;
}
