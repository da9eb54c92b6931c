#include "config/config.h"

#include "config/api_rules_internal.h"
#include "config/display_words.h"
#include "config/encoder_words.h"
#include "config/environment_internal.h"
#include "config/hosts_internal.h"
#include "config/keytable_internal.h"
#include "config/node_id_internal.h"
#include "config/placeholder.h"
#include "config/secrets_internal.h"
#include "config/storage_rules_internal.h"
#include "config/stream_rules_internal.h"
#include "config/upload_rules_internal.h"
#include "config/webhook_rules_internal.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES (1 << 20)
#define DAY_MS INT64_C(86400000)

/* A row is written with these. */
#define ROW(path_, type_, place, fallback_, ...)                                                   \
	{                                                                                          \
		.path = path_, .type = TR_KEY_##type_, place, .fallback = fallback_, __VA_ARGS__   \
	}
#define AT(holder, member)                                                                         \
	.offset = offsetof(struct holder, member), .size = sizeof(((struct holder *)0)->member)
#define IN_ENVIRONMENT(member) AT(tr_config_environment, member)
#define IN_CONFIG(member) AT(tr_config, member)
#define IN_REWRITE(member) AT(tr_config_rewrite, member)
#define IN_ROOM(member) AT(tr_config_room, member)
#define IN_KEEP(member) AT(tr_config_keep, member)
#define LIST(holder, member, count, most)                                                          \
	.offset = offsetof(struct holder, member),                                                 \
	.size = sizeof(((struct holder *)0)->member[0]),                                           \
	.count_offset = offsetof(struct holder, count), .count_max = (most)
#define RANGE(least, most) .min = (least), .max = (most)
#define WORDS(...) .words = {__VA_ARGS__}
#define LOOK(name) .fault = tr_hosts_##name##_fault
#define MUST_BE_GIVEN NULL

/* In this order: what follows from others comes behind them. */
static const struct tr_key_row environment_rows[] = {
	ROW("environments.name", STRING, IN_ENVIRONMENT(name), MUST_BE_GIVEN),
	ROW("environments.xmpp_domain", STRING, IN_ENVIRONMENT(xmpp_domain), MUST_BE_GIVEN,
		LOOK(domain)),
	ROW("environments.servers", STRINGS,
		LIST(tr_config_environment, servers, server_count, TR_CONFIG_SERVERS_MAX),
		"{xmpp_domain}", LOOK(server)),
	ROW("environments.base_url", STRING, IN_ENVIRONMENT(base_url), "https://{xmpp_domain}",
		LOOK(url)),
	ROW("environments.strip", STRING, IN_ENVIRONMENT(strip), "conference."),
	ROW("environments.control.domain", STRING, IN_ENVIRONMENT(control.domain),
		"auth.{xmpp_domain}", LOOK(domain)),
	ROW("environments.control.username", STRING, IN_ENVIRONMENT(control.username), "jibri",
		LOOK(localpart)),
	ROW("environments.control.password", SECRET, IN_ENVIRONMENT(control.password),
		MUST_BE_GIVEN),
	ROW("environments.control.port", INT, IN_ENVIRONMENT(control.port), "0", RANGE(0, 65535)),
	ROW("environments.brewery.domain", STRING, IN_ENVIRONMENT(brewery.domain),
		"internal.{control.domain}", LOOK(domain)),
	ROW("environments.brewery.room", STRING, IN_ENVIRONMENT(brewery.room), "jibribrewery",
		LOOK(localpart)),
	ROW("environments.brewery.nickname", STRING, IN_ENVIRONMENT(brewery.nickname), "{id}",
		LOOK(nick)),
	ROW("environments.call.domain", STRING, IN_ENVIRONMENT(call.domain),
		"recorder.{xmpp_domain}", LOOK(domain)),
	ROW("environments.call.username", STRING, IN_ENVIRONMENT(call.username), "recorder",
		LOOK(localpart)),
	ROW("environments.call.password", SECRET, IN_ENVIRONMENT(call.password), MUST_BE_GIVEN),
	ROW("environments.call.randomize", BOOL, IN_ENVIRONMENT(call.randomize), "false"),
	ROW("environments.focus_jid", STRING, IN_ENVIRONMENT(focus_jid), "", LOOK(jid)),
	ROW("environments.usage_timeout", DURATION, IN_ENVIRONMENT(usage_timeout_ms), "0s",
		RANGE(0, 30 * DAY_MS)),
	ROW("environments.security", WORD, IN_ENVIRONMENT(security), "starttls",
		WORDS("starttls", "tls", "ifpossible", "plain")),
	ROW("environments.trust_all_certificates", BOOL, IN_ENVIRONMENT(trust_all_certificates),
		"false"),
	ROW("environments.ca_file", PATH, IN_ENVIRONMENT(ca_file), ""),
	ROW("environments.fingerprint", STRING, IN_ENVIRONMENT(fingerprint), "", LOOK(sha256)),
};

