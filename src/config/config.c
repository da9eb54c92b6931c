#include "config/config.h"

#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES (1 << 20)

enum key_type {
	KEY_STRING,   /* any text without control characters */
	KEY_PATH,     /* absolute, or "" where `min` is 0 */
	KEY_WORD,     /* one of `words` */
	KEY_INT,      /* min..max */
	KEY_SIZE,     /* "1280x720", two ints */
	KEY_DURATION, /* "30s", ms in an int64_t; min..max in ms */
	KEY_RATE_MODE /* one of `words`, into a bool: the second word */
};

struct key_row {
	const char *path;
	enum key_type type;
	size_t offset; /* in struct tr_config */
	size_t size;
	const char *fallback; /* the default, written like the file's value without quotes */
	int64_t min, max;
	const char *words[6];
};

#define AT(member) offsetof(struct tr_config, member), sizeof(((struct tr_config *)0)->member)

static const struct key_row keys[] = {
	{"recordings", KEY_PATH, AT(recordings), "/var/lib/telerec/recordings", 1, 0, {0}},
	{"slots", KEY_INT, AT(slots), "1", 1, 64, {0}},
	{"log_level", KEY_WORD, AT(log_level), "info", 0, 0, {"error", "warning", "info", "debug"}},
	{"video.size", KEY_SIZE, AT(video.width), "1280x720", 0, 0, {0}},
	{"video.frame_rate", KEY_INT, AT(video.frame_rate), "30", 1, TR_CONFIG_RATE_MAX, {0}},
	{"video.frame_rate_mode", KEY_RATE_MODE, AT(video.constant_rate), "variable", 0, 0,
		{"variable", "constant"}},
	{"video.quality", KEY_INT, AT(video.quality), "25", 0, 51, {0}},
	{"video.bitrate", KEY_INT, AT(video.video_kbps), "0", 0, 100000, {0}},
	{"video.encoder", KEY_WORD, AT(video.encoder), "auto", 0, 0, {"auto", "software"}},
	{"sound.source", KEY_WORD, AT(sound.source), "auto", 0, 0,
		{"auto", "plugin", "loopback", "pcm", "none"}},
	{"sound.capture_pcm", KEY_STRING, AT(sound.capture_pcm), "", 0, 0, {0}},
	{"sound.player_pcm", KEY_STRING, AT(sound.player_pcm), "", 0, 0, {0}},
	{"sound.bitrate", KEY_INT, AT(sound.audio_kbps), "128", 32, 512, {0}},
	{"browser.path", KEY_PATH, AT(browser.path), "", 0, 0, {0}},
	{"browser.page_timeout", KEY_DURATION, AT(browser.page_timeout_ms), "30s", 1000, 600000,
		{0}},
};

/* What the checking of one file carries along. */
struct check {
	const char *path;
	struct tr_config *config;
	struct tr_config_complaints *complaints;
};

static void complain(struct check *check, int line, const char *format, ...) TR_PRINTF(3, 4);

static void complain(struct check *check, int line, const char *format, ...)
{
	struct tr_config_complaints *all = check->complaints;
	va_list args;

	if (all->count < TR_CONFIG_COMPLAINTS_MAX) {
		char *out = all->lines[all->count];
		size_t room = sizeof(all->lines[0]);
		int length = line > 0 ? snprintf(out, room, "%.300s:%d: ", check->path, line)
				      : snprintf(out, room, "%.300s: ", check->path);
		va_start(args, format);
		vsnprintf(out + length, room - (size_t)length, format, args);
		va_end(args);
	}
	all->count++;
}

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

static bool is_word(const struct key_row *key, const char *text)
{
	for (const char *const *word = key->words; *word; word++)
		if (!strcmp(*word, text))
			return true;
	return false;
}

static void join_words(const struct key_row *key, char *out, size_t size)
{
	out[0] = '\0';
	for (const char *const *word = key->words; *word; word++) {
		size_t length = strlen(out);
		snprintf(out + length, size - length, "%s\"%s\"", length ? ", " : "", *word);
	}
}

