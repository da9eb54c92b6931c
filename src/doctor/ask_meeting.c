#include "doctor/doctor_internal.h"
#include "doctor/slot_try.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const meaning = "Recordings of this Jitsi Meet fail in the same way.";

#define BRIDGE                                                                                     \
	"ufw allow 10000/udp # to the bridge, from the recorder, in each firewall between\n"       \
	"# behind NAT: ice4j.harvest.mapping in /etc/jitsi/videobridge/jvb.conf\n"

static void fail(struct tr_doctor *doctor, const char *cause, const char *where,
	const char *setting, const char *text, const char *sentence)
{
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = cause,
		.meaning = meaning,
		.cure = {.where = where,
			.file = setting ? doctor->settings->config_path : NULL,
			.setting = setting,
			.text = text},
	};

	tr_findings_add(doctor->findings, &finding, "%s", sentence);
}

static void fail_with(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const char *cause, enum tr_server_piece piece, const char *means, const char *sentence)
{
	struct tr_finding finding = {
		.status = TR_FINDING_FAILURE, .cause = cause, .meaning = means};

	tr_doctor_add_with_snippet(doctor, &finding, environment, piece, "%s", sentence);
}

/* The slot has said why in words for people; what to change follows from them. */
static void explain_join(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const char *sentence)
{
	if (strstr(sentence, "lobby"))
		fail_with(doctor, environment, "lobby", TR_SERVER_PIECE_LOBBY,
			"Meetings with a lobby are not recorded, unless somebody lets the recorder in.",
			sentence);
	else if (strstr(sentence, "locked with a password"))
		fail_with(doctor, environment, "room-password", TR_SERVER_PIECE_PASSWORD,
			"Meetings with a password are not recorded.", sentence);
	else if (strstr(sentence, "log-in"))
		fail_with(doctor, environment, "call-refused", TR_SERVER_PIECE_CALL_ACCOUNT,
			meaning, sentence);
	else if (strstr(sentence, "iAmRecorder"))
		fail(doctor, "no-overrides", "on the Jitsi server, in config.js", NULL,
			"// delete a disableThirdPartyRequests-like guard of URL parameters, and\n"
			"// let config.iAmRecorder come from the address\n",
			sentence);
	else if (strstr(sentence, "another site"))
		fail(doctor, "page-elsewhere", NULL, "environments.base_url",
			"base_url = \"https://...\"; // the site that the address leads to",
			sentence);
	else
		fail(doctor, "never-joined", NULL, "checks.join_timeout",
			"join_timeout = \"60s\"; // in checks, if the page is only slow; else "
			"open it by hand",
			sentence);
}

static void explain(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const struct tr_slot_try *slot)
{
	switch (slot->reason) {
	case TR_REASON_NO_DISPLAY:
		fail(doctor, "no-x", NULL, NULL, "apt-get install xvfb\n", slot->sentence);
		return;
	case TR_REASON_NO_BROWSER:
		fail(doctor, "no-browser", NULL, NULL,
			"apt-get install chromium chromium-sandbox\n", slot->sentence);
		return;
	case TR_REASON_NO_SOUND:
		fail(doctor, "no-sound", NULL, "sound.source", "source = \"auto\"; // in sound",
			slot->sentence);
		return;
	case TR_REASON_NO_ENCODER:
		fail(doctor, "no-encoder", NULL, "video.encoder",
			"encoder = \"software\"; // in video", slot->sentence);
		return;
	case TR_REASON_JOIN_FAILED:
		explain_join(doctor, environment, slot->sentence);
		return;
	case TR_REASON_ICE_FAILED:
	case TR_REASON_NO_MEDIA:
		fail(doctor, slot->reason == TR_REASON_NO_MEDIA ? "no-media" : "ice-blocked",
			"on the Jitsi server, as root", NULL, BRIDGE, slot->sentence);
		return;
	case TR_REASON_PAGE_FAILED:
	case TR_REASON_PAGE_TIMEOUT:
		fail(doctor, "page-failed", NULL, "environments.base_url",
			"base_url = \"https://...\"; // what a person's browser opens",
			slot->sentence);
		return;
	default:
		fail(doctor, "slot-failed", NULL, NULL,
			"telerec record https://example.org --for 5s --verbose\n", slot->sentence);
	}
}

static void praise(struct tr_doctor *doctor, const struct tr_slot_try *slot, const char *url)
{
	tr_findings_ok(doctor->findings,
		"a meeting was joined in %.1f s and recorded: %s, sound %s, encoder %s",
		(double)slot->join_ms / 1000, slot->ready.browser_version, slot->ready.sound,
		slot->ready.encoder);
	if (slot->participants == 0)
		tr_findings_note(doctor->findings,
			"media was not tried, for nobody else was in the meeting: open %s in a "
			"browser, and run `telerec doctor --room %s` meanwhile",
			url, strrchr(url, '/') + 1);
	else
		tr_findings_ok(doctor->findings,
			"media comes from the bridge both ways: ICE is connected, %lld kbit/s of "
			"%d participant%s",
			(long long)slot->download_kbps, slot->participants,
			slot->participants == 1 ? "" : "s");
}

void tr_ask_meeting(
	struct tr_doctor *doctor, const struct tr_config_environment *environment, const char *room)
{
	char url[1400];
	struct tr_slot_try *slot = calloc(1, sizeof(*slot));

	tr_doctor_enter(doctor, "meeting", environment);
	snprintf(url, sizeof(url), "%s/%s", environment->base_url, room);
	/* No slot of telerecd's has this number, and the card of snd-aloop is the one behind
	 * theirs: their sound is not ours. */
	unsigned number =
		64 + 8 * ((unsigned)getpid() % 20) + ((unsigned)doctor->config->slots + 1) % 8;
	int rc = slot ? tr_slot_try_run(doctor->config, environment, url, number, slot) : -1;
	if (rc < 0)
		fail(doctor, "no-slot", NULL, NULL, "apt-get install --reinstall telerec\n",
			"the program telerec-slot does not start; is telerec installed "
			"completely?");
	else if (slot->reason != TR_REASON_NONE)
		explain(doctor, environment, slot);
	else
		praise(doctor, slot, url);
	free(slot);
}
