/* The last sessions that ended, so that somebody who asks an hour later still gets the reason: a
 * plain list of values, bounded; the oldest goes first. */
#ifndef TR_DAEMON_HISTORY_H
#define TR_DAEMON_HISTORY_H

#include "control/actions.h"
#include "protocol/message.h"

#define TR_HISTORY_MAX 100

enum tr_history_files {
	TR_HISTORY_NO_FILES,
	TR_HISTORY_MAKING_FILES,
	TR_HISTORY_FILES_MADE,
	TR_HISTORY_FILES_FAILED,
};

enum tr_history_script { TR_HISTORY_NO_SCRIPT, TR_HISTORY_SCRIPT_DONE, TR_HISTORY_SCRIPT_FAILED };

struct tr_history_entry {
	uint64_t job;
	unsigned slot;
	enum tr_control_kind kind;
	char session_id[TR_MESSAGE_NAME_MAX];
	char folder[NAME_MAX + 1];
	char room[3072];
	char name[TR_MESSAGE_NAME_MAX];
	char environment[512];
	int64_t accepted_ms, on_ms, ended_ms; /* wall clock; on_ms 0: it never was */
	char warning[512];		      /* the last one, or "" */
	bool is_failure;
	enum tr_reason reason;
	char sentence[TR_MESSAGE_SENTENCE_MAX];
	enum tr_history_files files;
	char file[NAME_MAX + 1];
	char grade[8];
	int64_t duration_ms, bytes;
	char files_sentence[TR_MESSAGE_SENTENCE_MAX]; /* why there are none, or "" */
	enum tr_history_script script;
	char script_sentence[512];
	bool is_over;
};

struct tr_history;

TR_CHECKED int tr_history_create(struct tr_history **ret_history); /* -ENOMEM */
void tr_history_destroy(struct tr_history *history);

/* A new one, empty, to be filled; the oldest makes room for it. */
struct tr_history_entry *tr_history_add(struct tr_history *history);

/* Of this job; NULL. */
struct tr_history_entry *tr_history_find(struct tr_history *history, uint64_t job);

/* The newest in this folder that is not over; NULL. */
struct tr_history_entry *tr_history_find_open(struct tr_history *history, const char *folder);

/* The newest is index 0; NULL behind the last. */
const struct tr_history_entry *tr_history_get(const struct tr_history *history, unsigned index);

TR_CLEANUP_DEFINE(struct tr_history, tr_history_destroy)

#endif
