/* SPDX-License-Identifier: MIT */
/* heap-check.c - prove a view right, or say where it is not */
#include "config.h"

#include "heap-view.h"

struct checker {
	struct shmu_heap_view	*v;
	void (*each)(const struct shmu_heap_finding *, void *);
	void			*arg;
	int			 n;
	bool			 locked;	/* somebody is changing units */
	uint32_t		 used;		/* units */
};

static void
find(struct checker *k, enum shmu_heap_flaw flaw, uint32_t index, uint64_t off,
    uint64_t value)
{
	struct shmu_heap_finding f = { flaw, index, off, value };

	k->n++;
	if (k->each != NULL)
		k->each(&f, k->arg);
}

const char *
shmu_heap_flaw_text(uint32_t flaw)
{
	static const char *const texts[] = {NULL,
	    "a unit is described as what it cannot be",
	    "a unit belongs to no run", "the owner of a span is not attached",
	    "the word of a chunk cannot be",
	    "a chunk was freed by another thread, but is free or not there",
	    "the free chunks of a span are not one list",
	    "bits or counts differ from the units",
	    "a thread at rest left something half done",
	    "there is something to undo, and nobody has the lock",
	    "a dead thread has a slot, which gc recovers"};

	return flaw < sizeof texts / sizeof texts[0] && texts[flaw] != NULL ?
	    texts[flaw] : "an unknown flaw";
}

static uint64_t
chunk_off(const struct checker *k, const struct view_span *s, uint32_t i)
{
	return heap_unit_at(&k->v->l, s->unit) + s->shape.chunks_off +
	    (uint64_t)i * s->shape.size;
}

static bool
word_possible(const struct checker *k, const struct view_span *s, uint32_t w)
{
	if ((w & WORD_USED) == 0)
		return w == WORD_END || w < s->shape.cap;
	if ((w & WORD_FREEING) != 0)
		return (w & ~(WORD_USED | WORD_FREEING)) < k->v->l.slots;
	return (w & ~WORD_USED) == 0 ||
	    (w & ~WORD_USED) < k->v->control.sites_known;
}

/* Every free chunk is the next of one other at most, and one is the last: with
 * as many links as free chunks less one, that is one list or has a cycle, which
 * following the list from its first would show; that is who nobody names. */
static void
check_list(struct checker *k, const struct view_span *s)
{
	uint64_t named[HEAP_CAP / 64] = { 0 };
	uint32_t i, w, n = 0, seen = 0, first = WORD_END;

	for (i = 0; i < s->shape.cap; i++) {
		w = s->words[i];
		if ((w & WORD_USED) != 0)
			continue;
		n++;
		if (w >= s->shape.cap)
			continue;
		if ((named[w / 64] >> w % 64 & 1) != 0 ||
		    (s->words[w] & WORD_USED) != 0) {
			find(k, SHMU_HEAP_FLAW_LIST, i, chunk_off(k, s, i), w);
			return;
		}
		named[w / 64] |= UINT64_C(1) << w % 64;
	}
	for (i = 0; i < s->shape.cap; i++)
		if ((s->words[i] & WORD_USED) == 0 &&
		    (named[i / 64] >> i % 64 & 1) == 0)
			first = i;
	for (i = first; i < s->shape.cap && seen <= n; i = s->words[i])
		seen++;
	if (seen != n)
		find(k, SHMU_HEAP_FLAW_LIST, first, chunk_off(k, s, 0), seen);
}

static void
check_words(struct checker *k, const struct view_span *s)
{
	uint32_t i;

	for (i = 0; i < s->shape.nbits * 64; i++) {
		bool bit = (s->bits[i / 64] >> i % 64 & 1) != 0;

		if (i < s->shape.cap && !word_possible(k, s, s->words[i]))
			find(k, SHMU_HEAP_FLAW_WORD, i, chunk_off(k, s, i),
			    s->words[i]);
		if (bit && (i >= s->shape.cap ||
		    (s->words[i] & WORD_USED) == 0))
			find(k, SHMU_HEAP_FLAW_REMOTE, i, chunk_off(k, s, i),
			    i < s->shape.cap ? s->words[i] : 0);
	}
}

