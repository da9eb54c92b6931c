#include "cli/record_request.h"

#include "cli/target_input.h"
#include "config/display_words.h"
#include "config/encoder_words.h"
#include "core/clock.h"
#include "core/text.h"
#include "protocol/message.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

static bool has_odd_bytes(const char *text, bool is_space_allowed)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f ||
			(*text == ' ' && !is_space_allowed))
			return true;
	return false;
}

/* The scheme in lower case into `out`; empty when there is none. */
static void get_scheme(const char *url, char *out, size_t size)
{
	size_t length = 0;

	while (isalnum((unsigned char)url[length]) ||
		(length > 0 && strchr("+-.", url[length]) && url[length]))
		length++;
	out[0] = '\0';
	if (url[length] != ':' || length == 0 || length >= size)
		return;
	for (size_t i = 0; i < length; i++)
		out[i] = (char)tolower((unsigned char)url[i]);
	out[length] = '\0';
}

bool tr_record_request_check_url(const char *url, char *why, size_t size)
{
	char scheme[16];

	get_scheme(url, scheme, sizeof(scheme));
	bool is_web = !strcmp(scheme, "http") || !strcmp(scheme, "https");
	if (strlen(url) >= TR_MESSAGE_URL_MAX) {
		snprintf(why, size, "the address is longer than %d bytes", TR_MESSAGE_URL_MAX - 1);
	} else if (has_odd_bytes(url, !is_web)) {
		snprintf(why, size, "the address contains a space or a control character");
	} else if (is_web) {
		const char *rest = url + strlen(scheme) + 1;
		size_t host = strncmp(rest, "//", 2) ? 0 : strcspn(rest + 2, "/?#");
		if (host > 0)
			return true;
		snprintf(why, size, "\"%.100s\" names no host", url);
	} else if (!strcmp(scheme, "file") || !strcmp(scheme, "data") || !strcmp(scheme, "about")) {
		return true;
	} else if (scheme[0] && strncmp(url + strlen(scheme), "://", 3) == 0) {
		snprintf(why, size,
			"cannot record \"%s:\" addresses; http, https, file, data and about are",
			scheme);
	} else {
		snprintf(why, size, "\"%.100s\" is no address; it must start with %s", url,
			url[0] == '/' ? "file:// for a file" : "https:// or another scheme");
	}
	return false;
}

/* "meet.example.org" of "https://meet.example.org:8443/room"; what is no letter becomes '-'. */
static void name_from_url(const char *url, char *out, size_t size)
{
	const char *start = strstr(url, "://");
	const char *host = start ? start + 3 : url;
	size_t length = strcspn(host, "/?#");
	const char *at = memrchr(host, '@', length);
	size_t used = 0;

	if (at) {
		length -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	if (!start || !length) { /* "data:...", "file:///...": the scheme */
		host = url;
		length = strcspn(url, ":");
	}
	for (size_t i = 0; i < length && host[i] != ':' && used + 1 < size; i++) {
		bool is_plain = isalnum((unsigned char)host[i]) || host[i] == '.';
		out[used] = is_plain && (used > 0 || host[i] != '.') ? host[i] : '-';
		used++;
	}
	out[used] = '\0';
	if (used == 0)
		snprintf(out, size, "page");
}

static void make_name(struct tr_record_request *request, int64_t wall_ns)
{
	char host[64], date[40];
	time_t seconds = (time_t)(wall_ns / TR_NS_PER_S);
	struct tm tm;

	name_from_url(request->url, host, sizeof(host));
	localtime_r(&seconds, &tm);
	if (strftime(date, sizeof(date), "%Y-%m-%d-%H-%M-%S", &tm) == 0)
		date[0] = '\0';
	snprintf(request->name, sizeof(request->name), "%s_%s", host, date);
}

static int take_name(struct tr_record_request *request, const char *value)
{
	if (!value[0] || value[0] == '.' || strchr(value, '/') || has_odd_bytes(value, true))
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
	if (!value[0] || strlen(value) >= TR_CONFIG_WORD_MAX || has_odd_bytes(value, true))
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

static int take_option(struct tr_record_request *request, int id, const char *value)
{
	struct tr_config *config = &request->config;

	switch (id) {
	case OPTION_FOR:
		return take_duration(
			request, "for", value, 1000, DURATION_MAX_MS, &request->duration_ms);
	case OPTION_TO:
		if (!value[0])
			return refuse(request, "--to wants a folder");
		request->to = value;
		return 0;
	case OPTION_NAME:
		return take_name(request, value);
	case OPTION_SIZE:
		return take_size(request, value);
	case OPTION_RATE:
		return take_int(
			request, "rate", value, 1, TR_CONFIG_RATE_MAX, &config->video.frame_rate);
	case OPTION_CONSTANT_RATE:
		config->video.constant_rate = true;
		return 0;
	case OPTION_QUALITY:
		config->video.video_kbps = 0;
		return take_int(request, "quality", value, 0, 51, &config->video.quality);
	case OPTION_BITRATE:
		return take_int(request, "bitrate", value, 1, 100000, &config->video.video_kbps);
	case OPTION_SOUND:
		return take_sound(request, value);
	case OPTION_NO_SOUND_EXPECTED:
		request->sound_expected = false;
		return 0;
	case OPTION_ENCODER:
		return take_encoder(request, value);
	case OPTION_DISPLAY:
		return take_display(request, value);
	case OPTION_BROWSER:
		return take_browser(request, value);
	case OPTION_PAGE_TIMEOUT:
		return take_duration(request, "page-timeout", value, 1000, 600000,
			&config->browser.page_timeout_ms);
	case OPTION_QUIET:
		request->is_quiet = true;
		return 0;
	case OPTION_VERBOSE:
		request->is_verbose = true;
		return 0;
	case OPTION_TARGET:
		return take_target(request, value);
	case OPTION_TARGET_FILE:
		return tr_target_input_read(request->verb, value, &request->targets);
	case OPTION_RECORD:
		if (value && !value[0])
			return refuse(request, "--record= wants a folder");
		request->to = value ? value : config->recordings;
		return 0;
	case OPTION_CAP:
		return take_int(request, "bitrate", value, 0, 100000, &config->stream.video_kbps);
	case OPTION_BUFFER:
		return take_int(request, "buffer", value, 0, 400000, &config->stream.buffer_kbit);
	case OPTION_KEY_INTERVAL:
		return take_duration(request, "key-interval", value, 500, 20000,
			&config->stream.key_interval_ms);
	case OPTION_CA_FILE:
		return take_ca_file(request, value);
	default:
		return 0;
	}
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
	if (!tr_record_request_check_url(request->url, why, sizeof(why)))
		return refuse(request, "%s", why);
	if (!request->is_name_given)
		make_name(request, wall_ns);
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
