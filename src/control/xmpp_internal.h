/* For the room's own tests: everything that takes time, shorter. */
#ifndef TR_CONTROL_XMPP_INTERNAL_H
#define TR_CONTROL_XMPP_INTERNAL_H

#include "control/xmpp_stream.h"

/* What is used where nothing else is said. */
void tr_xmpp_waits_init(struct tr_xmpp_waits *waits);

/* tr_xmpp_create() with other waits; the settings' pings are not looked at. */
TR_CHECKED int tr_xmpp_create_with_waits(sd_event *event, const struct tr_xmpp_settings *settings,
	const struct tr_control_actions *actions, const struct tr_xmpp_waits *waits,
	struct tr_xmpp **ret_xmpp);

#endif
