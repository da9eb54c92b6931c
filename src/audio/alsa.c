#define TR_LOG_AREA "sound"
#include "audio/alsa.h"

#include "core/clock.h"
#include "core/log.h"

#include <alsa/asoundlib.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define RATE 48000
#define PERIOD_FRAMES 960  /* 20 ms */
#define BUFFER_FRAMES RATE /* a second of our own lateness loses nothing */
#define READ_FRAMES 2048
#define RATE_SHIFT "PCM Rate Shift 100000"

struct tr_alsa {
	snd_config_t *tree;
	snd_config_update_t *update;
	snd_pcm_t *pcm;
	snd_pcm_status_t *status;
	snd_pcm_format_t format;
	unsigned channels;
	snd_ctl_t *ctl; /* that steers the card's clock; NULL when it cannot be */
	snd_ctl_elem_value_t *shift;
	union {
		int16_t s16[2 * READ_FRAMES];
		int32_t s32[2 * READ_FRAMES];
		float f32[2 * READ_FRAMES];
	} raw;
};

/* libasound prints to stderr otherwise, one line a layer. */
static void note_message(
	const char *file, int line, const char *function, int err, const char *format, va_list args)
{
	char text[256];

	(void)file;
	(void)line;
	vsnprintf(text, sizeof(text), format, args);
	tr_debug("libasound, %s: %s%s%s", function, text, err ? ": " : "",
		err ? snd_strerror(err) : "");
}

static int set_hw_params(struct tr_alsa *alsa)
{
	static const snd_pcm_format_t formats[] = {
		SND_PCM_FORMAT_FLOAT_LE, SND_PCM_FORMAT_S32_LE, SND_PCM_FORMAT_S16_LE};
	snd_pcm_hw_params_t *params;
	snd_pcm_uframes_t period = PERIOD_FRAMES, buffer = BUFFER_FRAMES;

	snd_pcm_hw_params_alloca(&params);
	int rc = snd_pcm_hw_params_any(alsa->pcm, params);
	if (rc < 0)
		return rc;
	alsa->format = SND_PCM_FORMAT_UNKNOWN;
	for (unsigned i = 0; i < TR_COUNT(formats) && alsa->format < 0; i++)
		if (snd_pcm_hw_params_test_format(alsa->pcm, params, formats[i]) == 0)
			alsa->format = formats[i];
	alsa->channels = snd_pcm_hw_params_test_channels(alsa->pcm, params, 2) == 0 ? 2 : 1;
	rc = snd_pcm_hw_params_set_access(alsa->pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED);
	if (rc == 0)
		rc = snd_pcm_hw_params_set_format(alsa->pcm, params, alsa->format);
	if (rc == 0)
		rc = snd_pcm_hw_params_set_channels(alsa->pcm, params, alsa->channels);
	if (rc == 0)
		rc = snd_pcm_hw_params_set_rate(alsa->pcm, params, RATE, 0);
	if (rc == 0)
		rc = snd_pcm_hw_params_set_buffer_size_near(alsa->pcm, params, &buffer);
	if (rc == 0)
		rc = snd_pcm_hw_params_set_period_size_near(alsa->pcm, params, &period, NULL);
	if (rc == 0)
		rc = snd_pcm_hw_params(alsa->pcm, params);
	return rc;
}

static int set_sw_params(struct tr_alsa *alsa)
{
	snd_pcm_sw_params_t *params;

	snd_pcm_sw_params_alloca(&params);
	int rc = snd_pcm_sw_params_current(alsa->pcm, params);
	if (rc == 0)
		rc = snd_pcm_sw_params_set_tstamp_mode(alsa->pcm, params, SND_PCM_TSTAMP_ENABLE);
	if (rc == 0)
		rc = snd_pcm_sw_params_set_tstamp_type(
			alsa->pcm, params, SND_PCM_TSTAMP_TYPE_MONOTONIC);
	if (rc == 0)
		rc = snd_pcm_sw_params_set_avail_min(alsa->pcm, params, PERIOD_FRAMES);
	if (rc == 0)
		rc = snd_pcm_sw_params(alsa->pcm, params);
	return rc;
}

