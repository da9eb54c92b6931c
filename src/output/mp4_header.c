#include "output/mp4_internal.h"

#include <string.h>

#define MOVIE_SCALE 1000

static void put_matrix(struct tr_boxes *boxes)
{
	static const uint32_t unity[9] = {0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000};

	for (unsigned i = 0; i < TR_COUNT(unity); i++)
		tr_boxes_put32(boxes, unity[i]);
}

static void put_file_type(struct tr_boxes *boxes)
{
	tr_boxes_begin(boxes, "ftyp");
	tr_boxes_put_bytes(boxes, "iso6", 4);
	tr_boxes_put32(boxes, 512);
	tr_boxes_put_bytes(boxes, "iso6iso5avc1mp41", 16);
	tr_boxes_end(boxes);
}

static void put_movie_header(struct tr_boxes *boxes)
{
	tr_boxes_begin_full(boxes, "mvhd", 0, 0);
	tr_boxes_put_zeros(boxes, 8); /* made, changed */
	tr_boxes_put32(boxes, MOVIE_SCALE);
	tr_boxes_put32(boxes, 0); /* length: in the fragments */
	tr_boxes_put32(boxes, 0x10000);
	tr_boxes_put16(boxes, 0x100);
	tr_boxes_put_zeros(boxes, 10);
	put_matrix(boxes);
	tr_boxes_put_zeros(boxes, 24);
	tr_boxes_put32(boxes, 3); /* next track */
	tr_boxes_end(boxes);
}

static void put_track_header(struct tr_boxes *boxes, const struct tr_mp4_track *track,
	unsigned volume, int width, int height)
{
	tr_boxes_begin_full(boxes, "tkhd", 0, 7 /* enabled, in the movie, in the preview */);
	tr_boxes_put_zeros(boxes, 8);
	tr_boxes_put32(boxes, track->id);
	tr_boxes_put_zeros(boxes, 4 + 4 + 8 + 2 + 2);
	tr_boxes_put16(boxes, volume);
	tr_boxes_put16(boxes, 0);
	put_matrix(boxes);
	tr_boxes_put32(boxes, (uint32_t)width << 16);
	tr_boxes_put32(boxes, (uint32_t)height << 16);
	tr_boxes_end(boxes);

	if (track->shift == 0)
		return;
	tr_boxes_begin(boxes, "edts");
	tr_boxes_begin_full(boxes, "elst", 0, 0);
	tr_boxes_put32(boxes, 1);
	tr_boxes_put32(boxes, 0); /* to the end, wherever that will be */
	tr_boxes_put32(boxes, (uint32_t)track->shift);
	tr_boxes_put32(boxes, 0x10000);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
}

static void put_media_header(struct tr_boxes *boxes, const struct tr_mp4_track *track,
	const char *handler, const char *name)
{
	tr_boxes_begin_full(boxes, "mdhd", 0, 0);
	tr_boxes_put_zeros(boxes, 8);
	tr_boxes_put32(boxes, track->scale);
	tr_boxes_put32(boxes, 0);
	tr_boxes_put16(boxes, 0x55c4); /* language: undetermined */
	tr_boxes_put16(boxes, 0);
	tr_boxes_end(boxes);

	tr_boxes_begin_full(boxes, "hdlr", 0, 0);
	tr_boxes_put32(boxes, 0);
	tr_boxes_put_bytes(boxes, handler, 4);
	tr_boxes_put_zeros(boxes, 12);
	tr_boxes_put_bytes(boxes, name, strlen(name) + 1);
	tr_boxes_end(boxes);
}

static void put_data_information(struct tr_boxes *boxes)
{
	tr_boxes_begin(boxes, "dinf");
	tr_boxes_begin_full(boxes, "dref", 0, 0);
	tr_boxes_put32(boxes, 1);
	tr_boxes_begin_full(boxes, "url ", 0, 1 /* in this file */);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
}

/* The samples are in the fragments; the tables here are empty. */
static void put_empty_tables(struct tr_boxes *boxes)
{
	static const char *const tables[] = {"stts", "stsc", "stco"};

	for (unsigned i = 0; i < TR_COUNT(tables); i++) {
		tr_boxes_begin_full(boxes, tables[i], 0, 0);
		tr_boxes_put32(boxes, 0);
		tr_boxes_end(boxes);
	}
	tr_boxes_begin_full(boxes, "stsz", 0, 0);
	tr_boxes_put_zeros(boxes, 8);
	tr_boxes_end(boxes);
}

static void put_avc1(struct tr_boxes *boxes, const struct tr_mp4_settings *settings)
{
	tr_boxes_begin(boxes, "avc1");
	tr_boxes_put_zeros(boxes, 6);
	tr_boxes_put16(boxes, 1); /* data reference */
	tr_boxes_put_zeros(boxes, 16);
	tr_boxes_put16(boxes, (unsigned)settings->width);
	tr_boxes_put16(boxes, (unsigned)settings->height);
	tr_boxes_put32(boxes, 0x480000); /* 72 dpi */
	tr_boxes_put32(boxes, 0x480000);
	tr_boxes_put32(boxes, 0);
	tr_boxes_put16(boxes, 1); /* picture per sample */
	tr_boxes_put_zeros(boxes, 32);
	tr_boxes_put16(boxes, 0x18);
	tr_boxes_put16(boxes, 0xffff);

	tr_boxes_begin(boxes, "avcC");
	tr_boxes_put_bytes(boxes, settings->video_extradata, settings->video_extradata_size);
	tr_boxes_end(boxes);
	if (settings->bt709_limited) {
		tr_boxes_begin(boxes, "colr");
		tr_boxes_put_bytes(boxes, "nclx", 4);
		tr_boxes_put16(boxes, 1);
		tr_boxes_put16(boxes, 1);
		tr_boxes_put16(boxes, 1);
		tr_boxes_put8(boxes, 0);
		tr_boxes_end(boxes);
	}
	tr_boxes_begin(boxes, "pasp");
	tr_boxes_put32(boxes, 1);
	tr_boxes_put32(boxes, 1);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
}

