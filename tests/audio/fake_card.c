/*
 * ALSA capture PCM "type trfake": a card whose crystal and troubles are set in the configuration.
 *
 *     pcm.NAME { type trfake ppm 300 hole_at 24000 hole 4800 die_at 48000 }
 *
 * Frames are counted from its start. Each sample says which of the card's frames it is. `hole`
 * frames are lost at hole_at; at die_at it answers -ENODEV, once for each opening.
 */
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct card {
	snd_pcm_ioplug_t io;
	int timer;
	long ppm, hole_at, hole, die_at;
	int64_t start_ns;
	int64_t read; /* frames given */
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int64_t recorded(const struct card *card)
{
	if (!card->start_ns)
		return 0;
	double seconds = (double)(now_ns() - card->start_ns) / 1e9;
	int64_t frames = (int64_t)(seconds * 48000 * (1 + (double)card->ppm * 1e-6));
	if (card->hole && frames > card->hole_at)
		frames = frames < card->hole_at + card->hole ? card->hole_at : frames - card->hole;
	return frames;
}

static int card_start(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	struct itimerspec tick = {.it_value.tv_nsec = 10000000, .it_interval.tv_nsec = 10000000};

	card->start_ns = now_ns();
	card->read = 0;
	return timerfd_settime(card->timer, 0, &tick, NULL);
}

static int card_stop(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;

	card->start_ns = 0;
	return 0;
}

static snd_pcm_sframes_t card_pointer(snd_pcm_ioplug_t *io)
{
	return recorded(io->private_data) % (snd_pcm_sframes_t)io->buffer_size;
}

static snd_pcm_sframes_t card_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct card *card = io->private_data;

	if (card->die_at && card->read >= card->die_at)
		return -ENODEV;
	for (snd_pcm_uframes_t i = 0; i < size; i++) {
		int16_t value = (int16_t)(1000 + (card->read + (int64_t)i) % 20000);
		for (int c = 0; c < 2; c++)
			memcpy((char *)areas[c].addr +
					(areas[c].first + areas[c].step * (offset + i)) / 8,
				&value, sizeof(value));
	}
	card->read += (int64_t)size;
	return (snd_pcm_sframes_t)size;
}

static int card_revents(
	snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned count, unsigned short *revents)
{
	struct card *card = io->private_data;
	uint64_t ticks;

	(void)fds;
	(void)count;
	*revents = 0;
	if (read(card->timer, &ticks, sizeof(ticks)) > 0 && recorded(card) > card->read)
		*revents = POLLIN;
	return 0;
}

static int card_close(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;

	close(card->timer);
	free(card);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = card_start,
	.stop = card_stop,
	.pointer = card_pointer,
	.transfer = card_transfer,
	.poll_revents = card_revents,
	.close = card_close,
};

static void read_settings(struct card *card, snd_config_t *conf)
{
	snd_config_iterator_t i, next;
	struct {
		const char *name;
		long *value;
	} fields[] = {{"ppm", &card->ppm}, {"hole_at", &card->hole_at}, {"hole", &card->hole},
		{"die_at", &card->die_at}};

	snd_config_for_each(i, next, conf)
	{
		snd_config_t *node = snd_config_iterator_entry(i);
		const char *id;
		for (unsigned f = 0; snd_config_get_id(node, &id) >= 0 && f < 4; f++)
			if (strcmp(id, fields[f].name) == 0)
				snd_config_get_integer(node, fields[f].value);
	}
}

static void set_constraints(snd_pcm_ioplug_t *io)
{
	static const unsigned access = SND_PCM_ACCESS_RW_INTERLEAVED;
	static const unsigned format = SND_PCM_FORMAT_S16_LE;

	snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 1, &access);
	snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, &format);
	snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 2, 2);
	snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, 48000, 48000);
	snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 4096, 1 << 18);
	snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 1024, 1 << 17);
	snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 1024);
}

SND_PCM_PLUGIN_DEFINE_FUNC(trfake);

SND_PCM_PLUGIN_DEFINE_FUNC(trfake)
{
	(void)root;
	struct card *card = calloc(1, sizeof(*card));

	if (!card || stream != SND_PCM_STREAM_CAPTURE)
		return -EINVAL;
	read_settings(card, conf);
	card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	card->io.version = SND_PCM_IOPLUG_VERSION;
	card->io.name = "fake card";
	card->io.callback = &callbacks;
	card->io.private_data = card;
	card->io.poll_fd = card->timer;
	card->io.poll_events = POLLIN;
	int rc = snd_pcm_ioplug_create(&card->io, name, stream, mode);
	if (rc < 0)
		return rc;
	set_constraints(&card->io);
	*pcmp = card->io.pcm;
	return 0;
}

SND_PCM_PLUGIN_SYMBOL(trfake)
