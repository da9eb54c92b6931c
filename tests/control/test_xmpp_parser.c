/* A stanza that comes in pieces is taken when its last byte has come. */
#include "test.h"

#include "core/cleanup.h"

#include <expat.h>
#include <stdio.h>
#include <string.h>

static void count(void *user, const XML_Char *name, const XML_Char **attributes)
{
	(*(unsigned *)user)++;
}

static void feed(XML_Parser parser, const char *text, size_t size)
{
	assert_int_equal(XML_Parse(parser, text, (int)size, 0), XML_STATUS_OK);
}

/* A tag of `size` bytes, cut behind the first `first` ones and then each `step`. */
static void expect_at_once(XML_Parser parser, size_t size, size_t first, size_t step)
{
	char tag[20000];
	unsigned tags = 0;

	int begin = snprintf(tag, sizeof(tag), "<iq a='");
	memset(tag + begin, 'x', size - (size_t)begin - 3);
	memcpy(tag + size - 3, "'/>", 3);
	XML_SetUserData(parser, &tags);
	XML_SetStartElementHandler(parser, count);
	feed(parser, "<stream>", 8);
	assert_int_equal(tags, 1);
	feed(parser, tag, first);
	for (size_t at = first; at < size; at += step)
		feed(parser, tag + at, size - at < step ? size - at : step);
	assert_int_equal(tags, 2);
}

static void a_tag_in_pieces_is_told_at_its_end(void **state)
{
	static const struct {
		size_t size, first, step;
	} cuts[] = {
		{500, 400, 100},    /* at the end of what was read */
		{6000, 4096, 4096}, /* longer than that */
		{10000, 4096, 4096},
		{19000, 1, 1000},
	};

	for (size_t i = 0; i < TR_COUNT(cuts); i++) {
		XML_Parser parser = XML_ParserCreate(NULL);
		expect_at_once(parser, cuts[i].size, cuts[i].first, cuts[i].step);
		/* As a new stream begins after a login. */
		assert_int_equal(XML_ParserReset(parser, NULL), XML_TRUE);
		expect_at_once(parser, cuts[i].size, cuts[i].first, cuts[i].step);
		XML_ParserFree(parser);
	}
}

static void what_is_no_xml_is_refused(void **state)
{
	XML_Parser parser = XML_ParserCreate(NULL);

	assert_int_equal(XML_Parse(parser, "<a></b>", 7, 0), XML_STATUS_ERROR);
	XML_ParserFree(parser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tag_in_pieces_is_told_at_its_end),
		cmocka_unit_test(what_is_no_xml_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
