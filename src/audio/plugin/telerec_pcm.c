/*
 * The ALSA playback PCM "type telerec": plays into the recorder's shared memory (plugin/shm.h).
 *
 *     pcm.NAME { type telerec path "/run/.../sound.shm" }
 *
 * It lives in other people's processes (Chromium's audio service): libasound and libc only, no
 * globals, and whatever happens to the shared memory, the player sees a sound card that plays.
 *
 * The hardware pointer is CLOCK_MONOTONIC. A player that comes late finds all its samples played,
 * never an underrun: what it writes then goes where it belonged, in the past, and as the recorder
 * listens later still, nothing is lost. What is queued but not yet due is also kept here
 * (`history`), to take it back when the player drops, pauses or rewinds.
 */
#include "audio/plugin/mixer.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BUFFER_BYTES_MAX (1u << 18)

struct stream {
	snd_pcm_ioplug_t io;
	char *path;
	int timer;

	struct tr_mixer mixer;

	/* fixed by the parameters */
	snd_pcm_uframes_t boundary;
	snd_pcm_uframes_t avail_min;
	struct tr_mixer_frame *history; /* frame p at p & history_mask */
	int64_t history_frames;

	/* Positions count frames since prepare. */
	bool is_running;
	int64_t base;		/* sample number of position 0, while running */
	int64_t frozen;		/* the clock's position while not running */
	int64_t position;	/* next to be written */
	int64_t consumed;	/* what was last said to be played */
	snd_pcm_uframes_t appl; /* the io.appl_ptr that `position` stands for */
};

static int64_t now_frames(void)
{
	return tr_shm_frames_at(tr_mixer_now_ns());
}

static int64_t elapsed(const struct stream *stream)
{
	return stream->is_running ? now_frames() - stream->base : stream->frozen;
}

static struct tr_mixer_frame *frame_at(const struct stream *stream, int64_t position)
{
	return &stream->history[position & (stream->history_frames - 1)];
}

/* Adds or takes back the frames from position `from` to before `to`. */
static void mix(struct stream *stream, int64_t from, int64_t to, int sign)
{
	tr_mixer_add(&stream->mixer, stream->history, (uint64_t)stream->history_frames - 1, from,
		to - from, stream->base + from, sign);
}

static int64_t oldest_kept(const struct stream *stream)
{
	int64_t oldest = stream->position - stream->history_frames;

	return oldest > 0 ? oldest : 0;
}

/* Somebody began to read since we last looked: what is queued, and what was played since the
 * reading's first sample, has to be added for him. */
static void follow_generation(struct stream *stream)
{
	if (!stream->is_running || !tr_mixer_has_new_reader(&stream->mixer))
		return;
	int64_t from = oldest_kept(stream);
	int64_t start = atomic_load(&stream->mixer.shm->start_position);
	int64_t first = (int64_t)((uint64_t)start - (uint64_t)stream->base);
	mix(stream, first > from ? first : from, stream->position, 1);
}

/* Takes back what is queued from position `from` on, which is not yet due. */
static void unmix(struct stream *stream, int64_t from)
{
	int64_t kept = oldest_kept(stream);

	if (stream->is_running && tr_mixer_is_heard(&stream->mixer))
		mix(stream, from > kept ? from : kept, stream->position, -1);
}

/* The player may have moved its pointer by itself (snd_pcm_rewind, snd_pcm_forward). */
static void follow_pointer(struct stream *stream)
{
	snd_pcm_uframes_t appl = stream->io.appl_ptr;

	if (appl == stream->appl || !stream->boundary || !stream->history)
		return;
	snd_pcm_uframes_t moved =
		(appl >= stream->appl ? appl : appl + stream->boundary) - stream->appl;
	stream->appl = appl;
	if (moved > stream->boundary / 2) {
		int64_t back = (int64_t)(stream->boundary - moved);
		int64_t to = back > stream->position ? 0 : stream->position - back;
		int64_t due = elapsed(stream);
		unmix(stream, to > due ? to : due);
		stream->position = to;
		return;
	}
	for (snd_pcm_uframes_t i = 0; i < moved; i++) {
		if (i < (snd_pcm_uframes_t)stream->history_frames)
			*frame_at(stream, stream->position + (int64_t)(moved - 1 - i)) =
				(struct tr_mixer_frame){0, 0};
	}
	stream->position += (int64_t)moved;
}

