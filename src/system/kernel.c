#include "system/kernel.h"

#include "core/file.h"
#include "core/text.h"
#include "system/aloop.h"
#include "system/kernel_place.h"
#include "system/tool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define TOOL_MS 20000

static bool has_word(const char *version, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(version, word); at; at = strstr(at + 1, word))
		if (at > version && (at[-1] == '-' || at[-1] == '+' || at[-1] == '.') &&
			(!at[length] || at[length] == '-'))
			return true;
	return false;
}

enum tr_kernel_flavour tr_kernel_flavour_of(const char *version)
{
	static const struct {
		const char *word;
		enum tr_kernel_flavour flavour;
	} words[] = {{"cloud", TR_KERNEL_CLOUD}, {"aws", TR_KERNEL_AWS}, {"azure", TR_KERNEL_AZURE},
		{"gcp", TR_KERNEL_GCP}, {"kvm", TR_KERNEL_KVM}, {"rt", TR_KERNEL_RT},
		{"realtime", TR_KERNEL_RT}, {"generic", TR_KERNEL_GENERIC},
		{"lowlatency", TR_KERNEL_GENERIC}, {"amd64", TR_KERNEL_GENERIC},
		{"arm64", TR_KERNEL_GENERIC}, {"686", TR_KERNEL_GENERIC},
		{"686-pae", TR_KERNEL_GENERIC}, {"armmp", TR_KERNEL_GENERIC},
		{"riscv64", TR_KERNEL_GENERIC}, {"powerpc64le", TR_KERNEL_GENERIC},
		{"s390x", TR_KERNEL_GENERIC}, {"loong64", TR_KERNEL_GENERIC}};

	for (size_t i = 0; i < TR_COUNT(words); i++)
		if (has_word(version, words[i].word))
			return words[i].flavour;
	return TR_KERNEL_UNKNOWN;
}

const char *tr_kernel_flavour_name(enum tr_kernel_flavour flavour)
{
	static const char *const names[] = {
		"unknown", "generic", "cloud", "aws", "azure", "gcp", "kvm", "rt"};

	return names[flavour];
}

const char *tr_aloop_state_name(enum tr_aloop_state state)
{
	static const char *const names[] = {"absent", "packaged", "loadable", "built-in", "loaded"};

	return names[state];
}

const char *tr_kernel_loader_name(enum tr_kernel_loader loader)
{
	static const char *const names[] = {
		"none", "grub", "systemd-boot", "extlinux", "raspberry-pi"};

	return names[loader];
}

/* ---- what is installed ---- */

static struct tr_kernel *add_kernel(struct tr_kernel_status *status, const char *version)
{
	for (unsigned i = 0; i < status->installed_count; i++)
		if (!strcmp(status->installed[i].version, version))
			return &status->installed[i];
	if (status->installed_count >= TR_KERNEL_INSTALLED_MAX ||
		strlen(version) >= TR_KERNEL_VERSION_MAX)
		return NULL;
	struct tr_kernel *kernel = &status->installed[status->installed_count++];
	snprintf(kernel->version, sizeof(kernel->version), "%s", version);
	kernel->flavour = tr_kernel_flavour_of(version);
	return kernel;
}

static int compare_versions(const void *a, const void *b)
{
	return strverscmp(
		((const struct tr_kernel *)b)->version, ((const struct tr_kernel *)a)->version);
}

static void find_images(const char *root, struct tr_kernel_status *status)
{
	static const char *const starts[] = {"vmlinuz-", "vmlinux-"};
	char path[PATH_MAX];

	if (tr_text_format(path, sizeof(path), "%s/boot", root) < 0)
		return;
	DIR *dir = opendir(path);
	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
		for (size_t i = 0; i < TR_COUNT(starts); i++) {
			size_t length = strlen(starts[i]);
			if (strncmp(entry->d_name, starts[i], length) != 0)
				continue;
			struct tr_kernel *kernel = add_kernel(status, entry->d_name + length);
			if (kernel)
				kernel->has_image = true;
		}
	if (dir)
		closedir(dir);
}

