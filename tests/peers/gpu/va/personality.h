/*
 * Which device the test driver plays, and what goes wrong with it: read from TR_TEST_VA or from a
 * file beside the driver. README.md lists the words.
 */
#ifndef TR_TESTS_GPU_PERSONALITY_H
#define TR_TESTS_GPU_PERSONALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR_VA_FAULTS_MAX 8
#define TR_VA_PATH_MAX 256

/* Where a fault can strike. */
enum tr_va_call {
	TR_VA_INIT,
	TR_VA_CREATE_CONFIG,
	TR_VA_CREATE_CONTEXT,
	TR_VA_CREATE_SURFACES,
	TR_VA_BEGIN_PICTURE,
	TR_VA_RENDER_PICTURE,
	TR_VA_END_PICTURE,
	TR_VA_SYNC,
	TR_VA_MAP, /* of a coded buffer */
	TR_VA_MAP_IMAGE,
	TR_VA_DERIVE,
	TR_VA_DESTROY_CONTEXT,
	TR_VA_IMPORT,  /* of a surface */
	TR_VA_CONVERT, /* its pictures are those of the converter */
	TR_VA_CALLS,
};

/* What it does there. */
enum tr_va_deed {
	TR_VA_FAIL,    /* returns a status */
	TR_VA_EMPTY,   /* a coded buffer of no bytes, success */
	TR_VA_GARBAGE, /* a coded buffer of noise, success */
	TR_VA_HANG,    /* never returns, and holds the display's lock as Mesa does */
	TR_VA_EXIT,    /* exit(1), as Mesa 22.3 on a lost context */
	TR_VA_ABORT,   /* abort(), as later ones */
	TR_VA_SLOW,    /* sleeps */
	TR_VA_COLOURS, /* converts as if it had not read how, success */
};

struct tr_va_fault {
	enum tr_va_call call;
	enum tr_va_deed deed;
	int64_t frame; /* from this picture of the context on, counted from 0; -1: always */
	int value;     /* TR_VA_FAIL: the status; TR_VA_SLOW: milliseconds */
};

struct tr_va_personality {
	char vendor[96];
	bool is_decode_only;
	bool has_slice, has_low_power; /* entry points EncSlice and EncSliceLP */
	uint32_t rate_control, low_power_rate_control;
	uint32_t packed_headers; /* 0: writes its own, as AMD */
	uint32_t references;	 /* l0 | l1 << 16 */
	uint32_t quality_range;	 /* 0: not supported */
	unsigned max_slices;
	unsigned max_width, max_height;
	bool has_vpp, has_derive, has_sync_buffer, has_prime_2;
	bool is_sync_infinite_only; /* vaSyncBuffer(0) answers TIMEDOUT, as AMD */
	bool has_no_rgb;	    /* its converter reads NV12 alone */
	bool has_no_background;	    /* ... and leaves the rest of its target as it was */
	unsigned pitch_step;	    /* of imported memory, bytes; 0: 4 */
	bool is_lazy;		    /* works only when somebody waits for the result */
	int session_limit;	    /* encoding contexts on the machine; 0: any number */
	bool is_once;		    /* a fault strikes once only, over all processes */
	char log[TR_VA_PATH_MAX];   /* appended to; empty: none */
	char state[TR_VA_PATH_MAX]; /* folder of what is shared by processes */
	unsigned fault_count;
	struct tr_va_fault faults[TR_VA_FAULTS_MAX];
};

/* Reads the personality of the driver at `path` (".../iHD_drv_video.so"). False: a word is wrong,
 * said on stderr. */
bool tr_va_personality_read(const char *path, struct tr_va_personality *ret);

/* Does what the faults order for this call at this picture. 0, or the status to return. The deed
 * is put into `ret_deed` (TR_VA_FAIL when there is none to be done by the caller). */
int tr_va_personality_strike(const struct tr_va_personality *p, enum tr_va_call call, int64_t frame,
	enum tr_va_deed *ret_deed);

/* A line into the log. */
void tr_va_personality_log(const struct tr_va_personality *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One of the machine's encoding sessions as an open descriptor, -1 when all are in use. */
int tr_va_personality_take_session(const struct tr_va_personality *p);

#endif
