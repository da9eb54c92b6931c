#include "cli/import_ffmpeg.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KBPS_MAX 1000000.0

/* What to do with an option's value. */
enum meaning {
	UNKNOWN,
	IGNORED, /* telerec does that in its own way */
	SIZE,
	RATE,
	QUALITY,
	VIDEO_BITRATE,
	MAX_BITRATE,
	BUFFER,
	AUDIO_BITRATE,
	KEY_PICTURES,
	CODEC,
	PRESET,
};

static const struct option_meaning {
	const char *name;
	enum meaning meaning;
} option_meanings[] = {{"-s", SIZE}, {"-video_size", SIZE}, {"-r", RATE}, {"-framerate", RATE},
	{"-crf", QUALITY}, {"-qp", QUALITY}, {"-global_quality", QUALITY}, {"-cq", QUALITY},
	{"-b:v", VIDEO_BITRATE}, {"-vb", VIDEO_BITRATE}, {"-maxrate", MAX_BITRATE},
	{"-maxrate:v", MAX_BITRATE}, {"-bufsize", BUFFER}, {"-bufsize:v", BUFFER},
	{"-b:a", AUDIO_BITRATE}, {"-ab", AUDIO_BITRATE}, {"-g", KEY_PICTURES}, {"-c:v", CODEC},
	{"-vcodec", CODEC}, {"-codec:v", CODEC}, {"-preset", PRESET}, {"-preset:v", PRESET},
	{"-f", IGNORED}, {"-i", IGNORED}, {"-y", IGNORED}, {"-v", IGNORED}, {"-loglevel", IGNORED},
	{"-draw_mouse", IGNORED}, {"-thread_queue_size", IGNORED}, {"-acodec", IGNORED},
	{"-c:a", IGNORED}, {"-codec:a", IGNORED}, {"-strict", IGNORED}, {"-ar", IGNORED},
	{"-ac", IGNORED}, {"-af", IGNORED}, {"-pix_fmt", IGNORED}, {"-profile:v", IGNORED},
	{"-level", IGNORED}, {"-tune", IGNORED}, {"-timestamp", IGNORED}, {"-movflags", IGNORED},
	{"-vaapi_device", IGNORED}, {"-hwaccel", IGNORED}, {"-hwaccel_device", IGNORED},
	{"-hwaccel_output_format", IGNORED}, {"-init_hw_device", IGNORED},
	{"-filter_hw_device", IGNORED}, {"-probesize", IGNORED}, {"-hide_banner", IGNORED},
	{"-nostats", IGNORED}, {"-threads", IGNORED}, {"-fflags", IGNORED}};

static enum meaning look_up(const char *name)
{
	for (size_t i = 0; i < TR_COUNT(option_meanings); i++)
		if (!strcmp(option_meanings[i].name, name))
			return option_meanings[i].meaning;
	return UNKNOWN;
}

int tr_import_ffmpeg_kbps(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text)
		return 0;
	double factor = *end == 'k' || *end == 'K'   ? 1
			: *end == 'm' || *end == 'M' ? 1000
			: *end == '\0'		     ? 0.001
						     : 0;
	value *= factor;
	return value >= 1 && value <= KBPS_MAX ? (int)(value + 0.5) : 0;
}

static void add_other(struct tr_import_ffmpeg *command, const char *name)
{
	size_t used = strlen(command->others);

	if (used + strlen(name) + 2 < sizeof(command->others))
		snprintf(command->others + used, sizeof(command->others) - used, "%s%s",
			used ? " " : "", name);
}

static void take(struct tr_import_ffmpeg *command, const char *name, const char *value)
{
	enum meaning meaning = look_up(name);
	int width, height;
	char *end;
	double number = strtod(value, &end);

	if (end == value)
		number = -1;
	if (meaning == UNKNOWN)
		add_other(command, name);
	else if (meaning == SIZE && tr_text_parse_size(value, &width, &height) == 0) {
		command->width = width;
		command->height = height;
	} else if (meaning == RATE && number >= 1 && number <= 1000)
		command->rate = (int)(number + 0.5);
	else if (meaning == QUALITY && number >= 0 && number <= 63)
		command->quality = (int)number;
	else if (meaning == VIDEO_BITRATE)
		command->video_kbps = tr_import_ffmpeg_kbps(value);
	else if (meaning == MAX_BITRATE)
		command->max_kbps = tr_import_ffmpeg_kbps(value);
	else if (meaning == BUFFER)
		command->buffer_kbit = tr_import_ffmpeg_kbps(value);
	else if (meaning == AUDIO_BITRATE)
		command->audio_kbps = tr_import_ffmpeg_kbps(value);
	else if (meaning == KEY_PICTURES && number >= 1 && number <= 100000)
		command->key_pictures = (int)number;
	else if (meaning == CODEC)
		snprintf(command->codec, sizeof(command->codec), "%.30s", value);
	else if (meaning == PRESET)
		snprintf(command->preset, sizeof(command->preset), "%.30s", value);
}

/* A word as text, also when HOCON took it for a number. */
static void get_word(const json_t *words, size_t index, char *out, size_t size)
{
	const json_t *word = json_array_get(words, index);

	out[0] = '\0';
	if (json_is_string(word))
		snprintf(out, size, "%s", json_string_value(word));
	else if (json_is_integer(word))
		snprintf(out, size, "%lld", (long long)json_integer_value(word));
	else if (json_is_real(word))
		snprintf(out, size, "%g", json_real_value(word));
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] >= 'A';
}

void tr_import_ffmpeg_read(const json_t *words, struct tr_import_ffmpeg *ret)
{
	char name[200], value[200];
	size_t count = json_array_size(words);

	*ret = (struct tr_import_ffmpeg){.quality = -1};
	for (size_t i = 0; i < count; i++) {
		get_word(words, i, name, sizeof(name));
		if (!is_option(name))
			continue;
		get_word(words, i + 1, value, sizeof(value));
		take(ret, name, is_option(value) ? "" : value);
	}
	ret->has_copy = !strcmp(ret->codec, "copy");
}

static void add(char *out, size_t size, const char *format, ...) TR_PRINTF(3, 4);

static void add(char *out, size_t size, const char *format, ...)
{
	size_t used = strlen(out);
	va_list args;

	if (used > 0 && used + 3 < size)
		used += (size_t)snprintf(out + used, size - used, ", ");
	va_start(args, format);
	vsnprintf(out + used, size - used, format, args);
	va_end(args);
}

void tr_import_ffmpeg_describe(const struct tr_import_ffmpeg *command, char *out, size_t size)
{
	out[0] = '\0';
	if (command->width)
		add(out, size, "%dx%d", command->width, command->height);
	if (command->rate)
		add(out, size, "%d pictures a second", command->rate);
	if (command->quality >= 0)
		add(out, size, "quality %d", command->quality);
	if (command->video_kbps)
		add(out, size, "%d kbit/s of picture", command->video_kbps);
	if (command->max_kbps)
		add(out, size, "at most %d kbit/s", command->max_kbps);
	if (command->buffer_kbit)
		add(out, size, "a buffer of %d kbit", command->buffer_kbit);
	if (command->audio_kbps)
		add(out, size, "%d kbit/s of sound", command->audio_kbps);
	if (command->key_pictures)
		add(out, size, "a key picture every %d", command->key_pictures);
	if (command->preset[0])
		add(out, size, "preset %s", command->preset);
	if (command->codec[0])
		add(out, size, "by %s", command->codec);
}
