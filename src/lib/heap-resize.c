/* SPDX-License-Identifier: MIT */
/* heap-resize.c - calloc, aligned and the realloc family: in place when the
 * chunk or the units behind it allow */
#include "config.h"

#include <string.h>

#include "heap-private.h"

void *
shmu_heap_calloc_at(struct shmu_heap *h, size_t n, size_t size,
    struct shmu_site *where)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	p = shmu_heap_malloc_at(h, bytes, where);
	if (p != NULL)
		memset(p, 0, bytes);
	return p;
}

void *
shmu_heap_aligned_at(struct shmu_heap *h, size_t align, size_t size,
    struct shmu_site *where)
{
	uint32_t site = heap_site(h, where);
	void *p;

	if (align == 0 || align > 4096 || (align & (align - 1)) != 0) {
		errno = EINVAL;
		return NULL;
	}
	if (!shmu_h_enter(h))
		return NULL;
	p = shmu_h_get(h, size, align, site);
	heap_leave(h);
	return p;
}

/* What the caller may use of a chunk. */
static uint64_t
room(const struct shmu_heap *h, const void *p, const struct chunk *c)
{
	uint64_t usable = shmu_h_chunk_usable(h, c);

	return (h->l.flags & SHMU_HEAP_DEBUG) == 0 ? usable :
	    shmu_h_debug_size(p, usable);
}

/* Of a chunk that is used; false with EINVAL. */
static bool
find_used(struct shmu_heap *h, const void *p, struct chunk *c)
{
	if (shmu_h_find(h, offset(h, p), c) && shmu_h_chunk_used(c))
		return true;
	errno = EINVAL;
	return false;
}

size_t
shmu_heap_usable(struct shmu_heap *h, const void *p)
{
	struct chunk c;

	return find_used(h, p, &c) ? (size_t)room(h, p, &c) : 0;
}

/* The head's desc is the commit: what is behind its run is then free, or tails
 * that it covers. */
static bool
set_units(struct shmu_heap *h, const struct chunk *c, uint32_t n, uint32_t site)
{
	struct desc d = c->d;
	uint32_t old = d.n;

	d.n = n;
	d.site = site;
	if (n > old) {
		if (!shmu_h_units_free(h, c->unit + old, n - old))
			return false;
		shmu_h_units_tails(h, c->unit, c->unit + old, c->unit + n);
	}
	desc_set(h, c->unit, &d);
	if (n > old)
		shmu_h_units_took(h, c->unit + old, n - old);
	if (n < old)
		shmu_h_units_gave(h, c->unit + n, old - n);
	return true;
}

/* Whether n units from the first of c are there, when need be after growing:
 * that serves only a chunk with nothing behind it. */
static bool
reach(struct shmu_heap *h, const struct chunk *c, uint32_t n)
{
	uint32_t end = c->unit + c->d.n;

	return n <= h->l.units - c->unit ||
	    (shmu_h_units_free(h, end, h->l.units - end) &&
	    shmu_h_units_grow(h, n - c->d.n));
}

static bool
resize_large(struct shmu_heap *h, void *p, size_t size, uint32_t site)
{
	struct chunk c;
	uint64_t n;
	bool ok = false;

	if (size > h->l.maximum || shmu_h_lock(h) == -1)
		return false;
	if (find_used(h, p, &c) && c.d.kind == DESC_LARGE) {
		n = (size + c.d.lead + h->l.unit - 1) / h->l.unit;
		ok = n <= h->l.all - c.unit && reach(h, &c, (uint32_t)n) &&
		    set_units(h, &c, (uint32_t)n, site);
	}
	shmu_h_unlock(h);
	return ok;
}

/* Whether p can stay where it is; a small chunk does while at least half of it
 * is used, a large one while it has no place among the small ones. */
static bool
in_place(struct shmu_heap *h, void *p, size_t size, const struct chunk *c,
    uint32_t site)
{
	bool debug = (h->l.flags & SHMU_HEAP_DEBUG) != 0;
	uint64_t need = size + (debug ? DEBUG_GUARD : 0),
	    usable = shmu_h_chunk_usable(h, c);

	if (size > h->l.maximum)
		return false;
	if (c->d.kind == DESC_SMALL) {
		if (need > usable || (need < usable / 2 && usable > 32))
			return false;
		if (!debug)
			RELEASE(c->word, WORD_USED | site);
	} else if (debug || need <= h->l.limit ||
	    !resize_large(h, p, size, site))
		return false;
	return !debug || shmu_h_debug_size(p, usable) == size;
}

static void *
move(struct shmu_heap *h, void *p, size_t size, uint64_t old, uint32_t site)
{
	void *q;

	h->growing = size > old;
	q = shmu_h_get(h, size, 1, site);
	h->growing = false;
	if (q == NULL)
		return NULL;
	memcpy(q, p, size < old ? size : (size_t)old);
	if (shmu_h_put(h, p, site) == 0)
		return q;
	/* A guard that is damaged: the old chunk stays, and with it the call
	 * has not happened. */
	shmu_h_put(h, q, site);
	errno = EBADMSG;
	return NULL;
}

void *
shmu_heap_realloc_at(struct shmu_heap *h, void *p, size_t size,
    struct shmu_site *where)
{
	uint32_t site = heap_site(h, where);
	struct chunk c;
	void *q = p;

	if (p == NULL)
		return shmu_heap_malloc_at(h, size, where);
	if (!shmu_h_enter(h))
		return NULL;
	if (!find_used(h, p, &c)) {
		shmu_h_fault(h, SHMU_HEAP_BAD_FREE, offset(h, p), site, EINVAL);
		q = NULL;
	} else if (!in_place(h, p, size, &c, site))
		q = move(h, p, size, room(h, p, &c), site);
	heap_leave(h);
	return q;
}

void *
shmu_heap_reallocf_at(struct shmu_heap *h, void *p, size_t size,
    struct shmu_site *where)
{
	void *q = shmu_heap_realloc_at(h, p, size, where);
	int err = errno;

	if (q == NULL && p != NULL) {
		shmu_heap_free_at(h, p, where);
		errno = err;
	}
	return q;
}

/* The same without a site. */
void *
(shmu_heap_malloc)(struct shmu_heap *h, size_t size)
{
	return shmu_heap_malloc_at(h, size, NULL);
}

void *
(shmu_heap_calloc)(struct shmu_heap *h, size_t n, size_t size)
{
	return shmu_heap_calloc_at(h, n, size, NULL);
}

void *
(shmu_heap_realloc)(struct shmu_heap *h, void *p, size_t size)
{
	return shmu_heap_realloc_at(h, p, size, NULL);
}

void *
(shmu_heap_reallocf)(struct shmu_heap *h, void *p, size_t size)
{
	return shmu_heap_reallocf_at(h, p, size, NULL);
}

void *
(shmu_heap_aligned)(struct shmu_heap *h, size_t align, size_t size)
{
	return shmu_heap_aligned_at(h, align, size, NULL);
}

int
(shmu_heap_free)(struct shmu_heap *h, void *p)
{
	return shmu_heap_free_at(h, p, NULL);
}

int
(shmu_heap_alloc_into)(struct shmu_heap *h, size_t size, uint64_t *word)
{
	return shmu_heap_alloc_into_at(h, size, word, NULL);
}

int
(shmu_heap_free_from)(struct shmu_heap *h, uint64_t *word)
{
	return shmu_heap_free_from_at(h, word, NULL);
}