static void find_installed(const char *root, struct tr_kernel_status *status)
{
	find_images(root, status);
	struct tr_kernel *running = add_kernel(status, status->running.version);
	qsort(status->installed, status->installed_count, sizeof(*status->installed),
		compare_versions);
	for (unsigned i = 0; i < status->installed_count; i++) {
		struct tr_kernel *kernel = &status->installed[i];
		kernel->aloop = tr_aloop_find(root, kernel->version, &kernel->has_modules);
		running = strcmp(kernel->version, status->running.version) ? running : kernel;
	}
	if (running)
		status->running = *running;
	if (tr_kernel_has(root, "/sys/module/snd_aloop"))
		status->running.aloop = tr_kernel_has(root, "/sys/module/snd_aloop/initstate")
						? TR_ALOOP_LOADED
						: TR_ALOOP_BUILT_IN;
}

/* ---- packages ---- */

/* "linux-image-6.1.0-50-amd64: /boot/vmlinuz-6.1.0-50-amd64" for each. */
static void read_owner(struct tr_kernel_status *status, char *line)
{
	char *colon = strchr(line, ':'), *image = strstr(line, "/vmlinu");

	if (!colon || !image || strncmp(line, "diversion", 9) == 0)
		return;
	*colon = '\0';
	const char *version = image + strlen("/vmlinuz-");
	for (unsigned i = 0; i < status->installed_count; i++)
		if (!strcmp(status->installed[i].version, version))
			snprintf(status->installed[i].package, TR_KERNEL_PACKAGE_MAX, "%s", line);
	if (!strcmp(status->running.version, version))
		snprintf(status->running.package, TR_KERNEL_PACKAGE_MAX, "%s", line);
}

static void find_owners(struct tr_kernel_status *status)
{
	char paths[TR_KERNEL_INSTALLED_MAX][TR_KERNEL_VERSION_MAX + 16];
	const char *argv[TR_KERNEL_INSTALLED_MAX + 3] = {"dpkg-query", "-S"};
	TR_CLEANUP(tr_freep) char *output = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < status->installed_count; i++)
		if (status->installed[i].has_image) {
			snprintf(paths[count], sizeof(paths[count]), "/boot/vmlinuz-%s",
				status->installed[i].version);
			argv[2 + count] = paths[count];
			count++;
		}
	/* A code other than 0 only says that one of them is nobody's. */
	if (count == 0 || tr_tool_run(argv, TOOL_MS, false, &output) < 0)
		return;
	char *rest = output;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
		read_owner(status, line);
}

static bool is_available(const char *package)
{
	const char *const argv[] = {"apt-cache", "policy", package, NULL};
	TR_CLEANUP(tr_freep) char *output = NULL;

	if (tr_tool_run(argv, TOOL_MS, false, &output) != 0)
		return false;
	const char *candidate = strstr(output, "Candidate: ");
	return candidate && strncmp(candidate, "Candidate: (none)", 17) != 0;
}

/* Ubuntu has a second package of modules for each kernel, which small machines leave out. */
static void find_aloop_package(struct tr_kernel *kernel)
{
	char package[TR_KERNEL_PACKAGE_MAX];

	if (kernel->aloop != TR_ALOOP_ABSENT ||
		tr_text_format(
			package, sizeof(package), "linux-modules-extra-%s", kernel->version) < 0 ||
		!is_available(package))
		return;
	kernel->aloop = TR_ALOOP_PACKAGED;
	memcpy(kernel->aloop_package, package, sizeof(package));
}

