/* SPDX-License-Identifier: MIT */
/*
 * cell.h - cells of a table that processes meet at: locks, semaphores,
 * barriers and queues
 *
 * They belong to processes, not to handles: a lock is held until it is given
 * back or its holder is proven dead, also across exec and whether or not the
 * holder is attached; a child does not inherit it.  A waiter sleeps in slices
 * of at most 250 ms, after which it looks whether those it waits for live.
 * Locks and semaphores: first come, first served, but nobody waits for a waiter
 * that is dead, stopped, or has not taken its turn for a slice.
 *
 * A cell is made by its first use.  Errors, threads, fork and death as in
 * <shmutil/table.h>, and EPROTOTYPE when the cell is of another type.
 */
#ifndef SHMUTIL_CELL_H
#define SHMUTIL_CELL_H

#include <time.h>

#include "shmutil/table.h"

SHMU_BEGIN

#define SHMU_CELL_PLACES	1024U	/* of a semaphore, a barrier, shared
					 * locks */
#define SHMU_QUEUE_ITEMS	1024U	/* of a queue, by default */

#define SHMU_CLAIM_NOWAIT	1U	/* EAGAIN instead of waiting */
#define SHMU_CLAIM_SHARED	2U	/* lock: with others that share it */
#define SHMU_CLAIM_RESIZE	4U	/* semaphore, barrier: to another
					 * count */
#define SHMU_CLAIM_LEASE	8U	/* pop: see shmu_queue_pop */

/*
 * Who asks, and how.  All zero: the calling process, and wait for ever.  What
 * waits is the calling thread, whosever it shall be.
 */
struct shmu_claim {
	pid_t			 pid;	/* whose it shall be; 0: the caller's */
	unsigned int		 flags;	/* SHMU_CLAIM_* */
	const struct timespec	*limit;	/* from now on; NULL: none */
	/* filled in */
	struct shmu_owner	 holder;	/* after EAGAIN, ETIMEDOUT: one
						 * that has it */
	struct shmu_owner	 dead;	/* who had it, and died; or nobody */
};

/*
 * Take the lock.  0 also when its holder had died: claim->dead then names him.
 * EAGAIN, ETIMEDOUT, EINTR (a signal was caught); EDEADLK: pid has it already;
 * ESRCH: there is no process pid, or it has ended; EINVAL: nor can there be.
 * At most SHMU_CELL_PLACES share a lock: who comes then waits.
 */
SHMU_API int shmu_lock_cell_take(struct shmu_table *table, const void *key,
    size_t key_length, struct shmu_claim *claim);

/* Give back what pid (0: the caller) has.  EPERM: it has none; ENOENT: there is
 * no such lock; ESRCH. */
SHMU_API int shmu_lock_cell_give(struct shmu_table *table, const void *key,
    size_t key_length, pid_t pid);

/*
 * One of count places, 1 to SHMU_CELL_PLACES, else EINVAL; the first use says
 * how many there are.  ERANGE: there are another number, and no
 * SHMU_CLAIM_RESIZE, which makes more at once, and fewer as they are given
 * back.  A process may have several.
 */
SHMU_API int shmu_semaphore_take(struct shmu_table *table, const void *key,
    size_t key_length, uint32_t count, struct shmu_claim *claim);
SHMU_API int shmu_semaphore_give(struct shmu_table *table, const void *key,
    size_t key_length, pid_t pid);

/*
 * Wait until count threads, of the same or of other processes, have come here:
 * all return 0, with the number of this meeting, from 1, in *generation (which
 * may be NULL).  When one that waits dies, the meeting is broken: EOWNERDEAD
 * for all that wait, claim->dead names it, and the next meeting, which has the
 * next number, begins with nobody there.  One that leaves (ETIMEDOUT, EINTR,
 * EAGAIN) just has not come.  count as for semaphores.
 */
SHMU_API int shmu_barrier_wait(struct shmu_table *table, const void *key,
    size_t key_length, uint32_t count, struct shmu_claim *claim,
    uint64_t *generation);

/*
 * A queue holds a limited number of items of any length, first in, first out.
 * push waits while it is full: EPIPE when it was closed; ENOMEM: the table has
 * no room.  items is the number it may hold when this makes it (0:
 * SHMU_QUEUE_ITEMS).
 */
SHMU_API int shmu_queue_push(struct shmu_table *table, const void *key,
    size_t key_length, uint32_t items, const void *item, size_t length,
    struct shmu_claim *claim);

/* Make it for so many items as push does, with none in it.  One that is there
 * stays as it is. */
SHMU_API int shmu_queue_make(struct shmu_table *table, const void *key,
    size_t key_length, uint32_t items);

/*
 * Take the first item; *item is allocated by malloc(3), with a NUL behind it,
 * and is the caller's to free.  Waits while there is none, or no queue: EPIPE
 * when it is empty, was closed, and nobody else has an item on lease.
 *
 * With SHMU_CLAIM_LEASE the item is pid's until shmu_queue_ack; when pid dies
 * first, the item is the next that is popped, and claim->dead names who had it.
 * A process may have several items on lease, and all processes together
 * SHMU_CELL_PLACES (EUSERS).  ack gives back the one that pid has had longest,
 * ENOENT when there is none.
 */
SHMU_API int shmu_queue_pop(struct shmu_table *table, const void *key,
    size_t key_length, void **item, size_t *length, struct shmu_claim *claim);
SHMU_API int shmu_queue_ack(struct shmu_table *table, const void *key,
    size_t key_length, pid_t pid);

/*
 * Copy an item as shmu_queue_pop does, and leave it: the first at *position or
 * behind it, those on lease included; 0 is before all.  *position is then
 * behind that item, so that all can be seen one after the other.  ENOENT: there
 * are no more.
 */
SHMU_API int shmu_queue_item(struct shmu_table *table, const void *key,
    size_t key_length, uint64_t *position, void **item, size_t *length);

/* No more is pushed; what is in it can be popped.  A queue that was not there
 * is made closed. */
SHMU_API int shmu_queue_close(struct shmu_table *table, const void *key,
    size_t key_length);

/* Who has, or waits for, a cell. */
struct shmu_party {
	struct shmu_owner	owner;
	unsigned char		waits;	/* 0: it has it, or has an item on
					 * lease */
	unsigned char		shared;
	unsigned char		dead;	/* proven */
};
struct shmu_cell_state {
	uint32_t	places;		/* semaphore, barrier, queue: how
					 * many */
	uint32_t	taken;		/* now; lock: have it; queue: items */
	uint32_t	leases;		/* queue: items on lease */
	uint32_t	closed;		/* queue */
	uint64_t	generation;	/* barrier: the meetings so far */
	uint32_t	parties;	/* how many there are */
};

/* Fill *out and at most room of parties: who has it, then who waits in line.
 * ENOENT: there is no such cell. */
SHMU_API int shmu_cell_state(struct shmu_table *table, const void *key,
    size_t key_length, struct shmu_cell_state *out,
    struct shmu_party *parties, uint32_t room);

SHMU_END

#endif
