#define TR_LOG_AREA "probe"
#include "encode/probe_main.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/text.h"
#include "encode/gpu.h"
#include "encode/probe_child.h"
#include "encode/probe_gpu.h"
#include "encode/probe_rungs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define SILENT_MS 5000	/* drivers have answered within one second, or never */
#define LIST_PATIENCE 3 /* for the list, which asks no driver */
#define TIMEOUT_MS 20000
#define TEST_TIMEOUT_MS 60000
#define DEVICES_MAX 16

struct prober {
	bool is_testing, is_container;
	int width, height;
	int silent_ms;
	int64_t deadline_ns;
	json_t *devices, *advice;
	struct tr_probe_rungs rungs;
};

static const char *get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void advise(struct prober *prober, const char *sentence)
{
	json_array_append_new(prober->advice, json_string(sentence));
}

/* ---- in child processes ---- */

static const struct tr_probe_gpu *load_gpu(void)
{
	char problem[200];
	void *found = NULL;

	tr_probe_child_say("loading " TR_GPU_MODULE);
	return tr_gpu_load_symbol(TR_PROBE_GPU_SYMBOL, -1, problem, sizeof(problem), &found) < 0
		       ? NULL
		       : found;
}

static json_t *find_devices(void *user)
{
	const struct tr_probe_gpu *gpu = load_gpu();

	(void)user;
	return gpu ? gpu->find_devices() : NULL;
}

static json_t *ask_device(void *user)
{
	const struct tr_probe_gpu *gpu = load_gpu();
	json_t *device = user;
	const struct tr_video_ops *qsv = NULL;
	char ignored[200];

	if (!gpu)
		return NULL;
	gpu->ask_device(device);
	if (tr_gpu_load(TR_RUNG_QSV, -1, ignored, sizeof(ignored), &qsv) < 0)
		json_object_set_new(device, "qsv_runtimes", json_array()); /* not in this build */
	return device;
}

/* ---- devices ---- */

/* What a child says is taken over only where it has the right form. */
static const struct {
	const char *key;
	json_type type;
} known[] = {
	{"node", JSON_STRING},
	{"address", JSON_STRING},
	{"pci_id", JSON_STRING},
	{"vendor", JSON_STRING},
	{"kernel_driver", JSON_STRING},
	{"group", JSON_STRING},
	{"mode", JSON_STRING},
	{"huc", JSON_STRING},
	{"driver_forced", JSON_STRING},
	{"driver", JSON_STRING},
	{"driver_text", JSON_STRING},
	{"va_version", JSON_STRING},
	{"gid", JSON_INTEGER},
	{"open_error", JSON_INTEGER},
	{"init_status", JSON_INTEGER},
	{"is_integrated", JSON_TRUE},
	{"profiles", JSON_ARRAY},
	{"encoders", JSON_ARRAY},
	{"processing", JSON_OBJECT},
	{"qsv_runtimes", JSON_ARRAY},
};

static json_t *clean_text(const char *text)
{
	char copy[200];
	size_t length = 0;

	for (; text[length] && length + 1 < sizeof(copy); length++)
		copy[length] = text[length] >= ' ' && text[length] < 127 ? text[length] : '?';
	copy[length] = '\0';
	return json_string(copy);
}

static void take_over(json_t *device, const json_t *said)
{
	for (size_t i = 0; i < TR_COUNT(known); i++) {
		json_t *value = json_object_get(said, known[i].key);
		bool is_right = known[i].type == JSON_TRUE
					? json_is_boolean(value)
					: value && json_typeof(value) == known[i].type;
		if (is_right && json_is_string(value))
			json_object_set_new(
				device, known[i].key, clean_text(json_string_value(value)));
		else if (is_right)
			json_object_set(device, known[i].key, value);
	}
}

static bool has_prefix_in(const char *folder_name, const char *prefix)
{
	DIR *folder = opendir(folder_name);
	struct dirent *entry;
	bool is_found = false;

	while (folder && !is_found && (entry = readdir(folder)) != NULL)
		is_found = !strncmp(entry->d_name, prefix, strlen(prefix));
	if (folder)
		closedir(folder);
	return is_found;
}

