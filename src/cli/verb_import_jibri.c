#include "cli/import_show.h"
#include "cli/verbs.h"
#include "core/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEAD_SIZE 600
#define ROOT_FOLDER "/etc/telerec"

enum { OPTION_ENV = 1, OPTION_TO, OPTION_FORCE, OPTION_JSON };

static const struct tr_option options[] = {
	{"env", "FILE", "values of ${variables}; alone: of the docker image", OPTION_ENV},
	{"to", "DIR", "where to write (root: " ROOT_FOLDER ", else: here)", OPTION_TO},
	{"force", NULL, "write over a configuration that is there", OPTION_FORCE},
	{"json", NULL, "print JSON", OPTION_JSON},
	{0},
};

struct request {
	const char *path, *env_path, *folder;
	bool is_forced, is_json;
};

static int take(struct request *request, int id, const char *value)
{
	switch (id) {
	case OPTION_ENV:
		request->env_path = value;
		return 0;
	case OPTION_TO:
		request->folder = value;
		return 0;
	case OPTION_FORCE:
		request->is_forced = true;
		return 0;
	case OPTION_JSON:
		request->is_json = true;
		return 0;
	}
	if (request->path) {
		fputs("telerec import-jibri: name one file; jibri.conf can include others\n",
			stderr);
		return -EINVAL;
	}
	request->path = value;
	return 0;
}

static int read_request(const struct tr_verb *verb, int argc, char **argv, struct request *request)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	const char *value;
	int id, rc;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0)
		if (take(request, id, value) < 0)
			return -EINVAL;
	if (rc < 0)
		return rc;
	if (!request->path && !request->env_path) {
		fputs("telerec import-jibri: name Jibri's configuration, usually "
		      "/etc/jitsi/jibri/jibri.conf, or the docker image's variables with --env\n",
			stderr);
		return -EINVAL;
	}
	if (!request->folder)
		request->folder = geteuid() == 0 ? ROOT_FOLDER : ".";
	if (!request->folder[0]) {
		fputs("telerec import-jibri: --to wants a folder\n", stderr);
		return -EINVAL;
	}
	return 0;
}

static int import(const struct request *request, const struct tr_import_plan *plan)
{
	TR_CLEANUP(tr_freep) struct tr_import_result *result = calloc(1, sizeof(*result));
	const char *from = request->path ? request->path : request->env_path;
	char head[HEAD_SIZE];

	/* A name with a new line in it must not end the comment. */
	bool is_plain = !from[strcspn(from, "\n\r")];
	snprintf(head, sizeof(head),
		"# Made by `telerec import-jibri` from %.400s.\n# telerec.conf(5) explains every "
		"setting; what is not here has its default.\n\n",
		is_plain ? from : "Jibri's configuration");
	int rc = result ? tr_import_write(plan, request->folder, head, request->is_forced, result)
			: -ENOMEM;
	if (rc < 0) {
		fprintf(stderr, "telerec import-jibri: cannot write to %s: %s\n", request->folder,
			strerror(-rc));
		return 1;
	}
	if (request->is_json) {
		tr_import_show_json(stdout, plan, result);
	} else {
		tr_import_show_table(stdout, plan);
		tr_import_show_result(stdout, result);
	}
	return result->complaints.count > 0 ? 1 : 0;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct request request = {0};
	struct tr_import_source source;
	struct tr_import_plan plan;
	char problem[800];

	if (read_request(verb, argc, argv, &request) < 0)
		return TR_EXIT_USAGE;
	int rc = tr_import_read(request.path, request.env_path, &source, problem, sizeof(problem));
	if (rc < 0) {
		fprintf(stderr, "telerec import-jibri: %s\n", problem);
		return 1;
	}
	rc = tr_import_plan_make(&source, &plan);
	tr_import_source_clear(&source);
	if (rc < 0) {
		fprintf(stderr, "telerec import-jibri: %s\n", strerror(-rc));
		return 1;
	}
	int code = import(&request, &plan);
	tr_import_plan_clear(&plan);
	return code;
}

const struct tr_verb tr_verb_import_jibri = {
	"import-jibri", "[FILE]", "Makes telerec.conf of Jibri's configuration.", options, run};
