/* SPDX-License-Identifier: MIT */
/*
 * range.h - the one way an offset and a length are checked
 *
 * Every offset and length that comes from a segment, a file or a command line
 * goes through here before it is used: copy it once, check the copy, use the
 * copy.  Nothing here fails, allocates or calls the system; all of it may be
 * used from any thread and from a signal handler.
 */
#ifndef SHMUTIL_RANGE_H
#define SHMUTIL_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether len bytes at off lie within size bytes.  No sum is formed, so no
 * value can wrap: an empty range fits at every offset up to size itself.
 */
static inline bool
shmu_range_fits(uint64_t off, uint64_t len, uint64_t size)
{
	return len <= size && off <= size - len;
}

/* n rounded down, and up, to a multiple of unit, a power of two.  Rounding up
 * saturates at the largest multiple there is and never wraps to a small one. */
static inline uint64_t
shmu_range_down(uint64_t n, uint64_t unit)
{
	return n & ~(unit - 1);
}

static inline uint64_t
shmu_range_up(uint64_t n, uint64_t unit)
{
	return n > UINT64_MAX - (unit - 1) ? shmu_range_down(UINT64_MAX, unit) :
	    shmu_range_down(n + unit - 1, unit);
}

#endif
