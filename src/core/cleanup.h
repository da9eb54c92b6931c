/*
 * Clean-up by the compiler, and the attributes that functions carry.
 *
 * A variable declared with TR_CLEANUP is let go of when its scope ends, so an early `return rc` is
 * always safe; tr_take() hands the value on and leaves NULL behind.
 */
#ifndef TR_CORE_CLEANUP_H
#define TR_CORE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define TR_CLEANUP(function) __attribute__((cleanup(function)))
#define TR_CHECKED __attribute__((warn_unused_result))
#define TR_PRINTF(position, first) __attribute__((format(printf, position, first)))

#define tr_take(pointer)                                                                           \
	({                                                                                         \
		__auto_type taken_ = (pointer);                                                    \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

#define TR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Defines NAMEp(), which calls NAME() on what the pointer points to: for TR_CLEANUP(NAMEp). */
#define TR_CLEANUP_DEFINE(type, name)                                                              \
	static inline void name##p(type **pointer)                                                 \
	{                                                                                          \
		name(*pointer);                                                                    \
	}

static inline void tr_freep(void *pointer)
{
	free(*(void **)pointer);
}

/* A descriptor variable starts as -1. */
static inline void tr_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline int tr_take_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

#endif
