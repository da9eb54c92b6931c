/* What the VA driver of a device says: asked in a child process, whose standard error is kept. */
#include "encode/probe_gpu.h"

#include "core/cleanup.h"
#include "encode/probe_child.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <va/va.h>
#include <va/va_drm.h>
#include <va/va_drmcommon.h>

#define NOT_THERE VA_ATTRIB_NOT_SUPPORTED

struct asker {
	json_t *device;
	VADisplay display;
	VAConfigID config;
	char file[256]; /* the driver's that libva tried last, or that failed to start */
	bool has_failed;
};

struct name {
	unsigned value;
	const char *name;
};

/* The best first. */
static const struct {
	VAProfile profile;
	int idc;
	const char *name;
} profiles[] = {
	{VAProfileH264High, 100, "High"},
	{VAProfileH264Main, 77, "Main"},
	{VAProfileH264ConstrainedBaseline, 66, "ConstrainedBaseline"},
};

static const struct name entry_points[] = {
	{VAEntrypointEncSlice, "EncSlice"},
	{VAEntrypointEncSliceLP, "EncSliceLP"},
};

static const struct name rate_controls[] = {
	{VA_RC_CQP, "CQP"},
	{VA_RC_CBR, "CBR"},
	{VA_RC_VBR, "VBR"},
	{VA_RC_ICQ, "ICQ"},
	{VA_RC_QVBR, "QVBR"},
	{VA_RC_AVBR, "AVBR"},
};

static const struct name packed_headers[] = {
	{VA_ENC_PACKED_HEADER_SEQUENCE, "sequence"},
	{VA_ENC_PACKED_HEADER_PICTURE, "picture"},
	{VA_ENC_PACKED_HEADER_SLICE, "slice"},
	{VA_ENC_PACKED_HEADER_MISC, "misc"},
	{VA_ENC_PACKED_HEADER_RAW_DATA, "raw"},
};

static const struct name memory_types[] = {
	{VA_SURFACE_ATTRIB_MEM_TYPE_VA, "VA"},
	{VA_SURFACE_ATTRIB_MEM_TYPE_USER_PTR, "USER_PTR"},
	{VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME, "DRM_PRIME"},
	{VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2, "DRM_PRIME_2"},
};

static void set_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);

	json_object_set_new(object, key, value ? value : json_string("?")); /* no UTF-8 */
}

static void set_number(json_t *object, const char *key, int64_t number)
{
	json_object_set_new(object, key, json_integer(number));
}

static void set_names(
	json_t *object, const char *key, unsigned mask, const struct name *names, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (mask & names[i].value)
			json_array_append_new(list, json_string(names[i].name));
	json_object_set_new(object, key, list);
}

static void on_message(void *user, const char *message)
{
	static const char trying[] = "Trying to open ";
	struct asker *asker = user;
	const char *found = strstr(message, trying);

	fprintf(stderr, "libva: %s", message);
	/* i915 has two drivers: when the first one fails, the second one's absence is no news. */
	asker->has_failed = asker->has_failed || strstr(message, "init failed");
	if (found && !asker->has_failed)
		snprintf(asker->file, sizeof(asker->file), "%.*s",
			(int)strcspn(found + strlen(trying), "\n"), found + strlen(trying));
}

/* "/usr/lib/.../iHD_drv_video.so" is the driver "iHD". */
static void set_driver_name(struct asker *asker)
{
	const char *slash = strrchr(asker->file, '/');
	const char *name = slash ? slash + 1 : asker->file;
	const char *end = strstr(name, "_drv_video");
	char text[24];

	snprintf(text, sizeof(text), "%.*s", end ? (int)(end - name) : 0, name);
	set_text(asker->device, "driver", text);
}

static unsigned get_attribute(
	struct asker *asker, VAProfile profile, VAEntrypoint entry_point, VAConfigAttribType type)
{
	VAConfigAttrib attribute = {.type = type, .value = NOT_THERE};

	VAStatus status =
		vaGetConfigAttributes(asker->display, profile, entry_point, &attribute, 1);
	return status == VA_STATUS_SUCCESS ? attribute.value : NOT_THERE;
}

static void add_format(json_t *formats, int fourcc)
{
	char text[5];

	for (int i = 0; i < 4; i++) {
		text[i] = (char)(fourcc >> 8 * i);
		if (text[i] < ' ' || text[i] > '~')
			return;
	}
	text[4] = '\0';
	json_array_append_new(formats, json_string(text));
}

