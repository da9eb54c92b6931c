#include "system/aloop.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/text.h"
#include "system/kernel_place.h"
#include "system/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIST_MAX ((size_t)16 << 20)
#define MODPROBE_MS 30000
#define CARDS_MS 3000

static void unref_kmod(struct kmod_ctx **ctx)
{
	kmod_unref(*ctx);
}

static void unref_list(struct kmod_list **list)
{
	kmod_module_unref_list(*list);
}

static void hear_kmod(void *data, int priority, const char *file, int line, const char *function,
	const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)function, (void)format,
		(void)args;
}

static struct kmod_ctx *open_modules(const char *folder, const char *const *config)
{
	struct kmod_ctx *ctx = kmod_new(folder, config);

	if (ctx)
		kmod_set_log_fn(ctx, hear_kmod, NULL);
	return ctx;
}

static enum tr_aloop_state ask_kmod(const char *folder)
{
	static const char *const no_config[] = {NULL};
	TR_CLEANUP(unref_kmod) struct kmod_ctx *ctx = open_modules(folder, no_config);
	TR_CLEANUP(unref_list) struct kmod_list *list = NULL;
	enum tr_aloop_state state = TR_ALOOP_ABSENT;

	if (!ctx || kmod_module_new_from_lookup(ctx, "snd-aloop", &list) < 0 || !list)
		return TR_ALOOP_ABSENT;
	struct kmod_module *module = kmod_module_get_module(list);
	const char *path = kmod_module_get_path(module);
	if (path && access(path, F_OK) == 0)
		state = TR_ALOOP_LOADABLE;
	else if (!path && kmod_module_get_initstate(module) == KMOD_MODULE_BUILTIN)
		state = TR_ALOOP_BUILT_IN;
	kmod_module_unref(module);
	return state;
}

/* Where depmod's indexes are missing (another machine's tree), its text lists tell the same. */
static bool is_listed(const char *folder, const char *list, bool must_exist)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	char path[PATH_MAX];
	size_t size;

	if (tr_text_format(path, sizeof(path), "%s/%s", folder, list) < 0 ||
		tr_file_read(AT_FDCWD, path, LIST_MAX, &text, &size) < 0)
		return false;
	const char *name = strstr(text, "/snd-aloop.ko");
	if (!name || !must_exist)
		return name != NULL;
	const char *line = name;
	while (line > text && line[-1] != '\n')
		line--;
	return tr_text_format(path, sizeof(path), "%s/%.*s", folder, (int)strcspn(line, ":\n"),
		       line) == 0 &&
	       access(path, F_OK) == 0;
}

static bool find_folder(const char *root, const char *version, char *out, size_t size)
{
	static const char *const places[] = {"/lib/modules", "/usr/lib/modules"};

	for (size_t i = 0; i < TR_COUNT(places); i++)
		if (tr_text_format(out, size, "%s%s/%s", root, places[i], version) == 0 &&
			access(out, F_OK) == 0)
			return true;
	return false;
}

enum tr_aloop_state tr_aloop_find(const char *root, const char *version, bool *ret_has_modules)
{
	char folder[PATH_MAX];

	*ret_has_modules = find_folder(root, version, folder, sizeof(folder));
	if (!*ret_has_modules)
		return TR_ALOOP_ABSENT;
	enum tr_aloop_state state = ask_kmod(folder);
	if (state == TR_ALOOP_ABSENT && is_listed(folder, "modules.dep", true))
		state = TR_ALOOP_LOADABLE;
	if (state == TR_ALOOP_ABSENT && is_listed(folder, "modules.builtin", false))
		state = TR_ALOOP_BUILT_IN;
	return state;
}

/* modprobe.d may say that something else is done in its place. */
static bool is_replaced(const struct kmod_ctx *ctx)
{
	bool is_found = false;
	struct kmod_config_iter *iter = kmod_config_get_install_commands(ctx);

	while (iter && kmod_config_iter_next(iter)) {
		const char *name = kmod_config_iter_get_key(iter);
		const char *command = kmod_config_iter_get_value(iter);
		if (!strcmp(name, "snd_aloop") && command &&
			(strstr(command, "/false") || strstr(command, "/true")))
			is_found = true;
	}
	kmod_config_iter_free_iter(iter);
	return is_found;
}

static bool is_blacklisted(const struct kmod_ctx *ctx)
{
	bool is_found = false;
	struct kmod_config_iter *iter = kmod_config_get_blacklists(ctx);

	while (iter && kmod_config_iter_next(iter))
		is_found = is_found || !strcmp(kmod_config_iter_get_key(iter), "snd_aloop");
	kmod_config_iter_free_iter(iter);
	return is_found;
}

bool tr_aloop_is_blocked(const char *root, const char *version)
{
	static const char *const places[] = {"/etc/modprobe.d", "/run/modprobe.d",
		"/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"};
	char paths[TR_COUNT(places)][PATH_MAX], folder[PATH_MAX];
	const char *config[TR_COUNT(places) + 1] = {0};
	size_t count = 0;

	for (size_t i = 0; i < TR_COUNT(places); i++)
		if (tr_text_format(paths[count], PATH_MAX, "%s%s", root, places[i]) == 0 &&
			access(paths[count], R_OK) == 0) {
			config[count] = paths[count];
			count++;
		}
	if (!find_folder(root, version, folder, sizeof(folder)))
		snprintf(folder, sizeof(folder), "/nonexistent");
	TR_CLEANUP(unref_kmod) struct kmod_ctx *ctx = open_modules(folder, config);
	return ctx && (is_replaced(ctx) || is_blacklisted(ctx));
}

