#include "media/grade.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static void find(
	struct tr_grade *grade, char letter, const char *format, ...)
{
	va_list args;

	if (letter > grade->letter)
		grade->letter = letter;
	if (grade->count == TR_GRADE_REASONS)
		return;
	va_start(args, format);
	vsnprintf(grade->reasons[grade->count++], TR_GRADE_REASON_SIZE, format, args);
	va_end(args);
}

/* The letter that `value` earns when it reaches the limits of B, C and D; 0 below the first. */
static char letter_of(double value, double b, double c, double d)
{
	return value >= d ? 'D' : value >= c ? 'C' : value >= b ? 'B' : 0;
}

static void judge_file(const struct tr_quality *q, struct tr_grade *grade)
{
	if (q->duration_ms <= 0 || !q->has_video)
		find(grade, 'F', "there is no picture in the file");
	if (q->decode_errors > 0)
		find(grade, q->decode_errors > 10 ? 'F' : 'D', "%lld errors while decoding",
			(long long)q->decode_errors);
	if (q->time_errors > 0)
		find(grade, 'D', "%lld packets have no time, or one that goes back",
			(long long)q->time_errors);
	char letter = letter_of(fabs(q->track_difference_s), 1.1, 3, 10);
	if (letter)
		find(grade, letter, "picture and sound end %.1f s apart",
			fabs(q->track_difference_s));
	letter = letter_of(q->file_gap_s, 0.05, 0.5, 5);
	if (letter)
		find(grade, letter, "a hole of %.2f s in the sound's times", q->file_gap_s);
	if (q->ended_early)
		find(grade, 'C', "the recording ended before it was asked to");
}

static void judge_pictures(const struct tr_quality *q, struct tr_grade *grade)
{
	double seconds = (double)q->duration_ms / 1000;
	int64_t all = q->frames_grabbed + q->frames_dropped;
	double share = all > 0 ? (double)q->frames_dropped / (double)all : 0;

	char letter = letter_of(share, 0.02, 0.10, 0.30);
	if (letter)
		find(grade, letter, "%.1f %% of the pictures were dropped: %s", share * 100,
			q->failure_count > 0 ? "an encoder failed, and another one took over"
					     : "the machine is too slow or too busy");
	if (q->encoder_restarts > 0)
		find(grade, q->encoder_restarts > 3 ? 'C' : 'B',
			"the encoder was started again %u times", q->encoder_restarts);
	if (q->page_reloads > 0)
		find(grade, 'C', "the page had to be loaded again %u times", q->page_reloads);
	if (q->parts > 1)
		find(grade, 'C', "the recorder was started again: joined from %u parts", q->parts);
	letter = letter_of(q->longest_black_s, 5, 30, 120);
	if (seconds > 0 && q->black_s >= seconds * 0.98)
		find(grade, 'F', "all of it is black");
	else if (letter)
		find(grade, letter, "black for %.0f s", q->longest_black_s);
	if (seconds > 0 && q->white_s >= seconds * 0.98)
		find(grade, 'F', "all of it is white");
	/* A slide may stand for minutes: only a picture that never moves at all is suspicious. */
	if (seconds > 120 && q->longest_frozen_s >= seconds * 0.98)
		find(grade, 'C', "the picture never changes");
}

static void judge_sound(const struct tr_quality *q, struct tr_grade *grade)
{
	double seconds = (double)q->duration_ms / 1000;
	char letter = letter_of(q->sound_gap_s + q->sound_lost_s, 0.001, 0.5, 5);

	if (letter)
		find(grade, letter, "%.2f s of sound were lost in %u gaps",
			q->sound_gap_s + q->sound_lost_s, q->sound_gaps);
	letter = letter_of(fabs(q->drift_ppm), 200, 1000, 5000);
	if (letter)
		find(grade, letter, "the sound's clock was off by %.0f ppm (corrected)",
			q->drift_ppm);
	if (!q->sound_expected)
		return;
	if (!q->has_audio)
		find(grade, 'D', "there is no sound track");
	else if (!q->had_player)
		find(grade, 'D',
			"nobody opened the sound device: the page was silent, or the browser "
			"could not");
	else if (seconds > 0 && q->silence_s >= seconds * 0.98)
		find(grade, 'D', "all of it is silent");
	if (seconds > 0 && (double)q->clipped > 480 * seconds) /* a hundredth of all samples */
		find(grade, 'C', "the sound is clipped");
}

const char *tr_grade_economy(int level)
{
	static const char *const words[] = {"all pictures", "half the pictures",
		"half the pictures, and coarser", "sound, and a coarse picture every five seconds"};
	int last = (int)(sizeof(words) / sizeof(words[0])) - 1;

	return words[level < 0 ? 0 : level > last ? last : level];
}

static void judge_economy(const struct tr_quality *q, struct tr_grade *grade)
{
	static const char letters[] = {0, 'B', 'C', 'D'};
	int worst = 0;

	for (unsigned i = 0; i < q->economy_count; i++)
		worst = q->economy[i].level > worst ? q->economy[i].level : worst;
	if (worst > 0)
		find(grade, letters[worst > 3 ? 3 : worst],
			"the disk was nearly full: %s at the worst", tr_grade_economy(worst));
}

void tr_grade_of(const struct tr_quality *quality, struct tr_grade *ret_grade)
{
	*ret_grade = (struct tr_grade){.letter = 'A'};
	judge_file(quality, ret_grade);
	judge_pictures(quality, ret_grade);
	judge_sound(quality, ret_grade);
	judge_economy(quality, ret_grade);
}
