/* What the device can do, as the personality has it. */
#include "driver.h"

#include <string.h>
#include <unistd.h>

#define MIN_SIZE 32

static const VAProfile profiles[] = {
	VAProfileH264ConstrainedBaseline, VAProfileH264Main, VAProfileH264High};
static const uint32_t rgb_formats[] = {
	VA_FOURCC_BGRA, VA_FOURCC_BGRX, VA_FOURCC_RGBA, VA_FOURCC_RGBX};

static bool is_h264(VAProfile profile)
{
	return profile == VAProfileH264ConstrainedBaseline || profile == VAProfileH264Main ||
	       profile == VAProfileH264High;
}

static bool is_coding(VAEntrypoint entrypoint)
{
	return entrypoint == VAEntrypointEncSlice || entrypoint == VAEntrypointEncSliceLP;
}

static unsigned list_entrypoints(
	const struct tr_va_personality *p, VAProfile profile, VAEntrypoint *list)
{
	unsigned count = 0;

	if (profile == VAProfileNone && p->has_vpp)
		list[count++] = VAEntrypointVideoProc;
	if (!is_h264(profile))
		return count;
	list[count++] = VAEntrypointVLD;
	if (p->has_slice)
		list[count++] = VAEntrypointEncSlice;
	if (p->has_low_power)
		list[count++] = VAEntrypointEncSliceLP;
	return count;
}

static bool has_entrypoint(
	const struct tr_va_personality *p, VAProfile profile, VAEntrypoint entrypoint)
{
	VAEntrypoint list[4];
	unsigned count = list_entrypoints(p, profile, list);

	for (unsigned i = 0; i < count; i++)
		if (list[i] == entrypoint)
			return true;
	return false;
}

