#include "cli/import_duration.h"
#include "cli/import_ffmpeg.h"
#include "cli/import_plan_internal.h"
#include "config/config.h"

#include <stdio.h>
#include <string.h>

#define RECORDING "ffmpeg.command-linux-recording"
#define STREAMING "ffmpeg.command-linux-streaming"
#define PREFIX "jibri.ffmpeg."

/* What Jibri's own streams have. */
#define USUAL_KBPS 2976
#define USUAL_KBIT 5952
#define USUAL_KEY_PICTURES 60
#define USUAL_SOUND_KBPS 128

static int clamp(int value, int least, int most)
{
	return value < least ? least : value > most ? most : value;
}

static void read_command(
	const struct tr_import_planner *planner, const char *path, struct tr_import_ffmpeg *ret)
{
	tr_import_ffmpeg_read(tr_import_get(planner->source->all, path), ret);
}

static void put_int(struct tr_import_planner *planner, const char *key, int value)
{
	tr_import_put(planner, planner->plan.settings, key, json_integer(value));
}

static void put_pictures(struct tr_import_planner *planner, const struct tr_import_ffmpeg *command)
{
	if (command->width && !tr_config_size_fault(command->width, command->height))
		tr_import_put(planner, planner->plan.settings, "video.size",
			json_sprintf("%dx%d", command->width, command->height));
	if (command->rate)
		put_int(planner, "video.frame_rate", clamp(command->rate, 1, TR_CONFIG_RATE_MAX));
	if (command->quality >= 0)
		put_int(planner, "video.quality", clamp(command->quality, 0, 51));
	else if (command->video_kbps)
		put_int(planner, "video.bitrate", clamp(command->video_kbps, 0, 100000));
	if (command->audio_kbps && command->audio_kbps != USUAL_SOUND_KBPS)
		put_int(planner, "sound.bitrate", clamp(command->audio_kbps, 32, 512));
}

static int key_interval_ms(const struct tr_import_ffmpeg *command)
{
	int rate = command->rate ? command->rate : 30;
	return clamp((int)((int64_t)command->key_pictures * 1000 / rate), 500, 20000);
}

/* Where Jibri's streams are as always, ours are, too. */
static void put_stream(struct tr_import_planner *planner, const struct tr_import_ffmpeg *command)
{
	int kbps = command->max_kbps ? command->max_kbps : command->video_kbps;
	char text[32];

	if (kbps && kbps != USUAL_KBPS)
		put_int(planner, "stream.bitrate", clamp(kbps, 0, 100000));
	if (command->buffer_kbit && command->buffer_kbit != USUAL_KBIT)
		put_int(planner, "stream.buffer", clamp(command->buffer_kbit, 0, 400000));
	if (command->key_pictures && command->key_pictures != USUAL_KEY_PICTURES) {
		tr_import_duration_write(key_interval_ms(command), text, sizeof(text));
		tr_import_put(
			planner, planner->plan.settings, "stream.key_interval", json_string(text));
	}
}

static void add_default_size(struct tr_import_planner *planner)
{
	const struct tr_import_item item = {
		.planner = planner, .path = PREFIX "resolution", .within = ""};
	const json_t *size = tr_import_get(planner->plan.settings, "video.size");
	const json_t *found = tr_import_get(planner->source->found, "jibri.ffmpeg");

	if (size && !json_object_get(found, "resolution") &&
		!json_object_get(found, "input-linux") &&
		!json_object_get(found, "command-linux-recording"))
		tr_import_row(&item, TR_IMPORT_CARRIED, "video.size", json_string_value(size),
			"is Jibri's default");
}

void tr_import_video(struct tr_import_planner *planner)
{
	struct tr_import_ffmpeg recording, streaming;

	read_command(planner, RECORDING, &recording);
	read_command(planner, STREAMING, &streaming);
	put_pictures(planner, &recording);
	put_stream(planner, &streaming);
	add_default_size(planner);
}

/* Keys that build the commands; what the commands make of them is what counts. */
struct part {
	const char *name;
	const char *option; /* of ffmpeg */
	const char *ours;
	bool is_stream;
	/* What the command has of it, 0 or less: nothing. */
	int (*get)(const struct tr_import_ffmpeg *command);
};

static int get_size(const struct tr_import_ffmpeg *command)
{
	return command->width;
}

static int get_rate(const struct tr_import_ffmpeg *command)
{
	return command->rate;
}

static int get_quality(const struct tr_import_ffmpeg *command)
{
	return command->quality + 1;
}

static int get_max(const struct tr_import_ffmpeg *command)
{
	return command->max_kbps;
}

static int get_buffer(const struct tr_import_ffmpeg *command)
{
	return command->buffer_kbit;
}

static int get_key(const struct tr_import_ffmpeg *command)
{
	return command->key_pictures;
}

static const struct part parts[] = {{"resolution", "-s", "video.size", false, get_size},
	{"framerate", "-r", "video.frame_rate", false, get_rate},
	{"h264-constant-rate-factor", "-crf", "video.quality", false, get_quality},
	{"streaming-max-bitrate", "-maxrate", "stream.bitrate", true, get_max},
	{"streaming-buf-size", "-bufsize", "stream.buffer", true, get_buffer},
	{"gop-size", "-g", "stream.key_interval", true, get_key}};

