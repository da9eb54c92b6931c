/*
 * A double of telerec-slot for tests of its parent: speaks the real protocol strictly, records
 * nothing, and misbehaves on order. An order is one of those below; FAKE_SLOT names it, or for one
 * recording the last word of its URL (with mode "file" and "stream" only).
 *
 *   finish        records until stop or until the time is over, then finishes
 *   fail          says page_failed when told to start
 *   no_display    says so instead of ready
 *   die_once      dies in the middle; when resumed it finishes
 *   die_always    dies in the middle, each time
 *   die_early     dies before it is ready
 *   die_finishing dies when told to stop; when resumed and stopped it finishes
 *   late          is ready only when it is given 1.5 s for that
 *   deaf          records and ignores stop and SIGTERM
 *   babble        sends what is no message
 *
 * and of a meeting:
 *
 *   slow          never gets as far as started, until it is stopped
 *   die_pending   dies before started; when resumed it finishes
 *   die_twice     as die_once, and once more after the first resume
 *   hang          says nothing any more in the middle; when resumed it finishes
 *   deaf_stop     hears no stop, but goes on saying how it is
 *   die_after     dies after stopped, before its files are made; told to finish, it does
 *   die_over      dies whenever it shall make the files
 *   no_room       has no room to make the files; told to finish, it has
 *   finish_late   makes the files only when a file "go" is in the folder
 *   empty         everybody leaves in the middle
 *   no_media      nothing comes in: fails in the middle, with files
 *   join_failed   cannot get into the meeting
 *   disk_full     the disk is full in the middle
 *   narrow        writes a MB a second, and has room for one more
 *   unwell        fails, and is idle again only half a second later
 *
 * and of a stream:
 *
 *   refused       every server refuses it
 *   unreachable   no server is left, in the middle
 *
 * Each runtime folder is noted in the file FAKE_SLOT_NOTES; what it was told in FAKE_SLOT_LOG, when
 * that is set; what of streams it was told in FAKE_SLOT_STREAMS, a JSON object a line. With
 * FAKE_SLOT_TALKS it logs a line. A wrong
 * message ends it with code 99 and a line on standard error.
 */
#include "core/clock.h"
#include "protocol/message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#define MIDDLE_MS 40
#define JOBS_MAX 8

/* A recording whose files are to be made. */
struct job {
	char session_id[TR_MESSAGE_NAME_MAX];
	char name[TR_MESSAGE_NAME_MAX];
	char order[40];
	int folder;
	bool is_without_file;
};

