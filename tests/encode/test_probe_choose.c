/* Constructed machines: which rung comes first, and what a setting makes of them. */
#include "test.h"

#include "encode/probe.h"
#include "encode/probe_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INTEL "/dev/dri/renderD128", "0000:00:02.0", true
#define RADEON "/dev/dri/renderD129", "0000:03:00.0", false
#define ARC "/dev/dri/renderD130", "0000:04:00.0", false

static struct tr_probe_candidate list[32];
static unsigned count;
static json_t *probed;
static struct tr_rung_list chosen;
static char problem[600];

static struct tr_probe_candidate *add(
	const char *device, const char *address, bool is_integrated, enum tr_rung_rate rate)
{
	struct tr_probe_candidate *c = &list[count++];

	*c = (struct tr_probe_candidate){.works = true, .is_integrated = is_integrated};
	c->rung.kind = device[0] ? TR_RUNG_VAAPI : TR_RUNG_SOFTWARE;
	c->rung.rate = rate;
	c->rung.profile = 100;
	c->rung.has_packed_headers = 1;
	snprintf(c->rung.device, sizeof(c->rung.device), "%s", device);
	snprintf(c->rung.address, sizeof(c->rung.address), "%s", address);
	tr_probe_name_rung(&c->rung);
	return c;
}

static struct tr_probe_candidate *add_software(void)
{
	return add("", "", false, TR_RUNG_RATE_CQP);
}

static void fail_all_of(const char *device, const char *sentence)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(list[i].rung.device, device)) {
			list[i].works = false;
			snprintf(list[i].problem, sizeof(list[i].problem), "%s", sentence);
		}
}

static int start(void **state)
{
	count = 0;
	probed = NULL;
	return 0;
}

static int end(void **state)
{
	json_decref(probed);
	return 0;
}

static void expect_first(const char *name)
{
	tr_probe_rank(list, count);
	assert_string_equal(list[0].rung.name, name);
}

/* As the encoder process writes it. */
static int choose(const char *encoder)
{
	json_t *rungs = json_array();

	tr_probe_rank(list, count);
	for (unsigned i = 0; i < count; i++)
		json_array_append_new(rungs, tr_probe_write_rung(&list[i], 2));
	json_decref(probed);
	probed = json_pack("{s:[{s:s, s:s, s:s}], s:o, s:[]}", "devices", "node",
		"/dev/dri/renderD140", "address", "0000:09:00.0", "problem", "it is broken.",
		"rungs", rungs, "advice");
	assert_non_null(probed);
	return tr_probe_choose(probed, encoder, 1280, 720, &chosen, problem, sizeof(problem));
}

static void the_gpu_in_the_processor_goes_first_whatever_its_node(void **state)
{
	add_software();
	add("/dev/dri/renderD128", "0000:03:00.0", false, TR_RUNG_RATE_VBR);
	add("/dev/dri/renderD129", "0000:00:02.0", true, TR_RUNG_RATE_VBR);
	expect_first("h264_vaapi renderD129 VBR");
}

static void a_slow_gpu_in_the_processor_is_left_for_a_card(void **state)
{
	add(INTEL, TR_RUNG_RATE_VBR)->rung.us_per_picture = 40000;
	add(RADEON, TR_RUNG_RATE_VBR)->rung.us_per_picture = 3000;
	expect_first("h264_vaapi renderD129 VBR");
}

static void a_bitrate_that_can_be_held_goes_before_none(void **state)
{
	add(RADEON, TR_RUNG_RATE_CQP);
	add(ARC, TR_RUNG_RATE_CBR);
	expect_first("h264_vaapi renderD130 CBR");
}

static void headers_of_our_own_go_before_the_drivers(void **state)
{
	add(RADEON, TR_RUNG_RATE_VBR)->rung.has_packed_headers = 0;
	add(ARC, TR_RUNG_RATE_VBR);
	expect_first("h264_vaapi renderD130 VBR");
}

static void the_lower_address_goes_first_when_all_else_is_equal(void **state)
{
	add(ARC, TR_RUNG_RATE_VBR);
	add(RADEON, TR_RUNG_RATE_VBR);
	expect_first("h264_vaapi renderD129 VBR");
}

