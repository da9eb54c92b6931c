#include "cli/record_request.h"

#include "cli/record_page.h"
#include "cli/target_input.h"
#include "config/display_words.h"
#include "config/encoder_words.h"
#include "core/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DURATION_MAX_MS (INT64_C(7) * 24 * 3600 * 1000)

enum {
	OPTION_FOR = 1,
	OPTION_TO,
	OPTION_NAME,
	OPTION_SIZE,
	OPTION_RATE,
	OPTION_CONSTANT_RATE,
	OPTION_QUALITY,
	OPTION_BITRATE,
	OPTION_SOUND,
	OPTION_NO_SOUND_EXPECTED,
	OPTION_ENCODER,
	OPTION_DISPLAY,
	OPTION_BROWSER,
	OPTION_PAGE_TIMEOUT,
	OPTION_CONFIG,
	OPTION_QUIET,
	OPTION_VERBOSE,
	OPTION_TARGET,
	OPTION_TARGET_FILE,
	OPTION_RECORD,
	OPTION_CAP,
	OPTION_BUFFER,
	OPTION_KEY_INTERVAL,
	OPTION_CA_FILE,
};

const struct tr_option tr_record_request_options[] = {
	{"for", "TIME", "stop after 30s, 5m, 1.5h; without it: until Ctrl-C", OPTION_FOR},
	{"to", "DIR", "put the recording's folder here (default: recordings)", OPTION_TO},
	{"name", "NAME", "name of the recording (default: host and date)", OPTION_NAME},
	{"size", "WxH", "size of page and picture (default: 1280x720)", OPTION_SIZE},
	{"rate", "N", "pictures a second at most (default: 30)", OPTION_RATE},
	{"constant-rate", NULL, "repeat pictures that do not change", OPTION_CONSTANT_RATE},
	{"quality", "Q", "0 (no loss) to 51 (poor), like CRF (default: 25)", OPTION_QUALITY},
	{"bitrate", "K", "kbit/s of the picture instead of a quality", OPTION_BITRATE},
	{"sound", "S", "auto, plugin, loopback, none, or an ALSA device", OPTION_SOUND},
	{"no-sound-expected", NULL, "a silent page is no fault", OPTION_NO_SOUND_EXPECTED},
	{"encoder", "E", "auto, software, vaapi, or a GPU", OPTION_ENCODER},
	{"display", "D", "xvfb, or an X server that runs already, like :0", OPTION_DISPLAY},
	{"browser", "PATH", "the Chromium to run", OPTION_BROWSER},
	{"page-timeout", "TIME", "how long the page may load (default: 30s)", OPTION_PAGE_TIMEOUT},
	{"config", "FILE", "take defaults from a telerec.conf", OPTION_CONFIG},
	{"quiet", NULL, "no progress; print the file's path only", OPTION_QUIET},
	{"verbose", NULL, "tell every step", OPTION_VERBOSE},
	{0},
};

const struct tr_option tr_record_request_stream_options[] = {
	{"to", "URL", "stream there (rtmp, rtmps, srt, ...); may be repeated; -: standard input",
		OPTION_TARGET},
	{"to-file", "FILE", "stream to the URLs in FILE, one a line", OPTION_TARGET_FILE},
	{"record", "[=DIR]", "record, too, into DIR (default: recordings)", OPTION_RECORD},
	{"for", "TIME", "stop after 30s, 5m, 1.5h; without it: until Ctrl-C", OPTION_FOR},
	{"name", "NAME", "name of the recording (default: host and date)", OPTION_NAME},
	{"size", "WxH", "size of page and picture (default: 1280x720)", OPTION_SIZE},
	{"rate", "N", "pictures a second (default: 30)", OPTION_RATE},
	{"bitrate", "K", "kbit/s of the picture at most (default: 3000)", OPTION_CAP},
	{"buffer", "K", "kbit that players hold (default: 6000)", OPTION_BUFFER},
	{"key-interval", "TIME", "from key picture to key picture (default: 2s)",
		OPTION_KEY_INTERVAL},
	{"quality", "Q", "0 (no loss) to 51 (poor), like CRF (default: 25)", OPTION_QUALITY},
	{"ca-file", "FILE", "trust these authorities instead of the system's", OPTION_CA_FILE},
	{"sound", "S", "auto, plugin, loopback, none, or an ALSA device", OPTION_SOUND},
	{"no-sound-expected", NULL, "a silent page is no fault", OPTION_NO_SOUND_EXPECTED},
	{"encoder", "E", "auto, software, vaapi, or a GPU", OPTION_ENCODER},
	{"display", "D", "xvfb, or an X server that runs already, like :0", OPTION_DISPLAY},
	{"browser", "PATH", "the Chromium to run", OPTION_BROWSER},
	{"page-timeout", "TIME", "how long the page may load (default: 30s)", OPTION_PAGE_TIMEOUT},
	{"config", "FILE", "take defaults from a telerec.conf", OPTION_CONFIG},
	{"quiet", NULL, "no progress; print the file's path only", OPTION_QUIET},
	{"verbose", NULL, "tell every step", OPTION_VERBOSE},
	{0},
};

