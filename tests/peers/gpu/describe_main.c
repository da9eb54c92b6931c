/* Prints what libdrm and libva find on this machine: for tests of the worlds, and for people. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <va/va.h>
#include <va/va_drm.h>
#include <xf86drm.h>

static void be_quiet(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static int count_encoders(VADisplay display)
{
	VAEntrypoint *list = calloc((size_t)vaMaxNumEntrypoints(display), sizeof(*list));
	int count = 0, found = 0;

	if (list && vaQueryConfigEntrypoints(display, VAProfileH264High, list, &count) == 0)
		for (int i = 0; i < count; i++)
			found += list[i] == VAEntrypointEncSlice ||
				 list[i] == VAEntrypointEncSliceLP;
	free(list);
	return found;
}

static void describe_va(int fd)
{
	int major, minor;
	VADisplay display = vaGetDisplayDRM(fd);

	if (!display) {
		printf(" no display\n");
		return;
	}
	vaSetErrorCallback(display, be_quiet, NULL);
	vaSetInfoCallback(display, be_quiet, NULL);
	VAStatus status = vaInitialize(display, &major, &minor);
	if (status == VA_STATUS_SUCCESS)
		printf(" \"%.20s\" encoders=%d\n", vaQueryVendorString(display),
			count_encoders(display));
	else
		printf(" va status %d\n", status);
	vaTerminate(display);
}

static void describe(const drmDevice *device)
{
	const char *node = device->nodes[DRM_NODE_RENDER];

	printf("%s %04x:%02x:%02x.%d %04x:%04x", node, device->businfo.pci->domain,
		device->businfo.pci->bus, device->businfo.pci->dev, device->businfo.pci->func,
		device->deviceinfo.pci->vendor_id, device->deviceinfo.pci->device_id);
	int fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		printf(" %s\n", strerrorname_np(errno));
		return;
	}
	drmVersion *version = drmGetVersion(fd);
	printf(" %s %s", version ? version->name : "?",
		drmGetNodeTypeFromFd(fd) == DRM_NODE_RENDER ? "render" : "other");
	drmFreeVersion(version);
	describe_va(fd);
	close(fd);
}

static int by_node(const void *a, const void *b)
{
	const drmDevice *const *first = a, *const *second = b;

	return strcmp((*first)->nodes[DRM_NODE_RENDER], (*second)->nodes[DRM_NODE_RENDER]);
}

int main(void)
{
	drmDevice *devices[16];
	int count = drmGetDevices2(0, devices, 16);

	if (count <= 0)
		return printf("no devices\n") < 0;
	qsort(devices, (size_t)count, sizeof(devices[0]), by_node);
	for (int i = 0; i < count; i++)
		describe(devices[i]);
	drmFreeDevices(devices, count);
	return 0;
}
