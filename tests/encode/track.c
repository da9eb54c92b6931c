#include "test.h"

#include "encode/track.h"

#include "core/clock.h"
#include "output/mp4.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#define PERIOD_NS (TR_NS_PER_S / 30)
#define PATIENCE_NS (60 * TR_NS_PER_S)
#define FILE_NAME "track.mp4"

static unsigned decoder_words;

struct tr_rung track_rung(const char *device, enum tr_rung_rate rate, int profile)
{
	static const char *const rates[] = {"CQP", "CBR", "VBR"};
	struct tr_rung rung = {.kind = TR_RUNG_VAAPI, .rate = rate, .profile = profile};

	if (!device) {
		rung = (struct tr_rung){.kind = TR_RUNG_SOFTWARE, .name = "libx264"};
		return rung;
	}
	snprintf(rung.device, sizeof(rung.device), "%s", device);
	snprintf(rung.name, sizeof(rung.name), "h264_vaapi %s %d %s", strrchr(device, '/') + 1,
		profile, rates[rate]);
	return rung;
}

/* ---- the pictures ---- */

static uint8_t luma_of(int i, int x, int y)
{
	return (uint8_t)(16 + (x * 3 + y * 2 + i * 7) % 210);
}

static uint8_t chroma_of(int i, int x, int y)
{
	return (uint8_t)(64 + (x / 2 + y + i * 3) % 120);
}

static void paint(struct tr_picture *picture, int i)
{
	for (int y = 0; y < picture->height; y++)
		for (int x = 0; x < picture->width; x++)
			picture->y[y * picture->y_stride + x] = luma_of(i, x, y);
	for (int y = 0; y < picture->height / 2; y++)
		for (int x = 0; x < picture->width; x++)
			picture->uv[y * picture->uv_stride + x] = chroma_of(i, x, y);
}

/* The greatest and the mean difference to picture `i`. */
static void compare(const AVFrame *frame, int i, int *ret_most, double *ret_mean)
{
	double sum = 0;
	int most = 0;

	for (int y = 0; y < frame->height; y++)
		for (int x = 0; x < frame->width; x++) {
			int luma =
				abs(frame->data[0][y * frame->linesize[0] + x] - luma_of(i, x, y));
			sum += luma;
			most = luma > most ? luma : most;
			if (y % 2 || x % 2)
				continue;
			for (int plane = 0; plane < 2; plane++) {
				const uint8_t *row =
					frame->data[1 + plane] + y / 2 * frame->linesize[1 + plane];
				int chroma = abs(row[x / 2] - chroma_of(i, x + plane, y / 2));
				most = chroma > most ? chroma : most;
			}
		}
	*ret_most = most;
	*ret_mean = sum / (frame->width * frame->height);
}

/* ---- recording ---- */

static int wait_packet(struct tr_relay *relay, struct track_result *ret, struct tr_packet **packet)
{
	int64_t begin_ns = tr_clock_now_ns();
	int rc = -EAGAIN;

	while (rc == -EAGAIN && tr_clock_now_ns() - begin_ns < PATIENCE_NS) {
		struct pollfd poll_fd = {.fd = tr_relay_fd(relay), .events = POLLIN};
		if (poll(&poll_fd, 1, 20) > 0)
			rc = tr_relay_receive(relay, packet);
		else if (tr_relay_watch(relay) < 0)
			rc = -EIO;
	}
	int64_t waited_ns = tr_clock_now_ns() - begin_ns;
	if (waited_ns > ret->longest_wait_ns)
		ret->longest_wait_ns = waited_ns;
	return rc;
}

static int record_picture(struct tr_relay *relay, const struct track_settings *settings, int i,
	struct tr_mp4 *mp4, struct track_result *ret)
{
	struct tr_picture *picture = tr_relay_picture(relay);
	struct tr_packet *packet = NULL;
	bool is_key = i == 0 || (settings->key_every > 0 && i % settings->key_every == 0);

	paint(picture, i);
	if (settings->coarser_from > 0 && i == settings->coarser_from)
		tr_relay_set_coarser(relay, 12);
	int rc = tr_relay_submit(
		relay, i * PERIOD_NS, is_key, false, picture->map_width * picture->map_height);
	if (rc == 0)
		rc = wait_packet(relay, ret, &packet);
	if (rc < 0)
		return rc;
	assert_int_equal(packet->pts_ns, i * PERIOD_NS);
	ret->keys += packet->is_key;
	ret->bytes += (int64_t)packet->size;
	rc = tr_mp4_write(mp4, packet);
	tr_packet_unref(packet);
	return rc;
}

static void record(const struct track_settings *settings, struct tr_ladder *ladder, int dirfd,
	struct track_result *ret)
{
	char program[512];
	const uint8_t *extradata;
	struct tr_relay *relay = NULL;
	struct tr_mp4 *mp4 = NULL;

