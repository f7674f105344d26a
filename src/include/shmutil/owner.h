/* SPDX-License-Identifier: MIT */
/*
 * owner.h - which process this is, so that a later one can prove it dead
 *
 * A process id alone is no identity: ids are used again, mean another process
 * in another pid namespace, and survive a restart of the machine in a file.
 * An owner is the id with the start time and the places these are valid in.
 * It holds no pointer and may be stored in a segment.
 *
 * The functions read /proc and nothing else; they are thread-safe, may be used
 * after fork, and change nothing.  The identity of a child is its own: ask
 * again after fork.  Linux only.
 */
#ifndef SHMUTIL_OWNER_H
#define SHMUTIL_OWNER_H

#include <stdint.h>
#include <sys/types.h>

#include "shmutil/api.h"

SHMU_BEGIN

/* All zero is nobody.  A part that could not be read is 0. */
struct shmu_owner {
	uint32_t	pid;	/* of a process, or the id of a thread */
	uint32_t	unused;	/* 0 */
	uint64_t	start;	/* clock ticks after the start of the machine */
	uint64_t	boot[2];	/* which start of the machine that
					 * was */
	uint64_t	pidns;	/* inode of the namespace that pid is valid
				 * in */
	uint64_t	timens;	/* inode of the namespace that start is */
};

/* Who calls: the process, or the thread.  0; or -1 with ESRCH where /proc does
 * not tell, and then *out has what is known: at least pid. */
SHMU_API int shmu_owner_self(struct shmu_owner *out);
SHMU_API int shmu_owner_thread(struct shmu_owner *out);

/* The process or thread that is pid now, seen from the caller's namespaces.
 * -1 with ESRCH when there is none, EINVAL when pid is not positive. */
SHMU_API int shmu_owner_of(pid_t pid, struct shmu_owner *out);

/*
 * 1 when owner is proven dead: another start of the machine; or, in its own
 * pid namespace, no such process, one that was started at another time, or one
 * whose every thread has ended (a zombie).  0 in every other case, as when
 * /proc hides it, and for nobody.  *owner is copied first, so it may lie in a
 * segment.  About 20 us; another start of the machine less.
 */
SHMU_API int shmu_owner_dead(const struct shmu_owner *owner);

/* Its state as /proc has it ('R', 'S', 'D', 'T', 't', 'Z' ...), 0 when it is
 * not known to be there. */
SHMU_API char shmu_owner_state(const struct shmu_owner *owner);

/* Whether a and b are the same process. */
SHMU_API int shmu_owner_same(const struct shmu_owner *a,
    const struct shmu_owner *b);

SHMU_END

#endif