/* The control is the loopback's own; without it the card is as good, we bend its sound instead. */
static void open_rate_shift(struct tr_alsa *alsa, const char *where)
{
	char card[32], ctl[48];
	unsigned device, sub;

	if (!where || sscanf(where, "hw:%31[^,],%u,%u", card, &device, &sub) != 3)
		return;
	snprintf(ctl, sizeof(ctl), "hw:%s", card);
	if (snd_ctl_open(&alsa->ctl, ctl, SND_CTL_NONBLOCK) < 0) {
		alsa->ctl = NULL;
		return;
	}
	if (snd_ctl_elem_value_malloc(&alsa->shift) < 0)
		return;
	snd_ctl_elem_value_set_interface(alsa->shift, SND_CTL_ELEM_IFACE_PCM);
	snd_ctl_elem_value_set_name(alsa->shift, RATE_SHIFT);
	snd_ctl_elem_value_set_device(alsa->shift, device);
	snd_ctl_elem_value_set_subdevice(alsa->shift, sub);
	if (snd_ctl_elem_read(alsa->ctl, alsa->shift) < 0) {
		snd_ctl_close(alsa->ctl);
		alsa->ctl = NULL;
	}
}

static int open_pcm(struct tr_alsa *alsa, const struct tr_alsa_settings *settings)
{
	snd_pcm_stream_t stream =
		settings->is_player ? SND_PCM_STREAM_PLAYBACK : SND_PCM_STREAM_CAPTURE;

	int rc = snd_config_update_r(&alsa->tree, &alsa->update, settings->config);
	if (rc >= 0)
		rc = snd_pcm_open_lconf(
			&alsa->pcm, settings->pcm, stream, SND_PCM_NONBLOCK, alsa->tree);
	if (rc >= 0)
		rc = set_hw_params(alsa);
	if (rc >= 0 && !settings->is_player)
		rc = set_sw_params(alsa);
	if (rc >= 0)
		rc = snd_pcm_status_malloc(&alsa->status);
	if (rc >= 0 && !settings->is_player) {
		open_rate_shift(alsa, settings->rate_shift);
		rc = snd_pcm_start(alsa->pcm);
	}
	return rc < 0 ? rc : 0;
}

int tr_alsa_open(const struct tr_alsa_settings *settings, struct tr_alsa **ret_alsa)
{
	TR_CLEANUP(tr_alsa_closep) struct tr_alsa *alsa = calloc(1, sizeof(*alsa));

	if (!alsa)
		return -ENOMEM;
	snd_local_error_handler_t before = snd_lib_error_set_local(note_message);
	int rc = open_pcm(alsa, settings);
	snd_lib_error_set_local(before);
	if (rc < 0)
		return rc;
	*ret_alsa = tr_take(alsa);
	return 0;
}

void tr_alsa_close(struct tr_alsa *alsa)
{
	if (!alsa)
		return;
	snd_local_error_handler_t before = snd_lib_error_set_local(note_message);
	if (alsa->ctl) {
		if (tr_alsa_steer(alsa, 0) < 0)
			tr_debug("the card's clock stays bent");
		snd_ctl_close(alsa->ctl);
	}
	if (alsa->shift)
		snd_ctl_elem_value_free(alsa->shift);
	if (alsa->status)
		snd_pcm_status_free(alsa->status);
	if (alsa->pcm)
		snd_pcm_close(alsa->pcm);
	if (alsa->tree)
		snd_config_delete(alsa->tree);
	if (alsa->update)
		snd_config_update_free(alsa->update);
	snd_lib_error_set_local(before);
	free(alsa);
}

int tr_alsa_wait(struct tr_alsa *alsa, int timeout_ms)
{
	int rc = snd_pcm_wait(alsa->pcm, timeout_ms);

	/* An overrun is tr_alsa_read()'s to tell. */
	return rc == -EPIPE || rc == -ESTRPIPE ? 1 : rc;
}

