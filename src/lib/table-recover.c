/* SPDX-License-Identifier: MIT */
/*
 * table-recover.c - put in order what a dead thread had under way in a table
 *
 * Called for each slot that is recovered, with the heap's lock held.  The slot
 * says which bucket the thread may have held; if the bucket says so too, what
 * was not committed is undone, and the bucket is given back, last.  A cut here
 * is no harm: the bucket is held by the dead one until all is done, and each
 * step finds what it did before.
 */
#include "config.h"

#include "table-layout.h"

struct grave {
	struct shmu_table	 t;
	uint32_t		 index;
	uint64_t		*j;	/* the journal of the dead */
	struct bucket		*held;	/* its bucket, or NULL */
	struct bucket		*fresh;	/* what it was filling, or NULL */
	uint64_t		 b;	/* number of held */
};

static void
open_grave(struct grave *g, struct shmu_heap *h, uint32_t index)
{
	uint64_t lock, b;
	struct bucket *p;

	g->index = index;
	g->j = slots(h)[index].table;
	g->held = g->fresh = NULL;
	lock = ACQUIRE(&g->j[J_LOCK]);
	g->b = lock - 1;
	if (lock == 0 || lock > buckets_now(&g->t) ||
	    (p = bucket_at(&g->t, g->b)) == NULL)
		return;
	if ((ACQUIRE(&p->word) & WORD_LOCKED) != 0 &&
	    WORD_OWNER(LOAD(&p->word)) == index)
		g->held = p;
	b = ACQUIRE(&g->t.c->fresh);
	if (ACQUIRE(&g->t.c->splitting) == index + 1 && b != 0 &&
	    b - 1 == buckets_now(&g->t) && b <= TABLE_MOST)
		g->fresh = bucket_at(&g->t, b - 1);
}

static bool
holds(struct grave *g, uint64_t off)
{
	return (g->held != NULL &&
	    shmu_t_chain_holds(&g->t, g->held, off)) ||
	    (g->fresh != NULL && shmu_t_chain_holds(&g->t, g->fresh, off));
}

/* A value that was being replaced in place. */
static void
restore(struct grave *g, uint64_t off)
{
	struct entry *e = slot_at(&g->t, SLOT_OF(off, 0));
	uint64_t at, *to;

	if (e == NULL || off % 64 != 0 || !holds(g, off))
		return;
	at = off + entry_head(e->key_length);
	if (!within(g->t.heap, at, TABLE_IN_PLACE))
		return;
	to = (uint64_t *)(g->t.base + at);
	RELEASE(&to[0], LOAD(&g->j[J_SAVED]));
	RELEASE(&to[1], LOAD(&g->j[J_SAVED + 1]));
	RELEASE(&e->length, LOAD(&g->j[J_LENGTH]));
}

/* Whether what was to be counted came to be shows in the bucket. */
static void
undo(struct grave *g)
{
	uint64_t what = ACQUIRE(&g->j[J_WHAT]), *count = &g->j[J_COUNT],
	    saved = LOAD(&g->j[J_SAVED]);

	if (what == COUNT_MORE && g->held != NULL)
		RELEASE(count, saved + holds(g, LOAD(&g->j[J_NEW])));
	else if (what == COUNT_LESS && g->held != NULL)
		RELEASE(count, saved - !holds(g, LOAD(&g->j[J_OLD])));
	else if (what != 0)
		restore(g, what);
	RELEASE(&g->j[J_WHAT], 0);
}

static void
settle(struct grave *g, uint64_t *word)
{
	uint64_t off = ACQUIRE(word);

	if (off != 0 && holds(g, off))
		RELEASE(word, 0);
	else if (off != 0)
		shmu_h_withdraw(g->t.heap, g->index, word);
}

static void
give(struct shmu_table *t, uint64_t *word)
{
	struct heap_slot *all = slots(t->heap);

	shmu_h_withdraw(t->heap, (uint32_t)((word - all->table) *
	    (ptrdiff_t)sizeof *word / (ptrdiff_t)sizeof *all), word);
}

/* A split: before its commit the new bucket is nobody's, after it what has
 * moved is dropped from the old one. */
static void
finish_split(struct grave *g)
{
	if (ACQUIRE(&g->t.c->splitting) != g->index + 1)
		return;
	if (g->fresh != NULL)
		shmu_t_empty(&g->t, g->fresh, &g->j[J_OLD], give);
	if (g->held != NULL)
		shmu_t_drop(&g->t, g->held, g->b);
	RELEASE(&g->t.c->fresh, 0);
}

void
shmu_t_bury(struct shmu_heap *h, uint32_t index)
{
	struct grave g;
	int err = errno;

	if (h->format != SHMU_FORMAT_TABLE || h->reading)
		return;
	if (shmu_t_bind(&g.t, h) == 0) {
		open_grave(&g, h, index);
		undo(&g);
		settle(&g, &g.j[J_NEW]);
		settle(&g, &g.j[J_OLD]);
		finish_split(&g);
		if (g.held != NULL || g.fresh != NULL)
			g.t.c->repaired++;
		if (g.held != NULL)
			RELEASE(&g.held->word, (LOAD(&g.held->word) &
			    -WORD_SEQUENCE) + WORD_SEQUENCE);
		if (g.t.c->splitting == index + 1)
			RELEASE(&g.t.c->splitting, 0);
		RELEASE(&g.j[J_LOCK], 0);
	}
	errno = err;
}
