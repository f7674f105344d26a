/* SPDX-License-Identifier: MIT */
/* ring-channel.h - what ring.c needs of the channel that the ring lies in */
#ifndef SHMU_LIB_RING_CHANNEL_H
#define SHMU_LIB_RING_CHANNEL_H

#include "shmutil/ring.h"

/* Whether that end is some process's now. */
int shmu_ring_held(const struct shmu_ring *r, int role);

/* Open the bell again; 0, or -1 with errno ENXIO when it is not what it was. */
int shmu_ring_reopen_bell(struct shmu_ring *r);

/* Have all processors of the processes that joined pass a memory barrier. */
void shmu_ring_membarrier(void);

#endif
