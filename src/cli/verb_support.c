#include "cli/config_file.h"
#include "cli/node_verb.h"
#include "cli/verbs.h"
#include "config/hide.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/sweeper.h"
#include "core/text.h"
#include "system/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SECRETS_MAX 512
#define SHORT 4 /* what is shorter is found by chance everywhere */

enum { OPTION_CONFIG = 1, OPTION_NO_DOCTOR };

static const struct tr_option options[] = {
	{"config", "FILE", "this file instead of /etc/telerec/telerec.conf", OPTION_CONFIG},
	{"no-doctor", NULL, "without what the doctor says, which takes a while", OPTION_NO_DOCTOR},
	TR_NODE_VERB_OPTIONS,
};

struct bundle {
	struct tr_node_verb node;
	const char *config_path, *to;
	bool has_doctor;
	char folder[64]; /* where it is collected */
	int dirfd;
	unsigned count;			  /* of files */
	const char *secrets[SECRETS_MAX]; /* in `config` */
	unsigned secret_count;
	struct tr_config *config;
};

/* ---- no secret leaves ---- */

static void add_secret(struct bundle *bundle, const char *secret)
{
	if (strlen(secret) >= SHORT && bundle->secret_count < SECRETS_MAX)
		bundle->secrets[bundle->secret_count++] = secret;
}

/* All that are known: whatever a text was made of, none of them stays in it. */
static void find_secrets(struct bundle *bundle)
{
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	struct tr_config *config = bundle->config;

	if (!complaints || tr_config_load(bundle->config_path, config, complaints) < 0)
		return;
	for (unsigned i = 0; i < config->environment_count; i++) {
		add_secret(bundle, config->environments[i].control.password);
		add_secret(bundle, config->environments[i].call.password);
	}
	add_secret(bundle, config->api.token);
	for (unsigned i = 0; i < config->room_count; i++)
		for (unsigned k = 0; k < config->rooms[i].stream_count; k++)
			add_secret(bundle, config->rooms[i].streams[k]);
	for (unsigned i = 0; i < config->stream.rewrite_count; i++)
		add_secret(bundle, config->stream.rewrites[i].to);
}

static void blot_out(struct bundle *bundle, char *text)
{
	for (unsigned i = 0; i < bundle->secret_count; i++) {
		size_t length = strlen(bundle->secrets[i]);
		for (char *at = text; (at = strstr(at, bundle->secrets[i])); at += length)
			memset(at, '*', length);
	}
}

/* ---- the parts ---- */

static void put(struct bundle *bundle, const char *name, char *text)
{
	blot_out(bundle, text);
	int rc = tr_file_replace(bundle->dirfd, name, text, strlen(text));
	if (rc < 0)
		fprintf(stderr, "telerec support-bundle: %s is left out: %s\n", name,
			strerror(-rc));
	else
		bundle->count++;
}

static void put_failure(struct bundle *bundle, const char *name, const char *problem)
{
	char text[700];

	snprintf(text, sizeof(text), "not to be had: %s\n", problem);
	put(bundle, name, text);
}

static void put_config(struct bundle *bundle)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	TR_CLEANUP(tr_freep) char *hidden = NULL;
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	char lines[4096] = "";

	int rc = config && complaints ? tr_config_file_read(bundle->config_path, &text) : -ENOMEM;
	/* Only a text that can be understood has its secrets hidden with certainty. */
	if (rc == 0 && tr_config_load_public(bundle->config_path, config, complaints) == 0)
		rc = tr_hide_secrets(text, &hidden);
	for (unsigned i = 0; complaints && i < complaints->count && i < TR_CONFIG_COMPLAINTS_MAX;
		i++)
		snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%s\n",
			complaints->lines[i]);
	if (hidden)
		put(bundle, "telerec.conf", hidden);
	else
		put_failure(bundle, "telerec.conf", lines[0] ? lines : strerror(-rc));
}

static void put_program(
	struct bundle *bundle, const char *name, const char *const argv[], int timeout_s)
{
	TR_CLEANUP(tr_freep) char *output = NULL;
	int rc = tr_tool_run(argv, timeout_s * 1000, true, &output);

	if (rc < 0)
		put_failure(bundle, name, strerror(-rc));
	else
		put(bundle, name, output);
}

static void put_answer(struct bundle *bundle, const char *name, const char *path)
{
	json_t *json = NULL;
	int rc = bundle->node.client
			 ? tr_node_client_call(bundle->node.client, "GET", path, NULL, &json)
			 : -EHOSTDOWN;
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	if (rc < 0 || !text)
		put_failure(bundle, name,
			bundle->node.client ? tr_node_client_problem(bundle->node.client)
					    : "no connection");
	else
		put(bundle, name, text);
	free(text);
	json_decref(json);
}

