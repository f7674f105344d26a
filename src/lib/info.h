/* SPDX-License-Identifier: MIT */
/* info.h - what stat(2) tells of a segment that has an inode */
#ifndef SHMU_LIB_INFO_H
#define SHMU_LIB_INFO_H

#include <sys/stat.h>

#include "shmutil/segment.h"

/* Fill info, which is all zero, from st. */
void shmu_info_of_stat(struct shmu_info *info, enum shmu_kind kind,
    const struct stat *st);

#endif
