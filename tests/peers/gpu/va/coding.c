/* A picture into its coded buffer: headers as they came or our own, then the slices. */
#include "coding.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_ROOM 1024

struct output {
	uint8_t *data;
	size_t room, size;
	bool is_over;
};

static void put_bytes(struct output *out, const uint8_t *data, size_t size)
{
	if (out->size + size > out->room) {
		out->is_over = true;
		return;
	}
	memcpy(out->data + out->size, data, size);
	out->size += size;
}

static void put_start_code(struct output *out)
{
	static const uint8_t start[] = {0, 0, 0, 1};

	put_bytes(out, start, sizeof(start));
}

/* A NAL unit that is not protected yet. */
static void put_unit(struct output *out, const struct tr_bits *bits)
{
	put_start_code(out);
	if (bits->is_over || out->is_over) {
		out->is_over = true;
		return;
	}
	long size = tr_bits_protect(
		bits->data, bits->count / 8, out->data + out->size, out->room - out->size);
	if (size < 0)
		out->is_over = true;
	else
		out->size += (size_t)size;
}

/* Where the last start code ends; 0: none. FFmpeg puts an access unit delimiter before a slice
 * header, as one packed header. */
static size_t find_unit(const struct tr_va_header *header)
{
	size_t size = header->bits / 8, found = 0;

	for (size_t i = 2; i < size; i++)
		if (header->data[i] == 1 && !header->data[i - 1] && !header->data[i - 2])
			found = i + 1;
	return found;
}

/* The packed slice header up to its very last bit, without protection and start code. */
static bool put_packed_slice(struct tr_bits *bits, const struct tr_va_header *header)
{
	size_t begin = find_unit(header);
	size_t size = (header->bits + 7) / 8 - begin;

	if (!begin || size > bits->room)
		return false;
	size_t left = size;
	if (header->has_emulation_bytes)
		left = tr_bits_unprotect(header->data + begin, size, bits->data);
	else
		memcpy(bits->data, header->data + begin, size);
	bits->count = header->bits - (begin + (size - left)) * 8;
	return true;
}

static const struct tr_va_header *find_slice_header(const struct tr_va_job *job, unsigned slice)
{
	for (unsigned i = 0; i < job->header_count; i++)
		if (job->headers[i].type == VAEncPackedHeaderSlice &&
			job->headers[i].slice == slice)
			return &job->headers[i];
	return NULL;
}

static VAStatus put_slice(
	struct output *out, struct tr_bits *bits, const struct tr_va_job *job, unsigned index)
{
	const VAEncSliceParameterBufferH264 *slice = &job->slices[index];

	*bits = (struct tr_bits){.data = bits->data, .room = bits->room};
	if (job->is_own_headers) {
		tr_headers_put_slice(bits, job, slice);
	} else {
		const struct tr_va_header *header = find_slice_header(job, index);
		if (!header || !put_packed_slice(bits, header))
			return VA_STATUS_ERROR_ENCODING_ERROR;
		size_t begin = find_unit(header);
		if (begin > 4)
			put_bytes(out, header->data, begin - 4); /* what comes before */
	}
	tr_macroblocks_put(bits, job, slice);
	put_unit(out, bits);
	return VA_STATUS_SUCCESS;
}

static void put_own_sets(struct output *out, const struct tr_va_job *job)
{
	uint8_t data[HEADER_ROOM];
	struct tr_bits bits = {.data = data, .room = sizeof(data)};

	tr_headers_put_sps(&bits, job);
	put_unit(out, &bits);
	bits = (struct tr_bits){.data = data, .room = sizeof(data)};
	tr_headers_put_pps(&bits, job);
	put_unit(out, &bits);
}

/* Headers before the slices, as they came. */
static void put_packed(struct output *out, const struct tr_va_job *job)
{
	for (unsigned i = 0; i < job->header_count; i++) {
		const struct tr_va_header *header = &job->headers[i];
		size_t size = (header->bits + 7) / 8;
		if (header->type == VAEncPackedHeaderSlice)
			continue;
		put_bytes(out, header->data, size);
	}
}

static VAStatus put_picture(struct output *out, const struct tr_va_job *job)
{
	size_t room = (size_t)job->sequence.picture_width_in_mbs *
			      job->sequence.picture_height_in_mbs * (TR_MACROBLOCK_BYTES + 8) +
		      HEADER_ROOM;
	struct tr_bits bits = {.data = malloc(room), .room = room};
	VAStatus status = VA_STATUS_SUCCESS;

	if (!bits.data)
		return VA_STATUS_ERROR_ALLOCATION_FAILED;
	if (job->is_own_headers && job->picture.pic_fields.bits.idr_pic_flag)
		put_own_sets(out, job);
	put_packed(out, job);
	for (unsigned i = 0; i < job->slice_count && status == VA_STATUS_SUCCESS; i++)
		status = put_slice(out, &bits, job, i);
	free(bits.data);
	return out->is_over ? VA_STATUS_ERROR_NOT_ENOUGH_BUFFER : status;
}

/* The same noise each time. */
static void put_noise(uint8_t *data, size_t size)
{
	uint32_t value = 12345;

	for (size_t i = 0; i < size; i++) {
		value = value * 1664525 + 1013904223;
		data[i] = (uint8_t)(value >> 24);
	}
}

VAStatus tr_va_code(struct tr_va_job *job)
{
	struct tr_va_buffer *coded = job->coded;
	struct output out = {.data = coded->data, .room = (size_t)coded->size * coded->elements};

	VAStatus status = put_picture(&out, job);
	if (job->deed == TR_VA_GARBAGE)
		put_noise(coded->data, out.size);
	/* Trouble in the hardware looks like this: no bytes, a mark that nobody reads, and success.
	 */
	bool is_bad = status != VA_STATUS_SUCCESS || job->deed == TR_VA_EMPTY;
	coded->segment = (VACodedBufferSegment){.buf = coded->data,
		.size = is_bad ? 0 : (uint32_t)out.size,
		.status = is_bad ? VA_CODED_BUF_STATUS_BAD_BITSTREAM : 0};
	coded->is_coded = true;
	return status;
}
