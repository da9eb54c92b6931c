#define TR_LOG_AREA "grab-only"
#include "session/grab_only.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "encode/probe.h"
#include "session/pipeline.h"
#include "storage/report.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define STREAMS_MAX_BYTES 65536
#define PROBE_TIMEOUT_MS 120000 /* nobody waits for this one to be ready */

struct options {
	const char *display, *fbdir, *to, *streams, *sound, *encoder;
	int width, height;
	int64_t rate, duration_ms, quality, kbps, key_interval_ms;
	bool constant_rate;
};

static const struct option option_table[] = {
	{"to", required_argument, NULL, 't'},
	{"streams", required_argument, NULL, 'o'},
	{"fbdir", required_argument, NULL, 'f'},
	{"encoder", required_argument, NULL, 'e'},
	{"size", required_argument, NULL, 's'},
	{"rate", required_argument, NULL, 'r'},
	{"for", required_argument, NULL, 'd'},
	{"sound", required_argument, NULL, 'a'},
	{"quality", required_argument, NULL, 'q'},
	{"kbps", required_argument, NULL, 'k'},
	{"constant-rate", no_argument, NULL, 'c'},
	{"key-interval", required_argument, NULL, 'i'},
	{NULL, 0, NULL, 0},
};

static int parse_one(struct options *options, int option, const char *value)
{
	switch (option) {
	case 't':
		options->to = value;
		return 0;
	case 'o':
		options->streams = value;
		return 0;
	case 'f':
		options->fbdir = value;
		return 0;
	case 'e':
		options->encoder = value;
		return 0;
	case 's':
		return tr_text_parse_size(value, &options->width, &options->height);
	case 'r':
		return tr_text_parse_int(value, 1, 60, &options->rate);
	case 'd':
		return tr_text_parse_duration(value, &options->duration_ms);
	case 'a':
		options->sound = value;
		return 0;
	case 'q':
		return tr_text_parse_int(value, 1, 51, &options->quality);
	case 'k':
		return tr_text_parse_int(value, 0, 100000, &options->kbps);
	case 'c':
		options->constant_rate = true;
		return 0;
	case 'i':
		return tr_text_parse_duration(value, &options->key_interval_ms);
	default:
		return -EINVAL;
	}
}

static int parse(int argc, char **argv, struct options *options)
{
	int option;

	*options = (struct options){.width = 1280,
		.height = 720,
		.rate = 30,
		.quality = 25,
		.sound = "none",
		.encoder = "software"};
	while ((option = getopt_long(argc, argv, "", option_table, NULL)) != -1)
		if (parse_one(options, option, optarg) < 0)
			return tr_fail(-EINVAL, "option %s is wrong", argv[optind - 1]);
	if (optind + 1 != argc || (!options->to && !options->streams))
		return tr_fail(-EINVAL, "one DISPLAY, and --to or --streams FILE are needed");
	options->display = argv[optind];
	return 0;
}

static void ignore_news(enum tr_pipeline_news news, void *user)
{
	(void)user;
	tr_error("the recording cannot go on (news %d)", (int)news);
	raise(SIGTERM);
}

/* Until the time is over or somebody interrupts. */
static void wait_for_end(int64_t end_ns)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	for (;;) {
		int64_t left_ns = end_ns - tr_clock_now_ns();
		struct timespec timeout = {left_ns / TR_NS_PER_S, left_ns % TR_NS_PER_S};
		if (left_ns <= 0 || sigtimedwait(&set, NULL, &timeout) > 0)
			return;
	}
}

static void fill_settings(const struct options *options, const struct tr_programs *programs,
	const char *frame_buffer, struct tr_pipeline_settings *settings)
{
	*settings = (struct tr_pipeline_settings){
		.dirfd = AT_FDCWD,
		.file = options->to,
		.video =
			{
				.display = options->display,
				.frame_buffer = options->fbdir ? frame_buffer : NULL,
				.has_zero_copy = true,
				.constant_rate = options->constant_rate,
				.key_interval_ns = options->key_interval_ms * TR_NS_PER_MS,
				.encoder =
					{
						.program = programs->encoder,
						.video =
							{
								.width = options->width,
								.height = options->height,
								.rate = (int)options->rate,
								.quality = (int)options->quality,
								.kbps = (int)options->kbps,
							},
					},
			},
		.audio_kbps = 128,
	};
}

