#define TR_LOG_AREA "doctor"
#include "doctor/slot_try.h"

#include "config/slot_request.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "protocol/slot_client.h"
#include "system/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define READY_TIMEOUT_MS 60000
#define START_EXTRA_MS 15000
#define MEDIA_TIMEOUT_MS 20000
#define ALONE_MS 3000	  /* of recording, when nobody else is there */
#define CONNECTED_MS 1500 /* of media, when somebody is */
#define ICE_TIMEOUT_MS 6000
#define QUIT_GRACE_MS 10000
#define SESSION "telerec-check"

struct attempt {
	const struct tr_config *config;
	const struct tr_config_environment *environment;
	const char *url;
	unsigned number;
	struct tr_slot_try *result;
	struct tr_slot_client *client;
	int folder;
	int64_t deadline_ns, recording_ns, connected_ns;
	bool is_over;
};

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

static void end(struct attempt *attempt, enum tr_reason reason, const char *sentence)
{
	attempt->is_over = true;
	attempt->result->reason = reason;
	copy(attempt->result->sentence, sizeof(attempt->result->sentence),
		sentence[0] ? sentence : tr_reason_sentence(reason));
}

static void wait_ms(struct attempt *attempt, int64_t ms)
{
	attempt->deadline_ns = tr_clock_now_ns() + ms * TR_NS_PER_MS;
}

static int send_configure(
	struct attempt *attempt, const struct tr_account *account, const char *runtime_dir)
{
	struct tr_message message = {.type = TR_MESSAGE_CONFIGURE};
	struct tr_message_configure *to = &message.configure;

	int rc = tr_runtime_dir_add(
		runtime_dir, account, 1, to->runtime_dir, sizeof(to->runtime_dir));
	if (rc < 0)
		return rc;
	to->slot = (int)attempt->number;
	copy(to->user, sizeof(to->user), account->user);
	tr_slot_request_fill_configure(attempt->config, to);
	return tr_message_send(tr_slot_client_line(attempt->client), &message, -1);
}

static int send_start(struct attempt *attempt)
{
	const struct tr_config_environment *environment = attempt->environment;
	struct tr_message message = {.type = TR_MESSAGE_START};
	struct tr_message_start *to = &message.start;

	/* As telerecd would; but it ends soon, and nobody may be there to be heard. */
	tr_slot_request_fill_start(attempt->config, to);
	to->constant_rate = false;
	to->sound_expected = false;
	copy(to->session_id, sizeof(to->session_id), SESSION);
	copy(to->mode, sizeof(to->mode), "file");
	copy(to->name, sizeof(to->name), SESSION);
	copy(to->url, sizeof(to->url), attempt->url);
	to->empty_timeout_ms = to->no_media_timeout_ms = MEDIA_TIMEOUT_MS;
	to->all_muted_timeout_ms = MEDIA_TIMEOUT_MS;
	to->ice_timeout_ms = ICE_TIMEOUT_MS;
	snprintf(to->call_jid, sizeof(to->call_jid), "%s@%s", environment->call.username,
		environment->call.domain);
	copy(to->call_password, sizeof(to->call_password), environment->call.password);
	int rc = tr_message_send(tr_slot_client_line(attempt->client), &message, attempt->folder);
	explicit_bzero(to->call_password, sizeof(to->call_password));
	return rc;
}

static void on_ready(struct attempt *attempt, const struct tr_message_ready *ready)
{
	attempt->result->ready = *ready;
	attempt->result->stage = TR_SLOT_TRY_JOINING;
	if (!attempt->url) {
		end(attempt, TR_REASON_NONE, "");
		return;
	}
	wait_ms(attempt, attempt->config->browser.page_timeout_ms +
				 attempt->config->checks.join_ms + START_EXTRA_MS);
	if (send_start(attempt) < 0)
		end(attempt, TR_REASON_SLOT_LOST, "");
}

static void on_meeting(struct attempt *attempt, const struct tr_message_meeting *meeting)
{
	struct tr_slot_try *result = attempt->result;

	if (meeting->is_joined && result->stage == TR_SLOT_TRY_JOINING)
		result->stage = TR_SLOT_TRY_JOINED;
	if (meeting->participants > result->participants)
		result->participants = meeting->participants;
	if (meeting->download_kbps > result->download_kbps)
		result->download_kbps = meeting->download_kbps;
	result->is_connected = meeting->is_connected;
	if (!meeting->is_connected)
		attempt->connected_ns = 0;
	else if (!attempt->connected_ns)
		attempt->connected_ns = tr_clock_now_ns();
}

static void on_started(struct attempt *attempt, const struct tr_message_started *started)
{
	attempt->result->stage = TR_SLOT_TRY_RECORDING;
	attempt->result->join_ms = started->join_ms;
	attempt->recording_ns = tr_clock_now_ns();
	wait_ms(attempt, MEDIA_TIMEOUT_MS);
}

