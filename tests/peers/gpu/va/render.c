/*
 * Takes the buffers of a picture, and refuses what a real driver would: wrong sizes, objects that
 * are not there, references that were never coded, slices that leave a gap, headers nobody asked
 * for.
 */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES_MAX (64 << 10)

static bool has_size(const struct tr_va_buffer *buffer, size_t size)
{
	return (size_t)buffer->size * buffer->elements >= size;
}

static VAStatus take_sequence(struct tr_va *va, struct tr_va_context *context,
	const VAEncSequenceParameterBufferH264 *sequence)
{
	if (sequence->picture_width_in_mbs != (context->width + 15) / 16 ||
		sequence->picture_height_in_mbs != (context->height + 15) / 16 ||
		!sequence->seq_fields.bits.frame_mbs_only_flag ||
		sequence->seq_fields.bits.chroma_format_idc != 1 || !sequence->level_idc ||
		sequence->bit_depth_luma_minus8 || sequence->bit_depth_chroma_minus8)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	context->sequence = *sequence;
	context->has_sequence = true;
	context->job->has_sequence = true;
	if (sequence->bits_per_second)
		context->bits_per_second = sequence->bits_per_second;
	tr_va_personality_log(&va->personality,
		"sequence level=%u gop=%u idr=%u ip=%u bits=%u references=%u", sequence->level_idc,
		sequence->intra_period, sequence->intra_idr_period, sequence->ip_period,
		sequence->bits_per_second, sequence->max_num_ref_frames);
	return VA_STATUS_SUCCESS;
}

static VAStatus take_rate(
	struct tr_va *va, struct tr_va_context *context, const VAEncMiscParameterRateControl *rate)
{
	tr_va_personality_log(&va->personality,
		"rate bits=%u percent=%u window=%u qp=%u min_qp=%u max_qp=%u",
		rate->bits_per_second, rate->target_percentage, rate->window_size, rate->initial_qp,
		rate->min_qp, rate->max_qp);
	if (rate->target_percentage > 100 || rate->min_qp > 51 || rate->max_qp > 51 ||
		rate->initial_qp > 51)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	context->has_rate = true;
	context->bits_per_second = rate->bits_per_second;
	return VA_STATUS_SUCCESS;
}

static VAStatus take_misc(
	struct tr_va *va, struct tr_va_context *context, const struct tr_va_buffer *buffer)
{
	const struct tr_va_personality *p = &va->personality;
	const VAEncMiscParameterBuffer *misc = (const void *)buffer->data;
	const void *data = misc->data;

	if (misc->type == VAEncMiscParameterTypeRateControl)
		return has_size(buffer, sizeof(*misc) + sizeof(VAEncMiscParameterRateControl))
			       ? take_rate(va, context, data)
			       : VA_STATUS_ERROR_INVALID_PARAMETER;
	if (misc->type == VAEncMiscParameterTypeHRD) {
		const VAEncMiscParameterHRD *hrd = data;
		tr_va_personality_log(p, "hrd buffer=%u fullness=%u", hrd->buffer_size,
			hrd->initial_buffer_fullness);
		return hrd->initial_buffer_fullness <= hrd->buffer_size
			       ? VA_STATUS_SUCCESS
			       : VA_STATUS_ERROR_INVALID_PARAMETER;
	}
	if (misc->type == VAEncMiscParameterTypeFrameRate) {
		const VAEncMiscParameterFrameRate *rate = data;
		tr_va_personality_log(p, "framerate=%u/%u", rate->framerate & 0xffff,
			rate->framerate >> 16 ? rate->framerate >> 16 : 1);
		return rate->framerate & 0xffff ? VA_STATUS_SUCCESS
						: VA_STATUS_ERROR_INVALID_PARAMETER;
	}
	if (misc->type == VAEncMiscParameterTypeQualityLevel) {
		const VAEncMiscParameterBufferQualityLevel *quality = data;
		tr_va_personality_log(p, "quality=%u", quality->quality_level);
		return quality->quality_level <= p->quality_range
			       ? VA_STATUS_SUCCESS
			       : VA_STATUS_ERROR_INVALID_PARAMETER;
	}
	return VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE;
}

static VAStatus take_picture(struct tr_va *va, struct tr_va_context *context,
	const VAEncPictureParameterBufferH264 *picture)
{
	struct tr_va_job *job = context->job;
	struct tr_va_surface *output =
		tr_va_object_find(va, TR_VA_SURFACE, picture->CurrPic.picture_id);
	struct tr_va_buffer *coded = tr_va_object_find(va, TR_VA_BUFFER, picture->coded_buf);

	if (context->has_picture)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	if (!output || output == job->input || output->fourcc != VA_FOURCC_NV12 ||
		output->width < (context->width + 15) / 16 * 16 ||
		output->height < (context->height + 15) / 16 * 16 || output->is_read_only)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	if (!coded || coded->type != VAEncCodedBufferType || coded->maps)
		return VA_STATUS_ERROR_INVALID_BUFFER;
	job->picture = *picture;
	job->output = tr_va_object_keep(output);
	job->coded = tr_va_object_keep(coded);
	coded->is_coded = false;
	context->has_picture = true;
	return VA_STATUS_SUCCESS;
}

