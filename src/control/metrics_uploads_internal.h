/* What /metrics says of uploads. */
#ifndef TR_CONTROL_METRICS_UPLOADS_INTERNAL_H
#define TR_CONTROL_METRICS_UPLOADS_INTERNAL_H

#include "control/snapshot.h"

#include <stdio.h>

/* `labels` is scratch of TR_METRICS_LABELS_MAX bytes. */
void tr_metrics_uploads_print(FILE *out, const struct tr_snapshot *snapshot, char *labels);

#endif