static const struct tr_key_table environment_keys = {
	"environments.", environment_rows, TR_COUNT(environment_rows), 0};

static const struct tr_key_row rewrite_rows[] = {
	ROW("stream.rewrite.match", STRING, IN_REWRITE(match), MUST_BE_GIVEN),
	ROW("stream.rewrite.to", SECRET, IN_REWRITE(to), MUST_BE_GIVEN),
};

static const struct tr_key_table rewrite_keys = {"stream.rewrite.", rewrite_rows,
	TR_COUNT(rewrite_rows), offsetof(struct tr_config_rewrite, line)};

static const struct tr_key_row room_rows[] = {
	ROW("rooms.match", STRING, IN_ROOM(match), MUST_BE_GIVEN),
	ROW("rooms.streams", STRINGS,
		LIST(tr_config_room, streams, stream_count, TR_CONFIG_ROOM_STREAMS_MAX), "",
		.fault = tr_stream_rules_target_fault, .is_secret = true),
	ROW("rooms.record_too", BOOL, IN_ROOM(record_too), "false"),
};

static const struct tr_key_table room_keys = {
	"rooms.", room_rows, TR_COUNT(room_rows), offsetof(struct tr_config_room, line)};

static const struct tr_key_row keep_rows[] = {
	ROW("storage.keep.match", STRING, IN_KEEP(match), MUST_BE_GIVEN),
	ROW("storage.keep.max_age", DURATION, IN_KEEP(max_age_ms), "0s", RANGE(0, 3650 * DAY_MS)),
	ROW("storage.keep.max_size", BYTES, IN_KEEP(max_bytes), "0", RANGE(0, INT64_MAX)),
	ROW("storage.keep.min_free", BYTES, IN_KEEP(min_free_bytes), "0", RANGE(0, INT64_MAX)),
	ROW("storage.keep.min_age", DURATION, IN_KEEP(min_age_ms), "1h", RANGE(0, 3650 * DAY_MS)),
	ROW("storage.keep.uploaded_only", BOOL, IN_KEEP(uploaded_only), "false"),
};

static const struct tr_key_table keep_keys = {
	"storage.keep.", keep_rows, TR_COUNT(keep_rows), offsetof(struct tr_config_keep, line)};

/* What the file of secrets may say. */
static const struct tr_key_row secret_rows[] = {
	ROW("environments.name", STRING, IN_ENVIRONMENT(name), MUST_BE_GIVEN),
	ROW("environments.control.password", SECRET, IN_ENVIRONMENT(control.password),
		MUST_BE_GIVEN),
	ROW("environments.call.password", SECRET, IN_ENVIRONMENT(call.password), MUST_BE_GIVEN),
};

static const struct tr_key_table secret_keys = {
	"environments.", secret_rows, TR_COUNT(secret_rows), 0};

/* Of room_rows: match and streams. */
static const struct tr_key_table secret_room_keys = {
	"rooms.", room_rows, 2, offsetof(struct tr_config_room, line)};