static void on_message(struct attempt *attempt, const struct tr_message *message)
{
	switch (message->type) {
	case TR_MESSAGE_READY:
		on_ready(attempt, &message->ready);
		break;
	case TR_MESSAGE_MEETING:
		on_meeting(attempt, &message->meeting);
		break;
	case TR_MESSAGE_STARTED:
		on_started(attempt, &message->started);
		break;
	case TR_MESSAGE_STOPPED:
		if (message->stopped.reason != TR_REASON_NONE)
			end(attempt, message->stopped.reason, message->stopped.sentence);
		break;
	case TR_MESSAGE_FAILED:
		end(attempt, message->failed.reason, message->failed.sentence);
		break;
	default:
		break;
	}
}

/* Long enough, with media where there can be some. */
static bool has_seen_enough(const struct attempt *attempt)
{
	int64_t now_ns = tr_clock_now_ns();

	if (attempt->result->stage != TR_SLOT_TRY_RECORDING)
		return false;
	if (attempt->result->participants > 0)
		return attempt->connected_ns &&
		       now_ns - attempt->connected_ns > CONNECTED_MS * TR_NS_PER_MS;
	return now_ns - attempt->recording_ns > ALONE_MS * TR_NS_PER_MS;
}

static void drain_log(struct attempt *attempt)
{
	char line[2200];

	while (tr_slot_client_read_log(attempt->client, line, sizeof(line)) == 0)
		tr_debug("%s", line);
}

static void turn(struct attempt *attempt)
{
	struct tr_line *line = tr_slot_client_line(attempt->client);
	struct tr_message message;
	char why[300];
	int rc = -EAGAIN;
	struct pollfd fds[] = {
		{.fd = tr_line_fd(line), .events = POLLIN},
		{.fd = tr_slot_client_log_fd(attempt->client), .events = POLLIN},
	};

	poll(fds, TR_COUNT(fds), 200);
	drain_log(attempt);
	if (tr_line_flush(line) < 0)
		tr_debug("the slot listens no more");
	while (!attempt->is_over &&
		(rc = tr_message_receive(line, &message, NULL, why, sizeof(why))) != -EAGAIN) {
		if (rc < 0)
			end(attempt, TR_REASON_SLOT_LOST, "");
		else
			on_message(attempt, &message);
	}
	if (!attempt->is_over && has_seen_enough(attempt))
		end(attempt, TR_REASON_NONE, "");
	if (!attempt->is_over && tr_clock_now_ns() > attempt->deadline_ns)
		end(attempt,
			attempt->result->stage == TR_SLOT_TRY_RECORDING ? TR_REASON_ICE_FAILED
									: TR_REASON_INTERNAL,
			attempt->result->stage == TR_SLOT_TRY_RECORDING
				? ""
				: "the slot said nothing for too long");
}

static int run_slot(
	struct attempt *attempt, const struct tr_account *account, const char *runtime_dir)
{
	char program[PATH_MAX];
	const struct tr_message stop = {.type = TR_MESSAGE_STOP};

	int rc = tr_slot_client_find_program("telerec-slot", program, sizeof(program));
	if (rc == 0)
		rc = tr_slot_client_start(program, true, TR_LOG_WARNING, &attempt->client);
	if (rc < 0)
		return rc;
	attempt->result->stage = TR_SLOT_TRY_PREPARING;
	wait_ms(attempt, READY_TIMEOUT_MS);
	if (send_configure(attempt, account, runtime_dir) < 0)
		end(attempt, TR_REASON_SLOT_LOST, "");
	while (!attempt->is_over)
		turn(attempt);
	if (tr_message_send(tr_slot_client_line(attempt->client), &stop, -1) < 0)
		tr_debug("the slot listens no more");
	tr_slot_client_stop(attempt->client, QUIT_GRACE_MS);
	tr_slot_client_destroy(attempt->client);
	return 0;
}

/* The slot's user writes there, and all of it goes with the runtime folder. */
static int make_folder(const char *runtime_dir, const struct tr_account *account, int *ret_fd)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/recording", runtime_dir);
	if (mkdir(path, 0750) < 0)
		return -errno;
	TR_CLEANUP(tr_closep)
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = tr_account_lend(fd, account);
	if (rc == 0)
		*ret_fd = tr_take_fd(&fd);
	return rc;
}

int tr_slot_try_run(const struct tr_config *config, const struct tr_config_environment *environment,
	const char *url, unsigned number, struct tr_slot_try *ret)
{
	struct attempt attempt = {.config = config,
		.environment = environment,
		.url = url,
		.number = number,
		.result = ret,
		.folder = -1};
	struct tr_account account;
	char runtime_dir[PATH_MAX];

	*ret = (struct tr_slot_try){0};
	tr_account_for_slots(&account);
	int rc = tr_runtime_dir_make(&account, runtime_dir, sizeof(runtime_dir));
	if (rc < 0)
		return rc;
	rc = make_folder(runtime_dir, &account, &attempt.folder);
	if (rc == 0)
		rc = run_slot(&attempt, &account, runtime_dir);
	if (attempt.folder >= 0)
		close(attempt.folder);
	tr_runtime_dir_remove(runtime_dir);
	return rc;
}