static VAStatus take_slice(
	struct tr_va_context *context, const VAEncSliceParameterBufferH264 *slice)
{
	struct tr_va_job *job = context->job;

	if (job->slice_count == TR_VA_SLICES_MAX || !context->has_picture)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	job->slices[job->slice_count++] = *slice;
	return VA_STATUS_SUCCESS;
}

static uint32_t header_bit(uint32_t type)
{
	switch (type) {
	case VAEncPackedHeaderSequence:
		return VA_ENC_PACKED_HEADER_SEQUENCE;
	case VAEncPackedHeaderPicture:
		return VA_ENC_PACKED_HEADER_PICTURE;
	case VAEncPackedHeaderSlice:
		return VA_ENC_PACKED_HEADER_SLICE;
	default:
		return VA_ENC_PACKED_HEADER_RAW_DATA | VA_ENC_PACKED_HEADER_MISC;
	}
}

static VAStatus take_header(
	struct tr_va_context *context, const VAEncPackedHeaderParameterBuffer *parameters)
{
	struct tr_va_job *job = context->job;

	if (!(header_bit(parameters->type) & context->config.packed_headers))
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	if (job->header_count == TR_VA_COUNT(job->headers) ||
		(job->header_count && !job->headers[job->header_count - 1].data))
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	job->headers[job->header_count++] = (struct tr_va_header){.type = parameters->type,
		.bits = parameters->bit_length,
		.has_emulation_bytes = parameters->has_emulation_bytes,
		.slice = job->slice_count};
	return VA_STATUS_SUCCESS;
}

