/*
 * A Media SDK runtime for tests: Intel's dispatcher loads it as libmfxhw64.so.1. It encodes H.264
 * from system memory with the test driver's own coder, so it is bit-exact, too, and takes the same
 * words (from libmfxhw64.so.1.conf beside it, and TR_TEST_VA).
 */
#include "../va/coding.h"
#include "../va/usage.h"
#include "pending.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define SETS_ROOM 256
#define DEFAULT_QP 26
#define PENDING_MAX 16

struct session {
	struct tr_va_personality personality;
	mfxHDL display;
	bool is_open;
	mfxVideoParam settings;
	bool is_cavlc;
	struct tr_va_surface input,
		pictures[2]; /* pictures: made in turn, one refers to the other */
	struct tr_va_buffer coded;
	struct tr_va_job job;
	int64_t frames;
	unsigned since_idr;
	struct tr_mfx_pending pending[PENDING_MAX];
};

static struct session *get(mfxSession session)
{
	return (struct session *)(void *)session;
}

/* The fault's status: given ones are of the Media SDK, the usual ones of VA-API. */
static mfxStatus strike(
	struct session *s, enum tr_va_call call, int64_t frame, enum tr_va_deed *ret_deed)
{
	int status = tr_va_personality_strike(&s->personality, call, frame, ret_deed);

	return status <= 0 ? (mfxStatus)status : MFX_ERR_DEVICE_FAILED;
}

static mfxStatus init(mfxSession *ret)
{
	struct session *s = calloc(1, sizeof(*s));
	Dl_info self;

	if (!s)
		return MFX_ERR_MEMORY_ALLOC;
	if (!dladdr((void *)strike, &self) ||
		!tr_va_personality_read(self.dli_fname, &s->personality) ||
		s->personality.is_decode_only || strike(s, TR_VA_INIT, 0, NULL) != MFX_ERR_NONE) {
		free(s);
		return MFX_ERR_UNSUPPORTED;
	}
	tr_va_personality_log(&s->personality, "mfx init");
	*ret = (mfxSession)(void *)s;
	return MFX_ERR_NONE;
}

EXPORT mfxStatus MFXInit(mfxIMPL implementation, mfxVersion *version, mfxSession *ret)
{
	(void)implementation;
	(void)version;
	return init(ret);
}

EXPORT mfxStatus MFXInitEx(mfxInitParam settings, mfxSession *ret)
{
	(void)settings;
	return init(ret);
}

EXPORT mfxStatus MFXQueryVersion(mfxSession session, mfxVersion *version)
{
	(void)session;
	version->Major = 1;
	version->Minor = 35;
	return MFX_ERR_NONE;
}

EXPORT mfxStatus MFXQueryIMPL(mfxSession session, mfxIMPL *implementation)
{
	(void)session;
	*implementation = MFX_IMPL_HARDWARE | MFX_IMPL_VIA_VAAPI;
	return MFX_ERR_NONE;
}

EXPORT mfxStatus MFXVideoCORE_SetHandle(mfxSession session, mfxHandleType type, mfxHDL handle)
{
	if (type != MFX_HANDLE_VA_DISPLAY)
		return MFX_ERR_UNSUPPORTED;
	if (!handle)
		return MFX_ERR_INVALID_HANDLE;
	if (get(session)->display)
		return MFX_ERR_UNDEFINED_BEHAVIOR; /* only once */
	get(session)->display = handle;
	return MFX_ERR_NONE;
}

EXPORT mfxStatus MFXVideoCORE_GetHandle(mfxSession session, mfxHandleType type, mfxHDL *handle)
{
	if (type != MFX_HANDLE_VA_DISPLAY || !get(session)->display)
		return MFX_ERR_NOT_FOUND;
	*handle = get(session)->display;
	return MFX_ERR_NONE;
}

static mfxExtBuffer *find_extra(const mfxVideoParam *settings, mfxU32 id)
{
	for (mfxU16 i = 0; i < settings->NumExtParam; i++)
		if (settings->ExtParam[i] && settings->ExtParam[i]->BufferId == id)
			return settings->ExtParam[i];
	return NULL;
}