/* Sizes, formats and kinds of memory of a configuration's surfaces. */
static void add_surfaces(struct asker *asker, json_t *object)
{
	unsigned count = 0, memory = VA_SURFACE_ATTRIB_MEM_TYPE_VA;
	json_t *formats = json_array();

	json_object_set_new(object, "formats", formats);
	if (vaQuerySurfaceAttributes(asker->display, asker->config, NULL, &count) != 0 ||
		count > 256)
		return;
	TR_CLEANUP(tr_freep) VASurfaceAttrib *list = calloc(count + 1, sizeof(*list));
	if (!list || vaQuerySurfaceAttributes(asker->display, asker->config, list, &count) != 0)
		return;
	for (unsigned i = 0; i < count; i++) {
		int value = list[i].value.value.i;
		if (list[i].type == VASurfaceAttribPixelFormat)
			add_format(formats, value);
		else if (list[i].type == VASurfaceAttribMinWidth)
			set_number(object, "min_width", value);
		else if (list[i].type == VASurfaceAttribMinHeight)
			set_number(object, "min_height", value);
		else if (list[i].type == VASurfaceAttribMaxWidth)
			set_number(object, "max_width", value);
		else if (list[i].type == VASurfaceAttribMaxHeight)
			set_number(object, "max_height", value);
		else if (list[i].type == VASurfaceAttribMemoryType)
			memory = (unsigned)value;
	}
	set_names(object, "memory_types", memory, memory_types, TR_COUNT(memory_types));
}

static void add_limits(
	struct asker *asker, json_t *object, VAProfile profile, VAEntrypoint entry_point)
{
	unsigned width = get_attribute(asker, profile, entry_point, VAConfigAttribMaxPictureWidth);
	unsigned height =
		get_attribute(asker, profile, entry_point, VAConfigAttribMaxPictureHeight);

	/* The surfaces' limits count where the attribute is not there. */
	if (width != NOT_THERE && width > 0)
		set_number(object, "max_width", width);
	if (height != NOT_THERE && height > 0)
		set_number(object, "max_height", height);
}

static json_t *ask_encoder(struct asker *asker, size_t p, size_t e)
{
	VAProfile profile = profiles[p].profile;
	VAEntrypoint entry_point = (VAEntrypoint)entry_points[e].value;
	json_t *object = json_object();

	set_number(object, "profile", profiles[p].idc);
	set_text(object, "profile_name", profiles[p].name);
	set_text(object, "entry_point", entry_points[e].name);
	tr_probe_child_say("vaGetConfigAttributes");
	unsigned rates = get_attribute(asker, profile, entry_point, VAConfigAttribRateControl);
	set_names(object, "rate_controls", rates == NOT_THERE ? VA_RC_CQP : rates, rate_controls,
		TR_COUNT(rate_controls));
	unsigned packed =
		get_attribute(asker, profile, entry_point, VAConfigAttribEncPackedHeaders);
	set_names(object, "packed_headers", packed == NOT_THERE ? 0 : packed, packed_headers,
		TR_COUNT(packed_headers));
	unsigned refs = get_attribute(asker, profile, entry_point, VAConfigAttribEncMaxRefFrames);
	refs = refs == NOT_THERE ? 0 : refs;
	json_object_set_new(
		object, "max_refs", json_pack("[i, i]", (int)(refs & 0xffff), (int)(refs >> 16)));
	unsigned range = get_attribute(asker, profile, entry_point, VAConfigAttribEncQualityRange);
	set_number(object, "quality_range", range == NOT_THERE ? 0 : range);
	VAConfigAttrib format = {.type = VAConfigAttribRTFormat, .value = VA_RT_FORMAT_YUV420};
	tr_probe_child_say("vaCreateConfig");
	VAStatus status =
		vaCreateConfig(asker->display, profile, entry_point, &format, 1, &asker->config);
	if (status == VA_STATUS_SUCCESS) {
		tr_probe_child_say("vaQuerySurfaceAttributes");
		add_surfaces(asker, object);
		vaDestroyConfig(asker->display, asker->config);
	} else {
		set_number(object, "config_status", status);
	}
	add_limits(asker, object, profile, entry_point);
	return object;
}

static bool has_entry_point(struct asker *asker, VAProfile profile, VAEntrypoint wanted)
{
	int count = vaMaxNumEntrypoints(asker->display);
	bool is_found = false;

	if (count < 1 || count > 256)
		return false;
	VAEntrypoint *list = calloc((size_t)count, sizeof(*list));
	if (list && vaQueryConfigEntrypoints(asker->display, profile, list, &count) ==
			    VA_STATUS_SUCCESS)
		for (int i = 0; i < count; i++)
			is_found = is_found || list[i] == wanted;
	free(list);
	return is_found;
}

