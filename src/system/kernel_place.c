#include "system/kernel_place.h"

#include "core/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define EFIVARS "/sys/firmware/efi/efivars"

static ssize_t read_some(const char *root, const char *path, char *out, size_t size)
{
	char whole[PATH_MAX];

	out[0] = '\0';
	if (tr_text_format(whole, sizeof(whole), "%s%s", root, path) < 0)
		return -1;
	TR_CLEANUP(tr_closep) int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
	return n;
}

bool tr_kernel_read_line(const char *root, const char *path, char *out, size_t size)
{
	bool is_read = read_some(root, path, out, size) >= 0;

	out[strcspn(out, "\n")] = '\0';
	return is_read;
}

bool tr_kernel_has(const char *root, const char *path)
{
	char whole[PATH_MAX];

	return tr_text_format(whole, sizeof(whole), "%s%s", root, path) == 0 &&
	       access(whole, F_OK) == 0;
}

/* The first process of a container is told its kind in its environment. Only root may read it. */
static bool read_init_environment(const char *root, char *out, size_t size)
{
	static const char name[] = "container=";
	char text[4096];
	ssize_t n = read_some(root, "/proc/1/environ", text, sizeof(text));

	for (const char *at = text; n > 0 && at < text + n; at += strlen(at) + 1)
		if (!strncmp(at, name, strlen(name)) && at[strlen(name)]) {
			snprintf(out, size, "%s", at + strlen(name));
			return true;
		}
	return false;
}

void tr_kernel_find_container(const char *root, char *out, size_t size)
{
	static const struct {
		const char *path, *kind;
	} signs[] = {{"/run/.containerenv", "podman"}, {"/.dockerenv", "docker"},
		{"/dev/lxc", "lxc"}, {"/dev/.lxc", "lxc"}};
	char text[4096];

	out[0] = '\0';
	if (tr_kernel_read_line(root, "/run/systemd/container", out, size) && out[0])
		return;
	if (read_init_environment(root, out, size))
		return;
	for (size_t i = 0; i < TR_COUNT(signs); i++)
		if (tr_kernel_has(root, signs[i].path)) {
			snprintf(out, size, "%s", signs[i].kind);
			return;
		}
	if (tr_kernel_has(root, "/proc/vz") && !tr_kernel_has(root, "/proc/bc"))
		snprintf(out, size, "openvz");
	else if (tr_kernel_read_line(root, "/proc/sys/kernel/osrelease", text, sizeof(text)) &&
		 (strstr(text, "Microsoft") || strstr(text, "microsoft")))
		snprintf(out, size, "wsl");
	else if (read_some(root, "/proc/1/cgroup", text, sizeof(text)) > 0 &&
		 (strstr(text, "/docker") || strstr(text, "/kubepods") || strstr(text, "/lxc")))
		snprintf(out, size, "%s", strstr(text, "/lxc") ? "lxc" : "docker");
}

/* systemd-boot and others write their name into a variable of the firmware, in UTF-16. */
static bool is_loaded_by_systemd_boot(const char *root)
{
	char text[256], name[64];
	size_t length = 0;
	ssize_t n = read_some(root, EFIVARS "/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f",
		text, sizeof(text));

	for (ssize_t i = 4; i + 1 < n && length + 1 < sizeof(name); i += 2)
		name[length++] = text[i];
	name[length] = '\0';
	return !strncmp(name, "systemd-boot", strlen("systemd-boot"));
}

void tr_kernel_find_grub(const char *root, char *out, size_t size)
{
	static const char *const places[] = {"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"};

	for (size_t i = 0; i < TR_COUNT(places); i++)
		if (tr_kernel_has(root, places[i]) &&
			tr_text_format(out, size, "%s%s", root, places[i]) == 0)
			return;
	out[0] = '\0';
}

enum tr_kernel_loader tr_kernel_find_loader(const char *root)
{
	static const struct {
		const char *path;
		enum tr_kernel_loader loader;
	} signs[] = {
		{"/boot/efi/loader/loader.conf", TR_LOADER_SYSTEMD_BOOT},
		{"/boot/loader/loader.conf", TR_LOADER_SYSTEMD_BOOT},
		{"/efi/loader/loader.conf", TR_LOADER_SYSTEMD_BOOT},
		{"/boot/extlinux/extlinux.conf", TR_LOADER_EXTLINUX},
		{"/boot/syslinux/syslinux.cfg", TR_LOADER_EXTLINUX},
		{"/extlinux.conf", TR_LOADER_EXTLINUX},
		{"/boot/firmware/config.txt", TR_LOADER_RASPBERRY},
	};
	char path[PATH_MAX];

	if (is_loaded_by_systemd_boot(root))
		return TR_LOADER_SYSTEMD_BOOT;
	tr_kernel_find_grub(root, path, sizeof(path));
	if (path[0])
		return TR_LOADER_GRUB;
	for (size_t i = 0; i < TR_COUNT(signs); i++)
		if (tr_kernel_has(root, signs[i].path))
			return signs[i].loader;
	return TR_LOADER_NONE;
}

enum tr_secure_boot tr_kernel_find_secure_boot(const char *root)
{
	char text[16];

	if (!tr_kernel_has(root, "/sys/firmware/efi"))
		return TR_SECURE_BOOT_NO_EFI;
	/* Four bytes of attributes, and the value. */
	ssize_t n = read_some(root, EFIVARS "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		text, sizeof(text));
	return n == 5 && text[4] == 1 ? TR_SECURE_BOOT_ON : TR_SECURE_BOOT_OFF;
}

const char *tr_kernel_host_advice(const struct tr_kernel_status *status)
{
	if (!strcmp(status->container, "lxc"))
		return "# on the host, as root: load it now and at each boot, and give it to the "
		       "container\n"
		       "modprobe snd-aloop\n"
		       "echo snd-aloop > /etc/modules-load.d/snd-aloop.conf\n"
		       "# in the container's configuration:\n"
		       "lxc.cgroup2.devices.allow = c 116:* rwm\n"
		       "lxc.mount.entry = /dev/snd dev/snd none bind,optional,create=dir\n";
	if (!strcmp(status->container, "wsl"))
		return "# Windows brings this kernel: record with telerec's own ALSA plug-in\n";
	if (status->container[0])
		return "# on the host, as root: load it now and at each boot\n"
		       "modprobe snd-aloop\n"
		       "echo snd-aloop > /etc/modules-load.d/snd-aloop.conf\n"
		       "# and start the container with its devices, for example\n"
		       "docker run --device /dev/snd --group-add audio ...\n";
	switch (status->loader) {
	case TR_LOADER_SYSTEMD_BOOT:
		return "bootctl list\n"
		       "bootctl set-oneshot ENTRY.conf   # try it once, and reboot\n"
		       "bootctl set-default ENTRY.conf   # when it runs well\n";
	case TR_LOADER_EXTLINUX:
		return "# name the kernel's label after DEFAULT in the loader's file, or, with "
		       "u-boot-menu,\n"
		       "# U_BOOT_DEFAULT in /etc/default/u-boot, and then: u-boot-update\n";
	case TR_LOADER_RASPBERRY:
		return "# name the kernel's file in /boot/firmware/config.txt: kernel=FILE\n";
	case TR_LOADER_GRUB:
		return "telerec kernel use-generic --install\n";
	default:
		return "# where this machine's kernel is chosen (the hypervisor, the hoster's page, "
		       "the network):\n"
		       "# give it one with CONFIG_SND_ALOOP=m, as Debian's linux-image-amd64 has, "
		       "and its modules\n";
	}
}