static int add_list(char *out, size_t size, const char *name, unsigned slots,
	const char *format_start, unsigned first, unsigned step)
{
	size_t used = strlen(out);
	int rc = tr_text_format(out + used, size - used, "%s%s=", used ? " " : "", name);

	for (unsigned i = 0; i < slots && rc == 0; i++) {
		used = strlen(out);
		rc = tr_text_format(out + used, size - used, "%s%s%u", i ? "," : "", format_start,
			first + i * step);
	}
	return rc;
}

int tr_aloop_options(unsigned slots, char *out, size_t size)
{
	if (slots < 1 || slots > TR_ALOOP_SLOTS_MAX)
		return -EINVAL;
	out[0] = '\0';
	int rc = add_list(out, size, "enable", slots, "", 1, 0);
	if (rc == 0)
		rc = add_list(out, size, "index", slots, "", TR_ALOOP_FIRST_INDEX, 1);
	if (rc == 0)
		rc = add_list(out, size, "id", slots, "tr", 1, 1);
	if (rc == 0)
		rc = add_list(out, size, "pcm_substreams", slots, "", 1, 0);
	/* 0: a player that goes, or comes back with another rate, does not end the capture. */
	if (rc == 0)
		rc = add_list(out, size, "pcm_notify", slots, "", 0, 0);
	return rc;
}

int tr_aloop_write_modprobe(unsigned slots, char *out, size_t size)
{
	char options[TR_ALOOP_OPTIONS_MAX];

	int rc = tr_aloop_options(slots, options, sizeof(options));
	return rc < 0 ? rc
		      : tr_text_format(out, size,
				"# Written by \"telerec kernel load\": a loopback sound card for "
				"each slot.\noptions snd-aloop %s\n",
				options);
}

int tr_aloop_write_load(char *out, size_t size)
{
	return tr_text_format(out, size,
		"# Written by \"telerec kernel load\": loopback sound cards for the slots.\n"
		"snd-aloop\n");
}

unsigned tr_aloop_count_cards(const char *root)
{
	char path[32];

	for (unsigned i = 1; i <= TR_ALOOP_SLOTS_MAX; i++) {
		snprintf(path, sizeof(path), "/proc/asound/tr%u", i);
		if (!tr_kernel_has(root, path))
			return i - 1;
	}
	return TR_ALOOP_SLOTS_MAX;
}

static int unload(char *why, size_t size)
{
	const char *const argv[] = {"modprobe", "-r", "snd-aloop", NULL};
	TR_CLEANUP(tr_freep) char *output = NULL;

	int code = tr_tool_run(argv, MODPROBE_MS, true, &output);
	if (code == 0)
		return 0;
	snprintf(why, size,
		"snd-aloop is loaded with too few cards and in use (%s): stop what uses it "
		"(\"fuser -v /dev/snd/*\" names it), or reboot",
		output ? tr_tool_last_line(output) : strerror(-code));
	return code < 0 ? code : -EBUSY;
}

static int insert(unsigned slots, char *why, size_t size)
{
	char options[TR_ALOOP_OPTIONS_MAX], *words[8] = {0}, *rest = options;
	const char *argv[12] = {"modprobe", "snd-aloop"};
	TR_CLEANUP(tr_freep) char *output = NULL;

	int rc = tr_aloop_options(slots, options, sizeof(options));
	if (rc < 0) {
		snprintf(why, size, "the number of slots must be 1 to %d", TR_ALOOP_SLOTS_MAX);
		return rc;
	}
	for (unsigned i = 0; i < TR_COUNT(words) && (words[i] = strsep(&rest, " ")); i++)
		argv[2 + i] = words[i];
	int code = tr_tool_run(argv, MODPROBE_MS, true, &output);
	if (code == 0)
		return 0;
	if (code == -ENOENT)
		snprintf(why, size, "there is no modprobe: apt install kmod");
	else
		snprintf(why, size, "modprobe snd-aloop failed: %s",
			output ? tr_tool_last_line(output) : strerror(-code));
	return code < 0 ? code : -EIO;
}

int tr_aloop_load(const char *root, unsigned slots, char *why, size_t size)
{
	const struct timespec moment = {.tv_nsec = 20 * TR_NS_PER_MS};
	int64_t end = tr_clock_now_ns() + CARDS_MS * TR_NS_PER_MS;
	int rc = 0;

	why[0] = '\0';
	if (tr_aloop_count_cards(root) >= slots && slots > 0)
		return 0;
	if (tr_kernel_has(root, "/sys/module/snd_aloop/initstate"))
		rc = unload(why, size);
	if (rc == 0)
		rc = insert(slots, why, size);
	while (rc == 0 && tr_aloop_count_cards(root) < slots) {
		if (tr_clock_now_ns() > end) {
			snprintf(why, size,
				"snd-aloop is loaded, but only %u of %u cards came up; "
				"\"cat /proc/asound/cards\" lists them, \"dmesg\" may tell why",
				tr_aloop_count_cards(root), slots);
			return -ENODEV;
		}
		nanosleep(&moment, NULL);
	}
	return rc;
}
