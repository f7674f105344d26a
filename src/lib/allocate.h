/* SPDX-License-Identifier: MIT */
/* allocate.h - how a file gets its size, within the library */
#ifndef SHMU_LIB_ALLOCATE_H
#define SHMU_LIB_ALLOCATE_H

#include <stdint.h>

/* Bring fd from size from to size, allocating what is new unless sparse.
 * Returns 0, or -1 with errno ERANGE (larger than a file can be) or as
 * fallocate(2) and ftruncate(2), the size then as it was. */
int shmu_allocate(int fd, uint64_t from, uint64_t size, int sparse);

/* The same, never sparse and never truncating: what a failure left allocated
 * behind from stays. */
int shmu_allocate_more(int fd, uint64_t from, uint64_t size);

#endif
