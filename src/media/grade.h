/*
 * How good a recording is: the figures of its report, and the grade that follows from them.
 *
 * A recorder fills what it knows; a check of a finished file fills what the file shows. What is
 * unknown is zero and is not graded.
 */
#ifndef TR_MEDIA_GRADE_H
#define TR_MEDIA_GRADE_H

#include <stdbool.h>
#include <stdint.h>

#define TR_GRADE_REASONS 12
#define TR_GRADE_REASON_SIZE 160
#define TR_GRADE_ECONOMIES 16
#define TR_GRADE_LEGS 16
#define TR_GRADE_FAILURES 16

struct tr_quality {
	/* the whole */
	int64_t duration_ms;
	int64_t bytes;
	int width, height, rate;
	bool has_video, has_audio;
	bool sound_expected; /* silence is worth a complaint */
	bool ended_early;    /* trouble ended it */

	/* pictures: counted by the recorder */
	int64_t frames_grabbed;
	int64_t frames_encoded;
	int64_t frames_repeated;
	int64_t frames_dropped;
	int64_t frames_late;
	char grabbed_by[24];
	char encoder[40]; /* the last */
	unsigned encoder_restarts;
	double mean_qp;
	double encode_ms;     /* mean of a picture */
	double share_changed; /* of the macroblocks, mean */

	bool has_zero_copy;	/* pictures went to the encoder without a copy ... */
	char no_zero_copy[200]; /* ... or why not, or why no longer; "" */

	/* which encoder made which pictures */
	unsigned leg_count;
	struct {
		char name[40];
		double from_s, to_s; /* its first and its last picture */
		int64_t pictures;
		bool has_zero_copy;
	} legs[TR_GRADE_LEGS];
	unsigned failure_count; /* may be more than are kept: the first ones are */
	struct {
		char name[40];	  /* of the encoder */
		double at_s;	  /* below 0: before the first picture */
		const char *what; /* "hung"; lives for ever */
		char sentence[200];
	} failures[TR_GRADE_FAILURES];

	/* pictures: seen */
	double black_s, longest_black_s;
	double white_s, longest_white_s;
	double longest_frozen_s;

	/* sound: counted by the recorder */
	unsigned sound_gaps;
	double sound_gap_s;
	double sound_lost_s;
	unsigned sound_recoveries;
	double drift_ppm;
	bool had_player; /* somebody opened the sound device; true when that cannot be known */

	/* sound: heard */
	double peak_db, rms_db;
	double silence_s, longest_silence_s;
	int64_t clipped;

	/* the file, decoded */
	int64_t decode_errors;
	int64_t time_errors;	   /* packets whose time is missing or goes back */
	double track_difference_s; /* between the ends of picture and sound */
	double file_gap_s;	   /* longest hole in the sound's times */

	/* the page and the browser */
	unsigned page_reloads;
	unsigned parts; /* joined into one file */

	/* the disk was nearly full: from when on which level of economy held */
	unsigned economy_count;
	struct {
		double at_s;
		int level;
	} economy[TR_GRADE_ECONOMIES];
};

struct tr_grade {
	char letter; /* 'A' very good, 'B' small faults, 'C' noticeable, 'D' bad, 'F' unusable */
	unsigned count;
	char reasons[TR_GRADE_REASONS]
		    [TR_GRADE_REASON_SIZE]; /* sentences, worst first not promised */
};

/* What a level of economy means: "half the pictures"; 0: "all pictures". */
const char *tr_grade_economy(int level);

/* The letter is that of the worst finding. */
void tr_grade_of(const struct tr_quality *quality, struct tr_grade *ret_grade);

#endif
