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

#define assert_errno(want, call)	do {				\
		errno = 0;						\
		assert_int_equal(call, -1);				\
		assert_int_equal(errno, want);				\
	} while (0)

#endif
