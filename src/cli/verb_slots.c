#include "cli/node_show.h"
#include "cli/node_verb.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_TO = 1, OPTION_WIDTH };

static const struct tr_option options[] = {
	{"to", "FILE", "for preview: write the JPEG there (\"-\": standard output)", OPTION_TO},
	{"width", "NUMBER", "for preview: of the picture (default: 480)", OPTION_WIDTH},
	TR_NODE_VERB_OPTIONS,
};

struct request {
	struct tr_node_verb node;
	const char *word; /* "restart", "preview" or NULL */
	int64_t slot;	  /* 0: all */
	int64_t width;
	const char *to;
};

static int take_word(struct request *request, const char *word)
{
	if (!request->word && request->slot == 0 &&
		(!strcmp(word, "restart") || !strcmp(word, "preview"))) {
		request->word = word;
		return 0;
	}
	if (request->slot > 0 || tr_text_parse_int(word, 1, 64, &request->slot) < 0)
		return tr_options_refuse("slots", "that is no slot's number: ", word);
	return 0;
}

static int take(struct request *request, int id, const char *value)
{
	switch (id) {
	case 0:
		return take_word(request, value);
	case OPTION_TO:
		request->to = value;
		return 0;
	case OPTION_WIDTH:
		return tr_text_parse_int(value, 16, 3840, &request->width) < 0
			       ? tr_options_refuse("slots", "--width is 16 to 3840, not ", value)
			       : 0;
	default:
		tr_node_verb_take(&request->node, id, value);
		return 0;
	}
}

static int check(const struct request *request)
{
	bool is_preview = request->word && !strcmp(request->word, "preview");

	if (request->word && request->slot == 0)
		return tr_options_refuse(
			"slots", "name the slot's number: telerec slots N ", request->word);
	if (is_preview && !request->to)
		return tr_options_refuse("slots", "say where the picture goes: --to FILE", "");
	if (!is_preview && (request->to || request->width))
		return tr_options_refuse(
			"slots", "--to and --width are for `telerec slots preview N`", "");
	return 0;
}

static int show_all(struct request *request)
{
	json_t *json = NULL;
	int code = tr_node_verb_call(&request->node, "GET", NULL, &json, "/v1/slots");

	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(json);
	tr_node_show_slots(
		stdout, json_object_get(json, "slots"), tr_text_table_terminal_width(stdout));
	json_decref(json);
	return 0;
}

static int show_one(struct request *request)
{
	json_t *json = NULL;
	int code = tr_node_verb_call(
		&request->node, "GET", NULL, &json, "/v1/slots/%lld", (long long)request->slot);

	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(json);
	tr_node_show_slot(stdout, json, tr_clock_wall_ns() / TR_NS_PER_MS);
	json_decref(json);
	return 0;
}

static int restart(struct request *request)
{
	json_t *json = NULL;
	int code = tr_node_verb_call(&request->node, "POST", NULL, &json, "/v1/slots/%lld/restart",
		(long long)request->slot);

	if (code != 0)
		return code;
	if (request->node.is_json)
		return tr_node_verb_print_json(json);
	printf("Slot %lld restarts.\n", (long long)request->slot);
	json_decref(json);
	return 0;
}

/* ---- preview ---- */

struct picture {
	char *bytes;
	size_t size;
};

static int add(const void *data, size_t size, int64_t total_size, void *user)
{
	struct picture *picture = user;

	(void)total_size;
	char *more = picture->size + size > (16 << 20)
			     ? NULL
			     : realloc(picture->bytes, picture->size + size);
	if (!more)
		return -ENOMEM;
	memcpy(more + picture->size, data, size);
	picture->bytes = more;
	picture->size += size;
	return 0;
}

static int write_picture(const struct request *request, const struct picture *picture)
{
	bool is_stdout = !strcmp(request->to, "-");
	TR_CLEANUP(tr_closep)
	int fd = is_stdout ? dup(STDOUT_FILENO)
			   : open(request->to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int rc = fd < 0 ? -errno : tr_file_write_all(fd, picture->bytes, picture->size);

	return rc == 0 ? 0
		       : tr_node_verb_fail(&request->node, TR_EXIT_FAILED,
				 "%s cannot be written: %s", request->to, strerror(-rc));
}

static int preview(struct request *request)
{
	struct picture picture = {0};
	char path[80];

	snprintf(path, sizeof(path), "/v1/slots/%lld/preview.jpg?width=%lld",
		(long long)request->slot, (long long)(request->width ? request->width : 480));
	int rc = tr_node_client_download(request->node.client, path, 0, add, &picture);
	int code = rc < 0 ? tr_node_verb_tell(&request->node, rc, NULL)
			  : write_picture(request, &picture);
	if (code == 0 && request->node.is_json && strcmp(request->to, "-") != 0)
		tr_node_verb_print_json(json_pack(
			"{s:s,s:I}", "file", request->to, "bytes", (json_int_t)picture.size));
	free(picture.bytes);
	return code;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct request request = {.node = {.name = verb->name}};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(&request, id, value) < 0)
			return TR_EXIT_USAGE;
	if (rc < 0 || check(&request) < 0)
		return TR_EXIT_USAGE;
	int code = tr_node_verb_open(&request.node);
	if (code == 0)
		code = request.word ? request.word[0] == 'r' ? restart(&request) : preview(&request)
		       : request.slot > 0 ? show_one(&request)
					  : show_all(&request);
	tr_node_verb_close(&request.node);
	return code;
}

const struct tr_verb tr_verb_slots = {"slots", "[N|restart N|preview N]",
	"Shows the slots, restarts one, or takes a picture of what it shows.", options, run};