static void spread(const struct tr_alsa *alsa, float *left, float *right, unsigned frames)
{
	unsigned step = alsa->channels, second = alsa->channels - 1;

	for (unsigned i = 0; i < frames; i++) {
		switch (alsa->format) {
		case SND_PCM_FORMAT_S16_LE:
			left[i] = (float)alsa->raw.s16[i * step] / 32768;
			right[i] = (float)alsa->raw.s16[i * step + second] / 32768;
			break;
		case SND_PCM_FORMAT_S32_LE:
			left[i] = (float)alsa->raw.s32[i * step] / 2147483648.0f;
			right[i] = (float)alsa->raw.s32[i * step + second] / 2147483648.0f;
			break;
		default:
			left[i] = alsa->raw.f32[i * step];
			right[i] = alsa->raw.f32[i * step + second];
		}
	}
}

int tr_alsa_read(struct tr_alsa *alsa, float *left, float *right, unsigned frames)
{
	if (frames > READ_FRAMES)
		frames = READ_FRAMES;
	snd_pcm_sframes_t got = snd_pcm_readi(alsa->pcm, &alsa->raw, frames);
	if (got == -EAGAIN)
		return 0;
	if (got == -EPIPE || got == -ESTRPIPE) {
		int rc = snd_pcm_prepare(alsa->pcm);
		if (rc == 0)
			rc = snd_pcm_start(alsa->pcm);
		return rc < 0 ? -EIO : -EPIPE;
	}
	if (got < 0)
		return (int)got;
	spread(alsa, left, right, (unsigned)got);
	return (int)got;
}

int tr_alsa_get_time(struct tr_alsa *alsa, int64_t *ret_unread, int64_t *ret_ns)
{
	snd_htimestamp_t stamp;

	int rc = snd_pcm_status(alsa->pcm, alsa->status);
	if (rc < 0)
		return rc;
	int64_t now = tr_clock_now_ns();
	snd_pcm_status_get_htstamp(alsa->status, &stamp);
	int64_t ns = (int64_t)stamp.tv_sec * TR_NS_PER_S + stamp.tv_nsec;
	/* Some plug-ins stamp with another clock or not at all. */
	*ret_ns = ns <= now && ns > now - TR_NS_PER_S / 10 ? ns : now;
	*ret_unread = (int64_t)snd_pcm_status_get_avail(alsa->status);
	return 0;
}

int tr_alsa_steer(struct tr_alsa *alsa, double ppm)
{
	if (!alsa->ctl || !alsa->shift)
		return -ENOTSUP;
	/* The driver divides by it: a larger value is a slower clock. */
	long value = 100000 - (long)(ppm / 10 + (ppm < 0 ? -0.5 : 0.5));
	if (value == snd_ctl_elem_value_get_integer(alsa->shift, 0))
		return 0;
	snd_ctl_elem_value_set_integer(alsa->shift, 0, value);
	int rc = snd_ctl_elem_write(alsa->ctl, alsa->shift);
	return rc < 0 ? rc : 0;
}

bool tr_alsa_find_loopback(const char *id, int *ret_card)
{
	char name[32];
	snd_ctl_t *ctl;
	snd_ctl_card_info_t *info;

	snd_ctl_card_info_alloca(&info);
	snd_local_error_handler_t before = snd_lib_error_set_local(note_message);
	int card = snd_card_get_index(id);
	bool found = false;
	if (card >= 0) {
		snprintf(name, sizeof(name), "hw:%d", card);
		if (snd_ctl_open(&ctl, name, SND_CTL_NONBLOCK) == 0) {
			found = snd_ctl_card_info(ctl, info) == 0 &&
				strcmp(snd_ctl_card_info_get_driver(info), "Loopback") == 0;
			snd_ctl_close(ctl);
		}
	}
	snd_lib_error_set_local(before);
	if (found)
		*ret_card = card;
	return found;
}

bool tr_alsa_has_card(const char *id)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/asound/%s", id);
	return access(path, F_OK) == 0;
}
