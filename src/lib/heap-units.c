/* SPDX-License-Identifier: MIT */
/* heap-units.c - find, take and give runs of units; see heap-layout.h */
#include "config.h"

#include "heap-private.h"

/* Whoever has the lock knows all units. */
int
shmu_h_lock(struct shmu_heap *h)
{
	if (shmu_lock_take(&h->locker, &control(h)->lock, SHMU_LOCK_LIMIT,
	    &h->holder) == -1)
		return -1;
	if (shmu_h_catch_up(h) != -1)
		return 0;
	shmu_lock_release(&h->locker, &control(h)->lock);
	errno = EBADMSG;
	return -1;
}

void
shmu_h_unlock(struct shmu_heap *h)
{
	if (h->registered != NULL)
		shmu_h_pool_refresh(h);
	shmu_lock_release(&h->locker, &control(h)->lock);
}

static uint64_t *
bits(struct shmu_heap *h)
{
	return (uint64_t *)(h->base + h->l.bits_off);
}

/* The first unit at u or after whose bit is value; units when there is none. */
static uint32_t
next_bit(struct shmu_heap *h, uint32_t u, bool value)
{
	while (u < h->l.units) {
		uint64_t w = LOAD(&bits(h)[u / 64]);

		w = (value ? w : ~w) >> u % 64;
		if (w != 0) {
			u += (uint32_t)__builtin_ctzll(w);
			return u < h->l.units ? u : h->l.units;
		}
		u = (u / 64 + 1) * 64;
	}
	return h->l.units;
}

static void
mark(struct shmu_heap *h, uint32_t first, uint32_t n, bool value)
{
	uint32_t u = first, end = first + n;

	while (u < end) {
		uint32_t k = 64 - u % 64 < end - u ? 64 - u % 64 : end - u;
		uint64_t m = (k == 64 ? UINT64_MAX : (UINT64_C(1) << k) - 1) <<
		    u % 64, *w = &bits(h)[u / 64];

		STORE(w, value ? LOAD(w) | m : LOAD(w) & ~m);
		u += k;
	}
}

/* The bits are a hint: what is handed out must be free by its descs. */
bool
shmu_h_units_free(struct shmu_heap *h, uint32_t first, uint32_t n)
{
	uint32_t u;

	if (n > h->l.units - first)
		return false;
	for (u = first; u < first + n; u++)
		if (LOAD(&descs(h)[u]) != 0) {
			mark(h, u, 1, false);
			return false;
		}
	return true;
}

uint32_t
shmu_h_units_find(struct shmu_heap *h, uint32_t n)
{
	uint64_t hint = control(h)->hint;
	uint32_t u = hint < h->l.units ? (uint32_t)hint : 0, end;

	u = next_bit(h, u, true);
	control(h)->hint = u;
	while (u < h->l.units) {
		end = next_bit(h, u, false);
		if (end - u >= n && shmu_h_units_free(h, u, n))
			return u;
		/* A bit that was wrong is not found again. */
		u = next_bit(h, end - u >= n ? u : end, true);
	}
	return NO_UNIT;
}

/* One more than the last unit below u whose bit is value; 0: there is none. */
static uint32_t
last_bit(struct shmu_heap *h, uint32_t u, bool value)
{
	while (u > 0) {
		uint64_t w = LOAD(&bits(h)[(u - 1) / 64]);

		w = (value ? w : ~w) << (63 - (u - 1) % 64);
		if (w != 0)
			return u - (uint32_t)__builtin_clzll(w);
		u = (u - 1) / 64 * 64;
	}
	return 0;
}

/*
 * The same from the other end, with slack units left free behind where there is
 * plenty.  Large chunks are taken there, so that spans, which come and go one
 * by one, do not stand between them.
 */
uint32_t
shmu_h_units_find_last(struct shmu_heap *h, uint32_t n, uint32_t slack)
{
	uint32_t end = last_bit(h, h->l.units, true), begin;

	while (end > 0) {
		begin = last_bit(h, end, false);
		if (end - begin >= n && end - begin - n >= 2 * slack &&
		    slack > 0 && shmu_h_units_free(h, end - slack - n, n))
			return end - slack - n;
		if (end - begin >= n && shmu_h_units_free(h, end - n, n))
			return end - n;
		end = last_bit(h, end - begin >= n ? end : begin, true);
	}
	return NO_UNIT;
}

bool
shmu_h_units_grow(struct shmu_heap *h, uint32_t n)
{
	uint32_t old = h->l.units, behind = old - last_bit(h, old, false);

	if (!shmu_h_grow(h, n > behind ? n - behind : 1))
		return false;
	mark(h, old, h->l.units - old, true);
	return true;
}

void
shmu_h_units_tails(struct shmu_heap *h, uint32_t first, uint32_t from,
    uint32_t to)
{
	struct desc d = { .kind = DESC_TAIL, .head = first };
	uint32_t u;

	for (u = from; u < to; u++)
		desc_set(h, u, &d);
}

void
shmu_h_units_took(struct shmu_heap *h, uint32_t first, uint32_t n)
{
	struct heap_control *c = control(h);

	mark(h, first, n, false);
	c->used += n;
	if (c->used > c->max_used)
		c->max_used = c->used;
}

/* The descs of n units from first are zero, or the tails of no head. */
void
shmu_h_units_gave(struct shmu_heap *h, uint32_t first, uint32_t n)
{
	struct heap_control *c = control(h);
	uint32_t u;

	for (u = first; u < first + n; u++) {
		RELEASE(&descs(h)[u], 0);
		__atomic_fetch_and(&notices(h)[u / 64],
		    ~(UINT64_C(1) << u % 64), __ATOMIC_RELAXED);
	}
	mark(h, first, n, true);
	c->used -= n;
	if (first < c->hint)
		c->hint = first;
}

/* The first store gives the whole run: no tail counts without its head. */
void
shmu_h_units_give(struct shmu_heap *h, uint32_t first, uint32_t n)
{
	RELEASE(&descs(h)[first], 0);
	shmu_h_units_gave(h, first, n);
}

/* What a cut take or give left behind: descs that are no head, and no tail of a
 * head that covers them. */
static uint32_t
skip_garbage(struct shmu_heap *h, uint32_t u)
{
	struct desc d;

	while (u < h->l.units && (!desc_get(h, u, &d) ||
	    d.kind == DESC_FREE || d.kind == DESC_TAIL)) {
		RELEASE(&descs(h)[u], 0);
		u++;
	}
	return u;
}

/* Make the descs regular, and all that is a hint from them. */
void
shmu_h_units_normalise(struct shmu_heap *h)
{
	struct heap_control *c = control(h);
	uint32_t u = 0, end, i;
	struct desc d;

	c->hint = c->used = 0;
	for (i = 0; i < HEAP_CLASSES; i++)
		c->orphans[i] = 0;
	mark(h, 0, h->l.units, true);
	while (u < h->l.units) {
		u = skip_garbage(h, u);
		if (u == h->l.units || !desc_get(h, u, &d))
			break;
		end = u + d.n;
		shmu_h_units_tails(h, u, u + 1, end);
		if (d.kind == DESC_SMALL && d.owner == 0)
			c->orphans[d.cls]++;
		shmu_h_units_took(h, u, d.n);
		u = end;
	}
}
