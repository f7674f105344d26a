/* SPDX-License-Identifier: MIT */
/*
 * table-split.c - add buckets as cells are added
 *
 * The next bucket takes from one before it what the next bit of the hash says.
 * It is filled while nobody looks there, with the old one held; that there is
 * one bucket more is the commit; then what moved is cleared from the old one.
 * Only slots are read and written, no entry.
 */
#include "config.h"

#include <string.h>

#include "table-layout.h"

#define REFUSALS	64U

/* Where bucket b stands, in a piece that is allocated now if it was not. */
static struct bucket *
place(struct shmu_table *t, uint64_t b)
{
	uint32_t k = piece_of(b);

	if (ACQUIRE(&t->c->piece[k]) == 0 && shmu_heap_alloc_into(t->heap,
	    piece_buckets(k) * sizeof(struct bucket), &t->c->piece[k]) == -1)
		return NULL;
	return bucket_at(t, b);
}

/* The overflow of a bucket that nobody has seen yet: free each by free. */
void
shmu_t_empty(struct shmu_table *t, struct bucket *p, uint64_t *old,
    void (*give)(struct shmu_table *t, uint64_t *word))
{
	uint64_t *link = &p->slot[BUCKET_LAST], off;
	struct bucket *next;
	uint32_t hops;

	for (hops = 0; slot_link(LOAD(link)) && hops < TABLE_HOPS; hops++) {
		off = SLOT_OFFSET(LOAD(link));
		next = slot_at(t, LOAD(link));
		RELEASE(old, off);
		RELEASE(link, next == NULL ? 0 : LOAD(&next->slot[BUCKET_LAST]));
		give(t, old);
	}
}

static void
give(struct shmu_table *t, uint64_t *word)
{
	shmu_heap_free_from(t->heap, word);
}

/* Fill the new bucket, number b, with what will be its own. */
static int
fill(struct shmu_table *t, struct bucket *from, struct bucket *to, uint64_t b)
{
	uint64_t *j = journal(t), word;
	uint32_t hops, i;

	for (hops = 0; from != NULL && hops < TABLE_HOPS; hops++) {
		for (i = 0; i < BUCKET_SLOTS; i++) {
			word = LOAD(&from->slot[i]);
			if (word == 0 || slot_link(word) ||
			    bucket_of(word >> 32, b + 1) != b)
				continue;
			if (shmu_t_chain_add(t, to, word, &j[J_NEW]) == -1)
				return -1;
			RELEASE(&j[J_NEW], 0);
		}
		word = LOAD(&from->slot[BUCKET_LAST]);
		if (!slot_link(word))
			return 0;
		from = slot_at(t, word);
	}
	errno = EBADMSG;
	return -1;
}

/* Clear what belongs into another bucket than b. */
void
shmu_t_drop(struct shmu_table *t, struct bucket *p, uint64_t b)
{
	uint64_t buckets = buckets_now(t), word;
	uint32_t hops, i;

	for (hops = 0; p != NULL && hops < TABLE_HOPS; hops++) {
		for (i = 0; i < BUCKET_SLOTS; i++) {
			word = LOAD(&p->slot[i]);
			if (word != 0 && !slot_link(word) &&
			    bucket_of(word >> 32, buckets) != b)
				RELEASE(&p->slot[i], 0);
		}
		word = LOAD(&p->slot[BUCKET_LAST]);
		p = slot_link(word) ? slot_at(t, word) : NULL;
	}
}

/* Unlink buckets of overflow that have no more than one slot in use. */
static void
fold(struct shmu_table *t, struct bucket *p)
{
	uint64_t *j = journal(t), *link = &p->slot[BUCKET_LAST], only;
	uint32_t hops;

	for (hops = 0; slot_link(LOAD(link)) && hops < TABLE_HOPS; hops++) {
		p = slot_at(t, LOAD(link));
		if (p == NULL)
			return;
		only = shmu_t_chain_only(p, NULL);
		if (only == 1) {
			link = &p->slot[BUCKET_LAST];
			continue;
		}
		RELEASE(&j[J_OLD], offset(t->heap, p));
		RELEASE(link, only);		/* the commit */
		if (shmu_heap_free_from(t->heap, &j[J_OLD]) == -1)
			return;
	}
}

static int
split(struct shmu_table *t)
{
	uint64_t b = buckets_now(t), from = bucket_of(b, b);
	struct table_control *c = t->c;
	struct bucket *old, *new = b < TABLE_MOST ? place(t, b) : NULL;

	if (new == NULL || shmu_t_tidy(t) == -1 ||
	    shmu_t_lock(t, from, &old) == -1)
		return -1;
	memset(new, 0, sizeof *new);
	/* See shmu_t_publish: what moves has counted by this sequence. */
	new->word = LOAD(&old->word) & -WORD_SEQUENCE;
	RELEASE(&c->fresh, b + 1);
	if (fill(t, old, new, b) == -1) {
		shmu_t_empty(t, new, &journal(t)[J_OLD], give);
		RELEASE(&c->fresh, 0);
		shmu_t_unlock(t, old, false);
		return -1;
	}
	RELEASE(&c->buckets, b + 1);		/* the commit */
	RELEASE(&c->fresh, 0);
	shmu_t_drop(t, old, from);
	fold(t, old);
	shmu_t_unlock(t, old, false);
	return 0;
}

/* Who splits does it for all.  Whether it lives still is looked up when it has
 * been in the way often. */
static bool
claim(struct shmu_table *t)
{
	uint32_t other = LOAD(&t->c->splitting);

	if (other == 0)
		return __atomic_compare_exchange_n(&t->c->splitting, &other,
		    t->heap->index + 1, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED);
	if (++t->refused % REFUSALS == 0 && other <= t->heap->l.slots &&
	    shmu_owner_dead(&slots(t->heap)[other - 1].owner) &&
	    shmu_h_lock(t->heap) == 0) {
		shmu_h_bury_dead(t->heap);
		shmu_h_unlock(t->heap);
	}
	return false;
}

/*
 * A cell was added: every so often see whether there should be more buckets.
 * The more slots have to be summed up for that, the less often.  Where there
 * was no room it is tried again when there are many more cells.
 */
void
shmu_t_grow(struct shmu_table *t)
{
	uint64_t every = 8 + t->heap->l.slots / 64 * 8, cells, n;

	if (journal(t)[J_COUNT] % every != 0)
		return;
	cells = shmu_t_cells(t);
	if (cells <= TABLE_LOAD * buckets_now(t) || cells < t->denied ||
	    !claim(t))
		return;
	for (n = 0; n < every && cells > TABLE_LOAD * buckets_now(t); n++)
		if (split(t) == -1) {
			t->denied = cells + cells / 16;
			break;
		}
	RELEASE(&t->c->splitting, 0);
}
