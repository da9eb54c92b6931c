#include "cli/record_job.h"
#include "cli/verbs.h"
#include "core/clock.h"

#include <string.h>

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	(void)verb;
	struct tr_record_request *request = calloc(1, sizeof(*request));
	int code = TR_EXIT_USAGE;

	if (!request)
		return 1;
	if (tr_record_request_parse_stream(request, tr_clock_wall_ns(), argc, argv) == 0)
		code = tr_record_job_do(request);
	explicit_bzero(request, sizeof(*request));
	free(request);
	return code;
}

const struct tr_verb tr_verb_stream = {"stream", "URL",
	"Streams a web page live to one or more servers.", tr_record_request_stream_options, run};
