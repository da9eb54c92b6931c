#include "coding.h"

/* Order and meaning: ITU-T H.264, 7.3.2.1, 7.3.2.2, 7.3.3 and E.1. */

static void put_colours(struct tr_bits *bits, const struct tr_va_job *job)
{
	tr_bits_put(bits, 1, job->has_colours);
	if (!job->has_colours)
		return;
	tr_bits_put(bits, 3, 5); /* no video format */
	tr_bits_put(bits, 1, job->is_full_range);
	tr_bits_put(bits, 1, 1);
	tr_bits_put(bits, 8, job->primaries);
	tr_bits_put(bits, 8, job->transfer);
	tr_bits_put(bits, 8, job->matrix);
}

static void put_vui(struct tr_bits *bits, const struct tr_va_job *job)
{
	const VAEncSequenceParameterBufferH264 *s = &job->sequence;
	bool has_aspect = s->vui_fields.bits.aspect_ratio_info_present_flag;
	bool has_timing = s->vui_fields.bits.timing_info_present_flag;

	tr_bits_put(bits, 1, has_aspect);
	if (has_aspect) {
		tr_bits_put(bits, 8, s->aspect_ratio_idc);
		if (s->aspect_ratio_idc == 255) {
			tr_bits_put(bits, 16, s->sar_width);
			tr_bits_put(bits, 16, s->sar_height);
		}
	}
	tr_bits_put(bits, 1, 0); /* overscan */
	put_colours(bits, job);
	tr_bits_put(bits, 1, 0); /* chroma's place */
	tr_bits_put(bits, 1, has_timing);
	if (has_timing) {
		tr_bits_put(bits, 32, s->num_units_in_tick);
		tr_bits_put(bits, 32, s->time_scale);
		tr_bits_put(bits, 1, s->vui_fields.bits.fixed_frame_rate_flag);
	}
	tr_bits_put(bits, 2, 0); /* no HRD */
	tr_bits_put(bits, 1, 0); /* pic_struct */
	/* Without this, decoders hold pictures back for an order that never changes. */
	tr_bits_put(bits, 1, 1);
	tr_bits_put(bits, 1, 1);
	tr_bits_put_ue(bits, 0);
	tr_bits_put_ue(bits, 0);
	tr_bits_put_ue(bits, 16);
	tr_bits_put_ue(bits, 16);
	tr_bits_put_ue(bits, 0);
	tr_bits_put_ue(bits, s->max_num_ref_frames);
}

static void put_profile(struct tr_bits *bits, VAProfile profile)
{
	bool is_baseline = profile == VAProfileH264ConstrainedBaseline;

	tr_bits_put(bits, 8, is_baseline ? 66 : profile == VAProfileH264Main ? 77 : 100);
	tr_bits_put(bits, 8, is_baseline ? 0x40 : 0); /* constraint_set1_flag */
}

void tr_headers_put_sps(struct tr_bits *bits, const struct tr_va_job *job)
{
	const VAEncSequenceParameterBufferH264 *s = &job->sequence;

	tr_bits_put(bits, 8, 3 << 5 | 7);
	put_profile(bits, job->profile);
	tr_bits_put(bits, 8, s->level_idc);
	tr_bits_put_ue(bits, s->seq_parameter_set_id);
	if (job->profile == VAProfileH264High) {
		tr_bits_put_ue(bits, 1); /* 4:2:0 */
		tr_bits_put_ue(bits, 0); /* 8 bits */
		tr_bits_put_ue(bits, 0);
		tr_bits_put(bits, 2, 0); /* no bypass, no scaling matrix */
	}
	tr_bits_put_ue(bits, s->seq_fields.bits.log2_max_frame_num_minus4);
	tr_bits_put_ue(bits, s->seq_fields.bits.pic_order_cnt_type);
	if (s->seq_fields.bits.pic_order_cnt_type == 0)
		tr_bits_put_ue(bits, s->seq_fields.bits.log2_max_pic_order_cnt_lsb_minus4);
	tr_bits_put_ue(bits, s->max_num_ref_frames);
	tr_bits_put(bits, 1, 0); /* no gaps */
	tr_bits_put_ue(bits, s->picture_width_in_mbs - 1U);
	tr_bits_put_ue(bits, s->picture_height_in_mbs - 1U);
	tr_bits_put(bits, 1, 1); /* frames only */
	tr_bits_put(bits, 1, s->seq_fields.bits.direct_8x8_inference_flag);
	tr_bits_put(bits, 1, s->frame_cropping_flag);
	if (s->frame_cropping_flag) {
		tr_bits_put_ue(bits, s->frame_crop_left_offset);
		tr_bits_put_ue(bits, s->frame_crop_right_offset);
		tr_bits_put_ue(bits, s->frame_crop_top_offset);
		tr_bits_put_ue(bits, s->frame_crop_bottom_offset);
	}
	tr_bits_put(bits, 1, 1);
	put_vui(bits, job);
	tr_bits_trail(bits);
}