static void list_devices(struct prober *prober)
{
	struct tr_probe_answer answer;
	const json_t *device;
	size_t i;

	if (!has_prefix_in("/dev/dri", "renderD") && !has_prefix_in("/sys/class/drm", "renderD")) {
		advise(prober, "This machine has no GPU that could encode; software does it.");
		return;
	}
	if (tr_probe_child_ask(find_devices, NULL, LIST_PATIENCE * prober->silent_ms,
		    prober->deadline_ns, &answer) < 0 ||
		!json_is_array(answer.json)) {
		tr_warning("no list of the devices: %s", answer.words);
		advise(prober, "The GPUs of this machine cannot be listed, so software encodes. Is "
			       "telerec installed completely (libva2, libva-drm2, libdrm2)?");
	}
	json_array_foreach(answer.json, i, device)
	{
		json_t *own = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s}", "node", "",
			"address", "", "vendor", "", "kernel_driver", "", "is_integrated", 0,
			"cause", "", "problem", "", "cure", "");
		if (!own || i >= DEVICES_MAX) {
			json_decref(own);
			continue;
		}
		take_over(own, device);
		json_array_append_new(prober->devices, own);
	}
	tr_probe_child_release(&answer);
}

static void set_finding(json_t *device, const struct tr_probe_finding *finding)
{
	json_object_set_new(device, "cause", json_string(finding->cause));
	json_object_set_new(device, "problem", json_string(finding->problem));
	json_object_set_new(device, "cure", json_string(finding->cure));
}

static enum tr_probe_place find_place(const json_t *device)
{
	if (json_object_get(device, "open_error"))
		return TR_PROBE_OPEN;
	if (json_integer_value(json_object_get(device, "init_status")) != 0 ||
		!json_object_get(device, "init_status"))
		return TR_PROBE_START;
	return json_array_size(json_object_get(device, "encoders")) == 0 ? TR_PROBE_ENCODERS
									 : TR_PROBE_NOWHERE;
}

static void judge_device(
	struct prober *prober, json_t *device, const struct tr_probe_answer *answer)
{
	struct tr_probe_finding finding;
	struct tr_probe_symptom symptom = {
		.place = find_place(device),
		.node = get_text(device, "node"),
		.kernel_driver = get_text(device, "kernel_driver"),
		.vendor = get_text(device, "vendor"),
		.driver = get_text(device, "driver"),
		.driver_text = get_text(device, "driver_text"),
		.words = answer ? answer->words : "",
		.stage = answer ? answer->stage : "",
		.group = get_text(device, "group"),
		.gid = (int)json_integer_value(json_object_get(device, "gid")),
		.uid = (int)geteuid(),
		.error = (int)json_integer_value(json_object_get(device, "open_error")),
		.status = (int)json_integer_value(json_object_get(device, "init_status")),
		.has_h264 = json_array_size(json_object_get(device, "profiles")) > 0,
		.has_hung = answer && answer->has_hung,
		.has_ended = answer && answer->has_ended,
		.wait_status = answer ? answer->wait_status : 0,
		.is_container = prober->is_container,
	};

	tr_probe_explain(&symptom, &finding);
	set_finding(device, &finding);
}

/* Low-power encoders of Intel's can hold a bitrate only with firmware. */
static void advise_firmware(struct prober *prober, const json_t *device)
{
	const json_t *encoders = json_object_get(device, "encoders"), *encoder;
	char text[400];
	size_t i;

	json_array_foreach((json_t *)encoders, i, encoder)
	{
		if (strcmp(get_text(encoder, "entry_point"), "EncSliceLP") != 0 ||
			strcmp(get_text(device, "vendor"), "Intel") != 0 ||
			json_array_size(json_object_get(encoder, "rate_controls")) != 1)
			continue;
		snprintf(text, sizeof(text),
			"The low-power encoder of %s holds no bitrate (CQP only), as the GPU's HuC "
			"firmware is not loaded: apt install firmware-misc-nonfree, put "
			"i915.enable_guc=2 on the kernel's command line, and restart.",
			get_text(device, "node"));
		advise(prober, text);
		return;
	}
}

