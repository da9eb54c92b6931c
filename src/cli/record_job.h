/* A recording or a stream from the command line to the last line that is printed about it. */
#ifndef TR_CLI_RECORD_JOB_H
#define TR_CLI_RECORD_JOB_H

#include "cli/record_request.h"

/* The program's exit code. A name of ours in the request may get a number behind it. */
int tr_record_job_do(struct tr_record_request *request);

#endif
