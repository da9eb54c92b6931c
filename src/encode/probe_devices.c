/* Which GPUs there are: libdrm's list, and whether we may open them. No driver is asked here. */
#include "encode/probe_gpu.h"

#include "core/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <amdgpu_drm.h>
#include <i915_drm.h>
#include <xf86drm.h>

#define DEVICES_MAX 16
#define HUC_AUTHENTICATED 1

static const struct {
	uint16_t id;
	const char *name;
} vendors[] = {
	{0x8086, "Intel"},
	{0x1002, "AMD"},
	{0x1022, "AMD"},
	{0x10de, "NVIDIA"},
	{0x1af4, "virtio"},
	{0x15ad, "VMware"},
	{0x1d17, "Zhaoxin"},
};

static const char *name_vendor(uint16_t id)
{
	for (size_t i = 0; i < TR_COUNT(vendors); i++)
		if (vendors[i].id == id)
			return vendors[i].name;
	return "";
}

static void set_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);

	json_object_set_new(object, key, value ? value : json_string("?")); /* no UTF-8 */
}

static void describe_bus(json_t *device, const drmDevice *drm)
{
	char text[32] = "";

	if (drm->bustype == DRM_BUS_PCI) {
		const drmPciBusInfo *bus = drm->businfo.pci;
		const drmPciDeviceInfo *info = drm->deviceinfo.pci;
		snprintf(text, sizeof(text), "%04x:%02x:%02x.%u", bus->domain, bus->bus, bus->dev,
			bus->func);
		set_text(device, "address", text);
		snprintf(text, sizeof(text), "%04x:%04x", info->vendor_id, info->device_id);
		set_text(device, "pci_id", text);
		set_text(device, "vendor", name_vendor(info->vendor_id));
		/* Intel's is part of the processor's own bus; of AMD's only the driver knows. */
		json_object_set_new(device, "is_integrated",
			json_boolean(info->vendor_id == 0x8086 && bus->bus == 0));
		return;
	}
	set_text(device, "address", "");
	set_text(device, "pci_id", "");
	set_text(device, "vendor", "");
	json_object_set_new(device, "is_integrated", json_true()); /* part of a chip, mostly */
}

static void describe_owner(json_t *device, const char *node)
{
	struct stat st;
	char mode[8];

	if (stat(node, &st) < 0)
		return;
	const struct group *group = getgrgid(st.st_gid);
	set_text(device, "group", group ? group->gr_name : "");
	json_object_set_new(device, "gid", json_integer((json_int_t)st.st_gid));
	snprintf(mode, sizeof(mode), "%04o", (unsigned)(st.st_mode & 07777));
	set_text(device, "mode", mode);
}

static void ask_huc(json_t *device, int fd)
{
	int value = 0;
	drm_i915_getparam_t parameter = {.param = I915_PARAM_HUC_STATUS, .value = &value};
	int rc = drmIoctl(fd, DRM_IOCTL_I915_GETPARAM, &parameter);

	set_text(device, "huc",
		rc == 0 && value == HUC_AUTHENTICATED		? "authenticated"
		: rc == 0 || errno == ENODEV || errno == ENOPKG ? "not loaded"
								: "unknown");
}

static void ask_amdgpu(json_t *device, int fd)
{
	struct drm_amdgpu_info_device info = {0};
	struct drm_amdgpu_info request = {
		.return_pointer = (uintptr_t)&info,
		.return_size = sizeof(info),
		.query = AMDGPU_INFO_DEV_INFO,
	};

	if (drmCommandWrite(fd, DRM_AMDGPU_INFO, &request, sizeof(request)) == 0)
		json_object_set_new(device, "is_integrated",
			json_boolean(info.ids_flags & AMDGPU_IDS_FLAGS_FUSION));
}

static void ask_kernel_driver(json_t *device, int fd)
{
	drmVersionPtr version = drmGetVersion(fd);
	const char *name = version && version->name ? version->name : "";

	set_text(device, "kernel_driver", name);
	if (!strcmp(name, "i915"))
		ask_huc(device, fd);
	if (!strcmp(name, "amdgpu"))
		ask_amdgpu(device, fd);
	drmFreeVersion(version);
}

