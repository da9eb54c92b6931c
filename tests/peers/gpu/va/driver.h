/*
 * The test driver's objects: what libva calls config, context, surface, buffer and image.
 *
 * One lock for everything, taken at each entry. Objects are found by number and kind, and a number
 * is not used again soon, so a stale one is refused. Work is done in jobs, in order: at once, or
 * with the word "lazy" when somebody waits for the result. A job keeps its surfaces and its buffer.
 */
#ifndef TR_TESTS_GPU_DRIVER_H
#define TR_TESTS_GPU_DRIVER_H

#include "personality.h"

#include <pthread.h>

#include <va/va_backend.h>
#include <va/va_backend_vpp.h>
#include <va/va_drmcommon.h>
#include <va/va_enc_h264.h>
#include <va/va_vpp.h>

#define TR_VA_PITCH 64
#define TR_VA_ROWS 16
#define TR_VA_SLICES_MAX 64
#define TR_VA_HEADERS_MAX 16
#define TR_VA_FORMATS 5

#define TR_VA_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TR_VA_CLEANUP(function) __attribute__((cleanup(function)))

enum tr_va_kind {
	TR_VA_CONFIG = 1,
	TR_VA_CONTEXT,
	TR_VA_SURFACE,
	TR_VA_BUFFER,
	TR_VA_IMAGE,
};

/* First in each object. */
struct tr_va_object {
	enum tr_va_kind kind;
	uint32_t id;   /* 0: destroyed, and still kept by a job */
	unsigned refs; /* the table's, and those of jobs and derived images */
};

struct tr_va_config {
	struct tr_va_object object;
	VAProfile profile;
	VAEntrypoint entrypoint;
	uint32_t rate_control;
	uint32_t packed_headers;
};

struct tr_va_surface {
	struct tr_va_object object;
	uint32_t fourcc;
	unsigned width, height; /* asked for; the memory is rounded up */
	unsigned pitch[2], offset[2];
	int fd;
	uint8_t *data;
	size_t size;
	bool is_read_only;
	bool is_reference; /* was coded, so others may refer to it */
	VAStatus trouble;  /* what its last job became */
	int64_t frame;	   /* which picture its last job was; -1: none */
};

struct tr_va_buffer {
	struct tr_va_object object;
	VABufferType type;
	unsigned size, elements;
	uint8_t *data;
	unsigned maps;
	struct tr_va_surface *surface; /* a derived image's: `data` is the surface's */
	VACodedBufferSegment segment;  /* of a coded buffer */
	bool is_coded;
	int64_t frame;
};

struct tr_va_image {
	struct tr_va_object object;
	VAImage image;
};

/* A packed header as it came. */
struct tr_va_header {
	uint32_t type;
	unsigned bits;
	bool has_emulation_bytes;
	uint8_t *data;
	unsigned slice; /* of which slice, for slice headers */
};

/* One picture to be coded or converted. */
struct tr_va_job {
	struct tr_va_job *next;
	struct tr_va_surface *input, *output; /* output: reconstructed, or converted */
	struct tr_va_surface *reference;      /* coding P */
	/* coding */
	struct tr_va_buffer *coded;
	VAProfile profile;
	bool has_sequence; /* came with this picture */
	VAEncSequenceParameterBufferH264 sequence;
	VAEncPictureParameterBufferH264 picture;
	unsigned slice_count;
	VAEncSliceParameterBufferH264 slices[TR_VA_SLICES_MAX];
	unsigned header_count;
	struct tr_va_header headers[TR_VA_HEADERS_MAX + TR_VA_SLICES_MAX];
	bool is_own_headers;
	bool has_colours, is_full_range; /* for our own SPS; VA-API has no words for them */
	uint8_t primaries, transfer, matrix;
	enum tr_va_deed deed;
	int64_t frame;
	/* converting */
	bool is_processing;
	VAProcPipelineParameterBuffer pipeline;
	VARectangle from, to;
	bool fills_rest; /* of the output, with the background's colour */
};

struct tr_va_context {
	struct tr_va_object object;
	struct tr_va_config config;
	unsigned width, height;
	int64_t frames; /* pictures ended, coded or converted */
	int session_fd;
	bool has_sequence, has_rate;
	VAEncSequenceParameterBufferH264 sequence;
	uint32_t bits_per_second;
	/* between begin and end */
	struct tr_va_job *job;
	bool has_picture;
};

struct tr_va {
	struct tr_va_personality personality;
	pthread_mutex_t lock;
	struct tr_va_object **slots;
	unsigned slot_count;
	uint32_t generation;
	struct tr_va_job *jobs; /* first is next */
	int64_t frame;		/* pictures coded in the newest context */
};

struct tr_va *tr_va_enter(VADriverContextP ctx);
void tr_va_leave(struct tr_va **va);

/* Every entry begins with it. */
#define TR_VA_ENTER(ctx) struct tr_va *va TR_VA_CLEANUP(tr_va_leave) = tr_va_enter(ctx)

/* objects.c. New objects are zeroed, and found by their number at once. */
void *tr_va_object_new(struct tr_va *va, enum tr_va_kind kind, size_t size);
void *tr_va_object_find(struct tr_va *va, enum tr_va_kind kind, uint32_t id);
void *tr_va_object_keep(void *object);
void tr_va_object_drop(void *object); /* frees with the last; NULL is fine */
void tr_va_object_remove(struct tr_va *va, void *object);
unsigned tr_va_object_count(const struct tr_va *va, enum tr_va_kind kind);

/* config.c */
VAStatus tr_va_query_profiles(VADriverContextP ctx, VAProfile *list, int *count);
VAStatus tr_va_query_entrypoints(
	VADriverContextP ctx, VAProfile profile, VAEntrypoint *list, int *count);
