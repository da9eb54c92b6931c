/*
 * One recording from the parent's side: starts the slot process, tells it what to record, shows
 * what it says, starts it again when it dies, and ends it.
 */
#ifndef TR_CLI_RECORD_RUN_H
#define TR_CLI_RECORD_RUN_H

#include "cli/record_request.h"
#include "cli/record_show.h"
#include "system/account.h"

struct tr_record_run_settings {
	const struct tr_record_request *request;
	const struct tr_account *account;
	const char *program;	 /* the slot's */
	const char *runtime_dir; /* base of the slot's folders */
	int folder;		 /* the recording's */
};

struct tr_record_result {
	enum tr_reason reason;
	int exit_code;
	char sentence[TR_MESSAGE_SENTENCE_MAX]; /* when it failed */
	struct tr_message_finished finished;	/* when it did not; `file` also otherwise */
};

/*
 * Returns when the recording has ended and the slot process is gone. SIGINT, SIGTERM and SIGHUP
 * must be blocked by the caller: the first one stops the recording, the second one stops hard.
 * All outcomes are in the result; -errno only when nothing could be tried.
 */
TR_CHECKED int tr_record_run(const struct tr_record_run_settings *settings,
	struct tr_record_show *show, struct tr_record_result *ret_result);

#endif