static void find_distribution(const char *root, struct tr_kernel_status *status)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	char path[PATH_MAX], id[64] = "", like[256] = "";
	struct utsname name;
	size_t size;

	if (tr_text_format(path, sizeof(path), "%s/etc/os-release", root) < 0 ||
		tr_file_read(AT_FDCWD, path, 1 << 16, &text, &size) < 0 || uname(&name) < 0)
		return;
	tr_grub_read_setting(text, "ID", id, sizeof(id));
	tr_grub_read_setting(text, "ID_LIKE", like, sizeof(like));
	snprintf(status->distribution, sizeof(status->distribution), "%.31s", id);
	bool is_ubuntu = !strcmp(id, "ubuntu") || strstr(like, "ubuntu");
	bool is_debian = !strcmp(id, "debian") || strstr(like, "debian");
	const char *machine = !strcmp(name.machine, "x86_64")	 ? "amd64"
			      : !strcmp(name.machine, "aarch64") ? "arm64"
			      : !strcmp(name.machine, "i686")	 ? "686-pae"
								 : NULL;
	if (is_ubuntu)
		snprintf(status->generic_package, sizeof(status->generic_package),
			"linux-image-generic");
	else if (is_debian && machine)
		snprintf(status->generic_package, sizeof(status->generic_package), "linux-image-%s",
			machine);
}

/* ---- GRUB ---- */

int tr_kernel_read_menu(const char *root, struct tr_grub_menu *ret_menu)
{
	TR_CLEANUP(tr_freep) char *text = NULL;
	char path[PATH_MAX];
	size_t size;

	tr_kernel_find_grub(root, path, sizeof(path));
	if (!path[0])
		return -ENOENT;
	int rc = tr_file_read(AT_FDCWD, path, TR_GRUB_TEXT_MAX, &text, &size);
	return rc < 0 ? rc : tr_grub_parse(text, ret_menu);
}

static void read_grubenv(const char *config, struct tr_kernel_grub *grub)
{
	TR_CLEANUP(tr_freep) char *block = NULL;
	char path[PATH_MAX];
	size_t size;
	const char *slash = strrchr(config, '/');

	if (tr_text_format(path, sizeof(path), "%.*s/grubenv", (int)(slash - config), config) < 0 ||
		tr_file_read(AT_FDCWD, path, 1 << 16, &block, &size) < 0)
		return;
	if (tr_grubenv_get(block, size, "saved_entry", grub->saved, sizeof(grub->saved)) < 0 ||
		tr_grubenv_get(block, size, "next_entry", grub->next, sizeof(grub->next)) < 0)
		grub->saved[0] = grub->next[0] = '\0';
}

static void read_grub(const char *root, struct tr_kernel_grub *grub)
{
	struct tr_grub_menu menu;

	tr_kernel_find_grub(root, grub->config, sizeof(grub->config));
	tr_grub_find_setting(
		root, "GRUB_DEFAULT", grub->setting, sizeof(grub->setting), grub->setting_file);
	if (!grub->config[0])
		return;
	read_grubenv(grub->config, grub);
	if (tr_kernel_read_menu(root, &menu) < 0)
		return;
	snprintf(grub->chosen, sizeof(grub->chosen), "%s", tr_grub_default(&menu, grub->saved));
	const struct tr_grub_entry *entry = tr_grub_find(&menu, grub->chosen);
	if (entry) {
		snprintf(grub->default_title, sizeof(grub->default_title), "%s", entry->title);
		snprintf(grub->default_version, sizeof(grub->default_version), "%.*s",
			TR_KERNEL_VERSION_MAX - 1, entry->version);
	}
	grub->is_lost = grub->chosen[0] && !tr_grub_names(&menu, grub->chosen);
	grub->is_bls = menu.is_bls;
	tr_grub_menu_release(&menu);
}

/* ---- all of it ---- */

