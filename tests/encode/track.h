/*
 * A track as the slot makes it, without a screen: known pictures through a relay into a real MP4
 * file, which FFmpeg's decoder then plays and compares with what was put in.
 */
#ifndef TR_TESTS_TRACK_H
#define TR_TESTS_TRACK_H

#include "encode/relay.h"

#define TRACK_PICTURES_MAX 256

struct track_settings {
	int width, height;
	int pictures;
	int quality, kbps;
	int coarser_from; /* number of the picture from which on it shall be coarser; 0: never */
	int key_every;	  /* 0: the first only */
};

struct track_result {
	int rc; /* of the relay */
	struct tr_relay_log log;
	unsigned handovers;
	int64_t longest_wait_ns; /* from a picture to its packet */
	int64_t bytes;
	unsigned sets; /* sequence parameter sets in the file's header */
	/* played */
	int decoded;
	int exact; /* equal bit for bit */
	int close; /* at least look the same */
	int in_band_sets;
	bool has_tags; /* BT.709 limited in every picture */
	int keys;
	bool decodes_without_words; /* every packet, not a warning */
};

/* A rung on `device` (a node), or software (NULL). */
struct tr_rung track_rung(const char *device, enum tr_rung_rate rate, int profile);

/* Keeps the ladder. */
void track_record(
	const struct track_settings *settings, struct tr_ladder *ladder, struct track_result *ret);

#endif
