/*
 * The fault matrix: whatever a driver does wrong, at its start, at the first picture, in the middle
 * or at its close, the track is whole, nothing in it is twice or missing, and the log says what
 * happened. Prints the table.
 */
#include "test.h"

#include "core/clock.h"
#include "encode/track.h"
#include "peers/gpu/world.h"

#include <stdio.h>
#include <string.h>

#define NODE "/dev/dri/renderD128"
#define FEW 6
#define MANY 106

/* Picture 0 of a driver's context is the one that proves at its opening that it encodes. */
static const struct {
	const char *name, *word;
	int pictures;
} moments[] = {{"start", "@0", FEW}, {"frame 1", "@1", FEW}, {"frame 100", "@100", MANY},
	{"close", "@close", FEW}};

enum moment { START, FIRST, MIDDLE, CLOSE };

enum how {
	SAYS_SO,  /* an error, or what is none but cannot be used: the next rung */
	ACCIDENT, /* the process ended or hung: the same device once more, then the next rung */
};

static const struct {
	const char *word;
	enum how how;
	unsigned only;		      /* bits of moments; 0: all */
	enum tr_ladder_failure later; /* what the log calls it in the middle */
} faults[] = {
	{"init", SAYS_SO, 1 << START, TR_LADDER_ERROR},
	{"createconfig", SAYS_SO, 1 << START, TR_LADDER_ERROR},
	{"createcontext:2", SAYS_SO, 1 << START, TR_LADDER_ERROR},
	{"createcontext:34", SAYS_SO, 1 << START, TR_LADDER_ERROR},
	{"createsurfaces", SAYS_SO, 1 << START, TR_LADDER_ERROR},
	{"beginpicture", SAYS_SO, 0, TR_LADDER_ERROR},
	{"renderpicture", SAYS_SO, 0, TR_LADDER_ERROR},
	{"endpicture", SAYS_SO, 0, TR_LADDER_ERROR},
	{"sync", SAYS_SO, 0, TR_LADDER_ERROR},
	{"map", SAYS_SO, 0, TR_LADDER_ERROR},
	{"mapimage", SAYS_SO, 0, TR_LADDER_ERROR},
	{"derive", SAYS_SO, 0, TR_LADDER_ERROR},
	{"empty", SAYS_SO, 0, TR_LADDER_ERROR},
	{"garbage", SAYS_SO, 0, TR_LADDER_ERROR},
	{"exit", ACCIDENT, 0, TR_LADDER_ENDED},
	{"abort", ACCIDENT, 0, TR_LADDER_ENDED},
	{"hang", ACCIDENT, 0, TR_LADDER_HUNG},
};

static struct tr_ladder ladder;
static struct track_result result;

static void make_ladder(void)
{
	struct tr_rung_list list = {.count = 1};

	list.rungs[0] = track_rung(NODE, TR_RUNG_RATE_VBR, 100);
	tr_ladder_init(&ladder, &list);
}

static void print_row(const char *fault, const char *moment, int pictures)
{
	const struct tr_relay_log *log = &result.log;
	char legs[120] = "";
	size_t used = 0;

	for (unsigned i = 0; i < log->leg_count && used < sizeof(legs); i++)
		used += (size_t)snprintf(legs + used, sizeof(legs) - used, "%s%s %d", i ? ", " : "",
			strncmp(log->legs[i].name, "lib", 3) ? "GPU" : "software",
			(int)log->legs[i].pictures);
	printf("%-16s %-9s %3d of %3d played, %3d exact, longest %5.0f ms: %-22s %u %s%s%s\n",
		fault, moment, result.decoded, pictures, result.exact,
		(double)result.longest_wait_ns / 1e6, legs, log->failure_count,
		log->failure_count ? tr_ladder_failure_name(log->failures[0].what) : "no failure",
		log->failure_count ? ": " : "",
		log->failure_count ? log->failures[0].sentence : "");
}

/* Nothing is missing, twice, or out of place, and each player may play it. */
static void assert_whole(int pictures)
{
	assert_int_equal(result.rc, 0);
	assert_int_equal(result.decoded, pictures);
	assert_int_equal(result.close, pictures);
	assert_int_equal(result.in_band_sets, 0);
	assert_true(result.has_tags);
	assert_true(result.decodes_without_words);
	for (unsigned i = 0; i < result.log.failure_count; i++)
		assert_true(result.log.failures[i].sentence[0] != '\0');
}

static void assert_told(size_t fault, enum moment moment)
{
	const struct tr_relay_log *log = &result.log;
	bool is_accident = faults[fault].how == ACCIDENT;
	int pictures = moments[moment].pictures;

	/* Nobody waits for a driver to close; and one that cannot derive an image is asked once,
	 * and then gets copies. */
	if (moment == CLOSE || (moment == START && !strcmp(faults[fault].word, "derive"))) {
		assert_int_equal(log->failure_count, 0);
		assert_int_equal(result.exact, pictures);
		return;
	}
	if (moment == MIDDLE && is_accident) { /* the device works when it is opened anew */
		assert_int_equal(log->failure_count, 1);
		assert_int_equal(log->leg_count, 1);
		assert_int_equal(result.exact, pictures);
	} else {
		assert_int_equal(log->failure_count, is_accident ? 2 : 1);
		assert_string_equal(log->legs[log->leg_count - 1].name, "libx264");
	}
	if (moment == MIDDLE) {
		assert_int_equal(log->failures[0].what, faults[fault].later);
		assert_int_equal(log->failures[0].at_ns, 99 * (TR_NS_PER_S / 30));
		assert_true(result.exact >= 99);
		assert_int_equal(result.sets, 2);
	}
}

static void run(size_t fault, enum moment moment)
{
	struct track_settings settings = {.width = 160,
		.height = 90,
		.pictures = moments[moment].pictures,
		.quality = 20,
		.key_every = 50};
	char words[96];
	bool is_start = moment == START && faults[fault].only == 1u << START;

	snprintf(words, sizeof(words), "fault=%s%s", faults[fault].word,
		is_start ? "" : moments[moment].word);
	tr_world_words(words);
	make_ladder();
	track_record(&settings, &ladder, &result);
	print_row(faults[fault].word, moments[moment].name, settings.pictures);
	assert_whole(settings.pictures);
	assert_told(fault, moment);
}

static void run_all(enum moment moment)
{
	for (size_t i = 0; i < TR_COUNT(faults); i++)
		if (!faults[i].only || faults[i].only & 1u << moment)
			run(i, moment);
}

static void a_driver_that_fails_at_its_start_leaves_the_track_whole(void **state)
{
	run_all(START);
}

static void a_driver_that_fails_at_the_first_picture_leaves_the_track_whole(void **state)
{
	run_all(FIRST);
}

static void a_driver_that_fails_in_the_middle_leaves_the_track_whole(void **state)
{
	run_all(MIDDLE);
}

static void how_a_driver_closes_matters_to_nobody(void **state)
{
	run_all(CLOSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_driver_that_fails_at_its_start_leaves_the_track_whole),
		cmocka_unit_test(a_driver_that_fails_at_the_first_picture_leaves_the_track_whole),
		cmocka_unit_test(a_driver_that_fails_in_the_middle_leaves_the_track_whole),
		cmocka_unit_test(how_a_driver_closes_matters_to_nobody),
	};
	tr_world_enter("intel");
	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
