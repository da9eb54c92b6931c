/* What both ends of the probe share: a rung with what is known of it, as a value and as JSON; the
 * order of such rungs; and the sentences for what can be wrong. Pure, all of it. */
#ifndef TR_ENCODE_PROBE_INTERNAL_H
#define TR_ENCODE_PROBE_INTERNAL_H

#include "core/cleanup.h"
#include "encode/rung.h"

#include <jansson.h>

#define TR_PROBE_SENTENCE_MAX 400
#define TR_PROBE_CURE_MAX 300
#define TR_PROBE_ZERO_COPY_MAX 200
#define TR_PROBE_ANSWER_MAX (1 << 20) /* bytes of JSON from the encoder process */

struct tr_probe_candidate {
	struct tr_rung rung;
	bool works;	    /* passed the self-test, or was not tested */
	bool is_integrated; /* its GPU is part of the processor */
	char cause[24];	    /* a word for scripts when it does not work, else "" */
	char problem[TR_PROBE_SENTENCE_MAX];
	char cure[TR_PROBE_CURE_MAX];
	char zero_copy[TR_PROBE_ZERO_COPY_MAX]; /* why it cannot have surfaces; "" when it can */
};

/* The best first. Those of one device stay together, in the order of the steps down within it;
 * software comes after all that works, and before what does not. */
void tr_probe_rank(struct tr_probe_candidate *candidates, unsigned count);

/* Rungs of so many microseconds a 1280x720 picture that `engines` carry side by side, at 30
 * pictures/s of this size: all of them in 70 % of a picture's time. */
unsigned tr_probe_count_sessions(int us_per_picture, int width, int height, int engines);

/* "h264_vaapi renderD128 VBR low-power" */
void tr_probe_name_rung(struct tr_rung *rung);

/* NULL without memory. */
json_t *tr_probe_write_rung(const struct tr_probe_candidate *candidate, int cores);

/* -EPROTO when a member is missing, of the wrong kind, too long, or out of its range; `why` names
 * it. */
TR_CHECKED int tr_probe_read_rung(
	const json_t *json, struct tr_probe_candidate *ret, char *why, size_t why_size);

/* Is it an answer as probe.h says it? -EPROTO with the reason in `why`. */
TR_CHECKED int tr_probe_check(const json_t *json, char *why, size_t why_size);

/* Where something went wrong, and all that is known of it; strings are "" when unknown. */
enum tr_probe_place {
	TR_PROBE_NOWHERE,
	TR_PROBE_OPEN,	   /* the render node */
	TR_PROBE_START,	   /* vaInitialize() */
	TR_PROBE_ENCODERS, /* nothing to encode H.264 with */
	TR_PROBE_TEST,	   /* the self-test of a rung */
};

struct tr_probe_symptom {
	enum tr_probe_place place;
	const char *node, *kernel_driver, *vendor;
	const char *driver;	 /* the VA driver that libva tried */
	const char *driver_text; /* what it calls itself */
	const char *words;	 /* what it and libva printed, or the self-test said */
	const char *stage;	 /* the call that did not come back, or "" */
	int error;		 /* errno of open */
	int status;		 /* VAStatus of vaInitialize */
	int rc;			 /* of the self-test, -errno */
	int wait_status;	 /* of the child, when has_ended */
	bool has_ended;		 /* the process that asked was ended by the driver */
	bool has_hung;		 /* ... or had to be */
	bool is_low_power;	 /* the rung of the self-test holds a bitrate by EncSliceLP */
	bool has_h264;		 /* the driver knows the profiles (then decoding is all it does) */
	bool is_container;
	const char *group; /* the node's; "": has no name here */
	int gid, uid;
};

struct tr_probe_finding {
	char cause[24];
	char problem[TR_PROBE_SENTENCE_MAX];
	char cure[TR_PROBE_CURE_MAX];
};

void tr_probe_explain(const struct tr_probe_symptom *symptom, struct tr_probe_finding *ret);

#endif
