#include "core/clock.h"
#include "doctor/doctor_internal.h"
#include "doctor/tcp.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

static const char *const meaning =
	"Jicofo never sees this recorder: \"Recording unavailable\" in the meeting.";

/* The host and port that the domain's SRV record names. False when there is none. */
static bool find_srv(const char *domain, char *host, size_t size, int *ret_port)
{
	unsigned char answer[NS_PACKETSZ * 4];
	char name[NS_MAXDNAME];
	ns_msg message;
	ns_rr record;

	snprintf(name, sizeof(name), "_xmpp-client._tcp.%s", domain);
	int length = res_query(name, ns_c_in, ns_t_srv, answer, sizeof(answer));
	if (length < 0 || length > (int)sizeof(answer) ||
		ns_initparse(answer, length, &message) < 0)
		return false;
	for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
		if (ns_parserr(&message, ns_s_an, i, &record) < 0 ||
			ns_rr_type(record) != ns_t_srv || ns_rr_rdlen(record) < 7)
			continue;
		const unsigned char *data = ns_rr_rdata(record);
		*ret_port = data[4] << 8 | data[5];
		if (dn_expand(ns_msg_base(message), ns_msg_end(message), data + 6, host,
			    (int)size) > 0)
			return true;
	}
	return false;
}

static void list_addresses(const struct addrinfo *at, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (; at && used + INET6_ADDRSTRLEN + 3 < size; at = at->ai_next) {
		char text[INET6_ADDRSTRLEN] = "?";
		getnameinfo(
			at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", text);
	}
}

static void explain_no_name(struct tr_doctor *doctor, const struct tr_doctor_server *server, int rc)
{
	char host[NS_MAXDNAME], line[NS_MAXDNAME + 64];
	int port;
	struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = "no-dns",
		.meaning = meaning,
		.cure = {.file = doctor->settings->config_path,
			.setting = "environments.servers",
			.text = line},
	};

	if (find_srv(server->environment->xmpp_domain, host, sizeof(host), &port))
		snprintf(line, sizeof(line), "servers = [ \"%s:%d\" ]; // as the SRV record says",
			host, port);
	else
		snprintf(line, sizeof(line),
			"servers = [ \"NAME-OR-ADDRESS-OF-THE-JITSI-SERVER\" ];");
	tr_findings_add(doctor->findings, &finding,
		rc == EAI_AGAIN ? "the name %s cannot be looked up now: no name server answers "
				  "(/etc/resolv.conf)"
				: "the name %s does not exist",
		server->host);
}

bool tr_ask_network_name(struct tr_doctor *doctor, struct tr_doctor_server *server)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *addresses = NULL;
	char list[300];

	tr_doctor_enter(doctor, "network", server->environment);
	int rc = getaddrinfo(server->host, NULL, &hints, &addresses);
	if (rc != 0) {
		explain_no_name(doctor, server, rc);
		return false;
	}
	list_addresses(addresses, list, sizeof(list));
	freeaddrinfo(addresses);
	if (strcmp(list, server->host) != 0)
		tr_findings_ok(doctor->findings, "%s is %s", server->host, list);
	return true;
}

static void explain_port(struct tr_doctor *doctor, const struct tr_doctor_server *server, int rc)
{
	char check[400];
	bool is_closed = rc == -ECONNREFUSED;
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = is_closed ? "port-closed" : "port-silent",
		.meaning = meaning,
		.cure = {.where = "on the Jitsi server, as root", .text = check},
	};

	if (is_closed)
		snprintf(check, sizeof(check),
			"ss -ltn 'sport = :%d' # nothing: systemctl restart prosody, and look for\n"
			"                      # c2s_ports, c2s_interfaces in "
			"/etc/prosody/prosody.cfg.lua\n"
			"                      # (docker: publish the port, ports: [ '5222:5222' ])\n",
			server->port);
	else
		snprintf(check, sizeof(check),
			"ufw allow proto tcp from ADDRESS-OF-THIS-MACHINE to any port %d\n",
			server->port);
	tr_findings_add(doctor->findings, &finding,
		is_closed ? "%s refuses connections to port %d: no XMPP server listens there (%s)"
		: rc == -ETIMEDOUT
			? "%s does not answer on port %d: a firewall drops the packets (%s)"
			: "%s cannot be reached on port %d (%s)",
		server->host, server->port, strerror(-rc));
}

bool tr_ask_network_port(struct tr_doctor *doctor, struct tr_doctor_server *server)
{
	TR_CLEANUP(tr_closep) int fd = -1;
	int64_t began_ns = tr_clock_now_ns();

	tr_doctor_enter(doctor, "network", server->environment);
	int rc = tr_tcp_connect(server->host, server->port, TR_TCP_TIMEOUT_MS, &fd);
	if (rc < 0) {
		explain_port(doctor, server, rc);
		return false;
	}
	tr_findings_ok(doctor->findings, "%s port %d is open (%.0f ms)", server->host, server->port,
		(double)(tr_clock_now_ns() - began_ns) / TR_NS_PER_MS);
	return true;
}