	snprintf(program, sizeof(program), "%s/telerec-encoder", getenv("TR_BUILD_DIR"));
	struct tr_encoder_settings encoder = {.program = program,
		.video = {.width = settings->width,
			.height = settings->height,
			.rate = 30,
			.quality = settings->quality,
			.kbps = settings->kbps}};
	assert_int_equal(tr_relay_create(&encoder, ladder, &relay), 0);
	ret->rc = tr_relay_start(relay);
	if (ret->rc == 0) {
		struct tr_mp4_settings file = {.dirfd = dirfd,
			.name = FILE_NAME,
			.width = settings->width,
			.height = settings->height,
			.bt709_limited = true};
		file.video_extradata_size = tr_relay_extradata(relay, &extradata);
		file.video_extradata = extradata;
		ret->sets = extradata[5] & 31;
		assert_int_equal(tr_mp4_open(&file, &mp4), 0);
	}
	for (int i = 0; ret->rc == 0 && i < settings->pictures; i++)
		ret->rc = record_picture(relay, settings, i, mp4, ret);
	ret->log = *tr_relay_log(relay);
	ret->handovers = tr_relay_handovers(relay);
	tr_relay_destroy(relay);
	if (mp4)
		assert_int_equal(tr_mp4_finish(mp4), 0);
}

/* ---- playing ---- */

static void count_words(void *context, int level, const char *format, va_list args)
{
	if (level > AV_LOG_WARNING)
		return;
	decoder_words++;
	vprintf(format, args);
}

/* Parameter sets among the pictures: players of this kind of file need not take them. */
static int count_in_band_sets(const AVPacket *packet)
{
	int count = 0;

	for (int at = 0; at + 4 < packet->size;) {
		int size = packet->data[at] << 24 | packet->data[at + 1] << 16 |
			   packet->data[at + 2] << 8 | packet->data[at + 3];
		int type = packet->data[at + 4] & 31;
		count += type == 7 || type == 8;
		at += 4 + size;
	}
	return count;
}

static void look(const AVFrame *frame, struct track_result *ret)
{
	int most;
	double mean;

	compare(frame, ret->decoded, &most, &mean);
	ret->decoded++;
	ret->exact += most == 0;
	ret->close += mean < 8;
	ret->has_tags = ret->has_tags && frame->colorspace == AVCOL_SPC_BT709 &&
			frame->color_primaries == AVCOL_PRI_BT709 &&
			frame->color_trc == AVCOL_TRC_BT709 &&
			frame->color_range == AVCOL_RANGE_MPEG;
}

static bool decode(AVCodecContext *decoder, const AVPacket *packet, struct track_result *ret)
{
	AVFrame *frame = av_frame_alloc();
	bool is_good = avcodec_send_packet(decoder, packet) == 0;

	while (is_good && avcodec_receive_frame(decoder, frame) == 0)
		look(frame, ret);
	av_frame_free(&frame);
	return is_good;
}

static void play(const char *path, struct track_result *ret)
{
	AVFormatContext *file = NULL;
	AVPacket *packet = av_packet_alloc();

	decoder_words = 0;
	av_log_set_callback(count_words);
	assert_int_equal(avformat_open_input(&file, path, NULL, NULL), 0);
	const AVCodecParameters *parameters = file->streams[0]->codecpar;
	AVCodecContext *decoder =
		avcodec_alloc_context3(avcodec_find_decoder(parameters->codec_id));
	assert_true(avcodec_parameters_to_context(decoder, parameters) >= 0);
	decoder->thread_count = 1;
	decoder->err_recognition = AV_EF_EXPLODE;
	assert_int_equal(avcodec_open2(decoder, NULL, NULL), 0);
	bool is_good = true;
	ret->has_tags = true;
	while (is_good && av_read_frame(file, packet) >= 0) {
		ret->in_band_sets += count_in_band_sets(packet);
		is_good = decode(decoder, packet, ret);
		av_packet_unref(packet);
	}
	is_good = decode(decoder, NULL, ret) && is_good;
	ret->decodes_without_words = is_good && decoder_words == 0;
	av_packet_free(&packet);
	avcodec_free_context(&decoder);
	avformat_close_input(&file);
	av_log_set_callback(av_log_default_callback);
}

void track_record(
	const struct track_settings *settings, struct tr_ladder *ladder, struct track_result *ret)
{
	char dir[] = "/tmp/telerec-track.XXXXXX", path[64];

	*ret = (struct track_result){0};
	assert_non_null(mkdtemp(dir));
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	record(settings, ladder, dirfd, ret);
	snprintf(path, sizeof(path), "%s/" FILE_NAME, dir);
	if (ret->rc == 0)
		play(path, ret);
	unlink(path);
	close(dirfd);
	rmdir(dir);
}
