/* The driver's door: what libva calls, and what happens at the end. */
#include "driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

VAStatus __vaDriverInit_1_0(VADriverContextP ctx);

struct tr_va *tr_va_enter(VADriverContextP ctx)
{
	struct tr_va *va = ctx->pDriverData;

	pthread_mutex_lock(&va->lock);
	return va;
}

void tr_va_leave(struct tr_va **va)
{
	pthread_mutex_unlock(&(*va)->lock);
}

static VAStatus terminate(VADriverContextP ctx)
{
	static const char *const names[] = {[TR_VA_CONFIG] = "configs",
		[TR_VA_CONTEXT] = "contexts",
		[TR_VA_SURFACE] = "surfaces",
		[TR_VA_BUFFER] = "buffers",
		[TR_VA_IMAGE] = "images"};
	struct tr_va *va = ctx->pDriverData;
	unsigned all = 0;

	if (!va)
		return VA_STATUS_SUCCESS; /* its init failed */
	tr_va_run_jobs(va);
	for (enum tr_va_kind kind = TR_VA_CONFIG; kind <= TR_VA_IMAGE; kind++) {
		unsigned count = tr_va_object_count(va, kind);
		if (count)
			tr_va_personality_log(&va->personality, "leaked %s=%u", names[kind], count);
		all += count;
	}
	tr_va_personality_log(&va->personality, "terminate leaks=%u", all);
	for (uint32_t i = 0; i < va->slot_count; i++)
		if (va->slots[i])
			tr_va_object_remove(va, va->slots[i]);
	free(va->slots);
	pthread_mutex_destroy(&va->lock);
	free(va);
	ctx->pDriverData = NULL;
	return VA_STATUS_SUCCESS;
}

/* Subpictures, display attributes and palettes: libva wants the entries, nobody uses them. */
static VAStatus no_subpicture_formats(
	VADriverContextP ctx, VAImageFormat *list, unsigned *flags, unsigned *count)
{
	(void)ctx;
	(void)list;
	(void)flags;
	*count = 0;
	return VA_STATUS_SUCCESS;
}

static VAStatus no_display_attributes(VADriverContextP ctx, VADisplayAttribute *list, int *count)
{
	(void)ctx;
	(void)list;
	*count = 0;
	return VA_STATUS_SUCCESS;
}

static VAStatus unimplemented(void)
{
	return VA_STATUS_ERROR_UNIMPLEMENTED;
}

#define UNIMPLEMENTED(member) (member) = (void *)unimplemented

static void fill_unused(struct VADriverVTable *t)
{
	t->vaQuerySubpictureFormats = no_subpicture_formats;
	t->vaQueryDisplayAttributes = no_display_attributes;
	UNIMPLEMENTED(t->vaSetImagePalette);
	UNIMPLEMENTED(t->vaCreateSubpicture);
	UNIMPLEMENTED(t->vaDestroySubpicture);
	UNIMPLEMENTED(t->vaSetSubpictureImage);
	UNIMPLEMENTED(t->vaSetSubpictureChromakey);
	UNIMPLEMENTED(t->vaSetSubpictureGlobalAlpha);
	UNIMPLEMENTED(t->vaAssociateSubpicture);
	UNIMPLEMENTED(t->vaDeassociateSubpicture);
	UNIMPLEMENTED(t->vaGetDisplayAttributes);
	UNIMPLEMENTED(t->vaSetDisplayAttributes);
}

static void fill_objects(struct VADriverVTable *t)
{
	t->vaTerminate = terminate;
	t->vaQueryConfigProfiles = tr_va_query_profiles;
	t->vaQueryConfigEntrypoints = tr_va_query_entrypoints;
	t->vaQueryConfigAttributes = tr_va_query_config;
	t->vaCreateConfig = tr_va_create_config;
	t->vaDestroyConfig = tr_va_destroy_config;
	t->vaGetConfigAttributes = tr_va_get_attributes;
	t->vaCreateSurfaces = tr_va_create_surfaces;
	t->vaCreateSurfaces2 = tr_va_create_surfaces2;
	t->vaDestroySurfaces = tr_va_destroy_surfaces;
	t->vaQuerySurfaceAttributes = tr_va_query_surface_attributes;
	t->vaExportSurfaceHandle = tr_va_export_surface;
	t->vaCreateContext = tr_va_create_context;
	t->vaDestroyContext = tr_va_destroy_context;
	t->vaCreateBuffer = tr_va_create_buffer;
	t->vaBufferSetNumElements = tr_va_set_elements;
	t->vaBufferInfo = tr_va_buffer_info;
	t->vaMapBuffer = tr_va_map_buffer;
	t->vaUnmapBuffer = tr_va_unmap_buffer;
	t->vaDestroyBuffer = tr_va_destroy_buffer;
	t->vaQueryImageFormats = tr_va_query_image_formats;
	t->vaCreateImage = tr_va_create_image;
	t->vaDeriveImage = tr_va_derive_image;
	t->vaDestroyImage = tr_va_destroy_image;
	t->vaGetImage = tr_va_get_image;
	t->vaPutImage = tr_va_put_image;
}

static void fill_pictures(struct VADriverVTable *t, const struct tr_va_personality *p)
{
	t->vaBeginPicture = tr_va_begin_picture;
	t->vaRenderPicture = tr_va_render_picture;
	t->vaEndPicture = tr_va_end_picture;
	t->vaSyncSurface = tr_va_sync_surface;
	t->vaSyncSurface2 = tr_va_sync_surface2;
	t->vaQuerySurfaceStatus = tr_va_query_surface_status;
	if (p->has_sync_buffer)
		t->vaSyncBuffer =
			tr_va_sync_buffer; /* else libva says unimplemented, as for i965 */
}

static void fill(VADriverContextP ctx, struct tr_va *va)
{
	ctx->pDriverData = va;
	ctx->version_major = VA_MAJOR_VERSION;
	ctx->version_minor = VA_MINOR_VERSION;
	ctx->max_profiles = 4;
	ctx->max_entrypoints = 3;
	ctx->max_attributes = 2;
	ctx->max_image_formats = TR_VA_FORMATS;
	ctx->max_subpic_formats = 1;
	ctx->max_display_attributes = 1;
	ctx->str_vendor = va->personality.vendor;
	fill_unused(ctx->vtable);
	fill_objects(ctx->vtable);
	fill_pictures(ctx->vtable, &va->personality);
	if (!va->personality.has_vpp || !ctx->vtable_vpp)
		return;
	ctx->vtable_vpp->version = VA_DRIVER_VTABLE_VPP_VERSION;
	ctx->vtable_vpp->vaQueryVideoProcPipelineCaps = tr_va_pipeline_caps;
	ctx->vtable_vpp->vaQueryVideoProcFilters = tr_va_query_filters;
}

__attribute__((visibility("default"))) VAStatus __vaDriverInit_1_0(VADriverContextP ctx)
{
	struct tr_va *va = calloc(1, sizeof(*va));
	Dl_info self;

	if (!va)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	/* Not of this function: libva loads drivers globally, and another one has it, too. */
	if (!dladdr((void *)terminate, &self) ||
		!tr_va_personality_read(self.dli_fname, &va->personality)) {
		free(va);
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	}
	tr_va_personality_log(&va->personality, "init %s", va->personality.vendor);
	int status = tr_va_personality_strike(&va->personality, TR_VA_INIT, 0, NULL);
	if (status) {
		free(va);
		return status;
	}
	pthread_mutex_init(&va->lock, NULL);
	fill(ctx, va);
	return VA_STATUS_SUCCESS;
}
