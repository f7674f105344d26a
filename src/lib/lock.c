/* SPDX-License-Identifier: MIT */
/* lock.c - take, undo, recover, release; see shmutil/lock.h */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "party.h"
#include "pause.h"
#include "shmutil/lock.h"
#include "shmutil/range.h"
#include "shmutil/sys.h"

#define WAITERS		UINT64_C(0x80000000)	/* somebody sleeps on the
						 * word */
#define PID		UINT64_C(0x7fffffff)
#define ABANDONED	PID			/* nobody, but recovery is
						 * due */
#define SPINS		200
#define SLICE_FIRST	1000000L		/* nanoseconds */
#define SLICE_LAST	250000000L

_Static_assert(sizeof(struct shmu_lock) == 240, "part of the layout");

int
shmu_locker_init(struct shmu_locker *by, void *base, uint64_t size,
    int (*recover)(void *), void *arg)
{
	memset(by, 0, sizeof *by);
	by->base = base;
	by->size = size;
	by->recover = recover;
	by->arg = arg;
	return shmu_owner_thread(&by->self);
}

static uint64_t
get(const struct shmu_lock *lock)
{
	return __atomic_load_n(&lock->word, __ATOMIC_ACQUIRE);
}

static bool
swap(struct shmu_lock *lock, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(&lock->word, &from, to, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* The half of the word that a futex can look at. */
static uint32_t *
low_half(struct shmu_lock *lock)
{
	return (uint32_t *)&lock->word +
	    (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

int
shmu_lock_holder(const struct shmu_lock *lock, const struct shmu_owner *places,
    struct shmu_owner *out)
{
	uint64_t word = get(lock);
	uint32_t pid = (uint32_t)(word & PID);

	if (pid == 0 || pid == ABANDONED) {
		memset(out, 0, sizeof *out);
		return 0;
	}
	shmu_party_owner(places, pid, word, out);
	return 1;
}

/* Whether whoever word names is proven dead.  A start time of 0 was not known,
 * and what is compared as unknown is not proof. */
static bool
dead(uint64_t word, const struct shmu_owner *self)
{
	uint32_t pid = (uint32_t)(word & PID);

	return pid == ABANDONED ||
	    shmu_party_fate(self, pid, word) == SHMU_DEAD;
}

int
shmu_lock_undo(struct shmu_locker *by, struct shmu_lock *lock)
{
	uint32_t n = __atomic_load_n(&lock->saved, __ATOMIC_ACQUIRE);

	if (n > SHMU_LOCK_UNDO) {
		errno = EBADMSG;
		return -1;
	}
	while (n-- > 0) {
		uint64_t off = lock->undo[n].off, old = lock->undo[n].old;

		if (!shmu_range_fits(off, sizeof old, by->size) ||
		    off % sizeof old != 0) {
			errno = EBADMSG;
			return -1;
		}
		__atomic_store_n((uint64_t *)((char *)by->base + off), old,
		    __ATOMIC_RELEASE);
	}
	shmu_lock_commit(lock);
	return 0;
}

/* Give the word up, and wake who waits for it. */
static void
leave(struct shmu_locker *by, struct shmu_lock *lock, uint64_t word)
{
	by->held--;
	if (__atomic_exchange_n(&lock->word, word, __ATOMIC_ACQ_REL) & WAITERS)
		shmu_sys_futex_wake(low_half(lock), 1);
}

/* The lock was a dead one's and is ours: bring what it guards in order. */
static int
inherit(struct shmu_locker *by, struct shmu_lock *lock)
{
	int err;

	by->held++;
	if (shmu_lock_undo(by, lock) == 0 &&
	    (by->recover == NULL || by->recover(by->arg) == 0)) {
		__atomic_fetch_add(&lock->deaths, 1, __ATOMIC_RELAXED);
		return 0;
	}
	err = errno;
	leave(by, lock, ABANDONED);
	errno = err;
	return -1;
}

/* Sleep until the word changes or the slice is over. */
static void
doze(struct shmu_lock *lock, uint64_t word, long slice)
{
	struct timespec t = { 0, slice };

	if ((word & WAITERS) == 0 && !swap(lock, word, word | WAITERS))
		return;
	shmu_sys_futex_wait(low_half(lock), (uint32_t)(word | WAITERS), &t);
}

static uint64_t
milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* 1: taken.  0: taken over from a dead one.  -1: the time is up. */
static int
wait_for(struct shmu_locker *by, struct shmu_lock *lock, unsigned int limit)
{
	uint64_t mine = shmu_party_word(&by->self),
	    end = milliseconds() + limit, word;
	long slice = SLICE_FIRST;

	for (;;) {
		word = get(lock);
		/* Others may sleep still: they are woken once too often rather
		 * than never. */
		if ((word & PID) == 0) {
			if (swap(lock, word, mine | WAITERS))
				return 1;
			continue;
		}
		doze(lock, word, slice);
		word = get(lock);
		if ((word & PID) != 0 && dead(word, &by->self) &&
		    swap(lock, word, mine | WAITERS))
			return 0;
		if (milliseconds() >= end)
			return -1;
		slice = slice < SLICE_LAST / 2 ? slice * 2 : SLICE_LAST;
	}
}

int
shmu_lock_take(struct shmu_locker *by, struct shmu_lock *lock,
    unsigned int limit, struct shmu_owner *holder)
{
	uint64_t mine = shmu_party_word(&by->self);
	int i;

	for (i = 0; i < SPINS; i++) {
		if (get(lock) == 0 && swap(lock, 0, mine)) {
			by->held++;
			return 0;
		}
		shmu_pause();
	}
	if ((get(lock) & ~WAITERS) == mine) {
		errno = EDEADLK;
		return -1;
	}
	switch (wait_for(by, lock, limit)) {
	case 1:
		by->held++;
		return 0;
	case 0:
		return inherit(by, lock);
	default:
		if (holder != NULL)
			shmu_lock_holder(lock, &by->self, holder);
		errno = ETIMEDOUT;
		return -1;
	}
}

int
shmu_lock_set(struct shmu_locker *by, struct shmu_lock *lock, uint64_t *word,
    uint64_t value)
{
	uint32_t n = lock->saved;

	if (n >= SHMU_LOCK_UNDO) {
		errno = ENOSPC;
		return -1;
	}
	lock->undo[n].off = (uint64_t)((char *)word - (char *)by->base);
	lock->undo[n].old = *word;
	__atomic_store_n(&lock->saved, n + 1, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	return 0;
}

void
shmu_lock_commit(struct shmu_lock *lock)
{
	__atomic_store_n(&lock->saved, 0, __ATOMIC_RELEASE);
}

void
shmu_lock_release(struct shmu_locker *by, struct shmu_lock *lock)
{
	shmu_lock_commit(lock);
	leave(by, lock, 0);
}
