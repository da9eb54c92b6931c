/* bench-capture: Jibri's recorder and ours, in turn, on the same display with the same contents. */
#include "capture/analyse.h"
#include "capture/usage.h"
#include "common/numbers.h"
#include "core/child.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TR_LOG_AREA "bench"
#define WARM_S 2 /* the recorder's start is not measured */
#define TAIL_S 1
#define ROUNDS_MAX 15
#define QUOTA_PERIOD_US 20000

enum side { SIDE_NONE, SIDE_JIBRI, SIDE_OURS, SIDE_COUNT };

static const char *const side_names[SIDE_COUNT] = {"no recorder", "Jibri", "ours"};

struct options {
	int sizes[2][2];
	unsigned size_count;
	bool is_wanted[BENCH_CONTENT_COUNT];
	unsigned seconds, rounds, step;
	int quota_percent; /* 0: none */
	bool is_streaming, is_ours_ffmpeg;
	const char *quality, *stream_kbit;
	FILE *json;
	char slot[PATH_MAX], here[PATH_MAX];
};

struct run {
	const struct options *options;
	enum side side;
	enum bench_content_kind kind;
	int width, height;
	double quota; /* cores; 0: no limit */
	char folder[64], file[96], log[96], display[24];
	struct tr_child x, content, recorder;
};

struct figures {
	double cpu, x_cpu, switches, peak_mb, hwm_mb, growth_mb_s, bytes, clock_s;
	struct bench_analysis analysis;
};

/* ---- cgroup: version 2, or the cpu controller of version 1 ---- */

static bool write_text(const char *path, const char *text)
{
	TR_CLEANUP(tr_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool limit_v2(const char *quota, pid_t pid)
{
	char text[64];
	mkdir("/sys/fs/cgroup/telerec-bench", 0755);
	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+cpu");
	snprintf(text, sizeof(text), "%s %d", quota, QUOTA_PERIOD_US);
	if (!write_text("/sys/fs/cgroup/telerec-bench/cpu.max", text))
		return false;
	snprintf(text, sizeof(text), "%d", (int)pid);
	return write_text("/sys/fs/cgroup/telerec-bench/cgroup.procs", text);
}

static bool limit_v1(const char *quota, pid_t pid)
{
	char text[64];
	mkdir("/sys/fs/cgroup/cpu/telerec-bench", 0755);
	snprintf(text, sizeof(text), "%d", QUOTA_PERIOD_US);
	if (!write_text("/sys/fs/cgroup/cpu/telerec-bench/cpu.cfs_period_us", text) ||
		!write_text("/sys/fs/cgroup/cpu/telerec-bench/cpu.cfs_quota_us", quota))
		return false;
	snprintf(text, sizeof(text), "%d", (int)pid);
	return write_text("/sys/fs/cgroup/cpu/telerec-bench/cgroup.procs", text);
}

static bool limit(double cores, pid_t pid)
{
	char quota[32];
	int us = (int)(cores * QUOTA_PERIOD_US);
	snprintf(quota, sizeof(quota), "%d", us < 1000 ? 1000 : us);
	return limit_v2(quota, pid) || limit_v1(quota, pid);
}

static void remove_limit(void)
{
	rmdir("/sys/fs/cgroup/telerec-bench");
	rmdir("/sys/fs/cgroup/cpu/telerec-bench");
}

/* ---- the programs of a run ---- */

static void pause_s(double seconds)
{
	struct timespec time = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) == EINTR)
		continue;
}

static int start_x(struct run *run)
{
	char screen[32], number[16] = "";
	int fds[2];

	snprintf(screen, sizeof(screen), "%dx%dx24", run->width, run->height);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	TR_CLEANUP(tr_closep) int reader = fds[0];
	TR_CLEANUP(tr_closep) int writer = fds[1];
	const struct tr_child_fd map[] = {{writer, 3}};
	const char *const argv[] = {"Xvfb", "-displayfd", "3", "-screen", "0", screen, "-fbdir",
		run->folder, "-nolisten", "tcp", "-noreset", NULL};
	struct tr_child_settings settings = {.argv = argv, .fds = map, .fd_count = 1};
	int rc = tr_child_start(&settings, &run->x);
	if (rc < 0)
		return tr_fail(rc, "cannot start Xvfb");
	close(tr_take_fd(&writer));
	size_t got = 0; /* the number and the line's end come in two writes */
	while (got < sizeof(number) - 1 && read(reader, number + got, 1) == 1 &&
		number[got] != '\n')
		got++;
	if (got == 0)
		return tr_fail(-ENODEV, "Xvfb did not start");
	number[strcspn(number, "\n")] = '\0';
	snprintf(run->display, sizeof(run->display), ":%s", number);
	return 0;
}

