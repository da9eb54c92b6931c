/* What `telerec kernel` prints for people. */
#ifndef TR_CLI_KERNEL_SHOW_H
#define TR_CLI_KERNEL_SHOW_H

#include "system/kernel_findings.h"

void tr_kernel_show_status(
	const struct tr_kernel_status *status, const struct tr_kernel_choice *choice);

/* The sentences, what they mean, and the lines to run. */
void tr_kernel_show_findings(const struct tr_kernel_finding *findings, unsigned count);

/* For scripts; NULL: no memory. */
json_t *tr_kernel_findings_to_json(const struct tr_kernel_finding *findings, unsigned count);

/* `path` against the list of needed options. 0; 1 when one that is needed is not there, or the file
 * cannot be read, which it says. */
int tr_kernel_show_config(const char *path, bool is_json);

#endif
