/* SPDX-License-Identifier: MIT */
/*
 * cause.h - what an errno means for this segment, and what to do about it
 *
 * Each function looks at the segment where errno alone is ambiguous, prints
 * one line and returns the status that goes with it.
 */
#ifndef CAUSE_H
#define CAUSE_H

#include "shmutil/segment.h"

/* Of shmu_segment_begin or publish. */
int cause_create(const char *text, const struct shmu_operand *op,
    const struct shmu_spec *spec, int err);

/* Of shmu_segment_open, map and stat. */
int cause_open(const char *text, const struct shmu_operand *op, int err);

/* A named semaphore, which is in the directory of POSIX objects but is none:
 * EXIT_CANNOT after saying so; otherwise EXIT_YES. */
int cause_semaphore(const char *text, const struct shmu_operand *op);

/* Of a change or removal. */
int cause_change(const char *text, const struct shmu_operand *op, int err);

/* Of EFAULT at off of a mapping of what had size bytes. */
int cause_fault(const char *text, struct shmu_segment *seg, uint64_t size,
    uint64_t off);

/* Of mlock: with both figures. */
int cause_lock(const char *text, uint64_t asked, int err);

#endif
