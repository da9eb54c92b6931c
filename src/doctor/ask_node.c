#include "doctor/doctor_internal.h"
#include "protocol/node_client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 3000

/* Does this process run telerecd with our configuration? */
static bool is_ours(const char *pid, const char *config_path)
{
	char path[300], words[4096], real[PATH_MAX], ours[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	TR_CLEANUP(tr_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, words, sizeof(words) - 1);
	if (n <= 0)
		return false;
	words[n] = '\0';
	const char *name = strrchr(words, '/');
	if (strcmp(name ? name + 1 : words, "telerecd") != 0)
		return false;
	if (!realpath(config_path, ours))
		return false;
	bool has_config = false;
	for (const char *word = words; word < words + n; word += strlen(word) + 1) {
		const char *file = !strncmp(word, "--config=", 9) ? word + 9 : word;
		has_config = has_config || !strncmp(word, "--config", 8);
		if (file[0] == '/' && realpath(file, real) && !strcmp(real, ours))
			return true;
	}
	return !has_config && !strcmp(config_path, TR_CONFIG_DEFAULT_PATH);
}

static bool find_process(const char *config_path)
{
	DIR *proc = opendir("/proc");
	bool is_found = false;

	for (struct dirent *entry; proc && !is_found && (entry = readdir(proc));)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			is_found = is_ours(entry->d_name, config_path);
	if (proc)
		closedir(proc);
	return is_found;
}

static void warn(struct tr_doctor *doctor, const char *about, const char *problem)
{
	const struct tr_finding finding = {
		.status = TR_FINDING_WARNING,
		.cause = "node-problem",
		.cure = {.text = "telerec status; telerec logs\n"},
	};

	if (problem && problem[0])
		tr_findings_add(
			doctor->findings, &finding, "telerecd says of %s: %s", about, problem);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	return value ? value : "";
}

/* What it says of itself: the sentences of what is wrong. */
static void pass_on(struct tr_doctor *doctor, const json_t *node)
{
	const json_t *link;
	char about[700];
	size_t i;

	warn(doctor, "itself", text(node, "problem"));
	warn(doctor, "its disk", text(json_object_get(node, "disk"), "problem"));
	json_array_foreach(json_object_get(node, "links"), i, link)
	{
		snprintf(about, sizeof(about), "\"%.150s\" (%.250s) for slot %d",
			text(link, "environment"), text(link, "entry"),
			(int)json_integer_value(json_object_get(link, "slot")));
		warn(doctor, about, text(link, "problem"));
	}
	if (json_is_true(json_object_get(node, "is_draining")))
		tr_findings_note(doctor->findings,
			"telerecd takes no new recordings: it is draining (telerec drain --off)");
}

static void explain_hang(struct tr_doctor *doctor, const char *socket)
{
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = "node-hangs",
		.meaning = "Nobody is answered who wants a recording.",
		.cure = {.text = "systemctl restart telerecd; journalctl -u telerecd -n 50\n"},
	};

	tr_findings_add(doctor->findings, &finding, "telerecd does not answer on %s within %d s",
		socket, TIMEOUT_MS / 1000);
}

static void ask_api(struct tr_doctor *doctor)
{
	const char *socket = doctor->config->api.socket;
	const struct tr_node_client_settings settings = {.node = socket, .timeout_ms = TIMEOUT_MS};
	TR_CLEANUP(tr_node_client_destroyp) struct tr_node_client *client = NULL;
	json_t *answer = NULL;

	if (!socket[0] || tr_node_client_create(&settings, &client) < 0)
		return;
	int rc = tr_node_client_call(client, "GET", "/v1/node", NULL, &answer);
	if (rc == 0 && !strcmp(text(answer, "id"), doctor->config->id)) {
		doctor->is_node_here = true;
		pass_on(doctor, answer);
	} else if (rc == -ETIMEDOUT) {
		explain_hang(doctor, socket);
	}
	json_decref(answer);
}

void tr_ask_node(struct tr_doctor *doctor)
{
	tr_doctor_enter(doctor, "node", NULL);
	doctor->is_node_here = find_process(doctor->settings->config_path);
	ask_api(doctor);
	if (doctor->is_node_here)
		tr_findings_ok(doctor->findings, "telerecd runs here with this configuration");
	else
		tr_findings_note(doctor->findings,
			"telerecd does not run here with this configuration (systemctl enable "
			"--now telerecd)");
}