struct fake {
	char order[40];
	struct tr_line *line;
	int slot;
	struct tr_message_start start;
	int folder;
	bool is_configured, is_ready, is_recording, is_started, is_hung;
	int64_t started_ns;
	int64_t idle_ns; /* when it is idle again; 0: it is, or records */
	struct job jobs[JOBS_MAX];
	unsigned job_count;
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

static bool is_meeting(const struct fake *fake)
{
	return !strcmp(fake->start.mode, "file") || !strcmp(fake->start.mode, "stream");
}

static void note(const struct fake *fake, const char *what, const char *session_id)
{
	const char *path = getenv("FAKE_SLOT_LOG");
	FILE *file = path ? fopen(path, "a") : NULL;

	if (!file)
		return;
	fprintf(file, "%d %s %s\n", fake->slot, what, session_id);
	fclose(file);
}

static void note_streams(const struct tr_message_start *start)
{
	const char *path = getenv("FAKE_SLOT_STREAMS");
	FILE *file = path ? fopen(path, "a") : NULL;

	if (!file)
		return;
	json_t *line = json_pack("{s:s, s:s, s:o, s:b, s:b, s:i, s:i, s:I, s:s, s:s}", "session",
		start->session_id, "mode", start->mode, "streams",
		start->streams[0] ? json_loads(start->streams, 0, NULL) : json_array(), "file",
		!start->is_without_file, "constant_rate", start->constant_rate, "kbps",
		start->video_kbps, "buffer_kbit", start->buffer_kbit, "key_interval_ms",
		(json_int_t)start->key_interval_ms, "ca_file", start->stream_ca_file, "view_url",
		start->view_url);
	json_dumpf(line, file, JSON_COMPACT | JSON_SORT_KEYS);
	fputc('\n', file);
	json_decref(line);
	fclose(file);
}

static void send_message(struct fake *fake, const struct tr_message *message)
{
	if (tr_message_send(fake->line, message, -1) < 0)
		_exit(98);
}

static void send_state(struct fake *fake, const char *word)
{
	struct tr_message message = {.type = TR_MESSAGE_STATE};

	snprintf(message.state.state, sizeof(message.state.state), "%s", word);
	send_message(fake, &message);
}

static void send_failed(struct fake *fake, enum tr_reason reason, const char *sentence)
{
	struct tr_message message = {.type = TR_MESSAGE_FAILED,
		.failed = {.reason = reason, .exit_code = tr_reason_exit_code(reason)}};

	snprintf(message.failed.sentence, sizeof(message.failed.sentence), "%s", sentence);
	send_message(fake, &message);
}

static void write_file(int folder, const char *name, const char *ending)
{
	char path[NAME_MAX];

	snprintf(path, sizeof(path), "%.100s%s", name, ending);
	int fd = openat(folder, path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	require(fd >= 0 && write(fd, "data", 4) == 4, "the folder can be written");
	close(fd);
}

static void on_configure(struct fake *fake, const struct tr_message_configure *configure)
{
	struct tr_message ready = {
		.type = TR_MESSAGE_READY, .ready = {"fake", "fake", ":0", "Fake 1.0"}};
	struct stat st;

	require(!fake->is_configured, "configure comes once");
	fake->is_configured = true;
	fake->slot = configure->slot;
	if (configure->display[0])
		memcpy(ready.ready.display, configure->display, sizeof(ready.ready.display));
	if (configure->runtime_dir[0]) {
		require(stat(configure->runtime_dir, &st) == 0 && (st.st_mode & 0777) == 0700,
			"the runtime folder is private");
		FILE *notes = fopen(getenv("FAKE_SLOT_NOTES"), "a");
		require(notes != NULL, "there is a file for notes");
		fprintf(notes, "%s\n", configure->runtime_dir);
		fclose(notes);
		require((getuid() == 0) == (configure->user[0] != '\0'),
			"root names a user to become");
		require(getuid() != 0 || st.st_uid != 0, "the runtime folder is that user's");
	}
	note(fake, "configure", "-");
	if (getenv("FAKE_SLOT_TALKS"))
		fprintf(stderr, "slot %d: warning: fake: configured\n", fake->slot);
	if (is_order(fake, "die_early"))
		_exit(7);
	if (is_order(fake, "no_display")) {
		fake->is_ready = true; /* never */
		send_failed(fake, TR_REASON_NO_DISPLAY, "no X");
		return;
	}
	if (is_order(fake, "late") && configure->ready_ms < 1500)
		return; /* it needs longer */
	send_state(fake, "idle");
	if (!configure->is_told_encoders)
		send_message(fake, &ready);
}

/* With a GPU it has what FAKE_SLOT_ENCODERS says. */
static void on_encoders(struct fake *fake, const char *found)
{
	const struct tr_message ready = {
		.type = TR_MESSAGE_READY, .ready = {"fake", "fake", ":0", "Fake 1.0"}};
	struct tr_message *message = calloc(1, sizeof(*message));
	const char *own = getenv("FAKE_SLOT_ENCODERS");

	require(message != NULL, "memory");
	note(fake, found[0] ? "encoders" : "look", "-");
	if (!found[0]) {
		message->type = TR_MESSAGE_ENCODERS;
		snprintf(message->encoders.found, sizeof(message->encoders.found), "%s",
			own ? own : "{}");
		send_message(fake, message);
	}
	free(message);
	if (!fake->is_ready)
		send_message(fake, &ready);
	fake->is_ready = true;
}

/* ---- files ---- */

static void make_files(struct fake *fake, unsigned index)
{
	struct job *job = &fake->jobs[index];
	struct tr_message message = {.type = TR_MESSAGE_FINISHED};
	struct tr_message_finished *finished = &message.finished;

	snprintf(finished->session_id, sizeof(finished->session_id), "%s", job->session_id);
	if (!job->is_without_file) {
		write_file(job->folder, job->name, ".mp4");
		snprintf(finished->file, sizeof(finished->file), "%.100s.mp4", job->name);
	}
	snprintf(finished->report, sizeof(finished->report), "report.json");
	snprintf(finished->grade, sizeof(finished->grade), "A");
	finished->duration_ms = 1000;
	finished->bytes = 4;
	send_message(fake, &message);
	note(fake, "finished", job->session_id);
	close(job->folder);
	fake->jobs[index] = fake->jobs[--fake->job_count];
}

static void refuse_files(struct fake *fake, unsigned index)
{
	struct job *job = &fake->jobs[index];
	struct tr_message message = {.type = TR_MESSAGE_FAILED};
	struct tr_message_failed *failed = &message.failed;

	snprintf(failed->session_id, sizeof(failed->session_id), "%s", job->session_id);
	failed->reason = TR_REASON_DISK_FULL;
	snprintf(failed->sentence, sizeof(failed->sentence), "no room");
	failed->exit_code = tr_reason_exit_code(TR_REASON_DISK_FULL);
	snprintf(failed->file, sizeof(failed->file), "%.100s.part-001.mp4", job->name);
	send_message(fake, &message);
	close(job->folder);
	fake->jobs[index] = fake->jobs[--fake->job_count];
}

static void add_job(
	struct fake *fake, const char *session_id, const char *name, const char *order, int folder)
{
	require(fake->job_count < JOBS_MAX, "not too many recordings to finish");
	struct job *job = &fake->jobs[fake->job_count++];
	snprintf(job->session_id, sizeof(job->session_id), "%s", session_id);
	snprintf(job->name, sizeof(job->name), "%s", name);
	snprintf(job->order, sizeof(job->order), "%s", order);
	job->folder = folder;
	job->is_without_file = false;
}

static void work_on_jobs(struct fake *fake)
{
	for (unsigned i = 0; i < fake->job_count; i++) {
		const struct job *job = &fake->jobs[i];
		if (!strcmp(job->order, "finish_late") && faccessat(job->folder, "go", F_OK, 0) < 0)
			continue;
		if (!strcmp(job->order, "die_after") || !strcmp(job->order, "die_over") ||
			faccessat(job->folder, "die", F_OK, 0) == 0)
			raise(SIGKILL);
		if (!strcmp(job->order, "no_room"))
			refuse_files(fake, i);
		else
			make_files(fake, i);
		return;
	}
}

static void on_finish(struct fake *fake, const struct tr_message_finish *finish, int folder)
{
	require(fake->is_configured, "finish comes after configure");
	require(folder >= 0, "finish comes with a folder");
	note(fake, "finish", finish->session_id);
	add_job(fake, finish->session_id, "recovered", "finish", folder);
}

/* ---- a recording ---- */

static void send_stopped(struct fake *fake, enum tr_reason reason, bool has_files)
{
	struct tr_message message = {.type = TR_MESSAGE_STOPPED};

	snprintf(message.stopped.session_id, sizeof(message.stopped.session_id), "%s",
		fake->start.session_id);
	message.stopped.reason = reason;
	message.stopped.has_files = has_files;
	if (reason != TR_REASON_NONE)
		snprintf(message.stopped.sentence, sizeof(message.stopped.sentence), "%s",
			tr_reason_sentence(reason));
	send_message(fake, &message);
}

static void end(struct fake *fake, enum tr_reason reason)
{
	bool has_files = fake->is_started && !fake->start.is_without_file;

	send_state(fake, "stopping");
	send_stopped(fake, reason, has_files);
	if (fake->is_started) {
		add_job(fake, fake->start.session_id, fake->start.name, fake->order, fake->folder);
		fake->jobs[fake->job_count - 1].is_without_file = !has_files;
	} else {
		close(fake->folder);
	}
	if (!is_meeting(fake) && reason != TR_REASON_NONE)
		send_failed(fake, reason, tr_reason_sentence(reason));
	if (has_files && is_order(fake, "die_over"))
		write_file(fake->folder, "die", "");
	fake->folder = -1;
	fake->is_recording = fake->is_started = false;
	if (is_order(fake, "unwell"))
		fake->idle_ns = tr_clock_now_ns() + 500 * TR_NS_PER_MS;
	else
		send_state(fake, "idle");
}

/* The last word of the URL. */
static void take_order(struct fake *fake)
{
	const char *slash = strrchr(fake->start.url, '/');

	if (slash && is_meeting(fake))
		snprintf(fake->order, sizeof(fake->order), "%s", slash + 1);
}

static void on_start(struct fake *fake, const struct tr_message_start *start, int folder)
{
	require(fake->is_configured, "start comes after configure");
	require(folder >= 0, "start comes with a folder");
	require(!fake->is_recording && fake->idle_ns == 0, "start comes when it is idle");
	fake->start = *start;
	fake->folder = folder;
	take_order(fake);
	note(fake, start->is_resume ? "resume" : "start", start->session_id);
	note_streams(start);
	if (is_order(fake, "fail") && !is_meeting(fake)) {
		send_failed(fake, TR_REASON_PAGE_FAILED, "no page");
		return;
	}
	if (is_order(fake, "babble")) {
		json_t *odd = json_pack("{s:s}", "type", "babble");
		if (tr_line_send(fake->line, odd, -1) < 0)
			_exit(98);
	}
	if (is_meeting(fake))
		send_state(fake, "joining");
	fake->is_recording = true;
	fake->is_started = false;
	fake->started_ns = tr_clock_now_ns();
	if (is_order(fake, "fail"))
		end(fake, TR_REASON_PAGE_FAILED);
	else if (is_order(fake, "join_failed") || is_order(fake, "unwell"))
		end(fake, TR_REASON_JOIN_FAILED);
	else if (is_order(fake, "die_pending") && !start->is_resume)
		raise(SIGKILL);
}

static void begin(struct fake *fake)
{
	struct tr_message message = {.type = TR_MESSAGE_STARTED};

	if (!fake->start.is_without_file)
		write_file(fake->folder, fake->start.name,
			fake->start.is_resume ? ".part-002.mp4" : ".part-001.mp4");
	fake->is_started = true;
	if (is_meeting(fake))
		send_state(fake, "recording");
	snprintf(message.started.session_id, sizeof(message.started.session_id), "%s",
		fake->start.session_id);
	message.started.join_ms = message.started.took_ms = 1;
	send_message(fake, &message);
}

static bool dies_now(const struct fake *fake)
{
	bool is_resume = fake->start.is_resume;
	bool is_second = is_resume && faccessat(fake->folder, "again", F_OK, 0) < 0;

	if (is_order(fake, "die_twice") && is_second)
		write_file(fake->folder, "again", "");
	return is_order(fake, "die_always") || (is_order(fake, "die_once") && !is_resume) ||
	       (is_order(fake, "die_twice") && (!is_resume || is_second));
}

static void send_streams(struct fake *fake)
{
	struct tr_message message = {.type = TR_MESSAGE_STREAM};
	struct tr_message_stream *to = &message.stream;
	json_t *streams = json_loads(fake->start.streams, 0, NULL), *stream;
	size_t i;

	require(json_is_array(streams), "streams are a list");
	memcpy(to->session_id, fake->start.session_id, sizeof(to->session_id));
	snprintf(to->state, sizeof(to->state), "streaming");
	to->kbps = 2900;
	to->queued_ms = 40;
	to->reconnects = 1;
	to->dropped = 12;
	to->bytes = 3 << 20;
	json_array_foreach(streams, i, stream)
	{
		const char *name = json_string_value(json_object_get(stream, "name"));
		require(name && json_object_get(stream, "url"), "a stream has a name and a URL");
		snprintf(to->name, sizeof(to->name), "%s", name);
		send_message(fake, &message);
	}
	json_decref(streams);
}

/* The file FAKE_SLOT_ENCODER_FILE says what encodes now. */
static void read_encoder(char *out, size_t size)
{
	const char *path = getenv("FAKE_SLOT_ENCODER_FILE");
	FILE *file = path ? fopen(path, "re") : NULL;

	if (!file)
		return;
	if (!fgets(out, (int)size, file))
		out[0] = '\0';
	fclose(file);
}

static void record_a_little(struct fake *fake)
{
	struct tr_message message = {.type = TR_MESSAGE_PROGRESS};
	int64_t time_ms = (tr_clock_now_ns() - fake->started_ns) / TR_NS_PER_MS;

	if (is_order(fake, "slow") || fake->is_hung)
		return;
	if (is_order(fake, "refused")) {
		end(fake, TR_REASON_STREAM_REFUSED);
		return;
	}
	if (!fake->is_started)
		begin(fake);
	if (fake->start.streams[0])
		send_streams(fake);
	message.progress.time_ms = time_ms;
	message.progress.peak_db = -12;
	read_encoder(message.progress.encoder, sizeof(message.progress.encoder));
	if (is_order(fake, "narrow")) {
		message.progress.bytes = time_ms * 1000;
		message.progress.free_bytes = 21 << 20;
	}
	send_message(fake, &message);
	if (time_ms >= MIDDLE_MS) {
		if (dies_now(fake))
			raise(SIGKILL);
		if (is_order(fake, "hang") && !fake->start.is_resume)
			fake->is_hung = true;
		if (is_order(fake, "empty"))
			end(fake, TR_REASON_MEETING_EMPTY);
		else if (is_order(fake, "no_media"))
			end(fake, TR_REASON_NO_MEDIA);
		else if (is_order(fake, "disk_full"))
			end(fake, TR_REASON_DISK_FULL);
		else if (is_order(fake, "unreachable"))
			end(fake, TR_REASON_STREAM_LOST);
	}
	if (fake->is_recording && fake->start.duration_ms > 0 && time_ms >= fake->start.duration_ms)
		end(fake, TR_REASON_NONE);
}

static void on_stop(struct fake *fake)
{
	require(fake->is_recording, "stop comes while it records");
	note(fake, "stop", fake->start.session_id);
	if (is_order(fake, "die_finishing") && !fake->start.is_resume)
		raise(SIGKILL);
	if (is_order(fake, "deaf") || is_order(fake, "deaf_stop"))
		return;
	if (!is_meeting(fake) && !fake->is_started)
		begin(fake);
	end(fake, fake->is_started ? TR_REASON_NONE : TR_REASON_CANCELLED);
}

/* A "picture" that says how wide it is to be; of the width 404 there is none, of 500 nothing is
 * heard. */
static void on_preview(struct fake *fake, int width)
{
	struct tr_message message = {.type = TR_MESSAGE_PICTURE, .picture = {.width = width}};
	char text[40];
	int fd = -1;

	note(fake, "preview", "-");
	if (width == 500)
		return;
	if (width != 404) {
		fd = memfd_create("picture", MFD_CLOEXEC);
		snprintf(text, sizeof(text), "picture %d", width);
		message.picture.bytes = (int64_t)strlen(text);
		require(fd >= 0 && write(fd, text, strlen(text)) > 0, "memory for a picture");
	}
	if (tr_message_send(fake->line, &message, fd) < 0)
		_exit(98);
	if (fd >= 0)
		close(fd);
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
		/* one that crossed our own end */
		if (fake->is_recording || !is_meeting(fake))
			on_stop(fake);
		break;
	case TR_MESSAGE_ECONOMIZE:
		note(fake, message->economize.level ? "economize" : "indulge",
			fake->start.session_id);
		break;
	case TR_MESSAGE_ENCODERS:
		on_encoders(fake, message->encoders.found);
		break;
	case TR_MESSAGE_PREVIEW:
		on_preview(fake, message->preview.width);
		break;
	case TR_MESSAGE_FINISH:
		on_finish(fake, &message->finish, folder);
		break;
	case TR_MESSAGE_QUIT:
		if (!is_order(fake, "deaf"))
			_exit(0);
		break;
	default:
		require(false, "a parent does not say this");
	}
}

/* What is not said by the parent: time. */
static void turn(struct fake *fake)
{
	if (fake->is_recording)
		record_a_little(fake);
	if (fake->idle_ns > 0 && tr_clock_now_ns() >= fake->idle_ns) {
		fake->idle_ns = 0;
		send_state(fake, "idle");
	}
	work_on_jobs(fake);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	require(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0,
		"there is a socket to connect to");
	return fd;
}

int main(int argc, char **argv)
{
	static struct fake fake = {.folder = -1};
	static struct tr_message message;
	char why[300];
	int socket = 3;

	require(argc == 3 && (!strcmp(argv[1], "--control-socket") ||
				     (!strcmp(argv[1], "--control-fd") && !strcmp(argv[2], "3"))),
		"--control-fd 3 or --control-socket");
	if (!strcmp(argv[1], "--control-socket"))
		socket = connect_to(argv[2]);
	require(getenv("FAKE_SLOT") && tr_line_create(socket, &fake.line) == 0,
		"a socket and an order");
	snprintf(fake.order, sizeof(fake.order), "%s", getenv("FAKE_SLOT"));
	if (is_order(&fake, "deaf"))
		signal(SIGTERM, SIG_IGN);
	for (int rc = -EAGAIN;;) {
		struct pollfd fd = {.fd = socket, .events = POLLIN};
		bool is_busy = fake.is_recording || fake.idle_ns > 0 || fake.job_count > 0;
		int folder = -1;
		/* Another message may have come with the last one. */
		poll(&fd, 1, rc == 0 ? 0 : is_busy ? 20 : -1);
		rc = tr_message_receive(fake.line, &message, &folder, why, sizeof(why));
		require(rc != -EPROTO, why);
		if (rc == -EPIPE)
			_exit(97);
		if (rc == 0)
			on_message(&fake, &message, folder);
		else if (folder >= 0)
			close(folder);
		turn(&fake);
	}
}