static void collect(struct bundle *bundle)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[length > 0 ? length : 0] = '\0';
	const char *const doctor[] = {
		self, "doctor", "--json", "--quick", "--config", bundle->config_path, NULL};
	const char *const kernel[] = {self, "kernel", "status", "--json", NULL};
	const char *const machine[] = {self, "machine", "status", "--json", NULL};
	const char *const probe[] = {self, "probe", "--json", NULL};
	const char *const version[] = {self, "version", NULL};
	static const char *const uname[] = {"uname", "-a", NULL};
	static const char *const disks[] = {"df", "-h", NULL};
	static const char *const memory[] = {"cat", "/proc/meminfo", "/proc/cpuinfo", NULL};
	static const char *const release[] = {"cat", "/etc/os-release", NULL};
	static const char *const packages[] = {"dpkg-query", "-W", "telerec", "chromium",
		"libavcodec*", "libva2", "libstrophe0", "linux-image*", NULL};
	static const char *const units[] = {
		"systemctl", "status", "--no-pager", "-n", "0", "telerec*", NULL};

	put_program(bundle, "version.txt", version, 10);
	put_program(bundle, "uname.txt", uname, 10);
	put_program(bundle, "os-release.txt", release, 10);
	put_program(bundle, "packages.txt", packages, 30);
	put_program(bundle, "disks.txt", disks, 10);
	put_program(bundle, "machine.txt", memory, 10);
	put_program(bundle, "units.txt", units, 20);
	put_config(bundle);
	put_program(bundle, "kernel.json", kernel, 60);
	put_program(bundle, "settings.json", machine, 60);
	if (bundle->has_doctor) {
		put_program(bundle, "probe.json", probe, 60);
		put_program(bundle, "doctor.json", doctor, 180);
	}
	put_answer(bundle, "node.json", "/v1/node");
	put_answer(bundle, "slots.json", "/v1/slots");
	put_answer(bundle, "sessions.json", "/v1/sessions");
	put_answer(bundle, "recordings.json", "/v1/recordings?limit=100");
	put_answer(bundle, "logs.json", "/v1/logs?limit=5000&level=debug");
}

/* ---- the file ---- */

static int pack(struct bundle *bundle)
{
	char name[PATH_MAX], stamp[32];
	time_t now = (time_t)(tr_clock_wall_ns() / TR_NS_PER_S);
	struct tm local;
	TR_CLEANUP(tr_freep) char *output = NULL;

	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", localtime_r(&now, &local));
	if (!bundle->to && tr_text_format(name, sizeof(name), "%s/telerec-support-%s.tar.gz",
				   access(".", W_OK) == 0 ? "." : "/var/tmp", stamp) < 0)
		return TR_EXIT_FAILED;
	const char *to = bundle->to ? bundle->to : name;
	const char *const argv[] = {"tar", "--owner=root", "--group=root", "--transform",
		"s,^\\.,telerec-support,", "-C", bundle->folder, "-czf", to, ".", NULL};
	umask(0077); /* it is for who made it to hand on */
	unlink(to);
	int rc = tr_tool_run(argv, 60000, true, &output);
	if (rc != 0)
		return tr_node_verb_fail(&bundle->node, TR_EXIT_FAILED, "%s cannot be written: %s",
			to, output ? tr_tool_last_line(output) : strerror(-rc));
	if (bundle->node.is_json)
		return tr_node_verb_print_json(
			json_pack("{s:s,s:i}", "file", to, "count", (int)bundle->count));
	printf("%s: %u files, without secrets and recordings. Look into it before you hand it on.\n",
		to, bundle->count);
	return 0;
}

static int make_folder(void *path)
{
	return mkdtemp(path) ? 0 : -errno;
}

static int remove_folder(const void *path)
{
	return tr_file_remove_tree(path);
}

static int make(struct bundle *bundle)
{
	struct tr_sweeper sweeper = {0};

	snprintf(bundle->folder, sizeof(bundle->folder), "/tmp/telerec-support.XXXXXX");
	int rc = tr_sweeper_start(make_folder, remove_folder, bundle->folder, &sweeper);
	if (rc < 0)
		return tr_node_verb_fail(&bundle->node, TR_EXIT_FAILED, "%s cannot be made: %s",
			bundle->folder, strerror(-rc));
	TR_CLEANUP(tr_closep)
	int dirfd = open(bundle->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bundle->dirfd = dirfd;
	find_secrets(bundle);
	/* A node that does not answer is one of the things to be told. */
	char socket[PATH_MAX];
	tr_node_verb_find_socket(socket, sizeof(socket));
	const struct tr_node_client_settings settings = {
		.node = bundle->node.node ? bundle->node.node : socket,
		.ca_file = bundle->node.ca_file,
		.timeout_ms = 10000,
	};
	if (tr_node_client_create(&settings, &bundle->node.client) < 0)
		tr_node_verb_close(&bundle->node);
	collect(bundle);
	int code = pack(bundle);
	rc = tr_sweeper_sweep(&sweeper);
	if (rc < 0)
		fprintf(stderr, "telerec support-bundle: %s is left behind: delete it\n",
			bundle->folder);
	return code;
}

static int run(const struct tr_verb *verb, int argc, char **argv)
{
	struct tr_options reader = {verb->name, verb->options, argc, argv, 1, false};
	struct bundle bundle = {.node = {.name = verb->name},
		.config_path = TR_CONFIG_DEFAULT_PATH,
		.has_doctor = true,
		.config = calloc(1, sizeof(*bundle.config))};
	const char *value;
	int id, rc, code = TR_EXIT_USAGE;

	while ((rc = tr_options_next(&reader, &id, &value)) > 0) {
		tr_node_verb_take(&bundle.node, id, value);
		if (id == OPTION_CONFIG)
			bundle.config_path = value;
		else if (id == OPTION_NO_DOCTOR)
			bundle.has_doctor = false;
		else if (id == 0 && bundle.to)
			rc = tr_options_refuse(
				"support-bundle", "one file: what is this for? ", value);
		else if (id == 0)
			bundle.to = value;
		if (rc < 0)
			break;
	}
	if (rc == 0 && bundle.config)
		code = make(&bundle);
	tr_node_verb_close(&bundle.node);
	if (bundle.config)
		explicit_bzero(bundle.config, sizeof(*bundle.config));
	free(bundle.config);
	return code;
}

const struct tr_verb tr_verb_support_bundle = {"support-bundle", "[FILE]",
	"Packs what helps to find a fault, without secrets.", options, run};
