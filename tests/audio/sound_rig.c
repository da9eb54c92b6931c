#include "test.h"

#include "sound_rig.h"

#include "core/clock.h"
#include "core/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void rig_build_path(const char *name, char *out, size_t size)
{
	const char *dir = getenv("TR_BUILD_DIR");
	char here[512];

	if (!dir)
		dir = getcwd(here, sizeof(here));
	assert_true(snprintf(out, size, "%s/%s", dir, name) < (int)size);
}

void rig_make_dir(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	strcpy(rig->dir, "/tmp/telerec-test-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	rig->left = calloc(RIG_FRAMES_MAX, sizeof(float));
	rig->right = calloc(RIG_FRAMES_MAX, sizeof(float));
	assert_non_null(rig->left);
	assert_non_null(rig->right);
}

void rig_open(struct rig *rig, const char *source)
{
	char plugin[1024];

	rig_make_dir(rig);
	rig_build_path("libasound_module_pcm_telerec.so", plugin, sizeof(plugin));
	struct tr_soundcard_settings settings = {
		.source = source, .runtime_dir = rig->dir, .plugin_path = plugin};
	assert_int_equal(tr_soundcard_open(&settings, &rig->card), 0);
}

void rig_close(struct rig *rig)
{
	tr_capture_stop(rig->capture, 0);
	rig->capture = NULL;
	tr_soundcard_close(rig->card);
	rig->card = NULL;
	tr_file_remove_tree(rig->dir);
	free(rig->left);
	free(rig->right);
	snd_config_update_free_global();
}

static void keep_block(
	const float *left, const float *right, unsigned frames, int64_t position, void *user)
{
	struct rig *rig = user;

	if (position != rig->frames)
		rig->is_contiguous = false;
	for (unsigned i = 0; i < frames && rig->frames < RIG_FRAMES_MAX; i++, rig->frames++) {
		rig->left[rig->frames] = left[i];
		rig->right[rig->frames] = right[i];
	}
}

void rig_start(struct rig *rig)
{
	rig->frames = 0;
	rig->is_contiguous = true;
	rig->start_ns = tr_clock_now_ns();
	struct tr_capture_settings settings = {
		.card = rig->card, .start_ns = rig->start_ns, .on_block = keep_block, .user = rig};
	struct tr_capture_stats stats;
	assert_int_equal(tr_capture_start(&settings, &rig->capture), 0);
	tr_capture_get_stats(rig->capture, &stats);
	rig->stalls_before = stats.stalls;
}

void rig_stop(struct rig *rig, struct tr_capture_stats *ret_stats)
{
	int64_t end_ns = tr_clock_now_ns();

	tr_capture_get_stats(rig->capture, ret_stats);
	ret_stats->stalls -= rig->stalls_before;
	tr_capture_stop(rig->capture, end_ns);
	rig->capture = NULL;
	assert_true(rig->is_contiguous);
	assert_int_equal(rig->frames, (end_ns - rig->start_ns) * 3 / 62500);
}

bool rig_wait_for(bool (*is_so)(struct rig *), struct rig *rig)
{
	struct timespec moment = {.tv_nsec = 5 * TR_NS_PER_MS};

	for (int i = 0; i < 24000; i++) {
		if (is_so(rig))
			return true;
		nanosleep(&moment, NULL);
	}
	return false;
}

snd_pcm_t *rig_open_player(
	struct rig *rig, snd_pcm_format_t format, unsigned channels, unsigned rate)
{
	snd_pcm_t *pcm = NULL;

	setenv("ALSA_CONFIG_PATH", rig->card->config, 1);
	assert_int_equal(snd_pcm_open(&pcm, rig->card->player_pcm, SND_PCM_STREAM_PLAYBACK, 0), 0);
	/* 85 ms, as Chromium has it */
	assert_int_equal(snd_pcm_set_params(pcm, format, SND_PCM_ACCESS_RW_INTERLEAVED, channels,
				 rate, 1, 85333),
		0);
	return pcm;
}

void rig_write(snd_pcm_t *pcm, const void *data, snd_pcm_uframes_t frames)
{
	const char *from = data;

	while (frames > 0) {
		snd_pcm_uframes_t part = frames < 1024 ? frames : 1024;
		snd_pcm_sframes_t done = snd_pcm_writei(pcm, from, part);
		assert_true(done > 0);
		from += snd_pcm_frames_to_bytes(pcm, done);
		frames -= (snd_pcm_uframes_t)done;
	}
}