static bool has_control_characters(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static void store_size(struct check *check, const struct key_row *key, const char *text, int line)
{
	int width, height;

	if (tr_text_parse_size(text, &width, &height) < 0) {
		complain(check, line, "%s is \"%.40s\", but must look like \"1280x720\"", key->path,
			text);
		return;
	}
	const char *fault = tr_config_size_fault(width, height);
	if (fault) {
		complain(check, line, "%s %dx%d %s", key->path, width, height, fault);
		return;
	}
	check->config->video.width = width;
	check->config->video.height = height;
}

static void store_duration(
	struct check *check, const struct key_row *key, const char *text, int64_t *out, int line)
{
	int64_t ms;

	if (tr_text_parse_duration(text, &ms) < 0)
		complain(check, line, "%s is \"%.40s\", but must be a time like \"30s\"", key->path,
			text);
	else if (ms < key->min || ms > key->max)
		complain(check, line, "%s is \"%.40s\", but must be from %g s to %g s", key->path,
			text, (double)key->min / 1e3, (double)key->max / 1e3);
	else
		*out = ms;
}

static void store_word(
	struct check *check, const struct key_row *key, const char *text, void *out, int line)
{
	char words[200];

	if (!is_word(key, text)) {
		join_words(key, words, sizeof(words));
		complain(check, line, "%s is \"%.60s\", but must be one of %s", key->path, text,
			words);
	} else if (key->type == KEY_RATE_MODE) {
		*(bool *)out = !strcmp(text, key->words[1]);
	} else {
		snprintf(out, key->size, "%s", text);
	}
}

/* A value that is written as text. */
static void store_text(struct check *check, const struct key_row *key, const char *text, int line)
{
	char *out = (char *)check->config + key->offset;
	bool is_path = key->type == KEY_PATH;

	switch (key->type) {
	case KEY_STRING:
	case KEY_PATH:
		if (strlen(text) >= key->size)
			complain(check, line, "%s is too long", key->path);
		else if (has_control_characters(text))
			complain(check, line, "%s contains a control character", key->path);
		else if (is_path && text[0] != '/' && (text[0] || key->min > 0))
			complain(check, line,
				"%s is \"%.100s\", but must be a full path (\"/...\")", key->path,
				text);
		else
			snprintf(out, key->size, "%s", text);
		return;
	case KEY_SIZE:
		store_size(check, key, text, line);
		return;
	case KEY_DURATION:
		store_duration(check, key, text, (int64_t *)(void *)out, line);
		return;
	case KEY_WORD:
	case KEY_RATE_MODE:
		store_word(check, key, text, out, line);
		return;
	case KEY_INT:
		return;
	}
}

static void store_int(struct check *check, const struct key_row *key, int64_t value, int line)
{
	if (value < key->min || value > key->max)
		complain(check, line, "%s is %lld, but must be from %lld to %lld", key->path,
			(long long)value, (long long)key->min, (long long)key->max);
	else
		*(int *)(void *)((char *)check->config + key->offset) = (int)value;
}

void tr_config_set_defaults(struct tr_config *config)
{
	struct tr_config_complaints none = {0};
	struct check check = {.path = "defaults", .config = config, .complaints = &none};
	int64_t number;

	*config = (struct tr_config){0};
	for (size_t i = 0; i < TR_COUNT(keys); i++) {
		if (keys[i].type != KEY_INT)
			store_text(&check, &keys[i], keys[i].fallback, 0);
		else if (tr_text_parse_int(keys[i].fallback, INT_MIN, INT_MAX, &number) == 0)
			store_int(&check, &keys[i], number, 0);
	}
}

static const char *type_words(int type)
{
	switch (type) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a whole number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	default:
		return "a list";
	}
}

static void check_value(
	struct check *check, const struct key_row *key, const config_setting_t *setting)
{
	int type = config_setting_type(setting);
	int line = (int)config_setting_source_line(setting);

	if (key->type == KEY_INT) {
		if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
			store_int(check, key, config_setting_get_int64(setting), line);
		else
			complain(check, line, "%s is %s, but must be a whole number without quotes",
				key->path, type_words(type));
	} else if (type == CONFIG_TYPE_STRING) {
		store_text(check, key, config_setting_get_string(setting), line);
	} else {
		complain(check, line, "%s is %s, but must be a text in \"quotes\"", key->path,
			type_words(type));
	}
}

