/* SPDX-License-Identifier: MIT */
/* heap-alloc.c - malloc and free: the paths that take no lock, and then those
 * that do; see heap-private.h */
#include "config.h"

#include <string.h>

#include "heap-private.h"

/*
 * Begin an operation: false with errno when it cannot be.  While turn is odd
 * nobody else touches what is this thread's; who wants to sets an order first,
 * and then makes sure by membarrier(2) that either it sees the turn or this
 * thread sees the order.  So this needs no fence.
 */
bool
shmu_h_enter(struct shmu_heap *h)
{
	if (unlikely(h->slot == NULL)) {
		errno = ECHILD;
		return false;
	}
	for (;;) {
		STORE(&h->slot->turn, h->slot->turn | 1);
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		if (likely((ACQUIRE(&h->slot->order) &
		    (ORDER_STOP | ORDER_REBUILD)) == 0))
			return true;
		heap_leave(h);
		if (shmu_h_heed(h) == -1)
			return false;
	}
}

/* Take the first free chunk of a span that has one.  The word is from the
 * segment: what is no link within the span shows that it was written to. */
static inline void *
pop(struct span *s, uint32_t site)
{
	uint32_t i = s->free, word = LOAD(&s->words[i]);

	if (unlikely(word > WORD_END)) {
		s->free = WORD_END;
		errno = EBADMSG;
		return NULL;
	}
	RELEASE(&s->words[i], WORD_USED | site);	/* the commit */
	s->free = word;
	s->used++;
	return s->chunks + (uint64_t)i * s->size;
}

void *
shmu_h_pop(struct span *s, uint32_t site)
{
	return pop(s, site);
}

/* Make s, which is listed, the span that its class allocates from. */
static struct span *
select_span(struct shmu_heap *h, struct span *s)
{
	struct class *c = &h->classes[s->cls];

	shmu_h_span_unlist(h, s);
	if (s->used == 0) {
		h->empty -= s->n;
		STORE(&h->slot->empty, h->empty);
	}
	s->current = 1;
	c->cur = s;
	return s;
}

/* Of what the thread has itself: a span of the class with a free chunk. */
static struct span *
own(struct shmu_heap *h, uint32_t cls)
{
	struct class *c = &h->classes[cls];
	struct span *s = c->cur;

	if (LOAD(&h->slot->any) != 0)
		shmu_h_span_drain(h);
	if (s->free < s->cap)
		return s;
	if (s->cap != 0) {
		s->current = 0;
		s->full = 1;
		c->cur = &h->pool[0];
	}
	return c->avail == 0 ? NULL : select_span(h, &h->pool[c->avail]);
}

/* From the heap, with the lock held. */
static struct span *
fetch(struct shmu_heap *h, uint32_t cls)
{
	struct span *s = shmu_h_span_orphan(h, cls);

	if (s == NULL)
		s = shmu_h_span_new(h, cls);
	if (s == NULL && shmu_h_span_trim(h) > 0)
		s = shmu_h_span_new(h, cls);
	if (s == NULL && shmu_h_units_grow(h, h->classes[cls].units))
		s = shmu_h_span_new(h, cls);
	if (s == NULL && shmu_h_reclaim(h, NULL) > 0) {
		s = shmu_h_span_orphan(h, cls);
		if (s == NULL)
			s = shmu_h_span_new(h, cls);
	}
	return s;
}

static void
failed(struct shmu_heap *h, uint64_t size)
{
	STORE(&h->slot->failures, h->slot->failures + 1);
	STORE(&h->slot->failed_size, size);
	errno = ENOMEM;
}

/* A span with a free chunk of at least size; NULL with errno.  When there is no
 * room for another span, a chunk of the classes above does that is aligned as
 * the header says of size. */
static struct span *
refill(struct shmu_heap *h, uint32_t cls, uint32_t size)
{
	uint32_t above = cls < HEAP_STEPS ? 24 : 4, c, align =
	    size % 64 == 0 ? 64 : size % 16 - 1U < 8 ? 8 : 16;
	struct span *s = own(h, cls);

	if (s != NULL)
		return s;
	if (shmu_h_lock(h) == -1)
		return NULL;
	s = fetch(h, cls);
	shmu_h_unlock(h);
	if (s != NULL)
		return select_span(h, s);
	for (c = cls + 1; c < h->l.classes && c <= cls + above; c++) {
		if (shmu_h_class_size(c) % align != 0)
			continue;
		s = own(h, c);
		if (s != NULL)
			return s;
	}
	failed(h, size);
	return NULL;
}

static inline uint32_t
class_of(size_t size)
{
	if (likely(size <= 512))
		return size <= 16 ? 0 : (uint32_t)(size - 9) / 8;
	return shmu_h_class_of((uint32_t)size);
}