/* As a slot finds them; what is asked for by name and cannot be is said. */
static void find_encoders(const struct options *options, const struct tr_programs *programs,
	struct tr_ladder *ret_ladder)
{
	const struct tr_probe_settings settings = {
		.program = programs->encoder, .is_testing = true, .timeout_ms = PROBE_TIMEOUT_MS};
	struct tr_rung_list list = {0};
	char problem[300] = "";
	json_t *found = NULL;

	if (strcmp(options->encoder, "software") != 0 && tr_probe_run(&settings, &found) == 0 &&
		tr_probe_choose(found, options->encoder, options->width, options->height, &list,
			problem, sizeof(problem)) < 0)
		tr_warning("there is no encoder \"%s\": software is used", options->encoder);
	if (problem[0])
		tr_warning("%s", problem);
	json_decref(found);
	tr_ladder_init(ret_ladder, &list);
}

/* In a file, for addresses may be secrets. */
static int read_streams(const struct options *options, char **ret_streams)
{
	size_t size = 0;

	if (!options->streams)
		return 0;
	int rc = tr_file_read(AT_FDCWD, options->streams, STREAMS_MAX_BYTES, ret_streams, &size);
	return rc < 0 ? tr_fail(rc, "cannot read %s", options->streams) : 0;
}

static int record(const struct options *options, const struct tr_pipeline_settings *settings)
{
	struct tr_pipeline *pipeline = NULL;
	struct tr_quality quality;

	int rc = tr_pipeline_start(settings, ignore_news, NULL, &pipeline);
	if (rc < 0)
		return rc;
	int64_t end_ns = options->duration_ms > 0 ? tr_pipeline_start_ns(pipeline) +
							    options->duration_ms * TR_NS_PER_MS
						  : INT64_MAX;
	wait_for_end(end_ns);
	if (end_ns > tr_clock_now_ns())
		end_ns = 0;
	rc = tr_pipeline_stop(pipeline, end_ns, &quality, NULL);
	int printed = tr_report_print_json(stdout, &quality);
	return rc < 0 ? rc : printed;
}

int tr_grab_only_run(int argc, char **argv, const struct tr_programs *programs)
{
	struct options options;
	struct tr_pipeline_settings settings;
	struct tr_ladder ladder;
	TR_CLEANUP(tr_soundcard_closep) struct tr_soundcard *card = NULL;
	TR_CLEANUP(tr_freep) char *streams = NULL;
	char frame_buffer[PATH_MAX] = "";
	sigset_t set;

	int rc = parse(argc, argv, &options);
	if (rc == 0 && options.fbdir)
		rc = tr_text_format(
			frame_buffer, sizeof(frame_buffer), "%s/Xvfb_screen0", options.fbdir);
	if (rc < 0)
		return 2;
	sigemptyset(&set); /* before any thread, so that all of them leave these to us */
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fill_settings(&options, programs, frame_buffer, &settings);
	if (read_streams(&options, &streams) < 0)
		return 2;
	settings.streams = streams;
	find_encoders(&options, programs, &ladder);
	settings.video.ladder = &ladder;
	if (strcmp(options.sound, "none") != 0) {
		struct tr_soundcard_settings sound = {
			.source = options.sound,
			.runtime_dir = options.fbdir ? options.fbdir : "/tmp",
			.plugin_path = programs->plugin,
		};
		if (tr_soundcard_open(&sound, &card) < 0)
			return tr_fail(1, "no sound: %s", card ? card->problem : "see above");
		settings.soundcard = card;
	}
	return record(&options, &settings) < 0;
}