static const struct tr_key_row main_rows[] = {
	ROW("id", STRING, IN_CONFIG(id), "", LOOK(nick)),
	ROW("recordings", PATH, IN_CONFIG(recordings), "/var/lib/telerec/recordings", RANGE(1, 1)),
	ROW("slots", INT_AUTO, IN_CONFIG(slots), "1", RANGE(1, TR_CONFIG_SLOTS_MAX), WORDS("auto"),
		.other = 0),
	ROW("processes", WORD, IN_CONFIG(processes), "auto", WORDS("auto", "own", "systemd")),
	ROW("single_use", BOOL, IN_CONFIG(single_use), "false"),
	ROW("on_control_loss", CHOICE, IN_CONFIG(stop_on_control_loss), "continue",
		WORDS("continue", "stop")),
	ROW("secrets", PATH, IN_CONFIG(secrets), ""),
	ROW("log_level", WORD, IN_CONFIG(log_level), "info",
		WORDS("error", "warning", "info", "debug")),
	ROW("video.size", SIZE, IN_CONFIG(video.width), "1280x720"),
	ROW("video.frame_rate", INT, IN_CONFIG(video.frame_rate), "30",
		RANGE(1, TR_CONFIG_RATE_MAX)),
	ROW("video.frame_rate_mode", CHOICE, IN_CONFIG(video.constant_rate), "variable",
		WORDS("variable", "constant")),
	ROW("video.quality", INT, IN_CONFIG(video.quality), "25", RANGE(0, 51)),
	ROW("video.bitrate", INT, IN_CONFIG(video.video_kbps), "0", RANGE(0, 100000)),
	ROW("video.encoder", STRING, IN_CONFIG(video.encoder), "auto",
		.fault = tr_encoder_words_fault),
	ROW("video.display", STRING, IN_CONFIG(video.display), "xvfb",
		.fault = tr_display_words_fault),
	ROW("video.xauthority", PATH, IN_CONFIG(video.xauthority), ""),
	ROW("video.zero_copy", CHOICE, IN_CONFIG(video.is_zero_copy_off), "auto",
		WORDS("auto", "off")),
	ROW("sound.source", WORD, IN_CONFIG(sound.source), "auto",
		WORDS("auto", "plugin", "loopback", "pcm", "none")),
	ROW("sound.capture_pcm", STRING, IN_CONFIG(sound.capture_pcm), ""),
	ROW("sound.player_pcm", STRING, IN_CONFIG(sound.player_pcm), ""),
	ROW("sound.bitrate", INT, IN_CONFIG(sound.audio_kbps), "128", RANGE(32, 512)),
	ROW("browser.path", PATH, IN_CONFIG(browser.path), ""),
	ROW("browser.page_timeout", DURATION, IN_CONFIG(browser.page_timeout_ms), "30s",
		RANGE(1000, 600000)),
	ROW("browser.allowed_hosts", STRINGS,
		LIST(tr_config, browser.allowed_hosts, browser.allowed_host_count,
			TR_CONFIG_HOSTS_MAX),
		"", LOOK(pattern)),
	ROW("browser.ignore_certificate_errors", BOOL, IN_CONFIG(browser.ignore_certificate_errors),
		"false"),
	ROW("checks.join_timeout", DURATION, IN_CONFIG(checks.join_ms), "30s", RANGE(1000, 600000)),
	ROW("checks.empty_timeout", DURATION, IN_CONFIG(checks.empty_ms), "30s",
		RANGE(1000, DAY_MS)),
	ROW("checks.no_media_timeout", DURATION, IN_CONFIG(checks.no_media_ms), "3m",
		RANGE(1000, DAY_MS)),
	ROW("checks.all_muted_timeout", DURATION, IN_CONFIG(checks.all_muted_ms), "10m",
		RANGE(1000, DAY_MS)),
	ROW("checks.ice_timeout", DURATION, IN_CONFIG(checks.ice_ms), "30s", RANGE(1000, DAY_MS)),
	ROW("checks.start_timeout", DURATION, IN_CONFIG(checks.start_ms), "60s",
		RANGE(5000, 600000)),
	ROW("jibri_http.bind", STRING, IN_CONFIG(jibri_http.bind), "127.0.0.1", LOOK(address)),
	ROW("jibri_http.external_port", INT_AUTO, IN_CONFIG(jibri_http.external_port), "2222",
		RANGE(0, 65535), WORDS("off"), .other = -1),
	ROW("jibri_http.internal_port", INT_AUTO, IN_CONFIG(jibri_http.internal_port), "3333",
		RANGE(0, 65535), WORDS("off"), .other = -1),
	ROW("api.socket", PATH, IN_CONFIG(api.socket), "/run/telerec/control.sock",
		.fault = tr_api_rules_socket_fault),
	ROW("api.bind", STRING, IN_CONFIG(api.bind), "127.0.0.1", LOOK(address)),
	ROW("api.port", INT_AUTO, IN_CONFIG(api.port), "off", RANGE(0, 65535), WORDS("off"),
		.other = -1),
	ROW("api.certificate", PATH, IN_CONFIG(api.certificate), ""),
	ROW("api.key", PATH, IN_CONFIG(api.key), ""),
	ROW("api.token", SECRET, IN_CONFIG(api.token), "", .fault = tr_api_rules_token_fault),
	ROW("stats.statsd", STRING, IN_CONFIG(stats.statsd), "", LOOK(server)),
	ROW("stats.prometheus", BOOL, IN_CONFIG(stats.prometheus), "false"),
	ROW("webhooks.subscribers", STRINGS,
		LIST(tr_config, webhooks.subscribers, webhooks.subscriber_count,
			TR_CONFIG_SUBSCRIBERS_MAX),
		"", LOOK(url)),
	ROW("webhooks.timeout", DURATION, IN_CONFIG(webhooks.timeout_ms), "2s", RANGE(100, 60000)),
	ROW("webhooks.interval", DURATION, IN_CONFIG(webhooks.interval_ms), "60s",
		RANGE(1000, DAY_MS)),
	ROW("webhooks.retry_for", DURATION, IN_CONFIG(webhooks.retry_for_ms), "10m",
		RANGE(0, DAY_MS)),
	ROW("webhooks.ca_file", PATH, IN_CONFIG(webhooks.ca_file), ""),
	ROW("webhooks.key_file", PATH, IN_CONFIG(webhooks.key_file), ""),
	ROW("webhooks.key_id", STRING, IN_CONFIG(webhooks.key_id), ""),
	ROW("webhooks.issuer", STRING, IN_CONFIG(webhooks.issuer), ""),
	ROW("webhooks.audience", STRING, IN_CONFIG(webhooks.audience), ""),
	ROW("webhooks.token_lifetime", DURATION, IN_CONFIG(webhooks.token_lifetime_ms), "1h",
		RANGE(600000, 30 * DAY_MS)),
	ROW("finalize.script", PATH, IN_CONFIG(finalize.script), ""),
	ROW("finalize.timeout", DURATION, IN_CONFIG(finalize.timeout_ms), "1h",
		RANGE(0, 7 * DAY_MS)),
	ROW("finalize.attempts", INT, IN_CONFIG(finalize.attempts), "3", RANGE(1, 20)),
	ROW("stream.allowed", STRINGS,
		LIST(tr_config, stream.allowed, stream.allowed_count, TR_CONFIG_PATTERNS_MAX),
		".*"),
	ROW("stream.rewrite", GROUPS,
		LIST(tr_config, stream.rewrites, stream.rewrite_count, TR_CONFIG_REWRITES_MAX), "",
		.items = &rewrite_keys),
	ROW("stream.bitrate", INT, IN_CONFIG(stream.video_kbps), "3000", RANGE(0, 100000)),
	ROW("stream.buffer", INT, IN_CONFIG(stream.buffer_kbit), "6000", RANGE(0, 400000)),
	ROW("stream.key_interval", DURATION, IN_CONFIG(stream.key_interval_ms), "2s",
		RANGE(500, 20000)),
	ROW("stream.record_too", BOOL, IN_CONFIG(stream.record_too), "false"),
	ROW("stream.ca_file", PATH, IN_CONFIG(stream.ca_file), ""),
	ROW("storage.folder", STRING, IN_CONFIG(storage.folder), "{session_id}",
		.fault = tr_placeholder_folder_fault, .is_template = true),
	ROW("storage.file", STRING, IN_CONFIG(storage.file), "{room}_{date}-{time}",
		.fault = tr_placeholder_file_fault, .is_template = true),
	ROW("storage.reserve", STRING, IN_CONFIG(storage.reserve), "auto",
		.fault = tr_storage_rules_reserve_fault),
	ROW("storage.warn", DURATION, IN_CONFIG(storage.warn_ms), "2h", RANGE(0, 365 * DAY_MS)),
	ROW("storage.keep", GROUPS,
		LIST(tr_config, storage.keep, storage.keep_count, TR_CONFIG_KEEPS_MAX), "",
		.items = &keep_keys),
	ROW("storage.uploads", GROUPS,
		LIST(tr_config, storage.uploads, storage.upload_count, TR_UPLOAD_TARGETS_MAX), "",
		.items = &tr_upload_rules_keys),
	ROW("storage.upload_while_recording", BOOL, IN_CONFIG(storage.upload_while_recording),
		"true"),
	ROW("rooms", GROUPS, LIST(tr_config, rooms, room_count, TR_CONFIG_ROOMS_MAX), "",
		.items = &room_keys),
	ROW("environments", GROUPS,
		LIST(tr_config, environments, environment_count, TR_CONFIG_ENVIRONMENTS_MAX), "",
		.items = &environment_keys),
};

