/* RGB to NV12 by BT.601 or BT.709, limited or full, nearest neighbour; NV12 to NV12. */
#include "driver.h"

#include <math.h>
#include <string.h>

static VAProcColorStandardType standards[] = {
	VAProcColorStandardBT601, VAProcColorStandardBT709, VAProcColorStandardExplicit};
static uint32_t input_formats[] = {
	VA_FOURCC_NV12, VA_FOURCC_BGRA, VA_FOURCC_BGRX, VA_FOURCC_RGBA, VA_FOURCC_RGBX};
static uint32_t output_formats[] = {VA_FOURCC_NV12};

VAStatus tr_va_pipeline_caps(VADriverContextP ctx, VAContextID context, VABufferID *filters,
	unsigned filter_count, VAProcPipelineCaps *caps)
{
	TR_VA_ENTER(ctx);
	(void)filters;

	if (!tr_va_object_find(va, TR_VA_CONTEXT, context))
		return VA_STATUS_ERROR_INVALID_CONTEXT;
	if (filter_count)
		return VA_STATUS_ERROR_UNSUPPORTED_FILTER;
	/* The caller's struct is not initialised. */
	*caps = (VAProcPipelineCaps){.input_color_standards = standards,
		.num_input_color_standards = TR_VA_COUNT(standards),
		.output_color_standards = standards,
		.num_output_color_standards = TR_VA_COUNT(standards),
		.num_input_pixel_formats = TR_VA_COUNT(input_formats),
		.input_pixel_format = input_formats,
		.num_output_pixel_formats = TR_VA_COUNT(output_formats),
		.output_pixel_format = output_formats,
		.max_input_width = va->personality.max_width,
		.max_input_height = va->personality.max_height,
		.min_input_width = 16,
		.min_input_height = 16,
		.max_output_width = va->personality.max_width,
		.max_output_height = va->personality.max_height,
		.min_output_width = 16,
		.min_output_height = 16};
	return VA_STATUS_SUCCESS;
}

VAStatus tr_va_query_filters(
	VADriverContextP ctx, VAContextID context, VAProcFilterType *filters, unsigned *count)
{
	(void)ctx;
	(void)context;
	(void)filters;
	*count = 0;
	return VA_STATUS_SUCCESS;
}

struct matrix {
	float y[3], u[3], v[3]; /* of red, green, blue in 0..255 */
	float y_offset;
};

static struct matrix matrix_of(const struct tr_va_job *job)
{
	const VAProcPipelineParameterBuffer *pipeline = &job->pipeline;
	const VAProcColorProperties *colours = &pipeline->output_color_properties;
	bool is_709 = pipeline->output_color_standard == VAProcColorStandardBT709 ||
		      (pipeline->output_color_standard == VAProcColorStandardExplicit &&
			      colours->matrix_coefficients == 1);
	bool is_full = colours->color_range == VA_SOURCE_RANGE_FULL;
	if (job->deed == TR_VA_COLOURS)
		is_709 = !is_709;
	float kr = is_709 ? 0.2126F : 0.299F, kb = is_709 ? 0.0722F : 0.114F, kg = 1 - kr - kb;
	float luma = is_full ? 1 : 219 / 255.0F, chroma = is_full ? 1 : 224 / 255.0F;
	float cb = chroma / 2 / (1 - kb), cr = chroma / 2 / (1 - kr);

	return (struct matrix){.y = {kr * luma, kg * luma, kb * luma},
		.u = {-kr * cb, -kg * cb, (1 - kb) * cb},
		.v = {(1 - kr) * cr, -kg * cr, -kb * cr},
		.y_offset = is_full ? 0 : 16};
}

static uint8_t to_byte(float value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : lrintf(value));
}

static float weigh(const float *by, const float *rgb)
{
	return by[0] * rgb[0] + by[1] * rgb[1] + by[2] * rgb[2];
}

