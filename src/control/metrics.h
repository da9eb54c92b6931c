/*
 * The node's figures in Prometheus' text format (0.0.4), made from a snapshot.
 *
 * Ours begin with "telerec_"; a few keep Jibri's names, "jitsi_jibri_", for the dashboards that
 * sites have. How many series there are is bounded by slots, connections and streams: neither
 * sessions nor rooms are labels. What a slot counts begins again at zero with each session, as
 * counters may.
 */
#ifndef TR_CONTROL_METRICS_H
#define TR_CONTROL_METRICS_H

#include "control/snapshot.h"

#define TR_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Gives the text, to be freed. -ENOMEM. */
TR_CHECKED int tr_metrics_print(const struct tr_snapshot *snapshot, char **ret_text);

#endif