static VAStatus take_header_data(struct tr_va_context *context, const struct tr_va_buffer *buffer)
{
	struct tr_va_job *job = context->job;
	struct tr_va_header *header =
		job->header_count ? &job->headers[job->header_count - 1] : NULL;

	if (!header || header->data || header->bits < 32)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	size_t size = (header->bits + 7) / 8;
	if (size > HEADER_BYTES_MAX || !has_size(buffer, size))
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	header->data = malloc(size);
	if (!header->data)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	memcpy(header->data, buffer->data, size);
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_render_coding(
	struct tr_va *va, struct tr_va_context *context, const struct tr_va_buffer *buffer)
{
	const void *data = buffer->data;

	switch ((int)buffer->type) {
	case VAEncSequenceParameterBufferType:
		return has_size(buffer, sizeof(VAEncSequenceParameterBufferH264))
			       ? take_sequence(va, context, data)
			       : VA_STATUS_ERROR_INVALID_PARAMETER;
	case VAEncPictureParameterBufferType:
		return has_size(buffer, sizeof(VAEncPictureParameterBufferH264))
			       ? take_picture(va, context, data)
			       : VA_STATUS_ERROR_INVALID_PARAMETER;
	case VAEncSliceParameterBufferType:
		return has_size(buffer, sizeof(VAEncSliceParameterBufferH264))
			       ? take_slice(context, data)
			       : VA_STATUS_ERROR_INVALID_PARAMETER;
	case VAEncMiscParameterBufferType:
		return has_size(buffer, sizeof(VAEncMiscParameterBuffer) + sizeof(uint32_t))
			       ? take_misc(va, context, buffer)
			       : VA_STATUS_ERROR_INVALID_PARAMETER;
	case VAEncPackedHeaderParameterBufferType:
		return has_size(buffer, sizeof(VAEncPackedHeaderParameterBuffer))
			       ? take_header(context, data)
			       : VA_STATUS_ERROR_INVALID_PARAMETER;
	case VAEncPackedHeaderDataBufferType:
		return take_header_data(context, buffer);
	default:
		return VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE;
	}
}

static VAStatus find_reference(
	struct tr_va *va, struct tr_va_context *context, const VAEncSliceParameterBufferH264 *slice)
{
	struct tr_va_job *job = context->job;
	struct tr_va_surface *reference =
		tr_va_object_find(va, TR_VA_SURFACE, slice->RefPicList0[0].picture_id);
	unsigned allowed = va->personality.references;

	if (job->picture.pic_fields.bits.idr_pic_flag)
		return VA_STATUS_ERROR_INVALID_PARAMETER; /* only intra slices there */
	if (slice->slice_type % 5 == 1 &&
		(!(allowed >> 16) || context->config.entrypoint == VAEntrypointEncSliceLP))
		return VA_STATUS_ERROR_INVALID_PARAMETER; /* no B here */
	if (!(allowed & 0xffff))
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	if (!reference || !reference->is_reference)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	if (slice->slice_type % 5 == 0 && !job->reference)
		job->reference = tr_va_object_keep(reference);
	return VA_STATUS_SUCCESS;
}

/* The slices follow each other without a gap and cover the picture. */
static VAStatus check_slices(struct tr_va *va, struct tr_va_context *context)
{
	struct tr_va_job *job = context->job;
	unsigned blocks =
		(unsigned)job->sequence.picture_width_in_mbs * job->sequence.picture_height_in_mbs;
	unsigned next = 0;

	if (job->slice_count > va->personality.max_slices)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	for (unsigned i = 0; i < job->slice_count; i++) {
		const VAEncSliceParameterBufferH264 *slice = &job->slices[i];
		int qp = job->picture.pic_init_qp + slice->slice_qp_delta;
		if (slice->macroblock_address != next || !slice->num_macroblocks || qp < 0 ||
			qp > 51 || slice->slice_type % 5 > 2)
			return VA_STATUS_ERROR_INVALID_PARAMETER;
		if (slice->cabac_init_idc)
			return VA_STATUS_ERROR_UNIMPLEMENTED; /* ours alone: nobody uses it */
		next += slice->num_macroblocks;
		VAStatus status = slice->slice_type % 5 == 2 ? VA_STATUS_SUCCESS
							     : find_reference(va, context, slice);
		if (status != VA_STATUS_SUCCESS)
			return status;
	}
	return next == blocks ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_PARAMETER;
}

/* Who asked for packed headers must bring them. */
static VAStatus check_headers(const struct tr_va_context *context)
{
	const struct tr_va_job *job = context->job;
	uint32_t wanted = context->config.packed_headers;
	unsigned slices = 0, sequences = 0;

	for (unsigned i = 0; i < job->header_count; i++) {
		if (!job->headers[i].data)
			return VA_STATUS_ERROR_INVALID_PARAMETER;
		slices += job->headers[i].type == VAEncPackedHeaderSlice;
		sequences += job->headers[i].type == VAEncPackedHeaderSequence;
	}
	if (wanted & VA_ENC_PACKED_HEADER_SLICE && slices != job->slice_count)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	if (wanted & VA_ENC_PACKED_HEADER_SEQUENCE && job->has_sequence && !sequences)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_render_check(struct tr_va *va, struct tr_va_context *context)
{
	struct tr_va_job *job = context->job;
	uint32_t rate_control = context->config.rate_control;

	if (!context->has_sequence || !job->slice_count)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	if (job->input->fourcc != VA_FOURCC_NV12)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	if (rate_control != VA_RC_CQP && (!context->has_rate || !context->bits_per_second))
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	if (job->picture.pic_fields.bits.idr_pic_flag && !job->has_sequence)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	job->sequence = context->sequence;
	job->profile = context->config.profile;
	job->is_own_headers = !(context->config.packed_headers & VA_ENC_PACKED_HEADER_SLICE);
	VAStatus status = check_slices(va, context);
	return status == VA_STATUS_SUCCESS ? check_headers(context) : status;
}

static VARectangle whole(const struct tr_va_surface *surface)
{
	return (VARectangle){
		.width = (uint16_t)surface->width, .height = (uint16_t)surface->height};
}

static bool is_inside(const VARectangle *part, const struct tr_va_surface *surface)
{
	return part->x >= 0 && part->y >= 0 && part->width && part->height &&
	       (unsigned)part->x + part->width <= surface->width &&
	       (unsigned)part->y + part->height <= surface->height;
}

VAStatus tr_va_render_processing(
	struct tr_va *va, struct tr_va_context *context, const struct tr_va_buffer *buffer)
{
	struct tr_va_job *job = context->job;
	const VAProcPipelineParameterBuffer *pipeline = (const void *)buffer->data;

	if (buffer->type != VAProcPipelineParameterBufferType)
		return VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE;
	if (!has_size(buffer, sizeof(*pipeline)) || context->has_picture)
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	struct tr_va_surface *input = tr_va_object_find(va, TR_VA_SURFACE, pipeline->surface);
	if (!input || job->output->fourcc != VA_FOURCC_NV12 || job->output->is_read_only)
		return VA_STATUS_ERROR_INVALID_SURFACE;
	if (pipeline->num_filters || pipeline->num_forward_references ||
		pipeline->num_backward_references || pipeline->rotation_state ||
		pipeline->mirror_state || pipeline->blend_state)
		return VA_STATUS_ERROR_UNIMPLEMENTED;
	job->pipeline = *pipeline;
	/* The pointers are good only during this call. */
	job->from = pipeline->surface_region ? *pipeline->surface_region : whole(input);
	job->to = pipeline->output_region ? *pipeline->output_region : whole(job->output);
	if (!is_inside(&job->from, input) || !is_inside(&job->to, job->output))
		return VA_STATUS_ERROR_INVALID_PARAMETER;
	job->input = tr_va_object_keep(input);
	context->has_picture = true;
	return VA_STATUS_SUCCESS;
}
