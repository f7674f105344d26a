/* SPDX-License-Identifier: MIT */
/*
 * heap-recover.c - take back what dead and idle threads have
 *
 * All of it runs with the lock held, may be cut anywhere, and is then done
 * again by who takes the lock next: nothing here depends on how far it came.
 */
#include "config.h"

#include <string.h>
#include <time.h>

#include "shmutil/sys.h"
#include "table-layout.h"

static uint32_t
step(const struct desc *d)
{
	return d->kind == DESC_TAIL || d->n == 0 ? 1 : d->n;
}

/* Free what a dead thread had allocated and not yet published, or withdrawn and
 * not yet freed; index is of its slot. */
static void
release(struct shmu_heap *h, uint32_t index, const struct chunk *c)
{
	if (c->d.kind == DESC_LARGE)
		shmu_h_units_give(h, c->unit, c->d.n);
	else if (c->d.owner == index + 1)
		RELEASE(c->word, WORD_END);
	else
		shmu_h_remote_bit(h, c);
}

/* alloc_into: the chunk is the dead thread's alone unless the word names it.  A
 * word that is neither was changed by somebody else, who had seen it. */
static void
finish_into(struct shmu_heap *h, uint32_t index, uint64_t word, uint64_t old,
    const struct chunk *c)
{
	if (word == old && shmu_h_chunk_used(c) &&
	    (c->d.kind == DESC_LARGE || c->d.owner == index + 1))
		release(h, index, c);
}

/*
 * free_from: once the word is cleared the chunk goes.  That it was not freed
 * yet shows in its word, which says by whom it is being freed.  The remote bit
 * is looked at first: whoever collects it clears it last.
 */
static void
finish_from(struct shmu_heap *h, uint32_t index, uint64_t word, uint64_t old,
    uint64_t off, const struct chunk *c)
{
	if (c->d.kind == DESC_LARGE) {
		if (word != off)
			release(h, index, c);
		return;
	}
	if (!shmu_h_chunk_used(c) ||
	    LOAD(c->word) != (WORD_USED | WORD_FREEING | index))
		return;
	if (word == off)
		RELEASE(c->word, WORD_USED | ((uint32_t)old & WORD_SITE));
	else
		release(h, index, c);
}

static void
finish(struct shmu_heap *h, uint32_t index)
{
	struct heap_slot *s = &slots(h)[index];
	uint64_t intent = LOAD(&s->intent), at = LOAD(&s->intent_word),
	    off = LOAD(&s->intent_chunk), old = LOAD(&s->intent_old), word;
	struct chunk c;

	if (intent != INTENT_NONE && at % sizeof word == 0 &&
	    within(h, at, sizeof word) &&
	    shmu_h_find(h, off, &c)) {
		word = ACQUIRE((uint64_t *)(h->base + at));
		if (intent == INTENT_INTO)
			finish_into(h, index, word, old, &c);
		else
			finish_from(h, index, word, old, off, &c);
	}
	RELEASE(&s->intent, INTENT_NONE);
}

/*
 * shmu_heap_free_from by the dead thread of slot index, done for it: word is
 * cleared and what it named freed, or after a death here neither, which the
 * intent of that slot tells.
 */
void
shmu_h_withdraw(struct shmu_heap *h, uint32_t index, uint64_t *word)
{
	struct heap_slot *s = &slots(h)[index];
	uint64_t off = ACQUIRE(word);
	struct chunk c;

	if (!shmu_h_find(h, off, &c) || !shmu_h_chunk_used(&c)) {
		RELEASE(word, 0);
		return;
	}
	STORE(&s->intent_word, offset(h, word));
	STORE(&s->intent_old, c.d.kind == DESC_SMALL ? LOAD(c.word) : 0);
	STORE(&s->intent_chunk, off);
	RELEASE(&s->intent, INTENT_FROM);
	if (c.d.kind == DESC_SMALL)
		RELEASE(c.word, WORD_USED | WORD_FREEING | index);
	RELEASE(word, 0);			/* the commit */
	finish(h, index);
}

/* Give back the empty ones of the spans of slot index, and disown the rest. */
static uint64_t
disown(struct shmu_heap *h, uint32_t index)
{
	uint64_t units = 0;
	struct desc d;
	uint32_t u;

	for (u = 0; u < h->l.units; u += step(&d)) {
		desc_get(h, u, &d);
		if (d.kind != DESC_SMALL || d.owner != index + 1)
			continue;
		if (shmu_h_span_settle(h, u, &d) == 0) {
			shmu_h_units_give(h, u, d.n);
			units += d.n;
			continue;
		}
		d.owner = 0;
		desc_set(h, u, &d);
		control(h)->orphans[d.cls]++;
	}
	return units;
}

/*
 * Slot index is of a thread that is dead or goes; last of all it is free.  What
 * a table had under way is put in order after the intents, which it builds on,
 * and before the slot may be another's, whose locks its locks would look like.
 */
void
shmu_h_bury(struct shmu_heap *h, uint32_t index)
{
	struct heap_slot *s = &slots(h)[index];

	finish(h, index);
	shmu_t_bury(h, index);
	disown(h, index);
	STORE(&s->any, 0);
	STORE(&s->order, 0);
	STORE(&s->turn, LOAD(&s->turn) + (LOAD(&s->turn) & 1));
	STORE(&s->empty, 0);
	STORE(&s->pool_base, 0);
	RELEASE(&s->state, 0);
}

