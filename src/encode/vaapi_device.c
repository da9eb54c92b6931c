#define TR_LOG_AREA "vaapi"
#include "encode/gpu_internal.h"

#include "core/log.h"

#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_vaapi.h>

#include <va/va.h>
#include <va/va_drm.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct tr_vaapi_device {
	int fd;
	VADisplay display;
	AVBufferRef *context;
};

static void on_error(void *user, const char *text)
{
	char line[300];

	snprintf(line, sizeof(line), "%s", text);
	line[strcspn(line, "\n")] = '\0';
	tr_warning("libva: %s", line);
	tr_gpu_words_add(user, line);
}

/* "Trying to open ...", "va_openDriver() returns N": the best diagnosis there is. */
static void on_info(void *user, const char *text)
{
	char line[300];

	(void)user;
	snprintf(line, sizeof(line), "%s", text);
	line[strcspn(line, "\n")] = '\0';
	tr_debug("libva: %s", line);
}

static int open_display(
	struct tr_vaapi_device *device, const struct tr_rung *rung, struct tr_gpu_words *words)
{
	char text[200];
	int major, minor;

	device->fd = open(rung->device, O_RDWR | O_CLOEXEC);
	if (device->fd < 0) {
		int rc = -errno;
		snprintf(text, sizeof(text), "cannot open %s: %s", rung->device, strerror(-rc));
		return tr_gpu_fail(words, rc, text);
	}
	device->display = vaGetDisplayDRM(device->fd);
	if (!device->display)
		return tr_gpu_fail(words, -EIO, "libva gives no display for the device");
	vaSetErrorCallback(device->display, on_error, words);
	vaSetInfoCallback(device->display, on_info, words);
	if (rung->driver[0]) {
		snprintf(text, sizeof(text), "%s", rung->driver);
		if (vaSetDriverName(device->display, text) != VA_STATUS_SUCCESS)
			return tr_gpu_fail(words, -EIO, "libva does not take the driver's name");
	}
	VAStatus status = vaInitialize(device->display, &major, &minor);
	if (status != VA_STATUS_SUCCESS) {
		snprintf(text, sizeof(text), "the VA driver of %s does not start: %d (%s)",
			rung->device, status, vaErrorStr(status));
		return tr_gpu_fail(words, -EIO, text);
	}
	return 0;
}

static int make_context(struct tr_vaapi_device *device, struct tr_gpu_words *words)
{
	device->context = av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_VAAPI);
	if (!device->context)
		return -ENOMEM;
	AVHWDeviceContext *context = (AVHWDeviceContext *)device->context->data;
	AVVAAPIDeviceContext *vaapi = context->hwctx;
	vaapi->display = device->display;
	if (av_hwdevice_ctx_init(device->context) < 0)
		return tr_gpu_fail(words, -EIO, "FFmpeg cannot use the VA driver");
	return 0;
}

void tr_vaapi_device_close(struct tr_vaapi_device *device)
{
	if (!device)
		return;
	av_buffer_unref(&device->context);
	if (device->display)
		vaTerminate(device->display);
	if (device->fd >= 0)
		close(device->fd);
	free(device);
}

int tr_vaapi_device_open(
	const struct tr_rung *rung, struct tr_gpu_words *words, struct tr_vaapi_device **ret)
{
	TR_CLEANUP(tr_vaapi_device_closep)
	struct tr_vaapi_device *device = calloc(1, sizeof(*device));

	if (!device)
		return -ENOMEM;
	device->fd = -1;
	int rc = open_display(device, rung, words);
	if (rc == 0)
		rc = make_context(device, words);
	if (rc < 0)
		return rc;
	*ret = tr_take(device);
	return 0;
}

AVBufferRef *tr_vaapi_device_context(const struct tr_vaapi_device *device)
{
	return device->context;
}

VADisplay tr_vaapi_device_display(const struct tr_vaapi_device *device)
{
	return device->display;
}
