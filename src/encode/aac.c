#define TR_LOG_AREA "aac"
#include "encode/aac.h"

#include "core/log.h"

#include <errno.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>

#define RATE 48000
#define BITRATE_DEFAULT 128000
#define BITRATE_MIN 32000
#define BITRATE_MAX 320000

struct tr_aac {
	tr_aac_packet_fn on_packet;
	void *user;
	AVCodecContext *context;
	AVFrame *frame;
	AVPacket *packet;
	float left[TR_AAC_FRAME], right[TR_AAC_FRAME];
	unsigned filled;
	int64_t pushed;	 /* frames given to the encoder */
	int64_t packets; /* given to the caller */
	bool is_finished;
};

/* Exact, and rounded the same way for negative numbers: packets never drift against each other. */
static int64_t time_of(int64_t samples)
{
	int64_t scaled = samples * 62500;

	return (scaled >= 0 ? scaled + 1 : scaled - 1) / 3;
}

static int hand_out(struct tr_aac *aac)
{
	struct tr_packet *packet = tr_packet_create(TR_PACKET_AUDIO, (size_t)aac->packet->size);

	if (!packet)
		return -ENOMEM;
	int64_t first = aac->packets * TR_AAC_FRAME - tr_aac_padding(aac);
	memcpy(packet->data, aac->packet->data, packet->size);
	packet->pts_ns = time_of(first);
	packet->duration_ns = time_of(first + TR_AAC_FRAME) - packet->pts_ns;
	packet->is_key = true;
	aac->packets++;
	aac->on_packet(packet, aac->user);
	return 0;
}

/* NULL for `frame`: the end. */
static int encode(struct tr_aac *aac, const AVFrame *frame)
{
	int rc = avcodec_send_frame(aac->context, frame);

	while (rc >= 0) {
		rc = avcodec_receive_packet(aac->context, aac->packet);
		if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF)
			return 0;
		if (rc < 0)
			break;
		int handed = hand_out(aac);
		av_packet_unref(aac->packet);
		if (handed < 0)
			return handed;
	}
	return tr_fail(rc == AVERROR(ENOMEM) ? -ENOMEM : -EIO, "cannot encode sound");
}

static int encode_filled(struct tr_aac *aac)
{
	int rc = av_frame_make_writable(aac->frame);
	if (rc < 0)
		return -ENOMEM;
	memset(aac->left + aac->filled, 0, (TR_AAC_FRAME - aac->filled) * sizeof(float));
	memset(aac->right + aac->filled, 0, (TR_AAC_FRAME - aac->filled) * sizeof(float));
	memcpy(aac->frame->data[0], aac->left, sizeof(aac->left));
	memcpy(aac->frame->data[1], aac->right, sizeof(aac->right));
	aac->frame->pts = aac->pushed;
	aac->pushed += TR_AAC_FRAME;
	aac->filled = 0;
	return encode(aac, aac->frame);
}

static int open_encoder(struct tr_aac *aac, int bitrate)
{
	AVChannelLayout stereo = AV_CHANNEL_LAYOUT_STEREO;
	const AVCodec *codec = avcodec_find_encoder_by_name("aac");

	if (!codec)
		return tr_fail(-ENOSYS, "this libavcodec has no AAC encoder");
	aac->context = avcodec_alloc_context3(codec);
	aac->frame = av_frame_alloc();
	aac->packet = av_packet_alloc();
	if (!aac->context || !aac->frame || !aac->packet)
		return -ENOMEM;
	aac->context->bit_rate = bitrate;
	aac->context->sample_rate = RATE;
	aac->context->sample_fmt = AV_SAMPLE_FMT_FLTP;
	aac->context->time_base = (AVRational){1, RATE};
	aac->context->ch_layout = stereo;
	aac->context->thread_count = 1;
	aac->context->log_level_offset = 8; /* its statistics at the end are for nobody */
	aac->context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	/* A fifth cheaper than the default coder, and good enough for speech at 128 kbit/s. */
	av_opt_set(aac->context->priv_data, "aac_coder", "fast", 0);
	int rc = avcodec_open2(aac->context, codec, NULL);
	if (rc < 0)
		return tr_fail(-EINVAL, "the AAC encoder refused %d bit/s", bitrate);
	if (aac->context->frame_size != TR_AAC_FRAME)
		return tr_fail(-ENOSYS, "the AAC encoder wants blocks of %d samples",
			aac->context->frame_size);
	aac->frame->format = AV_SAMPLE_FMT_FLTP;
	aac->frame->sample_rate = RATE;
	aac->frame->nb_samples = TR_AAC_FRAME;
	aac->frame->ch_layout = stereo;
	return av_frame_get_buffer(aac->frame, 0) < 0 ? -ENOMEM : 0;
}

int tr_aac_create(int bitrate, tr_aac_packet_fn on_packet, void *user, struct tr_aac **ret_aac)
{
	TR_CLEANUP(tr_aac_destroyp) struct tr_aac *aac = calloc(1, sizeof(*aac));

	if (!aac)
		return -ENOMEM;
	if (bitrate == 0)
		bitrate = BITRATE_DEFAULT;
	if (bitrate < BITRATE_MIN || bitrate > BITRATE_MAX)
		return tr_fail(-EINVAL, "a sound bitrate of %d bit/s is not within %d and %d",
			bitrate, BITRATE_MIN, BITRATE_MAX);
	aac->on_packet = on_packet;
	aac->user = user;
	int rc = open_encoder(aac, bitrate);
	if (rc < 0)
		return rc;
	*ret_aac = tr_take(aac);
	return 0;
}

void tr_aac_destroy(struct tr_aac *aac)
{
	if (!aac)
		return;
	av_packet_free(&aac->packet);
	av_frame_free(&aac->frame);
	avcodec_free_context(&aac->context);
	free(aac);
}

int tr_aac_push(struct tr_aac *aac, const float *left, const float *right, unsigned frames)
{
	if (aac->is_finished)
		return -EPIPE;
	while (frames > 0) {
		unsigned room = TR_AAC_FRAME - aac->filled;
		unsigned count = frames < room ? frames : room;
		memcpy(aac->left + aac->filled, left, count * sizeof(float));
		memcpy(aac->right + aac->filled, right, count * sizeof(float));
		aac->filled += count;
		left += count;
		right += count;
		frames -= count;
		if (aac->filled == TR_AAC_FRAME) {
			int rc = encode_filled(aac);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int tr_aac_finish(struct tr_aac *aac)
{
	if (aac->is_finished)
		return 0;
	if (aac->filled > 0) {
		int rc = encode_filled(aac);
		if (rc < 0)
			return rc;
	}
	aac->is_finished = true;
	return encode(aac, NULL);
}

void tr_aac_extradata(const struct tr_aac *aac, const uint8_t **ret_data, size_t *ret_size)
{
	*ret_data = aac->context->extradata;
	*ret_size = (size_t)aac->context->extradata_size;
}

unsigned tr_aac_padding(const struct tr_aac *aac)
{
	return (unsigned)aac->context->initial_padding;
}