/* Sets the poll descriptor to become readable at the clock's position `position`; -1: never. */
static void arm(struct stream *stream, int64_t position)
{
	struct itimerspec when = {0};

	if (position >= 0) {
		int64_t ns = stream->is_running ? tr_shm_time_of(stream->base + position) : 1;
		when.it_value.tv_sec = ns / INT64_C(1000000000);
		when.it_value.tv_nsec = ns % INT64_C(1000000000);
		if (ns <= 0)
			when.it_value.tv_nsec = 1;
	}
	timerfd_settime(stream->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void arm_for_room(struct stream *stream)
{
	int64_t size = (int64_t)stream->io.buffer_size;
	int64_t wanted = (int64_t)stream->avail_min;
	int64_t at = stream->position - size + (wanted < size ? wanted : size);

	if (at < 0)
		at = 0;
	arm(stream, stream->is_running || at == 0 ? at : -1);
}

/* What is due until now has sounded; the rest is taken back. */
static void freeze(struct stream *stream)
{
	stream->frozen = elapsed(stream);
	unmix(stream, stream->frozen);
	stream->is_running = false;
	arm(stream, -1);
}

static void run_from(struct stream *stream, int64_t position)
{
	stream->base = now_frames() - position;
	stream->is_running = true;
	tr_mixer_has_new_reader(&stream->mixer);
	if (tr_mixer_is_heard(&stream->mixer))
		mix(stream, position, stream->position, 1);
	arm_for_room(stream);
}

static int pcm_start(snd_pcm_ioplug_t *io)
{
	struct stream *stream = io->private_data;

	follow_pointer(stream);
	run_from(stream, 0);
	struct tr_shm *shm = tr_mixer_shm(&stream->mixer);
	int64_t never = 0;
	if (shm) {
		atomic_fetch_add(&shm->starts, 1);
		atomic_compare_exchange_strong(&shm->first_start_ns, &never, tr_mixer_now_ns());
	}
	return 0;
}

static int pcm_stop(snd_pcm_ioplug_t *io)
{
	struct stream *stream = io->private_data;

	freeze(stream);
	return 0;
}

static snd_pcm_sframes_t pcm_pointer(snd_pcm_ioplug_t *io)
{
	struct stream *stream = io->private_data;

	if (!stream->boundary)
		return 0;
	follow_pointer(stream);
	follow_generation(stream);
	if (tr_mixer_shm(&stream->mixer) && stream->mixer.opener)
		atomic_store_explicit(
			&stream->mixer.opener->seen_ns, tr_mixer_now_ns(), memory_order_relaxed);
	int64_t played = elapsed(stream);
	if (played > stream->position)
		played = stream->position;
	if (played > stream->consumed)
		stream->consumed = played;
	if (io->state == SND_PCM_STATE_DRAINING)
		arm(stream, stream->position);
	return (snd_pcm_sframes_t)((snd_pcm_uframes_t)stream->consumed % stream->boundary);
}

static int pcm_delay(snd_pcm_ioplug_t *io, snd_pcm_sframes_t *ret_delay)
{
	struct stream *stream = io->private_data;

	follow_pointer(stream);
	*ret_delay = (snd_pcm_sframes_t)(stream->position - elapsed(stream));
	return 0;
}

static const void *sample_at(const snd_pcm_channel_area_t *area, snd_pcm_uframes_t offset)
{
	return (const char *)area->addr + (area->first + area->step * offset) / 8;
}

static int32_t from_float(float value)
{
	if (value >= 1.0f)
		return TR_SHM_FULL_SCALE - 1;
	if (value <= -1.0f)
		return -TR_SHM_FULL_SCALE;
	if (value != value)
		return 0;
	return (int32_t)(value * TR_SHM_FULL_SCALE + (value < 0 ? -0.5f : 0.5f));
}

static int32_t read_sample(
	snd_pcm_format_t format, const snd_pcm_channel_area_t *area, snd_pcm_uframes_t offset)
{
	const void *sample = sample_at(area, offset);
	int16_t s16;
	int32_t s32;
	float f32;

	switch (format) {
	case SND_PCM_FORMAT_S16_LE:
		memcpy(&s16, sample, sizeof(s16));
		return s16 * 256;
	case SND_PCM_FORMAT_S32_LE:
		memcpy(&s32, sample, sizeof(s32));
		return s32 / 256;
	case SND_PCM_FORMAT_FLOAT_LE:
		memcpy(&f32, sample, sizeof(f32));
		return from_float(f32);
	default:
		return 0;
	}
}

static void keep(struct stream *stream, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	for (snd_pcm_uframes_t i = 0; i < size; i++) {
		struct tr_mixer_frame *frame = frame_at(stream, stream->position + (int64_t)i);
		frame->left = read_sample(stream->io.format, &areas[0], offset + i);
		frame->right = stream->io.channels < 2
				       ? frame->left
				       : read_sample(stream->io.format, &areas[1], offset + i);
	}
}

/* A player that slept longer than the recorder waits: its past is gone, go on at the present. */
static void forgive_stall(struct stream *stream, snd_pcm_uframes_t size)
{
	int64_t late = elapsed(stream) - stream->position;

	if (late <= 0)
		return;
	if (late > TR_SHM_LATE_MAX_FRAMES) {
		stream->base += late;
		atomic_fetch_add_explicit(&stream->mixer.shm->stalls, 1, memory_order_relaxed);
		return;
	}
	uint64_t count = late < (int64_t)size ? (uint64_t)late : size;
	atomic_fetch_add_explicit(&stream->mixer.shm->late_frames, count, memory_order_relaxed);
}

static snd_pcm_sframes_t pcm_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
	snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct stream *stream = io->private_data;

	if (!stream->boundary || !stream->history)
		return -EBADFD;
	if (size > io->buffer_size)
		size = io->buffer_size;
	follow_pointer(stream);
	follow_generation(stream);
	keep(stream, areas, offset, size);
	if (stream->is_running && tr_mixer_shm(&stream->mixer)) {
		forgive_stall(stream, size);
		if (tr_mixer_is_heard(&stream->mixer))
			mix(stream, stream->position, stream->position + (int64_t)size, 1);
		atomic_store_explicit(
			&stream->mixer.shm->last_write_ns, tr_mixer_now_ns(), memory_order_relaxed);
	}
	stream->position += (int64_t)size;
	stream->appl = (stream->appl + size) % stream->boundary;
	arm_for_room(stream);
	return (snd_pcm_sframes_t)size;
}

static void free_history(struct stream *stream)
{
	free(stream->history);
	stream->history = NULL;
	stream->history_frames = 0;
}

static int pcm_hw_params(snd_pcm_ioplug_t *io, snd_pcm_hw_params_t *params)
{
	struct stream *stream = io->private_data;
	int64_t frames = 1;

	(void)params;
	while (frames < 2 * (int64_t)io->buffer_size)
		frames *= 2;
	free_history(stream);
	stream->history = calloc((size_t)frames, sizeof(*stream->history));
	if (!stream->history)
		return -ENOMEM;
	stream->history_frames = frames;
	return 0;
}

static int pcm_hw_free(snd_pcm_ioplug_t *io)
{
	struct stream *stream = io->private_data;

	freeze(stream);
	free_history(stream);
	stream->position = 0;
	stream->consumed = 0;
	return 0;
}

static int pcm_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
	struct stream *stream = io->private_data;

	snd_pcm_sw_params_get_boundary(params, &stream->boundary);
	snd_pcm_sw_params_get_avail_min(params, &stream->avail_min);
	arm_for_room(stream);
	return 0;
}

