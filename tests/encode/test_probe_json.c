/* What comes from the encoder's process may be garbage: it is refused, and the reason is named. */
#include "test.h"

#include "encode/probe_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static json_t *rung_json, *answer;
static char why[160];

static struct tr_probe_candidate make_candidate(void)
{
	struct tr_probe_candidate c = {.works = true, .is_integrated = true};

	c.rung = (struct tr_rung){.kind = TR_RUNG_VAAPI,
		.rate = TR_RUNG_RATE_VBR,
		.profile = 77,
		.level = 4,
		.is_low_power = 1,
		.has_packed_headers = 1,
		.was_tested = 1,
		.max_width = 4096,
		.max_height = 2304,
		.us_per_picture = 2500};
	strcpy(c.rung.device, "/dev/dri/renderD128");
	strcpy(c.rung.address, "0000:00:02.0");
	strcpy(c.rung.driver, "iHD");
	strcpy(c.zero_copy, "the converter reads no RGB");
	tr_probe_name_rung(&c.rung);
	return c;
}

static int start(void **state)
{
	struct tr_probe_candidate gpu = make_candidate(), software = {.works = true};

	software.rung.profile = 66;
	tr_probe_name_rung(&software.rung);
	rung_json = tr_probe_write_rung(&gpu, 4);
	answer = json_pack("{s:[{s:s, s:s, s:s, s:s, s:s, s:s, s:s}], s:[O, o], s:[s]}", "devices",
		"node", "/dev/dri/renderD128", "address", "0000:00:02.0", "kernel_driver", "i915",
		"vendor", "Intel", "cause", "", "problem", "", "cure", "", "rungs", rung_json,
		tr_probe_write_rung(&software, 4), "advice", "a sentence.");
	return rung_json && answer ? 0 : -1;
}

static int end(void **state)
{
	json_decref(rung_json);
	json_decref(answer);
	return 0;
}

static void a_rung_comes_back_as_it_was(void **state)
{
	struct tr_probe_candidate sent = make_candidate(), got;

	assert_int_equal(tr_probe_read_rung(rung_json, &got, why, sizeof(why)), 0);
	assert_memory_equal(&got.rung, &sent.rung, sizeof(sent.rung));
	assert_true(got.works && got.is_integrated);
	assert_string_equal(got.zero_copy, sent.zero_copy);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(rung_json, "sessions"), "1280x720")),
		9);
}

static void software_counts_all_processors(void **state)
{
	struct tr_probe_candidate c = {
		.works = true, .rung = {.us_per_picture = 2500, .profile = 66}};
	json_t *json = tr_probe_write_rung(&c, 4);

	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(json, "sessions"), "1280x720")),
		37);
	json_decref(json);
}

static void every_member_is_needed_and_has_its_kind(void **state)
{
	static const char *const members[] = {"kind", "rate", "profile", "level", "is_low_power",
		"has_packed_headers", "can_convert", "was_tested", "max_width", "max_height",
		"us_per_picture", "device", "address", "driver", "name", "works", "is_integrated",
		"cause", "problem", "cure"};
	struct tr_probe_candidate got;

	for (unsigned i = 0; i < TR_COUNT(members); i++) {
		json_t *missing = json_deep_copy(rung_json), *wrong = json_deep_copy(rung_json);
		json_object_del(missing, members[i]);
		json_object_set_new(wrong, members[i], json_array());
		assert_int_equal(tr_probe_read_rung(missing, &got, why, sizeof(why)), -EPROTO);
		assert_non_null(strstr(why, members[i]));
		assert_int_equal(tr_probe_read_rung(wrong, &got, why, sizeof(why)), -EPROTO);
		assert_non_null(strstr(why, members[i]));
		json_decref(missing);
		json_decref(wrong);
	}
}

static void an_answer_of_before_says_nothing_of_zero_copy(void **state)
{
	struct tr_probe_candidate got;

	json_object_del(rung_json, "zero_copy");
	assert_int_equal(tr_probe_read_rung(rung_json, &got, why, sizeof(why)), 0);
	assert_string_equal(got.zero_copy, "");
	json_object_set_new(rung_json, "zero_copy", json_true());
	assert_int_equal(tr_probe_read_rung(rung_json, &got, why, sizeof(why)), -EPROTO);
}

static void values_outside_their_ranges_are_refused(void **state)
{
	char name[40 + 1], sentence[TR_PROBE_SENTENCE_MAX + 1];
	memset(name, 'a', sizeof(name) - 1);
	memset(sentence, 'a', sizeof(sentence) - 1);
	name[40] = sentence[TR_PROBE_SENTENCE_MAX] = '\0';
	const struct {
		const char *member;
		json_t *value;
	} cases[] = {
		{"kind", json_string("nvenc")},
		{"rate", json_string("vbr")},
		{"profile", json_integer(88)},
		{"level", json_integer(-1)},
		{"max_width", json_integer(INT64_C(1) << 40)},
		{"us_per_picture", json_integer(-5)},
		{"us_per_picture", json_real(2.5)},
		{"name", json_string(name)},
		{"problem", json_string(sentence)},
		{"driver", json_string("iHD\x1b[31m")},
		{"driver", json_stringn("iHD\0x", 5)},
		{"device", json_string("")},
	};
	struct tr_probe_candidate got;

	for (unsigned i = 0; i < TR_COUNT(cases); i++) {
		json_t *json = json_deep_copy(rung_json);
		json_object_set_new(json, cases[i].member, cases[i].value);
		assert_int_equal(tr_probe_read_rung(json, &got, why, sizeof(why)), -EPROTO);
		assert_non_null(strstr(why, cases[i].member));
		json_decref(json);
	}
	assert_int_equal(tr_probe_read_rung(NULL, &got, why, sizeof(why)), -EPROTO);
}

static void a_good_answer_is_accepted(void **state)
{
	assert_int_equal(tr_probe_check(answer, why, sizeof(why)), 0);
}

static void an_answer_without_software_or_with_bad_lists_is_refused(void **state)
{
	static const char *const lists[] = {"devices", "rungs", "advice"};

	for (unsigned i = 0; i < TR_COUNT(lists); i++) {
		json_t *json = json_deep_copy(answer);
		json_object_set_new(json, lists[i], json_string("x"));
		assert_int_equal(tr_probe_check(json, why, sizeof(why)), -EPROTO);
		json_object_set_new(json, lists[i], json_pack("[i]", 1));
		assert_int_equal(tr_probe_check(json, why, sizeof(why)), -EPROTO);
		json_decref(json);
	}
	json_array_remove(json_object_get(answer, "rungs"), 1);
	assert_int_equal(tr_probe_check(answer, why, sizeof(why)), -EPROTO);
	assert_non_null(strstr(why, "software"));
	assert_int_equal(tr_probe_check(NULL, why, sizeof(why)), -EPROTO);
}

static void an_answer_with_too_much_is_refused(void **state)
{
	for (unsigned i = 0; i < 100; i++)
		json_array_append(json_object_get(answer, "rungs"), rung_json);
	assert_int_equal(tr_probe_check(answer, why, sizeof(why)), -EPROTO);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_rung_comes_back_as_it_was),
		T(software_counts_all_processors),
		T(every_member_is_needed_and_has_its_kind),
		T(an_answer_of_before_says_nothing_of_zero_copy),
		T(values_outside_their_ranges_are_refused),
		T(a_good_answer_is_accepted),
		T(an_answer_without_software_or_with_bad_lists_is_refused),
		T(an_answer_with_too_much_is_refused),
	};
	return cmocka_run_group_tests_name("probe_json", tests, NULL, NULL);
}
