#include "cli/import_read.h"

#include "cli/import_env.h"
#include "cli/import_old.h"
#include "core/child.h"
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define TIMEOUT_MS 60000
#define FILE_MAX_BYTES (1 << 20)
#define ANSWER_MAX_BYTES (8 << 20)
#define EXIT_NO_LIBRARY 3 /* of the script */

extern const char tr_import_hocon_script[], tr_import_defaults[];

struct refusal {
	char *text;
	size_t size;
};

static int refuse(const struct refusal *refusal, int rc, const char *format, ...) TR_PRINTF(3, 4);

static int refuse(const struct refusal *refusal, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(refusal->text, refusal->size, format, args);
	va_end(args);
	return rc;
}

static void wipe(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

/* A file in memory with the question, read from its start. -errno. */
static int write_question(json_t *layer, json_t *variables, int *ret_fd)
{
	TR_CLEANUP(tr_closep) int fd = memfd_create("telerec-import", MFD_CLOEXEC);
	json_t *question = json_pack("{s:O, s:O, s:s}", "layer", layer, "variables", variables,
		"defaults", tr_import_defaults);
	TR_CLEANUP(wipe) char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;

	json_decref(question);
	if (fd < 0)
		return -errno;
	if (!text)
		return -ENOMEM;
	int rc = tr_file_write_all(fd, text, strlen(text));
	if (rc < 0)
		return rc;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	*ret_fd = tr_take_fd(&fd);
	return 0;
}

static int read_answer(int fd, json_t **ret_answer)
{
	off_t size = lseek(fd, 0, SEEK_END);
	TR_CLEANUP(wipe) char *text = NULL;

	if (size < 0 || size > ANSWER_MAX_BYTES)
		return -EFBIG;
	text = calloc(1, (size_t)size + 1);
	if (!text)
		return -ENOMEM;
	if (pread(fd, text, (size_t)size, 0) != size)
		return -EIO;
	*ret_answer = json_loads(text, 0, NULL);
	return *ret_answer ? 0 : -EBADMSG;
}

static int complain_library(const struct refusal *refusal)
{
	return refuse(refusal, -ENOENT,
		"reading Jibri's configuration needs ruby-hocon, which is not installed. Run: apt "
		"install ruby-hocon");
}

/* What the script could not do, as a sentence that holds no value. */
static int complain_answer(const struct refusal *refusal, const char *path, const json_t *answer)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	const char *variable = json_string_value(json_object_get(answer, "variable"));
	const char *file = json_string_value(json_object_get(answer, "file"));
	int line = (int)json_integer_value(json_object_get(answer, "line"));
	char place[600];

	file = file ? file : path;
	if (line > 0)
		snprintf(place, sizeof(place), "%.500s:%d", file, line);
	else
		snprintf(place, sizeof(place), "%.500s", file);
	if (!strcmp(error, "file")) {
		int number = (int)json_integer_value(json_object_get(answer, "errno"));
		return refuse(refusal, number > 0 ? -number : -EIO, "%s cannot be read: %s", path,
			strerror(number));
	}
	if (!strcmp(error, "encoding"))
		return refuse(refusal, -EINVAL, "%s is not text in UTF-8", path);
	if (!strcmp(error, "substitution"))
		return refuse(refusal, -EINVAL,
			"%s: ${%s} has no value. Name the file that gives it with --env FILE",
			place, variable ? variable : "...");
	return refuse(refusal, -EINVAL,
		"%s: Jibri's configuration cannot be read further (a missing brace, comma or quote?)",
		place);
}

static int run_script(const char *path, int question, int answer, const struct refusal *refusal)
{
	const char *const argv[] = {"ruby", "-e", tr_import_hocon_script, path, NULL};
	TR_CLEANUP(tr_closep) int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	/* Its own words about what is wrong may hold what is in the file. */
	const struct tr_child_fd fds[] = {
		{question, STDIN_FILENO}, {answer, STDOUT_FILENO}, {null, STDERR_FILENO}};
	const struct tr_child_settings settings = {
		.argv = argv, .fds = fds, .fd_count = TR_COUNT(fds), .is_group_ours = true};
	struct tr_child child = {0};

	int rc = null < 0 ? -errno : tr_child_start(&settings, &child);
	if (rc == -ENOENT)
		return complain_library(refusal);
	if (rc < 0)
		return refuse(refusal, rc, "cannot start ruby: %s", strerror(-rc));
	int status = tr_child_wait(&child, TIMEOUT_MS);
	if (status == -ETIMEDOUT) {
		tr_child_stop(&child, 0);
		return refuse(
			refusal, status, "the configuration takes longer than a minute to read");
	}
	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NO_LIBRARY)
		return complain_library(refusal);
	if (status != 0)
		return refuse(refusal, -EIO, "the configuration cannot be read: ruby failed");
	return 0;
}

