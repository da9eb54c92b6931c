/* The pages that are only fields over settings of telerec.conf. */
#include "console/setup_internal.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>

/* ---- slots and quality ---- */

static const char *const slot_choices[] = {"auto", "1", "2", "3", "4", "5", "6", "7", "8", "9",
	"10", "11", "12", "13", "14", "15", "16", NULL};
static const char *const slot_labels[] = {"as many as this machine can", "1", "2", "3", "4", "5",
	"6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", NULL};
static const char *const rate_modes[] = {"variable", "constant", NULL};
static const char *const rate_labels[] = {
	"variable: what does not change costs nothing", "constant: for editors that need it", NULL};

static void check_size(const char *value, char *out, size_t size, const void *user)
{
	int width, height;

	(void)user;
	if (tr_text_parse_size(value, &width, &height) < 0 || width % 2 || height % 2 ||
		width < 64 || height < 64 || width > 4096 || height > 4096)
		snprintf(out, size,
			"Width x height, even numbers from 64x64 to 4096x4096, like 1280x720.");
}

/* "h264_vaapi: 14 at 1280x720, 6 at 1920x1080" of each encoder that works. */
static void say_capacity(const json_t *probe, char *out, size_t size)
{
	const json_t *encoding = json_object_get(probe, "encoding"), *rung;
	char memory[16];
	size_t used, i;

	tr_text_format_bytes(
		json_integer_value(json_object_get(probe, "memory_bytes")), memory, sizeof(memory));
	used = (size_t)snprintf(out, size, "This machine has %lld processors and %s of memory.",
		(long long)json_integer_value(json_object_get(probe, "cores")), memory);
	json_array_foreach(json_object_get(encoding, "rungs"), i, rung)
	{
		const json_t *sessions = json_object_get(rung, "sessions");
		const char *name = json_string_value(json_object_get(rung, "name"));
		if (!sessions || !name || !json_is_true(json_object_get(rung, "works")) ||
			used + 100 > size)
			continue;
		used += (size_t)snprintf(out + used, size - used,
			" Measured, %.24s encodes %lld recordings at 1280x720, %lld at 1920x1080.",
			name, (long long)json_integer_value(json_object_get(sessions, "1280x720")),
			(long long)json_integer_value(json_object_get(sessions, "1920x1080")));
	}
}