static int start_content(struct run *run)
{
	char program[PATH_MAX + 20], size[32];
	struct stat log;

	snprintf(program, sizeof(program), "%s/bench-content", run->options->here);
	snprintf(size, sizeof(size), "%dx%d", run->width, run->height);
	const char *const argv[] = {
		program, run->display, bench_content_names[run->kind], size, run->log, NULL};
	struct tr_child_settings settings = {.argv = argv};
	int rc = tr_child_start(&settings, &run->content);
	if (rc < 0)
		return tr_fail(rc, "cannot start %s", program);
	for (int i = 0; i < 300; i++) {
		if (stat(run->log, &log) == 0 && log.st_size > 0)
			return 0;
		pause_s(0.1);
	}
	return tr_fail(-ETIMEDOUT, "the content does not draw");
}

/* The same tone for both sides, under the names that they know. Gives the environment's line. */
static int write_alsa_config(const struct run *run, char *line, size_t size)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/asound.conf", run->folder);
	snprintf(line, size, "ALSA_CONFIG_PATH=%s", path);
	FILE *config = fopen(path, "we");
	if (!config)
		return -errno;
	fprintf(config,
		"</usr/share/alsa/alsa.conf>\n"
		"pcm_type.benchtone { lib \"%s/libasound_module_pcm_benchtone.so\" }\n"
		"pcm.bsnoop { type benchtone }\n"
		"pcm.tone { type benchtone }\n",
		run->options->here);
	return fclose(config) == 0 ? 0 : -errno;
}

/* The command of Jibri's reference.conf, word by word, with a file for the stream's address. */
static int start_jibri(struct run *run)
{
	char size[32], screen[40], alsa[128];
	bool is_streaming = run->options->is_streaming;
	const char *argv[80] = {"ffmpeg", "-y", "-v", "info", "-f", "x11grab", "-draw_mouse", "0",
		"-r", "30", "-s", size, "-thread_queue_size", "4096", "-i", screen, "-f", "alsa",
		"-thread_queue_size", "4096", "-i", "plug:bsnoop", "-acodec", "aac", "-strict",
		"-2", "-ar", "44100", "-b:a", "128k", "-af", "aresample=async=1", "-c:v", "libx264",
		"-pix_fmt", "yuv420p", "-r", "30", "-crf", "25"};
	static const char *const recording[] = {"-preset", "ultrafast", "-profile:v", "main",
		"-level", "3.1", "-timestamp", "now", "-f", "mp4", NULL};
	static const char *const streaming[] = {"-preset", "veryfast", "-tune", "zerolatency", "-g",
		"60", "-maxrate", "2976k", "-bufsize", "5952k", "-timestamp", "now", "-f", "flv",
		NULL};
	unsigned count = 0;

	snprintf(size, sizeof(size), "%dx%d", run->width, run->height);
	snprintf(screen, sizeof(screen), "%s.0+0,0", run->display);
	while (argv[count])
		count++;
	for (const char *const *more = is_streaming ? streaming : recording; *more; more++)
		argv[count++] = *more;
	argv[count] = run->file;

	int rc = write_alsa_config(run, alsa, sizeof(alsa));
	if (rc < 0)
		return rc;

	const char *const envp[] = {alsa, "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", NULL};
	char log[128];
	snprintf(log, sizeof(log), "%s/recorder.log", run->folder);
	TR_CLEANUP(tr_closep) int out = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	const struct tr_child_fd map[] = {{out, 1}, {out, 2}};
	struct tr_child_settings settings = {.argv = argv, .envp = envp, .fds = map, .fd_count = 2};
	return tr_child_start(&settings, &run->recorder);
}