int tr_kernel_read(const char *root, struct tr_kernel_status *ret_status)
{
	*ret_status = (struct tr_kernel_status){0};
	if (!tr_kernel_read_line(root, "/proc/sys/kernel/osrelease", ret_status->running.version,
		    sizeof(ret_status->running.version)) ||
		!ret_status->running.version[0])
		return -ENOENT;
	tr_kernel_find_container(root, ret_status->container, sizeof(ret_status->container));
	find_installed(root, ret_status);
	find_owners(ret_status);
	find_distribution(root, ret_status);
	if (!ret_status->container[0])
		find_aloop_package(&ret_status->running);
	ret_status->is_blocked = tr_aloop_is_blocked(root, ret_status->running.version);
	if (!ret_status->container[0])
		ret_status->loader = tr_kernel_find_loader(root);
	ret_status->secure_boot = tr_kernel_find_secure_boot(root);
	if (ret_status->loader == TR_LOADER_GRUB)
		read_grub(root, &ret_status->grub);
	ret_status->slot_cards = tr_aloop_count_cards(root);
	return 0;
}

const struct tr_kernel *tr_kernel_find_better(const struct tr_kernel_status *status)
{
	const struct tr_kernel *found = NULL;

	for (unsigned i = 0; i < status->installed_count; i++) {
		const struct tr_kernel *kernel = &status->installed[i];
		bool can = kernel->aloop == TR_ALOOP_LOADABLE || kernel->aloop == TR_ALOOP_BUILT_IN;
		if (!can || !kernel->has_image || !strcmp(kernel->version, status->running.version))
			continue;
		if (!found || (found->flavour == TR_KERNEL_RT && kernel->flavour != TR_KERNEL_RT))
			found = kernel;
	}
	return found;
}

const struct tr_kernel *tr_kernel_find_lacking_default(const struct tr_kernel_status *status)
{
	for (unsigned i = 0; i < status->installed_count; i++)
		if (!strcmp(status->installed[i].version, status->grub.default_version) &&
			status->installed[i].aloop < TR_ALOOP_LOADABLE)
			return &status->installed[i];
	return NULL;
}

/* ---- for scripts ---- */

/* What is no UTF-8 (a menu's title may be anything) must not cost the rest. */
static json_t *to_text(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_string("?");
}

static json_t *kernel_to_json(const struct tr_kernel *kernel)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:s}", "version", kernel->version,
		"flavour", tr_kernel_flavour_name(kernel->flavour), "snd_aloop",
		tr_aloop_state_name(kernel->aloop), "has_modules", kernel->has_modules, "has_image",
		kernel->has_image, "package", kernel->package, "snd_aloop_package",
		kernel->aloop_package);
}

static json_t *grub_to_json(const struct tr_kernel_grub *grub)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "config",
		to_text(grub->config), "setting", to_text(grub->setting), "setting_file",
		to_text(grub->setting_file), "saved_entry", to_text(grub->saved), "next_entry",
		to_text(grub->next), "default", to_text(grub->chosen), "default_title",
		to_text(grub->default_title), "default_kernel", to_text(grub->default_version),
		"default_is_lost", grub->is_lost);
}

json_t *tr_kernel_to_json(const struct tr_kernel_status *status)
{
	static const char *const secure_boot[] = {"no-efi", "off", "on"};
	json_t *installed = json_array();
	const struct tr_kernel *better = tr_kernel_find_better(status);

	for (unsigned i = 0; i < status->installed_count; i++)
		if (json_array_append_new(installed, kernel_to_json(&status->installed[i])) < 0)
			break;
	return json_pack("{s:o, s:b, s:o, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:i}", "running",
		kernel_to_json(&status->running), "snd_aloop_blocked", status->is_blocked,
		"installed", installed, "container", status->container, "loader",
		tr_kernel_loader_name(status->loader), "secure_boot",
		secure_boot[status->secure_boot], "grub",
		status->grub.config[0] ? grub_to_json(&status->grub) : json_null(), "distribution",
		status->distribution, "generic_package", status->generic_package, "better_kernel",
		better ? better->version : "", "slot_cards", (int)status->slot_cards);
}