static const struct tr_field slot_fields[] = {
	{.key = "slots",
		.name = "Recordings at a time",
		.hint = "Each needs about a processor and 1.5 GB of memory at 1280x720.",
		.kind = TR_FIELD_CHOICE,
		.choices = slot_choices,
		.labels = slot_labels},
	{.key = "video.size",
		.name = "Picture",
		.hint = "Width x height. 1280x720 is good for faces and slides, 1920x1080 needs twice the work.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_size},
	{.key = "video.frame_rate",
		.name = "Pictures a second",
		.hint = "At most so many; what stands still is not repeated.",
		.kind = TR_FIELD_NUMBER,
		.least = 1,
		.most = 60,
		.is_needed = true},
	{.key = "video.quality",
		.name = "Quality",
		.hint = "Like x264's CRF: 18 is excellent and large, 25 good, 30 small.",
		.kind = TR_FIELD_NUMBER,
		.least = 0,
		.most = 51,
		.is_needed = true},
	{.key = "video.bitrate",
		.name = "kbit/s of the picture",
		.hint = "0: as the quality needs.",
		.kind = TR_FIELD_NUMBER,
		.least = 0,
		.most = 100000,
		.is_needed = true},
	{.key = "video.frame_rate_mode",
		.name = "Frame rate",
		.kind = TR_FIELD_CHOICE,
		.choices = rate_modes,
		.labels = rate_labels},
	{.key = "single_use",
		.name = "One recording, then stop",
		.hint = "For machines that are thrown away after each recording.",
		.kind = TR_FIELD_SWITCH},
};
static const char *const slot_brief[] = {"slots", "video.size", NULL};

const struct tr_setup_page tr_setup_page_slots = {
	.name = "Slots and quality",
	.title = "Slots and quality",
	.what = "How many meetings at a time, and how well.",
	.fields = slot_fields,
	.count = TR_COUNT(slot_fields),
	.brief = slot_brief,
	.say_facts = say_capacity,
};

/* ---- encoder ---- */

static const char *const encoder_choices[] = {"auto", "software", NULL};
static const char *const encoder_labels[] = {
	"the graphics card where it works, else software", "software only", NULL};
static const struct tr_field encoder_fields[] = {
	{.key = "video.encoder",
		.name = "Encoder",
		.hint = "A card is used once it has proved with a film that it can. System, Self-test shows that.",
		.kind = TR_FIELD_CHOICE,
		.choices = encoder_choices,
		.labels = encoder_labels},
};

const struct tr_setup_page tr_setup_page_encoder = {
	.name = "Encoder",
	.title = "Encoder",
	.what = "What makes the film: graphics card or processor.",
	.fields = encoder_fields,
	.count = TR_COUNT(encoder_fields),
	.say_facts = say_capacity,
};

/* ---- sound ---- */

static const char *const sound_choices[] = {"auto", "plugin", "loopback", "pcm", "none", NULL};
static const char *const sound_labels[] = {"the first that works", "telerec's own ALSA plug-in",
	"the kernel's loopback card (snd-aloop)", "the devices below", "no sound", NULL};
static const struct tr_field sound_fields[] = {
	{.key = "sound.source",
		.name = "Taken from",
		.kind = TR_FIELD_CHOICE,
		.choices = sound_choices,
		.labels = sound_labels},
	{.key = "sound.bitrate",
		.name = "kbit/s",
		.hint = "128 is good for speech and music.",
		.kind = TR_FIELD_NUMBER,
		.least = 32,
		.most = 512,
		.is_needed = true},
	{.key = "sound.capture_pcm",
		.name = "Device to record from",
		.hint = "An ALSA name, as `arecord -L` lists them.",
		.kind = TR_FIELD_TEXT},
	{.key = "sound.player_pcm",
		.name = "Device to play to",
		.hint = "An ALSA name, as `aplay -L` lists them.",
		.kind = TR_FIELD_TEXT},
};

static void update_sound(struct tr_form *form, bool is_brief)
{
	bool is_pcm = !strcmp(tr_form_value(form, "sound.source"), "pcm");

	tr_form_show(form, "sound.capture_pcm", is_pcm && !is_brief);
	tr_form_show(form, "sound.player_pcm", is_pcm && !is_brief);
}

const struct tr_setup_page tr_setup_page_sound = {
	.name = "Sound",
	.title = "Sound",
	.what = "How the meeting's sound comes into the recording.",
	.fields = sound_fields,
	.count = TR_COUNT(sound_fields),
	.update = update_sound,
};

/* ---- name ---- */

static void check_name(const char *value, char *out, size_t size, const void *user)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	(void)user;
	if (value[strspn(value, letters)])
		snprintf(out, size,
			"Letters, digits, '-', '_' and '.' only: it is a name in chat rooms.");
	else if (strlen(value) > 60)
		snprintf(out, size, "60 characters at most.");
}

