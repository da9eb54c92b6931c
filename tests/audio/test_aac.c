/* Encodes with the real encoder and hears the result with the real decoder. */
#include "test.h"

#include "encode/aac.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#define PACKETS_MAX 512

struct sink {
	struct tr_packet *packets[PACKETS_MAX];
	unsigned count;
};

static struct sink sink;

static void keep(struct tr_packet *packet, void *user)
{
	struct sink *to = user;

	assert_true(to->count < PACKETS_MAX);
	to->packets[to->count++] = packet;
}

static int empty_sink(void **state)
{
	for (unsigned i = 0; i < sink.count; i++)
		tr_packet_unref(sink.packets[i]);
	sink.count = 0;
	return 0;
}

static float tone(int64_t i)
{
	return 0.5f * sinf(2 * (float)M_PI * (float)(i % 48000) * 997 / 48000);
}

/* Pushes a tone in blocks of odd sizes. */
static struct tr_aac *encode_tone(int64_t frames)
{
	struct tr_aac *aac = NULL;
	float left[2000], right[2000];
	int64_t done = 0;

	assert_int_equal(tr_aac_create(0, keep, &sink, &aac), 0);
	for (unsigned size = 1; done < frames; size = size * 7 % 1999 + 1) {
		unsigned count = frames - done < size ? (unsigned)(frames - done) : size;
		for (unsigned i = 0; i < count; i++)
			left[i] = right[i] = tone(done + i);
		assert_int_equal(tr_aac_push(aac, left, right, count), 0);
		done += count;
	}
	assert_int_equal(tr_aac_finish(aac), 0);
	return aac;
}

static void times_are_exact_and_begin_with_the_priming(void **state)
{
	struct tr_aac *aac = encode_tone(48000 * 3 + 17);

	assert_int_equal(tr_aac_padding(aac), 1024);
	assert_int_equal(sink.packets[0]->pts_ns, -21333333);
	for (unsigned i = 0; i < sink.count; i++) {
		struct tr_packet *packet = sink.packets[i];
		assert_int_equal(packet->track, TR_PACKET_AUDIO);
		assert_true(packet->is_key);
		assert_true(packet->size > 0);
		double exact = ((double)i * 1024 - 1024) / 48000 * 1e9;
		assert_true(fabs((double)packet->pts_ns - exact) <= 1);
		if (i > 0)
			assert_int_equal(packet->pts_ns,
				sink.packets[i - 1]->pts_ns + sink.packets[i - 1]->duration_ns);
	}
	struct tr_packet *last = sink.packets[sink.count - 1];
	assert_true(last->pts_ns + last->duration_ns >= (int64_t)((48000 * 3 + 17) / 48e3 * 1e9));
	tr_aac_destroy(aac);
}

static int64_t decode_all(const struct tr_aac *aac, float *out, int64_t room)
{
	const uint8_t *extra;
	size_t extra_size;
	int64_t got = 0;
	AVPacket *packet = av_packet_alloc();
	AVFrame *frame = av_frame_alloc();
	AVCodecContext *decoder = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_AAC));

	tr_aac_extradata(aac, &extra, &extra_size);
	decoder->extradata = av_mallocz(extra_size + AV_INPUT_BUFFER_PADDING_SIZE);
	memcpy(decoder->extradata, extra, extra_size);
	decoder->extradata_size = (int)extra_size;
	assert_int_equal(avcodec_open2(decoder, NULL, NULL), 0);
	for (unsigned i = 0; i < sink.count; i++) {
		packet->data = sink.packets[i]->data;
		packet->size = (int)sink.packets[i]->size;
		assert_int_equal(avcodec_send_packet(decoder, packet), 0);
		while (avcodec_receive_frame(decoder, frame) == 0) {
			assert_int_equal(frame->sample_rate, 48000);
			assert_int_equal(frame->ch_layout.nb_channels, 2);
			assert_true(got + frame->nb_samples <= room);
			memcpy(out + got, frame->data[0],
				(size_t)frame->nb_samples * sizeof(float));
			got += frame->nb_samples;
		}
	}
	avcodec_free_context(&decoder);
	av_frame_free(&frame);
	av_packet_free(&packet);
	return got;
}

static void the_sound_is_where_the_times_say(void **state)
{
	int64_t frames = 48000 * 2;
	float *out = calloc((size_t)frames + 8192, sizeof(float));
	double signal = 0, noise = 0;
	struct tr_aac *aac = encode_tone(frames);

	int64_t got = decode_all(aac, out, frames + 8192);
	assert_true(got >= frames + 1024);
	for (int64_t i = 4096; i < frames - 4096; i++) {
		double want = tone(i), is = out[i + tr_aac_padding(aac)];
		signal += want * want;
		noise += (want - is) * (want - is);
	}
	assert_true(10 * log10(signal / noise) > 25);
	free(out);
	tr_aac_destroy(aac);
}

static void the_bitrate_is_about_met_and_wild_ones_are_refused(void **state)
{
	struct tr_aac *aac = encode_tone(48000 * 2);
	size_t bytes = 0;

	for (unsigned i = 0; i < sink.count; i++)
		bytes += sink.packets[i]->size;
	assert_in_range(bytes, 2000, 128000 / 8 * 2 * 12 / 10);
	tr_aac_destroy(aac);
	assert_int_equal(tr_aac_create(1, keep, &sink, &aac), -EINVAL);
	assert_int_equal(tr_aac_create(10000000, keep, &sink, &aac), -EINVAL);
}

static void after_finish_nothing_more_goes_in(void **state)
{
	float silence[10] = {0};
	struct tr_aac *aac = encode_tone(5);
	unsigned count = sink.count;

	assert_true(count >= 1);
	assert_int_equal(tr_aac_push(aac, silence, silence, 10), -EPIPE);
	assert_int_equal(tr_aac_finish(aac), 0);
	assert_int_equal(sink.count, count);
	tr_aac_destroy(aac);
}

static void an_encoder_without_sound_ends_without_trouble(void **state)
{
	struct tr_aac *aac = NULL;

	assert_int_equal(tr_aac_create(96000, keep, &sink, &aac), 0);
	assert_int_equal(tr_aac_finish(aac), 0);
	tr_aac_destroy(aac);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(times_are_exact_and_begin_with_the_priming, empty_sink),
		cmocka_unit_test_teardown(the_sound_is_where_the_times_say, empty_sink),
		cmocka_unit_test_teardown(
			the_bitrate_is_about_met_and_wild_ones_are_refused, empty_sink),
		cmocka_unit_test_teardown(after_finish_nothing_more_goes_in, empty_sink),
		cmocka_unit_test_teardown(
			an_encoder_without_sound_ends_without_trouble, empty_sink),
	};
	return cmocka_run_group_tests_name("aac", tests, NULL, NULL);
}
