/*
 * Which kernel runs, whether it can make loopback sound cards (snd-aloop), which other installed
 * one could, and what decides about the next boot.
 *
 * All files are looked for below a root ("" is this machine). Packages are asked for by dpkg-query
 * and apt-cache, found on PATH. This only looks; kernel_choice.h changes.
 */
#ifndef TR_SYSTEM_KERNEL_H
#define TR_SYSTEM_KERNEL_H

#include "core/cleanup.h"
#include "system/grub.h"
#include "system/grubenv.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

#define TR_KERNEL_VERSION_MAX 128
#define TR_KERNEL_PACKAGE_MAX 192
#define TR_KERNEL_INSTALLED_MAX 32

enum tr_kernel_flavour {
	TR_KERNEL_UNKNOWN,
	TR_KERNEL_GENERIC,
	TR_KERNEL_CLOUD,
	TR_KERNEL_AWS,
	TR_KERNEL_AZURE,
	TR_KERNEL_GCP,
	TR_KERNEL_KVM,
	TR_KERNEL_RT,
};

enum tr_aloop_state {
	TR_ALOOP_ABSENT,   /* this kernel has none */
	TR_ALOOP_PACKAGED, /* its package is not installed */
	TR_ALOOP_LOADABLE,
	TR_ALOOP_BUILT_IN,
	TR_ALOOP_LOADED,
};

struct tr_kernel {
	char version[TR_KERNEL_VERSION_MAX];
	enum tr_kernel_flavour flavour;
	enum tr_aloop_state aloop;
	bool has_modules;			   /* its folder of modules is here */
	bool has_image;				   /* /boot/vmlinuz-VERSION is here */
	char package[TR_KERNEL_PACKAGE_MAX];	   /* it comes from, or "" */
	char aloop_package[TR_KERNEL_PACKAGE_MAX]; /* TR_ALOOP_PACKAGED: what to install */
};

enum tr_kernel_loader {
	TR_LOADER_NONE, /* none that we know: the kernel comes from outside, or the machine is odd
			 */
	TR_LOADER_GRUB,
	TR_LOADER_SYSTEMD_BOOT,
	TR_LOADER_EXTLINUX,
	TR_LOADER_RASPBERRY,
};

enum tr_secure_boot { TR_SECURE_BOOT_NO_EFI, TR_SECURE_BOOT_OFF, TR_SECURE_BOOT_ON };

struct tr_kernel_grub {
	char config[PATH_MAX];		 /* the generated grub.cfg; "" without GRUB */
	char setting[TR_GRUB_VALUE_MAX]; /* GRUB_DEFAULT as the settings say it */
	char setting_file[PATH_MAX];	 /* which one, or "" */
	char saved[TR_GRUB_VALUE_MAX], next[TR_GRUB_VALUE_MAX];
	char chosen[TR_GRUB_VALUE_MAX]; /* the default as the menu has it, saved_entry put in */
	char default_title[256], default_version[TR_KERNEL_VERSION_MAX];
	bool is_lost; /* the default names no entry: GRUB takes the first */
	bool is_bls;
};

struct tr_kernel_status {
	struct tr_kernel running;
	bool is_blocked; /* snd-aloop is forbidden in modprobe.d */
	unsigned installed_count;
	struct tr_kernel installed[TR_KERNEL_INSTALLED_MAX]; /* newest first, the running one too */
	char container[32]; /* "lxc", "docker", ...; "" when this is a machine */
	enum tr_kernel_loader loader;
	enum tr_secure_boot secure_boot;
	struct tr_kernel_grub grub;
	char distribution[32];	  /* ID of os-release: "debian", "ubuntu" */
	char generic_package[64]; /* of this distribution and machine; "" when unknown */
	unsigned slot_cards;	  /* loopback cards "tr1", ... in a row from 1 */
};

/* -ENOMEM, or -errno when not even the running version can be read. Some 30 KiB. */
TR_CHECKED int tr_kernel_read(const char *root, struct tr_kernel_status *ret_status);

/* The newest installed kernel, other than the running one, with snd-aloop; NULL when none. */
const struct tr_kernel *tr_kernel_find_better(const struct tr_kernel_status *status);

/* The installed kernel that GRUB boots by default, when it has no snd-aloop; NULL when it has. */
const struct tr_kernel *tr_kernel_find_lacking_default(const struct tr_kernel_status *status);

/* By the version's end: "-cloud-amd64", "-aws", "+deb13-rt-amd64", "-generic". */
enum tr_kernel_flavour tr_kernel_flavour_of(const char *version);

const char *tr_kernel_flavour_name(enum tr_kernel_flavour flavour); /* "generic" */
const char *tr_aloop_state_name(enum tr_aloop_state state);	    /* "loadable" */
const char *tr_kernel_loader_name(enum tr_kernel_loader loader);    /* "systemd-boot" */

/* Everything, for scripts. NULL: no memory. */
json_t *tr_kernel_to_json(const struct tr_kernel_status *status);

/* Reads the menu of this root's GRUB. -ENOENT without one; release it. */
TR_CHECKED int tr_kernel_read_menu(const char *root, struct tr_grub_menu *ret_menu);

#endif
