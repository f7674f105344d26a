/* SPDX-License-Identifier: MIT */
/* heap-span.c - the spans that a thread allocates from; see heap-private.h */
#include "config.h"

#include <string.h>

#include "heap-private.h"

static uint32_t
number(const struct shmu_heap *h, const struct span *s)
{
	return (uint32_t)(s - h->pool);
}

static uint64_t *
remote_bits(const struct shmu_heap *h, const struct span *s)
{
	return (uint64_t *)unit_address(h, s->unit);
}

void
shmu_h_span_list(struct shmu_heap *h, struct span *s)
{
	struct class *c = &h->classes[s->cls];
	uint32_t id = number(h, s);

	s->listed = 1;
	s->next = 0;
	s->prev = c->last;
	if (c->last != 0)
		h->pool[c->last].next = id;
	else
		c->avail = id;
	c->last = id;
}

void
shmu_h_span_unlist(struct shmu_heap *h, struct span *s)
{
	struct class *c = &h->classes[s->cls];

	if (s->prev != 0)
		h->pool[s->prev].next = s->next;
	else
		c->avail = s->next;
	if (s->next != 0)
		h->pool[s->next].prev = s->prev;
	else
		c->last = s->prev;
	s->listed = 0;
}

/* The private record of a span that is this thread's by its desc. */
static struct span *
record(struct shmu_heap *h, uint32_t u, const struct desc *d)
{
	struct heap_shape shape;
	struct span *s;
	uint32_t i, id = h->pool_free;

	if (id != 0)
		h->pool_free = h->pool[id].next;
	else
		id = ++h->pool_used;
	shmu_h_shape(h->l.unit, d->cls, d->n, &shape);
	s = &h->pool[id];
	memset(s, 0, sizeof *s);
	s->words = (uint32_t *)(unit_address(h, u) + shape.words_off);
	s->chunks = unit_address(h, u) + shape.chunks_off;
	s->free = WORD_END;
	s->cap = shape.cap;
	s->size = shape.size;
	s->magic = UINT32_MAX / shape.size + 1;
	s->cls = (uint8_t)d->cls;
	s->unit = u;
	s->n = d->n;
	for (i = u; i < u + d->n; i++)
		h->map[i] = id;
	h->classes[d->cls].owned += d->n;
	h->owned += d->n;
	return s;
}

/* The span is no longer ours, or no more. */
static void
forget(struct shmu_heap *h, struct span *s)
{
	uint32_t i;

	if (s->listed)
		shmu_h_span_unlist(h, s);
	if (s->current)
		h->classes[s->cls].cur = &h->pool[0];
	for (i = s->unit; i < s->unit + s->n; i++)
		h->map[i] = 0;
	h->classes[s->cls].owned -= s->n;
	h->owned -= s->n;
	s->next = h->pool_free;
	h->pool_free = number(h, s);
}

static void
kept(struct shmu_heap *h, uint32_t empty)
{
	h->empty = empty;
	STORE(&h->slot->empty, empty);
}

/*
 * Chunks that others freed: first the word, then the bit, so that a chunk is
 * free throughout.  A bit whose word is free already is a double free that was
 * seen too late, or what was cut here before.
 */
void
shmu_h_span_collect(struct shmu_heap *h, struct span *s)
{
	uint64_t *bits = remote_bits(h, s), w, left;
	uint32_t j, i;

	for (j = 0; j < (s->cap + 63) / 64; j++) {
		w = __atomic_load_n(&bits[j], __ATOMIC_SEQ_CST);
		for (left = w; left != 0; left &= left - 1) {
			i = j * 64 + (uint32_t)__builtin_ctzll(left);
			if (i >= s->cap ||
			    (LOAD(&s->words[i]) & WORD_USED) == 0)
				continue;
			RELEASE(&s->words[i], s->free);
			s->free = i;
			s->used--;
		}
		if (w != 0)
			__atomic_fetch_and(&bits[j], ~w, __ATOMIC_SEQ_CST);
	}
}

/* The list and the count, from what is true. */
static void
rebuild(struct shmu_heap *h, struct span *s)
{
	uint32_t i = s->cap;

	s->used = s->cap;
	s->free = WORD_END;
	shmu_h_span_collect(h, s);
	s->used = 0;
	s->free = WORD_END;
	while (i-- > 0) {
		if (LOAD(&s->words[i]) & WORD_USED) {
			s->used++;
			continue;
		}
		RELEASE(&s->words[i], s->free);
		s->free = i;
	}
}