void tr_headers_put_pps(struct tr_bits *bits, const struct tr_va_job *job)
{
	const VAEncPictureParameterBufferH264 *p = &job->picture;

	tr_bits_put(bits, 8, 3 << 5 | 8);
	tr_bits_put_ue(bits, p->pic_parameter_set_id);
	tr_bits_put_ue(bits, p->seq_parameter_set_id);
	tr_bits_put(bits, 1, p->pic_fields.bits.entropy_coding_mode_flag);
	tr_bits_put(bits, 1, 0); /* no field orders */
	tr_bits_put_ue(bits, 0); /* one slice group */
	tr_bits_put_ue(bits, p->num_ref_idx_l0_active_minus1);
	tr_bits_put_ue(bits, p->num_ref_idx_l1_active_minus1);
	tr_bits_put(bits, 3, 0); /* no weights */
	tr_bits_put_se(bits, p->pic_init_qp - 26);
	tr_bits_put_se(bits, 0);
	tr_bits_put_se(bits, p->chroma_qp_index_offset);
	tr_bits_put(bits, 1, p->pic_fields.bits.deblocking_filter_control_present_flag);
	tr_bits_put(bits, 1, 0); /* intra prediction is not constrained */
	tr_bits_put(bits, 1, 0); /* no redundant pictures */
	if (job->profile == VAProfileH264High) {
		tr_bits_put(bits, 1, p->pic_fields.bits.transform_8x8_mode_flag);
		tr_bits_put(bits, 1, 0);
		tr_bits_put_se(bits, p->second_chroma_qp_index_offset);
	}
	tr_bits_trail(bits);
}

static void put_deblocking(struct tr_bits *bits, const VAEncSliceParameterBufferH264 *slice)
{
	tr_bits_put_ue(bits, slice->disable_deblocking_filter_idc);
	if (slice->disable_deblocking_filter_idc == 1)
		return;
	tr_bits_put_se(bits, slice->slice_alpha_c0_offset_div2);
	tr_bits_put_se(bits, slice->slice_beta_offset_div2);
}

void tr_headers_put_slice(struct tr_bits *bits, const struct tr_va_job *job,
	const VAEncSliceParameterBufferH264 *slice)
{
	const VAEncSequenceParameterBufferH264 *s = &job->sequence;
	const VAEncPictureParameterBufferH264 *p = &job->picture;
	bool is_idr = p->pic_fields.bits.idr_pic_flag, is_p = slice->slice_type % 5 == 0;
	unsigned reference = p->pic_fields.bits.reference_pic_flag ? 1 : 0;

	tr_bits_put(bits, 8, (is_idr ? 3 : reference) << 5 | (is_idr ? 5 : 1));
	tr_bits_put_ue(bits, slice->macroblock_address);
	tr_bits_put_ue(bits, slice->slice_type % 5);
	tr_bits_put_ue(bits, p->pic_parameter_set_id);
	tr_bits_put(bits, s->seq_fields.bits.log2_max_frame_num_minus4 + 4, p->frame_num);
	if (is_idr)
		tr_bits_put_ue(bits, slice->idr_pic_id);
	if (s->seq_fields.bits.pic_order_cnt_type == 0)
		tr_bits_put(bits, s->seq_fields.bits.log2_max_pic_order_cnt_lsb_minus4 + 4,
			slice->pic_order_cnt_lsb);
	if (is_p) {
		tr_bits_put(bits, 1, 1); /* one reference, the one before */
		tr_bits_put_ue(bits, 0);
		tr_bits_put(bits, 1, 0); /* no other order */
	}
	if (is_idr)
		tr_bits_put(bits, 2, 0); /* output, no long-term reference */
	else if (reference)
		tr_bits_put(bits, 1, 0); /* sliding window */
	if (p->pic_fields.bits.entropy_coding_mode_flag && is_p)
		tr_bits_put_ue(bits, slice->cabac_init_idc);
	tr_bits_put_se(bits, slice->slice_qp_delta);
	if (p->pic_fields.bits.deblocking_filter_control_present_flag)
		put_deblocking(bits, slice);
}
