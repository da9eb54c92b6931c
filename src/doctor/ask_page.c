#include "doctor/doctor_internal.h"
#include "doctor/http_look.h"
#include "doctor/page_config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TIMEOUT_MS 6000
#define CLOCK_WARN_S 30
#define CLOCK_FAIL_S 300
#define SOON_DAYS 14

static const char *const meaning = "The browser does not get into meetings: every recording fails.";

static void fail_page(struct tr_doctor *doctor, const char *cause, const char *where,
	const char *setting, const char *text, const char *sentence)
{
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = cause,
		.meaning = meaning,
		.cure = {.where = where,
			.file = where ? NULL : doctor->settings->config_path,
			.setting = setting,
			.text = text},
	};

	tr_findings_add(doctor->findings, &finding, "%s", sentence);
}

#define SERVER "on the Jitsi server, as root"

/* The usual address is the better guess; where that one is configured, something else is wrong. */
static void fail_base_url(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const char *cause, const char *command, const char *sentence)
{
	char usual[300], line[400];

	snprintf(usual, sizeof(usual), "https://%s", environment->xmpp_domain);
	snprintf(line, sizeof(line), "base_url = \"%s\";", usual);
	if (strcmp(usual, environment->base_url) != 0)
		fail_page(doctor, cause, NULL, "environments.base_url", line, sentence);
	else
		fail_page(doctor, cause, "on this machine or the server", NULL, command, sentence);
}

static void explain_fault(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const struct tr_http_look *look)
{
	const char *url = environment->base_url;
	char text[1600];

	switch (look->fault) {
	case TR_HTTP_LOOK_NAME:
		snprintf(text, sizeof(text), "the meetings' page %s: the name does not exist", url);
		fail_base_url(doctor, environment, "page-no-dns",
			"getent hosts NAME # /etc/hosts, /etc/resolv.conf, or the DNS zone\n",
			text);
		return;
	case TR_HTTP_LOOK_REFUSED:
		snprintf(text, sizeof(text), "the meetings' page %s cannot be reached: %s", url,
			look->word);
		fail_page(doctor, "page-down", SERVER, NULL,
			"systemctl status nginx; ss -ltn # does the web server run, on that port?\n",
			text);
		return;
	case TR_HTTP_LOOK_LATE:
		snprintf(text, sizeof(text),
			"the meetings' page %s does not answer: a firewall drops the packets, or "
			"the web server hangs",
			url);
		fail_page(doctor, "page-silent", SERVER, NULL,
			"ufw allow proto tcp from ADDRESS-OF-THIS-MACHINE to any port 443\n", text);
		return;
	case TR_HTTP_LOOK_CERTIFICATE:
		snprintf(text, sizeof(text),
			"the certificate of the meetings' page %s is not trusted here: %s", url,
			look->word);
		fail_page(doctor, "page-certificate", NULL, NULL,
			"# the authority's certificate, as root:\n"
			"cp AUTHORITY.crt /usr/local/share/ca-certificates/ && "
			"update-ca-certificates\n",
			text);
		return;
	default:
		snprintf(text, sizeof(text), "the meetings' page %s cannot be loaded: %s", url,
			look->word);
		fail_page(doctor, "page-failed", SERVER, NULL, "tail /var/log/nginx/error.log\n",
			text);
	}
}

static void explain_status(struct tr_doctor *doctor,
	const struct tr_config_environment *environment, const char *url, int status)
{
	char text[1600];

	if (status == 404) {
		snprintf(text, sizeof(text),
			"%s answers 404: there is no Jitsi Meet at base_url, or the web server's "
			"rule for rooms is missing",
			url);
		fail_base_url(doctor, environment, "page-404",
			"nginx -T | grep -n -A3 location # on the Jitsi server: the rule for rooms\n",
			text);
	} else {
		snprintf(text, sizeof(text), "%s answers %d%s", url, status,
			status == 401 || status == 403 ? ": it wants a login, or refuses this "
							 "machine's address"
			: status >= 500		       ? ": the web server or what is behind it "
							 "has a fault"
						       : "");
		fail_page(doctor, "page-status", SERVER, NULL, "tail /var/log/nginx/error.log\n",
			text);
	}
}

/* ---- what the page says by the way ---- */

static void compare_clock(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const struct tr_http_look *look)
{
	int64_t off_s = look->ahead_s < 0 ? -look->ahead_s : look->ahead_s;
	const struct tr_finding finding = {
		.status = off_s < CLOCK_FAIL_S ? TR_FINDING_WARNING : TR_FINDING_FAILURE,
		.cause = "clock",
		.meaning = "Tokens and certificates may be refused, and recordings carry wrong "
			   "times.",
		.cure = {.text = "timedatectl set-ntp true # here, or on the Jitsi server\n"},
	};

	if (!look->has_date)
		return;
	tr_doctor_enter(doctor, "clock", environment);
	if (off_s < CLOCK_WARN_S)
		tr_findings_ok(doctor->findings, "the clock agrees with the web server's");
	else
		tr_findings_add(doctor->findings, &finding,
			"the web server's clock is %lld min %s this machine's",
			(long long)(off_s + 30) / 60, look->ahead_s > 0 ? "ahead of" : "behind");
}

