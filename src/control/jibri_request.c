#include "control/jibri_request.h"

#include "protocol/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define SESSION_ID_MAX 127 /* bytes, as state.json keeps it */
#define URL_MAX (TR_MESSAGE_URL_MAX / 4)
#define YOUTUBE "rtmp://a.rtmp.youtube.com/live2/"
#define RANDOM_CHARACTERS 8 /* behind "USER-" */

enum member_kind {
	ANY, /* not read here, and Jibri takes null and its default too */
	TEXT,
	OBJECT,
	LIST,
};

struct member {
	const char *name;
	enum member_kind kind;
	bool is_needed; /* else it may be missing or null */
};

static const struct member body_members[] = {
	{"sessionId", TEXT, true},
	{"callParams", OBJECT, true},
	{"callLoginParams", OBJECT, false},
	{"sinkType", TEXT, true},
	{"youTubeStreamKey", TEXT, false},
	{"sipClientParams", OBJECT, false},
	{0},
};

static const struct member call_members[] = {
	{"callUrlInfo", OBJECT, true},
	{"email", TEXT, false},
	{"passcode", TEXT, false},
	{"callStatsUsernameOverride", TEXT, false},
	{"displayName", TEXT, false},
	{"extraUrlParams", LIST, false},
	{0},
};

static const struct member url_members[] = {
	{"baseUrl", TEXT, true},
	{"callName", TEXT, true},
	{"tenant", TEXT, false},
	{"urlParams", LIST, false}, /* Jibri overwrites them */
	{0},
};

static const struct member login_members[] = {
	{"domain", TEXT, true},
	{"port", ANY, false},
	{"username", TEXT, true},
	{"password", TEXT, true},
	{"randomizeUsername", ANY, false},
	{0},
};

static const struct member sip_members[] = {
	{"sipAddress", TEXT, false},
	{"displayName", TEXT, false},
	{"autoAnswer", ANY, false},
	{"autoAnswerTimer", ANY, false},
	{"userName", TEXT, false},
	{"password", TEXT, false},
	{"contact", TEXT, false},
	{"proxy", TEXT, false},
	{0},
};

struct refusal {
	char *why;
	size_t why_size;
};

static int refuse(const struct refusal *refusal, const char *format, ...) TR_PRINTF(2, 3);

static int refuse(const struct refusal *refusal, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(refusal->why, refusal->why_size, format, args);
	va_end(args);
	return -EINVAL;
}

/* ---- the shape ---- */

static bool is_of_kind(const json_t *value, enum member_kind kind)
{
	switch (kind) {
	case ANY:
		return true;
	case TEXT:
		return json_is_string(value);
	case OBJECT:
		return json_is_object(value);
	case LIST:
		return json_is_array(value);
	}
	return false;
}

static const struct member *find_member(const struct member *members, const char *name)
{
	for (const struct member *member = members; member->name; member++)
		if (!strcmp(member->name, name))
			return member;
	return NULL;
}

/* `object` may be missing: whether it may is said by the table above it. */
static int check_members(
	json_t *object, const struct member *members, const struct refusal *refusal)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return 0;
	json_object_foreach(object, name, value)
	{
		const struct member *member = find_member(members, name);
		if (!member)
			return refuse(refusal, "there is a member that Jibri does not know");
		bool is_absent = json_is_null(value) && !member->is_needed;
		if (!is_absent && !is_of_kind(value, member->kind))
			return refuse(refusal, "%s is of the wrong type", member->name);
	}
	for (const struct member *member = members; member->name; member++)
		if (member->is_needed && !json_object_get(object, member->name))
			return refuse(refusal, "%s is missing", member->name);
	return 0;
}

static int check_shape(json_t *body, const struct refusal *refusal)
{
	json_t *call = json_object_get(body, "callParams");

	if (!json_is_object(body))
		return refuse(refusal, "the body is not a JSON object");
	int rc = check_members(body, body_members, refusal);
	if (rc == 0)
		rc = check_members(call, call_members, refusal);
	if (rc == 0)
		rc = check_members(json_object_get(call, "callUrlInfo"), url_members, refusal);
	if (rc == 0)
		rc = check_members(
			json_object_get(body, "callLoginParams"), login_members, refusal);
	if (rc == 0)
		rc = check_members(json_object_get(body, "sipClientParams"), sip_members, refusal);
	return rc;
}

/* "" for a member that is missing or null. */
static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

/* ---- what the members say ---- */

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Neither white space, nor what would end or reopen an attribute of a URL. */
static bool is_url_text(const char *text, const char *refused)
{
	for (const char *c = text; *c; c++)
		if (is_control(*c) || *c == ' ' || strchr(refused, *c))
			return false;
	return true;
}

static bool is_plain_in_path(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("-._~!$&'()*+,;=:@/", c) != NULL;
}

static bool is_hex(char c)
{
	return c && strchr("0123456789abcdefABCDEF", c);
}

