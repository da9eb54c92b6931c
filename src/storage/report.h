/* report.json: what a recording is worth, for people and programs. */
#ifndef TR_STORAGE_REPORT_H
#define TR_STORAGE_REPORT_H

#include "core/cleanup.h"
#include "media/grade.h"

#include <jansson.h>
#include <stdio.h>

struct tr_report {
	const char *file;   /* NULL: unknown */
	const char *poster; /* NULL: none */
	const char *url;    /* redacted by the caller; NULL: unknown */
	const char *session_id;
	const char *trouble;	 /* why it ended early; NULL: it did not */
	int64_t created_wall_ns; /* 0: unknown */
	const json_t *streams;	 /* how each target fared, an array; NULL: it did not stream */
};

/* Replaces `name` in the folder. -errno, said. */
TR_CHECKED int tr_report_write(int dirfd, const char *name, const struct tr_report *report,
	const struct tr_quality *quality);

/* The figures and the grade as one JSON object and a line end. -errno. */
int tr_report_print_json(FILE *out, const struct tr_quality *quality);

/* The same as a value; gives a reference. NULL: no memory. */
json_t *tr_report_make_json(const struct tr_quality *quality);

/* What an earlier report of the same recording tells of saving room, which its file does not show.
 * No report is fine. */
void tr_report_recall_economy(int dirfd, const char *name, struct tr_quality *quality);

#endif