/* The source pixel of an output pixel; rows and columns beyond the area repeat its last. */
static void fetch_rgb(const struct tr_va_job *job, unsigned x, unsigned y, float *rgb)
{
	const struct tr_va_surface *from = job->input;
	x = x < job->to.width ? x : job->to.width - 1U;
	y = y < job->to.height ? y : job->to.height - 1U;
	unsigned source_x = (unsigned)job->from.x + x * job->from.width / job->to.width;
	unsigned source_y = (unsigned)job->from.y + y * job->from.height / job->to.height;
	const uint8_t *pixel =
		from->data + from->offset[0] + (size_t)source_y * from->pitch[0] + source_x * 4UL;
	bool is_blue_first = from->fourcc == VA_FOURCC_BGRA || from->fourcc == VA_FOURCC_BGRX;

	rgb[0] = pixel[is_blue_first ? 2 : 0];
	rgb[1] = pixel[1];
	rgb[2] = pixel[is_blue_first ? 0 : 2];
}

/* Two by two pixels, one pair of chroma. */
static void convert_block(
	const struct tr_va_job *job, const struct matrix *m, unsigned x, unsigned y)
{
	struct tr_va_surface *to = job->output;
	uint8_t *luma = to->data + to->offset[0] +
			(size_t)((unsigned)job->to.y + y) * to->pitch[0] + (unsigned)job->to.x + x;
	uint8_t *chroma = to->data + to->offset[1] +
			  (size_t)(((unsigned)job->to.y + y) / 2) * to->pitch[1] +
			  ((unsigned)job->to.x + x) / 2 * 2;
	float sum[3] = {0}, rgb[3];

	for (unsigned i = 0; i < 4; i++) {
		unsigned dx = i & 1, dy = i >> 1;
		fetch_rgb(job, x + dx, y + dy, rgb);
		for (unsigned c = 0; c < 3; c++)
			sum[c] += rgb[c] / 4;
		if (x + dx < job->to.width && y + dy < job->to.height)
			luma[dy * to->pitch[0] + dx] = to_byte(weigh(m->y, rgb) + m->y_offset);
	}
	chroma[0] = to_byte(weigh(m->u, sum) + 128);
	chroma[1] = to_byte(weigh(m->v, sum) + 128);
}

static void convert(const struct tr_va_job *job)
{
	struct matrix m = matrix_of(job);

	for (unsigned y = 0; y < job->to.height; y += 2)
		for (unsigned x = 0; x < job->to.width; x += 2)
			convert_block(job, &m, x, y);
}

static void scale(const struct tr_va_job *job)
{
	const struct tr_va_surface *from = job->input;
	const struct tr_va_surface *to = job->output;

	for (unsigned plane = 0; plane < 2; plane++)
		for (unsigned y = 0; y < (job->to.height + plane) >> plane; y++)
			for (unsigned x = 0; x < (job->to.width + plane) >> plane; x++) {
				unsigned size = plane + 1;
				size_t source_x = ((unsigned)job->from.x >> plane) +
						  x * job->from.width / job->to.width;
				size_t source_y = ((unsigned)job->from.y >> plane) +
						  y * job->from.height / job->to.height;
				memcpy(to->data + to->offset[plane] +
						(size_t)(((unsigned)job->to.y >> plane) + y) *
							to->pitch[plane] +
						(((unsigned)job->to.x >> plane) + x) * size,
					from->data + from->offset[plane] +
						source_y * from->pitch[plane] + source_x * size,
					size);
			}
}

static bool is_outside(const VARectangle *area, unsigned x, unsigned y)
{
	return x < (unsigned)area->x || y < (unsigned)area->y ||
	       x >= (unsigned)area->x + area->width || y >= (unsigned)area->y + area->height;
}

/* Black is all that anybody asks for. */
static void fill_rest(const struct tr_va_job *job)
{
	const struct tr_va_surface *to = job->output;

	for (unsigned y = 0; y < to->height; y++)
		for (unsigned x = 0; x < to->width; x++) {
			if (!is_outside(&job->to, x, y))
				continue;
			to->data[to->offset[0] + (size_t)y * to->pitch[0] + x] = 16;
			if (is_outside(&job->to, x & ~1U, y & ~1U))
				to->data[to->offset[1] + (size_t)(y / 2) * to->pitch[1] + x] = 128;
		}
}

VAStatus tr_va_process(struct tr_va_job *job)
{
	if (job->fills_rest && job->pipeline.output_background_color >> 24)
		fill_rest(job);
	if (job->input->fourcc == VA_FOURCC_NV12)
		scale(job);
	else
		convert(job);
	return VA_STATUS_SUCCESS;
}