static int start_ours(struct run *run)
{
	char size[32], seconds[16], log[128], alsa[128];
	const struct options *options = run->options;
	const char *argv[24] = {options->slot, "--grab-only", run->display, "--fbdir", run->folder,
		"--size", size, "--rate", "30", "--for", seconds, "--to", run->file, "--sound",
		"tone"};
	unsigned count = 15;

	snprintf(size, sizeof(size), "%dx%d", run->width, run->height);
	snprintf(seconds, sizeof(seconds), "%u", WARM_S + options->seconds + TAIL_S);
	if (options->quality) {
		argv[count++] = "--quality";
		argv[count++] = options->quality;
	}
	if (options->is_streaming) {
		argv[count++] = "--kbps";
		argv[count++] = options->stream_kbit;
		argv[count++] = "--constant-rate";
		argv[count++] = "--key-interval";
		argv[count++] = "2s";
	}
	snprintf(log, sizeof(log), "%s/recorder.log", run->folder);
	TR_CLEANUP(tr_closep) int out = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	const struct tr_child_fd map[] = {{out, 1}, {out, 2}};
	int rc = write_alsa_config(run, alsa, sizeof(alsa));
	if (rc < 0)
		return rc;
	const char *const envp[] = {alsa, "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", NULL};
	struct tr_child_settings settings = {.argv = argv, .envp = envp, .fds = map, .fd_count = 2};
	return tr_child_start(&settings, &run->recorder);
}

static bool is_ffmpeg(const struct run *run)
{
	return run->side == SIDE_JIBRI || run->options->is_ours_ffmpeg;
}

static int start_recorder(struct run *run)
{
	bool is_stream_file = run->options->is_streaming && is_ffmpeg(run);
	snprintf(run->file, sizeof(run->file), "%s/out.%s", run->folder,
		is_stream_file ? "flv" : "mp4");
	int rc = is_ffmpeg(run) ? start_jibri(run) : start_ours(run);
	if (rc < 0)
		return tr_fail(rc, "cannot start the recorder (%s)", side_names[run->side]);
	if (run->quota > 0 && !limit(run->quota, run->recorder.pid))
		return -EACCES; /* the caller says "skipped" */
	return 0;
}

static void stop_all(struct run *run)
{
	tr_child_stop(&run->recorder, 15000);
	tr_child_stop(&run->content, 2000);
	tr_child_stop(&run->x, 5000);
}

/* ---- measuring ---- */

static int measure(struct run *run, struct figures *ret)
{
	struct bench_usage first = {0}, now = {0}, x_first, x_now;
	bool has_recorder = run->side != SIDE_NONE;
	double seconds = run->options->seconds, peak_kb = 0;

	pause_s(WARM_S);
	int64_t start_ns = tr_clock_now_ns();
	int rc = bench_usage_read(run->x.pid, &x_first);
	if (rc == 0 && has_recorder)
		rc = bench_usage_read(run->recorder.pid, &first);
	for (unsigned i = 0; rc == 0 && i < run->options->seconds; i++) {
		int64_t due_ns = start_ns + (int64_t)(i + 1) * TR_NS_PER_S;
		pause_s((double)(due_ns - tr_clock_now_ns()) / 1e9);
		if (has_recorder)
			rc = bench_usage_read(run->recorder.pid, &now);
		peak_kb = (double)now.pss_kb > peak_kb ? (double)now.pss_kb : peak_kb;
	}
	if (rc == 0)
		rc = bench_usage_read(run->x.pid, &x_now);
	if (rc < 0)
		return tr_fail(rc,
			"the recorder (%s) ended early; see its recorder.log with --keep",
			side_names[run->side]);
	seconds = (double)(tr_clock_now_ns() - start_ns) / 1e9;
	ret->cpu = (now.cpu_s - first.cpu_s) / seconds;
	ret->x_cpu = (x_now.cpu_s - x_first.cpu_s) / seconds;
	ret->switches = (double)(now.switches - first.switches) / seconds;
	ret->peak_mb = peak_kb / 1024;
	ret->hwm_mb = (double)now.peak_kb / 1024;
	ret->growth_mb_s = ((double)now.pss_kb - (double)first.pss_kb) / 1024 / seconds;
	return 0;
}

/* Jibri's way to stop is SIGINT; ours was given its length. */
static int finish(struct run *run, struct figures *ret)
{
	const struct options *options = run->options;
	struct stat file;
	double stop_s = 0;

	if (is_ffmpeg(run)) {
		pause_s(TAIL_S);
		stop_s = (double)tr_clock_now_ns() / 1e9;
		tr_child_kill(&run->recorder, SIGINT);
	}
	if (tr_child_wait(&run->recorder, 30000) == -ETIMEDOUT)
		return tr_fail(-ETIMEDOUT, "the recorder (%s) does not end", side_names[run->side]);
	stop_all(run);
	int rc = bench_analyse(run->file, run->log, run->kind, run->width, run->height,
		options->step, &ret->analysis);
	if (rc < 0 || stat(run->file, &file) < 0)
		return rc < 0 ? rc : -errno;
	ret->bytes = (double)file.st_size / ret->analysis.duration_s;
	ret->clock_s = stop_s > 0 ? stop_s - ret->analysis.first_put_s
				  : WARM_S + options->seconds + TAIL_S;
	return 0;
}

