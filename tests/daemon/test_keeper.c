/* The keeper on a folder of recordings as they lie on a disk. */
#include "test.h"

#include "core/clock.h"
#include "core/file.h"
#include "daemon/keeper.h"
#include "storage/leftovers.h"
#include "storage/metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DAY_NS (INT64_C(86400) * TR_NS_PER_S)
#define MOVIE_BYTES 20000

static char home[] = "/tmp/telerec-keeper-XXXXXX";
static struct tr_recordings_dir dir = {home};
static struct tr_config rules;
static struct tr_keeper_settings settings;
static struct tr_keeper *keeper;
static sd_event *event;
static char removed[300];
static int64_t removed_bytes;
static const char *in_use;

static bool is_in_use(void *user, const char *folder)
{
	return in_use && !strcmp(folder, in_use);
}

static void note_removed(void *user, const struct tr_holding *holding)
{
	size_t used = strlen(removed);

	snprintf(removed + used, sizeof(removed) - used, "%s ", holding->folder);
	removed_bytes += holding->bytes;
}

static int make_home(void **state)
{
	strcpy(home, "/tmp/telerec-keeper-XXXXXX");
	assert_non_null(mkdtemp(home));
	assert_true(sd_event_new(&event) >= 0);
	tr_config_set_defaults(&rules);
	settings = (struct tr_keeper_settings){
		.dir = &dir, .rules = &rules, .is_in_use = is_in_use, .removed = note_removed};
	removed[0] = '\0';
	removed_bytes = 0;
	in_use = NULL;
	return 0;
}

static int remove_home(void **state)
{
	tr_keeper_destroy(tr_take(keeper));
	event = sd_event_unref(event);
	return tr_file_remove_tree(home);
}

