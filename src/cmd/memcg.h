/* SPDX-License-Identifier: MIT */
/* memcg.h - warn before the memory cgroup kills whoever touches a segment */
#ifndef MEMCG_H
#define MEMCG_H

#include <stdint.h>

/*
 * A control group that lets this process have less than size bytes more would
 * answer the touch of the pages with SIGKILL, not with an error.  Say so.
 * Sizes under 1 MiB and sparse segments are not looked at.
 */
void memcg_warn(const char *text, uint64_t size, unsigned int flags);

#endif
