/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a lock in a segment that no death leaves behind
 *
 * For the short critical sections of a structure in shared memory.  One word
 * holds who has it, so whoever waits can prove that the holder is dead, take
 * the word over by one compare-and-swap, undo what the dead one had begun and
 * have the structure recovered.  All of that is in shmu_lock_take, and there is
 * no other way in.
 *
 * Within the lock, shmu_lock_set saves a word before it changes it, and
 * shmu_lock_commit, one store, makes all changes since the last one final.  A
 * holder killed at any instruction leaves them all done or all undone.
 *
 * The word is a thread id with the start of that thread, as <shmutil/owner.h>
 * has them, so every thread that uses one lock must see the same pid and time
 * namespaces: who lets processes attach must see to that.  No object of libc is
 * in it.
 *
 * Errors: -1 with errno; nothing prints, exits or touches a signal.  Threads:
 * each has a locker of its own.  Fork: a child holds nothing and needs a
 * locker of its own.  A peer that writes garbage into the lock can make it time
 * out, and can admit two: what lies behind it is checked in any case.
 */
#ifndef SHMUTIL_LOCK_H
#define SHMUTIL_LOCK_H

#include <stdint.h>

#include "shmutil/owner.h"

SHMU_BEGIN

#define SHMU_LOCK_UNDO	14U	/* words that one transaction may change */
#define SHMU_LOCK_LIMIT	5000U	/* milliseconds */

/* In the segment, aligned to 64; all zero is free. */
struct shmu_lock {
	uint64_t	word;		/* holder; 0: nobody */
	uint32_t	saved;		/* entries of undo in force */
	uint32_t	deaths;		/* holders that were found dead */
	struct {
		uint64_t	off;	/* of the word in the segment */
		uint64_t	old;
	}		undo[SHMU_LOCK_UNDO];
};

/*
 * One thread's; in its private memory.  recover is called by the thread that
 * has taken the lock over from a dead holder, after the undo and before anyone
 * else gets in; it may be killed too, and is then called again by the next.
 * -1 from it leaves the lock with nobody but in need of recovery, and is what
 * shmu_lock_take then returns.
 */
struct shmu_locker {
	struct shmu_owner	 self;
	void			*base;		/* of the segment */
	uint64_t		 size;
	int			(*recover)(void *arg);
	void			*arg;
	unsigned int		 held;		/* locks that this thread has */
};

/* Fill a locker for the calling thread.  -1 with ESRCH where /proc does not
 * tell when it was started; then a death can still be seen by its id. */
SHMU_API int shmu_locker_init(struct shmu_locker *by, void *base,
    uint64_t size, int (*recover)(void *arg), void *arg);

/*
 * Take the lock within limit milliseconds: spin shortly, then sleep in slices,
 * after each of which the holder is looked at.  ETIMEDOUT with *holder (which
 * may be NULL) filled, for a message that names it and its state; EDEADLK when
 * this thread has it; EBADMSG when what is to be undone cannot be, or what
 * recover failed with.
 */
SHMU_API int shmu_lock_take(struct shmu_locker *by, struct shmu_lock *lock,
    unsigned int limit, struct shmu_owner *holder);

/* Set *word, which lies in the segment and is aligned, to value, to be undone
 * unless a commit follows.  ENOSPC after SHMU_LOCK_UNDO words. */
SHMU_API int shmu_lock_set(struct shmu_locker *by, struct shmu_lock *lock,
    uint64_t *word, uint64_t value);

/* Make final what was set. */
SHMU_API void shmu_lock_commit(struct shmu_lock *lock);

/* Undo what was set since the last commit. */
SHMU_API int shmu_lock_undo(struct shmu_locker *by, struct shmu_lock *lock);

/* Commit and release; wakes one who waits. */
SHMU_API void shmu_lock_release(struct shmu_locker *by,
    struct shmu_lock *lock);

/* Who has it, as seen by places, any owner of the same namespaces: 1; 0 when
 * nobody has.  Only pid and start are as good as the word is. */
SHMU_API int shmu_lock_holder(const struct shmu_lock *lock,
    const struct shmu_owner *places, struct shmu_owner *out);

SHMU_END

#endif