static bool has_rate(const struct session *s, const mfxInfoMFX *mfx)
{
	uint32_t offered = mfx->LowPower == MFX_CODINGOPTION_ON || !s->personality.has_slice
				   ? s->personality.low_power_rate_control
				   : s->personality.rate_control;

	switch (mfx->RateControlMethod) {
	case MFX_RATECONTROL_CQP:
		return mfx->QPI <= 51 && mfx->QPP <= 51;
	case MFX_RATECONTROL_CBR:
		return offered & VA_RC_CBR && mfx->TargetKbps;
	case MFX_RATECONTROL_VBR:
		return offered & VA_RC_VBR && mfx->TargetKbps;
	case MFX_RATECONTROL_ICQ:
		return offered & VA_RC_VBR;
	default:
		return false;
	}
}

static mfxStatus check(const struct session *s, const mfxVideoParam *settings)
{
	const mfxFrameInfo *info = &settings->mfx.FrameInfo;

	if (!s->display)
		return MFX_ERR_DEVICE_FAILED;
	if (settings->mfx.CodecId != MFX_CODEC_AVC || info->FourCC != MFX_FOURCC_NV12 ||
		info->ChromaFormat != MFX_CHROMAFORMAT_YUV420 || !has_rate(s, &settings->mfx))
		return MFX_ERR_UNSUPPORTED;
	if (settings->IOPattern != MFX_IOPATTERN_IN_SYSTEM_MEMORY || !info->Width ||
		!info->Height || info->Width % 16 || info->Height % 16 || info->CropW < 32 ||
		info->CropH < 32 || info->CropW > info->Width || info->CropH > info->Height ||
		info->Width > s->personality.max_width ||
		info->Height > s->personality.max_height || !info->FrameRateExtN ||
		!info->FrameRateExtD || settings->mfx.GopRefDist > 1)
		return MFX_ERR_INVALID_VIDEO_PARAM;
	return MFX_ERR_NONE;
}

EXPORT mfxStatus MFXVideoENCODE_Query(mfxSession session, mfxVideoParam *in, mfxVideoParam *out)
{
	if (!out)
		return MFX_ERR_NULL_PTR;
	if (!in) {
		out->mfx.CodecId = MFX_CODEC_AVC;
		return MFX_ERR_NONE;
	}
	out->mfx = in->mfx;
	out->AsyncDepth = in->AsyncDepth;
	out->IOPattern = in->IOPattern;
	return has_rate(get(session), &in->mfx) && in->mfx.CodecId == MFX_CODEC_AVC
		       ? MFX_ERR_NONE
		       : MFX_ERR_UNSUPPORTED;
}

EXPORT mfxStatus MFXVideoENCODE_QueryIOSurf(
	mfxSession session, mfxVideoParam *settings, mfxFrameAllocRequest *request)
{
	(void)session;
	memset(request, 0, sizeof(*request));
	request->Info = settings->mfx.FrameInfo;
	request->NumFrameMin = 1;
	request->NumFrameSuggested = (mfxU16)(settings->AsyncDepth + 1);
	request->Type = MFX_MEMTYPE_FROM_ENCODE | MFX_MEMTYPE_SYSTEM_MEMORY;
	return MFX_ERR_NONE;
}

static bool allocate(struct tr_va_surface *surface, const mfxFrameInfo *info, bool is_whole)
{
	*surface = (struct tr_va_surface){.fourcc = VA_FOURCC_NV12,
		.width = is_whole ? info->Width : info->CropW,
		.height = is_whole ? info->Height : info->CropH,
		.pitch = {info->Width, info->Width},
		.offset = {0, (unsigned)info->Width * info->Height},
		.size = (size_t)info->Width * info->Height * 3 / 2};
	surface->data = calloc(1, surface->size);
	return surface->data;
}

static void free_memory(struct session *s)
{
	free(s->input.data);
	free(s->pictures[0].data);
	free(s->pictures[1].data);
	free(s->coded.data);
	for (size_t i = 0; i < PENDING_MAX; i++)
		tr_mfx_pending_forget(&s->pending[i]);
	s->input.data = s->pictures[0].data = s->pictures[1].data = s->coded.data = NULL;
}

