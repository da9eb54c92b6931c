#include "cli/node_status.h"

#include "cli/node_show.h"
#include "cli/node_wait.h"
#include "cli/text_table.h"
#include "core/text.h"
#include "protocol/node_words.h"

#include <stdarg.h>
#include <string.h>

/* What is written, and what of it needs a person. */
struct status {
	FILE *out;
	unsigned troubles;
};

static void put(const struct status *status, const char *format, ...) TR_PRINTF(2, 3);
static void warn(struct status *status, bool is_trouble, const char *format, ...) TR_PRINTF(3, 4);

static void put_text(const struct status *status, const char *text)
{
	if (status->out)
		tr_text_table_say(status->out, "%s", text);
}

static void put(const struct status *status, const char *format, ...)
{
	char line[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put_text(status, line);
}

static void warn(struct status *status, bool is_trouble, const char *format, ...)
{
	char line[4096] = "! ";
	va_list args;

	va_start(args, format);
	vsnprintf(line + 2, sizeof(line) - 2, format, args);
	va_end(args);
	put_text(status, line);
	status->troubles += is_trouble;
}

static void put_head(const struct status *status, const json_t *node, const json_t *slots)
{
	char span[TR_NODE_WORDS_MAX];

	tr_node_words_span(
		tr_node_words_int(node, "now_ms") - tr_node_words_int(node, "started_ms"), span);
	put(status, "%s: %s, %u of %lld slots in use (telerec %s, up %s)",
		tr_node_words_text(node, "id"),
		tr_node_words_is(node, "is_healthy") ? "well" : "UNWELL",
		tr_node_wait_count_sessions(slots),
		(long long)tr_node_words_int(node, "slot_count"),
		tr_node_words_text(node, "version"), span);
	if (tr_node_words_is(node, "is_draining"))
		put(status, "It drains: nothing new starts. `telerec drain --off` ends that.");
}

/* "some 310 hours of recording". */
static void format_hours(const json_t *disk, char *out, size_t size)
{
	const json_t *left = json_object_get(disk, "hours_left");
	double hours = json_number_value(left);

	if (!json_is_number(left))
		out[0] = '\0';
	else if (hours >= 2)
		snprintf(out, size, ", some %.0f hours of recording", hours);
	else
		snprintf(out, size, ", some %.0f minutes of recording", hours * 60);
}

static void put_disk(const struct status *status, const json_t *disk)
{
	char left[16], all[16], hours[64];

	tr_text_format_bytes(tr_node_words_int(disk, "free_bytes"), left, sizeof(left));
	tr_text_format_bytes(tr_node_words_int(disk, "total_bytes"), all, sizeof(all));
	format_hours(disk, hours, sizeof(hours));
	put(status, "Disk: %s of %s free%s (%s)", left, all, hours,
		tr_node_words_text(disk, "path"));
}

/* All connections to the server of the first one. */
static void put_server(const struct status *status, const json_t *links, size_t first)
{
	struct tr_node_words_server server;

	if (tr_node_words_server(links, first, &server))
		put(status, "Jitsi: %s (%s): %u of %u recorders in the brewery, %s",
			server.environment, server.entry, server.present, server.all,
			server.has_focus ? "Jicofo is there" : "Jicofo is NOT there");
}

static void warn_links(struct status *status, const json_t *links)
{
	size_t i;
	json_t *link;

	json_array_foreach((json_t *)links, i, link)
	{
		const char *problem = tr_node_words_text(link, "problem");
		const char *state = tr_node_words_text(link, "state");
		bool is_present = !strcmp(state, "present");
		const char *before =
			i > 0 ? tr_node_words_text(json_array_get(links, i - 1), "problem") : "";

		if (problem[0] && strcmp(problem, before) != 0)
			warn(status, !is_present, "%s (%s): %s",
				tr_node_words_text(link, "environment"),
				tr_node_words_text(link, "entry"), problem);
		else if (is_present && !tr_node_words_is(link, "has_focus") &&
			 (i == 0 ||
				 !tr_node_words_is_same_server(link, json_array_get(links, i - 1))))
			warn(status, true,
				"%s: Jicofo is not in the brewery \"%s\" is in: it uses another "
				"room, or does not run. Nobody can start a recording",
				tr_node_words_text(link, "environment"),
				tr_node_words_text(link, "nickname"));
	}
}

static void warn_streams(struct status *status, long long number, const json_t *streams)
{
	size_t i;
	json_t *stream;

	json_array_foreach((json_t *)streams, i, stream)
	{
		const char *problem = tr_node_words_text(stream, "problem");
		const char *state = tr_node_words_text(stream, "state");

		if (strcmp(state, "streaming") != 0 && problem[0])
			warn(status, false, "slot %lld, stream to %s: %s: %s", number,
				tr_node_words_text(stream, "name"), state, problem);
	}
}

static void warn_slots(struct status *status, const json_t *slots)
{
	size_t i;
	json_t *slot;

	json_array_foreach((json_t *)slots, i, slot)
	{
		const json_t *session = json_object_get(slot, "session");
		const char *problem = tr_node_words_text(slot, "problem");
		const char *warning = tr_node_words_text(session, "warning");
		long long number = tr_node_words_int(slot, "slot");
		bool is_starting = !strcmp(tr_node_words_text(slot, "state"), "starting");

		if (!tr_node_words_is(slot, "is_healthy") && !is_starting)
			warn(status, true, "slot %lld: %s", number,
				problem[0] ? problem : "it is not well, and does not say why");
		if (warning[0])
			warn(status, false, "slot %lld: %s", number, warning);
		warn_streams(status, number, json_object_get(session, "streams"));
	}
}

static void warn_node(struct status *status, const json_t *node)
{
	const json_t *disk = json_object_get(node, "disk");
	const char *problem = tr_node_words_text(node, "problem");
	const char *disk_problem = tr_node_words_text(disk, "problem");
	const char *disk_state = tr_node_words_text(disk, "state");

	if (!tr_node_words_is(node, "is_healthy"))
		warn(status, true, "%s", problem[0] ? problem : "no slot is well");
	if (strcmp(disk_state, "fine") != 0 && disk_state[0] && strcmp(problem, disk_problem) != 0)
		warn(status, true, "disk %s: %s", disk_state, disk_problem);
	if (tr_node_words_is(disk, "is_in_memory"))
		warn(status, false, TR_NODE_WORDS_IN_MEMORY);
}

bool tr_node_status_show(FILE *out, const json_t *node, const json_t *slots, unsigned width)
{
	struct status status = {out, 0};
	const json_t *links = json_object_get(node, "links");
	long long finishing = tr_node_words_int(node, "recordings_finishing");

	put_head(&status, node, slots);
	put_text(&status, "");
	if (out)
		tr_node_show_slots(out, slots, width);
	put_text(&status, "");
	put_disk(&status, json_object_get(node, "disk"));
	for (size_t i = 0; i < json_array_size(links); i++)
		put_server(&status, links, i);
	if (finishing > 0)
		put(&status, "Files: of %lld recording%s are being made", finishing,
			finishing == 1 ? "" : "s");
	warn_node(&status, node);
	warn_slots(&status, slots);
	warn_links(&status, links);
	return status.troubles == 0;
}
