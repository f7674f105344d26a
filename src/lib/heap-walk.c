/* SPDX-License-Identifier: MIT */
/* heap-walk.c - every chunk of a view, and the sums */
#include "config.h"

#include "heap-view.h"

static int
walk_span(struct shmu_heap_view *v, uint32_t u, const struct desc *d,
    int (*each)(const struct shmu_heap_chunk *, void *), void *arg)
{
	struct shmu_heap_chunk c = { .small = 1, .owner = d->owner };
	struct view_span s;
	uint32_t i, word;
	int r = 0;

	if (shmu_h_view_span(v, u, d, &s) == -1)
		return -1;
	c.size = s.shape.size;
	for (i = 0; r == 0 && i < s.shape.cap; i++) {
		word = s.words[i];
		c.off = heap_unit_at(&v->l, u) + s.shape.chunks_off +
		    (uint64_t)i * s.shape.size;
		c.pending = (word & WORD_USED) != 0 &&
		    (s.bits[i / 64] >> i % 64 & 1) != 0;
		c.used = (word & WORD_USED) != 0 && !c.pending;
		c.site = (word & WORD_USED) == 0 ||
		    (word & WORD_FREEING) != 0 ? 0 : word & WORD_SITE;
		r = each(&c, arg);
	}
	return r;
}

/* The first unit from u on that is no free one, as far as can be told. */
static uint32_t
free_until(const struct shmu_heap_view *v, uint32_t u)
{
	struct desc d;

	while (u < v->l.units && (!view_desc(v, u, &d) ||
	    d.kind == DESC_FREE || d.kind == DESC_TAIL))
		u++;
	return u;
}

int
shmu_heap_view_walk(struct shmu_heap_view *v,
    int (*each)(const struct shmu_heap_chunk *, void *), void *arg)
{
	uint32_t u = 0, end;
	struct desc d;
	int r = 0;

	while (r == 0 && u < v->l.units) {
		struct shmu_heap_chunk c = { .off = heap_unit_at(&v->l, u) };

		end = free_until(v, u);
		if (end > u) {
			c.size = (end - u) * v->l.unit;
			r = each(&c, arg);
			u = end;
			continue;
		}
		view_desc(v, u, &d);
		if (d.kind == DESC_SMALL)
			r = walk_span(v, u, &d, each, arg);
		else {
			c.off += d.lead;
			c.size = d.n * v->l.unit - d.lead;
			c.used = 1;
			c.site = d.site;
			r = each(&c, arg);
		}
		u += d.n;
	}
	return r;
}

static int
sum(const struct shmu_heap_chunk *c, void *arg)
{
	struct shmu_heap_stat *s = arg;

	if (c->used) {
		s->used += c->size;
		s->chunks++;
	} else if (c->small)
		s->spare += c->size;
	else {
		s->free += c->size;
		s->fragments++;
		if (c->size > s->largest_free)
			s->largest_free = c->size;
	}
	return 0;
}

static void
sum_slots(const struct shmu_heap_view *v, struct shmu_heap_stat *s)
{
	struct shmu_heap_thread t;
	uint64_t latest = 0;
	uint32_t i;

	for (i = 0; i < v->l.slots; i++) {
		if (shmu_heap_view_thread(v, i, &t) == 1) {
			s->attached++;
			s->dead += t.dead != 0;
		}
		s->operations += t.operations;
		s->failures += t.failures;
		s->faults += t.fault.count;
		if (t.failures > 0 && t.last_failure > latest)
			latest = t.last_failure;
	}
	s->last_failure = latest;
}

static void
sum_spans(const struct shmu_heap_view *v, struct shmu_heap_stat *s)
{
	struct desc d;
	uint32_t u;

	for (u = 0; u < v->l.units; u++)
		if (view_desc(v, u, &d) && d.kind == DESC_SMALL) {
			s->spans++;
			s->orphans += d.owner == 0;
		}
}

int
shmu_heap_view_stat(struct shmu_heap_view *v, struct shmu_heap_stat *s)
{
	const struct heap_control *c = &v->control;

	memset(s, 0, sizeof *s);
	if (shmu_heap_view_walk(v, sum, s) == -1)
		return -1;
	s->total = v->l.size;
	s->maximum = v->l.maximum;
	s->real_used = s->total - s->free;
	s->metadata = s->total - v->l.units * v->l.unit;
	s->max_used = s->metadata + (c->max_used < v->l.units ? c->max_used :
	    v->l.units) * v->l.unit;
	if (s->max_used < s->real_used)
		s->max_used = s->real_used;
	s->unit = v->l.unit;
	s->slots = v->l.slots;
	s->sites = c->sites_known > 0 ? (uint32_t)c->sites_known - 1 : 0;
	s->flags = v->l.flags;
	s->recovered = c->recovered;
	s->deaths = c->lock.deaths;
	s->tracer = c->tracer.pid;
	sum_slots(v, s);
	sum_spans(v, s);
	shmu_lock_holder(&c->lock, &c->places, &s->holder);
	return 0;
}
