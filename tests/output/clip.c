#include "output/clip.h"

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define FRAME_SAMPLES 1024

struct clip {
	AVCodecContext *video;
	AVCodecContext *audio;
	AVFrame *picture;
	AVFrame *sound;
	AVPacket *packet;
	int64_t samples;
	uint8_t avcc[256];
	size_t avcc_size;
};

static void need(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "no test material: %s\n", what);
	abort();
}

/* The next NAL unit of an Annex B stream, or NULL. */
static const uint8_t *next_nal(const uint8_t **at, const uint8_t *end, size_t *ret_size)
{
	const uint8_t *start = *at;

	while (start + 3 <= end && !(start[0] == 0 && start[1] == 0 && start[2] == 1))
		start++;
	if (start + 3 > end)
		return NULL;
	start += 3;
	const uint8_t *stop = start;
	while (stop + 3 <= end && !(stop[0] == 0 && stop[1] == 0 && stop[2] <= 1))
		stop++;
	if (stop + 3 > end)
		stop = end;
	*at = stop;
	*ret_size = (size_t)(stop - start);
	return start;
}

static void add_parameter_set(struct clip *clip, const uint8_t *nal, size_t size)
{
	clip->avcc[clip->avcc_size++] = (uint8_t)(size >> 8);
	clip->avcc[clip->avcc_size++] = (uint8_t)size;
	memcpy(clip->avcc + clip->avcc_size, nal, size);
	clip->avcc_size += size;
}

static void make_avcc(struct clip *clip)
{
	const uint8_t *at = clip->video->extradata;
	const uint8_t *end = at + clip->video->extradata_size;
	const uint8_t *nal;
	size_t size;

	while ((nal = next_nal(&at, end, &size))) {
		unsigned type = nal[0] & 31;
		if (type == 7) {
			uint8_t head[] = {1, nal[1], nal[2], nal[3], 0xff, 0xe1};
			memcpy(clip->avcc, head, sizeof(head));
			clip->avcc_size = sizeof(head);
			add_parameter_set(clip, nal, size);
			clip->avcc[clip->avcc_size++] = 1;
		} else if (type == 8) {
			add_parameter_set(clip, nal, size);
		}
	}
	need(clip->avcc_size > 0, "parameter sets");
}

static void open_video(struct clip *clip)
{
	const AVCodec *codec = avcodec_find_encoder_by_name("libx264");
	AVDictionary *options = NULL;

	need(codec, "libx264");
	clip->video = avcodec_alloc_context3(codec);
	need(clip->video, "memory");
	clip->video->width = CLIP_WIDTH;
	clip->video->height = CLIP_HEIGHT;
	clip->video->pix_fmt = AV_PIX_FMT_YUV420P;
	clip->video->time_base = (AVRational){1, 1000};
	clip->video->gop_size = 100000;
	clip->video->thread_count = 1;
	clip->video->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	clip->video->color_primaries = AVCOL_PRI_BT709;
	clip->video->color_trc = AVCOL_TRC_BT709;
	clip->video->colorspace = AVCOL_SPC_BT709;
	clip->video->color_range = AVCOL_RANGE_MPEG;
	av_dict_set(&options, "preset", "ultrafast", 0);
	av_dict_set(&options, "tune", "zerolatency", 0);
	av_dict_set(&options, "forced-idr", "1", 0);
	av_dict_set(&options, "x264-params", "log-level=error:sliced-threads=0", 0);
	need(avcodec_open2(clip->video, codec, &options) == 0, "cannot open libx264");
	av_dict_free(&options);
	make_avcc(clip);

	clip->picture = av_frame_alloc();
	need(clip->picture, "memory");
	clip->picture->format = AV_PIX_FMT_YUV420P;
	clip->picture->width = CLIP_WIDTH;
	clip->picture->height = CLIP_HEIGHT;
	need(av_frame_get_buffer(clip->picture, 0) == 0, "memory");
}

static void open_audio(struct clip *clip)
{
	const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);

	need(codec, "an AAC encoder");
	clip->audio = avcodec_alloc_context3(codec);
	need(clip->audio, "memory");
	clip->audio->sample_rate = CLIP_RATE;
	clip->audio->sample_fmt = AV_SAMPLE_FMT_FLTP;
	clip->audio->bit_rate = 128000;
	clip->audio->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
	av_channel_layout_default(&clip->audio->ch_layout, 2);
	need(avcodec_open2(clip->audio, codec, NULL) == 0, "cannot open the AAC encoder");

	clip->sound = av_frame_alloc();
	need(clip->sound, "memory");
	clip->sound->format = AV_SAMPLE_FMT_FLTP;
	clip->sound->nb_samples = FRAME_SAMPLES;
	clip->sound->sample_rate = CLIP_RATE;
	av_channel_layout_default(&clip->sound->ch_layout, 2);
	need(av_frame_get_buffer(clip->sound, 0) == 0, "memory");
}