static const struct why {
	const char *name, *note;
} reasons[] = {
	{"video-encode-preset", "telerec's encoders have presets of their own"},
	{"video-encode-preset-recording", "telerec's encoders have presets of their own"},
	{"video-encode-preset-streaming", "telerec's encoders have presets of their own"},
	{"queue-size", "telerec's queues need no setting"},
	{"audio-source", "telerec finds the sound itself (sound.source)"},
	{"audio-device", "telerec finds the sound itself (sound.source)"},
	{"streaming-format", "telerec chooses it by the target's address"},
	{"recording-format", "telerec writes MP4"},
	{"recording-extension", "telerec writes MP4"},
	{"ffmpeg-binary", "telerec does not run ffmpeg"},
	{"ffmpeg", "telerec does not run ffmpeg"},
	{"input-mac", "is not for Linux"},
	{"command-mac-recording", "is not for Linux"},
	{"command-mac-streaming", "is not for Linux"},
};

/* The setting as the file of ours would show it. */
static void show_setting(
	const struct tr_import_planner *planner, const char *key, char *out, size_t size)
{
	const json_t *value = tr_import_get(planner->plan.settings, key);

	if (json_is_integer(value))
		snprintf(out, size, "%lld", (long long)json_integer_value(value));
	else
		snprintf(out, size, "%s", value ? json_string_value(value) : "");
}

static void put_explicit(struct tr_import_planner *planner, const struct part *part,
	const struct tr_import_ffmpeg *command)
{
	char text[32];

	if (tr_import_get(planner->plan.settings, part->ours))
		return;
	if (part->get == get_key) {
		tr_import_duration_write(key_interval_ms(command), text, sizeof(text));
		tr_import_put(planner, planner->plan.settings, part->ours, json_string(text));
	} else {
		put_int(planner, part->ours, part->get(command));
	}
}

/* The key's own value, read as the option that it stands for. */
static bool is_overruled(const struct tr_import_item *item, const struct part *part,
	const struct tr_import_ffmpeg *command)
{
	struct tr_import_ffmpeg alone;
	json_t *words = json_pack("[s, O]", part->option, item->value);

	tr_import_ffmpeg_read(words, &alone);
	json_decref(words);
	return part->get(&alone) != part->get(command) ||
	       (part->get == get_size && alone.height != command->height);
}

static void take_part(struct tr_import_item *item, const struct part *part)
{
	const char *command_name = part->is_stream ? STREAMING : RECORDING;
	struct tr_import_ffmpeg command;
	char shown[40];

	read_command(item->planner, command_name, &command);
	if (part->get(&command) <= 0) {
		tr_import_say(item, TR_IMPORT_DROPPED, NULL, NULL,
			"is nothing that %s can make use of", command_name);
		return;
	}
	const char *fault =
		part->get == get_size ? tr_config_size_fault(command.width, command.height) : NULL;
	if (fault) {
		tr_import_say(item, TR_IMPORT_DROPPED, NULL, NULL, "%dx%d %s", command.width,
			command.height, fault);
		return;
	}
	put_explicit(item->planner, part, &command);
	show_setting(item->planner, part->ours, shown, sizeof(shown));
	if (is_overruled(item, part, &command))
		tr_import_say(
			item, TR_IMPORT_CHANGED, part->ours, shown, "%s says so", command_name);
	else if (part->get == get_rate && command.rate > TR_CONFIG_RATE_MAX)
		tr_import_row(item, TR_IMPORT_CHANGED, part->ours, shown,
			"is the most that telerec can do");
	else
		tr_import_row(item, TR_IMPORT_CARRIED, part->ours, shown, NULL);
}

static void take_words(struct tr_import_item *item, const char *name)
{
	struct tr_import_ffmpeg words;
	char understood[300];
	bool is_stream = strstr(name, "streaming") != NULL;

	tr_import_ffmpeg_read(item->value, &words);
	tr_import_ffmpeg_describe(&words, understood, sizeof(understood));
	bool has_codec = words.codec[0] && strcmp(words.codec, "libx264") != 0;
	bool is_whole = !words.others[0] && !has_codec;
	if (!understood[0])
		tr_import_say(item, TR_IMPORT_DROPPED, NULL, NULL,
			"telerec does not run ffmpeg%s%s", words.others[0] ? "; left out: " : "",
			words.others);
	else
		tr_import_say(item, is_whole ? TR_IMPORT_CARRIED : TR_IMPORT_CHANGED,
			is_stream ? "stream" : "video", "", "understood: %s%s%s%s", understood,
			words.others[0] ? "; left out: " : "", words.others,
			has_codec ? "; telerec finds a hardware encoder by itself" : "");
}

static const char *find_reason(const char *name)
{
	for (size_t i = 0; i < TR_COUNT(reasons); i++)
		if (!strcmp(reasons[i].name, name))
			return reasons[i].note;
	return NULL;
}

void tr_import_take_ffmpeg(struct tr_import_item *item)
{
	const char *name = item->path + strlen(PREFIX);
	const char *reason = find_reason(name);

	if (reason) {
		tr_import_row(item, TR_IMPORT_DROPPED, NULL, NULL, reason);
		return;
	}
	for (size_t i = 0; i < TR_COUNT(parts); i++)
		if (!strcmp(parts[i].name, name)) {
			take_part(item, &parts[i]);
			return;
		}
	if (json_is_array(item->value))
		take_words(item, name);
	else
		tr_import_row(item, TR_IMPORT_UNKNOWN, NULL, NULL, "Jibri knows no such key");
}