static void steps_down_within_a_device_come_in_this_order(void **state)
{
	static const char *const order[] = {
		"VBR", "CBR", "VBR Main", "VBR CB", "VBR LP", "CBR LP", "CQP", "CQP LP"};
	char name[64];

	add(INTEL, TR_RUNG_RATE_CQP)->rung.is_low_power = 1;
	add(INTEL, TR_RUNG_RATE_CQP);
	add(INTEL, TR_RUNG_RATE_CBR)->rung.is_low_power = 1;
	add(INTEL, TR_RUNG_RATE_VBR)->rung.is_low_power = 1;
	add(INTEL, TR_RUNG_RATE_VBR)->rung.profile = 66;
	add(INTEL, TR_RUNG_RATE_VBR)->rung.profile = 77;
	add(INTEL, TR_RUNG_RATE_CBR);
	add(INTEL, TR_RUNG_RATE_VBR);
	for (unsigned i = 0; i < count; i++)
		tr_probe_name_rung(&list[i].rung);
	tr_probe_rank(list, count);
	for (unsigned i = 0; i < TR_COUNT(order); i++) {
		snprintf(name, sizeof(name), "h264_vaapi renderD128 %s", order[i]);
		assert_string_equal(list[i].rung.name, name);
	}
}

static void a_device_is_left_only_when_all_its_rungs_are(void **state)
{
	add(RADEON, TR_RUNG_RATE_CQP);
	add(RADEON, TR_RUNG_RATE_VBR);
	add(ARC, TR_RUNG_RATE_VBR);
	add(ARC, TR_RUNG_RATE_CQP);
	tr_probe_rank(list, count);
	assert_string_equal(list[0].rung.name, "h264_vaapi renderD129 VBR");
	assert_string_equal(list[1].rung.name, "h264_vaapi renderD129 CQP");
	assert_string_equal(list[2].rung.name, "h264_vaapi renderD130 VBR");
	assert_string_equal(list[3].rung.name, "h264_vaapi renderD130 CQP");
}

static void software_stands_between_what_works_and_what_does_not(void **state)
{
	add(INTEL, TR_RUNG_RATE_VBR)->works = false;
	add_software();
	add(RADEON, TR_RUNG_RATE_CQP);
	tr_probe_rank(list, count);
	assert_string_equal(list[0].rung.name, "h264_vaapi renderD129 CQP");
	assert_string_equal(list[1].rung.name, "libx264");
	assert_false(list[2].works);
}

static void the_order_in_which_they_were_found_changes_nothing(void **state)
{
	struct tr_probe_candidate ranked[32];

	add(RADEON, TR_RUNG_RATE_CQP);
	add(INTEL, TR_RUNG_RATE_VBR)->rung.is_low_power = 1;
	add(ARC, TR_RUNG_RATE_VBR)->works = false;
	add(RADEON, TR_RUNG_RATE_VBR);
	add_software();
	add(INTEL, TR_RUNG_RATE_CQP);
	tr_probe_rank(list, count);
	memcpy(ranked, list, sizeof(ranked));
	for (unsigned turn = 1; turn < 60; turn++) {
		for (unsigned i = count - 1; i > 0; i--) {
			unsigned j = turn * 7919 / i % (i + 1);
			struct tr_probe_candidate one = list[i];
			list[i] = list[j];
			list[j] = one;
		}
		tr_probe_rank(list, count);
		for (unsigned i = 0; i < count; i++)
			assert_memory_equal(&list[i].rung, &ranked[i].rung, sizeof(list[i].rung));
	}
}

static void sessions_fill_seventy_percent_of_a_pictures_time(void **state)
{
	assert_int_equal(tr_probe_count_sessions(2333, 1280, 720, 1), 10);
	assert_int_equal(tr_probe_count_sessions(2333, 1920, 1080, 1), 4);
	assert_int_equal(tr_probe_count_sessions(2333, 1280, 720, 4), 40);
	assert_int_equal(tr_probe_count_sessions(30000, 1280, 720, 1), 0);
	assert_int_equal(tr_probe_count_sessions(0, 1280, 720, 1), 0);
}