/* Whether a key starts with "PATH." */
static bool is_group(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < TR_COUNT(keys); i++)
		if (!strncmp(keys[i].path, path, length) && keys[i].path[length] == '.')
			return true;
	return false;
}

static void complain_unknown(struct check *check, const char *path, int line)
{
	const char *names[TR_COUNT(keys) + 1] = {0};

	for (size_t i = 0; i < TR_COUNT(keys); i++)
		names[i] = keys[i].path;
	const char *near = tr_text_nearest(path, names);
	/* "sise" at top level is far from "video.size": compare the last words, too. */
	for (size_t i = 0; !near && i < TR_COUNT(keys); i++) {
		const char *dot = strrchr(keys[i].path, '.');
		const char *last[] = {dot ? dot + 1 : keys[i].path, NULL};
		if (tr_text_nearest(path, last))
			near = keys[i].path;
	}
	if (near)
		complain(check, line, "unknown key \"%.100s\"; did you mean \"%s\"?", path, near);
	else
		complain(check, line, "unknown key \"%.100s\" (telerec.conf(5) lists them all)",
			path);
}

static void check_group(struct check *check, const config_setting_t *group, const char *prefix)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		char path[128];
		int line = (int)config_setting_source_line(setting);
		size_t index = 0;

		snprintf(path, sizeof(path), "%s%s%s", prefix, prefix[0] ? "." : "",
			config_setting_name(setting));
		while (index < TR_COUNT(keys) && strcmp(keys[index].path, path) != 0)
			index++;
		if (index < TR_COUNT(keys))
			check_value(check, &keys[index], setting);
		else if (!is_group(path))
			complain_unknown(check, path, line);
		else if (config_setting_type(setting) != CONFIG_TYPE_GROUP)
			complain(check, line, "%s is %s, but must be a group { }", path,
				type_words(config_setting_type(setting)));
		else
			check_group(check, setting, path);
	}
}

/* What no single key can tell. */
static void check_together(struct check *check)
{
	const struct tr_config *config = check->config;

	if (!strcmp(config->sound.source, "pcm") && !config->sound.capture_pcm[0])
		complain(check, 0, "sound.source is \"pcm\", so sound.capture_pcm must name one");
}

int tr_config_parse(const char *text, const char *path, struct tr_config *ret_config,
	struct tr_config_complaints *complaints)
{
	struct tr_config config;
	struct check check = {.path = path, .config = &config, .complaints = complaints};
	config_t parsed;

	complaints->count = 0;
	tr_config_set_defaults(&config);
	config_init(&parsed);
	if (config_read_string(&parsed, text) != CONFIG_TRUE)
		complain(&check, config_error_line(&parsed), "%s (a missing ';' or quote?)",
			config_error_text(&parsed));
	else
		check_group(&check, config_root_setting(&parsed), "");
	config_destroy(&parsed);
	if (complaints->count == 0)
		check_together(&check);
	if (complaints->count > 0)
		return -EINVAL;
	*ret_config = config;
	return 0;
}

int tr_config_load(
	const char *path, struct tr_config *ret_config, struct tr_config_complaints *complaints)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	struct check check = {.path = path, .complaints = complaints};
	size_t size;

	complaints->count = 0;
	int rc = tr_file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text, &size);
	if (rc < 0) {
		complain(&check, 0, "cannot be read: %s", strerror(-rc));
		return rc;
	}
	if (strlen(text) != size) {
		complain(&check, 0, "contains a NUL byte: this is no configuration file");
		return -EINVAL;
	}
	return tr_config_parse(text, path, ret_config, complaints);
}

const char *tr_config_key(unsigned index)
{
	return index < TR_COUNT(keys) ? keys[index].path : NULL;
}

void tr_config_key_default(unsigned index, char *out, size_t size)
{
	const char *quote = keys[index].type == KEY_INT ? "" : "\"";
	snprintf(out, size, "%s%s%s", quote, keys[index].fallback, quote);
}