static const struct tr_key_table main_keys = {"", main_rows, TR_COUNT(main_rows), 0};

/* All there are, the order of tr_config_key(). */
static const struct tr_key_table *const all_keys[] = {&main_keys, &rewrite_keys, &keep_keys,
	&tr_upload_rules_keys, &room_keys, &environment_keys};

const char *tr_config_size_fault(int width, int height)
{
	if (width < TR_CONFIG_SIZE_MIN || height < TR_CONFIG_SIZE_MIN)
		return "is too small: the smallest is 64x64";
	if (width > TR_CONFIG_SIZE_MAX || height > TR_CONFIG_SIZE_MAX)
		return "is too large: the largest is 4096x4096";
	if (width % 2 || height % 2)
		return "is odd: width and height must be even numbers";
	return NULL;
}

void tr_config_set_defaults(struct tr_config *config)
{
	*config = (struct tr_config){0};
	tr_keytable_set_defaults(&main_keys, config);
	tr_node_id_make(config->id, sizeof(config->id));
}

static void drop_last_slashes(char *url)
{
	for (size_t length = strlen(url); length > 0 && url[length - 1] == '/'; length--)
		url[length - 1] = '\0';
}

/* What follows from other keys. */
static void derive(struct tr_config *config)
{
	if (!config->id[0])
		tr_node_id_make(config->id, sizeof(config->id));
	for (unsigned i = 0; i < config->environment_count; i++) {
		tr_keytable_derive(&environment_keys, &config->environments[i], config->id);
		drop_last_slashes(config->environments[i].base_url);
	}
}

