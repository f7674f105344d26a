/* SPDX-License-Identifier: MIT */
/* heap-mm.c - OSSP mm, whose arena is 64 MiB at most */
#include <mm.h>

#include "heap-work.h"

const int peer_shared = 1;
static MM *heap;
static size_t arena_bytes;

int
peer_create(size_t arena)
{
	arena_bytes = arena < (60 << 20) ? arena : 60 << 20;
	heap = mm_create(arena_bytes, NULL);
	return heap == NULL ? -1 : 0;
}

void
peer_child(int index)
{
	(void)index;
}

__attribute__((noinline)) void *
peer_malloc(size_t size)
{
	return mm_malloc(heap, size);
}

__attribute__((noinline)) void
peer_free(void *p)
{
	mm_free(heap, p);
}

uint64_t
peer_real_used(void)
{
	return arena_bytes - mm_available(heap);
}

int
peer_check(void)
{
	return -1;
}