/* libva's lines tell which driver was tried also when it never came back. */
static void guess_driver(json_t *device, const char *words)
{
	static const char end[] = "_drv_video.so";
	const char *found = strstr(words, end), *start = found;
	char name[24];

	while (start && start > words && start[-1] != '/' && start[-1] > ' ')
		start--;
	if (get_text(device, "driver")[0] || !found)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(found - start), start);
	json_object_set_new(device, "driver", json_string(name));
}

static void keep_log(json_t *device, const char *words)
{
	TR_CLEANUP(tr_freep) char *copy = strdup(words);
	char *rest = copy, *line;
	json_t *log = json_array();

	while (copy && (line = strsep(&rest, "\n")) != NULL)
		if (line[0] && json_array_size(log) < 12)
			json_array_append_new(log, clean_text(line));
	json_object_set_new(device, "log", log);
}

/* A QSV runtime takes the first node of the i915 driver, and none of xe's: there is no way to name
 * one. */
static bool is_qsv_device(const struct prober *prober, const json_t *device)
{
	const json_t *other;
	size_t i;

	if (strcmp(get_text(device, "kernel_driver"), "i915") != 0)
		return false;
	json_array_foreach(prober->devices, i, other)
	{
		if (!strcmp(get_text(other, "kernel_driver"), "i915") &&
			strcmp(get_text(other, "node"), get_text(device, "node")) < 0)
			return false;
	}
	return true;
}

static void look_at_device(struct prober *prober, json_t *device)
{
	struct tr_probe_answer answer;

	if (json_object_get(device, "open_error")) {
		judge_device(prober, device, NULL);
		return;
	}
	if (tr_probe_child_ask(
		    ask_device, device, prober->silent_ms, prober->deadline_ns, &answer) < 0)
		return;
	if (json_is_object(answer.json))
		take_over(device, answer.json);
	if (!is_qsv_device(prober, device))
		json_object_set_new(device, "qsv_runtimes", json_array());
	guess_driver(device, answer.words);
	keep_log(device, answer.words);
	if (answer.is_late)
		set_finding(
			device, &(struct tr_probe_finding){.cause = "not-asked",
					.problem = "there was no time left to ask its driver.",
					.cure = "telerec probe, when the machine is less busy"});
	else
		judge_device(prober, device, &answer);
	tr_probe_child_release(&answer);
	if (!get_text(device, "cause")[0]) {
		advise_firmware(prober, device);
		tr_probe_rungs_add(&prober->rungs, device);
	}
}

/* One whose encoders all fail their tests is as good as none. */
static void judge_by_tests(struct prober *prober, json_t *device)
{
	const struct tr_probe_candidate *first = NULL;

	for (unsigned i = 0; i < prober->rungs.count; i++) {
		const struct tr_probe_candidate *rung = &prober->rungs.list[i];
		if (strcmp(rung->rung.device, get_text(device, "node")) != 0)
			continue;
		if (rung->works)
			return;
		first = first ? first : rung;
	}
	if (!first || get_text(device, "cause")[0])
		return;
	json_object_set_new(device, "cause", json_string(first->cause));
	json_object_set_new(device, "problem", json_string(first->problem));
	json_object_set_new(device, "cure", json_string(first->cure));
}

/* ---- all ---- */

static bool is_in_container(void)
{
	return getenv("container") || access("/run/.containerenv", F_OK) == 0 ||
	       access("/.dockerenv", F_OK) == 0 || access("/run/systemd/container", F_OK) == 0;
}