/* Descriptors inside esds: a tag, the length of what follows, and that. All are below 128 bytes. */
static void put_esds(struct tr_boxes *boxes, const struct tr_mp4_settings *settings)
{
	unsigned config = (unsigned)settings->audio_extradata_size;

	tr_boxes_begin_full(boxes, "esds", 0, 0);
	tr_boxes_put8(boxes, 3); /* elementary stream */
	tr_boxes_put8(boxes, 3 + 2 + 13 + 2 + config + 3);
	tr_boxes_put16(boxes, 2);
	tr_boxes_put8(boxes, 0);
	tr_boxes_put8(boxes, 4); /* decoder */
	tr_boxes_put8(boxes, 13 + 2 + config);
	tr_boxes_put8(boxes, 0x40); /* MPEG-4 audio */
	tr_boxes_put8(boxes, 0x15);
	tr_boxes_put8(boxes, 0);
	tr_boxes_put16(boxes, 6144 / 8 * 2);
	tr_boxes_put32(boxes, (uint32_t)settings->audio_bitrate);
	tr_boxes_put32(boxes, (uint32_t)settings->audio_bitrate);
	tr_boxes_put8(boxes, 5);
	tr_boxes_put8(boxes, config);
	tr_boxes_put_bytes(boxes, settings->audio_extradata, config);
	tr_boxes_put8(boxes, 6);
	tr_boxes_put8(boxes, 1);
	tr_boxes_put8(boxes, 2);
	tr_boxes_end(boxes);
}

static void put_mp4a(struct tr_boxes *boxes, const struct tr_mp4_settings *settings)
{
	tr_boxes_begin(boxes, "mp4a");
	tr_boxes_put_zeros(boxes, 6);
	tr_boxes_put16(boxes, 1);
	tr_boxes_put_zeros(boxes, 8);
	tr_boxes_put16(boxes, 2);
	tr_boxes_put16(boxes, 16);
	tr_boxes_put32(boxes, 0);
	tr_boxes_put32(boxes, (uint32_t)TR_MP4_AUDIO_RATE << 16);
	put_esds(boxes, settings);
	tr_boxes_end(boxes);
}

static void put_video_track(struct tr_boxes *boxes, const struct tr_mp4_track *track,
	const struct tr_mp4_settings *settings)
{
	tr_boxes_begin(boxes, "trak");
	put_track_header(boxes, track, 0, settings->width, settings->height);
	tr_boxes_begin(boxes, "mdia");
	put_media_header(boxes, track, "vide", "video");
	tr_boxes_begin(boxes, "minf");
	tr_boxes_begin_full(boxes, "vmhd", 0, 1);
	tr_boxes_put_zeros(boxes, 8);
	tr_boxes_end(boxes);
	put_data_information(boxes);
	tr_boxes_begin(boxes, "stbl");
	tr_boxes_begin_full(boxes, "stsd", 0, 0);
	tr_boxes_put32(boxes, 1);
	put_avc1(boxes, settings);
	tr_boxes_end(boxes);
	put_empty_tables(boxes);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
}

static void put_audio_track(struct tr_boxes *boxes, const struct tr_mp4_track *track,
	const struct tr_mp4_settings *settings)
{
	tr_boxes_begin(boxes, "trak");
	put_track_header(boxes, track, 0x100, 0, 0);
	tr_boxes_begin(boxes, "mdia");
	put_media_header(boxes, track, "soun", "sound");
	tr_boxes_begin(boxes, "minf");
	tr_boxes_begin_full(boxes, "smhd", 0, 0);
	tr_boxes_put_zeros(boxes, 4);
	tr_boxes_end(boxes);
	put_data_information(boxes);
	tr_boxes_begin(boxes, "stbl");
	tr_boxes_begin_full(boxes, "stsd", 0, 0);
	tr_boxes_put32(boxes, 1);
	put_mp4a(boxes, settings);
	tr_boxes_end(boxes);
	put_empty_tables(boxes);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
}

static void put_track_defaults(
	struct tr_boxes *boxes, const struct tr_mp4_track *track, uint32_t flags)
{
	tr_boxes_begin_full(boxes, "trex", 0, 0);
	tr_boxes_put32(boxes, track->id);
	tr_boxes_put32(boxes, 1); /* sample description */
	tr_boxes_put_zeros(boxes, 8);
	tr_boxes_put32(boxes, flags);
	tr_boxes_end(boxes);
}

int64_t tr_mp4_put_header(struct tr_boxes *boxes, const struct tr_mp4_settings *settings,
	const struct tr_mp4_track *video, const struct tr_mp4_track *audio)
{
	put_file_type(boxes);
	tr_boxes_begin(boxes, "moov");
	put_movie_header(boxes);
	if (video->exists)
		put_video_track(boxes, video, settings);
	if (audio->exists)
		put_audio_track(boxes, audio, settings);
	tr_boxes_begin(boxes, "mvex");
	tr_boxes_begin_full(boxes, "mehd", 1, 0);
	int64_t length_at = (int64_t)boxes->size;
	tr_boxes_put64(boxes, 0); /* the whole length: known at the end */
	tr_boxes_end(boxes);
	if (video->exists)
		put_track_defaults(boxes, video, TR_MP4_SAMPLE_DELTA);
	if (audio->exists)
		put_track_defaults(boxes, audio, TR_MP4_SAMPLE_KEY);
	tr_boxes_end(boxes);
	tr_boxes_end(boxes);
	return length_at;
}