/* Put a span that was just recorded where it belongs. */
static void
sort_in(struct shmu_heap *h, struct span *s)
{
	rebuild(h, s);
	if (s->used == s->cap)
		s->full = 1;
	else
		shmu_h_span_list(h, s);
	if (s->used == 0)
		kept(h, h->empty + s->n);
}

struct span *
shmu_h_span_adopt(struct shmu_heap *h, uint32_t u, const struct desc *d)
{
	struct desc mine = *d;
	struct span *s;

	mine.owner = h->index + 1;
	desc_set(h, u, &mine);
	if (control(h)->orphans[d->cls] > 0)
		control(h)->orphans[d->cls]--;
	s = record(h, u, &mine);
	sort_in(h, s);
	return s;
}

/* A span of a class that has no owner and has room. */
struct span *
shmu_h_span_orphan(struct shmu_heap *h, uint32_t cls)
{
	struct span *s;
	struct desc d;
	uint32_t u;

	for (u = 0; u < h->l.units && control(h)->orphans[cls] > 0;
	    u += d.kind == DESC_TAIL || d.n == 0 ? 1 : d.n) {
		desc_get(h, u, &d);
		if (d.kind != DESC_SMALL || d.owner != 0 || d.cls != cls)
			continue;
		s = shmu_h_span_adopt(h, u, &d);
		if (!s->full)
			return s;
	}
	return NULL;
}

/*
 * How many units a new span shall have: a quarter of what the class has, so
 * that little memory is spread over many classes, within the least that is
 * worth it and 64 KiB.
 */
static uint32_t
wanted(const struct shmu_heap *h, uint32_t cls)
{
	const struct class *c = &h->classes[cls];
	uint32_t most = (uint32_t)(HEAP_SMALL / h->l.unit) + 1, n = c->units;

	while (n * 2 <= most && n * 8 <= c->owned)
		n *= 2;
	return n;
}

static uint32_t
find(struct shmu_heap *h, uint32_t cls, uint32_t *n)
{
	uint32_t u;

	for (*n = wanted(h, cls);; *n /= 2) {
		u = shmu_h_units_find(h, *n);
		if (u != NO_UNIT || *n / 2 < h->classes[cls].units)
			return u;
	}
}

static struct span *
build(struct shmu_heap *h, uint32_t u, struct desc *d)
{
	struct span *s;
	uint32_t i;

	s = record(h, u, d);
	memset(remote_bits(h, s), 0, (s->cap + 63) / 64 * 8);
	for (i = 0; i < s->cap; i++)
		STORE(&s->words[i], i + 1 < s->cap ? i + 1 : WORD_END);
	for (i = 0; (h->l.flags & SHMU_HEAP_DEBUG) != 0 && i < s->cap; i++)
		shmu_h_debug_forget(s->chunks + (uint64_t)i * s->size, s->size);
	s->free = 0;
	shmu_h_units_tails(h, u, u + 1, u + d->n);
	desc_set(h, u, d);
	shmu_h_units_took(h, u, d->n);
	return s;
}

/* With the lock held.  NULL: there is no room. */
struct span *
shmu_h_span_new(struct shmu_heap *h, uint32_t cls)
{
	struct desc d = { .kind = DESC_SMALL, .cls = cls,
	    .owner = h->index + 1 };
	struct span *s;
	uint32_t u = find(h, cls, &d.n);

	if (u == NO_UNIT)
		return NULL;
	s = build(h, u, &d);
	shmu_h_span_list(h, s);
	kept(h, h->empty + s->n);
	return s;
}

/* A span became empty, or is full no more.  Some empty ones are kept: as many
 * as a sixteenth of what this thread has, so that it does not pay the lock for
 * each, and not more, so that others have the rest. */
void
shmu_h_span_edge(struct shmu_heap *h, struct span *s)
{
	if (s->full) {
		s->full = 0;
		shmu_h_span_list(h, s);
	}
	if (s->used != 0 || s->current)
		return;
	if (h->empty + s->n <= h->owned / 16 + 8 || shmu_h_lock(h) == -1) {
		kept(h, h->empty + s->n);
		return;
	}
	shmu_h_units_give(h, s->unit, s->n);
	shmu_h_unlock(h);
	forget(h, s);
}

