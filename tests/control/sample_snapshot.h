/* A node on which all there can be is: two slots that record, streams up and down, connections that
 * are there and not. */
#ifndef SAMPLE_SNAPSHOT_H
#define SAMPLE_SNAPSHOT_H

#include "control/snapshot.h"

void sample_snapshot_fill(struct tr_snapshot *snapshot);

#endif
