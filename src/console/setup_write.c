/* Single settings of telerec.conf, written by a press of a key instead of a form. */
#include "console/dialog.h"
#include "console/setup_internal.h"

struct tr_job *tr_setup_write(
	struct tr_console *console, json_t *settings, tr_job_done_fn *done, void *user)
{
	const char *const argv[] = {
		"telerec", "config", "set", "--stdin", "--config", tr_setup_config(console), NULL};
	char *input = settings ? json_dumps(settings, JSON_COMPACT) : NULL;
	struct tr_job *job =
		input ? tr_job_run(console, argv, input, tr_setup_needs_root(console), done, user)
		      : NULL;

	free(input);
	json_decref(settings);
	return job;
}

bool tr_setup_is_written(
	struct tr_console *console, const struct tr_job_result *result, const char *sentence)
{
	if (result->rc == 0 && result->status == 0) {
		tr_console_say(console, TR_ROLE_GOOD, "%s", sentence);
		return true;
	}
	tr_dialog_message(console, "Nothing is changed", TR_ROLE_BAD, tr_job_words(result));
	return false;
}