static void advise_environment(struct prober *prober)
{
	static const char *const names[] = {"LIBVA_DRIVER_NAME", "LIBVA_DRIVERS_PATH"};
	char text[400];

	for (size_t i = 0; i < TR_COUNT(names); i++) {
		if (!getenv(names[i]) || json_array_size(prober->devices) == 0)
			continue;
		snprintf(text, sizeof(text),
			"%s is set in this environment (%.200s): it decides which driver is used, for "
			"all GPUs.",
			names[i], getenv(names[i]));
		advise(prober, text);
	}
}

static int count_cores(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0 ? CPU_COUNT(&set)
										   : 1;
}

static int print_answer(const struct prober *prober)
{
	int cores = count_cores();
	json_t *rungs = json_array();

	for (unsigned i = 0; i < prober->rungs.count; i++)
		json_array_append_new(rungs, tr_probe_write_rung(&prober->rungs.list[i], cores));
	json_t *json = json_pack("{s:O, s:o, s:O, s:i, s:b}", "devices", prober->devices, "rungs",
		rungs, "advice", prober->advice, "cores", cores, "was_tested", prober->is_testing);
	int rc = json ? json_dumpf(json, stdout, JSON_COMPACT) : -1;
	json_decref(json);
	return rc < 0 || putchar('\n') < 0 || fflush(stdout) != 0;
}

static int look(struct prober *prober)
{
	json_t *device;
	size_t i;

	prober->devices = json_array();
	prober->advice = json_array();
	if (!prober->devices || !prober->advice)
		return 1;
	prober->is_container = is_in_container();
	list_devices(prober);
	json_array_foreach(prober->devices, i, device) look_at_device(prober, device);
	advise_environment(prober);
	tr_probe_rungs_add_software(&prober->rungs);
	if (!prober->is_testing) {
		tr_probe_rank(prober->rungs.list, prober->rungs.count);
		return print_answer(prober);
	}
	const struct tr_probe_test_settings settings = {
		.width = prober->width,
		.height = prober->height,
		.silent_ms = prober->silent_ms,
		.deadline_ns = prober->deadline_ns,
	};
	tr_probe_rungs_test(&prober->rungs, prober->devices, &settings);
	json_array_foreach(prober->devices, i, device) judge_by_tests(prober, device);
	return print_answer(prober);
}

static bool read_options(int argc, char **argv, struct prober *prober, int64_t *timeout_ms)
{
	int64_t silent_ms = SILENT_MS;

	for (int i = 0; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (!strcmp(argv[i], "--self-test"))
			prober->is_testing = true;
		else if (!strcmp(argv[i], "--size") &&
			 tr_text_parse_size(value, &prober->width, &prober->height) == 0 &&
			 prober->width >= 64 && prober->width <= 4096 && prober->height >= 64 &&
			 prober->height <= 4096 && prober->width % 2 == 0 &&
			 prober->height % 2 == 0)
			i++;
		else if (!strcmp(argv[i], "--silent") &&
			 tr_text_parse_int(value, 1, 3600000, &silent_ms) == 0)
			i++;
		else if (!strcmp(argv[i], "--timeout") &&
			 tr_text_parse_int(value, 1, 3600000, timeout_ms) == 0)
			i++;
		else
			return false;
	}
	prober->silent_ms = (int)silent_ms;
	return true;
}

int tr_probe_main_run(int argc, char **argv)
{
	TR_CLEANUP(tr_freep) struct prober *prober = calloc(1, sizeof(*prober));
	int64_t timeout_ms = 0;

	if (!prober)
		return 1;
	prober->width = 320;
	prober->height = 192;
	if (!read_options(argc, argv, prober, &timeout_ms)) {
		fprintf(stderr,
			"telerec-encoder --probe knows --self-test, --size WxH, --silent MS and "
			"--timeout MS\n");
		return 2;
	}
	if (timeout_ms == 0)
		timeout_ms = prober->is_testing ? TEST_TIMEOUT_MS : TIMEOUT_MS;
	prober->deadline_ns = tr_clock_now_ns() + timeout_ms * TR_NS_PER_MS;
	int rc = look(prober);
	json_decref(prober->devices);
	json_decref(prober->advice);
	return rc;
}