VAStatus tr_va_get_attributes(VADriverContextP ctx, VAProfile profile, VAEntrypoint entrypoint,
	VAConfigAttrib *list, int count);
VAStatus tr_va_create_config(VADriverContextP ctx, VAProfile profile, VAEntrypoint entrypoint,
	VAConfigAttrib *list, int count, VAConfigID *ret);
VAStatus tr_va_destroy_config(VADriverContextP ctx, VAConfigID id);
VAStatus tr_va_query_config(VADriverContextP ctx, VAConfigID id, VAProfile *profile,
	VAEntrypoint *entrypoint, VAConfigAttrib *list, int *count);
VAStatus tr_va_query_surface_attributes(
	VADriverContextP ctx, VAConfigID id, VASurfaceAttrib *list, unsigned *count);
VAStatus tr_va_create_context(VADriverContextP ctx, VAConfigID config, int width, int height,
	int flag, VASurfaceID *targets, int target_count, VAContextID *ret);
VAStatus tr_va_destroy_context(VADriverContextP ctx, VAContextID id);

/* surfaces.c */
VAStatus tr_va_create_surfaces(
	VADriverContextP ctx, int width, int height, int format, int count, VASurfaceID *surfaces);
VAStatus tr_va_create_surfaces2(VADriverContextP ctx, unsigned format, unsigned width,
	unsigned height, VASurfaceID *surfaces, unsigned count, VASurfaceAttrib *attributes,
	unsigned attribute_count);
VAStatus tr_va_destroy_surfaces(VADriverContextP ctx, VASurfaceID *surfaces, int count);
VAStatus tr_va_export_surface(VADriverContextP ctx, VASurfaceID id, uint32_t memory_type,
	uint32_t flags, void *descriptor);
void tr_va_surface_free(struct tr_va_surface *surface);

/* prime.c: memory that somebody else has made */
VAStatus tr_va_prime_import(struct tr_va *va, struct tr_va_surface *surface, uint32_t memory_type,
	void *descriptor, unsigned index);

/* images.c */
VAStatus tr_va_query_image_formats(VADriverContextP ctx, VAImageFormat *list, int *count);
VAStatus tr_va_create_image(
	VADriverContextP ctx, VAImageFormat *format, int width, int height, VAImage *ret);
VAStatus tr_va_derive_image(VADriverContextP ctx, VASurfaceID id, VAImage *ret);
VAStatus tr_va_destroy_image(VADriverContextP ctx, VAImageID id);
VAStatus tr_va_get_image(VADriverContextP ctx, VASurfaceID surface, int x, int y, unsigned width,
	unsigned height, VAImageID image);
VAStatus tr_va_put_image(VADriverContextP ctx, VASurfaceID surface, VAImageID image, int from_x,
	int from_y, unsigned from_width, unsigned from_height, int to_x, int to_y,
	unsigned to_width, unsigned to_height);

/* buffers.c */
VAStatus tr_va_create_buffer(VADriverContextP ctx, VAContextID context, VABufferType type,
	unsigned size, unsigned elements, void *data, VABufferID *ret);
VAStatus tr_va_set_elements(VADriverContextP ctx, VABufferID id, unsigned elements);
VAStatus tr_va_map_buffer(VADriverContextP ctx, VABufferID id, void **ret);
VAStatus tr_va_unmap_buffer(VADriverContextP ctx, VABufferID id);
VAStatus tr_va_destroy_buffer(VADriverContextP ctx, VABufferID id);
VAStatus tr_va_buffer_info(VADriverContextP ctx, VABufferID id, VABufferType *type, unsigned *size,
	unsigned *elements);
void tr_va_buffer_free(struct tr_va_buffer *buffer);

/* picture.c */
VAStatus tr_va_begin_picture(VADriverContextP ctx, VAContextID context, VASurfaceID target);
VAStatus tr_va_render_picture(
	VADriverContextP ctx, VAContextID context, VABufferID *buffers, int count);
VAStatus tr_va_end_picture(VADriverContextP ctx, VAContextID context);
VAStatus tr_va_sync_surface(VADriverContextP ctx, VASurfaceID surface);
VAStatus tr_va_sync_surface2(VADriverContextP ctx, VASurfaceID surface, uint64_t timeout_ns);
VAStatus tr_va_sync_buffer(VADriverContextP ctx, VABufferID buffer, uint64_t timeout_ns);
VAStatus tr_va_query_surface_status(
	VADriverContextP ctx, VASurfaceID surface, VASurfaceStatus *status);
void tr_va_job_free(struct tr_va_job *job);
void tr_va_run_jobs(struct tr_va *va); /* all that wait */

/* render.c: takes one buffer of a picture into the job. */
VAStatus tr_va_render_coding(
	struct tr_va *va, struct tr_va_context *context, const struct tr_va_buffer *buffer);
VAStatus tr_va_render_processing(
	struct tr_va *va, struct tr_va_context *context, const struct tr_va_buffer *buffer);
/* Is all there that the picture needs, and right? */
VAStatus tr_va_render_check(struct tr_va *va, struct tr_va_context *context);

/* coding.c, vpp.c */
VAStatus tr_va_code(struct tr_va_job *job);
VAStatus tr_va_process(struct tr_va_job *job);
VAStatus tr_va_pipeline_caps(VADriverContextP ctx, VAContextID context, VABufferID *filters,
	unsigned filter_count, VAProcPipelineCaps *caps);
VAStatus tr_va_query_filters(
	VADriverContextP ctx, VAContextID context, VAProcFilterType *filters, unsigned *count);

#endif
