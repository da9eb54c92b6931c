/* Begin, render, end, and waiting for what became of it. */
#include "driver.h"
#include "usage.h"

#include <stdlib.h>
#include <string.h>

void tr_va_job_free(struct tr_va_job *job)
{
	if (!job)
		return;
	for (unsigned i = 0; i < job->header_count; i++)
		free(job->headers[i].data);
	tr_va_object_drop(job->input);
	tr_va_object_drop(job->output);
	tr_va_object_drop(job->reference);
	tr_va_object_drop(job->coded);
	free(job);
}

/* The frame that a call of this context belongs to; conversions belong to none. */
static int64_t frame_of(const struct tr_va_context *context)
{
	return context->config.entrypoint == VAEntrypointVideoProc ? -1 : context->frames;
}

VAStatus tr_va_begin_picture(VADriverContextP ctx, VAContextID context_id, VASurfaceID target)
{
	TR_VA_ENTER(ctx);
	struct tr_va_context *context = tr_va_object_find(va, TR_VA_CONTEXT, context_id);
	struct tr_va_surface *surface = tr_va_object_find(va, TR_VA_SURFACE, target);

	if (!context)
		return VA_STATUS_ERROR_INVALID_CONTEXT;
	if (!surface)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	if (context->job)
		return VA_STATUS_ERROR_OPERATION_FAILED; /* the last one was not ended */
	int status = tr_va_personality_strike(
		&va->personality, TR_VA_BEGIN_PICTURE, frame_of(context), NULL);
	if (status)
		return status;
	struct tr_va_job *job = calloc(1, sizeof(*job));
	if (!job)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	job->is_processing = context->config.entrypoint == VAEntrypointVideoProc;
	job->frame = frame_of(context);
	if (job->is_processing)
		job->output = tr_va_object_keep(surface);
	else
		job->input = tr_va_object_keep(surface);
	context->job = job;
	context->has_picture = false;
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_render_picture(
	VADriverContextP ctx, VAContextID context_id, VABufferID *buffers, int count)
{
	TR_VA_ENTER(ctx);
	struct tr_va_context *context = tr_va_object_find(va, TR_VA_CONTEXT, context_id);

	if (!context)
		return VA_STATUS_ERROR_INVALID_CONTEXT;
	if (!context->job)
		return VA_STATUS_ERROR_OPERATION_FAILED;
	int status = tr_va_personality_strike(
		&va->personality, TR_VA_RENDER_PICTURE, frame_of(context), NULL);
	for (int i = 0; i < count && !status; i++) {
		struct tr_va_buffer *buffer = tr_va_object_find(va, TR_VA_BUFFER, buffers[i]);
		if (!buffer)
			return VA_STATUS_ERROR_INVALID_BUFFER;
		status = context->job->is_processing ? tr_va_render_processing(va, context, buffer)
						     : tr_va_render_coding(va, context, buffer);
	}
	if (status)
		tr_va_personality_log(&va->personality, "render refused status=%d", status);
	return status;
}

static void run(struct tr_va *va, struct tr_va_job *job)
{
	int64_t begin = tr_va_usage_begin();
	VAStatus status = job->is_processing ? tr_va_process(job) : tr_va_code(job);
	tr_va_usage_end(begin);

	if (status != VA_STATUS_SUCCESS)
		tr_va_personality_log(&va->personality, "job failed status=%d", status);
	job->output->trouble = status;
	if (job->input)
		job->input->trouble = status;
	tr_va_job_free(job);
}

void tr_va_run_jobs(struct tr_va *va)
{
	while (va->jobs) {
		struct tr_va_job *job = va->jobs;
		va->jobs = job->next;
		run(va, job);
	}
}

static void queue_job(struct tr_va *va, struct tr_va_job *job)
{
	struct tr_va_job **last = &va->jobs;

	while (*last)
		last = &(*last)->next;
	*last = job;
	if (!va->personality.is_lazy)
		tr_va_run_jobs(va);
}

static VAStatus end_coding(struct tr_va *va, struct tr_va_context *context)
{
	struct tr_va_job *job = context->job;

	VAStatus status = tr_va_render_check(va, context);
	if (status != VA_STATUS_SUCCESS) {
		tr_va_personality_log(&va->personality, "picture refused status=%d", status);
		return status;
	}
	status = tr_va_personality_strike(
		&va->personality, TR_VA_END_PICTURE, context->frames, &job->deed);
	if (status != VA_STATUS_SUCCESS)
		return status;
	job->output->is_reference = true;
	job->input->frame = job->coded->frame = context->frames;
	va->frame = ++context->frames;
	return VA_STATUS_SUCCESS;
}

static VAStatus end_processing(struct tr_va *va, struct tr_va_context *context)
{
	context->job->fills_rest = !va->personality.has_no_background;
	return tr_va_personality_strike(
		&va->personality, TR_VA_CONVERT, context->frames++, &context->job->deed);
}

VAStatus tr_va_end_picture(VADriverContextP ctx, VAContextID context_id)
{
	TR_VA_ENTER(ctx);
	struct tr_va_context *context = tr_va_object_find(va, TR_VA_CONTEXT, context_id);

	if (!context)
		return VA_STATUS_ERROR_INVALID_CONTEXT;
	struct tr_va_job *job = context->job;
	if (!job)
		return VA_STATUS_ERROR_OPERATION_FAILED;
	VAStatus status = VA_STATUS_SUCCESS;
	if (!context->has_picture)
		status = VA_STATUS_ERROR_INVALID_PARAMETER;
	else
		status = job->is_processing ? end_processing(va, context) : end_coding(va, context);
	context->job = NULL;
	if (status != VA_STATUS_SUCCESS) {
		tr_va_job_free(job);
		return status;
	}
	queue_job(va, job);
	return VA_STATUS_SUCCESS;
}

static VAStatus sync_surface(VADriverContextP ctx, VASurfaceID id)
{
	TR_VA_ENTER(ctx);
	struct tr_va_surface *surface = tr_va_object_find(va, TR_VA_SURFACE, id);

	if (!surface)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	tr_va_run_jobs(va);
	int status = tr_va_personality_strike(&va->personality, TR_VA_SYNC, surface->frame, NULL);
	surface->frame = -1; /* waited for; a later wait belongs to the next upload */
	return status ? status : surface->trouble;
}

VAStatus tr_va_sync_surface(VADriverContextP ctx, VASurfaceID id)
{
	return sync_surface(ctx, id);
}

VAStatus tr_va_sync_surface2(VADriverContextP ctx, VASurfaceID id, uint64_t timeout_ns)
{
	(void)timeout_ns;
	return sync_surface(ctx, id);
}

VAStatus tr_va_sync_buffer(VADriverContextP ctx, VABufferID id, uint64_t timeout_ns)
{
	TR_VA_ENTER(ctx);
	struct tr_va_buffer *buffer = tr_va_object_find(va, TR_VA_BUFFER, id);

	if (!va->personality.has_sync_buffer)
		return VA_STATUS_ERROR_UNIMPLEMENTED;
	if (!buffer || buffer->type != VAEncCodedBufferType)
		return VA_STATUS_ERROR_INVALID_BUFFER;
	if (va->personality.is_sync_infinite_only && timeout_ns != VA_TIMEOUT_INFINITE)
		return VA_STATUS_ERROR_TIMEDOUT;
	tr_va_run_jobs(va);
	return tr_va_personality_strike(&va->personality, TR_VA_SYNC, buffer->frame, NULL);
}

VAStatus tr_va_query_surface_status(VADriverContextP ctx, VASurfaceID id, VASurfaceStatus *status)
{
	TR_VA_ENTER(ctx);
	struct tr_va_surface *surface = tr_va_object_find(va, TR_VA_SURFACE, id);

	if (!surface)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	*status = VASurfaceReady;
	for (struct tr_va_job *job = va->jobs; job; job = job->next)
		if (job->input == surface || job->output == surface)
			*status = VASurfaceRendering;
	return VA_STATUS_SUCCESS;
}
