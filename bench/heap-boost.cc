/* SPDX-License-Identifier: MIT */
/* heap-boost.cc - Boost.Interprocess, rbtree_best_fit behind its mutex */
#include <boost/interprocess/managed_mapped_file.hpp>
#include <boost/interprocess/anonymous_shared_memory.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <new>

#include "heap-work.h"

namespace bi = boost::interprocess;
typedef bi::rbtree_best_fit<bi::mutex_family> algorithm;

extern "C" const int peer_shared = 1;
static bi::mapped_region *region;
static algorithm *heap;
static size_t arena_bytes;

extern "C" int
peer_create(size_t arena)
{
	region = new bi::mapped_region(bi::anonymous_shared_memory(arena));
	heap = new (region->get_address()) algorithm(arena, 0);
	arena_bytes = arena;
	return 0;
}

extern "C" void
peer_child(int)
{
}

extern "C" __attribute__((noinline)) void *
peer_malloc(size_t size)
{
	try {
		return heap->allocate(size);
	} catch (...) {
		return nullptr;
	}
}

extern "C" __attribute__((noinline)) void
peer_free(void *p)
{
	heap->deallocate(p);
}

extern "C" uint64_t
peer_real_used(void)
{
	return arena_bytes - heap->get_free_memory();
}

extern "C" int
peer_check(void)
{
	return heap->check_sanity() ? 0 : 1;
}