/* What no single key can tell. */
static void check_together(
	struct tr_keytable_check *check, const struct tr_config *config, bool needs_passwords)
{
	int external = config->jibri_http.external_port,
	    internal = config->jibri_http.internal_port;

	if (!strcmp(config->sound.source, "pcm") && !config->sound.capture_pcm[0])
		tr_keytable_complain(
			check, 0, "sound.source is \"pcm\", so sound.capture_pcm must name one");
	if (config->video.xauthority[0] && tr_display_words_is_own(config->video.display))
		tr_keytable_complain(check, 0,
			"video.xauthority is for an X server that runs already, and video.display "
			"names none: write display = \":0\"; or take xauthority out");
	if (external > 0 && external == internal)
		tr_keytable_complain(check, 0,
			"jibri_http.external_port and jibri_http.internal_port are both %d: give one "
			"another number, or \"off\"",
			external);
	if ((external >= 0 || internal >= 0) && !tr_hosts_is_loopback(config->jibri_http.bind))
		tr_keytable_warn(check,
			"jibri_http.bind is \"%s\": whoever reaches that can start and stop "
			"recordings without a password",
			config->jibri_http.bind);
	tr_stream_rules_check_all(check, config);
	tr_storage_rules_check_all(check, config);
	tr_upload_rules_check_all(check, config);
	tr_api_rules_check_all(check, config, needs_passwords);
	tr_webhook_rules_check_all(check, config);
	tr_environment_check_all(check, config, needs_passwords);
}

/* Passwords in a file that everybody can read. Before those of the file of secrets come in. */
static void warn_of_mode(
	struct tr_keytable_check *check, const struct tr_config *config, mode_t mode)
{
	bool has_password = tr_stream_rules_hold_secrets(config) || config->api.token[0] ||
			    tr_upload_rules_hold_secrets(config);

	for (unsigned i = 0; i < config->environment_count; i++)
		has_password |= config->environments[i].control.password[0] ||
				config->environments[i].call.password[0];
	if (has_password && (mode & S_IROTH))
		tr_keytable_warn(check,
			"holds passwords, but everybody can read it. Run: chmod o= %s (better: move "
			"them into secrets.conf beside it)",
			check->path);
}

/* What is parsed, and what may be read besides. */
struct source {
	const char *text;
	const char *path;
	mode_t mode; /* of the file; 0: only text */
	bool reads_secrets;
	bool needs_passwords;
};

static void parse_into(
	struct tr_keytable_check *check, const struct source *source, struct tr_config *config)
{
	config_t parsed;

	tr_config_set_defaults(config);
	config_init(&parsed);
	if (config_read_string(&parsed, source->text) != CONFIG_TRUE)
		tr_keytable_complain(check, config_error_line(&parsed),
			"%s (a missing ';' or quote?)", config_error_text(&parsed));
	else
		tr_keytable_fill(check, &main_keys, config, config_root_setting(&parsed));
	config_destroy(&parsed);
	warn_of_mode(check, config, source->mode);
	if (check->complaints->count == 0 && source->reads_secrets)
		tr_secrets_find(config, source->path);
	if (check->complaints->count == 0 && source->reads_secrets && config->secrets[0])
		tr_secrets_load(check->complaints, &secret_keys, &secret_room_keys, config);
	if (check->complaints->count == 0) {
		derive(config);
		check_together(check, config, source->needs_passwords);
	}
}

