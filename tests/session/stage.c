#include "test.h"

#include "stage.h"

#include "core/clock.h"
#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <X11/Xlib.h>

/* libX11 unlocks a display twice when its connection breaks; it does nobody any harm. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "mutex:libX11.so\n";
}

static bool has_xvfb(void)
{
	return access("/usr/bin/Xvfb", X_OK) == 0 || access("/usr/local/bin/Xvfb", X_OK) == 0;
}

int stage_check(void)
{
	signal(SIGPIPE, SIG_IGN);
	if (!has_xvfb()) {
		printf("skipped: Xvfb is not installed\n");
		return 77;
	}
	if (geteuid() == 0 && mkdir("/tmp/.X11-unix", 01777) == 0 &&
		chmod("/tmp/.X11-unix", 01777) < 0)
		return 1;
	return 0;
}

void stage_open(struct stage *stage)
{
	*stage = (struct stage){.dir = "/tmp/telerec-test-XXXXXX"};
	assert_non_null(mkdtemp(stage->dir));
	struct tr_xserver_settings settings = {.runtime_dir = stage->dir,
		.width = STAGE_WIDTH,
		.height = STAGE_HEIGHT,
		.rate = STAGE_RATE};
	assert_int_equal(tr_xserver_start(&settings, &stage->server), 0);
}

void stage_close(struct stage *stage)
{
	tr_xserver_stop(&stage->server);
	tr_file_remove_tree(stage->dir);
}

void stage_fill(const struct stage *stage, unsigned long colour)
{
	Display *display = XOpenDisplay(stage->server.display);
	assert_non_null(display);
	GC gc = XCreateGC(display, DefaultRootWindow(display), 0, NULL);
	XSetForeground(display, gc, colour);
	XFillRectangle(display, DefaultRootWindow(display), gc, 0, 0, STAGE_WIDTH, STAGE_HEIGHT);
	XFreeGC(display, gc);
	XCloseDisplay(display);
}

struct tr_video_track_settings stage_video(const struct tr_xserver *server)
{
	static char program[512];

	snprintf(program, sizeof(program), "%s/telerec-encoder", getenv("TR_BUILD_DIR"));
	return (struct tr_video_track_settings){
		.display = server ? server->display : ":63999",
		.frame_buffer = server ? server->frame_buffer : NULL,
		.encoder = {.program = program,
			.video = {.width = STAGE_WIDTH,
				.height = STAGE_HEIGHT,
				.rate = STAGE_RATE,
				.quality = 20}},
	};
}

static int count_entries(const char *path)
{
	int count = 0;
	DIR *dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Whether the process is a child of ours, of that program unless `name` is NULL. */
static bool is_child(const char *number, const char *name)
{
	char path[300], line[512] = "";
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%s/stat", number);
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	char *name_end = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	if (!name_end || sscanf(name_end, ") %*c %d", &parent) != 1 || parent != getpid())
		return false;
	*name_end = '\0';
	return !name || !strcmp(strchr(line, '(') + 1, name);
}

static int find_children(const char *name, pid_t *ret_last)
{
	int count = 0;
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			is_child(entry->d_name, name)) {
			*ret_last = atoi(entry->d_name);
			count++;
		}
	closedir(dir);
	return count;
}

pid_t stage_find_encoder(void)
{
	pid_t pid = 0;
	assert_int_equal(find_children("telerec-encoder", &pid), 1);
	return pid;
}

static int count_children(void)
{
	pid_t last;
	return find_children(NULL, &last);
}

struct stage_count stage_count(void)
{
	return (struct stage_count){
		.fds = count_entries("/proc/self/fd"),
		.threads = count_entries("/proc/self/task"),
		.children = count_children(),
	};
}

void stage_sleep_until(int64_t at_ns)
{
	struct timespec at = {at_ns / TR_NS_PER_S, at_ns % TR_NS_PER_S};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}
