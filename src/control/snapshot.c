#include "control/snapshot.h"

const char *tr_snapshot_phase_name(enum tr_snapshot_phase phase)
{
	switch (phase) {
	case TR_SNAPSHOT_PENDING:
		return "pending";
	case TR_SNAPSHOT_ON:
		return "on";
	default:
		return "ending";
	}
}

const char *tr_snapshot_disk_name(enum tr_snapshot_disk_state state)
{
	switch (state) {
	case TR_SNAPSHOT_DISK_FINE:
		return "fine";
	case TR_SNAPSHOT_DISK_LOW:
		return "low";
	case TR_SNAPSHOT_DISK_FULL:
		return "full";
	default:
		return "lost";
	}
}

const char *tr_snapshot_link_name(enum tr_xmpp_link_state state)
{
	switch (state) {
	case TR_XMPP_CONNECTING:
		return "connecting";
	case TR_XMPP_JOINING:
		return "joining";
	case TR_XMPP_PRESENT:
		return "present";
	default:
		return "offline";
	}
}
