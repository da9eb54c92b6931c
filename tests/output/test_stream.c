/* Streams to a real nginx with its RTMP module: what it and its viewers get, and all the ways in
 * which a target can fail. */
#include "test.h"

#include "core/clock.h"
#include "core/text.h"
#include "output/live_source.h"
#include "peers/rtmp/fault_proxy.h"
#include "peers/rtmp/rtmp_site.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define WAIT_NS (90 * TR_NS_PER_S) /* generous: for what will surely happen */
#define PATIENCE_MS 60000	   /* the streams' own, where what runs out is not what is tested */
#define KEY "k-3e7a91"		   /* must not be seen anywhere */

struct target {
	struct tr_stream *stream;
	pthread_mutex_t lock;
	unsigned news[TR_STREAM_NEWS_GAVE_UP + 1];
	char problem[400]; /* with the last news */
};

static struct rtmp_site site;
static struct live_source *source;
static struct tr_stream_status status;

static int start_site(void **state)
{
	rtmp_site_create(&site);
	return 0;
}

static int stop_site(void **state)
{
	rtmp_site_destroy(&site);
	return 0;
}

static int start(void **state)
{
	source = live_source_create();
	return 0;
}

static int stop(void **state)
{
	live_source_destroy(source);
	return 0;
}

/* ---- a target, and waiting for it ---- */

static void take_news(enum tr_stream_news news, const char *problem, void *user)
{
	struct target *target = user;
	pthread_mutex_lock(&target->lock);
	target->news[news]++;
	snprintf(target->problem, sizeof(target->problem), "%s", problem);
	pthread_mutex_unlock(&target->lock);
}

static void request_key(void *user)
{
	live_source_request_key(source);
}

static struct tr_stream_settings settings_for(const char *url)
{
	struct tr_stream_settings settings = live_source_settings(source, url);
	settings.backoff_min_ms = 100;
	settings.backoff_max_ms = 400;
	settings.io_timeout_ms = settings.connect_timeout_ms = settings.queue_ms = PATIENCE_MS;
	settings.on_news = take_news;
	settings.request_key = request_key;
	return settings;
}

static void open_target(struct target *target, struct tr_stream_settings settings)
{
	memset(target, 0, sizeof(*target));
	pthread_mutex_init(&target->lock, NULL);
	settings.user = target;
	assert_int_equal(tr_stream_open(&settings, &target->stream), 0);
	live_source_add(source, target->stream);
}

static void open_url(struct target *target, const char *url)
{
	open_target(target, settings_for(url));
}

/* "rtmp://127.0.0.1:PORT/APP/KEY…" */
static const char *url_to(int port, const char *app_and_key)
{
	static char url[256];
	snprintf(url, sizeof(url), "rtmp://127.0.0.1:%d/%s", port, app_and_key);
	return url;
}

static void assert_no_secret(const char *text)
{
	assert_null(strstr(text, KEY));
	assert_null(strstr(text, RTMP_SITE_PASSWORD));
}

static void close_target_within(struct target *target, int ms)
{
	live_source_remove(source, target->stream);
	tr_stream_close(target->stream, ms, &status);
	target->stream = NULL;
	assert_no_secret(status.target);
	assert_no_secret(status.problem);
	assert_no_secret(target->problem);
	pthread_mutex_destroy(&target->lock);
}

static void close_target(struct target *target)
{
	close_target_within(target, PATIENCE_MS);
}

