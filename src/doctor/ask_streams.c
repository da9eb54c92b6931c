#include "doctor/doctor_internal.h"
#include "doctor/tcp.h"
#include "output/stream_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void explain(struct tr_doctor *doctor, const struct tr_config_room *room, const char *shown,
	const struct tr_stream_url *url, int rc)
{
	char line[TR_CONFIG_PATTERN_MAX + 400];
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = rc == -ENOENT	       ? "stream-no-dns"
			 : rc == -ECONNREFUSED ? "stream-refused"
					       : "stream-silent",
		.meaning =
			"Streams of these rooms do not reach that server; files are recorded all "
			"the same.",
		.cure = {.file = doctor->settings->config_path,
			.setting = "rooms.streams",
			.text = line},
	};

	snprintf(line, sizeof(line),
		"nc -vz %s %d # the server's side; or take it out of the room \"%s\"", url->host,
		url->port, room->match);
	tr_findings_add(doctor->findings, &finding, "the stream target %s %s", shown,
		rc == -ENOENT	      ? "names a host that does not exist"
		: rc == -ECONNREFUSED ? "refuses the connection: no server listens there"
		: rc == -ETIMEDOUT    ? "does not answer: a firewall drops the packets"
				      : strerror(-rc));
}

static void ask_target(
	struct tr_doctor *doctor, const struct tr_config_room *room, const char *target)
{
	char resolved[TR_STREAM_URL_SIZE], shown[TR_STREAM_URL_SHOWN_SIZE];
	struct tr_stream_url url;
	TR_CLEANUP(tr_closep) int fd = -1;

	tr_stream_url_redact(target, shown, sizeof(shown));
	if (tr_stream_url_resolve(target, resolved, sizeof(resolved)) < 0 ||
		tr_stream_url_read(resolved, &url) < 0)
		return; /* the configuration's own check has said so */
	tr_stream_url_redact(resolved, shown, sizeof(shown));
	explicit_bzero(resolved, sizeof(resolved));
	if (url.scheme == TR_STREAM_URL_SRT) {
		tr_findings_note(
			doctor->findings, "%s is not tried: SRT has no ports to knock at", shown);
		return;
	}
	int rc = tr_tcp_connect(url.host, url.port, TR_TCP_TIMEOUT_MS, &fd);
	if (rc < 0)
		explain(doctor, room, shown, &url, rc);
	else
		tr_findings_ok(doctor->findings, "%s can be reached", shown);
}

void tr_ask_streams(struct tr_doctor *doctor)
{
	tr_doctor_enter(doctor, "streams", NULL);
	for (unsigned i = 0; i < doctor->config->room_count; i++) {
		const struct tr_config_room *room = &doctor->config->rooms[i];
		for (unsigned j = 0; j < room->stream_count; j++)
			ask_target(doctor, room, room->streams[j]);
	}
}
