/* What the probe found (encode/probe.h), for people. */
#ifndef TR_CLI_PROBE_SHOW_H
#define TR_CLI_PROBE_SHOW_H

#include <jansson.h>
#include <stdio.h>

void tr_probe_show(const json_t *encoding, FILE *out);

#endif