static int refuse(const struct tr_record_request *request, const char *format, ...) TR_PRINTF(2, 3);

static int refuse(const struct tr_record_request *request, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "telerec %s: ", request->verb);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -EINVAL;
}

static int take_name(struct tr_record_request *request, const char *value)
{
	if (!value[0] || value[0] == '.' || strchr(value, '/') || tr_text_has_controls(value))
		return refuse(request,
			"--name \"%.60s\" cannot be a file's name: no slash, no dot in front",
			value);
	if (tr_text_format(request->name, sizeof(request->name), "%s", value) < 0)
		return refuse(
			request, "--name is longer than %zu bytes", sizeof(request->name) - 1);
	request->is_name_given = true;
	return 0;
}

static int take_size(struct tr_record_request *request, const char *value)
{
	int width, height;

	if (tr_text_parse_size(value, &width, &height) < 0)
		return refuse(request, "--size \"%.40s\" must look like 1280x720", value);
	const char *fault = tr_config_size_fault(width, height);
	if (fault)
		return refuse(request, "--size %dx%d %s", width, height, fault);
	request->config.video.width = width;
	request->config.video.height = height;
	return 0;
}

static int take_int(const struct tr_record_request *request, const char *option, const char *value,
	int min, int max, int *out)
{
	int64_t number;

	if (tr_text_parse_int(value, min, max, &number) < 0)
		return refuse(request, "--%s \"%.40s\" must be a whole number from %d to %d",
			option, value, min, max);
	*out = (int)number;
	return 0;
}

static int take_duration(const struct tr_record_request *request, const char *option,
	const char *value, int64_t min, int64_t max, int64_t *out)
{
	int64_t ms;

	int rc = tr_text_parse_duration(value, &ms);
	if (rc == -EINVAL)
		return refuse(request, "--%s \"%.40s\" must be a time like 30s, 5m or 1.5h", option,
			value);
	if (rc < 0 || ms < min || ms > max)
		return refuse(request, "--%s \"%.40s\" must be from %g seconds to %g hours", option,
			value, (double)min / 1e3, (double)max / 3600e3);
	*out = ms;
	return 0;
}

static int take_sound(struct tr_record_request *request, const char *value)
{
	static const char *const ways[] = {"auto", "plugin", "loopback", "none", NULL};
	struct tr_config *config = &request->config;
	bool is_way = false;

	for (size_t i = 0; ways[i]; i++)
		is_way = is_way || !strcmp(ways[i], value);
	if (!value[0] || strlen(value) >= TR_CONFIG_WORD_MAX || tr_text_has_controls(value))
		return refuse(
			request, "--sound must be auto, plugin, loopback, none, or an ALSA device");
	snprintf(config->sound.source, sizeof(config->sound.source), "%s", is_way ? value : "pcm");
	if (!is_way) {
		const char *near = strchr(value, ':') ? NULL : tr_text_nearest(value, ways);
		if (near)
			return refuse(request, "--sound \"%s\": did you mean \"%s\"?", value, near);
		snprintf(config->sound.capture_pcm, sizeof(config->sound.capture_pcm), "%s", value);
	}
	return 0;
}

static int take_encoder(struct tr_record_request *request, const char *value)
{
	const char *fault = tr_encoder_words_fault(value);

	if (fault)
		return refuse(request, "--encoder \"%.40s\" must be %s", value, fault);
	snprintf(request->config.video.encoder, sizeof(request->config.video.encoder), "%s", value);
	return 0;
}