struct clip *clip_create(void)
{
	struct clip *clip = calloc(1, sizeof(*clip));

	need(clip, "memory");
	av_log_set_level(AV_LOG_ERROR);
	clip->packet = av_packet_alloc();
	need(clip->packet, "memory");
	open_video(clip);
	open_audio(clip);
	return clip;
}

void clip_destroy(struct clip *clip)
{
	avcodec_free_context(&clip->video);
	avcodec_free_context(&clip->audio);
	av_frame_free(&clip->picture);
	av_frame_free(&clip->sound);
	av_packet_free(&clip->packet);
	free(clip);
}

const uint8_t *clip_video_extradata(const struct clip *clip, size_t *ret_size)
{
	*ret_size = clip->avcc_size;
	return clip->avcc;
}

const uint8_t *clip_audio_extradata(const struct clip *clip, size_t *ret_size)
{
	*ret_size = (size_t)clip->audio->extradata_size;
	return clip->audio->extradata;
}

static void draw(AVFrame *frame, int64_t pts_ns, enum clip_picture picture)
{
	int shift = (int)(pts_ns / 10000000);

	for (int y = 0; y < CLIP_HEIGHT; y++) {
		uint8_t *line = frame->data[0] + y * frame->linesize[0];
		for (int x = 0; x < CLIP_WIDTH; x++) {
			switch (picture) {
			case CLIP_MOVING:
				line[x] = (uint8_t)(16 + (x + y + 7 * shift) % 200);
				break;
			case CLIP_SLIDE:
				line[x] = (x / 40 + y / 24) % 2 ? 60 : 200;
				break;
			case CLIP_BLACK:
				line[x] = 16;
				break;
			case CLIP_WHITE:
				line[x] = 235;
				break;
			}
		}
	}
	for (int plane = 1; plane < 3; plane++)
		memset(frame->data[plane], 128, (size_t)frame->linesize[plane] * (CLIP_HEIGHT / 2));
}

struct tr_packet *clip_encode_picture(
	struct clip *clip, int64_t pts_ns, bool is_key, enum clip_picture picture)
{
	need(av_frame_make_writable(clip->picture) == 0, "memory");
	draw(clip->picture, pts_ns, picture);
	clip->picture->pts = pts_ns / 1000000;
	clip->picture->pict_type = is_key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
	need(avcodec_send_frame(clip->video, clip->picture) == 0, "a picture");
	need(avcodec_receive_packet(clip->video, clip->packet) == 0, "a picture at once");

	const uint8_t *end = clip->packet->data + clip->packet->size;
	const uint8_t *at = clip->packet->data, *nal;
	size_t size, total = 0;
	while ((nal = next_nal(&at, end, &size)))
		total += 4 + size;
	struct tr_packet *packet = tr_packet_create(TR_PACKET_VIDEO, total);
	need(packet, "memory");
	uint8_t *to = packet->data;
	for (at = clip->packet->data; (nal = next_nal(&at, end, &size)); to += size) {
		for (int i = 0; i < 4; i++)
			*to++ = (uint8_t)(size >> (24 - 8 * i));
		memcpy(to, nal, size);
	}
	packet->pts_ns = pts_ns;
	packet->is_key = clip->packet->flags & AV_PKT_FLAG_KEY;
	av_packet_unref(clip->packet);
	return packet;
}

struct tr_packet *clip_encode_sound(struct clip *clip, float amplitude)
{
	need(av_frame_make_writable(clip->sound) == 0, "memory");
	for (int i = 0; i < FRAME_SAMPLES; i++) {
		double phase = 2 * M_PI * 440 * (double)(clip->samples + i) / CLIP_RATE;
		float value = amplitude * (float)sin(phase);
		((float *)clip->sound->data[0])[i] = value;
		((float *)clip->sound->data[1])[i] = value;
	}
	clip->sound->pts = clip->samples;
	clip->samples += FRAME_SAMPLES;
	need(avcodec_send_frame(clip->audio, clip->sound) == 0, "sound");
	if (avcodec_receive_packet(clip->audio, clip->packet) < 0)
		return NULL;
	struct tr_packet *packet = tr_packet_create(TR_PACKET_AUDIO, (size_t)clip->packet->size);
	need(packet, "memory");
	memcpy(packet->data, clip->packet->data, packet->size);
	packet->pts_ns = clip->packet->pts * INT64_C(1000000000) / CLIP_RATE;
	packet->duration_ns = FRAME_SAMPLES * INT64_C(1000000000) / CLIP_RATE;
	packet->is_key = true;
	av_packet_unref(clip->packet);
	return packet;
}
