/* SPDX-License-Identifier: MIT */
/* heap-pools.c - private pools, as the shared heap knows them */
#include "config.h"

#include <string.h>

#include "heap-private.h"

void
shmu_h_pool_refresh(struct shmu_heap *h)
{
	struct heap_slot *to = h->registered->slot;
	uint64_t used = 0;
	uint32_t id;

	if (to == NULL)
		return;
	for (id = 1; id <= h->pool_used; id++)
		if (h->map[h->pool[id].unit] == id)
			used += (uint64_t)h->pool[id].used * h->pool[id].size;
	STORE(&to->pool_used, used);
	STORE(&to->pool_real, h->l.size -
	    (h->l.units - control(h)->used) * h->l.unit);
	STORE(&to->pool_max, h->l.size -
	    (h->l.units - control(h)->max_used) * h->l.unit);
}

int
shmu_heap_publish(struct shmu_heap *shared, struct shmu_heap *pool,
    uint32_t rank, const char *name)
{
	struct heap_slot *s = shared->slot;

	if (s == NULL) {
		errno = ECHILD;
		return -1;
	}
	if (pool != NULL && !pool->private) {
		errno = EINVAL;
		return -1;
	}
	RELEASE(&s->pool_base, 0);
	if (pool == NULL)
		return 0;
	memset(s->pool_name, 0, sizeof s->pool_name);
	memcpy(s->pool_name, name, strnlen(name, sizeof s->pool_name - 1));
	STORE(&s->pool_rank, rank);
	STORE(&s->pool_size, pool->l.size);
	pool->registered = shared;
	shmu_h_pool_refresh(pool);
	RELEASE(&s->pool_base, (uint64_t)(uintptr_t)pool->base);
	return 0;
}
