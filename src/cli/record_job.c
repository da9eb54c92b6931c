#define TR_LOG_AREA "record"
#include "cli/record_job.h"

#include "cli/record_run.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "protocol/slot_client.h"
#include "system/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int fail_folder(const char *verb, const char *path, int rc)
{
	enum tr_reason reason = rc == -ENOSPC ? TR_REASON_DISK_FULL : TR_REASON_DISK_ERROR;

	fprintf(stderr, "telerec %s: cannot make the folder %s: %s\n", verb, path, strerror(-rc));
	return tr_reason_exit_code(reason);
}

/* Makes TO/NAME and opens it. A name of ours gets a number when it is taken; a name that was given
 * is refused then, for nothing is ever written over. 0 or the exit code. */
static int make_session_folder(
	struct tr_record_request *request, char *path, size_t path_size, int *ret_fd)
{
	char base[sizeof(request->name)];

	int rc = tr_file_make_folders(request->to, 0755);
	if (rc < 0)
		return fail_folder(request->verb, request->to, rc);
	snprintf(base, sizeof(base), "%s", request->name);
	for (int i = 2;; i++) {
		rc = tr_text_format(path, path_size, "%s/%s", request->to, request->name);
		if (rc == 0 && mkdir(path, 0750) < 0)
			rc = -errno;
		if (rc != -EEXIST || request->is_name_given || i > 99)
			break;
		snprintf(request->name, sizeof(request->name), "%.110s-%d", base, i);
	}
	if (rc == -EEXIST) {
		fprintf(stderr, "telerec %s: %s is there already; choose another --name\n",
			request->verb, path);
		return TR_EXIT_USAGE;
	}
	*ret_fd = rc < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (rc == 0 && *ret_fd < 0)
		rc = -errno;
	return rc < 0 ? fail_folder(request->verb, path, rc) : 0;
}

/* What the slot writes besides a file, in a folder that goes away again. */
static int make_passing_folder(
	const struct tr_record_request *request, char *path, size_t path_size, int *ret_fd)
{
	const char *tmp = getenv("TMPDIR");

	int rc = tr_text_format(
		path, path_size, "%s/telerec-stream-XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
	if (rc == 0 && !mkdtemp(path))
		rc = -errno;
	*ret_fd = rc < 0 ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (rc == 0 && *ret_fd < 0)
		rc = -errno;
	return rc < 0 ? fail_folder(request->verb, path, rc) : 0;
}

static void print_files(const char *folder, const struct tr_message_finished *finished)
{
	char bytes[16];

	tr_text_format_bytes(finished->bytes, bytes, sizeof(bytes));
	printf("MP4:    %s/%s  (%.1f s, %s)\n", folder, finished->file,
		(double)finished->duration_ms / 1e3, bytes);
	if (finished->poster[0])
		printf("Poster: %s/%s\n", folder, finished->poster);
	if (finished->report[0])
		printf("Report: %s/%s\n", folder, finished->report);
	if (finished->grade[0])
		printf("Grade:  %s\n", finished->grade);
}

static void print_result(const struct tr_record_request *request, const char *folder,
	const struct tr_record_show *show, const struct tr_record_result *result)
{
	const struct tr_message_finished *finished = &result->finished;
	bool has_file = request->to && finished->file[0];
	char text[TR_RECORD_SHOW_LINE_MAX];

	if (result->exit_code != 0) {
		fprintf(stderr, "telerec %s: %s\n", request->verb, result->sentence);
		if (has_file)
			fprintf(stderr, "telerec %s: what there is: %s/%s\n", request->verb, folder,
				finished->file);
		return;
	}
	if (request->is_quiet && has_file)
		printf("%s/%s\n", folder, finished->file);
	if (request->is_quiet)
		return;
	if (has_file)
		print_files(folder, finished);
	for (unsigned i = 0; i < show->stream_count; i++) {
		tr_record_show_sum_up_stream(&show->streams[i], text, sizeof(text));
		printf("Stream: %s\n", text);
	}
}

/* In the session's folder, with a runtime folder that goes away again whatever happens. */
static int record_into(const struct tr_record_request *request, int folder,
	struct tr_record_show *show, struct tr_record_result *result)
{
	char program[PATH_MAX], runtime_dir[PATH_MAX];
	struct tr_account account;

	int rc = tr_slot_client_find_program("telerec-slot", program, sizeof(program));
	if (rc < 0)
		return tr_fail(rc, "%s is missing; is telerec installed completely?", program);
	tr_account_for_slots(&account);
	rc = tr_runtime_dir_make(&account, runtime_dir, sizeof(runtime_dir));
	if (rc < 0)
		return rc;
	const struct tr_record_run_settings settings = {
		.request = request,
		.account = &account,
		.program = program,
		.runtime_dir = runtime_dir,
		.folder = folder,
	};
	rc = tr_account_lend(folder, &account);
	if (rc < 0)
		tr_fail(rc, "cannot hand the folder to user %s", account.user);
	else
		rc = tr_record_run(&settings, show, result);
	int back = tr_account_take_back(folder, &account);
	if (back < 0)
		tr_warning(
			"some files still belong to user %s (%s)", account.user, strerror(-back));
	tr_runtime_dir_remove(runtime_dir);
	return rc;
}

/* For signalfd; the slot gets a mask and handlers of its own. */
static void block_signals(void)
{
	sigset_t stopping;

	sigemptyset(&stopping);
	sigaddset(&stopping, SIGINT);
	sigaddset(&stopping, SIGTERM);
	sigaddset(&stopping, SIGHUP);
	sigprocmask(SIG_BLOCK, &stopping, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed terminal must not end the recording */
}

int tr_record_job_do(struct tr_record_request *request)
{
	TR_CLEANUP(tr_freep) struct tr_record_result *result = calloc(1, sizeof(*result));
	TR_CLEANUP(tr_freep) struct tr_record_show *show = calloc(1, sizeof(*show));
	TR_CLEANUP(tr_closep) int folder = -1;
	char path[PATH_MAX];

	if (!result || !show)
		return 1;
	tr_log_set_level(request->is_verbose ? TR_LOG_DEBUG : TR_LOG_INFO);
	tr_record_show_init(show, STDERR_FILENO, request->is_quiet);
	block_signals();
	int code = request->to ? make_session_folder(request, path, sizeof(path), &folder)
			       : make_passing_folder(request, path, sizeof(path), &folder);
	if (code != 0)
		return code;
	int rc = record_into(request, folder, show, result);
	if (request->to)
		rmdir(path); /* works only when nothing came of it */
	else if (tr_file_remove_tree(path) < 0)
		tr_warning("%s is left there", path);
	if (rc < 0)
		return 1;
	print_result(request, path, show, result);
	return result->exit_code;
}
