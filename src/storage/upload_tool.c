#define TR_LOG_AREA "upload"

#include "storage/upload_tool.h"

#include "core/child.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PROGRAM "rclone"
#define NICE 10
#define REAP_MS 5000
#define LINE_BYTES 65536
#define LINES_LOGGED 20
#define ENVIRONMENT_MAX 16
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_IDLE (3 << 13)
#define SSH_PORT 22

/* The child's descriptors. */
enum { CONFIG = 3, HOST_KEYS, FILES, FD_COUNT };

struct tr_upload_tool {
	struct tr_upload_target target; /* for its secrets, which are not to be logged */
	char obscured[600];
	char label[200];
	struct tr_child child;
	int errors, output; /* pipes' ends */
	sd_event_source *errors_io, *output_io, *end_io;
	tr_upload_tool_progress_fn *progress;
	tr_upload_tool_end_fn *end;
	void *user;
	struct tr_upload_tool_result result;
	size_t line_size, output_size;
	unsigned lines;
	char line[LINE_BYTES + 1];
};

/* ---- what goes in ---- */

static int make_file(const char *name, const char *text, size_t size, int *ret_fd)
{
	TR_CLEANUP(tr_closep) int fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = tr_file_write_all(fd, text, size);
	if (rc < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return rc < 0 ? rc : -errno;
	*ret_fd = tr_take_fd(&fd);
	return 0;
}

static void print_sftp(FILE *out, const struct tr_upload_target *target,
	const struct tr_upload_url *url, const char *obscured)
{
	fprintf(out, "type = sftp\nhost = %s\nport = %d\nknown_hosts_file = /dev/fd/%d\n",
		url->host, url->port ? url->port : SSH_PORT, HOST_KEYS);
	/* It would try the server's shell for these, and write down what it found. */
	fputs("shell_type = none\nmd5sum_command = none\nsha1sum_command = none\n", out);
	if (target->key_file[0])
		fprintf(out, "key_file = %s\n", target->key_file);
	if (obscured[0])
		fprintf(out, "%s = %s\n", target->key_file[0] ? "key_file_pass" : "pass", obscured);
}

static void print_webdav(FILE *out, const struct tr_upload_target *target,
	const struct tr_upload_url *url, const char *obscured)
{
	const char *host = strstr(target->url, "://") + 3;
	const char *at = memrchr(host, '@', strcspn(host, "/"));
	bool is_nextcloud = strstr(target->url, "/remote.php/dav/files/") != NULL;

	fprintf(out, "type = webdav\nurl = %s://%s\nvendor = %s\n", url->is_tls ? "https" : "http",
		at ? at + 1 : host, is_nextcloud ? "nextcloud" : "other");
	if (obscured[0])
		fprintf(out, "pass = %s\n", obscured);
}

static void print_s3(FILE *out, const struct tr_upload_target *target)
{
	fprintf(out, "type = s3\nprovider = %s\nenv_auth = false\nno_check_bucket = true\n",
		target->endpoint[0] ? "Other" : "AWS");
	fprintf(out, "access_key_id = %s\nsecret_access_key = %s\n", target->access_key,
		target->secret_key);
	if (target->endpoint[0])
		fprintf(out, "endpoint = %s\n", target->endpoint);
	if (target->region[0])
		fprintf(out, "region = %s\n", target->region);
}

static void print_smb(FILE *out, const struct tr_upload_url *url, const char *obscured)
{
	fprintf(out, "type = smb\nhost = %s\n", url->host);
	if (url->port)
		fprintf(out, "port = %d\n", url->port);
	if (obscured[0])
		fprintf(out, "pass = %s\n", obscured);
}

static void print_user(FILE *out, const char *user, enum tr_upload_kind kind)
{
	const char *name = kind == TR_UPLOAD_SMB ? strchr(user, '\\') : NULL;

	if (name)
		fprintf(out, "domain = %.*s\n", (int)(name - user), user);
	if (user[0])
		fprintf(out, "user = %s\n", name ? name + 1 : user);
}

static int make_config(const struct tr_upload_tool_settings *settings, int *ret_fd)
{
	const struct tr_upload_target *target = settings->target;
	const char *obscured = settings->obscured ? settings->obscured : "";
	char text[8192] = "";
	struct tr_upload_url url;
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (!out)
		return -ENOMEM;
	int rc = tr_upload_target_parse_url(target->url, &url);
	fputs("[t]\n", out);
	if (rc == 0 && url.kind == TR_UPLOAD_SFTP)
		print_sftp(out, target, &url, obscured);
	else if (rc == 0 && url.kind == TR_UPLOAD_WEBDAV)
		print_webdav(out, target, &url, obscured);
	else if (rc == 0 && url.kind == TR_UPLOAD_S3)
		print_s3(out, target);
	else if (rc == 0)
		print_smb(out, &url, obscured);
	if (rc == 0 && url.kind != TR_UPLOAD_S3)
		print_user(out, target->user[0] ? target->user : url.user, url.kind);
	if (fclose(out) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0)
		rc = make_file("rclone.conf", text, strlen(text), ret_fd);
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int make_host_keys(const struct tr_upload_target *target, int *ret_fd)
{
	char text[TR_UPLOAD_HOST_KEYS_MAX * 1400] = "";
	struct tr_upload_url url;
	size_t used = 0;

	int rc = tr_upload_target_parse_url(target->url, &url);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < target->host_key_count; i++)
		used += (size_t)(url.port && url.port != SSH_PORT
					 ? snprintf(text + used, sizeof(text) - used,
						   "[%s]:%d %s\n", url.host, url.port,
						   target->host_keys[i])
					 : snprintf(text + used, sizeof(text) - used, "%s %s\n",
						   url.host, target->host_keys[i]));
	return make_file("known_hosts", text, used, ret_fd);
}

void tr_upload_tool_place(const struct tr_upload_target *target, char *out, size_t size)
{
	struct tr_upload_url url = {0};

	if (tr_upload_target_parse_url(target->url, &url) < 0)
		url.path[0] = '\0';
	if (url.kind == TR_UPLOAD_S3)
		snprintf(out, size, "t:%s%s", url.host, url.path);
	else if (url.kind == TR_UPLOAD_SMB)
		snprintf(out, size, "t:%s", url.path + 1);
	else if (url.kind == TR_UPLOAD_WEBDAV) /* all of it is in its URL */
		snprintf(out, size, "t:");
	else if (!strcmp(url.path, "/~") || !strncmp(url.path, "/~/", 3))
		snprintf(out, size, "t:%s", url.path[2] ? url.path + 3 : "");
	else
		snprintf(out, size, "t:%s", url.path);
}

/* ---- what comes out ---- */

static void hide(char *text, const char *secret)
{
	size_t length = strlen(secret);

	for (char *at = text; length > 2 && (at = strstr(at, secret)); at++)
		memset(at, '*', length);
}

/* One printable line, without markup, secrets and the time in front. */
static void clean(const struct tr_upload_tool *tool, char *text)
{
	static const char date[] = "0000/00/00 00:00:00 ";
	size_t used = 0, skip = strlen(text) > sizeof(date) && text[4] == '/' && text[13] == ':'
					? sizeof(date) - 1
					: 0;
	bool is_markup = false;

	for (const char *c = text + skip; *c; c++) {
		is_markup = is_markup || *c == '<';
		if (!is_markup)
			text[used++] = (unsigned char)*c < 0x20 || *c == 0x7f ? ' ' : *c;
		is_markup = is_markup && *c != '>';
	}
	text[used] = '\0';
	hide(text, tool->target.password);
	hide(text, tool->target.secret_key);
	hide(text, tool->target.access_key);
	hide(text, tool->obscured);
}

static void take_words(struct tr_upload_tool *tool, char *words)
{
	struct tr_upload_tool_result *result = &tool->result;
	size_t used = strlen(result->words);

	clean(tool, words);
	if (!words[strspn(words, " ")] || strstr(words, "No common hash found"))
		return;
	if (!result->first[0])
		snprintf(result->first, sizeof(result->first), "%s", words);
	snprintf(result->words + used, sizeof(result->words) - used, "%s\n", words);
	if (tool->lines++ < LINES_LOGGED)
		tr_info("%s: rclone: %.400s", tool->label, words);
}

static void take_json(struct tr_upload_tool *tool, const json_t *root)
{
	const json_t *stats = json_object_get(root, "stats");
	const char *level = json_string_value(json_object_get(root, "level"));
	const char *message = json_string_value(json_object_get(root, "msg"));

	if (json_is_object(stats) && tool->progress)
		tool->progress(json_integer_value(json_object_get(stats, "bytes")), tool->user);
	if (!message || !level || (strcmp(level, "error") != 0 && strcmp(level, "critical") != 0))
		return;
	TR_CLEANUP(tr_freep) char *copy = strdup(message);
	if (copy)
		take_words(tool, copy);
}

static void take_line(struct tr_upload_tool *tool)
{
	tool->line[tool->line_size] = '\0';
	json_t *root = tool->line[0] == '{' ? json_loads(tool->line, 0, NULL) : NULL;
	if (root)
		take_json(tool, root);
	else if (tool->line_size > 0)
		take_words(tool, tool->line);
	json_decref(root);
	tool->line_size = 0;
}

/* False at the end. */
static bool read_errors(struct tr_upload_tool *tool)
{
	char bytes[4096];
	ssize_t n = read(tool->errors, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	for (ssize_t i = 0; i < n; i++) {
		if (bytes[i] == '\n')
			take_line(tool);
		else if (tool->line_size < LINE_BYTES)
			tool->line[tool->line_size++] = bytes[i];
	}
	return n > 0;
}

static bool read_output(struct tr_upload_tool *tool)
{
	struct tr_upload_tool_result *result = &tool->result;
	char bytes[1024];
	ssize_t n = read(tool->output, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	for (ssize_t i = 0; i < n; i++)
		if (bytes[i] != '\n' && tool->output_size + 1 < sizeof(result->output))
			result->output[tool->output_size++] = bytes[i];
	explicit_bzero(bytes, sizeof(bytes));
	return n > 0;
}

static int on_errors(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tr_upload_tool *tool = user;

	(void)fd, (void)revents;
	return read_errors(tool) ? 0 : sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int on_output(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tr_upload_tool *tool = user;

	(void)fd, (void)revents;
	return read_output(tool) ? 0 : sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* Nobody else holds its pipes: what is in them now is all. */
static void drain(struct tr_upload_tool *tool)
{
	while (read_errors(tool) && errno != EAGAIN)
		errno = 0;
	errno = 0;
	while (read_output(tool) && errno != EAGAIN)
		errno = 0;
	if (tool->line_size > 0)
		take_line(tool);
}

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct tr_upload_tool *tool = user;

	(void)fd, (void)revents;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	tool->result.wait_status = tr_child_wait(&tool->child, REAP_MS);
	errno = 0;
	drain(tool);
	tool->end(&tool->result, tool->user);
	return 0;
}

/* ---- life ---- */

/* The way to the outside, and no more: above all nothing that tells rclone to do something else. */
static void make_environment(const char *environment[static ENVIRONMENT_MAX + 1])
{
	static const char *const kept[] = {
		"PATH=", "TMPDIR=", "http_proxy=", "https_proxy=", "no_proxy=", "HTTP_PROXY=",
		"HTTPS_PROXY=", "NO_PROXY=", "SSL_CERT_FILE=", "SSL_CERT_DIR="};
	unsigned used = 0;

	environment[used++] = "HOME=/dev/null";
	environment[used++] = "RCLONE_CACHE_DIR=/dev/null";
	for (char **one = environ; one && *one; one++)
		for (size_t i = 0; i < TR_COUNT(kept) && used < ENVIRONMENT_MAX; i++)
			if (!strncmp(*one, kept[i], strlen(kept[i])))
				environment[used++] = *one;
	environment[used] = NULL;
}

static void make_arguments(const struct tr_upload_tool_settings *settings, char *bandwidth,
	size_t bandwidth_size, const char **argv)
{
	static const char *const common[] = {"--config", "/dev/fd/3", "--retries", "1",
		"--low-level-retries", "3", "--contimeout", "20s", "--timeout", "90s",
		"--use-json-log", "--stats", "1s", "--stats-log-level", "NOTICE", "--transfers",
		"2"};
	unsigned used = 0;

	argv[used++] = PROGRAM;
	for (unsigned i = 0; i < TR_UPLOAD_TOOL_ARGS_MAX && settings->args[i]; i++)
		argv[used++] = settings->args[i];
	if (!strcmp(settings->args[0], "obscure")) {
		argv[used] = NULL;
		return;
	}
	for (unsigned i = 0; i < TR_COUNT(common); i++)
		argv[used++] = common[i];
	if (settings->files) {
		argv[used++] = "--files-from-raw";
		argv[used++] = "/dev/fd/5";
	}
	if (settings->target->ca_file[0]) {
		argv[used++] = "--ca-cert";
		argv[used++] = settings->target->ca_file;
	}
	if (settings->target->bandwidth > 0) {
		snprintf(
			bandwidth, bandwidth_size, "%lldB", (long long)settings->target->bandwidth);
		argv[used++] = "--bwlimit";
		argv[used++] = bandwidth;
	}
	argv[used] = NULL;
}

static int run(struct tr_upload_tool *tool, const struct tr_upload_tool_settings *settings,
	const int files[FD_COUNT], int input)
{
	const char *argv[TR_UPLOAD_TOOL_ARGS_MAX + 32], *environment[ENVIRONMENT_MAX + 1];
	char bandwidth[32];
	int errors[2], output[2];

	if (pipe2(errors, O_CLOEXEC) < 0)
		return -errno;
	tool->errors = errors[0];
	TR_CLEANUP(tr_closep) int errors_end = errors[1];
	if (pipe2(output, O_CLOEXEC) < 0)
		return -errno;
	tool->output = output[0];
	TR_CLEANUP(tr_closep) int output_end = output[1];
	if (fcntl(tool->errors, F_SETFL, O_NONBLOCK) < 0 ||
		fcntl(tool->output, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	const struct tr_child_fd fds[] = {{output_end, STDOUT_FILENO}, {errors_end, STDERR_FILENO},
		{files[CONFIG], CONFIG}, {files[HOST_KEYS], HOST_KEYS}, {files[FILES], FILES},
		{input, STDIN_FILENO}};
	make_arguments(settings, bandwidth, sizeof(bandwidth), argv);
	make_environment(environment);
	const struct tr_child_settings child = {.argv = argv,
		.envp = environment,
		.fds = fds,
		.fd_count = input >= 0 ? 6 : 5,
		.nice = NICE};
	int rc = tr_child_start(&child, &tool->child);
	if (rc == 0) /* where the kernel has no such thing, nice must do */
		(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tool->child.pid, IOPRIO_IDLE);
	return rc;
}

static int start(struct tr_upload_tool *tool, const struct tr_upload_tool_settings *settings)
{
	TR_CLEANUP(tr_closep) int config = -1;
	TR_CLEANUP(tr_closep) int host_keys = -1;
	TR_CLEANUP(tr_closep) int names = -1;
	TR_CLEANUP(tr_closep) int input = -1;
	const char *files = settings->files ? settings->files : "";
	bool is_obscuring = !strcmp(settings->args[0], "obscure");

	int rc = make_config(settings, &config);
	if (rc == 0)
		rc = make_host_keys(settings->target, &host_keys);
	if (rc == 0)
		rc = make_file("files", files, strlen(files), &names);
	if (rc == 0 && is_obscuring)
		rc = make_file("password", settings->target->password,
			strlen(settings->target->password), &input);
	if (rc < 0)
		return rc;
	const int fds[FD_COUNT] = {[CONFIG] = config, [HOST_KEYS] = host_keys, [FILES] = names};
	return run(tool, settings, fds, input);
}

int tr_upload_tool_start(sd_event *event, const struct tr_upload_tool_settings *settings,
	tr_upload_tool_progress_fn *progress, tr_upload_tool_end_fn *end, void *user,
	struct tr_upload_tool **ret_tool)
{
	TR_CLEANUP(tr_upload_tool_destroyp) struct tr_upload_tool *tool = calloc(1, sizeof(*tool));
	if (!tool)
		return -ENOMEM;
	tool->target = *settings->target;
	snprintf(tool->obscured, sizeof(tool->obscured), "%s",
		settings->obscured ? settings->obscured : "");
	snprintf(tool->label, sizeof(tool->label), "%s", settings->label);
	tool->child.pidfd = tool->errors = tool->output = -1;
	tool->progress = progress;
	tool->end = end;
	tool->user = user;
	int rc = start(tool, settings);
	if (rc == 0)
		rc = sd_event_add_io(
			event, &tool->errors_io, tool->errors, EPOLLIN, on_errors, tool);
	if (rc >= 0)
		rc = sd_event_add_io(
			event, &tool->output_io, tool->output, EPOLLIN, on_output, tool);
	if (rc >= 0)
		rc = sd_event_add_io(
			event, &tool->end_io, tool->child.pidfd, EPOLLIN, on_end, tool);
	if (rc < 0)
		return rc;
	*ret_tool = tr_take(tool);
	return 0;
}

void tr_upload_tool_destroy(struct tr_upload_tool *tool)
{
	if (!tool)
		return;
	sd_event_source_disable_unref(tool->errors_io);
	sd_event_source_disable_unref(tool->output_io);
	sd_event_source_disable_unref(tool->end_io);
	if (tool->child.pid > 0) {
		tr_child_kill(&tool->child, SIGKILL);
		if (tr_child_wait(&tool->child, REAP_MS) < 0)
			tr_warning("%s: rclone does not die", tool->label);
	}
	tr_closep(&tool->errors);
	tr_closep(&tool->output);
	explicit_bzero(tool, sizeof(*tool));
	free(tool);
}