struct span *
shmu_h_ready(struct shmu_heap *h, uint32_t size)
{
	uint32_t cls = class_of(size);
	struct span *s = h->classes[cls].cur;

	return likely(s->free < s->cap) ? s : refill(h, cls, size);
}

/* Where in a run of units a chunk is aligned so. */
static uint32_t
lead_of(struct shmu_heap *h, uint32_t u, size_t align)
{
	uint64_t at = heap_unit_at(&h->l, u);

	return (uint32_t)(((at + align - 1) & ~(uint64_t)(align - 1)) - at);
}

static uint32_t
find_large(struct shmu_heap *h, uint32_t n)
{
	uint32_t slack = h->growing ? n : 0,
	    u = shmu_h_units_find_last(h, n, slack);

	if (u == NO_UNIT && shmu_h_span_trim(h) > 0)
		u = shmu_h_units_find_last(h, n, slack);
	if (u == NO_UNIT && shmu_h_units_grow(h, n))
		u = shmu_h_units_find_last(h, n, slack);
	if (u == NO_UNIT && shmu_h_reclaim(h, NULL) > 0)
		u = shmu_h_units_find_last(h, n, slack);
	return u;
}

/* The desc of its head is the commit; what is intended was stored before. */
static void *
take_large(struct shmu_heap *h, uint32_t u, struct desc *d, size_t align)
{
	uint64_t off;

	d->kind = DESC_LARGE;
	d->lead = align <= HEAP_LEAD ? 0 : lead_of(h, u, align);
	off = heap_unit_at(&h->l, u) + d->lead;
	if ((h->l.flags & SHMU_HEAP_DEBUG) != 0)
		shmu_h_debug_forget(h->base + off, d->n * h->l.unit - d->lead);
	RELEASE(&h->slot->intent_chunk, off);
	shmu_h_units_tails(h, u, u + 1, u + d->n);
	desc_set(h, u, d);
	shmu_h_units_took(h, u, d->n);
	return h->base + off;
}

void *
shmu_h_large(struct shmu_heap *h, size_t size, size_t align, uint32_t site)
{
	uint64_t extra = align <= HEAP_LEAD ? 0 : align, n;
	struct desc d = { .site = site };
	void *p = NULL;
	uint32_t u = NO_UNIT;

	if (size > h->l.maximum) {
		failed(h, size);
		return NULL;
	}
	n = (size + extra + h->l.unit - 1) / h->l.unit;
	if (shmu_h_lock(h) == -1)
		return NULL;
	d.n = (uint32_t)n;
	if (n <= h->l.all)
		u = find_large(h, d.n);
	if (u != NO_UNIT)
		p = take_large(h, u, &d, align);
	shmu_h_unlock(h);
	if (p == NULL)
		failed(h, size);
	return p;
}

void *
shmu_h_plain_malloc(struct shmu_heap *h, size_t size, uint32_t site)
{
	struct span *s;

	if (unlikely(size > h->l.limit))
		return shmu_h_large(h, size, 1, site);
	s = shmu_h_ready(h, (uint32_t)size);
	return unlikely(s == NULL) ? NULL : pop(s, site);
}

/* Whether off is in a unit that is there. */
static bool
in_unit(const struct shmu_heap *h, uint64_t off)
{
	uint64_t rel = off - h->l.data_off;

	return off >= h->l.data_off && (rel < h->l.units * h->l.unit ||
	    (shmu_h_catch_up(h) == 1 && rel < h->l.units * h->l.unit));
}

bool
shmu_h_find(const struct shmu_heap *h, uint64_t off, struct chunk *out)
{
	uint64_t rel;

	memset(out, 0, sizeof *out);
	if (!in_unit(h, off))
		return false;
	out->unit = heap_unit_of(&h->l, off - h->l.data_off);
	if (!desc_get(h, out->unit, &out->d))
		return false;
	if (out->d.kind == DESC_TAIL) {
		uint32_t u = out->unit;

		out->unit = out->d.head;
		if (!desc_get(h, out->unit, &out->d) ||
		    out->d.kind == DESC_TAIL || u - out->unit >= out->d.n)
			return false;
	}
	rel = off - heap_unit_at(&h->l, out->unit);
	if (out->d.kind == DESC_LARGE)
		return rel == out->d.lead;
	if (out->d.kind != DESC_SMALL)
		return false;
	shmu_h_shape(h->l.unit, out->d.cls, out->d.n, &out->shape);
	if (rel < out->shape.chunks_off ||
	    (rel - out->shape.chunks_off) % out->shape.size != 0 ||
	    (rel - out->shape.chunks_off) / out->shape.size >= out->shape.cap)
		return false;
	out->i = (uint32_t)(rel - out->shape.chunks_off) / out->shape.size;
	out->word = (uint32_t *)(unit_address(h, out->unit) +
	    out->shape.words_off) + out->i;
	out->bit_word = (uint64_t *)unit_address(h, out->unit) + out->i / 64;
	out->bit = UINT64_C(1) << out->i % 64;
	return true;
}

