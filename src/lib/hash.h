/* SPDX-License-Identifier: MIT */
/* hash.h - xxHash, compiled in: no shared object to load at each start */
#ifndef SHMU_LIB_HASH_H
#define SHMU_LIB_HASH_H

#define XXH_INLINE_ALL
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include "xxhash.h"
#pragma GCC diagnostic pop

#endif