/* Gives {"found":, "all":, "unset":}. */
static int ask(const char *path, json_t *layer, json_t *variables, json_t **ret_answer,
	const struct refusal *refusal)
{
	TR_CLEANUP(tr_closep) int question = -1;
	TR_CLEANUP(tr_closep) int output = memfd_create("telerec-import", MFD_CLOEXEC);

	int rc = output < 0 ? -errno : write_question(layer, variables, &question);
	if (rc < 0)
		return refuse(refusal, rc, "cannot hand over what to read: %s", strerror(-rc));
	rc = run_script(path, question, output, refusal);
	if (rc < 0)
		return rc;
	rc = read_answer(output, ret_answer);
	if (rc < 0)
		return refuse(
			refusal, rc, "the configuration cannot be read: ruby's answer is odd");
	if (!json_object_get(*ret_answer, "error"))
		return 0;
	rc = complain_answer(refusal, path ? path : "the variables", *ret_answer);
	json_decref(*ret_answer);
	*ret_answer = NULL;
	return rc;
}

static int read_variables(const char *path, json_t **ret_variables, const struct refusal *refusal)
{
	TR_CLEANUP(wipe) char *text = NULL;
	size_t size;
	int line;

	if (!path) {
		*ret_variables = json_object();
		return 0;
	}
	int rc = tr_file_read(AT_FDCWD, path, FILE_MAX_BYTES, &text, &size);
	if (rc < 0)
		return refuse(refusal, rc, "%s cannot be read: %s", path, strerror(-rc));
	rc = tr_import_env_parse(text, ret_variables, &line);
	if (rc < 0)
		return refuse(refusal, rc, "%s:%d: is no NAME=value", path, line);
	return 0;
}

/* What the answer says, into the source. */
static int take_answer(json_t *answer, struct tr_import_source *source)
{
	json_t *found = json_object_get(answer, "found");
	int rc = 0;

	source->all = json_incref(json_object_get(answer, "all"));
	source->unset = json_incref(json_object_get(answer, "unset"));
	source->missing = json_incref(json_object_get(answer, "missing"));
	if (tr_import_old_is(found))
		rc = tr_import_old_convert(found, &source->found, source->origins);
	else
		source->found = json_incref(found);
	return rc;
}

static int read_all(const char *path, const char *env_path, struct tr_import_source *source,
	const struct refusal *refusal)
{
	json_t *variables = NULL, *layer = NULL, *answer = NULL;

	if (path && access(path, R_OK) < 0) {
		int error = errno;
		return refuse(refusal, -error, "%s cannot be read: %s", path, strerror(error));
	}
	int rc = read_variables(env_path, &variables, refusal);
	if (rc < 0)
		return rc;
	/* With a file of Jibri's the variables are only what it asks for. */
	if (path)
		layer = json_object();
	else
		rc = tr_import_env_layer(
			variables, &layer, source->origins, source->strangers, source->unused);
	if (rc == 0)
		rc = ask(path, layer, variables, &answer, refusal);
	if (rc == 0)
		rc = take_answer(answer, source);
	json_decref(variables);
	json_decref(layer);
	json_decref(answer);
	return rc;
}

int tr_import_read(const char *path, const char *env_path, struct tr_import_source *ret_source,
	char *problem, size_t problem_size)
{
	const struct refusal refusal = {problem, problem_size};
	struct tr_import_source source = {
		.origins = json_object(), .strangers = json_array(), .unused = json_array()};

	snprintf(problem, problem_size, "%s", strerror(ENOMEM));
	int rc = source.origins && source.strangers ? read_all(path, env_path, &source, &refusal)
						    : -ENOMEM;
	if (rc < 0)
		tr_import_source_clear(&source);
	else
		*ret_source = source;
	return rc;
}

void tr_import_source_clear(struct tr_import_source *source)
{
	json_decref(source->found);
	json_decref(source->all);
	json_decref(source->unset);
	json_decref(source->missing);
	json_decref(source->origins);
	json_decref(source->strangers);
	json_decref(source->unused);
	*source = (struct tr_import_source){0};
}
