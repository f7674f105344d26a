/* SPDX-License-Identifier: MIT */
/*
 * table-bucket.c - lock a bucket, and wait for who has it
 *
 * Nobody is told of a death, so who waits looks: at first only whether the word
 * changes, then at the slot that the word names.  A dead holder is recovered
 * under the heap's lock like all the dead; a living one is given time.
 */
#include "config.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#include "pause.h"
#include "shmutil/sys.h"
#include "table-layout.h"

#define SPINS		2000
#define SLICE_FIRST	1000000L		/* nanoseconds */
#define SLICE_LAST	250000000L

static bool
spin(const struct bucket *p, uint64_t word)
{
	int i;

	for (i = 0; i < SPINS; i++) {
		if (ACQUIRE(&p->word) != word)
			return true;
		if (i % 64 == 63)
			sched_yield();
		else
			shmu_pause();
	}
	return false;
}

/* What the holder says in its journal before it locks, and until after it has
 * unlocked; so a word that says otherwise is damaged. */
static bool
believable(struct shmu_table *t, uint64_t b, uint64_t word)
{
	const struct shmu_heap *h = t->heap;
	uint32_t i = WORD_OWNER(word);

	return i < h->l.slots && (h->reading || i != h->index) &&
	    ACQUIRE(&slots(h)[i].state) != 0 &&
	    ACQUIRE(&slots(h)[i].table[J_LOCK]) == b + 1;
}

/* 1: the holder was dead, and what it had is free.  0: it lives. */
static int
relieve(struct shmu_table *t, uint64_t b, struct bucket *p, uint64_t word)
{
	struct shmu_heap *h = t->heap;
	bool good = believable(t, b, word);

	if (ACQUIRE(&p->word) != word)
		return 1;
	if (!good) {
		errno = EBADMSG;
		return -1;
	}
	if (!shmu_owner_dead(&slots(h)[WORD_OWNER(word)].owner))
		return 0;
	if (h->reading) {
		errno = EOWNERDEAD;
		return -1;
	}
	if (shmu_h_lock(h) == -1)
		return -1;
	shmu_h_bury_dead(h);
	shmu_h_unlock(h);
	return 1;
}

static int64_t
milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the word changes or the slice is over; nobody wakes. */
static void
doze(const struct bucket *p, uint64_t word, long slice)
{
	const uint32_t *low = (const uint32_t *)(const void *)&p->word +
	    (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	struct timespec t = { 0, slice };

	shmu_sys_futex_wait(low, (uint32_t)word, &t);
}

int
shmu_t_await(struct shmu_table *t, uint64_t b, struct bucket *p, uint64_t word)
{
	int64_t end = 0;
	long slice = SLICE_FIRST;
	int r;

	while (!spin(p, word)) {
		r = relieve(t, b, p, word);
		if (r != 0)
			return r == 1 ? 0 : -1;
		if (end == 0)
			end = milliseconds() + SHMU_LOCK_LIMIT;
		if (milliseconds() >= end) {
			memcpy(&t->heap->holder,
			    &slots(t->heap)[WORD_OWNER(word)].owner,
			    sizeof t->heap->holder);
			errno = ETIMEDOUT;
			return -1;
		}
		doze(p, word, slice);
		slice = slice < SLICE_LAST / 2 ? slice * 2 : SLICE_LAST;
	}
	return 0;
}

/* The journal names the bucket before the word does: the word of a dead holder
 * must be found. */
int
shmu_t_lock(struct shmu_table *t, uint64_t b, struct bucket **out)
{
	struct bucket *p = bucket_at(t, b);
	uint64_t word;

	if (p == NULL)
		return -1;
	RELEASE(&journal(t)[J_LOCK], b + 1);
	for (;;) {
		word = ACQUIRE(&p->word);
		if (unlikely((word & WORD_LOCKED) != 0)) {
			if (shmu_t_await(t, b, p, word) == -1)
				break;
			continue;
		}
		if (likely(__atomic_compare_exchange_n(&p->word, &word,
		    (word & -WORD_SEQUENCE) | (uint64_t)t->heap->index << 1 |
		    WORD_LOCKED, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))) {
			/* Nothing that is written now is seen before it. */
			__atomic_thread_fence(__ATOMIC_RELEASE);
			*out = p;
			return 0;
		}
	}
	RELEASE(&journal(t)[J_LOCK], 0);
	return -1;
}

/*
 * The sequence grows in any case, so that a word is never the same twice.  The
 * exchange stands in one total order with what notify then loads, and with the
 * entering of who waits and the fence before it looks: one sees the other.
 */
void
shmu_t_unlock(struct shmu_table *t, struct bucket *p, bool changed)
{
	uint64_t word = (LOAD(&p->word) & -WORD_SEQUENCE) + WORD_SEQUENCE;

	if (changed)
		__atomic_exchange_n(&p->word, word, __ATOMIC_SEQ_CST);
	else
		RELEASE(&p->word, word);
	RELEASE(&journal(t)[J_LOCK], 0);
}