static int take_display(struct tr_record_request *request, const char *value)
{
	const char *fault = tr_display_words_fault(value);

	if (fault)
		return refuse(request, "--display \"%.40s\" must be %s", value, fault);
	snprintf(request->config.video.display, sizeof(request->config.video.display), "%s", value);
	if (tr_display_words_is_own(value)) /* the file's is for another one */
		request->config.video.xauthority[0] = '\0';
	return 0;
}

/* A relative path is the caller's; the slot works elsewhere. */
static int take_browser(struct tr_record_request *request, const char *value)
{
	char path[PATH_MAX];

	if (!realpath(value, path))
		return refuse(request, "--browser %.200s: %s", value, strerror(errno));
	if (access(path, X_OK) < 0)
		return refuse(
			request, "--browser %.200s cannot be run: %s", value, strerror(errno));
	snprintf(request->config.browser.path, sizeof(request->config.browser.path), "%s", path);
	return 0;
}

/* The slot looks for it elsewhere, too. */
static int take_ca_file(struct tr_record_request *request, const char *value)
{
	char path[PATH_MAX];

	if (!realpath(value, path) || access(path, R_OK) < 0)
		return refuse(request, "--ca-file %.200s: %s", value, strerror(errno));
	snprintf(
		request->config.stream.ca_file, sizeof(request->config.stream.ca_file), "%s", path);
	return 0;
}

static int take_target(struct tr_record_request *request, const char *value)
{
	struct tr_target_list *targets = &request->targets;

	if (!strcmp(value, "-"))
		return tr_target_input_read(request->verb, NULL, targets);
	int rc = tr_target_list_add(targets, value);
	tr_target_input_wipe(value);
	return rc < 0 ? refuse(request, "what a --to names %s", tr_target_list_fault(rc)) : 0;
}

static int load_config(struct tr_record_request *request, const char *path)
{
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	if (!complaints)
		return -ENOMEM;
	if (tr_config_load_public(path, &request->config, complaints) == 0)
		return 0;
	for (unsigned i = 0; i < complaints->count && i < TR_CONFIG_COMPLAINTS_MAX; i++)
		fprintf(stderr, "%s\n", complaints->lines[i]);
	return -EINVAL;
}

static int take_folder(struct tr_record_request *request, const char *value)
{
	if (!value[0])
		return refuse(request, "--to wants a folder");
	request->to = value;
	return 0;
}

static int take_record(struct tr_record_request *request, const char *value)
{
	if (value && !value[0])
		return refuse(request, "--record= wants a folder");
	request->to = value ? value : request->config.recordings;
	return 0;
}

/* Of this and a bitrate the later one holds. */
static int take_quality(struct tr_record_request *request, const char *value)
{
	request->config.video.video_kbps = 0;
	return take_int(request, "quality", value, 0, 51, &request->config.video.quality);
}

static int take_target_file(struct tr_record_request *request, const char *value)
{
	return tr_target_input_read(request->verb, value, &request->targets);
}

#define FIELD(name) offsetof(struct tr_record_request, name)

static const struct {
	int id;
	const char *name;
	int min, max;
	size_t offset;
} numbers[] = {
	{OPTION_RATE, "rate", 1, TR_CONFIG_RATE_MAX, FIELD(config.video.frame_rate)},
	{OPTION_BITRATE, "bitrate", 1, 100000, FIELD(config.video.video_kbps)},
	{OPTION_CAP, "bitrate", 0, 100000, FIELD(config.stream.video_kbps)},
	{OPTION_BUFFER, "buffer", 0, 400000, FIELD(config.stream.buffer_kbit)},
};

static const struct {
	int id;
	const char *name;
	int64_t min_ms, max_ms;
	size_t offset;
} times[] = {
	{OPTION_FOR, "for", 1000, DURATION_MAX_MS, FIELD(duration_ms)},
	{OPTION_PAGE_TIMEOUT, "page-timeout", 1000, 600000, FIELD(config.browser.page_timeout_ms)},
	{OPTION_KEY_INTERVAL, "key-interval", 500, 20000, FIELD(config.stream.key_interval_ms)},
};

static const struct {
	int id;
	bool value;
	size_t offset;
} flags[] = {
	{OPTION_CONSTANT_RATE, true, FIELD(config.video.constant_rate)},
	{OPTION_NO_SOUND_EXPECTED, false, FIELD(sound_expected)},
	{OPTION_QUIET, true, FIELD(is_quiet)},
	{OPTION_VERBOSE, true, FIELD(is_verbose)},
};