static void auto_takes_all_that_works_and_ends_with_software(void **state)
{
	add(INTEL, TR_RUNG_RATE_VBR);
	add(RADEON, TR_RUNG_RATE_VBR);
	add(ARC, TR_RUNG_RATE_VBR)->works = false;
	add_software()->rung.us_per_picture = 1234;
	assert_int_equal(choose("auto"), 0);
	assert_int_equal(chosen.count, 3);
	assert_string_equal(chosen.rungs[0].device, "/dev/dri/renderD128");
	assert_string_equal(chosen.rungs[1].device, "/dev/dri/renderD129");
	assert_int_equal(chosen.rungs[2].kind, TR_RUNG_SOFTWARE);
	assert_int_equal(chosen.rungs[2].us_per_picture, 1234);
	assert_string_equal(problem, "");
}

static void software_takes_nothing_else(void **state)
{
	add(INTEL, TR_RUNG_RATE_VBR);
	assert_int_equal(choose("software"), 0);
	assert_int_equal(chosen.count, 1);
	assert_int_equal(chosen.rungs[0].kind, TR_RUNG_SOFTWARE);
	assert_string_equal(chosen.rungs[0].name, "libx264");
}

static void a_device_that_is_named_goes_first(void **state)
{
	add(INTEL, TR_RUNG_RATE_VBR);
	add(RADEON, TR_RUNG_RATE_VBR);
	static const char *const words[] = {"/dev/dri/renderD129", "0000:03:00.0", "03:00.0"};
	for (unsigned i = 0; i < TR_COUNT(words); i++) {
		assert_int_equal(choose(words[i]), 0);
		assert_int_equal(chosen.count, 2);
		assert_string_equal(chosen.rungs[0].address, "0000:03:00.0");
		assert_string_equal(problem, "");
	}
	assert_int_equal(choose("03:00.0, auto"), 0);
	assert_int_equal(chosen.count, 3);
	assert_string_equal(chosen.rungs[0].address, "0000:03:00.0");
	assert_string_equal(chosen.rungs[1].address, "0000:00:02.0");
}

static void what_was_asked_for_and_does_not_work_is_said(void **state)
{
	add(INTEL, TR_RUNG_RATE_VBR);
	add(RADEON, TR_RUNG_RATE_VBR);
	fail_all_of("/dev/dri/renderD128", "the self-test failed.");
	assert_int_equal(choose("00:02.0,auto"), 0);
	assert_non_null(strstr(problem, "00:02.0, which cannot be used: the self-test failed."));
	assert_string_equal(chosen.rungs[0].address, "0000:03:00.0"); /* asked for: "auto" */
	assert_int_equal(choose("0000:09:00.0"), 0);
	assert_non_null(strstr(problem, "it is broken."));
	assert_int_equal(chosen.count, 1); /* never another GPU in silence */
	assert_int_equal(choose("/dev/dri/renderD200"), 0);
	assert_non_null(strstr(problem, "no such device"));
	assert_int_equal(choose("qsv"), 0);
	assert_non_null(strstr(problem, "no GPU here has a runtime"));
}

static void pictures_that_are_too_large_for_a_device_go_to_the_next(void **state)
{
	struct tr_probe_candidate *small = add(INTEL, TR_RUNG_RATE_VBR);

	small->rung.max_width = small->rung.max_height = 1024;
	add(RADEON, TR_RUNG_RATE_VBR)->rung.max_width = 1280;
	assert_int_equal(choose("auto"), 0);
	assert_int_equal(chosen.count, 2);
	assert_string_equal(chosen.rungs[0].address, "0000:03:00.0");
	assert_int_equal(choose("vaapi"), 0);
	assert_string_equal(problem, "");
	assert_int_equal(choose("00:02.0"), 0);
	assert_non_null(strstr(problem, "pictures of this size"));
}

