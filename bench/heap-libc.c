/* SPDX-License-Identifier: MIT */
/* heap-libc.c - the private allocators: libc's, mimalloc, jemalloc, by what
 * PEER_MALLOC and PEER_FREE are; they share nothing and survive nothing */
#include <stdlib.h>

#include "heap-work.h"

#ifdef PEER_MIMALLOC
#include <mimalloc.h>
#define PEER_MALLOC	mi_malloc
#define PEER_FREE	mi_free
#endif
#ifndef PEER_MALLOC
#define PEER_MALLOC	malloc
#define PEER_FREE	free
#endif

const int peer_shared = 0;

int
peer_create(size_t arena)
{
	(void)arena;
	return 0;
}

void
peer_child(int index)
{
	(void)index;
}

__attribute__((noinline)) void *
peer_malloc(size_t size)
{
	return PEER_MALLOC(size);
}

__attribute__((noinline)) void
peer_free(void *p)
{
	PEER_FREE(p);
}

uint64_t
peer_real_used(void)
{
	return 0;
}

int
peer_check(void)
{
	return -1;
}