static VAProfile profile_of(const mfxInfoMFX *mfx)
{
	int profile = mfx->CodecProfile & 0xff;

	return profile == MFX_PROFILE_AVC_BASELINE ? VAProfileH264ConstrainedBaseline
	       : profile == MFX_PROFILE_AVC_MAIN   ? VAProfileH264Main
						   : VAProfileH264High;
}

/* What stays the same in all pictures. */
static void prepare(struct session *s)
{
	const mfxInfoMFX *mfx = &s->settings.mfx;
	const mfxFrameInfo *info = &mfx->FrameInfo;
	VAEncSequenceParameterBufferH264 *sequence = &s->job.sequence;
	const mfxExtCodingOption *option =
		(const void *)find_extra(&s->settings, MFX_EXTBUFF_CODING_OPTION);

	const mfxExtVideoSignalInfo *signal =
		(const void *)find_extra(&s->settings, MFX_EXTBUFF_VIDEO_SIGNAL_INFO);

	if (signal && signal->ColourDescriptionPresent) {
		s->job.has_colours = true;
		s->job.is_full_range = signal->VideoFullRange;
		s->job.primaries = (uint8_t)signal->ColourPrimaries;
		s->job.transfer = (uint8_t)signal->TransferCharacteristics;
		s->job.matrix = (uint8_t)signal->MatrixCoefficients;
	}
	s->job.profile = profile_of(mfx);
	s->job.is_own_headers = true;
	sequence->level_idc = mfx->CodecLevel ? (uint8_t)mfx->CodecLevel : 51;
	sequence->max_num_ref_frames = 1;
	sequence->picture_width_in_mbs = info->Width / 16;
	sequence->picture_height_in_mbs = info->Height / 16;
	sequence->seq_fields.bits.log2_max_frame_num_minus4 = 4;
	sequence->seq_fields.bits.pic_order_cnt_type = 2;
	sequence->seq_fields.bits.direct_8x8_inference_flag = 1;
	sequence->frame_cropping_flag = info->CropW != info->Width || info->CropH != info->Height;
	sequence->frame_crop_right_offset = (info->Width - info->CropW) / 2U;
	sequence->frame_crop_bottom_offset = (info->Height - info->CropH) / 2U;
	sequence->vui_fields.bits.timing_info_present_flag = 1;
	sequence->num_units_in_tick = info->FrameRateExtD;
	sequence->time_scale = info->FrameRateExtN * 2;
	s->job.picture.pic_init_qp = DEFAULT_QP;
	s->job.picture.pic_fields.bits.reference_pic_flag = 1;
	s->job.picture.pic_fields.bits.entropy_coding_mode_flag =
		s->job.profile != VAProfileH264ConstrainedBaseline &&
		!(option && option->CAVLC == MFX_CODINGOPTION_ON);
}

static mfxStatus open_session(struct session *s, const mfxVideoParam *settings)
{
	const mfxFrameInfo *info = &settings->mfx.FrameInfo;

	s->settings = *settings;
	s->coded = (struct tr_va_buffer){
		.size = info->Width * info->Height * 3U + 65536, .elements = 1};
	s->coded.data = malloc(s->coded.size);
	if (!s->coded.data || !allocate(&s->input, info, false) ||
		!allocate(&s->pictures[0], info, true) || !allocate(&s->pictures[1], info, true)) {
		free_memory(s);
		return MFX_ERR_MEMORY_ALLOC;
	}
	memset(&s->job, 0, sizeof(s->job));
	prepare(s);
	/* The caller's list is his. */
	s->settings.ExtParam = NULL;
	s->settings.NumExtParam = 0;
	s->frames = 0;
	s->since_idr = 0;
	s->is_open = true;
	return MFX_ERR_NONE;
}

EXPORT mfxStatus MFXVideoENCODE_Init(mfxSession session, mfxVideoParam *settings)
{
	struct session *s = get(session);
	const mfxInfoMFX *mfx = &settings->mfx;

	if (s->is_open)
		return MFX_ERR_UNDEFINED_BEHAVIOR;
	mfxStatus status = check(s, settings);
	tr_va_personality_log(&s->personality,
		"mfx encode %ux%u crop %ux%u rate_control=%u kbps=%u max=%u qp=%u gop=%u async=%u "
		"low_power=%u status=%d",
		mfx->FrameInfo.Width, mfx->FrameInfo.Height, mfx->FrameInfo.CropW,
		mfx->FrameInfo.CropH, mfx->RateControlMethod, mfx->TargetKbps, mfx->MaxKbps,
		mfx->QPI, mfx->GopPicSize, settings->AsyncDepth, mfx->LowPower, status);
	if (status == MFX_ERR_NONE)
		status = strike(s, TR_VA_CREATE_CONTEXT, 0, NULL);
	return status == MFX_ERR_NONE ? open_session(s, settings) : status;
}