static int parse(const struct source *source, struct tr_config *ret_config,
	struct tr_config_complaints *complaints)
{
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
	int lines[TR_CONFIG_ENVIRONMENTS_MAX] = {0};
	struct tr_keytable_check check = {source->path, complaints, lines};

	if (!config)
		return -ENOMEM;
	parse_into(&check, source, config);
	if (complaints->count == 0)
		*ret_config = *config;
	explicit_bzero(config, sizeof(*config));
	return complaints->count > 0 ? -EINVAL : 0;
}

int tr_config_parse(const char *text, const char *path, struct tr_config *ret_config,
	struct tr_config_complaints *complaints)
{
	const struct source source = {.text = text, .path = path, .needs_passwords = true};

	complaints->count = complaints->warning_count = 0;
	return parse(&source, ret_config, complaints);
}

int tr_config_check_text(
	const char *text, const char *path, struct tr_config_complaints *complaints)
{
	const struct source source = {
		.text = text, .path = path, .reads_secrets = true, .needs_passwords = true};
	struct tr_config *config = calloc(1, sizeof(*config));

	complaints->count = complaints->warning_count = 0;
	if (!config)
		return -ENOMEM;
	int rc = parse(&source, config, complaints);
	if (rc == 0)
		rc = tr_config_check_files(config, path, complaints);
	explicit_bzero(config, sizeof(*config));
	free(config);
	return rc;
}

static int load(const char *path, bool has_secrets, struct tr_config *ret_config,
	struct tr_config_complaints *complaints)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	struct tr_keytable_check check = {path, complaints, NULL};
	struct stat st;
	size_t size = 0;

	complaints->count = complaints->warning_count = 0;
	int rc = stat(path, &st) < 0 ? -errno : 0;
	if (rc == 0)
		rc = tr_file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text, &size);
	if (rc >= 0 && !text)
		rc = -ENOMEM;
	if (rc < 0) {
		tr_keytable_complain(&check, 0, "cannot be read: %s", strerror(-rc));
		return rc;
	}
	const struct source source = {text, path, st.st_mode, has_secrets, has_secrets};
	if (strlen(text) != size) {
		tr_keytable_complain(
			&check, 0, "contains a NUL byte: this is no configuration file");
		rc = -EINVAL;
	} else {
		rc = parse(&source, ret_config, complaints);
	}
	explicit_bzero(text, size);
	return rc;
}

int tr_config_load(
	const char *path, struct tr_config *ret_config, struct tr_config_complaints *complaints)
{
	return load(path, true, ret_config, complaints);
}

int tr_config_load_public(
	const char *path, struct tr_config *ret_config, struct tr_config_complaints *complaints)
{
	return load(path, false, ret_config, complaints);
}

static const struct tr_key_row *find_row(unsigned index)
{
	for (size_t i = 0; i < TR_COUNT(all_keys); i++) {
		if (index < all_keys[i]->count)
			return &all_keys[i]->rows[index];
		index -= (unsigned)all_keys[i]->count;
	}
	return NULL;
}

const char *tr_config_key(unsigned index)
{
	const struct tr_key_row *row = find_row(index);
	return row ? row->path : NULL;
}

void tr_config_key_default(unsigned index, char *out, size_t size)
{
	const struct tr_key_row *row = find_row(index);
	bool is_word = row->type == TR_KEY_INT_AUTO && row->fallback[0] > '9';

	if (!row->fallback)
		out[0] = '\0';
	else if (row->type == TR_KEY_STRINGS)
		snprintf(out, size, row->fallback[0] ? "[\"%s\"]" : "[%s]", row->fallback);
	else if (row->type == TR_KEY_GROUPS)
		snprintf(out, size, "( )");
	else if (row->type == TR_KEY_INT || row->type == TR_KEY_BOOL ||
		 (row->type == TR_KEY_INT_AUTO && !is_word))
		snprintf(out, size, "%s", row->fallback);
	else
		snprintf(out, size, "\"%s\"", row->fallback);
}

bool tr_config_key_is_secret(unsigned index)
{
	return tr_keytable_is_secret(find_row(index));
}

json_t *tr_config_show(const struct tr_config *config)
{
	return tr_keytable_show(&main_keys, config);
}