static const struct {
	int id;
	int (*take)(struct tr_record_request *request, const char *value);
} words[] = {
	{OPTION_TO, take_folder},
	{OPTION_NAME, take_name},
	{OPTION_SIZE, take_size},
	{OPTION_QUALITY, take_quality},
	{OPTION_SOUND, take_sound},
	{OPTION_ENCODER, take_encoder},
	{OPTION_DISPLAY, take_display},
	{OPTION_BROWSER, take_browser},
	{OPTION_TARGET, take_target},
	{OPTION_TARGET_FILE, take_target_file},
	{OPTION_RECORD, take_record},
	{OPTION_CA_FILE, take_ca_file},
};

static int take_option(struct tr_record_request *request, int id, const char *value)
{
	char *base = (char *)request;

	for (size_t i = 0; i < TR_COUNT(numbers); i++)
		if (numbers[i].id == id)
			return take_int(request, numbers[i].name, value, numbers[i].min,
				numbers[i].max, (int *)(base + numbers[i].offset));
	for (size_t i = 0; i < TR_COUNT(times); i++)
		if (times[i].id == id)
			return take_duration(request, times[i].name, value, times[i].min_ms,
				times[i].max_ms, (int64_t *)(base + times[i].offset));
	for (size_t i = 0; i < TR_COUNT(words); i++)
		if (words[i].id == id)
			return words[i].take(request, value);
	for (size_t i = 0; i < TR_COUNT(flags); i++)
		if (flags[i].id == id)
			*(bool *)(base + flags[i].offset) = flags[i].value;
	return 0; /* --config was read before */
}

/* The file is below the command line, wherever on it it is named: so it is read first. */
static int read_config_option(struct tr_record_request *request, struct tr_options reader)
{
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0) {
		if (id != OPTION_CONFIG)
			continue;
		rc = load_config(request, value);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* "--record" alone means the configuration's folder, or this one. */
static void set_defaults(struct tr_record_request *request, const char *verb, bool is_stream)
{
	*request = (struct tr_record_request){.verb = verb, .sound_expected = true};
	tr_config_set_defaults(&request->config);
	snprintf(request->config.recordings, sizeof(request->config.recordings), "recordings");
	request->to = is_stream ? NULL : request->config.recordings;
}

static int take_all(struct tr_record_request *request, struct tr_options *reader)
{
	const char *value;
	int id;

	int rc = read_config_option(request, *reader);
	while (rc == 0 && (rc = tr_options_next(reader, &id, &value)) > 0) {
		rc = 0;
		if (id > 0)
			rc = take_option(request, id, value);
		else if (request->url && reader->table == tr_record_request_stream_options)
			rc = refuse(request, "one page at a time; where it is streamed to is "
					     "written behind --to"); /* maybe a key: not quoted */
		else if (request->url)
			rc = refuse(request, "one address at a time; \"%.100s\" is a second one",
				value);
		else
			request->url = value;
	}
	return rc;
}

static int finish(struct tr_record_request *request, int64_t wall_ns)
{
	char why[300];

	if (!request->url)
		return refuse(request, "name an address to %s, for example https://example.org/",
			request->verb);
	if (!tr_record_page_check(request->url, why, sizeof(why)))
		return refuse(request, "%s", why);
	if (!request->is_name_given)
		tr_record_page_name(request->url, wall_ns, request->name, sizeof(request->name));
	return 0;
}

int tr_record_request_parse(
	struct tr_record_request *request, int64_t wall_ns, int argc, char **argv)
{
	struct tr_options reader = {"record", tr_record_request_options, argc, argv, 1, false};

	set_defaults(request, "record", false);
	int rc = take_all(request, &reader);
	return rc < 0 ? rc : finish(request, wall_ns);
}

int tr_record_request_parse_stream(
	struct tr_record_request *request, int64_t wall_ns, int argc, char **argv)
{
	struct tr_options reader = {
		"stream", tr_record_request_stream_options, argc, argv, 1, false};

	set_defaults(request, "stream", true);
	int rc = take_all(request, &reader);
	if (rc == 0 && request->targets.count == 0)
		rc = refuse(request, "name where to stream to: --to rtmp://host/application/key "
				     "(--to-file FILE keeps the key from other users)");
	return rc < 0 ? rc : finish(request, wall_ns);
}
