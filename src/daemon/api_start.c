#define TR_LOG_AREA "api"

#include "daemon/api_source_internal.h"

#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define ID_LETTERS 16

/* What a request becomes; strings of the request are borrowed. */
struct start {
	char url[TR_MESSAGE_URL_MAX];
	char parameters[TR_MESSAGE_URL_MAX];
	char id[128];
	char call_name[TR_MESSAGE_NAME_MAX];
	char call_jid[TR_MESSAGE_SENTENCE_MAX];
	char environment[512];
	char *metadata;
	struct tr_control_start request;
};

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

static void make_letters(char *out, size_t count)
{
	unsigned char chance[ID_LETTERS] = {0};

	if (getrandom(chance, sizeof(chance), 0) != sizeof(chance))
		tr_warning("no random numbers: the session's name is no secret");
	for (size_t i = 0; i < count; i++)
		out[i] = (char)('a' + chance[i] % 26);
	out[count] = '\0';
}

static int take_id(struct start *start, const json_t *request, char *why, size_t size)
{
	const char *id = text(request, "session_id");

	if (!id[0])
		make_letters(start->id, ID_LETTERS);
	else if (tr_text_has_controls(id) ||
		 tr_text_format(start->id, sizeof(start->id), "%s", id) < 0)
		return tr_text_say(why, size, -EINVAL,
			"session_id must be at most %zu bytes without control characters",
			sizeof(start->id) - 1);
	start->request.session_id = start->id;
	return 0;
}

/* What stands behind '#' belongs to Jitsi's page and is given to it apart. */
static int take_url(struct start *start, const json_t *request, char *why, size_t size)
{
	const char *url = text(request, "url");
	size_t scheme = !strncasecmp(url, "https://", 8)  ? 8
			: !strncasecmp(url, "http://", 7) ? 7
							  : 0;
	size_t length = strcspn(url, "#"), path = strcspn(url, "?#");
	const char *more = text(request, "url_parameters");
	const char *own = url[length] ? url + length + 1 : "";

	if (scheme == 0 || path <= scheme || tr_text_has_controls(url) ||
		strpbrk(url, " \"<>\\^`{|}") || strchr("/?#:", url[scheme]))
		return tr_text_say(why, size, -EINVAL,
			"url must be a meeting's whole address, like https://meet.example.org/room");
	while (path > scheme && url[path - 1] == '/')
		path--;
	size_t word = path;
	while (word > scheme && url[word - 1] != '/')
		word--;
	snprintf(
		start->call_name, sizeof(start->call_name), "%.*s", (int)(path - word), url + word);
	if (tr_text_format(start->url, sizeof(start->url), "%.*s", (int)length, url) < 0 ||
		tr_text_format(start->parameters, sizeof(start->parameters), "%s%s%s", own,
			own[0] && more[0] ? "&" : "", more) < 0)
		return tr_text_say(why, size, -EINVAL, "url is too long");
	start->request.meeting_url = start->url;
	start->request.url_parameters = start->parameters;
	start->request.call_name = start->call_name;
	return 0;
}

static bool is_below(const char *url, const char *base)
{
	size_t length = strlen(base);

	return length > 0 && !strncasecmp(url, base, length) &&
	       (url[length] == '/' || url[length] == '\0' || url[length] == '?');
}

/* The one that is named, else the one whose pages the address is below of; the longest wins. */
static const struct tr_config_environment *find_environment(
	const struct tr_config *config, const char *name, const char *url)
{
	const struct tr_config_environment *best = NULL;

	for (unsigned i = 0; i < config->environment_count; i++) {
		const struct tr_config_environment *one = &config->environments[i];
		if (name[0] && !strcmp(one->name, name))
			return one;
		if (!name[0] && is_below(url, one->base_url) &&
			(!best || strlen(one->base_url) > strlen(best->base_url)))
			best = one;
	}
	return best;
}

static int take_environment(struct start *start, const struct tr_config *config,
	const json_t *request, char *why, size_t size)
{
	const char *name = text(request, "environment");
	const struct tr_config_environment *found = find_environment(config, name, start->url);
	char tail[10] = "";

	start->request.is_page = !found;
	if (!found)
		return name[0] ? tr_text_say(why, size, -EINVAL,
					 "there is no environment \"%.100s\" in the settings", name)
			       : 0;
	if (found->call.randomize) {
		tail[0] = '-';
		make_letters(tail + 1, sizeof(tail) - 2);
	}
	snprintf(start->call_jid, sizeof(start->call_jid), "%s%s@%s", found->call.username, tail,
		found->call.domain);
	snprintf(start->environment, sizeof(start->environment), "%s-%s", found->name,
		found->server_count > 0 ? found->servers[0] : "");
	start->request.call_password = found->call.password;
	start->request.usage_timeout_ms = found->usage_timeout_ms;
	return 0;
}