uint32_t
shmu_h_bury_dead(struct shmu_heap *h)
{
	uint32_t i, n = 0;

	for (i = 0; i < h->l.slots; i++) {
		struct heap_slot *s = &slots(h)[i];

		if (ACQUIRE(&s->state) == 0 || s == h->slot ||
		    !shmu_owner_dead(&s->owner))
			continue;
		shmu_h_bury(h, i);
		n++;
	}
	control(h)->recovered += n;
	return n;
}

/* Whoever had the lock is dead.  If he had stopped others, he may have changed
 * what is theirs. */
int
shmu_h_recover(void *heap)
{
	struct shmu_heap *h = heap;
	uint32_t i;

	if (shmu_h_catch_up(h) == -1)
		return -1;
	shmu_h_units_normalise(h);
	for (i = 0; i < h->l.slots; i++) {
		uint32_t *order = &slots(h)[i].order;

		if ((ACQUIRE(order) & ORDER_STOP) == 0)
			continue;
		__atomic_fetch_or(order, ORDER_REBUILD, __ATOMIC_SEQ_CST);
		__atomic_fetch_and(order, ~ORDER_STOP, __ATOMIC_SEQ_CST);
	}
	shmu_h_bury_dead(h);
	return 0;
}

/* This thread was stopped while it was idle: wait for who did it, and then make
 * the lists anew if he took something. */
int
shmu_h_heed(struct shmu_heap *h)
{
	if (shmu_h_lock(h) == -1)
		return -1;
	if ((ACQUIRE(&h->slot->order) & ORDER_REBUILD) != 0)
		shmu_h_span_load_all(h);
	__atomic_fetch_and(&h->slot->order, ~(ORDER_STOP | ORDER_REBUILD),
	    __ATOMIC_SEQ_CST);
	shmu_h_unlock(h);
	return 0;
}

/* Whether a slot of another's has, as far as it tells, something to give. */
static bool
promising(const struct shmu_heap *h, const struct heap_slot *s)
{
	return s != h->slot && ACQUIRE(&s->state) != 0 &&
	    (LOAD(&s->empty) != 0 || LOAD(&s->any) != 0);
}

/* Stop the slots that promise something and are not at work: how many those
 * are, each then with ORDER_STOP set. */
static uint32_t
stop_idle(struct shmu_heap *h)
{
	uint32_t i, n = 0;

	for (i = 0; i < h->l.slots; i++)
		if (promising(h, &slots(h)[i])) {
			__atomic_fetch_or(&slots(h)[i].order, ORDER_STOP |
			    ORDER_REBUILD, __ATOMIC_SEQ_CST);
			n++;
		}
	if (n == 0)
		return 0;
	if (shmu_sys_membarrier() == -1)
		n = 0;
	for (i = 0; i < h->l.slots; i++) {
		struct heap_slot *s = &slots(h)[i];

		if ((ACQUIRE(&s->order) & ORDER_STOP) == 0 || s == h->slot ||
		    (n > 0 && !slot_busy(s)))
			continue;
		__atomic_fetch_and(&s->order, ~(ORDER_STOP | ORDER_REBUILD),
		    __ATOMIC_SEQ_CST);
	}
	return n;
}

static uint64_t
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec + 1;
}

/* Give back what is empty among the spans without an owner, and sum up. */
static uint64_t
take_orphans(struct shmu_heap *h, uint64_t before, uint32_t dead,
    uint32_t idle, struct shmu_heap_gc *out)
{
	uint64_t units;

	memset(control(h)->orphans, 0, sizeof control(h)->orphans);
	disown(h, UINT32_MAX);
	units = before - control(h)->used;
	if (out != NULL) {
		out->dead += dead;
		out->idle += idle;
		out->units += units;
	}
	return units + dead + idle;
}

/*
 * Give up to everybody what dead threads had, and what idle ones keep.  An idle
 * thread cannot be asked: it is stopped at its next operation, its spans are
 * taken, and when it comes it makes its lists anew.  To stop takes
 * milliseconds, so where nothing came of it that is not tried again within the
 * same second.
 */
uint64_t
shmu_h_reclaim(struct shmu_heap *h, struct shmu_heap_gc *out)
{
	uint64_t before = control(h)->used, n;
	uint32_t i, dead = shmu_h_bury_dead(h), idle = 0;

	if (h->tired != 0 && h->tired == seconds())
		return take_orphans(h, before, dead, 0, out);
	if (stop_idle(h) > 0)
		for (i = 0; i < h->l.slots; i++) {
			struct heap_slot *s = &slots(h)[i];

			if ((ACQUIRE(&s->order) & ORDER_STOP) == 0)
				continue;
			STORE(&s->any, 0);
			STORE(&s->empty, 0);
			disown(h, i);
			__atomic_fetch_and(&s->order, ~ORDER_STOP,
			    __ATOMIC_SEQ_CST);
			idle++;
		}
	n = take_orphans(h, before, dead, idle, out);
	h->tired = n == 0 ? seconds() : 0;
	return n;
}

int
shmu_heap_gc(struct shmu_heap *h, struct shmu_heap_gc *out)
{
	struct shmu_heap_gc none;
	uint64_t units;

	if (out == NULL)
		out = &none;
	memset(out, 0, sizeof *out);
	h->tired = 0;
	if (!shmu_h_enter(h))
		return -1;
	if (shmu_h_lock(h) == -1) {
		heap_leave(h);
		return -1;
	}
	shmu_h_trace_bury(h);
	units = shmu_h_span_trim(h);
	shmu_h_reclaim(h, out);
	out->units += units;
	shmu_h_unlock(h);
	heap_leave(h);
	return 0;
}
