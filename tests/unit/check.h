/* SPDX-License-Identifier: MIT */
/* check.h - what cmocka wants before it, once */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* After those, as its manual asks. */
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka's own is "not ok" to who reads TAP.  What is lacking is told, and is a
 * failure where everything must be there. */
static inline int
check_is_strict(void)
{
	const char *strict = getenv("SHMU_STRICT");

	return strict != NULL && strict[0] != '\0';
}
#undef skip
#define skip(...)	do {							\
		print_message("# left out: %s\n", __func__);		\
		assert_false(check_is_strict());			\
		return __VA_ARGS__;					\
	} while (0)

#define assert_errno(want, call)	do {				\
		errno = 0;						\
		assert_int_equal(call, -1);				\
		assert_int_equal(errno, want);				\
	} while (0)

#endif
