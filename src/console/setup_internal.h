/*
 * A page of the set-up: a form over some settings of telerec.conf or of the machine, read and
 * written by our own program, so that what is saved here has passed every check.
 */
#ifndef TR_CONSOLE_SETUP_INTERNAL_H
#define TR_CONSOLE_SETUP_INTERNAL_H

#include "console/form.h"
#include "console/job.h"
#include "console/setup_values.h"

#define TR_SETUP_NOTE_MAX 400

/* `is_saved` false: left without. The page is gone before. */
typedef void tr_setup_done_fn(struct tr_console *console, bool is_saved, void *user);

struct tr_setup_page {
	const char *name;  /* in the menu */
	const char *title; /* of the screen */
	const char *what;  /* one line in the menu, and the page's first */
	const struct tr_field *fields;
	unsigned count;
	const char *const *brief; /* the keys of the first run's form, NULL behind; NULL: all */
	bool is_machine;	  /* `telerec machine`, else `telerec config` */
	/* Who takes what collect() gives, instead of `telerec config set`: our own program with
	 * these words, always as root. NULL behind; or NULL. */
	const char *const *words;
	const char *refusal; /* key of a text that says why it cannot be set here, or "" */

	/* What follows may be NULL. `entry`: which of a list, "" for a new one. */
	void (*fill)(struct tr_form *form, const json_t *settings, const char *entry);
	void (*update)(struct tr_form *form, bool is_brief); /* after each key */
	/* Before saving: false when the form was blamed. */
	bool (*check)(struct tr_form *form, const json_t *settings, const char *entry);
	/* The settings to write; NULL: all that was changed. `note` goes to saved(). */
	json_t *(*collect)(const struct tr_form *form, const json_t *settings, const char *entry,
		char note[TR_SETUP_NOTE_MAX]);
	/* A sentence out of `telerec probe --json`, shown above the fields; "": none. */
	void (*say_facts)(const json_t *probe, char *out, size_t size);
	/* After something was saved, the page is gone: what to show before `done` is called. */
	void (*saved)(
		struct tr_console *console, const char *note, tr_setup_done_fn *done, void *user);
};

extern const struct tr_setup_page tr_setup_page_jitsi, tr_setup_page_slots, tr_setup_page_sound,
	tr_setup_page_storage, tr_setup_page_share, tr_setup_page_upload, tr_setup_page_encoder,
	tr_setup_page_name, tr_setup_page_network, tr_setup_page_time, tr_setup_page_keyboard,
	tr_setup_page_ssh, tr_setup_page_pin;

struct tr_setup_request {
	const struct tr_setup_page *page;
	const char *entry; /* copied; NULL: "" */
	bool is_brief;	   /* the first run: proposals are good, few fields */
	const char *step;  /* "Step 2 of 7", or NULL; copied */
	tr_setup_done_fn *done;
	void *user;
};

extern const struct tr_screen tr_screen_setup_page; /* argument: struct tr_setup_request */

/* The doctor on its own (tr_screen_doctor, argument NULL), or as a step: then `done` is called. */
struct tr_doctor_request {
	const char *environment; /* copied; NULL: all */
	tr_setup_done_fn *done;
	void *user;
};

/* Whether an upload target works; then `done`, always as saved. */
struct tr_upload_test_request {
	const char *name; /* copied */
	tr_setup_done_fn *done;
	void *user;
};
extern const struct tr_screen tr_screen_upload_test; /* argument: struct tr_upload_test_request */

/* What `argv` prints, to read; then `done`. Copied. */
struct tr_output_request {
	const char *title, *what;
	const char *const *argv;
	bool as_root, is_diff;
	tr_setup_done_fn *done;
	void *user;
};
extern const struct tr_screen tr_screen_output; /* argument: struct tr_output_request */

/*
 * telerecd takes settings when it starts: does that, after asking, and waits until it is back. What
 * is recorded is waited for, or ended when that is chosen. `done` (or NULL): is_saved says whether
 * it was started anew.
 */
void tr_setup_restart(struct tr_console *console, tr_setup_done_fn *done, void *user);

/* Writes `settings`, which it takes: keys of telerec.conf with their values. The job is the
 * caller's, as tr_job_run()'s. */
struct tr_job *tr_setup_write(
	struct tr_console *console, json_t *settings, tr_job_done_fn *done, void *user);

/* What became of it, told: `sentence` when it is written, else why nothing is changed. */
bool tr_setup_is_written(
	struct tr_console *console, const struct tr_job_result *result, const char *sentence);

/* The path of telerec.conf, and whether writing it needs root. */
const char *tr_setup_config(struct tr_console *console);
bool tr_setup_needs_root(struct tr_console *console);

/* The node for our own program's --node; NULL: the one that it finds itself. */
const char *tr_setup_node(struct tr_console *console);

/* Whether this is our own image, which we may change all of. */
bool tr_setup_is_appliance(void);

/* How many recordings run now, as far as is known. */
unsigned tr_setup_count_busy(struct tr_console *console);

#endif