static int run_once(struct run *run, struct figures *ret)
{
	strcpy(run->folder, "/dev/shm/telerec-bench-XXXXXX");
	if (!mkdtemp(run->folder))
		return -errno;
	snprintf(run->log, sizeof(run->log), "%s/put.log", run->folder);
	int rc = start_x(run);
	if (rc == 0)
		rc = start_content(run);
	if (rc == 0 && run->side != SIDE_NONE)
		rc = start_recorder(run);
	if (rc == 0)
		rc = measure(run, ret);
	if (rc == 0 && run->side != SIDE_NONE)
		rc = finish(run, ret);
	stop_all(run);
	remove_limit();
	if (!getenv("BENCH_KEEP"))
		tr_file_remove_tree(run->folder);
	else
		fprintf(stderr, "kept %s (%s)\n", run->folder, side_names[run->side]);
	return rc;
}

/* ---- the table ---- */

static void print_one(const struct options *options, const struct run *run, const struct figures *f)
{
	const struct bench_analysis *a = &f->analysis;
	static const char text[] =
		"%-8s %dx%d %-11s core %.3f  X %.3f  switches/s %4.0f  MB %.0f (HWM %.0f, %+.2f/s)  "
		"kB/s %.1f  ssim %.5f (worst %.4f) psnr %.2f  drawn %zu lost %zu (run %zu, second %zu) "
		"repeated %zu late %zu unreadable %zu  time error ms %.1f p95 %.1f max %.1f drift %.2f/s  "
		"gap %.3f s  file %.2f s of %.2f  sound %.2f s breaks %zu\n";
	printf(text, bench_content_names[run->kind], run->width, run->height, side_names[run->side],
		f->cpu, f->x_cpu, f->switches, f->peak_mb, f->hwm_mb, f->growth_mb_s,
		f->bytes / 1000, a->ssim, a->ssim_worst, a->psnr, a->drawn, a->lost,
		a->longest_lost_run, a->lost_worst_second, a->repeated, a->late, a->unreadable,
		a->time_error_mean_ms, a->time_error_p95_ms, a->time_error_max_ms,
		a->time_drift_ms_per_s, a->longest_gap_s, a->duration_s, f->clock_s, a->sound_s,
		a->sound_breaks);
	fflush(stdout);
	if (!options->json)
		return;
	fprintf(options->json,
		"{\"content\": \"%s\", \"size\": \"%dx%d\", \"side\": \"%s\", \"quota\": %.3f, "
		"\"core\": %.4f, \"x_core\": %.4f, \"switches_per_s\": %.1f, \"peak_mb\": %.1f, "
		"\"growth_mb_per_s\": %.3f, \"bytes_per_s\": %.0f, \"ssim\": %.6f, \"psnr\": %.3f, "
		"\"recorded\": %zu, \"drawn\": %zu, \"lost\": %zu, \"longest_lost_run\": %zu, "
		"\"lost_worst_second\": %zu, \"repeated\": %zu, \"late\": %zu, \"unreadable\": %zu, "
		"\"time_error_mean_ms\": %.2f, \"time_error_p95_ms\": %.2f, \"time_error_max_ms\": %.2f, "
		"\"duration_s\": %.3f, \"clock_s\": %.3f, \"sound_s\": %.3f, \"sound_breaks\": %zu}\n",
		bench_content_names[run->kind], run->width, run->height, side_names[run->side],
		run->quota, f->cpu, f->x_cpu, f->switches, f->peak_mb, f->growth_mb_s, f->bytes,
		a->ssim, a->psnr, a->recorded, a->drawn, a->lost, a->longest_lost_run,
		a->lost_worst_second, a->repeated, a->late, a->unreadable, a->time_error_mean_ms,
		a->time_error_p95_ms, a->time_error_max_ms, a->duration_s, f->clock_s, a->sound_s,
		a->sound_breaks);
	fflush(options->json);
}

static double median(const struct figures *list, unsigned count, size_t offset)
{
	double values[ROUNDS_MAX];
	for (unsigned i = 0; i < count; i++)
		memcpy(&values[i], (const char *)&list[i] + offset, sizeof(double));
	return bench_numbers_percentile(values, count, 0.5);
}

