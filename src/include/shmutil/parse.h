/* SPDX-License-Identifier: MIT */
/*
 * parse.h - numbers, sizes and modes from text, and sizes back to text
 *
 * Each function reads the whole string, or fails and leaves *out alone: no
 * leading blanks, no trailing bytes, no sign where none belongs.  Failures are
 * -1 with errno EINVAL (not of the form) or ERANGE (of the form, but more than
 * fits).  No locale is consulted.  Thread-safe, and safe after fork.
 */
#ifndef SHMUTIL_PARSE_H
#define SHMUTIL_PARSE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shmutil/api.h"

SHMU_BEGIN

/* A whole number, decimal or 0x hexadecimal, from 0 to max. */
SHMU_API int shmu_parse_number(const char *text, uint64_t max, uint64_t *out);

/*
 * A size in bytes: a number as above with an optional unit, k K KiB M MiB
 * G GiB T TiB (powers of 1024), KB MB GB TB (powers of 1000), or p (pages of
 * the running system).
 */
SHMU_API int shmu_parse_size(const char *text, uint64_t *out);

/* Permission bits in octal, 0 to 0777, one to four digits. */
SHMU_API int shmu_parse_mode(const char *text, mode_t *out);

/*
 * Write size for a person, such as "256", "4K" or "1.5M", into buf of at least
 * SHMU_SIZE_TEXT bytes.  Returns buf.  Cut to one decimal, none from 100 on;
 * never rounded up.
 */
#define SHMU_SIZE_TEXT	16
SHMU_API const char *shmu_size_text(char buf[SHMU_SIZE_TEXT], uint64_t size);

SHMU_END

#endif