static void check_host(struct tr_doctor *doctor, const struct tr_config_environment *environment,
	const struct tr_http_look *look)
{
	const char *host = strstr(look->location, "://");
	const char *ours = strstr(environment->base_url, "://");
	size_t length = ours ? strcspn(ours + 3, "/") : 0;
	char line[1200];

	if (!host || !ours ||
		(strcspn(host + 3, "/?#") == length && !strncmp(host + 3, ours + 3, length)))
		return;
	snprintf(line, sizeof(line), "base_url = \"%.*s\";",
		(int)(host + 3 - look->location + (ptrdiff_t)strcspn(host + 3, "/?#")),
		look->location);
	const struct tr_finding finding = {
		.status = TR_FINDING_WARNING,
		.cause = "page-elsewhere",
		.meaning = "The browser gives its log-in to the site of base_url only.",
		.cure = {.file = doctor->settings->config_path,
			.setting = "environments.base_url",
			.text = line},
	};
	tr_findings_add(
		doctor->findings, &finding, "%s leads to another site", environment->base_url);
}

static void check_config_js(
	struct tr_doctor *doctor, const struct tr_config_environment *environment)
{
	char url[1200], domain[300];
	struct tr_http_look look;
	struct tr_finding finding = {
		.status = TR_FINDING_WARNING,
		.cause = "hidden-domain-web",
		.meaning = "The recorder is seen, and counted, as a participant of the meetings.",
	};

	snprintf(url, sizeof(url), "%s/config.js", environment->base_url);
	const struct tr_http_look_settings settings = {.url = url,
		.timeout_ms = TIMEOUT_MS,
		.ignore_certificate = doctor->config->browser.ignore_certificate_errors};
	if (tr_http_look_take(&settings, &look) < 0)
		return;
	bool is_config = look.fault == TR_HTTP_LOOK_FINE && look.status == 200 &&
			 tr_page_config_is_one(look.body);
	bool is_said =
		is_config && tr_page_config_find(look.body, "hiddenDomain", domain, sizeof(domain));
	tr_http_look_fini(&look);
	if (!is_config)
		tr_findings_note(doctor->findings,
			"there is no config.js to read hiddenDomain from at %s", url);
	else if (!is_said)
		tr_doctor_add_with_snippet(doctor, &finding, environment, TR_SERVER_PIECE_WEB,
			"the page's config.js has no hiddenDomain");
	else if (strcmp(domain, environment->call.domain) != 0)
		tr_doctor_add_with_snippet(doctor, &finding, environment, TR_SERVER_PIECE_WEB,
			"the page's hiddenDomain is %s, but call.domain is %s", domain,
			environment->call.domain);
	else
		tr_findings_ok(doctor->findings, "the page hides participants of %s", domain);
}

/* Of a list between commas, where "*.host" is all below it. */
static bool is_listed(const char *list, const char *host)
{
	while (*list) {
		size_t length = strcspn(list, ",");
		size_t tail = length > 1 && list[0] == '*' ? length - 1 : 0;
		size_t host_length = strlen(host);
		if (tail && host_length > tail &&
			!strncasecmp(host + host_length - tail, list + 1, tail))
			return true;
		if (length == host_length && !strncasecmp(list, host, length))
			return true;
		list += length + (list[length] == ',');
	}
	return false;
}

/* The browser resolves nothing but what is in the list. */
static bool may_reach(struct tr_doctor *doctor, const struct tr_config_environment *environment)
{
	char list[4096], host[300], line[400];
	const char *start = strstr(environment->base_url, "://");

	if (doctor->config->browser.allowed_host_count == 0 || !start ||
		tr_config_list_hosts(doctor->config, list, sizeof(list)) < 0)
		return true;
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(start + 3, ":/"), start + 3);
	if (is_listed(list, host))
		return true;
	snprintf(line, sizeof(line), "allowed_hosts = [ \"%s\", ... ];", host);
	fail_page(doctor, "host-not-allowed", NULL, "browser.allowed_hosts", line,
		"the host of base_url is not among browser.allowed_hosts, so the browser may not "
		"look it up");
	return false;
}

bool tr_ask_page(
	struct tr_doctor *doctor, const struct tr_config_environment *environment, const char *room)
{
	char url[1400];
	struct tr_http_look look;
	bool is_good = false;

	tr_doctor_enter(doctor, "page", environment);
	if (!may_reach(doctor, environment))
		return false;
	snprintf(url, sizeof(url), "%s/%s", environment->base_url, room);
	const struct tr_http_look_settings settings = {.url = url,
		.timeout_ms = TIMEOUT_MS,
		.ignore_certificate = doctor->config->browser.ignore_certificate_errors};
	if (tr_http_look_take(&settings, &look) < 0)
		return false;
	if (look.fault != TR_HTTP_LOOK_FINE) {
		explain_fault(doctor, environment, &look);
	} else if (look.status != 200) {
		explain_status(doctor, environment, url, look.status);
	} else {
		is_good = true;
		char days[60] = "";
		if (look.days_left >= 0)
			snprintf(days, sizeof(days), ", its certificate is good for %d days",
				look.days_left);
		tr_findings_ok(doctor->findings, "%s answers%s", environment->base_url, days);
		check_host(doctor, environment, &look);
		check_config_js(doctor, environment);
		compare_clock(doctor, environment, &look);
	}
	tr_http_look_fini(&look);
	return is_good;
}
