#include "doctor/fingerprint.h"

#include <ctype.h>

static const char *next_digit(const char *at)
{
	while (*at && !isxdigit((unsigned char)*at))
		at++;
	return at;
}

bool tr_fingerprint_is_same(const char *one, const char *other)
{
	unsigned count = 0;

	for (;; one++, other++, count++) {
		one = next_digit(one);
		other = next_digit(other);
		if (tolower((unsigned char)*one) != tolower((unsigned char)*other))
			return false;
		if (!*one)
			return count > 0;
	}
}
