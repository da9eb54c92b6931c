#include "console/home_facts.h"

#include "core/text.h"
#include "protocol/node_words.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

/* ---- servers ---- */

unsigned tr_home_servers(const json_t *node, char (*lines)[256], unsigned most)
{
	const json_t *links = json_object_get(node, "links");
	unsigned count = 0;

	for (size_t i = 0; i < json_array_size(links) && count < most; i++) {
		struct tr_node_words_server server;
		if (!tr_node_words_server(links, i, &server))
			continue;
		snprintf(lines[count++], sizeof(*lines),
			"%s: %u of %u recorders there, Jicofo is %s", server.entry, server.present,
			server.all, server.has_focus ? "there" : "NOT there");
	}
	return count;
}

/* ---- warnings ---- */

static void warn(struct tr_home_warnings *warnings, enum tr_role role, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void warn(struct tr_home_warnings *warnings, enum tr_role role, const char *format, ...)
{
	struct tr_home_warning warning = {.role = role};
	unsigned at = warnings->count;
	va_list args;

	va_start(args, format);
	vsnprintf(warning.text, sizeof(warning.text), format, args);
	va_end(args);
	for (unsigned i = 0; i < warnings->count; i++)
		if (!strcmp(warnings->items[i].text, warning.text))
			return;
	if (warnings->count == TR_HOME_WARNINGS_MAX)
		return;
	while (at > 0 && role == TR_ROLE_BAD && warnings->items[at - 1].role != TR_ROLE_BAD)
		at--;
	memmove(&warnings->items[at + 1], &warnings->items[at],
		(warnings->count - at) * sizeof(*warnings->items));
	warnings->items[at] = warning;
	warnings->count++;
}

static void warn_slot(struct tr_home_warnings *warnings, const json_t *slot)
{
	const json_t *session = json_object_get(slot, "session");
	const char *problem = tr_node_words_text(slot, "problem");
	const char *warning = tr_node_words_text(session, "warning");
	long long number = tr_node_words_int(slot, "slot");
	bool is_starting = !strcmp(tr_node_words_text(slot, "state"), "starting");
	size_t i;
	json_t *stream;

	if (!tr_node_words_is(slot, "is_healthy") && !is_starting)
		warn(warnings, TR_ROLE_BAD, "Slot %lld: %s", number,
			problem[0] ? problem : "it is not well, and does not say why.");
	if (warning[0])
		warn(warnings, TR_ROLE_WARNING, "Slot %lld: %s", number, warning);
	json_array_foreach(json_object_get(session, "streams"), i, stream)
	{
		const char *trouble = tr_node_words_text(stream, "problem");
		const char *state = tr_node_words_text(stream, "state");
		if (strcmp(state, "streaming") != 0 && trouble[0])
			warn(warnings, TR_ROLE_WARNING, "Slot %lld, stream to %s: %s: %s", number,
				tr_node_words_text(stream, "name"), state, trouble);
	}
}

static void warn_link(struct tr_home_warnings *warnings, const json_t *links, size_t i)
{
	const json_t *link = json_array_get(links, i);
	const char *problem = tr_node_words_text(link, "problem");
	bool is_present = !strcmp(tr_node_words_text(link, "state"), "present");
	struct tr_node_words_server server;

	if (problem[0])
		warn(warnings, is_present ? TR_ROLE_WARNING : TR_ROLE_BAD, "%s: %s",
			tr_node_words_text(link, "entry"), problem);
	else if (is_present && !tr_node_words_is(link, "has_focus") &&
		 tr_node_words_server(links, i, &server))
		warn(warnings, TR_ROLE_BAD,
			"%s: Jicofo is not in our brewery: it uses another room, or does not run. "
			"Nobody can start a recording. The doctor knows more.",
			tr_node_words_text(link, "entry"));
}

static void warn_node(struct tr_home_warnings *warnings, const json_t *node)
{
	const json_t *disk = json_object_get(node, "disk");
	const char *problem = tr_node_words_text(node, "problem");
	const char *disk_state = tr_node_words_text(disk, "state");
	bool is_low = !strcmp(disk_state, "low");

	if (disk_state[0] && strcmp(disk_state, "fine") != 0)
		warn(warnings, is_low ? TR_ROLE_WARNING : TR_ROLE_BAD, "%s",
			tr_node_words_text(disk, "problem"));
	if (tr_node_words_is(disk, "is_in_memory"))
		warn(warnings, TR_ROLE_WARNING, TR_NODE_WORDS_IN_MEMORY);
	if (tr_node_words_is(node, "is_draining"))
		warn(warnings, TR_ROLE_WARNING,
			"This node drains: nothing new starts. `telerec drain --off` ends that.");
	else if (!tr_node_words_is(node, "is_healthy"))
		warn(warnings, TR_ROLE_BAD, "%s", problem[0] ? problem : "No slot is well.");
}

/* What was recorded is safe here; it only does not get where it is wanted. */
static void warn_upload(struct tr_home_warnings *warnings, const json_t *target)
{
	const char *problem = tr_node_words_text(target, "problem");
	long long failing = tr_node_words_int(target, "failing");

	if (failing > 0)
		warn(warnings, TR_ROLE_WARNING, "%lld upload%s to %s %s: %s", failing,
			failing == 1 ? "" : "s", tr_node_words_text(target, "name"),
			failing == 1 ? "fails" : "fail",
			problem[0] ? problem : "Recordings says more.");
}

void tr_home_find_warnings(const struct tr_model_view *view, struct tr_home_warnings *ret_warnings)
{
	const json_t *links = json_object_get(view->node, "links");
	json_t *slot, *target;
	size_t i;

	ret_warnings->count = 0;
	if (view->node)
		warn_node(ret_warnings, view->node);
	json_array_foreach(view->slots, i, slot) warn_slot(ret_warnings, slot);
	for (i = 0; i < json_array_size(links); i++)
		warn_link(ret_warnings, links, i);
	json_array_foreach(json_object_get(view->node, "uploads"), i, target)
		warn_upload(ret_warnings, target);
}

/* ---- facts ---- */

void tr_home_disk(const json_t *node, char *out, size_t size)
{
	const json_t *disk = json_object_get(node, "disk");
	const json_t *left = json_object_get(disk, "hours_left");
	double hours = json_number_value(left);
	char is_free[16], all[16], text[64] = "";

	if (!disk) {
		snprintf(out, size, "not known");
		return;
	}
	if (json_is_number(left))
		snprintf(text, sizeof(text),
			hours >= 2 ? ", some %.0f hours of recording"
				   : ", some %.0f minutes of recording",
			hours >= 2 ? hours : hours * 60);
	tr_text_format_bytes(tr_node_words_int(disk, "free_bytes"), is_free, sizeof(is_free));
	tr_text_format_bytes(tr_node_words_int(disk, "total_bytes"), all, sizeof(all));
	snprintf(out, size, "%s of %s free%s", is_free, all, text);
}

/* Those that others can reach it by; IPv4 first, as people read them. */
static void add_addresses(const struct ifaddrs *all, int family, char *out, size_t size)
{
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		char address[INET6_ADDRSTRLEN + 20];
		size_t used = strlen(out);
		if (!one->ifa_addr || one->ifa_addr->sa_family != family ||
			(one->ifa_flags & IFF_LOOPBACK) || !(one->ifa_flags & IFF_UP))
			continue;
		if (getnameinfo(one->ifa_addr,
			    family == AF_INET ? sizeof(struct sockaddr_in)
					      : sizeof(struct sockaddr_in6),
			    address, sizeof(address), NULL, 0, NI_NUMERICHOST) != 0 ||
			!strncmp(address, "fe80:", 5))
			continue;
		snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", address);
	}
}

void tr_home_addresses(char *out, size_t size)
{
	struct ifaddrs *all = NULL;

	out[0] = '\0';
	if (getifaddrs(&all) == 0) {
		add_addresses(all, AF_INET, out, size);
		add_addresses(all, AF_INET6, out, size);
		freeifaddrs(all);
	}
	if (!out[0])
		snprintf(out, size, "none: the network is not connected");
}

bool tr_home_clock(char *out, size_t size)
{
	struct timex state = {0};
	int rc = adjtimex(&state);

	if (rc < 0) {
		snprintf(out, size, "not known whether it is synchronised");
		return true;
	}
	bool is_good = rc != TIME_ERROR && !(state.status & STA_UNSYNC);
	snprintf(out, size, is_good ? "synchronised" : "NOT synchronised");
	return is_good;
}