#define MEDIAN(side, member) median(rounds[side], count, offsetof(struct figures, member))

static void print_ratios(const struct run *run, struct figures rounds[SIDE_COUNT][ROUNDS_MAX],
	unsigned count, double idle_x)
{
	double jibri = MEDIAN(SIDE_JIBRI, cpu), jibri_x = MEDIAN(SIDE_JIBRI, x_cpu) - idle_x;
	double ours = MEDIAN(SIDE_OURS, cpu), ours_x = MEDIAN(SIDE_OURS, x_cpu) - idle_x;

	printf("= %-8s %dx%d  ours/Jibri: recorder %.3f (%.3f / %.3f), recorder and X for it %.3f "
	       "(X %.3f / %.3f, idle %.3f), memory %.2f, bytes %.2f, switches %.2f, ssim %+.5f\n",
		bench_content_names[run->kind], run->width, run->height, ours / jibri, ours, jibri,
		(ours + ours_x) / (jibri + jibri_x), ours_x, jibri_x, idle_x,
		MEDIAN(SIDE_OURS, peak_mb) / MEDIAN(SIDE_JIBRI, peak_mb),
		MEDIAN(SIDE_OURS, bytes) / MEDIAN(SIDE_JIBRI, bytes),
		MEDIAN(SIDE_OURS, switches) / MEDIAN(SIDE_JIBRI, switches),
		MEDIAN(SIDE_OURS, analysis.ssim) - MEDIAN(SIDE_JIBRI, analysis.ssim));
	fflush(stdout);
}

static void print_quota(const struct figures *f)
{
	const struct bench_analysis *a = &f->analysis;
	double share = a->drawn ? (double)a->lost / (double)a->drawn : 0;
	bool is_long = fabs(a->duration_s - f->clock_s) < 1;
	bool is_even = (double)a->lost_worst_second <= share * BENCH_CONTENT_RATE * 1.5 + 5;

	printf("  as long as the clock: %s  time error < 40 ms: %s  memory flat: %s  losses even: %s  "
	       "sound whole: %s\n",
		is_long ? "yes" : "NO", a->time_error_p95_ms < 40 ? "yes" : "NO",
		f->growth_mb_s < 1 ? "yes" : "NO", is_even ? "yes" : "NO",
		a->sound_breaks == 0 && fabs(a->sound_s - f->clock_s) < 1 ? "yes" : "NO");
}

static int run_quota(struct run *run, struct figures rounds[SIDE_COUNT][ROUNDS_MAX], unsigned count)
{
	for (enum side side = SIDE_JIBRI; side <= SIDE_OURS; side++) {
		struct figures figures = {0};
		run->side = side;
		run->quota = MEDIAN(side, cpu) * run->options->quota_percent / 100;
		int rc = run_once(run, &figures);
		if (rc == -EACCES) {
			puts("  quota: skipped: no CPU controller of a cgroup can be written here");
			break;
		}
		if (rc < 0)
			return rc;
		printf("quota %.3f core: ", run->quota);
		print_one(run->options, run, &figures);
		print_quota(&figures);
	}
	run->quota = 0;
	return 0;
}

/* All rounds of one content at one size: Jibri's and ours in turn, the first one changing. */
static int run_case(const struct options *options, enum bench_content_kind kind, const int size[2])
{
	static struct figures rounds[SIDE_COUNT][ROUNDS_MAX]; /* too large for a stack frame */
	struct run run = {.options = options, .kind = kind, .width = size[0], .height = size[1]};

	memset(rounds, 0, sizeof(rounds));
	int rc = run_once(&run, &rounds[SIDE_NONE][0]);
	double idle_x = rounds[SIDE_NONE][0].x_cpu;
	for (unsigned round = 0; rc == 0 && round < options->rounds; round++)
		for (unsigned i = 0; rc == 0 && i < 2; i++) {
			run.side = (i + round) % 2 ? SIDE_OURS : SIDE_JIBRI;
			rc = run_once(&run, &rounds[run.side][round]);
			if (rc == 0)
				print_one(options, &run, &rounds[run.side][round]);
		}
	if (rc == 0)
		print_ratios(&run, rounds, options->rounds, idle_x);
	if (rc == 0 && options->quota_percent)
		rc = run_quota(&run, rounds, options->rounds);
	return rc;
}

