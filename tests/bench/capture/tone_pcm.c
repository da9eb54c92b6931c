/*
 * An ALSA capture device for the bench: a 1 kHz tone and the noise of a room 30 dB below it, 48 kHz
 * stereo 16 bit, paced by CLOCK_MONOTONIC as a sound card paces it. No meeting is a bare sine, and
 * AAC coders are not made for it: FFmpeg's "fast" one needs 3.5 times as long for it as for speech.
 * Stands in for the loopback card that Jibri's recorder reads, on machines that have none.
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define RATE 48000
#define CYCLE 48    /* samples of the tone's period */
#define NOISE 47981 /* samples of noise, then again: no multiple of the tone's */

struct tone {
	snd_pcm_ioplug_t io;
	int timer;
	int64_t start_ns;
	uint64_t position; /* next sample to hand out */
	int16_t cycle[CYCLE];
	int16_t noise[NOISE];
};

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int start(snd_pcm_ioplug_t *io)
{
	struct tone *tone = io->private_data;
	int64_t period_ns = (int64_t)io->period_size * 1000000000 / RATE;
	struct itimerspec spec = {{0, period_ns}, {0, period_ns}};

	tone->start_ns = now_ns();
	return timerfd_settime(tone->timer, 0, &spec, NULL) < 0 ? -errno : 0;
}

static int stop(snd_pcm_ioplug_t *io)
{
	struct tone *tone = io->private_data;
	struct itimerspec spec = {{0, 0}, {0, 0}};
	return timerfd_settime(tone->timer, 0, &spec, NULL) < 0 ? -errno : 0;
}

/* In units of io->buffer_size; what the reader left lying longer than that is an overrun. */
static snd_pcm_sframes_t pointer(snd_pcm_ioplug_t *io)
{
	struct tone *tone = io->private_data;
	uint64_t captured = (uint64_t)(now_ns() - tone->start_ns) * RATE / 1000000000;

	if (io->state != SND_PCM_STATE_RUNNING)
		return 0;
	if (captured - tone->position > io->buffer_size) {
		tone->position = captured;
		return -EPIPE;
	}
	return (snd_pcm_sframes_t)(captured % io->buffer_size);
}

static snd_pcm_sframes_t transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct tone *tone = io->private_data;
	int16_t *out =
		(int16_t *)areas[0].addr + (areas[0].first / 16) + offset * (areas[0].step / 16);

	for (snd_pcm_uframes_t i = 0; i < size; i++, tone->position++) {
		int16_t value = (int16_t)(tone->cycle[tone->position % CYCLE] +
					  tone->noise[tone->position % NOISE]);
		*out++ = value;
		*out++ = value;
	}
	return (snd_pcm_sframes_t)size;
}

static int prepare(snd_pcm_ioplug_t *io)
{
	struct tone *tone = io->private_data;
	tone->position = 0;
	return stop(io);
}

static int revents(
	snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned int count, unsigned short *ret)
{
	struct tone *tone = io->private_data;
	uint64_t expired;

	*ret = count && fds[0].revents & POLLIN ? POLLIN : 0;
	if (*ret && read(tone->timer, &expired, sizeof(expired)) < 0)
		*ret = 0;
	return 0;
}

static int close_tone(snd_pcm_ioplug_t *io)
{
	struct tone *tone = io->private_data;
	close(tone->timer);
	free(tone);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = start,
	.stop = stop,
	.pointer = pointer,
	.transfer = transfer,
	.prepare = prepare,
	.poll_revents = revents,
	.close = close_tone,
};

static int set_limits(snd_pcm_ioplug_t *io)
{
	static const unsigned access[] = {SND_PCM_ACCESS_RW_INTERLEAVED};
	static const unsigned format[] = {SND_PCM_FORMAT_S16_LE};
	int rc = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 1, access);
	if (rc >= 0)
		rc = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, format);
	if (rc >= 0)
		rc = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 2, 2);
	if (rc >= 0)
		rc = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, RATE, RATE);
	if (rc >= 0)
		rc = snd_pcm_ioplug_set_param_minmax(
			io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 1024, 65536);
	if (rc >= 0)
		rc = snd_pcm_ioplug_set_param_minmax(
			io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 8192, 262144);
	return rc;
}

SND_PCM_PLUGIN_DEFINE_FUNC(benchtone);
SND_PCM_PLUGIN_DEFINE_FUNC(benchtone)
{
	(void)root, (void)conf;
	if (stream != SND_PCM_STREAM_CAPTURE)
		return -EINVAL;
	struct tone *tone = calloc(1, sizeof(*tone));
	if (!tone)
		return -ENOMEM;
	for (int i = 0; i < CYCLE; i++)
		tone->cycle[i] = (int16_t)lrint(8000 * sin(2 * M_PI * i / CYCLE));
	uint32_t chance = 1;
	for (int i = 0; i < NOISE; i++) {
		chance = chance * 1664525 + 1013904223;
		tone->noise[i] = (int16_t)((int32_t)chance >> 22); /* +-512 */
	}
	tone->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	tone->io.version = SND_PCM_IOPLUG_VERSION;
	tone->io.name = "bench tone";
	tone->io.callback = &callbacks;
	tone->io.private_data = tone;
	tone->io.poll_fd = tone->timer;
	tone->io.poll_events = POLLIN;
	int rc = snd_pcm_ioplug_create(&tone->io, name, stream, mode);
	if (rc >= 0) {
		rc = set_limits(&tone->io);
		if (rc < 0)
			snd_pcm_ioplug_delete(&tone->io); /* calls close_tone() */
	} else {
		close(tone->timer);
		free(tone);
	}
	if (rc >= 0)
		*pcmp = tone->io.pcm;
	return rc;
}

SND_PCM_PLUGIN_SYMBOL(benchtone);