static const struct tr_field name_fields[] = {
	{.key = "id",
		.name = "Name",
		.hint = "Its nick among the recorders; Jicofo's log and the reports show it. Two machines must not have the same.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_name},
};

const struct tr_setup_page tr_setup_page_name = {
	.name = "Name of the machine",
	.title = "Name",
	.what = "What this machine is called among the recorders.",
	.fields = name_fields,
	.count = TR_COUNT(name_fields),
};

/* ---- storage ---- */

static void check_folder(const char *value, char *out, size_t size, const void *user)
{
	(void)user;
	if (value[0] != '/')
		snprintf(out, size, "A full path, like /srv/recordings.");
	else if (strstr(value, "/../") || strstr(value, "//"))
		snprintf(out, size, "Without \"..\" and double slashes.");
}

static void check_reserve(const char *value, char *out, size_t size, const void *user)
{
	int64_t bytes, share;
	size_t length = strlen(value);
	char number[20];

	(void)user;
	if (!strcmp(value, "auto"))
		return;
	if (length > 1 && length < sizeof(number) && value[length - 1] == '%') {
		snprintf(number, sizeof(number), "%.*s", (int)length - 1, value);
		if (tr_text_parse_int(number, 1, 90, &share) == 0)
			return;
	} else if (tr_text_parse_bytes(value, &bytes) == 0 && bytes >= 32 << 20) {
		return;
	}
	snprintf(out, size, "A size like 2G (at least 32M), a share like 5%%, or auto.");
}

static void check_time(const char *value, char *out, size_t size, const void *user)
{
	int64_t ms;

	(void)user;
	if (value[0] && tr_text_parse_duration(value, &ms) < 0)
		snprintf(out, size, "A time like 30d, 12h or 90m; 0s: never.");
}

static void check_bytes(const char *value, char *out, size_t size, const void *user)
{
	int64_t bytes;

	(void)user;
	if (value[0] && tr_text_parse_bytes(value, &bytes) < 0)
		snprintf(out, size, "A size like 20G; 0: not at all.");
}

static const struct tr_field storage_fields[] = {
	{.key = "recordings",
		.name = "Folder of the recordings",
		.hint = "A full path. For a disk that is attached: Set-up, Disk of the recordings.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_folder},
	{.key = "storage.reserve",
		.name = "Must stay free",
		.hint = "No recording starts with less than this on the disk: 2G, 5%, or auto.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_reserve},
	{.key = "storage.warn",
		.name = "Warn when it holds less than",
		.hint = "A time of recording, like 2h; 0s: never.",
		.kind = TR_FIELD_TEXT,
		.is_needed = true,
		.check = check_time},
	{.key = ".max_age",
		.name = "Remove recordings after",
		.hint = "A time like 30d. Empty: they stay until somebody removes them.",
		.kind = TR_FIELD_TEXT,
		.check = check_time},
	{.key = ".min_free",
		.name = "Remove the oldest below",
		.hint = "When less than this is free, like 20G. Empty: nothing is removed for space.",
		.kind = TR_FIELD_TEXT,
		.check = check_bytes},
	{.key = ".uploaded_only",
		.name = "Only what is handed over",
		.hint = "Yes: only what the finalize script, or every upload target, has taken is removed.",
		.kind = TR_FIELD_SWITCH},
};
static const char *const storage_brief[] = {"recordings", NULL};
static const char *const keep_keys[] = {"max_age", "min_free", "uploaded_only"};

static const struct tr_field *find_field(const char *key)
{
	for (unsigned i = 0; i < TR_COUNT(storage_fields); i++)
		if (!strcmp(storage_fields[i].key, key))
			return &storage_fields[i];
	return NULL;
}

static void fill_storage(struct tr_form *form, const json_t *settings, const char *entry)
{
	const json_t *keep = tr_setup_values_entry(settings, "storage.keep", ".*");
	char text[200], key[40];

	(void)entry;
	for (unsigned i = 0; keep && i < TR_COUNT(keep_keys); i++) {
		snprintf(key, sizeof(key), ".%s", keep_keys[i]);
		tr_setup_values_text(json_object_get(keep, keep_keys[i]), text, sizeof(text));
		tr_form_set(form, key,
			!strcmp(text, "0s") || !strcmp(text, "0") || !text[0] ? "" : text);
	}
	if (keep && json_is_true(json_object_get(keep, "uploaded_only")))
		tr_form_set(form, ".uploaded_only", "true");
}

static json_t *collect_storage(const struct tr_form *form, const json_t *settings,
	const char *entry, char note[TR_SETUP_NOTE_MAX])
{
	json_t *changes = tr_setup_values_collect(
		storage_fields, TR_COUNT(storage_fields), form, settings, "");
	char key[40], whole[80];

	(void)entry, (void)note;
	for (unsigned i = 0; i < TR_COUNT(keep_keys); i++) {
		snprintf(key, sizeof(key), ".%s", keep_keys[i]);
		snprintf(whole, sizeof(whole), "storage.keep[.*].%s", keep_keys[i]);
		if (!tr_form_is_dirty(form, key))
			continue;
		const char *text = tr_form_value(form, key);
		json_object_set_new(changes, whole,
			tr_setup_values_json(find_field(key),
				text[0]			   ? text
				: !strcmp(key, ".max_age") ? "0s"
							   : "0",
				NULL));
	}
	return changes;
}

const struct tr_setup_page tr_setup_page_storage = {
	.name = "Storage",
	.title = "Storage",
	.what = "Where recordings are kept, and for how long.",
	.fields = storage_fields,
	.count = TR_COUNT(storage_fields),
	.brief = storage_brief,
	.fill = fill_storage,
	.collect = collect_storage,
};