/* "/sys/dev/char/226:128/device/driver" names the kernel's driver also to those who may not open
 * the node. */
static void guess_kernel_driver(json_t *device, const char *node)
{
	char path[64], target[PATH_MAX];
	const char *number = strrchr(node, 'D');

	if (!number || tr_text_format(path, sizeof(path), "/sys/dev/char/226:%s/device/driver",
			       number + 1) < 0)
		return;
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	if (length <= 0)
		return;
	target[length] = '\0';
	const char *name = strrchr(target, '/');
	set_text(device, "kernel_driver", name ? name + 1 : target);
}

static json_t *describe(const drmDevice *drm)
{
	const char *node = drm->nodes[DRM_NODE_RENDER];
	json_t *device = json_object();

	if (!device)
		return NULL;
	set_text(device, "node", node);
	set_text(device, "kernel_driver", "");
	describe_bus(device, drm);
	describe_owner(device, node);
	TR_CLEANUP(tr_closep) int fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		json_object_set_new(device, "open_error", json_integer(errno));
		guess_kernel_driver(device, node);
	} else {
		ask_kernel_driver(device, fd);
	}
	return device;
}

/* By address, not in the order of the folder or of the numbers: those change between boots. */
static int compare(const void *a, const void *b)
{
	const drmDevice *one = *(drmDevice *const *)a, *other = *(drmDevice *const *)b;

	if (one->bustype != other->bustype)
		return one->bustype - other->bustype;
	if (one->bustype == DRM_BUS_PCI) {
		const drmPciBusInfo *x = one->businfo.pci, *y = other->businfo.pci;
		int order = x->domain != y->domain ? x->domain - y->domain
			    : x->bus != y->bus	   ? x->bus - y->bus
			    : x->dev != y->dev	   ? x->dev - y->dev
						   : x->func - y->func;
		if (order != 0)
			return order;
	}
	return strcmp(one->nodes[DRM_NODE_RENDER], other->nodes[DRM_NODE_RENDER]);
}

static bool is_listed(const json_t *list, const char *node)
{
	const json_t *device;
	size_t i;

	json_array_foreach((json_t *)list, i,
		device) if (!strcmp(json_string_value(json_object_get(device, "node")),
				    node)) return true;
	return false;
}

/* What the kernel has and /dev lacks: a container that was not given the device. */
static void add_hidden(json_t *list)
{
	DIR *folder = opendir("/sys/class/drm");
	struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL) {
		char node[64];
		if (strncmp(entry->d_name, "renderD", 7) != 0 ||
			tr_text_format(node, sizeof(node), "/dev/dri/%s", entry->d_name) < 0 ||
			is_listed(list, node) || access(node, F_OK) == 0)
			continue;
		json_t *device = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:i}", "node", node,
			"address", "", "pci_id", "", "vendor", "", "kernel_driver", "",
			"is_integrated", 0, "open_error", ENOENT);
		if (device) {
			guess_kernel_driver(device, node);
			json_array_append_new(list, device);
		}
	}
	if (folder)
		closedir(folder);
}

json_t *tr_probe_devices_find(void)
{
	drmDevicePtr all[DEVICES_MAX], wanted[DEVICES_MAX] = {NULL};
	json_t *list = json_array();
	int wanted_count = 0;

	if (!list)
		return NULL;
	int count = drmGetDevices2(0, all, DEVICES_MAX);
	count = count < 0 ? 0 : count < DEVICES_MAX ? count : DEVICES_MAX; /* no folder: none */
	for (int i = 0; i < count; i++) /* screens without a GPU have no render node */
		if (all[i]->available_nodes & 1 << DRM_NODE_RENDER)
			wanted[wanted_count++] = all[i];
	qsort(wanted, (size_t)wanted_count, sizeof(wanted[0]), compare);
	for (int i = 0; i < wanted_count; i++) {
		json_t *device = describe(wanted[i]);
		if (device)
			json_array_append_new(list, device);
	}
	drmFreeDevices(all, count);
	add_hidden(list);
	return list;
}
