/* SPDX-License-Identifier: MIT */
/*
 * pages.h - synchronise, protect, advise, lock and inspect mapped pages
 *
 * These take any address and any length and do the page arithmetic right: a
 * call that is harmless to neighbours covers every page the range touches, a
 * call that destroys covers only whole pages inside it, one that protects wants
 * an aligned address, and a range without a page is success without a call.
 * All lengths are bytes.  Beyond that they are msync(2), mprotect(2),
 * madvise(2), mlock(2), mincore(2) and cachestat(2): int functions return 0, or
 * -1 with their errno, or EINVAL where addr + len wraps or ends in the last
 * page there is.  The effects are those of the calls: locks are not inherited
 * by a child, advice and protection are; all are gone after exec or unmap, and
 * a crash leaves nothing to undo.  Thread-safe.
 */
#ifndef SHMUTIL_PAGES_H
#define SHMUTIL_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "shmutil/api.h"

SHMU_BEGIN

/* The page size of the running system, in bytes. */
SHMU_API size_t shmu_pages_size(void);

/*
 * Write the modified pages of the range back to their file.  flags are
 * msync(2)'s: MS_SYNC waits until it is done, MS_ASYNC does not, MS_INVALIDATE
 * may be added to either.  One call, however long the range.
 */
SHMU_API int shmu_pages_sync(void *addr, size_t len, int flags);

/*
 * Set the protection of whole pages, PROT_READ, PROT_WRITE, PROT_EXEC or
 * PROT_NONE.  addr must be page-aligned (EINVAL otherwise: a part of a page
 * cannot be protected); len is rounded up, as the kernel does.  EACCES when
 * the mapping may not be had that way, such as writing to a read-only one.
 */
SHMU_API int shmu_pages_protect(void *addr, size_t len, int prot);

/*
 * Give the advice (a MADV_ value).  Advice that discards content or unmaps
 * (DONTNEED, DONTNEED_LOCKED, FREE, REMOVE, WIPEONFORK, GUARD_INSTALL and
 * HWPOISON), and any that this library does not know, reaches only whole pages
 * inside the range; all other advice every page that the range touches.
 */
SHMU_API int shmu_pages_advise(void *addr, size_t len, int advice);

/*
 * One row of the advice known by name: every MADV_ value of Linux up to 6.18,
 * whether the running kernel takes it or not (EINVAL says it does not).
 */
struct shmu_advice {
	const char	*name;		/* "willneed": without MADV_, lower
					 * case */
	int		 value;
	int		 discards;	/* content or mapping is lost */
	int		 outlives;	/* has an effect after the process
					 * ended */
	const char	*meaning;	/* a short phrase */
};

/* The table, ended by a row whose name is NULL.  Static storage. */
SHMU_API const struct shmu_advice *shmu_pages_advices(void);

/* The row of name, or NULL when there is none. */
SHMU_API const struct shmu_advice *shmu_pages_advice(const char *name);

/* Lock every page of the range in RAM, now; or each at its first touch.
 * ENOMEM or EPERM: RLIMIT_MEMLOCK.  Locks do not nest. */
SHMU_API int shmu_pages_lock(const void *addr, size_t len);
SHMU_API int shmu_pages_lock_onfault(const void *addr, size_t len);

/* Undo the locks of every page that the range touches. */
SHMU_API int shmu_pages_unlock(const void *addr, size_t len);

/* mlockall(2) with its flags, and munlockall(2). */
SHMU_API int shmu_pages_lock_all(int flags);
SHMU_API int shmu_pages_unlock_all(void);

/*
 * How much of a range is in RAM, in bytes of whole pages.  exact is 0 where
 * the kernel may have answered for the mapping instead of the file, as
 * mincore(2) does, which calls everything resident for a file that the caller
 * could not write.
 */
struct shmu_residency {
	uint64_t	 total;
	uint64_t	 resident;
	uint64_t	 dirty;		/* cachestat only, otherwise 0 */
	uint64_t	 writeback;	/* cachestat only, otherwise 0 */
	const char	*source;	/* "cachestat" or "mincore" */
	int		 exact;
};

/*
 * Ask the page cache about len bytes at off of fd; 0 to the end.  Costs the
 * pages that are there, not the size.  Fails as cachestat(2): ENOSYS, EPERM.
 */
SHMU_API int shmu_pages_cached(int fd, uint64_t off, uint64_t len,
    struct shmu_residency *out);

/* The same about mapped memory, by mincore(2), in bounded memory. */
SHMU_API int shmu_pages_resident(const void *addr, size_t len,
    struct shmu_residency *out);

/*
 * One byte for each page that the range touches, bit 0 set when resident, the
 * other bits as mincore(2) leaves them.  vec must have room for all of them.
 */
SHMU_API int shmu_pages_map(const void *addr, size_t len, unsigned char *vec);

SHMU_END

#endif
