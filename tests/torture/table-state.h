/* SPDX-License-Identifier: MIT */
/*
 * table-state.h - a small table, and what is in an image of it
 *
 * As heap-state.h, whose functions do for a table what they do for its heap.
 */
#ifndef TABLE_STATE_H
#define TABLE_STATE_H

#include "heap-state.h"
#include "table-layout.h"

#define STATE_CELLS	512

struct table_content {
	char	cell[STATE_CELLS][64];	/* key, type, value: sorted */
	int	cells;
};

void state_create_table(struct shmu_table **out);

/* A table on a segment with the content of image; see state_segment. */
struct shmu_table *state_attach_table(bool rescue,
    const unsigned char *image);

/* Recover the image, whose owners are dead, and tell what is in it; returns the
 * number of flaws, which are printed: also of chunks that are nobody's. */
int state_recover_table(unsigned char *image, const struct shmu_table *like,
    struct table_content *out);

bool state_same(const struct table_content *a, const struct table_content *b);

/* The nth key, of 8 bytes, that belongs into bucket b of so many. */
uint64_t state_key(const struct shmu_table *t, uint64_t b, uint64_t buckets,
    int nth);

#endif
