/* Whether a network share takes recordings: mounted at a private place, by the service's user, with
 * all that a recording does there. Needs root. */
#ifndef TR_SYSTEM_SHARE_TRIAL_H
#define TR_SYSTEM_SHARE_TRIAL_H

#include "system/network_share.h"

/* Mounts, writes, reads, removes, unmounts. -errno, with a sentence and what to do in `why`. */
TR_CHECKED int tr_share_trial_run(struct tr_change *change, const struct tr_network_share *share);

/* Makes the folder "recordings" below the open folder `place`, and writes there as the service's
 * user (as ourselves in a test's tree). -errno with `why`. */
TR_CHECKED int tr_share_trial_write(
	struct tr_change *change, const struct tr_network_share *share, int place);

/* Why mount(8) failed, by its words: a sentence, and what to do. Pure. */
void tr_share_trial_explain(
	const struct tr_network_share *share, const char *words, char *out, size_t size);

#endif