bool
shmu_h_chunk_used(const struct chunk *c)
{
	if (c->d.kind == DESC_LARGE)
		return true;
	return (LOAD(c->bit_word) & c->bit) == 0 &&
	    (ACQUIRE(c->word) & WORD_USED) != 0;
}

uint64_t
shmu_h_chunk_usable(const struct shmu_heap *h, const struct chunk *c)
{
	return c->d.kind == DESC_LARGE ? c->d.n * h->l.unit - c->d.lead :
	    c->shape.size;
}

/* Leave word where the owner will look for what was freed. */
static void
notify(struct shmu_heap *h, uint32_t u)
{
	uint64_t bit = UINT64_C(1) << u % 64, region =
	    UINT64_C(1) << u / 64 / h->l.region;
	uint64_t *notice = &notices(h)[u / 64];
	uint32_t owner = 0;
	struct desc d;

	if ((__atomic_load_n(notice, __ATOMIC_SEQ_CST) & bit) == 0)
		__atomic_fetch_or(notice, bit, __ATOMIC_SEQ_CST);
	while (desc_get(h, u, &d) && d.kind == DESC_SMALL && d.owner != 0 &&
	    d.owner != owner) {
		uint64_t *any = &slots(h)[d.owner - 1].any;

		owner = d.owner;
		if ((__atomic_load_n(any, __ATOMIC_SEQ_CST) & region) == 0)
			__atomic_fetch_or(any, region, __ATOMIC_SEQ_CST);
	}
}

void
shmu_h_remote_bit(struct shmu_heap *h, const struct chunk *c)
{
	__atomic_fetch_or(c->bit_word, c->bit, __ATOMIC_SEQ_CST);
	notify(h, c->unit);
}

static int
free_remote(struct shmu_heap *h, const struct chunk *c)
{
	if ((__atomic_fetch_or(c->bit_word, c->bit, __ATOMIC_SEQ_CST) &
	    c->bit) != 0) {
		errno = EALREADY;
		return -1;
	}
	notify(h, c->unit);
	return 0;
}

/* The word is the commit. */
static inline void
push(struct shmu_heap *h, struct span *s, uint32_t i)
{
	RELEASE(&s->words[i], s->free);
	s->free = i;
	s->used--;
	if (unlikely(s->used == 0 || s->full))
		shmu_h_span_edge(h, s);
}

/* Nobody owns the span: take it over, so that what is freed in it is of use. */
static int
free_orphan(struct shmu_heap *h, const struct chunk *c)
{
	struct desc d;

	if (shmu_h_lock(h) == -1)
		return -1;
	if (desc_get(h, c->unit, &d) && d.kind == DESC_SMALL && d.owner == 0)
		shmu_h_span_adopt(h, c->unit, &d);
	shmu_h_unlock(h);
	return h->map[c->unit] != 0 ? shmu_h_plain_free(h, c) :
	    free_remote(h, c);
}

static int
free_large(struct shmu_heap *h, const struct chunk *c)
{
	uint64_t off = heap_unit_at(&h->l, c->unit) + c->d.lead;
	struct chunk now;
	int r = -1;

	if (shmu_h_lock(h) == -1)
		return -1;
	if (shmu_h_find(h, off, &now) && now.d.kind == DESC_LARGE) {
		shmu_h_units_give(h, now.unit, now.d.n);
		r = 0;
	}
	/* Before anybody else can have what it names. */
	RELEASE(&h->slot->intent, INTENT_NONE);
	shmu_h_unlock(h);
	if (r == -1)
		errno = EINVAL;
	return r;
}

int
shmu_h_plain_free(struct shmu_heap *h, const struct chunk *c)
{
	if (c->d.kind == DESC_LARGE)
		return free_large(h, c);
	if (!shmu_h_chunk_used(c)) {
		errno = EALREADY;
		return -1;
	}
	if (h->map[c->unit] != 0) {
		push(h, &h->pool[h->map[c->unit]], c->i);
		return 0;
	}
	return c->d.owner == 0 ? free_orphan(h, c) : free_remote(h, c);
}

