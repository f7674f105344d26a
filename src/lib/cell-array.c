/* SPDX-License-Identifier: MIT */
/*
 * cell-array.c - records that a cell has elsewhere in the heap
 *
 * They grow by a copy.  The store of room, which also says in which of the two
 * words the records are, is what counts; a death before or after leaves a
 * chunk in the other word, which the next that comes frees.
 */
#include "config.h"

#include <string.h>

#include "cell-private.h"

static struct shmu_heap *
heap_of(const struct cell *c)
{
	return shmu_table_heap(c->t);
}

void *
shmu_t_array(const struct cell *c, struct cell_array *a, size_t size,
    uint64_t *room)
{
	struct shmu_heap *h = heap_of(c);
	uint64_t state = ACQUIRE(&a->room), n = state >> 1;
	void *p = shmu_heap_at(h, LOAD(&a->at[state & 1]));

	if (LOAD(&a->at[~state & 1]) != 0)
		shmu_heap_free_from(h, &a->at[~state & 1]);
	*room = 0;
	if (p == NULL || n > UINT32_MAX ||
	    shmu_heap_usable(h, p) / size < n)
		return NULL;
	*room = n;
	return p;
}

int
shmu_t_array_grow(const struct cell *c, struct cell_array *a, size_t size,
    uint64_t n)
{
	uint64_t room, which = ~LOAD(&a->room) & 1;
	void *p, *old = shmu_t_array(c, a, size, &room);
	struct shmu_heap *h = heap_of(c);

	if (room >= n)
		return 0;
	if (n > SIZE_MAX / size) {
		errno = ENOMEM;
		return -1;
	}
	if (shmu_heap_alloc_into(h, (size_t)n * size, &a->at[which]) == -1)
		return -1;
	p = shmu_heap_at(h, LOAD(&a->at[which]));
	if (shmu_heap_usable(h, p) / size < n) {
		errno = EBADMSG;
		return -1;
	}
	memset(p, 0, (size_t)n * size);
	if (old != NULL)
		memcpy(p, old, (size_t)room * size);
	RELEASE(&a->room, n << 1 | which);	/* the commit */
	shmu_t_array(c, a, size, &room);
	return 0;
}

int
shmu_t_array_more(const struct cell *c, struct cell_array *a, size_t size,
    uint64_t n, uint64_t most)
{
	uint64_t room;

	shmu_t_array(c, a, size, &room);
	if (room >= most) {
		errno = EUSERS;
		return -1;
	}
	if (n < room * 4)
		n = room * 4;
	return shmu_t_array_grow(c, a, size, n < most ? n : most);
}

void
shmu_t_array_free(const struct cell *c, struct cell_array *a)
{
	int i;

	for (i = 0; i < 2; i++)
		if (LOAD(&a->at[i]) != 0)
			shmu_heap_free_from(heap_of(c), &a->at[i]);
}