EXPORT mfxStatus MFXVideoENCODE_Reset(mfxSession session, mfxVideoParam *settings)
{
	struct session *s = get(session);

	if (!s->is_open)
		return MFX_ERR_NOT_INITIALIZED;
	mfxStatus status = check(s, settings);
	if (status != MFX_ERR_NONE)
		return status;
	free_memory(s);
	return open_session(s, settings);
}

/* One parameter set with its start code. */
static mfxU16 give_set(void (*put)(struct tr_bits *, const struct tr_va_job *),
	const struct tr_va_job *job, mfxU8 *out, mfxU16 room)
{
	uint8_t data[SETS_ROOM];
	struct tr_bits bits = {.data = data, .room = sizeof(data)};

	put(&bits, job);
	if (room < 4)
		return 0;
	memcpy(out, "\0\0\0\1", 4);
	long size = tr_bits_protect(data, bits.count / 8, out + 4, room - 4U);
	return size < 0 ? 0 : (mfxU16)(size + 4);
}

EXPORT mfxStatus MFXVideoENCODE_GetVideoParam(mfxSession session, mfxVideoParam *settings)
{
	struct session *s = get(session);
	mfxExtCodingOptionSPSPPS *sets =
		(void *)find_extra(settings, MFX_EXTBUFF_CODING_OPTION_SPSPPS);

	if (!s->is_open)
		return MFX_ERR_NOT_INITIALIZED;
	settings->mfx = s->settings.mfx;
	settings->AsyncDepth = s->settings.AsyncDepth;
	settings->IOPattern = s->settings.IOPattern;
	settings->mfx.BRCParamMultiplier = 1;
	unsigned kb = s->coded.size / 1000 + 1;
	if (kb > UINT16_MAX) {
		settings->mfx.BRCParamMultiplier = (mfxU16)(kb / UINT16_MAX + 1);
		kb = kb / settings->mfx.BRCParamMultiplier + 1;
	}
	settings->mfx.BufferSizeInKB = (mfxU16)kb;
	if (sets && sets->SPSBuffer)
		sets->SPSBufSize =
			give_set(tr_headers_put_sps, &s->job, sets->SPSBuffer, sets->SPSBufSize);
	if (sets && sets->PPSBuffer)
		sets->PPSBufSize =
			give_set(tr_headers_put_pps, &s->job, sets->PPSBuffer, sets->PPSBufSize);
	return MFX_ERR_NONE;
}

static void take_picture(struct session *s, const mfxFrameSurface1 *surface)
{
	size_t pitch = surface->Data.Pitch;

	for (unsigned y = 0; y < s->input.height; y++)
		memcpy(s->input.data + (size_t)y * s->input.pitch[0], surface->Data.Y + y * pitch,
			s->input.width);
	for (unsigned y = 0; y < s->input.height / 2; y++)
		memcpy(s->input.data + s->input.offset[1] + (size_t)y * s->input.pitch[1],
			surface->Data.UV + y * pitch, s->input.width);
}

static void describe_picture(struct session *s, bool is_idr)
{
	struct tr_va_job *job = &s->job;

	if (is_idr)
		s->since_idr = 0;
	job->picture.pic_fields.bits.idr_pic_flag = is_idr;
	job->picture.frame_num = s->since_idr & 0xff;
	job->slice_count = 1;
	job->slices[0] = (VAEncSliceParameterBufferH264){.slice_type = is_idr ? 2 : 0,
		.idr_pic_id = (uint16_t)(s->frames & 0x7fff),
		.num_macroblocks = (uint32_t)job->sequence.picture_width_in_mbs *
				   job->sequence.picture_height_in_mbs};
	job->input = &s->input;
	job->output = &s->pictures[s->frames & 1];
	job->reference = is_idr ? NULL : &s->pictures[~s->frames & 1];
	job->coded = &s->coded;
	s->since_idr++;
}

