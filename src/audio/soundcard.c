#define TR_LOG_AREA "sound"
#include "audio/soundcard.h"

#include "audio/alsa.h"
#include "audio/soundring.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SYSTEM_CONFIG "/usr/share/alsa/alsa.conf"
#define CONFIG_NAME "asound.conf"
#define RING_NAME "sound.shm"
#define PLAYER "telerec"
#define CAPTURE "telerec_capture"
#define CARD_SUBSTREAMS 8 /* what snd-aloop has at most */

static void add_problem(struct tr_soundcard *card, const char *format, ...) TR_PRINTF(2, 3);

static void add_problem(struct tr_soundcard *card, const char *format, ...)
{
	size_t used = strlen(card->problem);
	va_list args;

	if (used > 0 && used < sizeof(card->problem) - 1)
		card->problem[used++] = ' ';
	va_start(args, format);
	vsnprintf(card->problem + used, sizeof(card->problem) - used, format, args);
	va_end(args);
}

/* The file is ALSA's own syntax: what is put between its quotes must not end them. */
static bool is_plain_path(const char *path)
{
	return path && path[0] == '/' && !strpbrk(path, "\"\\'<>:\n\t ");
}

static int write_config(struct tr_soundcard *card, const char *runtime_dir, const char *text)
{
	char whole[4096];
	bool has_system = access(SYSTEM_CONFIG, R_OK) == 0;

	int rc = tr_text_format(whole, sizeof(whole),
		"# Written by telerec at the slot's start.\n%s%s",
		has_system ? "<" SYSTEM_CONFIG ">\n" : "", text);
	if (rc < 0)
		return rc;
	TR_CLEANUP(tr_closep)
	int dirfd = open(runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return tr_fail(-errno, "cannot open the folder %s", runtime_dir);
	rc = tr_file_replace(dirfd, CONFIG_NAME, whole, strlen(whole));
	if (rc < 0)
		return tr_fail(rc, "cannot write %s/" CONFIG_NAME, runtime_dir);
	return tr_text_format(card->config, sizeof(card->config), "%s/" CONFIG_NAME, runtime_dir);
}

static int try_pcm(const char *config, const char *pcm, bool is_player)
{
	struct tr_alsa_settings settings = {
		.config = config[0] ? config : NULL, .pcm = pcm, .is_player = is_player};
	TR_CLEANUP(tr_alsa_closep) struct tr_alsa *alsa = NULL;

	return tr_alsa_open(&settings, &alsa);
}

static int write_loopback_config(struct tr_soundcard *card,
	const struct tr_soundcard_settings *settings, const char *id, unsigned sub)
{
	char text[2048];

	/* The key names the mixer's shared memory: one a user and slot. Both ends name the same
	 * format: the first to open decides for the other, which would be refused. */
	unsigned key = (0x74720000u ^ (unsigned)getuid() << 8 ^ settings->slot) & 0x7fffffff;
	int rc = tr_text_format(text, sizeof(text),
		"pcm." PLAYER "_mixer {\n"
		"\ttype dmix\n"
		"\tipc_key %u\n"
		"\tipc_perm 0600\n"
		"\tslave {\n"
		"\t\tpcm \"hw:%s,0,%u\"\n"
		"\t\tformat S16_LE\n"
		"\t\trate 48000\n"
		"\t\tchannels 2\n"
		"\t\tperiod_size 480\n"
		"\t\tbuffer_size 3840\n"
		"\t}\n"
		"}\n"
		"pcm." PLAYER " {\n"
		"\ttype plug\n"
		"\tslave.pcm " PLAYER "_mixer\n"
		"}\n"
		"pcm." CAPTURE " {\n"
		"\ttype plug\n"
		"\tslave {\n"
		"\t\tpcm \"hw:%s,1,%u\"\n"
		"\t\tformat S16_LE\n"
		"\t\trate 48000\n"
		"\t\tchannels 2\n"
		"\t}\n"
		"}\n",
		key, id, sub, id, sub);
	return rc == 0 ? write_config(card, settings->runtime_dir, text) : rc;
}

static const char *loopback_advice(int rc)
{
	switch (rc) {
	case -EACCES:
		return "; the slot's user must be in the group audio";
	case -EBUSY:
		return "; another program has it open: \"fuser -v /dev/snd/*\" names it";
	case -EINVAL:
		return "; another program has its other end open in another format: "
		       "\"fuser -v /dev/snd/*\" names it";
	default:
		return "";
	}
}

static int use_loopback(struct tr_soundcard *card, const struct tr_soundcard_settings *settings,
	const char *id, unsigned sub)
{
	int rc = write_loopback_config(card, settings, id, sub);
	if (rc < 0)
		return rc;
	rc = try_pcm(card->config, CAPTURE, false);
	if (rc < 0) {
		add_problem(card, "The loopback card %s cannot be recorded from (%s)%s.", id,
			strerror(-rc), loopback_advice(rc));
		return rc;
	}
	rc = try_pcm(card->config, PLAYER, true);
	if (rc < 0) {
		add_problem(card, "The loopback card %s cannot be played to (%s)%s.", id,
			strerror(-rc), loopback_advice(rc));
		return rc;
	}
	card->way = TR_SOUNDCARD_LOOPBACK;
	snprintf(card->player_pcm, sizeof(card->player_pcm), PLAYER);
	snprintf(card->capture_pcm, sizeof(card->capture_pcm), CAPTURE);
	snprintf(card->rate_shift, sizeof(card->rate_shift), "hw:%s,1,%u", id, sub);
	snprintf(card->about, sizeof(card->about), "snd-aloop card %s, substream %u", id, sub);
	return 0;
}

static int try_loopback(struct tr_soundcard *card, const struct tr_soundcard_settings *settings)
{
	char id[16];
	int number, rc = -ENODEV;

	snprintf(id, sizeof(id), "tr%u", settings->slot);
	if (tr_alsa_find_loopback(id, &number))
		rc = use_loopback(card, settings, id, 0);
	else if (tr_alsa_find_loopback("Loopback", &number))
		rc = use_loopback(card, settings, "Loopback", settings->slot % CARD_SUBSTREAMS);
	else if (tr_alsa_has_card(id) || tr_alsa_has_card("Loopback"))
		add_problem(card,
			"This user may not open the loopback card: the slot's user must be in the "
			"group audio, and /dev/snd must be there.");
	else
		add_problem(card,
			"There is no snd-aloop card (neither \"%s\" nor \"Loopback\"): load it with "
			"\"modprobe snd-aloop\", if the kernel has it.",
			id);
	return rc;
}

static int make_ring(struct tr_soundcard *card, const struct tr_soundcard_settings *settings)
{
	char path[PATH_MAX], text[PATH_MAX * 2 + 512];

	int rc = tr_text_format(path, sizeof(path), "%s/" RING_NAME, settings->runtime_dir);
	if (rc == 0)
		rc = tr_soundring_create(path, &card->ring);
	if (rc == 0)
		rc = tr_text_format(text, sizeof(text),
			"pcm_type.telerec {\n"
			"\tlib \"%s\"\n"
			"}\n"
			"pcm." PLAYER "_raw {\n"
			"\ttype telerec\n"
			"\tpath \"%s\"\n"
			"}\n"
			"pcm." PLAYER " {\n"
			"\ttype plug\n"
			"\tslave.pcm " PLAYER "_raw\n"
			"}\n",
			settings->plugin_path, path);
	return rc == 0 ? write_config(card, settings->runtime_dir, text) : rc;
}

static int try_plugin(struct tr_soundcard *card, const struct tr_soundcard_settings *settings)
{
	if (!is_plain_path(settings->plugin_path) || access(settings->plugin_path, R_OK) < 0) {
		add_problem(card, "Our ALSA plug-in is not at %s: install telerec completely.",
			settings->plugin_path ? settings->plugin_path : "its place");
		return -ENOENT;
	}
	int rc = make_ring(card, settings);
	if (rc == 0)
		rc = try_pcm(card->config, PLAYER, true);
	if (rc < 0) {
		add_problem(card, "Our ALSA plug-in %s does not work here (%s).",
			settings->plugin_path, strerror(-rc));
		tr_soundring_destroy(tr_take(card->ring));
		return rc;
	}
	tr_soundring_forget(card->ring);
	card->way = TR_SOUNDCARD_PLUGIN;
	snprintf(card->player_pcm, sizeof(card->player_pcm), PLAYER);
	snprintf(card->about, sizeof(card->about), "telerec's ALSA plug-in");
	return 0;
}

static int try_named(struct tr_soundcard *card, const struct tr_soundcard_settings *settings,
	const char *capture_pcm)
{
	const char *player = settings->player_pcm ? settings->player_pcm : "default";

	int rc = try_pcm("", capture_pcm, false);
	if (rc < 0) {
		add_problem(card,
			"The sound device \"%s\" cannot be recorded from at 48 kHz (%s): "
			"\"arecord -L\" lists the names; \"auto\" finds one by itself.",
			capture_pcm, strerror(-rc));
		return rc;
	}
	card->way = TR_SOUNDCARD_NAMED;
	snprintf(card->capture_pcm, sizeof(card->capture_pcm), "%s", capture_pcm);
	snprintf(card->player_pcm, sizeof(card->player_pcm), "%s", player);
	snprintf(card->about, sizeof(card->about), "ALSA device %s", card->capture_pcm);
	return 0;
}

static int choose(struct tr_soundcard *card, const struct tr_soundcard_settings *settings)
{
	const char *source = settings->source ? settings->source : "auto";
	bool is_auto = strcmp(source, "auto") == 0;
	int rc = -ENODEV;

	if (settings->capture_pcm)
		return try_named(card, settings, settings->capture_pcm);
	if (!is_auto && strcmp(source, "loopback") != 0 && strcmp(source, "plugin") != 0)
		return try_named(card, settings, source);
	if (strcmp(source, "plugin") != 0)
		rc = try_loopback(card, settings);
	if (rc < 0 && strcmp(source, "loopback") != 0)
		rc = try_plugin(card, settings);
	return rc;
}

int tr_soundcard_open(const struct tr_soundcard_settings *settings, struct tr_soundcard **ret_card)
{
	TR_CLEANUP(tr_soundcard_closep) struct tr_soundcard *card = calloc(1, sizeof(*card));

	if (!card)
		return -ENOMEM;
	if (!is_plain_path(settings->runtime_dir))
		return tr_fail(-EINVAL, "the runtime folder must be an absolute plain path");
	card->way = TR_SOUNDCARD_NONE;
	snprintf(card->about, sizeof(card->about), "no sound");
	int rc = 0;
	if (!settings->source || strcmp(settings->source, "none") != 0 || settings->capture_pcm)
		rc = choose(card, settings);
	if (rc < 0) {
		card->config[0] = '\0';
		if (!card->problem[0])
			add_problem(card, "The sound cannot be set up in %s (%s).",
				settings->runtime_dir, strerror(-rc));
		tr_warning("no sound: %s", card->problem);
		rc = -ENODEV;
	} else {
		card->problem[0] = '\0'; /* what failed before does not matter */
	}
	*ret_card = tr_take(card);
	return rc;
}

void tr_soundcard_close(struct tr_soundcard *card)
{
	if (!card)
		return;
	tr_soundring_destroy(card->ring);
	free(card);
}