static int open_folder(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	if (mkdir(path, 0750) < 0)
		assert_int_equal(errno, EEXIST);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* A minute long, so many days ago, of the room "standup". */
static void add_recording(const char *name, int days, enum tr_recording_state recording_state)
{
	static struct tr_recording recording;
	static char movie[MOVIE_BYTES];
	int fd = open_folder(name);
	const struct tr_metadata metadata = {.meeting_url = "",
		.request_metadata = "",
		.session_id = name,
		.room = "standup@conference.meet.example"};

	memset(&recording, 0, sizeof(recording));
	assert_int_equal(tr_recording_init(&recording, name, "https://meet.example/Standup",
				 "movie", tr_clock_wall_ns() - days * DAY_NS),
		0);
	recording.state = recording_state;
	recording.duration_ns = 60 * TR_NS_PER_S;
	assert_int_equal(tr_recording_save(fd, &recording), 0);
	assert_int_equal(tr_metadata_write(fd, &metadata), 0);
	assert_int_equal(tr_file_replace(fd, "movie.mp4", movie, sizeof(movie)), 0);
	close(fd);
}

static bool has(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return access(path, F_OK) == 0;
}

static struct tr_config_keep *add_rule(const char *match)
{
	struct tr_config_keep *keep = &rules.storage.keep[rules.storage.keep_count++];

	*keep = (struct tr_config_keep){0};
	snprintf(keep->match, sizeof(keep->match), "%s", match);
	return keep;
}

static void run_until_removed(const char *names)
{
	int64_t end_ns = tr_clock_now_ns() + 20 * TR_NS_PER_S;

	if (!keeper)
		assert_int_equal(tr_keeper_create(event, &settings, &keeper), 0);
	while (strcmp(removed, names) != 0) {
		if (tr_clock_now_ns() > end_ns)
			fail_msg("removed: %s", removed);
		assert_true(sd_event_run(event, 20000) >= 0);
	}
}

static void old_recordings_go_at_the_start_and_are_counted(void **state)
{
	add_rule("standup@.*")->max_age_ms = INT64_C(15) * 86400000;
	add_recording("b30", 30, TR_RECORDING_DONE);
	add_recording("a20", 20, TR_RECORDING_FAILED);
	add_recording("c10", 10, TR_RECORDING_DONE);
	run_until_removed("b30 a20 ");
	assert_true(removed_bytes >= 2 * MOVIE_BYTES);
	assert_false(has("b30"));
	assert_false(has(".removed-b30"));
	assert_true(has("c10/movie.mp4"));
}

static void what_is_not_done_or_in_use_or_none_of_ours_stays(void **state)
{
	add_rule(".*")->max_age_ms = 86400000;
	add_recording("running", 9, TR_RECORDING_RUNNING);
	add_recording("finishing", 8, TR_RECORDING_FINISHING);
	add_recording("used", 7, TR_RECORDING_DONE);
	add_recording("script", 6, TR_RECORDING_DONE);
	add_recording("done", 5, TR_RECORDING_DONE);
	int fd = open_folder("script");
	assert_int_equal(tr_leftovers_note_finalize(fd, true), 0);
	close(fd);
	close(open_folder("stranger"));
	in_use = "used";
	run_until_removed("done ");
	assert_true(has("running") && has("finishing") && has("used") && has("script"));
	assert_true(has("stranger"));
}

static void the_first_rule_that_matches_is_the_only_one(void **state)
{
	add_rule("https://meet\\.example/Stand.*"); /* for ever */
	add_rule(".*")->max_age_ms = 86400000;
	add_recording("old", 99, TR_RECORDING_DONE);
	assert_int_equal(tr_keeper_create(event, &settings, &keeper), 0);
	assert_int_equal(tr_keeper_make_room(keeper, INT64_C(1) << 60), 0);
	assert_true(has("old"));
}

static void room_is_made_at_once_as_far_as_the_rules_allow(void **state)
{
	struct tr_config_keep *keep = add_rule(".*");

	add_recording("old", 3, TR_RECORDING_DONE);
	add_recording("new", 2, TR_RECORDING_DONE);
	add_recording("latest", 1, TR_RECORDING_DONE);
	assert_int_equal(tr_keeper_create(event, &settings, &keeper), 0);
	assert_int_equal(tr_keeper_make_room(keeper, 1), 0);
	keep->min_free_bytes = 1;
	assert_int_equal(tr_keeper_make_room(keeper, 0), 0);
	assert_int_equal(tr_keeper_make_room(keeper, MOVIE_BYTES + 20000), 2);
	assert_string_equal(removed, "old new ");
	assert_true(has("latest"));
}

static void only_what_the_script_took_over_goes_where_the_rule_says_so(void **state)
{
	struct tr_config_keep *keep = add_rule(".*");

	keep->max_age_ms = 86400000;
	keep->uploaded_only = true;
	add_recording("here", 9, TR_RECORDING_DONE);
	add_recording("there", 8, TR_RECORDING_DONE);
	int fd = open_folder("there");
	assert_int_equal(tr_holdings_note_taken_over(fd), 0);
	close(fd);
	run_until_removed("there ");
	assert_true(has("here"));
}

static void a_plan_removes_nothing(void **state)
{
	struct tr_keeper_plan *plan;
	unsigned count;

	add_rule(".*")->max_age_ms = 86400000;
	add_recording("old", 9, TR_RECORDING_DONE);
	add_recording("new", 0, TR_RECORDING_DONE);
	assert_int_equal(tr_keeper_make_plan(&settings, 0, &plan, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(plan[0].holding.folder, "old");
	assert_int_equal(plan[0].reason, TR_KEEPING_TOO_OLD);
	assert_string_equal(plan[0].holding.room, "standup@conference.meet.example");
	free(plan);
	assert_true(has("old"));
}

static void a_removal_that_was_cut_off_is_completed(void **state)
{
	add_rule(".*")->max_age_ms = 86400000;
	add_recording(".removed-half", 9, TR_RECORDING_DONE);
	add_recording("old", 9, TR_RECORDING_DONE);
	run_until_removed("old ");
	assert_false(has(".removed-half"));
}

static void no_name_leads_out_of_the_folder(void **state)
{
	assert_int_equal(tr_holdings_remove(home, "../x"), -EINVAL);
	assert_int_equal(tr_holdings_remove(home, ".."), -EINVAL);
	assert_int_equal(tr_holdings_remove(home, ""), -EINVAL);
	assert_int_equal(tr_holdings_remove(home, "none"), -ENOENT);
}

int main(void)
{
#define HOUSED(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)
	const struct CMUnitTest tests[] = {
		HOUSED(old_recordings_go_at_the_start_and_are_counted),
		HOUSED(what_is_not_done_or_in_use_or_none_of_ours_stays),
		HOUSED(the_first_rule_that_matches_is_the_only_one),
		HOUSED(room_is_made_at_once_as_far_as_the_rules_allow),
		HOUSED(only_what_the_script_took_over_goes_where_the_rule_says_so),
		HOUSED(a_plan_removes_nothing),
		HOUSED(a_removal_that_was_cut_off_is_completed),
		HOUSED(no_name_leads_out_of_the_folder),
	};
	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
