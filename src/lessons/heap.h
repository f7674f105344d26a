/* SPDX-License-Identifier: MIT */
/*
 * heap.h - what glibc says of its heap
 *
 * With another libc nothing is known, all is 0; the lessons that ask say in
 * their needs that they want glibc's, and are skipped before they come here.
 */
#ifndef HEAP_H
#define HEAP_H

#include <stddef.h>

struct heap {
	size_t	arena;		/* bytes that brk gave */
	size_t	in_use;		/* of those, with the headers of blocks */
	size_t	free;
	size_t	pieces;		/* that are free */
	size_t	mapped;		/* blocks that mmap gave */
	size_t	fast;		/* free, in the bins of small ones */
};
void heap_look(struct heap *h);

/* malloc_trim(0): give back what is free. */
void heap_trim(void);

/* mallopt(3): M_PERTURB, which fills what is fresh or freed, and so on. */
enum heap_option {
	HEAP_PERTURB, HEAP_MMAP_MAX, HEAP_MMAP_THRESHOLD, HEAP_TOP_PAD,
	HEAP_TRIM_THRESHOLD, HEAP_MXFAST, HEAP_CHECK_ACTION
};
void heap_set(enum heap_option option, int value);

#endif
