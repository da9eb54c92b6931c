#define TR_LOG_AREA "slot"
#include "session/recorder_parts.h"

#include <string.h>

void tr_recorder_economize(struct tr_recorder *recorder, int level)
{
	struct tr_quality *notes = &recorder->economies;

	if (!recorder->pipeline || level == recorder->economy || level < 0 ||
		level > TR_MESSAGE_ECONOMY_MAX || recorder->request.is_without_file)
		return;
	recorder->economy = level;
	tr_pipeline_set_economy(recorder->pipeline, level);
	if (notes->economy_count < TR_GRADE_ECONOMIES) {
		int64_t since_ns = tr_clock_now_ns() - tr_pipeline_start_ns(recorder->pipeline);
		notes->economy[notes->economy_count].at_s = (double)since_ns / 1e9;
		notes->economy[notes->economy_count++].level = level;
	}
	if (level > 0)
		tr_recorder_warn(recorder,
			"the disk is nearly full: from now on this recording has %s",
			tr_grade_economy(level));
	else
		tr_recorder_warn(recorder, "there is room on the disk again: %s from now on",
			tr_grade_economy(level));
}

void tr_recorder_end_economy(struct tr_recorder *recorder, struct tr_quality *quality)
{
	quality->economy_count = recorder->economies.economy_count;
	memcpy(quality->economy, recorder->economies.economy, sizeof(quality->economy));
	recorder->economies.economy_count = 0;
	recorder->economy = 0;
}
