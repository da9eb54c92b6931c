/*
 * expat from 2.6 on (and Debian 12's 2.5.0-1+deb12u2) puts off what it did not get as a whole: a
 * tag that came in two pieces is not told when it ends, but when about as much again has come
 * ("reparse deferral", against parsers that are fed a long token byte by byte). A stanza that is
 * longer than the 4 KiB which libstrophe reads at a time, or begins at their end, would wait for
 * the stanzas after it: a recording's start, for minutes. libstrophe (0.12 to 0.14) does not switch
 * it off, and hands out neither the parser nor a place to do it.
 *
 * So our programs have an XML_Parse of their own, which switches it off and goes on with expat's.
 * The dynamic linker finds it first, for all that is in the process; the link option in
 * CMakeLists.txt sees to it that it is there.
 */
#include <dlfcn.h>
#include <expat.h>
#include <stddef.h>
#include <string.h>

typedef enum XML_Status parse_function(XML_Parser parser, const char *text, int size, int is_end);
typedef XML_Bool defer_function(XML_Parser parser, XML_Bool is_deferred);

/* That of the library behind ours; C makes no pointer to a function of one to an object. */
static void find(const char *name, void *ret_function)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	memcpy(ret_function, &symbol, sizeof(symbol));
}

/* Each time, as a parser that is reset defers again. */
enum XML_Status XMLCALL XML_Parse(XML_Parser parser, const char *text, int size, int is_end)
{
	parse_function *parse = NULL;
	defer_function *set_deferral = NULL;

	find("XML_Parse", &parse);
	find("XML_SetReparseDeferralEnabled",
		&set_deferral); /* not in older ones, which never do */
	if (!parse)
		return XML_STATUS_ERROR;
	if (set_deferral)
		set_deferral(parser, XML_FALSE);
	return parse(parser, text, size, is_end);
}