VAStatus tr_va_query_profiles(VADriverContextP ctx, VAProfile *list, int *count)
{
	TR_VA_ENTER(ctx);

	memcpy(list, profiles, sizeof(profiles));
	*count = (int)TR_VA_COUNT(profiles);
	if (va->personality.has_vpp)
		list[(*count)++] = VAProfileNone;
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_query_entrypoints(
	VADriverContextP ctx, VAProfile profile, VAEntrypoint *list, int *count)
{
	TR_VA_ENTER(ctx);

	*count = (int)list_entrypoints(&va->personality, profile, list);
	return *count ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
}

static uint32_t coding_attribute(
	const struct tr_va_personality *p, VAEntrypoint entrypoint, VAConfigAttribType type)
{
	bool is_low_power = entrypoint == VAEntrypointEncSliceLP;

	switch ((int)type) {
	case VAConfigAttribRateControl:
		return is_low_power ? p->low_power_rate_control : p->rate_control;
	case VAConfigAttribEncPackedHeaders:
		return p->packed_headers;
	case VAConfigAttribEncMaxRefFrames:
		return is_low_power ? p->references & 0xffff : p->references;
	case VAConfigAttribEncMaxSlices:
		return p->max_slices;
	case VAConfigAttribEncSliceStructure:
		return p->max_slices > 1 ? VA_ENC_SLICE_STRUCTURE_ARBITRARY_MACROBLOCKS
					 : VA_ATTRIB_NOT_SUPPORTED;
	case VAConfigAttribEncQualityRange:
		return p->quality_range ? p->quality_range : VA_ATTRIB_NOT_SUPPORTED;
	default:
		return VA_ATTRIB_NOT_SUPPORTED;
	}
}

VAStatus tr_va_get_attributes(VADriverContextP ctx, VAProfile profile, VAEntrypoint entrypoint,
	VAConfigAttrib *list, int count)
{
	TR_VA_ENTER(ctx);
	const struct tr_va_personality *p = &va->personality;

	if (profile != VAProfileNone && !is_h264(profile))
		return VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
	if (!has_entrypoint(p, profile, entrypoint))
		return VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT;
	for (int i = 0; i < count; i++) {
		if (list[i].type == VAConfigAttribRTFormat)
			list[i].value = entrypoint == VAEntrypointVideoProc
						? VA_RT_FORMAT_YUV420 | VA_RT_FORMAT_RGB32
						: VA_RT_FORMAT_YUV420;
		else if (list[i].type == VAConfigAttribMaxPictureWidth)
			list[i].value = p->max_width;
		else if (list[i].type == VAConfigAttribMaxPictureHeight)
			list[i].value = p->max_height;
		else
			list[i].value = is_coding(entrypoint)
						? coding_attribute(p, entrypoint, list[i].type)
						: VA_ATTRIB_NOT_SUPPORTED;
	}
	return VA_STATUS_SUCCESS;
}

static VAStatus take_attribute(const struct tr_va_personality *p, struct tr_va_config *config,
	const VAConfigAttrib *attribute)
{
	uint32_t value = attribute->value;

	switch ((int)attribute->type) {
	case VAConfigAttribRTFormat:
		if (config->entrypoint == VAEntrypointVideoProc)
			return VA_STATUS_SUCCESS;
		return value & VA_RT_FORMAT_YUV420 ? VA_STATUS_SUCCESS
						   : VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT;
	case VAConfigAttribRateControl:
		/* one of those that were offered, not a set of them */
		config->rate_control = value;
		return value && !(value & (value - 1)) &&
				       value & coding_attribute(
						       p, config->entrypoint, attribute->type)
			       ? VA_STATUS_SUCCESS
			       : VA_STATUS_ERROR_ATTR_NOT_SUPPORTED;
	case VAConfigAttribEncPackedHeaders:
		config->packed_headers = value;
		return value & ~p->packed_headers ? VA_STATUS_ERROR_ATTR_NOT_SUPPORTED
						  : VA_STATUS_SUCCESS;
	default:
		return VA_STATUS_SUCCESS;
	}
}

VAStatus tr_va_create_config(VADriverContextP ctx, VAProfile profile, VAEntrypoint entrypoint,
	VAConfigAttrib *list, int count, VAConfigID *ret)
{
	TR_VA_ENTER(ctx);
	struct tr_va_config config = {
		.profile = profile, .entrypoint = entrypoint, .rate_control = VA_RC_CQP};
	VAStatus status = VA_STATUS_SUCCESS;

	if (profile != VAProfileNone && !is_h264(profile))
		return VA_STATUS_ERROR_UNSUPPORTED_PROFILE;
	if (!has_entrypoint(&va->personality, profile, entrypoint))
		return VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT;
	for (int i = 0; i < count && status == VA_STATUS_SUCCESS; i++)
		status = take_attribute(&va->personality, &config, &list[i]);
	if (status == VA_STATUS_SUCCESS && is_coding(entrypoint))
		status = tr_va_personality_strike(&va->personality, TR_VA_CREATE_CONFIG, 0, NULL);
	if (status != VA_STATUS_SUCCESS)
		return status;
	struct tr_va_config *made = tr_va_object_new(va, TR_VA_CONFIG, sizeof(*made));
	if (!made)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	config.object = made->object;
	*made = config;
	*ret = made->object.id;
	tr_va_personality_log(&va->personality,
		"config profile=%d entrypoint=%d rate_control=0x%x packed=0x%x", profile,
		entrypoint, config.rate_control, config.packed_headers);
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_destroy_config(VADriverContextP ctx, VAConfigID id)
{
	TR_VA_ENTER(ctx);
	struct tr_va_config *config = tr_va_object_find(va, TR_VA_CONFIG, id);

	if (!config)
		return VA_STATUS_ERROR_INVALID_CONFIG;
	tr_va_object_remove(va, config);
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_query_config(VADriverContextP ctx, VAConfigID id, VAProfile *profile,
	VAEntrypoint *entrypoint, VAConfigAttrib *list, int *count)
{
	TR_VA_ENTER(ctx);
	struct tr_va_config *config = tr_va_object_find(va, TR_VA_CONFIG, id);

	if (!config)
		return VA_STATUS_ERROR_INVALID_CONFIG;
	*profile = config->profile;
	*entrypoint = config->entrypoint;
	list[0] = (VAConfigAttrib){VAConfigAttribRTFormat, VA_RT_FORMAT_YUV420};
	list[1] = (VAConfigAttrib){VAConfigAttribRateControl, config->rate_control};
	*count = is_coding(config->entrypoint) ? 2 : 1;
	return VA_STATUS_SUCCESS;
}

static VASurfaceAttrib number(VASurfaceAttribType type, uint32_t flags, uint32_t value)
{
	return (VASurfaceAttrib){.type = type,
		.flags = flags,
		.value = {.type = VAGenericValueTypeInteger, .value.i = (int)value}};
}

static unsigned list_surface_attributes(
	const struct tr_va_personality *p, const struct tr_va_config *config, VASurfaceAttrib *list)
{
	const uint32_t both = VA_SURFACE_ATTRIB_GETTABLE | VA_SURFACE_ATTRIB_SETTABLE;
	uint32_t memory = VA_SURFACE_ATTRIB_MEM_TYPE_VA | VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME;
	unsigned n = 0;

	list[n++] = number(VASurfaceAttribPixelFormat, both, VA_FOURCC_NV12);
	for (size_t i = 0; config->entrypoint == VAEntrypointVideoProc && !p->has_no_rgb &&
			   i < TR_VA_COUNT(rgb_formats);
		i++)
		list[n++] = number(VASurfaceAttribPixelFormat, both, rgb_formats[i]);
	list[n++] = number(VASurfaceAttribMinWidth, VA_SURFACE_ATTRIB_GETTABLE, MIN_SIZE);
	list[n++] = number(VASurfaceAttribMaxWidth, VA_SURFACE_ATTRIB_GETTABLE, p->max_width);
	list[n++] = number(VASurfaceAttribMinHeight, VA_SURFACE_ATTRIB_GETTABLE, MIN_SIZE);
	list[n++] = number(VASurfaceAttribMaxHeight, VA_SURFACE_ATTRIB_GETTABLE, p->max_height);
	if (p->has_prime_2)
		memory |= VA_SURFACE_ATTRIB_MEM_TYPE_DRM_PRIME_2;
	list[n++] = number(VASurfaceAttribMemoryType, both, memory);
	return n;
}

VAStatus tr_va_query_surface_attributes(
	VADriverContextP ctx, VAConfigID id, VASurfaceAttrib *list, unsigned *count)
{
	TR_VA_ENTER(ctx);
	struct tr_va_config *config = tr_va_object_find(va, TR_VA_CONFIG, id);
	VASurfaceAttrib all[16] = {0};

	if (!config)
		return VA_STATUS_ERROR_INVALID_CONFIG;
	unsigned have = list_surface_attributes(&va->personality, config, all);
	unsigned room = *count;
	*count = have;
	if (!list)
		return VA_STATUS_SUCCESS;
	if (room < have)
		return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
	memcpy(list, all, have * sizeof(*list));
	return VA_STATUS_SUCCESS;
}

static VAStatus check_context(struct tr_va *va, const struct tr_va_config *config, int width,
	int height, const VASurfaceID *targets, int target_count)
{
	const struct tr_va_personality *p = &va->personality;

	if (config->entrypoint == VAEntrypointVLD)
		return VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT; /* it is listed, and no more */
	for (int i = 0; i < target_count; i++)
		if (!tr_va_object_find(va, TR_VA_SURFACE, targets[i]))
			return VA_STATUS_ERROR_INVALID_SURFACE;
	if (!is_coding(config->entrypoint))
		return VA_STATUS_SUCCESS;
	if (width < MIN_SIZE || height < MIN_SIZE || (unsigned)width > p->max_width ||
		(unsigned)height > p->max_height)
		return VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED;
	return tr_va_personality_strike(p, TR_VA_CREATE_CONTEXT, 0, NULL);
}

VAStatus tr_va_create_context(VADriverContextP ctx, VAConfigID config_id, int width, int height,
	int flag, VASurfaceID *targets, int target_count, VAContextID *ret)
{
	TR_VA_ENTER(ctx);
	struct tr_va_config *config = tr_va_object_find(va, TR_VA_CONFIG, config_id);
	int session_fd = -1;
	(void)flag;

	if (!config)
		return VA_STATUS_ERROR_INVALID_CONFIG;
	VAStatus status = check_context(va, config, width, height, targets, target_count);
	if (status != VA_STATUS_SUCCESS)
		return status;
	if (is_coding(config->entrypoint) && va->personality.session_limit) {
		session_fd = tr_va_personality_take_session(&va->personality);
		if (session_fd < 0)
			return VA_STATUS_ERROR_ALLOCATION_FAILED;
	}
	struct tr_va_context *context = tr_va_object_new(va, TR_VA_CONTEXT, sizeof(*context));
	if (!context) {
		close(session_fd);
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	}
	context->config = *config;
	context->width = (unsigned)width;
	context->height = (unsigned)height;
	context->session_fd = session_fd;
	if (is_coding(config->entrypoint))
		va->frame = 0;
	*ret = context->object.id;
	tr_va_personality_log(&va->personality, "context %dx%d", width, height);
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_destroy_context(VADriverContextP ctx, VAContextID id)
{
	TR_VA_ENTER(ctx);
	struct tr_va_context *context = tr_va_object_find(va, TR_VA_CONTEXT, id);

	if (!context)
		return VA_STATUS_ERROR_INVALID_CONTEXT;
	VAStatus status = VA_STATUS_SUCCESS;
	if (is_coding(context->config.entrypoint))
		status = tr_va_personality_strike(
			&va->personality, TR_VA_DESTROY_CONTEXT, context->frames, NULL);
	tr_va_run_jobs(va);
	tr_va_object_remove(va, context);
	return status;
}
