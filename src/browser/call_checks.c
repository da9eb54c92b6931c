#include "browser/call_checks.h"

#include "core/cleanup.h"

/* Places in since_ms, in the order of judging. */
enum { EMPTY, MUTED, NO_MEDIA, ICE };

static const enum tr_call_verdict verdicts[] = {
	[EMPTY] = TR_CALL_EMPTY,
	[MUTED] = TR_CALL_MUTED,
	[NO_MEDIA] = TR_CALL_NO_MEDIA,
	[ICE] = TR_CALL_ICE_FAILED,
};

static int64_t limit_of(const struct tr_call_checks *checks, unsigned condition)
{
	const struct tr_call_limits *limits = &checks->limits;
	const int64_t all[] = {
		[EMPTY] = limits->empty_ms,
		[MUTED] = limits->muted_ms,
		[NO_MEDIA] = limits->no_media_ms,
		[ICE] = limits->ice_ms,
	};
	return all[condition];
}

void tr_call_checks_init(struct tr_call_checks *checks, const struct tr_call_limits *limits)
{
	*checks = (struct tr_call_checks){.limits = *limits};
	for (unsigned i = 0; i < TR_COUNT(checks->since_ms); i++)
		checks->since_ms[i] = -1;
}

void tr_call_checks_update(
	struct tr_call_checks *checks, const struct tr_call_sample *sample, int64_t now_ms)
{
	const int others = sample->participants;
	const bool are_all_muted = sample->muted + sample->telephones >= others;
	const bool is_media_coming = sample->download_kbps > 0;
	const bool is_telephone_heard = sample->telephones > 0 && is_media_coming;
	const bool holds[] = {
		[EMPTY] = others <= 0,
		[MUTED] = others > 0 && are_all_muted && !is_telephone_heard &&
			  !sample->has_shared_video,
		[NO_MEDIA] = others > 0 && !are_all_muted && !is_media_coming &&
			     !sample->has_shared_video,
		[ICE] = others > 0 && !sample->is_connected,
	};

	checks->is_kicked |= sample->is_kicked;
	for (unsigned i = 0; i < TR_COUNT(holds); i++)
		if (!holds[i])
			checks->since_ms[i] = -1;
		else if (checks->since_ms[i] < 0)
			checks->since_ms[i] = now_ms;
}

enum tr_call_verdict tr_call_checks_judge(const struct tr_call_checks *checks, int64_t now_ms)
{
	for (unsigned i = 0; i < TR_COUNT(verdicts); i++)
		if (checks->since_ms[i] >= 0 && now_ms - checks->since_ms[i] > limit_of(checks, i))
			return verdicts[i];
	return checks->is_kicked ? TR_CALL_KICKED : TR_CALL_FINE;
}

int64_t tr_call_checks_next_ms(const struct tr_call_checks *checks)
{
	int64_t next = -1;

	for (unsigned i = 0; i < TR_COUNT(verdicts); i++) {
		if (checks->since_ms[i] < 0)
			continue;
		int64_t at = checks->since_ms[i] + limit_of(checks, i) + 1;
		if (next < 0 || at < next)
			next = at;
	}
	return next;
}