/* Conversion and scaling on the GPU. */
static void ask_processing(struct asker *asker)
{
	json_t *object = json_object();

	if (has_entry_point(asker, VAProfileNone, VAEntrypointVideoProc) &&
		vaCreateConfig(asker->display, VAProfileNone, VAEntrypointVideoProc, NULL, 0,
			&asker->config) == VA_STATUS_SUCCESS) {
		add_surfaces(asker, object);
		vaDestroyConfig(asker->display, asker->config);
	}
	json_object_set_new(asker->device, "processing", object);
}

static void ask_profiles(struct asker *asker)
{
	int count = vaMaxNumProfiles(asker->display);
	json_t *encoders = json_object_get(asker->device, "encoders");
	json_t *names = json_object_get(asker->device, "profiles");

	if (count < 1 || count > 1024)
		return;
	TR_CLEANUP(tr_freep) VAProfile *list = calloc((size_t)count, sizeof(*list));
	tr_probe_child_say("vaQueryConfigProfiles");
	if (!list || vaQueryConfigProfiles(asker->display, list, &count) != VA_STATUS_SUCCESS)
		return;
	for (size_t p = 0; p < TR_COUNT(profiles); p++) {
		bool is_there = false;
		for (int i = 0; i < count; i++)
			is_there = is_there || list[i] == profiles[p].profile;
		if (!is_there)
			continue;
		json_array_append_new(names, json_string(profiles[p].name));
		for (size_t e = 0; e < TR_COUNT(entry_points); e++)
			if (has_entry_point(asker, profiles[p].profile,
				    (VAEntrypoint)entry_points[e].value))
				json_array_append_new(encoders, ask_encoder(asker, p, e));
	}
	ask_processing(asker);
}

/* libva knows the kernel's driver xe only since 2.21. The user's own word goes first. */
static const char *choose_driver(const json_t *device)
{
	const char *kernel = json_string_value(json_object_get(device, "kernel_driver"));

	return kernel && !strcmp(kernel, "xe") && !getenv("LIBVA_DRIVER_NAME") ? "iHD" : "";
}

static void ask_display(struct asker *asker)
{
	const char *forced = choose_driver(asker->device);
	int major = 0, minor = 0;
	char version[24];

	set_text(asker->device, "driver_forced", forced);
	vaSetErrorCallback(asker->display, on_message, asker);
	vaSetInfoCallback(asker->display, on_message, asker);
	if (forced[0])
		vaSetDriverName(asker->display, (char *)forced);
	tr_probe_child_say("vaInitialize");
	VAStatus status = vaInitialize(asker->display, &major, &minor);
	set_driver_name(asker);
	set_number(asker->device, "init_status", status);
	if (status != VA_STATUS_SUCCESS)
		return;
	snprintf(version, sizeof(version), "%d.%d", major, minor);
	set_text(asker->device, "va_version", version);
	const char *text = vaQueryVendorString(asker->display);
	set_text(asker->device, "driver_text", text ? text : "");
	ask_profiles(asker);
	tr_probe_child_say("vaTerminate");
}

/* Present means that it can be loaded; whether it works only a self-test shows. */
static void find_qsv(json_t *device)
{
	static const char *const names[] = {"libmfx-gen.so.1.2", "libmfxhw64.so.1"};
	json_t *list = json_array();

	json_object_set_new(device, "qsv_runtimes", list);
	if (strcmp(json_string_value(json_object_get(device, "vendor")), "Intel") != 0)
		return;
	tr_probe_child_say("loading the QSV runtimes");
	for (size_t i = 0; i < TR_COUNT(names); i++)
		if (dlopen(names[i], RTLD_LAZY | RTLD_LOCAL))
			json_array_append_new(list, json_string(names[i]));
}

void tr_probe_va_ask(json_t *device)
{
	struct asker asker = {.device = device};
	const char *node = json_string_value(json_object_get(device, "node"));
	TR_CLEANUP(tr_closep) int fd = open(node ? node : "", O_RDWR | O_CLOEXEC);

	json_object_set_new(device, "profiles", json_array());
	json_object_set_new(device, "encoders", json_array());
	if (fd < 0) {
		set_number(device, "open_error", errno);
		return;
	}
	find_qsv(device);
	asker.display = vaGetDisplayDRM(fd);
	if (!asker.display) {
		set_number(device, "init_status", VA_STATUS_ERROR_INVALID_DISPLAY);
		return;
	}
	ask_display(&asker);
	vaTerminate(asker.display);
}