static int
free_any(struct shmu_heap *h, void *p, uint32_t site)
{
	struct chunk c;
	uint64_t off = offset(h, p);

	if (!shmu_h_find(h, off, &c))
		return shmu_h_fault(h, SHMU_HEAP_BAD_FREE, off, site, EINVAL);
	if (!shmu_h_chunk_used(&c)) {
		shmu_h_fault(h, SHMU_HEAP_DOUBLE_FREE, off, site, EALREADY);
		if ((h->l.flags & SHMU_HEAP_DEBUG) != 0)
			shmu_h_debug_disarm(h, p, &c, site);
		errno = EALREADY;
		return -1;
	}
	if ((h->l.flags & SHMU_HEAP_DEBUG) != 0 &&
	    shmu_h_debug_disarm(h, p, &c, site) == -1)
		return -1;
	if (shmu_h_plain_free(h, &c) == 0)
		return 0;
	return errno == EALREADY ? shmu_h_fault(h, SHMU_HEAP_DOUBLE_FREE, off,
	    site, EALREADY) : errno == EINVAL ?
	    shmu_h_fault(h, SHMU_HEAP_BAD_FREE, off, site, EINVAL) : -1;
}

/* All of malloc, within enter and leave; align 1 for what malloc gives. */
void *
shmu_h_get(struct shmu_heap *h, size_t size, size_t align, uint32_t site)
{
	bool debug = (h->l.flags & SHMU_HEAP_DEBUG) != 0;
	size_t asked = size;
	void *p;

	if (debug && size <= h->l.maximum)
		size += DEBUG_GUARD;
	if (align > 1 && align <= HEAP_LEAD && size <= h->l.maximum)
		size = (size + align - 1) & ~(align - 1);
	p = align > HEAP_LEAD ? shmu_h_large(h, size, align, site) :
	    shmu_h_plain_malloc(h, size, site);
	if (p != NULL && debug) {
		struct chunk c;

		if (shmu_h_find(h, offset(h, p), &c))
			shmu_h_debug_arm(h, p, shmu_h_chunk_usable(h, &c),
			    asked, site);
	}
	if (p != NULL && (LOAD(&h->slot->order) & ORDER_TRACE) != 0)
		shmu_h_trace(h, site, offset(h, p), asked, false);
	return p;
}

int
shmu_h_put(struct shmu_heap *h, void *p, uint32_t site)
{
	struct chunk c;
	uint64_t usable = 0;
	int r;

	if ((LOAD(&h->slot->order) & ORDER_TRACE) != 0 &&
	    shmu_h_find(h, offset(h, p), &c))
		usable = shmu_h_chunk_usable(h, &c);
	r = free_any(h, p, site);
	if (usable != 0 && r == 0)
		shmu_h_trace(h, site, offset(h, p), usable, true);
	return r;
}

static __attribute__((noinline)) void *
malloc_slow(struct shmu_heap *h, size_t size, uint32_t site)
{
	void *p;

	if (!shmu_h_enter(h))
		return NULL;
	p = shmu_h_get(h, size, 1, site);
	heap_leave(h);
	return p;
}

void *
shmu_heap_malloc_at(struct shmu_heap *h, size_t size, struct shmu_site *where)
{
	uint32_t site = heap_site(h, where);
	struct heap_slot *slot = h->slot;
	struct span *s;
	uint64_t turn;
	void *p;

	if (unlikely(slot == NULL || size > h->limit))
		return malloc_slow(h, size, site);
	turn = slot->turn;
	STORE(&slot->turn, turn + 1);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	s = h->classes[class_of(size)].cur;
	if (unlikely(ACQUIRE(&slot->order) != 0 || s->free >= s->cap)) {
		RELEASE(&slot->turn, turn);
		return malloc_slow(h, size, site);
	}
	p = pop(s, site);
	RELEASE(&slot->turn, turn + 2);
	return p;
}

static __attribute__((noinline)) int
free_slow(struct shmu_heap *h, void *p, struct shmu_site *where)
{
	uint32_t site = heap_site(h, where);
	int r;

	if (p == NULL)
		return 0;
	if (!shmu_h_enter(h))
		return -1;
	r = shmu_h_put(h, p, site);
	heap_leave(h);
	return r;
}

int
shmu_heap_free_at(struct shmu_heap *h, void *p, struct shmu_site *where)
{
	struct heap_slot *slot = h->slot;
	uint64_t rel = (uint64_t)((unsigned char *)p - h->data), off, turn;
	struct span *s;
	uint32_t i, id;

	if (unlikely(slot == NULL || rel >= h->data_size))
		return free_slow(h, p, where);
	turn = slot->turn;
	STORE(&slot->turn, turn + 1);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	id = h->map[heap_unit_of(&h->l, rel)];
	s = &h->pool[id];
	off = (uint64_t)((unsigned char *)p - s->chunks);
	i = (uint32_t)(off * s->magic >> 32);
	if (unlikely(ACQUIRE(&slot->order) != 0 || i >= s->cap ||
	    (uint64_t)i * s->size != off ||
	    (LOAD(&s->words[i]) & WORD_USED) == 0)) {
		RELEASE(&slot->turn, turn);
		return free_slow(h, p, where);
	}
	push(h, s, i);
	RELEASE(&slot->turn, turn + 2);
	return 0;
}
