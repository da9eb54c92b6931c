/* What `telerec record` and `telerec stream` are asked for: the command line over a configuration
 * file over defaults. */
#ifndef TR_CLI_RECORD_REQUEST_H
#define TR_CLI_RECORD_REQUEST_H

#include "cli/options.h"
#include "config/config.h"
#include "output/target_list.h"

#include <stddef.h>

struct tr_record_request {
	const char *verb; /* "record", "stream" */
	struct tr_config config;
	const char *url;
	const char *to;		       /* folder of the session's folder; NULL: no file is wanted */
	struct tr_target_list targets; /* of a stream; secrets */
	char name[128];		       /* of the session and its files */
	bool is_name_given;	       /* else it may get a number behind it */
	int64_t duration_ms;	       /* 0: until it is stopped */
	bool sound_expected;
	bool is_quiet;
	bool is_verbose;
};

extern const struct tr_option tr_record_request_options[], tr_record_request_stream_options[];

/* The strings of argv are kept, and the request points into itself: it must not move. `wall_ns` is
 * the time that a name of ours carries. 0, or -EINVAL after saying what is wrong. */
TR_CHECKED int tr_record_request_parse(
	struct tr_record_request *request, int64_t wall_ns, int argc, char **argv);

/* The same for a stream. Where it goes is taken out of argv as soon as it is read: stars remain,
 * for everybody on the machine can see a process' arguments. "-" is read from standard input. */
TR_CHECKED int tr_record_request_parse_stream(
	struct tr_record_request *request, int64_t wall_ns, int argc, char **argv);

#endif