static int pcm_prepare(snd_pcm_ioplug_t *io)
{
	struct stream *stream = io->private_data;

	freeze(stream);
	stream->frozen = 0;
	stream->position = 0;
	stream->consumed = 0;
	stream->appl = io->appl_ptr;
	tr_mixer_attach_again(&stream->mixer);
	arm_for_room(stream);
	return 0;
}

static int pcm_pause(snd_pcm_ioplug_t *io, int enable)
{
	struct stream *stream = io->private_data;

	if (enable)
		freeze(stream);
	else
		run_from(stream, stream->frozen);
	return 0;
}

static int pcm_poll_revents(
	snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned int count, unsigned short *ret_revents)
{
	(void)io;
	*ret_revents = count > 0 && (fds[0].revents & POLLIN) ? POLLOUT : 0;
	return 0;
}

static int pcm_close(snd_pcm_ioplug_t *io)
{
	struct stream *stream = io->private_data;

	tr_mixer_detach(&stream->mixer);
	if (stream->timer >= 0)
		close(stream->timer);
	free_history(stream);
	free(stream->path);
	free(stream);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = pcm_start,
	.stop = pcm_stop,
	.pointer = pcm_pointer,
	.transfer = pcm_transfer,
	.close = pcm_close,
	.hw_params = pcm_hw_params,
	.hw_free = pcm_hw_free,
	.sw_params = pcm_sw_params,
	.prepare = pcm_prepare,
	.pause = pcm_pause,
	.poll_revents = pcm_poll_revents,
	.delay = pcm_delay,
};

