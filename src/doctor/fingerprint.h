/* Fingerprints as people and libraries write them: colons, blanks and case do not count. Pure. */
#ifndef TR_DOCTOR_FINGERPRINT_H
#define TR_DOCTOR_FINGERPRINT_H

#include <stdbool.h>

/* Two empty ones are no fingerprints, and not the same. */
bool tr_fingerprint_is_same(const char *one, const char *other);

#endif
