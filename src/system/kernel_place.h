/* Where a kernel runs: a container of somebody else's, and what started the machine. Below a root.
 */
#ifndef TR_SYSTEM_KERNEL_PLACE_H
#define TR_SYSTEM_KERNEL_PLACE_H

#include "system/kernel.h"

/* "lxc", "docker", "podman", "systemd-nspawn", "openvz", "wsl", ...; "" for a machine. */
void tr_kernel_find_container(const char *root, char *out, size_t size);

enum tr_kernel_loader tr_kernel_find_loader(const char *root);
enum tr_secure_boot tr_kernel_find_secure_boot(const char *root);

/* Path of the generated grub.cfg below the root; "" when there is none. */
void tr_kernel_find_grub(const char *root, char *out, size_t size);

/* Small files of the kernel's, which tell no size: cut at the end. False when it cannot be read. */
bool tr_kernel_read_line(const char *root, const char *path, char *out, size_t size);
bool tr_kernel_has(const char *root, const char *path);

/* What to do about the kernel here, as root on whichever machine decides; several lines. */
const char *tr_kernel_host_advice(const struct tr_kernel_status *status);

#endif
