#include "cli/verbs.h"

#include "core/child.h"
#include "core/text.h"
#include "protocol/slot_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { OPTION_JSON = 1 };

static const struct tr_option options[] = {
	{"json", NULL, "print the report as JSON", OPTION_JSON},
	{0},
};

/* The slot program holds the decoders; its output and exit code are ours. */
static int check_file(const char *program, const char *file, bool is_json)
{
	struct tr_child child;
	char fate[80];
	const char *const argv[] = {
		program, "--check", is_json ? "--json" : file, is_json ? file : NULL, NULL};
	const struct tr_child_fd fds[] = {{STDOUT_FILENO, STDOUT_FILENO}};
	const struct tr_child_settings settings = {
		.argv = argv, .fds = fds, .fd_count = TR_COUNT(fds), .is_group_ours = true};

	fflush(stdout);
	int rc = tr_child_start(&settings, &child);
	if (rc < 0) {
		fprintf(stderr, "telerec check: cannot start %s: %s\n", program, strerror(-rc));
		return 1;
	}
	int status = tr_child_wait(&child, -1);
	if (status >= 0 && WIFEXITED(status))
		return WEXITSTATUS(status);
	tr_child_describe(status, fate, sizeof(fate));
	fprintf(stderr, "telerec check: the program that decodes %s %s\n", file, fate);
	return 1;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	TR_CLEANUP(tr_freep) const char **files = calloc((size_t)argc, sizeof(*files));
	char program[PATH_MAX];
	bool is_json = false;
	int count = 0, id, rc;
	const char *value;

	if (!files)
		return 1;
	while ((rc = tr_options_next(&reader, &id, &value)) > 0) {
		if (id == OPTION_JSON)
			is_json = true;
		else
			files[count++] = value;
	}
	if (rc < 0)
		return TR_EXIT_USAGE;
	if (count == 0) {
		fputs("telerec check: name a file to check\n", stderr);
		return TR_EXIT_USAGE;
	}
	rc = tr_slot_client_find_program("telerec-slot", program, sizeof(program));
	if (rc < 0) {
		fprintf(stderr, "telerec check: %s is missing; is telerec installed completely?\n",
			program);
		return 1;
	}
	int worst = 0;
	for (int i = 0; i < count; i++) {
		int code = check_file(program, files[i], is_json);
		worst = code > worst ? code : worst;
	}
	return worst;
}

const struct tr_verb tr_verb_check = {
	"check", "FILE...", "Decodes recordings fully and says how good they are.", options, run};