static unsigned news_of(struct target *target, enum tr_stream_news news)
{
	pthread_mutex_lock(&target->lock);
	unsigned count = target->news[news];
	pthread_mutex_unlock(&target->lock);
	return count;
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* Waits until the expression is true; `status` is that of the target each time. */
#define wait_until(target, condition)                                                              \
	do {                                                                                       \
		int64_t until_ns_ = tr_clock_now_ns() + WAIT_NS;                                   \
		for (;;) {                                                                         \
			tr_stream_read((target)->stream, &status);                                 \
			if (condition)                                                             \
				break;                                                             \
			if (tr_clock_now_ns() > until_ns_)                                         \
				fail_msg("never: %s; %s, %s", #condition,                          \
					tr_stream_state_name(status.state), status.problem);       \
			pause_ms(10);                                                              \
		}                                                                                  \
	} while (0)

static void wait_for_news(struct target *target, enum tr_stream_news news)
{
	wait_until(target, news_of(target, news) > 0);
}

/* Until so much more has been sent. */
static void wait_for_seconds_sent(struct target *target, int seconds)
{
	tr_stream_read(target->stream, &status);
	int64_t enough = status.bytes + (int64_t)seconds * 128000 / 8;
	int64_t until_ns = tr_clock_now_ns() + seconds * TR_NS_PER_S;
	wait_until(target, status.bytes >= enough && tr_clock_now_ns() >= until_ns);
}

static void assert_refused(struct tr_stream_settings settings, const char *words)
{
	struct target target;

	open_target(&target, settings);
	wait_until(&target, status.state == TR_STREAM_REFUSED);
	close_target(&target);
	assert_int_equal(target.news[TR_STREAM_NEWS_REFUSED], 1);
	assert_int_equal(target.news[TR_STREAM_NEWS_CONNECTED], 0);
	assert_false(status.was_connected);
	if (!strstr(status.problem, words))
		fail_msg("%s", status.problem);
	assert_string_equal(target.problem, status.problem);
}

static void assert_gives_up(struct tr_stream_settings settings, const char *words)
{
	struct target target;

	settings.first_give_up_ms = 500;
	if (settings.connect_timeout_ms > 3000)
		settings.connect_timeout_ms = 3000;
	open_target(&target, settings);
	wait_until(&target, status.state == TR_STREAM_GAVE_UP);
	close_target(&target);
	assert_int_equal(target.news[TR_STREAM_NEWS_GAVE_UP], 1);
	if (!strstr(status.problem, words))
		fail_msg("%s", status.problem);
	assert_int_equal(status.dropped_pictures, 0); /* there never was a stream to miss them */
}

/* ---- what came out ---- */

struct seen {
	unsigned pictures, sounds;
	double first_picture, first_sound, last_picture, last_sound, largest_gap;
	bool first_is_key, is_monotonic;
	char shape[64]; /* codec, size, rate */
};

static FILE *begin_probe(const char *url, int seconds)
{
	char command[512], interval[64] = "";
	if (seconds > 0)
		snprintf(interval, sizeof(interval), "-read_intervals '%%+%d'", seconds);
	snprintf(command, sizeof(command),
		"timeout 120 ffprobe -v error -show_entries "
		"packet=codec_type,dts_time,flags:stream=codec_name,width,height,r_frame_rate "
		"-of csv=p=0 %s '%s' 2>&1",
		interval, url);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	return pipe;
}

static void see_packet(struct seen *seen, bool is_video, double time, bool is_key)
{
	unsigned *count = is_video ? &seen->pictures : &seen->sounds;
	double *first = is_video ? &seen->first_picture : &seen->first_sound;
	double *last = is_video ? &seen->last_picture : &seen->last_sound;
	if (*count == 0) {
		*first = time;
		if (is_video)
			seen->first_is_key = is_key;
	} else {
		seen->is_monotonic &= time > *last;
		if (is_video && time - *last > seen->largest_gap)
			seen->largest_gap = time - *last;
	}
	*last = time;
	(*count)++;
}

static struct seen end_probe(FILE *pipe)
{
	struct seen seen = {.is_monotonic = true};
	char line[256], kind[16], flags[16], rate[16];
	double time;
	int width, height;
	while (fgets(line, sizeof(line), pipe)) {
		if (sscanf(line, "%15[a-z],%lf,%15s", kind, &time, flags) == 3 &&
			(!strcmp(kind, "video") || !strcmp(kind, "audio")))
			see_packet(&seen, !strcmp(kind, "video"), time, flags[0] == 'K');
		else if (sscanf(line, "h264,%d,%d,%15s", &width, &height, rate) == 3)
			snprintf(seen.shape, sizeof(seen.shape), "%dx%d %s", width, height, rate);
		else if (strncmp(line, "aac", 3) != 0 && line[0] != '\n')
			print_message("ffprobe: %s", line);
	}
	pclose(pipe);
	return seen;
}

static struct seen probe_file(const char *path)
{
	assert_non_null(path);
	return end_probe(begin_probe(path, 0));
}

static void assert_plays(const char *path)
{
	char command[512], text[512];
	snprintf(command, sizeof(command),
		"ffmpeg -nostdin -v error -xerror -i '%s' -f null - 2>&1", path);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	text[fread(text, 1, sizeof(text) - 1, pipe)] = '\0';
	assert_int_equal(pclose(pipe), 0);
	assert_string_equal(text, "");
}

/* ---- with a good server ---- */

static void viewers_of_every_application_get_what_is_streamed(void **state)
{
	struct target target;
	FILE *probes[3];
	const char *const applications[] = {"live", "first", "second"};

	open_url(&target, url_to(site.rtmp_port, "live/" KEY "?password=" RTMP_SITE_PASSWORD));
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	for (int i = 0; i < 3; i++) {
		char name[64];
		snprintf(name, sizeof(name), "%s/" KEY, applications[i]);
		probes[i] = begin_probe(url_to(site.rtmp_port, name), 5);
	}
	for (int i = 0; i < 3; i++) {
		struct seen seen = end_probe(probes[i]);
		assert_string_equal(seen.shape, "320x192 25/1");
		print_message("%s: %u pictures, %u blocks of sound\n", applications[i],
			seen.pictures, seen.sounds);
		assert_true(seen.pictures > 60 && seen.sounds > 100);
		assert_true(seen.is_monotonic);
		assert_true(seen.largest_gap < 0.042);
	}
	wait_until(&target, status.kbit_s > 100);
	assert_int_equal(status.state, TR_STREAM_STREAMING);
	assert_string_equal(status.problem, "");
	close_target(&target);
	assert_int_equal(status.dropped_sounds, 0);

	const char *recording = rtmp_site_recording(&site, KEY);
	assert_non_null(recording);
	assert_plays(recording);
	struct seen seen = probe_file(recording);
	assert_true(seen.is_monotonic && seen.first_is_key);
	assert_true(seen.pictures > 70 && seen.largest_gap < 0.042);
	assert_true(seen.first_picture < 0.001 && seen.first_sound < 0.06);
	print_message("recorded: pictures %.3f to %.3f s, sound %.3f to %.3f s\n",
		seen.first_picture, seen.last_picture, seen.first_sound, seen.last_sound);
	assert_true(seen.last_picture - seen.last_sound < 0.1 &&
		    seen.last_sound - seen.last_picture < 0.1);
}

/* The other application of the server takes everything, so these tests need no password. */
static const char *open_url_to(int port, const char *suffix)
{
	static char name[64];
	snprintf(name, sizeof(name), "open/" KEY "%s", suffix);
	return url_to(port, name);
}

static const char *recording_of(const char *suffix)
{
	static char name[64];
	snprintf(name, sizeof(name), KEY "%s", suffix);
	return rtmp_site_recording(&site, name);
}

static void what_is_queued_at_the_end_is_still_sent(void **state)
{
	struct target target;
	struct tr_stream_settings settings;
	struct fault_proxy *proxy = fault_proxy_create(site.rtmp_port);

	settings = settings_for(open_url_to(fault_proxy_port(proxy), "-drain"));
	open_target(&target, settings);
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	fault_proxy_set(proxy, FAULT_PROXY_SLOW, 8000);
	wait_until(&target, status.queued_ms > 1000);
	fault_proxy_set(proxy, FAULT_PROXY_SLOW, 10000000);
	close_target(&target);
	assert_int_equal(status.dropped_sounds, 0);
	struct seen seen = probe_file(recording_of("-drain"));
	assert_true(seen.is_monotonic && seen.largest_gap < 0.042);
	fault_proxy_destroy(proxy);
}

static void sound_alone_can_be_streamed(void **state)
{
	struct target target;
	struct tr_stream_settings settings = settings_for(open_url_to(site.rtmp_port, "-sound"));

	settings.video_extradata_size = 0;
	open_target(&target, settings);
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	wait_until(&target, status.bytes > 10000);
	close_target(&target);
	struct seen seen = probe_file(recording_of("-sound"));
	assert_true(seen.sounds > 20 && seen.is_monotonic);
	assert_int_equal(seen.pictures, 0);
}

/* ---- other protocols ---- */

/* What a receiver got, of a stream of three seconds or one that the receiver has given up. */
static struct seen send_by_srt(void)
{
	struct target target;
	char file[128], input[64], url[128];
	int port = rtmp_site_free_port();
	struct tr_child receiver;

	snprintf(file, sizeof(file), "%s/srt.ts", site.folder);
	snprintf(input, sizeof(input), "srt://127.0.0.1:%d?mode=listener", port);
	snprintf(url, sizeof(url), "srt://127.0.0.1:%d?streamid=" KEY, port);
	const char *const argv[] = {"ffmpeg", "-nostdin", "-v", "error", "-i", input, "-c", "copy",
		"-copyts", "-y", file, NULL};
	struct tr_child_settings child = {.argv = argv};
	assert_int_equal(tr_child_start(&child, &receiver), 0);
	open_url(&target, url); /* tried again until the listener is there */
	wait_until(&target, status.bytes >= 3 * 128000 / 8 || status.state == TR_STREAM_GAVE_UP ||
				    news_of(&target, TR_STREAM_NEWS_LOST) > 0);
	if (status.state == TR_STREAM_STREAMING)
		pause_ms(3000);
	close_target_within(&target, 3000);
	tr_child_stop(&receiver, 10000);
	return probe_file(file);
}

/* SRT itself gives up what a busy machine delivers late, and the connection with it. */
static void srt_carries_the_stream_as_mpegts(void **state)
{
#ifdef __SANITIZE_THREAD__
	print_message("not with the thread sanitizer, which does not know libsrt's locks\n");
	skip();
#endif
	for (int turn = 0; turn < 5; turn++) {
		struct seen seen = send_by_srt();
		if (seen.pictures > 40 && seen.sounds > 60 && seen.is_monotonic &&
			seen.first_is_key && seen.largest_gap < 2)
			return;
		print_message(
			"by SRT came %u pictures and %u sounds\n", seen.pictures, seen.sounds);
	}
	fail_msg("five times not all came");
}

static void srt_without_an_answer_is_no_refusal(void **state)
{
	static char url[128];

	snprintf(url, sizeof(url), "srt://127.0.0.1:%d?streamid=" KEY, rtmp_site_free_port());
	assert_gives_up(settings_for(url), "does not answer");
}

static void hls_is_put_to_a_web_server(void **state)
{
	struct target target;
	char url[128], file[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hls/" KEY "/live.m3u8", site.http_port);
	struct tr_stream_settings settings = settings_for(url);
	
	open_target(&target, settings);
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	wait_for_seconds_sent(&target, 5);
	close_target_within(&target, 10000);
	assert_int_equal(status.reconnects, 0);
	snprintf(file, sizeof(file), "%s/hls/" KEY "/live.m3u8", site.folder);
	struct seen seen = probe_file(file);
	/* The server may still be at its last pieces. */
	for (int i = 0; i < 30 && (seen.pictures <= 100 || seen.sounds <= 180); i++) {
		pause_ms(1000);
		seen = probe_file(file);
	}
	print_message("by HLS came %u pictures and %u sounds\n", seen.pictures, seen.sounds);
	assert_true(seen.pictures > 100 && seen.sounds > 180 && seen.is_monotonic);
	assert_true(seen.first_is_key && seen.largest_gap < 0.042);
}

static void hls_that_is_not_allowed_is_refused(void **state)
{
	static char url[128];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/closed/" KEY "/live.m3u8", site.http_port);
	assert_refused(settings_for(url), "does not take the upload");
}

/* ---- refusals ---- */

static const char *tls_url(int port)
{
	static char url[128];
	snprintf(url, sizeof(url), "rtmps://localhost:%d/open/" KEY "-tls", port);
	return url;
}

static void a_wrong_password_is_refused_for_good(void **state)
{
	assert_refused(settings_for(url_to(site.rtmp_port, "live/" KEY "?password=wrong")),
		"127.0.0.1 refuses the stream");
	assert_refused(settings_for(url_to(site.rtmp_port, "nowhere/" KEY)),
		"127.0.0.1 refuses the stream");
}

static void a_certificate_must_be_trusted_valid_and_for_that_name(void **state)
{
	struct tr_stream_settings settings = settings_for(tls_url(site.tls_port));
	settings.first_refusals = 1;
	assert_refused(settings, "the certificate of localhost is not trusted: signed by nobody");

	settings.ca_file = site.authority;
	settings.url = tls_url(site.expired_tls_port);
	assert_refused(settings, "has expired, or one that signed it (its end: 2021-01-01)");
	settings.url = tls_url(site.misnamed_tls_port);
	assert_refused(settings, "was issued for another name");
}

static void a_private_authority_can_be_trusted(void **state)
{
	struct target target;
	struct tr_stream_settings settings = settings_for(tls_url(site.tls_port));

	settings.ca_file = site.authority;
	open_target(&target, settings);
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	wait_until(&target, status.bytes > 50000);
	close_target(&target);
	struct seen seen = probe_file(recording_of("-tls"));
	assert_true(seen.pictures > 5 && seen.is_monotonic && seen.first_is_key);
}

static void a_key_that_is_in_use_is_refused_in_the_words_of_the_server(void **state)
{
	struct target target;

	open_url(&target, open_url_to(site.rtmp_port, "-used"));
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	assert_refused(settings_for(open_url_to(site.rtmp_port, "-used")), "Already publishing");
	close_target(&target);
}

static void a_server_without_tls_is_told_apart(void **state)
{
	assert_refused(settings_for(tls_url(site.http_port)), "does not speak TLS");
}

/* ---- no connection ---- */

static void nobody_at_the_port_is_said_so(void **state)
{
	assert_gives_up(settings_for(open_url_to(rtmp_site_free_port(), "")),
		"no streaming server answers at 127.0.0.1");
}

static void a_name_that_is_not_known_is_said_so(void **state)
{
	assert_gives_up(settings_for("rtmp://nowhere.invalid/open/" KEY),
		"the server nowhere.invalid is not found");
}

static void a_server_that_hangs_up_at_once_may_be_starting(void **state)
{
	struct fault_proxy *proxy = fault_proxy_create(site.rtmp_port);

	fault_proxy_set(proxy, FAULT_PROXY_CUT, 0);
	assert_gives_up(
		settings_for(open_url_to(fault_proxy_port(proxy), "-cut")), "without a word");
	fault_proxy_destroy(proxy);
}

/* As some platforms do with a key they do not know. */
static void being_let_in_and_dropped_again_and_again_is_a_refusal(void **state)
{
	struct target target;
	struct tr_stream_settings settings;
	struct fault_proxy *proxy = fault_proxy_create(site.rtmp_port);

	settings = settings_for(open_url_to(fault_proxy_port(proxy), "-dropped"));
	settings.first_refusals = 2;
	open_target(&target, settings);
	for (unsigned i = 1; i <= 2; i++) {
		wait_until(
			&target, status.state == TR_STREAM_STREAMING && status.reconnects == i - 1);
		fault_proxy_set(proxy, FAULT_PROXY_CUT, 0);
		wait_until(&target, news_of(&target, TR_STREAM_NEWS_LOST) == i);
		fault_proxy_set(proxy, FAULT_PROXY_FORWARD, 0);
	}
	wait_until(&target, status.state == TR_STREAM_REFUSED);
	close_target(&target);
	fault_proxy_destroy(proxy);
}

static void a_server_that_accepts_and_says_nothing_is_given_up(void **state)
{
	struct fault_proxy *proxy = fault_proxy_create(site.rtmp_port);
	struct tr_stream_settings settings;

	fault_proxy_set(proxy, FAULT_PROXY_HOLE, 0);
	settings = settings_for(open_url_to(fault_proxy_port(proxy), "-mute"));
	settings.connect_timeout_ms = 700;
	assert_gives_up(settings, "does not answer");
	fault_proxy_destroy(proxy);
}

/* ---- connections that break ---- */

static void a_server_that_was_killed_gets_the_stream_again(void **state)
{
	struct target target;
	struct tr_stream_settings settings = settings_for(open_url_to(site.rtmp_port, "-back"));

	settings.queue_ms = 1000;
	open_target(&target, settings);
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	wait_until(&target, status.bytes > 20000);
	live_source_stop_regular_keys(source);
	rtmp_site_kill(&site);
	wait_for_news(&target, TR_STREAM_NEWS_LOST);
	wait_until(&target, status.state == TR_STREAM_WAITING);
	assert_true(status.problem[0] != '\0');
	if (getenv("TR_OUTAGE_SECONDS"))
		pause_ms(1000 * atoi(getenv("TR_OUTAGE_SECONDS")));
	rtmp_site_start(&site);
	wait_for_news(&target, TR_STREAM_NEWS_RECONNECTED);
	assert_true(live_source_keys_requested(source) >= 2);
	wait_for_seconds_sent(&target, 1);
	assert_int_equal(status.state, TR_STREAM_STREAMING);
	assert_int_equal(status.reconnects, 1);
	close_target(&target);
	assert_true(status.dropped_pictures > 0);
	assert_true(status.dropped_sounds > 0);

	assert_plays(recording_of("-back"));
	struct seen seen = probe_file(recording_of("-back"));
	assert_true(seen.first_is_key && seen.is_monotonic && seen.pictures > 10);
	assert_true(seen.first_picture < 0.001);
}

static void a_black_hole_is_noticed_and_left_when_it_ends(void **state)
{
	struct target target;
	struct fault_proxy *proxy = fault_proxy_create(site.rtmp_port);
	struct tr_stream_settings settings =
		settings_for(open_url_to(fault_proxy_port(proxy), "-hole"));

	settings.io_timeout_ms = 1500;
	settings.queue_ms = 1000;
	open_target(&target, settings);
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	wait_until(&target, status.bytes > 20000);
	int64_t from_ns = tr_clock_now_ns();
	fault_proxy_set(proxy, FAULT_PROXY_HOLE, 0);
	wait_for_news(&target, TR_STREAM_NEWS_LOST);
	print_message("black hole noticed after %.1f s with a time-out of 1.5 s\n",
		(double)(tr_clock_now_ns() - from_ns) / 1e9);
	assert_true(status.queued_ms <= 2000);
	fault_proxy_set(proxy, FAULT_PROXY_FORWARD, 0);
	wait_for_news(&target, TR_STREAM_NEWS_RECONNECTED);
	wait_for_seconds_sent(&target, 1);
	close_target(&target);
	assert_true(probe_file(recording_of("-hole")).first_is_key);
	fault_proxy_destroy(proxy);
}

static void a_slow_target_loses_pictures_and_no_sound(void **state)
{
	struct target target;
	struct fault_proxy *proxy = fault_proxy_create(site.rtmp_port);
	struct tr_stream_settings settings;

	settings = settings_for(open_url_to(fault_proxy_port(proxy), "-slow"));
	settings.io_timeout_ms = 6000;
	settings.queue_ms = 4000;
	open_target(&target, settings);
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	wait_until(&target, status.kbit_s > 0);
	fault_proxy_set(proxy, FAULT_PROXY_SLOW, 30000);
	wait_until(&target, status.dropped_pictures > 50);
	pause_ms(2 * settings.io_timeout_ms); /* slow is not silent, however long it is slow */
	tr_stream_read(target.stream, &status);
	assert_int_equal(status.reconnects, 0);
	assert_int_equal(status.dropped_sounds, 0);
	assert_int_equal(status.state, TR_STREAM_STREAMING);
	fault_proxy_set(proxy, FAULT_PROXY_FORWARD, 0);
	wait_until(&target, status.queued_ms < 300);
	wait_for_seconds_sent(&target, 1);
	close_target(&target);
	assert_int_equal(status.reconnects, 0);
	assert_int_equal(status.dropped_sounds, 0);
	struct seen seen = probe_file(recording_of("-slow"));
	assert_true(seen.is_monotonic && seen.largest_gap > 0.1);
	assert_plays(recording_of("-slow"));
	fault_proxy_destroy(proxy);
}

static void a_target_that_dies_costs_another_nothing(void **state)
{
	struct target good, bad;
	struct fault_proxy *proxy = fault_proxy_create(site.rtmp_port);

	open_url(&good, open_url_to(site.rtmp_port, "-good"));
	open_url(&bad, open_url_to(fault_proxy_port(proxy), "-bad"));
	wait_for_news(&good, TR_STREAM_NEWS_CONNECTED);
	wait_for_news(&bad, TR_STREAM_NEWS_CONNECTED);
	wait_until(&bad, status.bytes > 20000);
	fault_proxy_set(proxy, FAULT_PROXY_CUT, 0);
	wait_for_news(&bad, TR_STREAM_NEWS_LOST);
	fault_proxy_set(proxy, FAULT_PROXY_HOLE, 0);
	wait_for_seconds_sent(&good, 2);
	close_target_within(&bad, 1000);
	close_target(&good);
	assert_int_equal(good.news[TR_STREAM_NEWS_LOST], 0);
	assert_int_equal(status.dropped_sounds, 0);
	struct seen seen = probe_file(recording_of("-good"));
	assert_true(seen.pictures > 50 && seen.is_monotonic && seen.largest_gap < 0.042);
	fault_proxy_destroy(proxy);
}

static void closing_never_waits_for_a_dead_network(void **state)
{
	struct target target;
	struct fault_proxy *proxy = fault_proxy_create(site.rtmp_port);
	struct tr_stream_settings settings;

	settings = settings_for(open_url_to(fault_proxy_port(proxy), "-close"));
	open_target(&target, settings);
	wait_for_news(&target, TR_STREAM_NEWS_CONNECTED);
	fault_proxy_set(proxy, FAULT_PROXY_HOLE, 0);
	wait_until(&target, status.queued_ms > 500);
	int64_t from_ns = tr_clock_now_ns();
	close_target_within(&target, 3000); /* for the drain */
	int64_t took_ms = (tr_clock_now_ns() - from_ns) / TR_NS_PER_MS;
	assert_true(took_ms < settings.io_timeout_ms / 2);

	open_target(&target, settings); /* connects into the hole */
	wait_until(&target, status.state == TR_STREAM_CONNECTING);
	from_ns = tr_clock_now_ns();
	close_target_within(&target, 3000);
	took_ms = (tr_clock_now_ns() - from_ns) / TR_NS_PER_MS;
	assert_true(took_ms < settings.io_timeout_ms / 2);
	fault_proxy_destroy(proxy);
}

static void what_cannot_be_streamed_is_refused_at_once(void **state)
{
	struct tr_stream *stream;
	struct tr_stream_settings settings = settings_for("file:///tmp/x");

	assert_int_equal(tr_stream_open(&settings, &stream), -EINVAL);
	settings.url = "rtmp://127.0.0.1/a/b";
	settings.video_extradata_size = settings.audio_extradata_size = 0;
	assert_int_equal(tr_stream_open(&settings, &stream), -EINVAL);
	tr_stream_close(NULL, 0, NULL);
}

/* ---- all of them together ---- */

static char log_path[64];
static int real_error;

/* What the product says goes to standard error; kept to look for secrets in it. */
static void keep_standard_error(void)
{
	snprintf(log_path, sizeof(log_path), "/tmp/tr-stream-log-XXXXXX");
	int fd = mkstemp(log_path);
	real_error = dup(STDERR_FILENO);
	if (fd < 0 || real_error < 0 || dup2(fd, STDERR_FILENO) < 0)
		abort();
	close(fd);
}

static void show_standard_error(void)
{
	char buffer[4096];
	ssize_t size;
	int fd = open(log_path, O_RDONLY);
	while (fd >= 0 && (size = read(fd, buffer, sizeof(buffer))) > 0)
		if (write(real_error, buffer, (size_t)size) != size)
			break;
	unlink(log_path);
}

static void no_log_line_holds_a_secret(void **state)
{
	char line[1024];
	unsigned lines = 0;
	FILE *file = fopen(log_path, "re");
	assert_non_null(file);
	for (; fgets(line, sizeof(line), file); lines++)
		assert_no_secret(line);
	fclose(file);
	assert_true(lines > 10); /* or this looked at the wrong place */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(viewers_of_every_application_get_what_is_streamed),
		TEST(what_is_queued_at_the_end_is_still_sent), TEST(sound_alone_can_be_streamed),
		TEST(srt_carries_the_stream_as_mpegts), TEST(srt_without_an_answer_is_no_refusal),
		TEST(hls_is_put_to_a_web_server), TEST(hls_that_is_not_allowed_is_refused),
		TEST(a_wrong_password_is_refused_for_good),
		TEST(a_key_that_is_in_use_is_refused_in_the_words_of_the_server),
		TEST(a_server_without_tls_is_told_apart),
		TEST(a_certificate_must_be_trusted_valid_and_for_that_name),
		TEST(a_private_authority_can_be_trusted), TEST(nobody_at_the_port_is_said_so),
		TEST(a_name_that_is_not_known_is_said_so),
		TEST(a_server_that_hangs_up_at_once_may_be_starting),
		TEST(being_let_in_and_dropped_again_and_again_is_a_refusal),
		TEST(a_server_that_accepts_and_says_nothing_is_given_up),
		TEST(a_server_that_was_killed_gets_the_stream_again),
		TEST(a_black_hole_is_noticed_and_left_when_it_ends),
		TEST(a_slow_target_loses_pictures_and_no_sound),
		TEST(a_target_that_dies_costs_another_nothing),
		TEST(closing_never_waits_for_a_dead_network),
		TEST(what_cannot_be_streamed_is_refused_at_once),
		cmocka_unit_test(no_log_line_holds_a_secret), /* the last */
	};
	const char *missing = rtmp_site_missing();
	if (missing) {
		printf("skipped: %s\n", missing);
		return 77;
	}
	if (getenv("TR_TEST_FILTER"))
		cmocka_set_test_filter(getenv("TR_TEST_FILTER"));
	keep_standard_error();
	int rc = cmocka_run_group_tests_name("stream", tests, start_site, stop_site);
	show_standard_error();
	return rc;
}