static int want_contents(struct options *options, char *list)
{
	memset(options->is_wanted, 0, sizeof(options->is_wanted));
	for (char *save, *word = strtok_r(list, ",", &save); word;
		word = strtok_r(NULL, ",", &save)) {
		int kind = 0;
		while (bench_content_names[kind] && strcmp(word, bench_content_names[kind]) != 0)
			kind++;
		if (kind == BENCH_CONTENT_COUNT)
			return -EINVAL;
		options->is_wanted[kind] = true;
	}
	return 0;
}

static int parse_number(const char *text, int64_t max, unsigned *ret)
{
	int64_t value = 0;
	int rc = tr_text_parse_int(text, 1, max, &value);
	*ret = (unsigned)value;
	return rc;
}

static int apply(struct options *o, int option, char *value)
{
	unsigned percent = 0;
	char *sign;
	int rc = 0;

	switch (option) {
	case 'c':
		return want_contents(o, value);
	case 'S':
		o->size_count = 1;
		return tr_text_parse_size(value, &o->sizes[0][0], &o->sizes[0][1]);
	case 's':
		return parse_number(value, 36000, &o->seconds);
	case 'r':
		return parse_number(value, ROUNDS_MAX, &o->rounds);
	case 't':
		return parse_number(value, 100000, &o->step);
	case 'q':
		if ((sign = strchr(value, '%')))
			*sign = '\0';
		rc = parse_number(value, 100, &percent);
		o->quota_percent = (int)percent;
		return rc;
	case 'p':
		o->is_streaming = strcmp(value, "streaming") == 0;
		return o->is_streaming || strcmp(value, "recording") == 0 ? 0 : -EINVAL;
	case 'o':
		o->is_ours_ffmpeg = strcmp(value, "ffmpeg") == 0;
		snprintf(o->slot, sizeof(o->slot), "%s", value);
		return 0;
	case 'Q':
		o->quality = value;
		return 0;
	case 'j':
		o->json = fopen(value, "ae");
		return o->json ? 0 : -errno;
	case 'k': {
		char one[] = "speaker";
		o->size_count = 1;
		o->sizes[0][0] = 1280, o->sizes[0][1] = 720;
		o->seconds = 5;
		o->rounds = 1;
		return want_contents(o, one);
	}
	default:
		return -EINVAL;
	}
}

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {{"contents", 1, NULL, 'c'}, {"size", 1, NULL, 'S'},
		{"seconds", 1, NULL, 's'}, {"rounds", 1, NULL, 'r'}, {"step", 1, NULL, 't'},
		{"quota", 1, NULL, 'q'}, {"preset", 1, NULL, 'p'}, {"ours", 1, NULL, 'o'},
		{"quality", 1, NULL, 'Q'}, {"json", 1, NULL, 'j'}, {"quick", 0, NULL, 'k'}, {0}};
	int option, rc = 0;

	while (rc == 0 && (option = getopt_long(argc, argv, "", known, NULL)) != -1)
		rc = apply(options, option, optarg);
	return optind == argc ? rc : -EINVAL;
}

int main(int argc, char **argv)
{
	struct options options = {.sizes = {{1280, 720}, {1920, 1080}},
		.size_count = 2,
		.is_wanted = {true, true, true, true},
		.seconds = 10,
		.rounds = 3,
		.step = 11,
		.stream_kbit = "2976"};
	ssize_t length = readlink("/proc/self/exe", options.here, sizeof(options.here) - 1);

	if (length <= 0)
		return 1;
	options.here[length] = '\0';
	dirname(options.here);
	snprintf(options.slot, sizeof(options.slot), "%.*s/telerec-slot", PATH_MAX - 20,
		options.here);
	if (parse(argc, argv, &options) < 0) {
		fputs("usage: bench-capture [--size WxH] [--contents slides,speaker,gallery,full]\n"
		      "  [--preset recording|streaming] [--seconds N] [--rounds N] [--step PICTURES]\n"
		      "  [--quota 50%] [--quality Q] [--ours PATH|ffmpeg] [--json FILE] [--quick]\n"
		      "BENCH_KEEP=1 keeps the files. See tests/bench/README.md.\n",
			stderr);
		return 2;
	}
	int rc = 0;
	for (unsigned size = 0; size < options.size_count; size++)
		for (int kind = 0; kind < BENCH_CONTENT_COUNT && rc == 0; kind++)
			if (options.is_wanted[kind])
				rc = run_case(&options, (enum bench_content_kind)kind,
					options.sizes[size]);
	if (options.json)
		fclose(options.json);
	return rc < 0;
}
