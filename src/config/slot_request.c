#include "config/slot_request.h"

#include "config/display_words.h"

#include <stdio.h>

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text);
}

void tr_slot_request_fill_configure(const struct tr_config *config, struct tr_message_configure *to)
{
	to->width = config->video.width;
	to->height = config->video.height;
	to->frame_rate = config->video.frame_rate;
	copy(to->sound, sizeof(to->sound), config->sound.source);
	copy(to->sound_capture_pcm, sizeof(to->sound_capture_pcm), config->sound.capture_pcm);
	copy(to->sound_player_pcm, sizeof(to->sound_player_pcm), config->sound.player_pcm);
	copy(to->browser, sizeof(to->browser), config->browser.path);
	copy(to->encoder, sizeof(to->encoder), config->video.encoder);
	if (!tr_display_words_is_own(config->video.display))
		copy(to->display, sizeof(to->display), config->video.display);
	copy(to->xauthority, sizeof(to->xauthority), config->video.xauthority);
	to->has_zero_copy = !config->video.is_zero_copy_off;
	to->ignore_certificate_errors = config->browser.ignore_certificate_errors;
}

void tr_slot_request_fill_start(const struct tr_config *config, struct tr_message_start *to)
{
	to->constant_rate = config->video.constant_rate;
	to->quality = config->video.quality;
	to->video_kbps = config->video.video_kbps;
	to->audio_kbps = config->sound.audio_kbps;
	to->page_timeout_ms = config->browser.page_timeout_ms;
	to->sound_expected = true;
	to->rtcstats = -1;
	copy(to->call_name, sizeof(to->call_name), config->id);
	to->join_timeout_ms = config->checks.join_ms;
	to->empty_timeout_ms = config->checks.empty_ms;
	to->no_media_timeout_ms = config->checks.no_media_ms;
	to->all_muted_timeout_ms = config->checks.all_muted_ms;
	to->ice_timeout_ms = config->checks.ice_ms;
}

int tr_slot_request_fill_streams(const struct tr_config *config,
	const struct tr_target_list *targets, struct tr_message_start *to)
{
	to->constant_rate = true;
	to->video_kbps = config->stream.video_kbps;
	to->buffer_kbit = config->stream.buffer_kbit;
	to->key_interval_ms = config->stream.key_interval_ms;
	copy(to->stream_ca_file, sizeof(to->stream_ca_file), config->stream.ca_file);
	return tr_target_list_print(targets, to->streams, sizeof(to->streams));
}
