/* SPDX-License-Identifier: MIT */
/*
 * heap-into.c - allocate and publish, withdraw and free, as one
 *
 * The slot says first what is intended with which word and chunk; who recovers
 * the slot looks at the word, which is the commit.  See finish in
 * heap-recover.c for the other half.
 */
#include "config.h"

#include <string.h>

#include "heap-private.h"

static void
announce(struct shmu_heap *h, enum heap_intent what, uint64_t at,
    uint64_t old, uint64_t chunk)
{
	struct heap_slot *s = h->slot;

	STORE(&s->intent_word, at);
	STORE(&s->intent_old, old);
	STORE(&s->intent_chunk, chunk);
	RELEASE(&s->intent, what);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void
done(struct shmu_heap *h)
{
	RELEASE(&h->slot->intent, INTENT_NONE);
}

/* The offset of word, if it may be used as one. */
static bool
word_offset(const struct shmu_heap *h, const uint64_t *word, uint64_t *at)
{
	*at = offset(h, word);
	if (within(h, *at, sizeof *word) &&
	    *at >= h->l.roots_off && *at % sizeof *word == 0)
		return true;
	errno = EINVAL;
	return false;
}

/* As shmu_h_get, but the slot knows the chunk before it is taken. */
static void *
get(struct shmu_heap *h, size_t size, uint32_t site)
{
	struct span *s;

	if (size > h->l.limit)
		return shmu_h_large(h, size, 1, site);
	s = shmu_h_ready(h, (uint32_t)size);
	if (s == NULL)
		return NULL;
	RELEASE(&h->slot->intent_chunk, offset(h, s->chunks) +
	    (uint64_t)s->free * s->size);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return shmu_h_pop(s, site);
}

static int
into(struct shmu_heap *h, size_t size, uint64_t *word, uint32_t site)
{
	bool debug = (h->l.flags & SHMU_HEAP_DEBUG) != 0;
	struct chunk c;
	uint64_t at;
	void *p;

	if (!word_offset(h, word, &at))
		return -1;
	if (ACQUIRE(word) != 0) {
		errno = EEXIST;
		return -1;
	}
	announce(h, INTENT_INTO, at, 0, 0);
	p = get(h, debug && size <= h->l.maximum ? size + DEBUG_GUARD : size,
	    site);
	if (p != NULL && debug && shmu_h_find(h, offset(h, p), &c))
		shmu_h_debug_arm(h, p, shmu_h_chunk_usable(h, &c), size, site);
	if (p != NULL)
		RELEASE(word, offset(h, p));	/* the commit */
	done(h);
	if (p != NULL && (LOAD(&h->slot->order) & ORDER_TRACE) != 0)
		shmu_h_trace(h, site, offset(h, p), size, false);
	return p == NULL ? -1 : 0;
}

int
shmu_heap_alloc_into_at(struct shmu_heap *h, size_t size, uint64_t *word,
    struct shmu_site *where)
{
	uint32_t site = heap_site(h, where);
	int r;

	if (!shmu_h_enter(h))
		return -1;
	r = into(h, size, word, site);
	heap_leave(h);
	return r;
}

/* The units of a large chunk are nobody else's before the intent is done with:
 * shmu_h_plain_free sees to that, within the lock. */
static int
withdraw(struct shmu_heap *h, uint64_t *word, const struct chunk *c)
{
	if (c->d.kind == DESC_SMALL)
		RELEASE(c->word, WORD_USED | WORD_FREEING | h->index);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	RELEASE(word, 0);			/* the commit */
	return shmu_h_plain_free(h, c);
}

/* The lock was not to be had in time: as if nothing had happened. */
static void
put_back(uint64_t *word, uint64_t off, const struct chunk *c, uint32_t old)
{
	int err = errno;

	RELEASE(word, off);
	if (c->d.kind == DESC_SMALL)
		RELEASE(c->word, old);
	errno = err;
}

static int
from(struct shmu_heap *h, uint64_t *word, uint32_t site)
{
	uint64_t at, off;
	struct chunk c;
	uint32_t old;
	int r;

	if (!word_offset(h, word, &at))
		return -1;
	off = ACQUIRE(word);
	if (off == 0) {
		errno = ENOENT;
		return -1;
	}
	if (!shmu_h_find(h, off, &c))
		return shmu_h_fault(h, SHMU_HEAP_BAD_FREE, off, site, EINVAL);
	if (!shmu_h_chunk_used(&c))
		return shmu_h_fault(h, SHMU_HEAP_DOUBLE_FREE, off, site,
		    EALREADY);
	if ((h->l.flags & SHMU_HEAP_DEBUG) != 0 &&
	    shmu_h_debug_disarm(h, h->base + off, &c, site) == -1)
		return -1;
	old = c.d.kind == DESC_SMALL ? LOAD(c.word) : 0;
	announce(h, INTENT_FROM, at, old, off);
	r = withdraw(h, word, &c);
	if (r == -1)
		put_back(word, off, &c, old);
	done(h);
	if (r == 0 && (LOAD(&h->slot->order) & ORDER_TRACE) != 0)
		shmu_h_trace(h, site, off, shmu_h_chunk_usable(h, &c), true);
	return r;
}

int
shmu_heap_free_from_at(struct shmu_heap *h, uint64_t *word,
    struct shmu_site *where)
{
	uint32_t site = heap_site(h, where);
	int r;

	if (!shmu_h_enter(h))
		return -1;
	r = from(h, word, site);
	heap_leave(h);
	return r;
}
