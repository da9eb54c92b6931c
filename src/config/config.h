/*
 * The configuration file: text in, checked settings or a list of complaints out.
 *
 * One table in config.c names every key with its type, bounds and default; the parser, the
 * example file's test and the manual's test all walk it. Nothing is half accepted: with one
 * complaint there are no settings, and all complaints are collected before anybody hears of one.
 */
#ifndef TR_CONFIG_CONFIG_H
#define TR_CONFIG_CONFIG_H

#include "core/cleanup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define TR_CONFIG_DEFAULT_PATH "/etc/telerec/telerec.conf"
#define TR_CONFIG_WORD_MAX 160
#define TR_CONFIG_COMPLAINTS_MAX 64
#define TR_CONFIG_SIZE_MIN 64 /* pixels, of either side */
#define TR_CONFIG_SIZE_MAX 4096
#define TR_CONFIG_RATE_MAX 60

struct tr_config {
	char recordings[PATH_MAX]; /* the folder of all sessions */
	int slots;
	char log_level[TR_CONFIG_WORD_MAX]; /* "error", "warning", "info", "debug" */
	struct {
		int width, height; /* even, TR_CONFIG_SIZE_MIN..MAX */
		int frame_rate;
		bool constant_rate;
		int quality;	/* like CRF */
		int video_kbps; /* 0: by quality */
		char encoder[TR_CONFIG_WORD_MAX];
	} video;
	struct {
		char source[TR_CONFIG_WORD_MAX]; /* "auto", "plugin", "loopback", "pcm", "none" */
		char capture_pcm[TR_CONFIG_WORD_MAX];
		char player_pcm[TR_CONFIG_WORD_MAX];
		int audio_kbps;
	} sound;
	struct {
		char path[PATH_MAX]; /* "": find one */
		int64_t page_timeout_ms;
	} browser;
};

struct tr_config_complaints {
	unsigned count; /* also of those that had no room */
	char lines[TR_CONFIG_COMPLAINTS_MAX]
		  [512]; /* "file:line: what is wrong and what is right" */
};

/* What holds without a file. */
void tr_config_set_defaults(struct tr_config *config);

/* Reads the file. -EINVAL with complaints; for a file that cannot be read -errno with one. */
TR_CHECKED int tr_config_load(
	const char *path, struct tr_config *ret_config, struct tr_config_complaints *complaints);

/* The same for text (NUL-terminated); `path` is what complaints call it. */
TR_CHECKED int tr_config_parse(const char *text, const char *path, struct tr_config *ret_config,
	struct tr_config_complaints *complaints);

/* The key in row `index` of the table, "video.size"; NULL behind the last. */
const char *tr_config_key(unsigned index);

/* Its default as the file would say it, for example "\"1280x720\"", into `out`. */
void tr_config_key_default(unsigned index, char *out, size_t size);

/* What is wrong with a picture of this size, as the end of a sentence; NULL when nothing is. */
const char *tr_config_size_fault(int width, int height);

#endif
