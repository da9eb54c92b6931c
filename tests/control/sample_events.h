/* One event of each type, with all that it can have. */
#ifndef TR_TESTS_SAMPLE_EVENTS_H
#define TR_TESTS_SAMPLE_EVENTS_H

#include "control/events.h"

void sample_events_tell(tr_event_fn *tell, void *user);

/* Only one. */
void sample_events_tell_one(enum tr_event_type type, tr_event_fn *tell, void *user);

#endif