/* What a real runtime would not take. */
static mfxStatus check_picture(
	const struct session *s, const mfxFrameSurface1 *surface, const mfxBitstream *packet)
{
	const mfxFrameInfo *info = &s->settings.mfx.FrameInfo;

	if (!surface->Data.Y || !surface->Data.UV || !packet || !packet->Data)
		return MFX_ERR_NULL_PTR;
	if (surface->Data.Pitch < info->Width || surface->Info.Width != info->Width ||
		surface->Info.Height != info->Height || surface->Info.FourCC != MFX_FOURCC_NV12)
		return MFX_ERR_INVALID_VIDEO_PARAM;
	return packet->MaxLength - packet->DataOffset < s->coded.size ? MFX_ERR_NOT_ENOUGH_BUFFER
								      : MFX_ERR_NONE;
}

EXPORT mfxStatus MFXVideoENCODE_EncodeFrameAsync(mfxSession session, mfxEncodeCtrl *control,
	mfxFrameSurface1 *surface, mfxBitstream *packet, mfxSyncPoint *ret_sync)
{
	struct session *s = get(session);

	if (!s->is_open)
		return MFX_ERR_NOT_INITIALIZED;
	if (!surface)
		return MFX_ERR_MORE_DATA; /* nothing is held back */
	mfxStatus status = check_picture(s, surface, packet);
	if (status != MFX_ERR_NONE) {
		tr_va_personality_log(&s->personality, "mfx refused a picture: %d", status);
		return status;
	}
	status = strike(s, TR_VA_END_PICTURE, s->frames, &s->job.deed);
	if (status != MFX_ERR_NONE)
		return status;
	unsigned gop = s->settings.mfx.GopPicSize;
	bool is_idr = !s->frames || (gop && s->since_idr >= gop) ||
		      (control && control->FrameType & (MFX_FRAMETYPE_IDR | MFX_FRAMETYPE_I));
	take_picture(s, surface);
	describe_picture(s, is_idr);
	int64_t begin = tr_va_usage_begin();
	VAStatus coded = tr_va_code(&s->job);
	tr_va_usage_end(begin);
	if (coded != VA_STATUS_SUCCESS)
		return MFX_ERR_DEVICE_FAILED;
	s->frames++;
	*ret_sync = (mfxSyncPoint)(uintptr_t)s->frames;
	return tr_mfx_pending_keep(
		&s->pending[s->frames % PENDING_MAX], &(struct tr_mfx_pending){.packet = packet,
							      .number = s->frames,
							      .data = s->coded.data,
							      .size = s->coded.segment.size,
							      .time = surface->Data.TimeStamp,
							      .is_idr = is_idr});
}

EXPORT mfxStatus MFXVideoCORE_SyncOperation(mfxSession session, mfxSyncPoint sync, mfxU32 wait_ms)
{
	struct session *s = get(session);
	int64_t number = (int64_t)(uintptr_t)sync;
	struct tr_mfx_pending *pending = &s->pending[number % PENDING_MAX];

	(void)wait_ms;
	if (!sync || pending->number != number)
		return MFX_ERR_NULL_PTR;
	mfxStatus status = strike(s, TR_VA_SYNC, number - 1, NULL);
	if (status == MFX_ERR_NONE)
		status = tr_mfx_pending_give(pending);
	tr_mfx_pending_forget(pending);
	return status;
}

EXPORT mfxStatus MFXVideoENCODE_Close(mfxSession session)
{
	struct session *s = get(session);

	if (!s->is_open)
		return MFX_ERR_NOT_INITIALIZED;
	mfxStatus status = strike(s, TR_VA_DESTROY_CONTEXT, s->frames, NULL);
	free_memory(s);
	s->is_open = false;
	return status;
}

EXPORT mfxStatus MFXClose(mfxSession session)
{
	struct session *s = get(session);

	if (!s)
		return MFX_ERR_INVALID_HANDLE;
	tr_va_personality_log(&s->personality, "mfx close open=%d", s->is_open);
	free_memory(s);
	free(s);
	return MFX_ERR_NONE;
}