/* Percent-encodes what is not already: "a b%20c?" becomes "a%20b%20c%3F". `out` has three bytes for
 * each of `text` and one more. */
static void encode_path(const char *text, char *out)
{
	for (const char *c = text; *c; c++) {
		bool is_encoded = *c == '%' && is_hex(c[1]) && is_hex(c[2]);
		if (is_encoded || is_plain_in_path((unsigned char)*c))
			*out++ = *c;
		else
			out += sprintf(out, "%%%02X", (unsigned char)*c);
	}
	*out = '\0';
}

/* "a//b", "../b" and the like name no room, and would walk in a path. */
static bool is_walking(const char *name)
{
	for (;;) {
		size_t length = strcspn(name, "/");
		if (length == 0 || (length == 1 && name[0] == '.') ||
			(length == 2 && name[0] == '.' && name[1] == '.'))
			return true;
		if (name[length] == '\0')
			return false;
		name += length + 1;
	}
}

static bool is_web_url(const char *url)
{
	const char *host = !strncasecmp(url, "https://", 8)  ? url + 8
			   : !strncasecmp(url, "http://", 7) ? url + 7
							     : "";
	return *host && *host != '/' && *host != ':' && is_url_text(url, "?#\"<>\\^`{|}");
}

static int take_meeting(
	struct tr_jibri_request *request, const json_t *info, const struct refusal *refusal)
{
	const char *base = text_of(info, "baseUrl");
	const char *name = text_of(info, "callName");
	size_t length = strlen(base);

	if (!is_web_url(base))
		return refuse(refusal, "baseUrl is not the address of a web site");
	if (strlen(name) + length > URL_MAX)
		return refuse(refusal, "baseUrl and callName are too long");
	for (const char *c = name; *c; c++)
		if (is_control(*c))
			return refuse(refusal, "callName has a control character");
	if (is_walking(name))
		return refuse(refusal, "callName is not the name of a room");

	while (length > 0 && base[length - 1] == '/')
		length--;
	size_t size = length + 1 + 3 * strlen(name) + 1;
	const char *last = strrchr(name, '/');
	request->meeting_url = malloc(size);
	request->call_name = strdup(last ? last + 1 : name);
	if (!request->meeting_url || !request->call_name)
		return -ENOMEM;
	int used = sprintf(request->meeting_url, "%.*s/", (int)length, base);
	encode_path(name, request->meeting_url + used);
	return 0;
}

static int take_parameters(
	struct tr_jibri_request *request, const json_t *list, const struct refusal *refusal)
{
	size_t size = 1, used = 0, index;
	json_t *entry;

	json_array_foreach(list, index, entry)
	{
		if (!json_is_string(entry) || !is_url_text(json_string_value(entry), "#"))
			return refuse(refusal, "extraUrlParams has what cannot stand in a URL");
		size += json_string_length(entry) + 1;
	}
	if (size > URL_MAX)
		return refuse(refusal, "extraUrlParams is too long");
	request->url_parameters = calloc(1, size);
	if (!request->url_parameters)
		return -ENOMEM;
	json_array_foreach(list, index, entry) if (json_string_length(entry) > 0) used +=
		(size_t)sprintf(request->url_parameters + used, "%s%s", used ? "&" : "",
			json_string_value(entry));
	return 0;
}

static void randomize(char *out)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char bytes[RANDOM_CHARACTERS];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		memset(bytes, 0, sizeof(bytes)); /* a name that may be taken, no secret */
	*out++ = '-';
	for (unsigned i = 0; i < sizeof(bytes); i++)
		*out++ = letters[bytes[i] % (sizeof(letters) - 1)];
	*out = '\0';
}

static int take_login(
	struct tr_jibri_request *request, const json_t *login, const struct refusal *refusal)
{
	const char *user = text_of(login, "username"), *domain = text_of(login, "domain");
	char suffix[RANDOM_CHARACTERS + 2] = "";

