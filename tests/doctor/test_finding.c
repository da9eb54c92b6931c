#include "test.h"

#include "doctor/finding.h"

#include <string.h>

static struct tr_findings findings;

static char *printed;
static size_t printed_size;

static int begin(void **state)
{
	int rc = tr_findings_init(&findings);

	findings.out = open_memstream(&printed, &printed_size);
	return rc;
}

static int end(void **state)
{
	tr_findings_fini(&findings);
	fclose(findings.out);
	free(printed);
	return 0;
}

static void add(const char *area, enum tr_finding_status status, const char *sentence)
{
	const struct tr_finding finding = {.status = status, .cause = "why"};

	snprintf(findings.area, sizeof(findings.area), "%s", area);
	tr_findings_add(&findings, &finding, "%s", sentence);
}

static const char *print(void)
{
	tr_findings_print_sum(&findings, findings.out);
	fflush(findings.out);
	return printed;
}

static void exit_code_is_that_of_the_worst(void **state)
{
	assert_int_equal(tr_findings_exit_code(&findings), 0);
	add("a", TR_FINDING_NOTE, "n");
	add("a", TR_FINDING_SKIPPED, "s");
	assert_int_equal(tr_findings_exit_code(&findings), 0);
	add("a", TR_FINDING_WARNING, "w");
	assert_int_equal(tr_findings_exit_code(&findings), 1);
	add("b", TR_FINDING_FAILURE, "f");
	add("b", TR_FINDING_OK, "o");
	assert_int_equal(tr_findings_exit_code(&findings), 3);
	assert_int_equal(tr_findings_count(&findings, TR_FINDING_FAILURE, NULL), 1);
	assert_int_equal(tr_findings_count(&findings, TR_FINDING_FAILURE, "a"), 0);
}

static void an_area_is_kept_with_the_failures_of_others(void **state)
{
	add("a", TR_FINDING_OK, "one");
	add("b", TR_FINDING_FAILURE, "two");
	add("b", TR_FINDING_WARNING, "three");
	add("c", TR_FINDING_NOTE, "four");
	tr_findings_keep_area(&findings, "c");
	assert_int_equal(json_array_size(findings.list), 2);
	assert_int_equal(tr_findings_count(&findings, TR_FINDING_NOTE, "c"), 1);
}

static void a_cure_is_printed_line_by_line(void **state)
{
	const struct tr_finding finding = {
		.status = TR_FINDING_FAILURE,
		.cause = "typo",
		.meaning = "No recordings.",
		.cure = {.file = "/etc/x.conf", .setting = "a.b", .text = "one\ntwo\n"},
	};

	snprintf(findings.area, sizeof(findings.area), "brewery");
	snprintf(findings.subject, sizeof(findings.subject), "prod");
	tr_findings_add(&findings, &finding, "the room is misspelt");
	const char *text = print();
	assert_non_null(strstr(text, "brewery of \"prod\"\n  FAILURE  the room is misspelt\n"));
	assert_non_null(strstr(text, "           No recordings.\n"));
	assert_non_null(strstr(text, "> on this machine, in /etc/x.conf, a.b:\n"
				     "               one\n               two\n"));
	assert_non_null(strstr(text, "1 failure, 0 warnings: begin with the first failure.\n"));
}

static void long_sentences_are_wrapped_and_whole(void **state)
{
	char sentence[901];

	for (size_t i = 0; i < sizeof(sentence) - 1; i++)
		sentence[i] = i % 7 == 6 ? ' ' : 'x';
	memset(sentence + 300, 'y', 200); /* a word longer than a line */
	sentence[sizeof(sentence) - 1] = '\0';
	add("a", TR_FINDING_OK, sentence);
	const char *text = print();
	unsigned letters = 0, wanted = 0;
	for (const char *c = sentence; *c; c++)
		wanted += *c == 'x' || *c == 'y';
	for (const char *c = text; *c && strncmp(c, "\n\n", 2) != 0; c++)
		letters += *c == 'x' || *c == 'y';
	assert_int_equal(letters, wanted);
}

static void what_is_no_text_does_not_break_the_list(void **state)
{
	add("a", TR_FINDING_FAILURE, "a name with \xff\xfe in it");
	const char *text = print();
	assert_non_null(strstr(text, "a name with ?? in it"));
}

static void only_an_area_and_failures_are_printed(void **state)
{
	findings.only = "b";
	add("a", TR_FINDING_OK, "one");
	add("b", TR_FINDING_NOTE, "two");
	add("c", TR_FINDING_FAILURE, "three");
	const char *text = print();
	assert_null(strstr(text, "one"));
	assert_non_null(strstr(text, "b\n  note     two\nc\n  FAILURE  three\n"));
}

static void json_has_every_member(void **state)
{
	static const char *const members[] = {
		"area", "environment", "status", "cause", "sentence", "meaning", "cure"};

	add("a", TR_FINDING_OK, "o");
	const json_t *object = json_array_get(findings.list, 0);
	assert_int_equal(json_object_size(object), TR_COUNT(members));
	for (size_t i = 0; i < TR_COUNT(members); i++)
		assert_non_null(json_object_get(object, members[i]));
	assert_true(json_is_null(json_object_get(object, "cure")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(exit_code_is_that_of_the_worst),
		TEST(an_area_is_kept_with_the_failures_of_others),
		TEST(a_cure_is_printed_line_by_line),
		TEST(long_sentences_are_wrapped_and_whole),
		TEST(what_is_no_text_does_not_break_the_list),
		TEST(only_an_area_and_failures_are_printed),
		TEST(json_has_every_member),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
