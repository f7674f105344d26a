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
}

void
heap_trim(void)
{
	malloc_trim(0);
}

void
heap_perturb(int byte)
{
	mallopt(M_PERTURB, byte);
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
heap_perturb(int byte)
{
	(void)byte;
}

#endif