static int set_constraints(snd_pcm_ioplug_t *io)
{
	static const unsigned accesses[] = {
		SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED};
	static const unsigned formats[] = {
		SND_PCM_FORMAT_S16_LE, SND_PCM_FORMAT_S32_LE, SND_PCM_FORMAT_FLOAT_LE};

	int rc = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, accesses);
	if (rc == 0)
		rc = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 3, formats);
	if (rc == 0)
		rc = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 1, 2);
	if (rc == 0)
		rc = snd_pcm_ioplug_set_param_minmax(
			io, SND_PCM_IOPLUG_HW_RATE, TR_SHM_RATE, TR_SHM_RATE);
	if (rc == 0)
		rc = snd_pcm_ioplug_set_param_minmax(
			io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, BUFFER_BYTES_MAX / 2);
	if (rc == 0)
		rc = snd_pcm_ioplug_set_param_minmax(
			io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 128, BUFFER_BYTES_MAX);
	if (rc == 0)
		rc = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 1024);
	return rc;
}

static int read_path(snd_config_t *conf, const char **ret_path)
{
	snd_config_iterator_t i, next;

	*ret_path = NULL;
	snd_config_for_each(i, next, conf)
	{
		snd_config_t *node = snd_config_iterator_entry(i);
		const char *id;
		if (snd_config_get_id(node, &id) < 0)
			continue;
		if (strcmp(id, "comment") == 0 || strcmp(id, "type") == 0 ||
			strcmp(id, "hint") == 0)
			continue;
		if (strcmp(id, "path") != 0 || snd_config_get_string(node, ret_path) < 0) {
			SNDERR("telerec: the field %s is unknown or not a text", id);
			return -EINVAL;
		}
	}
	if (!*ret_path)
		SNDERR("telerec: the field path is missing");
	return *ret_path ? 0 : -EINVAL;
}

static int make_stream(const char *path, struct stream **ret_stream)
{
	struct stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return -ENOMEM;
	stream->path = strdup(path);
	tr_mixer_init(&stream->mixer, stream->path);
	stream->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	stream->io.version = SND_PCM_IOPLUG_VERSION;
	stream->io.name = "telerec recorder";
	stream->io.flags = SND_PCM_IOPLUG_FLAG_MONOTONIC | SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
	stream->io.callback = &callbacks;
	stream->io.private_data = stream;
	stream->io.poll_fd = stream->timer;
	stream->io.poll_events = POLLIN;
	int rc = stream->timer < 0 ? -errno
		 : stream->path	   ? tr_mixer_attach(&stream->mixer)
				   : -ENOMEM;
	if (rc < 0 && rc != -ENOENT) {
		SNDERR("telerec: cannot use %s: %s", path, strerror(-rc));
		pcm_close(&stream->io);
		return rc;
	}
	*ret_stream = stream;
	return 0;
}

/* All that the player's process sees of us. */
#pragma GCC visibility push(default)
SND_PCM_PLUGIN_DEFINE_FUNC(telerec);
SND_PCM_PLUGIN_SYMBOL(telerec)
#pragma GCC visibility pop

SND_PCM_PLUGIN_DEFINE_FUNC(telerec)
{
	const char *path;
	struct stream *made = NULL;

	(void)root;
	if (stream != SND_PCM_STREAM_PLAYBACK)
		return -EINVAL;
	int rc = read_path(conf, &path);
	if (rc == 0)
		rc = make_stream(path, &made);
	if (rc != 0)
		return rc;
	rc = snd_pcm_ioplug_create(&made->io, name, stream, mode);
	if (rc < 0) {
		pcm_close(&made->io);
		return rc;
	}
	rc = set_constraints(&made->io);
	if (rc < 0) {
		snd_pcm_ioplug_delete(&made->io); /* calls pcm_close() */
		return rc;
	}
	*pcmp = made->io.pcm;
	return 0;
}