static int take_time(struct start *start, const json_t *request, char *why, size_t size)
{
	const char *word = text(request, "for");
	int64_t ms = 0;

	if (!word[0])
		return 0;
	if (tr_text_parse_duration(word, &ms) < 0 || ms <= 0)
		return tr_text_say(why, size, -EINVAL,
			"for is \"%.40s\", but must be a time like \"90s\" or \"1.5h\"", word);
	if (start->request.usage_timeout_ms == 0 || ms < start->request.usage_timeout_ms)
		start->request.usage_timeout_ms = ms;
	return 0;
}

static int take_rest(struct start *start, const json_t *request, char *why, size_t size)
{
	const char *kind = text(request, "kind"), *stream = text(request, "stream");
	const json_t *metadata = json_object_get(request, "metadata");
	json_int_t slot = json_integer_value(json_object_get(request, "slot"));
	struct tr_control_start *to = &start->request;

	to->kind = !strcmp(kind, "stream") || (!kind[0] && stream[0]) ? TR_CONTROL_STREAM
								      : TR_CONTROL_FILE;
	if (kind[0] && strcmp(kind, "stream") != 0 && strcmp(kind, "file") != 0)
		return tr_text_say(why, size, -EINVAL, "kind must be \"file\" or \"stream\"");
	if (to->kind == TR_CONTROL_STREAM && !stream[0])
		return tr_text_say(why, size, -EINVAL,
			"a stream needs \"stream\": where to, a key or an address");
	if (to->kind == TR_CONTROL_FILE && stream[0])
		return tr_text_say(why, size, -EINVAL, "\"stream\" needs the kind \"stream\"");
	if (slot < 0 || slot > TR_CONFIG_SLOTS_MAX)
		return tr_text_say(why, size, -EINVAL, "there is no such slot");
	to->slot = (unsigned)slot;
	to->stream_url = stream;
	to->view_url = text(request, "view_url");
	to->room = text(request, "room");
	start->metadata = json_is_object(metadata) ? json_dumps(metadata, JSON_COMPACT) : NULL;
	to->metadata = start->metadata ? start->metadata : "";
	return 0;
}

static int read_request(struct start *start, const struct tr_config *config, const json_t *request,
	char *why, size_t size)
{
	struct tr_control_start *to = &start->request;

	to->rtcstats = -1;
	to->call_jid = start->call_jid;
	to->call_password = "";
	to->environment = start->environment;
	int rc = take_id(start, request, why, size);
	if (rc == 0)
		rc = take_url(start, request, why, size);
	if (rc == 0)
		rc = take_environment(start, config, request, why, size);
	if (rc == 0)
		rc = take_time(start, request, why, size);
	if (rc == 0)
		rc = take_rest(start, request, why, size);
	return rc;
}

static int errno_of(const struct tr_snapshot *snapshot, enum tr_control_answer answer)
{
	switch (answer) {
	case TR_CONTROL_ACCEPTED:
		return 0;
	case TR_CONTROL_BUSY:
	case TR_CONTROL_DUPLICATE:
	case TR_CONTROL_DUPLICATE_ON:
		return -EBUSY;
	case TR_CONTROL_REFUSED:
		return -EACCES;
	default:
		return snapshot->disk.state == TR_SNAPSHOT_DISK_FULL ? -ENOSPC : -EIO;
	}
}

/* The node chose one. */
static unsigned slot_of(const struct tr_snapshot *snapshot, const char *session_id)
{
	for (unsigned i = 0; i < snapshot->slot_count; i++)
		if (snapshot->slots[i].has_session &&
			!strcmp(snapshot->slots[i].session.id, session_id))
			return snapshot->slots[i].number;
	return 0;
}

static void free_start(struct start **start)
{
	if (!*start)
		return;
	if ((*start)->metadata)
		explicit_bzero((*start)->metadata, strlen((*start)->metadata));
	free((*start)->metadata);
	explicit_bzero(*start, sizeof(**start));
	free(*start);
}

int tr_api_source_start(
	void *user, const json_t *request, json_t **ret_json, char *why, size_t size)
{
	const struct tr_api_source *source = user;
	const struct tr_control_actions *actions = source->table.actions;
	TR_CLEANUP(free_start) struct start *start = calloc(1, sizeof(*start));
	TR_CLEANUP(tr_freep) struct tr_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!start || !snapshot)
		return -ENOMEM;
	int rc = read_request(start, source->settings.config, request, why, size);
	if (rc < 0)
		return rc;
	enum tr_control_answer answer = actions->start(actions->user, &start->request, why, size);
	tr_node_read(source->settings.node, snapshot);
	rc = errno_of(snapshot, answer);
	if (rc < 0)
		return rc;
	*ret_json = json_pack(
		"{s:s, s:i}", "session_id", start->id, "slot", (int)slot_of(snapshot, start->id));
	return *ret_json ? 0 : -ENOMEM;
}