/* Collect what others freed in the spans that they gave notice of. */
static void
heed_notice(struct shmu_heap *h, uint32_t u)
{
	uint64_t bit = UINT64_C(1) << u % 64;
	struct span *s = &h->pool[h->map[u]];

	if (s->cap == 0)
		return;
	__atomic_fetch_and(&notices(h)[u / 64], ~bit, __ATOMIC_SEQ_CST);
	shmu_h_span_collect(h, s);
	if (s->used != s->cap && (s->full || s->used == 0))
		shmu_h_span_edge(h, s);
}

void
shmu_h_span_drain(struct shmu_heap *h)
{
	uint64_t any = __atomic_exchange_n(&h->slot->any, 0, __ATOMIC_SEQ_CST);
	uint32_t words = (h->l.units + 63) / 64, i, end;

	for (; any != 0; any &= any - 1) {
		i = (uint32_t)__builtin_ctzll(any) * h->l.region;
		end = i + h->l.region < words ? i + h->l.region : words;
		for (; i < end; i++) {
			uint64_t w = __atomic_load_n(&notices(h)[i],
			    __ATOMIC_SEQ_CST);

			for (; w != 0; w &= w - 1) {
				uint32_t u = i * 64 +
				    (uint32_t)__builtin_ctzll(w);

				if (u < h->l.units)
					heed_notice(h, u);
			}
		}
	}
}

/* Give up every empty span, the current ones too; units given. */
uint64_t
shmu_h_span_trim(struct shmu_heap *h)
{
	uint64_t units = 0;
	uint32_t id;

	for (id = 1; id <= h->pool_used; id++) {
		struct span *s = &h->pool[id];

		if (s->cap == 0 || h->map[s->unit] != id)
			continue;
		shmu_h_span_collect(h, s);
		if (s->full && s->used < s->cap) {
			s->full = 0;
			shmu_h_span_list(h, s);
		}
		if (s->used != 0)
			continue;
		shmu_h_units_give(h, s->unit, s->n);
		units += s->n;
		forget(h, s);
	}
	kept(h, 0);
	return units;
}

/* The same truth where no list of this thread's is concerned: the span's owner
 * is dead, gone or stopped. */
uint32_t
shmu_h_span_settle(struct shmu_heap *h, uint32_t u, const struct desc *d)
{
	uint64_t *bits = (uint64_t *)unit_address(h, u), w, left;
	struct heap_shape shape;
	uint32_t *words, i, j, used = 0;

	shmu_h_shape(h->l.unit, d->cls, d->n, &shape);
	words = (uint32_t *)(unit_address(h, u) + shape.words_off);
	for (j = 0; j < shape.nbits; j++) {
		w = __atomic_load_n(&bits[j], __ATOMIC_SEQ_CST);
		for (left = w; left != 0; left &= left - 1) {
			i = j * 64 + (uint32_t)__builtin_ctzll(left);
			if (i < shape.cap && LOAD(&words[i]) & WORD_USED)
				RELEASE(&words[i], WORD_END);
		}
		if (w != 0)
			__atomic_fetch_and(&bits[j], ~w, __ATOMIC_SEQ_CST);
	}
	for (i = 0; i < shape.cap; i++)
		used += LOAD(&words[i]) >> 31;
	return used;
}

void
shmu_h_span_forget_all(struct shmu_heap *h)
{
	uint32_t c;

	if (h->pool_used != 0)
		memset(h->map, 0, h->l.units * sizeof *h->map);
	h->pool_free = h->pool_used = h->owned = 0;
	memset(&h->pool[0], 0, sizeof h->pool[0]);
	kept(h, 0);
	for (c = 0; c < h->l.classes; c++) {
		h->classes[c].cur = &h->pool[0];
		h->classes[c].avail = h->classes[c].last = 0;
		h->classes[c].owned = 0;
		h->classes[c].units = shmu_h_span_units(h->l.unit, c);
	}
}

/* Record every span that is this thread's.  With the lock held. */
int
shmu_h_span_load_all(struct shmu_heap *h)
{
	struct desc d;
	uint32_t u;

	shmu_h_span_forget_all(h);
	for (u = 0; u < h->l.units;
	    u += d.kind == DESC_TAIL || d.n == 0 ? 1 : d.n) {
		desc_get(h, u, &d);
		if (d.kind == DESC_SMALL && d.owner == h->index + 1)
			sort_in(h, record(h, u, &d));
	}
	return 0;
}
