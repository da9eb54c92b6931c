#include "driver.h"

#include <stdlib.h>
#include <string.h>

void tr_va_buffer_free(struct tr_va_buffer *buffer)
{
	if (buffer->surface)
		tr_va_object_drop(buffer->surface);
	else
		free(buffer->data);
	free(buffer);
}

static bool is_known(VABufferType type)
{
	switch ((int)type) {
	case VAEncCodedBufferType:
	case VAEncSequenceParameterBufferType:
	case VAEncPictureParameterBufferType:
	case VAEncSliceParameterBufferType:
	case VAEncPackedHeaderParameterBufferType:
	case VAEncPackedHeaderDataBufferType:
	case VAEncMiscParameterBufferType:
	case VAProcPipelineParameterBufferType:
		return true;
	default:
		return false;
	}
}

VAStatus tr_va_create_buffer(VADriverContextP ctx, VAContextID context, VABufferType type,
	unsigned size, unsigned elements, void *data, VABufferID *ret)
{
	TR_VA_ENTER(ctx);

	if (!tr_va_object_find(va, TR_VA_CONTEXT, context))
		return VA_STATUS_ERROR_INVALID_CONTEXT;
	if (!is_known(type))
		return VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE;
	if (!size || !elements)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	struct tr_va_buffer *buffer = tr_va_object_new(va, TR_VA_BUFFER, sizeof(*buffer));
	if (!buffer)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	buffer->type = type;
	buffer->size = size;
	buffer->elements = elements;
	buffer->frame = -1;
	buffer->data = calloc(elements, size);
	if (!buffer->data) {
		tr_va_object_remove(va, buffer);
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	}
	if (data)
		memcpy(buffer->data, data, (size_t)size * elements);
	*ret = buffer->object.id;
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_set_elements(VADriverContextP ctx, VABufferID id, unsigned elements)
{
	TR_VA_ENTER(ctx);
	struct tr_va_buffer *buffer = tr_va_object_find(va, TR_VA_BUFFER, id);

	if (!buffer)
		return VA_STATUS_ERROR_INVALID_BUFFER;
	if (!elements || elements > buffer->elements)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	buffer->elements = elements;
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_map_buffer(VADriverContextP ctx, VABufferID id, void **ret)
{
	TR_VA_ENTER(ctx);
	struct tr_va_buffer *buffer = tr_va_object_find(va, TR_VA_BUFFER, id);
	int status = 0;

	if (!buffer)
		return VA_STATUS_ERROR_INVALID_BUFFER;
	if (buffer->type == VAEncCodedBufferType) {
		tr_va_run_jobs(va);
		status = tr_va_personality_strike(&va->personality, TR_VA_MAP, buffer->frame, NULL);
		if (!status && !buffer->is_coded)
			status = VA_STATUS_ERROR_OPERATION_FAILED; /* nothing was coded into it */
	} else if (buffer->type == VAImageBufferType) {
		status = tr_va_personality_strike(
			&va->personality, TR_VA_MAP_IMAGE, va->frame, NULL);
	}
	if (status)
		return status;
	buffer->maps++;
	*ret = buffer->type == VAEncCodedBufferType ? (void *)&buffer->segment : buffer->data;
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_unmap_buffer(VADriverContextP ctx, VABufferID id)
{
	TR_VA_ENTER(ctx);
	struct tr_va_buffer *buffer = tr_va_object_find(va, TR_VA_BUFFER, id);

	if (!buffer)
		return VA_STATUS_ERROR_INVALID_BUFFER;
	if (!buffer->maps)
		return VA_STATUS_ERROR_OPERATION_FAILED;
	buffer->maps--;
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_destroy_buffer(VADriverContextP ctx, VABufferID id)
{
	TR_VA_ENTER(ctx);
	struct tr_va_buffer *buffer = tr_va_object_find(va, TR_VA_BUFFER, id);

	if (!buffer || buffer->type == VAImageBufferType)
		return VA_STATUS_ERROR_INVALID_BUFFER; /* an image's goes with its image */
	tr_va_object_remove(va, buffer);
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_buffer_info(
	VADriverContextP ctx, VABufferID id, VABufferType *type, unsigned *size, unsigned *elements)
{
	TR_VA_ENTER(ctx);
	struct tr_va_buffer *buffer = tr_va_object_find(va, TR_VA_BUFFER, id);

	if (!buffer)
		return VA_STATUS_ERROR_INVALID_BUFFER;
	*type = buffer->type;
	*size = buffer->size;
	*elements = buffer->elements;
	return VA_STATUS_SUCCESS;
}
