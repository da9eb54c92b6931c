#include "cli/record_job.h"
#include "cli/verbs.h"
#include "core/clock.h"

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	(void)verb;
	struct tr_record_request *request = calloc(1, sizeof(*request));
	int code = TR_EXIT_USAGE;

	if (!request)
		return 1;
	if (tr_record_request_parse(request, tr_clock_wall_ns(), argc, argv) == 0)
		code = tr_record_job_do(request);
	free(request);
	return code;
}

const struct tr_verb tr_verb_record = {
	"record", "URL", "Records a web page into an MP4 file.", tr_record_request_options, run};