static void the_second_way_into_an_intel_gpu_is_for_when_the_first_fails(void **state)
{
	add(INTEL, TR_RUNG_RATE_VBR);
	add(INTEL, TR_RUNG_RATE_VBR)->rung.kind = TR_RUNG_QSV;
	assert_int_equal(choose("auto"), 0);
	assert_int_equal(chosen.count, 2);
	assert_int_equal(chosen.rungs[0].kind, TR_RUNG_VAAPI);
	assert_int_equal(choose("qsv"), 0);
	assert_int_equal(chosen.rungs[0].kind, TR_RUNG_QSV);
	list[0].works = false;
	assert_int_equal(choose("auto"), 0);
	assert_int_equal(chosen.rungs[0].kind, TR_RUNG_QSV);
}

static void words_that_are_none_are_refused(void **state)
{
	static const char *const words[] = {"", "nvenc", "auto,", "auto,nvenc", "Auto",
		"renderD128", "/dev/dri/renderD12", "/dev/dri/renderD1280", "/dev/dri/card0",
		"00:02", "0:02.0", "00:02.0.0", "0000:00:02.0 x", "software,nvenc", ","};

	add(INTEL, TR_RUNG_RATE_VBR);
	for (unsigned i = 0; i < TR_COUNT(words); i++)
		assert_int_equal(choose(words[i]), -EINVAL);
}

static void a_rung_is_listed_once(void **state)
{
	add(INTEL, TR_RUNG_RATE_VBR);
	assert_int_equal(choose("vaapi,auto,00:02.0"), 0);
	assert_int_equal(chosen.count, 2);
}

static void nothing_known_still_gives_software(void **state)
{
	assert_int_equal(
		tr_probe_choose(NULL, "auto", 1280, 720, &chosen, problem, sizeof(problem)), 0);
	assert_int_equal(chosen.count, 1);
	assert_int_equal(chosen.rungs[0].kind, TR_RUNG_SOFTWARE);
	assert_int_equal(
		tr_probe_choose(NULL, "vaapi", 1280, 720, &chosen, problem, sizeof(problem)), 0);
	assert_non_null(strstr(problem, "this machine has no GPU"));
}

static void software_keeps_the_last_place_of_a_full_list(void **state)
{
	for (unsigned i = 0; i < 30; i++) {
		char node[64], address[24];
		snprintf(node, sizeof(node), "/dev/dri/renderD%u", 128 + i);
		snprintf(address, sizeof(address), "0000:%02x:00.0", i);
		add(node, address, false, TR_RUNG_RATE_VBR);
	}
	assert_int_equal(choose("auto"), 0);
	assert_int_equal(chosen.count, TR_RUNGS_MAX);
	assert_int_equal(chosen.rungs[TR_RUNGS_MAX - 1].kind, TR_RUNG_SOFTWARE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_gpu_in_the_processor_goes_first_whatever_its_node),
		T(a_slow_gpu_in_the_processor_is_left_for_a_card),
		T(a_bitrate_that_can_be_held_goes_before_none),
		T(headers_of_our_own_go_before_the_drivers),
		T(the_lower_address_goes_first_when_all_else_is_equal),
		T(steps_down_within_a_device_come_in_this_order),
		T(a_device_is_left_only_when_all_its_rungs_are),
		T(software_stands_between_what_works_and_what_does_not),
		T(the_order_in_which_they_were_found_changes_nothing),
		T(sessions_fill_seventy_percent_of_a_pictures_time),
		T(auto_takes_all_that_works_and_ends_with_software),
		T(software_takes_nothing_else),
		T(a_device_that_is_named_goes_first),
		T(what_was_asked_for_and_does_not_work_is_said),
		T(pictures_that_are_too_large_for_a_device_go_to_the_next),
		T(the_second_way_into_an_intel_gpu_is_for_when_the_first_fails),
		T(words_that_are_none_are_refused),
		T(a_rung_is_listed_once),
		T(nothing_known_still_gives_software),
		T(software_keeps_the_last_place_of_a_full_list),
	};
	return cmocka_run_group_tests_name("probe_choose", tests, NULL, NULL);
}