static int
check_span(struct checker *k, uint32_t u, const struct desc *d)
{
	const struct heap_slot *slot;
	struct view_span s;

	if (shmu_h_view_span(k->v, u, d, &s) == -1)
		return -1;
	check_words(k, &s);
	if (d->owner == 0)
		return 0;
	slot = &TABLE(k->v, slots_off, struct heap_slot)[d->owner - 1];
	if (slot->state == 0)
		find(k, SHMU_HEAP_FLAW_OWNER, u, heap_unit_at(&k->v->l, u),
		    d->owner);
	/* What others freed for an owner is in his list when he comes. */
	else if ((slot->order & (ORDER_STOP | ORDER_REBUILD)) == 0)
		check_list(k, &s);
	return 0;
}

static void
check_tails(struct checker *k, uint32_t u, const struct desc *d)
{
	struct desc t;
	uint32_t i;

	for (i = u + 1; i < u + d->n; i++)
		if (!view_desc(k->v, i, &t) || t.kind != DESC_TAIL ||
		    t.head != u)
			find(k, SHMU_HEAP_FLAW_TAIL, i,
			    heap_unit_at(&k->v->l, i),
			    TABLE(k->v, descs_off, uint64_t)[i]);
}

static bool
bit_of(const struct checker *k, uint32_t u)
{
	return (TABLE(k->v, bits_off, uint64_t)[u / 64] >> u % 64 & 1) != 0;
}

static void
check_bits(struct checker *k, uint32_t u, uint32_t n, bool want)
{
	uint32_t i;

	for (i = u; !k->locked && i < u + n; i++)
		if (bit_of(k, i) != want)
			find(k, SHMU_HEAP_FLAW_HINT, i,
			    heap_unit_at(&k->v->l, i), bit_of(k, i));
}

/* One unit, or the run that begins there; how many units that were. */
static int
check_unit(struct checker *k, uint32_t u, uint32_t *n)
{
	uint64_t word = TABLE(k->v, descs_off, uint64_t)[u];
	struct desc d;

	*n = 1;
	if (!view_desc(k->v, u, &d))
		find(k, SHMU_HEAP_FLAW_DESC, u, heap_unit_at(&k->v->l, u),
		    word);
	else if (d.kind == DESC_TAIL)
		find(k, SHMU_HEAP_FLAW_TAIL, u, heap_unit_at(&k->v->l, u),
		    word);
	if (d.kind != DESC_SMALL && d.kind != DESC_LARGE) {
		check_bits(k, u, 1, true);
		return 0;
	}
	*n = d.n;
	k->used += d.n;
	check_tails(k, u, &d);
	check_bits(k, u, d.n, false);
	return d.kind == DESC_SMALL ? check_span(k, u, &d) : 0;
}

static void
check_slots(struct checker *k)
{
	struct shmu_heap_thread t;
	uint32_t i;

	for (i = 0; i < k->v->l.slots; i++) {
		const struct heap_slot *s =
		    &TABLE(k->v, slots_off, struct heap_slot)[i];
		uint64_t off = k->v->l.slots_off + i * sizeof *s;

		if (shmu_heap_view_thread(k->v, i, &t) != 1)
			continue;
		if (t.dead)
			find(k, SHMU_HEAP_FLAW_DEAD, i, off, t.owner.pid);
		else if (s->intent != INTENT_NONE && (s->turn & 1) == 0)
			find(k, SHMU_HEAP_FLAW_INTENT, i, off, s->intent);
	}
}

int
shmu_heap_view_check(struct shmu_heap_view *v,
    void (*each)(const struct shmu_heap_finding *, void *), void *arg)
{
	struct checker k = { .v = v, .each = each, .arg = arg };
	uint32_t u, n;

	k.locked = v->control.lock.word != 0;
	for (u = 0; u < v->l.units; u += n)
		if (check_unit(&k, u, &n) == -1)
			return -1;
	if (!k.locked && v->control.used != k.used)
		find(&k, SHMU_HEAP_FLAW_HINT, 0, SHMU_HEADER_SIZE,
		    v->control.used);
	if (!k.locked && v->control.lock.saved != 0)
		find(&k, SHMU_HEAP_FLAW_UNDO, 0, SHMU_HEADER_SIZE,
		    v->control.lock.saved);
	check_slots(&k);
	return k.n;
}
