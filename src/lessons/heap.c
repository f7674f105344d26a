/* SPDX-License-Identifier: MIT */
/* heap.c - what glibc says of its heap; see heap.h */
#include "config.h"

#include <malloc.h>
#include <string.h>

#include "heap.h"

#ifdef __GLIBC__

#if !__GLIBC_PREREQ(2, 33)
#define mallinfo2	mallinfo
#endif

void
heap_look(struct heap *h)
{
	struct mallinfo2 m = mallinfo2();

	h->arena = (size_t)m.arena;
	h->in_use = (size_t)m.uordblks;
	h->free = (size_t)m.fordblks;
	h->pieces = (size_t)m.ordblks;
	h->mapped = (size_t)m.hblks;
	h->fast = (size_t)m.smblks;
}

void
heap_trim(void)
{
	malloc_trim(0);
}

void
heap_set(enum heap_option option, int value)
{
	static const int names[] = {
		[HEAP_PERTURB] = M_PERTURB,
		[HEAP_MMAP_MAX] = M_MMAP_MAX,
		[HEAP_MMAP_THRESHOLD] = M_MMAP_THRESHOLD,
		[HEAP_TOP_PAD] = M_TOP_PAD,
		[HEAP_TRIM_THRESHOLD] = M_TRIM_THRESHOLD,
		[HEAP_MXFAST] = M_MXFAST,
		[HEAP_CHECK_ACTION] = M_CHECK_ACTION
	};

	mallopt(names[option], value);
}

#else

void
heap_look(struct heap *h)
{
	memset(h, 0, sizeof *h);
}

void
heap_trim(void)
{
}

void
heap_set(enum heap_option option, int value)
{
	(void)option;
	(void)value;
}

#endif
