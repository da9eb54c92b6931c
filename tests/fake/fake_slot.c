/*
 * A double of telerec-slot for tests of its parent: speaks the real protocol strictly, records
 * nothing, and misbehaves on order. FAKE_SLOT names the order:
 *
 *   finish        records until stop or until the time is over, then finishes
 *   fail          says page_failed when told to start
 *   no_display    says so instead of ready
 *   die_once      dies in the middle; when resumed it finishes
 *   die_always    dies in the middle, each time
 *   die_early     dies before it is ready
 *   die_finishing dies when told to stop; when resumed and stopped it finishes
 *   deaf          records and ignores stop and SIGTERM
 *   babble        sends what is no message
 *
 * Each runtime folder is noted in the file FAKE_SLOT_NOTES. A wrong message ends it with code 99
 * and a line on standard error.
 */
#include "core/clock.h"
#include "protocol/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct fake {
	const char *order;
	struct tr_line *line;
	struct tr_message_start start;
	int folder;
	bool is_recording;
	int64_t started_ns;
};

static void require(bool is_right, const char *what)
{
	if (is_right)
		return;
	fprintf(stderr, "fake slot: wrong: %s\n", what);
	_exit(99);
}

static bool is_order(const struct fake *fake, const char *order)
{
	return !strcmp(fake->order, order);
}

static void send_message(struct fake *fake, const struct tr_message *message)
{
	if (tr_message_send(fake->line, message, -1) < 0)
		_exit(98);
}

static void write_file(const struct fake *fake, const char *ending)
{
	char name[NAME_MAX];

	snprintf(name, sizeof(name), "%.100s%s", fake->start.name, ending);
	int fd = openat(fake->folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	require(fd >= 0 && write(fd, "data", 4) == 4, "the folder can be written");
	close(fd);
}

static void on_configure(struct fake *fake, const struct tr_message_configure *configure)
{
	const struct tr_message ready = {
		.type = TR_MESSAGE_READY, .ready = {"fake", "fake", ":0", "Fake 1.0"}};
	struct stat st;

	require(stat(configure->runtime_dir, &st) == 0 && (st.st_mode & 0777) == 0700,
		"the runtime folder is private");
	FILE *notes = fopen(getenv("FAKE_SLOT_NOTES"), "a");
	require(notes != NULL, "there is a file for notes");
	fprintf(notes, "%s\n", configure->runtime_dir);
	fclose(notes);
	require((getuid() == 0) == (configure->user[0] != '\0'), "root names a user to become");
	require(getuid() != 0 || st.st_uid != 0, "the runtime folder is that user's");
	if (is_order(fake, "die_early"))
		_exit(7);
	if (is_order(fake, "no_display")) {
		if (tr_message_send_failed(fake->line, TR_REASON_NO_DISPLAY, NULL, "no X") < 0)
			_exit(98);
		return;
	}
	send_message(fake, &ready);
}

static void on_start(struct fake *fake, const struct tr_message_start *start, int folder)
{
	fake->start = *start;
	fake->folder = folder;
	require(folder >= 0, "start comes with a folder");
	if (is_order(fake, "fail")) {
		if (tr_message_send_failed(fake->line, TR_REASON_PAGE_FAILED, NULL, "no page") < 0)
			_exit(98);
		return;
	}
	if (is_order(fake, "babble")) {
		json_t *odd = json_pack("{s:s}", "type", "babble");
		if (tr_line_send(fake->line, odd, -1) < 0)
			_exit(98);
	}
	write_file(fake, start->is_resume ? ".part-002.mp4" : ".part-001.mp4");
	fake->is_recording = true;
	fake->started_ns = tr_clock_now_ns();
}

static void finish(struct fake *fake)
{
	struct tr_message message = {.type = TR_MESSAGE_FINISHED};
	struct tr_message_finished *finished = &message.finished;

	write_file(fake, ".mp4");
	snprintf(finished->file, sizeof(finished->file), "%.100s.mp4", fake->start.name);
	snprintf(finished->report, sizeof(finished->report), "report.json");
	snprintf(finished->grade, sizeof(finished->grade), "A");
	finished->duration_ms = 1000;
	finished->bytes = 4;
	fake->is_recording = false;
	send_message(fake, &message);
}

static void on_message(struct fake *fake, const struct tr_message *message, int folder)
{
	switch (message->type) {
	case TR_MESSAGE_CONFIGURE:
		on_configure(fake, &message->configure);
		break;
	case TR_MESSAGE_START:
		on_start(fake, &message->start, folder);
		break;
	case TR_MESSAGE_STOP:
		require(fake->is_recording, "stop comes while it records");
		if (is_order(fake, "die_finishing") && !fake->start.is_resume)
			raise(SIGKILL);
		if (!is_order(fake, "deaf"))
			finish(fake);
		break;
	case TR_MESSAGE_QUIT:
		if (!is_order(fake, "deaf"))
			_exit(0);
		break;
	default:
		require(false, "a parent does not say this");
	}
}

static void record_a_little(struct fake *fake)
{
	struct tr_message message = {.type = TR_MESSAGE_PROGRESS};
	int64_t time_ms = (tr_clock_now_ns() - fake->started_ns) / TR_NS_PER_MS;

	message.progress.time_ms = time_ms;
	message.progress.peak_db = -12;
	send_message(fake, &message);
	bool dies = is_order(fake, "die_always") ||
		    (is_order(fake, "die_once") && !fake->start.is_resume);
	if (dies && time_ms >= 40)
		raise(SIGKILL);
	if (fake->start.duration_ms > 0 && time_ms >= fake->start.duration_ms)
		finish(fake);
}

int main(int argc, char **argv)
{
	struct fake fake = {.order = getenv("FAKE_SLOT"), .folder = -1};
	struct tr_message message;
	char why[300];

	require(argc == 3 && !strcmp(argv[1], "--control-fd") && !strcmp(argv[2], "3"),
		"--control-fd 3");
	require(fake.order && tr_line_create(3, &fake.line) == 0, "a socket and an order");
	if (is_order(&fake, "deaf"))
		signal(SIGTERM, SIG_IGN);
	for (;;) {
		struct pollfd fd = {.fd = 3, .events = POLLIN};
		int folder = -1;
		poll(&fd, 1, fake.is_recording ? 20 : -1);
		int rc = tr_message_receive(fake.line, &message, &folder, why, sizeof(why));
		require(rc != -EPROTO, why);
		if (rc == -EPIPE)
			_exit(97);
		if (rc == 0)
			on_message(&fake, &message, folder);
		if (fake.is_recording)
			record_a_little(&fake);
	}
}
