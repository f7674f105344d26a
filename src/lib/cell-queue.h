/* SPDX-License-Identifier: MIT */
/* cell-queue.h - the ring and the leases of a queue */
#ifndef SHMU_LIB_CELL_QUEUE_H
#define SHMU_LIB_CELL_QUEUE_H

#include "cell-private.h"

/* An item, in the heap. */
struct cell_item {
	uint64_t	length;
	unsigned char	bytes[];
};

/* A queue as it was found, checked. */
struct cell_ring {
	struct cell_queue	*q;
	uint64_t		*slots;
	uint64_t		 n;		/* slots; 0: none yet */
	uint64_t		 first, next;
	uint64_t		 items;
};

/* Bring in order what a dead process left half done.  ENOENT: absent. */
int shmu_t_ring(const struct cell *c, struct cell_ring *r);
/* Forget all that is in it, and how it was made: one store says so, and who is
 * next does what a death left of it. */
void shmu_t_ring_drain(const struct cell *c, struct cell_ring *r);
/* cell-item.c: a copy of the item at this offset, as shmu_queue_pop gives
 * it. */
int shmu_t_item(const struct cell *c, uint64_t off, void **item,
    size_t *length);
/* The first item is gone. */
void shmu_t_ring_advance(struct cell_ring *r);

/* Whether l, of a queue whose first position is that, is in force. */
static inline bool
shmu_t_leased(const struct cell_lease *l, uint64_t first)
{
	return LOAD(&l->item) != 0 && LOAD(&l->position) < first;
}

#endif