	if (!is_url_text(user, "") || !is_url_text(domain, "@/"))
		return refuse(refusal, "callLoginParams names no account");
	if (json_string_length(json_object_get(login, "password")) >= TR_MESSAGE_SENTENCE_MAX ||
		strlen(user) + strlen(domain) + sizeof(suffix) + 1 >= TR_MESSAGE_SENTENCE_MAX)
		return refuse(refusal, "callLoginParams is too long");
	if (json_is_true(json_object_get(login, "randomizeUsername")))
		randomize(suffix);
	if (asprintf(&request->call_jid, "%s%s@%s", user, suffix, domain) < 0) {
		request->call_jid = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* Jibri hands the "key" to ffmpeg as the output's name, so callers write a whole URL; a bare key
 * would have become a file. It is taken for what it says: a key of YouTube's. */
static int take_stream(
	struct tr_jibri_request *request, const char *key, const struct refusal *refusal)
{
	bool is_whole = !strncasecmp(key, "rtmp://", 7) || !strncasecmp(key, "rtmps://", 8);

	if (!*key || !is_url_text(key, "") || (!is_whole && strstr(key, "://")))
		return refuse(refusal, "youTubeStreamKey is neither an RTMP URL nor a key");
	if (strlen(key) > URL_MAX)
		return refuse(refusal, "youTubeStreamKey is too long");
	if (asprintf(&request->stream_url, "%s%s", is_whole ? "" : YOUTUBE, key) < 0) {
		request->stream_url = NULL;
		return -ENOMEM;
	}
	return 0;
}

static bool has(const json_t *body, const char *name)
{
	json_t *value = json_object_get(body, name);
	return value && !json_is_null(value);
}

/* What the kind of service needs besides, in Jibri's order. */
static int find_kind(const json_t *body, enum tr_control_kind *ret_kind, const char **ret_missing,
	const struct refusal *refusal)
{
	const char *sink = text_of(body, "sinkType");

	if (!strcasecmp(sink, "gateway")) {
		if (!has(body, "sipClientParams")) {
			*ret_missing = "SIP client params missing";
			return -ENODATA;
		}
		refuse(refusal, "this node is no SIP gateway");
		return -EOPNOTSUPP;
	}
	if (strcasecmp(sink, "file") != 0 && strcasecmp(sink, "stream") != 0)
		return refuse(refusal, "sinkType is neither file nor stream nor gateway");
	*ret_kind = strcasecmp(sink, "file") ? TR_CONTROL_STREAM : TR_CONTROL_FILE;
	if (*ret_kind == TR_CONTROL_STREAM && !has(body, "youTubeStreamKey")) {
		*ret_missing = "Stream key missing";
		return -ENODATA;
	}
	if (!has(body, "callLoginParams")) {
		*ret_missing = "Call login params missing";
		return -ENODATA;
	}
	return 0;
}

static int check_session(const char *id, const struct refusal *refusal)
{
	if (!*id || strlen(id) > SESSION_ID_MAX)
		return refuse(refusal, "sessionId is empty or too long");
	for (const char *c = id; *c; c++)
		if (is_control(*c))
			return refuse(refusal, "sessionId has a control character");
	return 0;
}

static int take_all(
	struct tr_jibri_request *request, const char **ret_missing, const struct refusal *refusal)
{
	json_t *body = request->body;
	json_t *call = json_object_get(body, "callParams");
	json_t *login = json_object_get(body, "callLoginParams");
	struct tr_control_start *start = &request->start;

	int rc = check_shape(body, refusal);
	if (rc == 0)
		rc = find_kind(body, &start->kind, ret_missing, refusal);
	if (rc == 0)
		rc = check_session(text_of(body, "sessionId"), refusal);
	if (rc == 0)
		rc = take_meeting(request, json_object_get(call, "callUrlInfo"), refusal);
	if (rc == 0)
		rc = take_parameters(request, json_object_get(call, "extraUrlParams"), refusal);
	if (rc == 0)
		rc = take_login(request, login, refusal);
	if (rc == 0 && start->kind == TR_CONTROL_STREAM)
		rc = take_stream(request, text_of(body, "youTubeStreamKey"), refusal);
	return rc;
}

int tr_jibri_request_parse(const char *body, size_t size, struct tr_jibri_request **ret_request,
	const char **ret_missing, char *why, size_t why_size)
{
	TR_CLEANUP(tr_jibri_request_destroyp)
	struct tr_jibri_request *request = calloc(1, sizeof(*request));
	const struct refusal refusal = {.why = why, .why_size = why_size};
	json_error_t error;

	if (!request)
		return -ENOMEM;
	snprintf(why, why_size, "%s", "a member is missing");
	request->body = json_loadb(body, size, 0, &error);
	if (!request->body) /* the library's own sentence may quote the text */
		return refuse(&refusal, "the body is no JSON (line %d)", error.line);
	int rc = take_all(request, ret_missing, &refusal);
	if (rc < 0)
		return rc;

	struct tr_control_start *start = &request->start;
	start->session_id = text_of(request->body, "sessionId");
	start->meeting_url = request->meeting_url;
	start->call_name = request->call_name;
	start->call_jid = request->call_jid;
	start->call_password =
		text_of(json_object_get(request->body, "callLoginParams"), "password");
	start->stream_url = request->stream_url ? request->stream_url : "";
	start->url_parameters = request->url_parameters;
	start->environment = start->room = start->view_url = start->metadata = "";
	start->rtcstats = -1;
	*ret_request = tr_take(request);
	return 0;
}

void tr_jibri_request_destroy(struct tr_jibri_request *request)
{
	if (!request)
		return;
	json_decref(request->body);
	free(request->meeting_url);
	free(request->call_name);
	free(request->call_jid);
	free(request->stream_url);
	free(request->url_parameters);
	free(request);
}
