/* SPDX-License-Identifier: MIT */
/*
 * sys.h - the system calls of shared memory, observed
 *
 * Each function is the libc function of the same name after shmu_sys_: same
 * arguments, same result, same errno, every flag passed on as it came and
 * nothing added.  What differs is that an observer, if there is one, is told
 * of the call after it returned.  Standards: POSIX.1-2008, but memfd_create,
 * fallocate, sync_file_range, mremap, madvise, mlock2, mincore, cachestat and
 * the flags beyond the standard, which are Linux's.
 *
 * Thread, fork and crash behaviour are those of the calls themselves.  All that
 * libshmutil does to a segment or a mapping it does through here, so what an
 * observer is told is what was done.  <shmutil/libc.h> gives a program those of
 * shared memory and mappings under libc's own names.
 */
#ifndef SHMUTIL_SYS_H
#define SHMUTIL_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include "shmutil/api.h"

SHMU_BEGIN

/*
 * Called once for each call made, with one line without a newline, in C syntax
 * with symbolic flags and the result: "shmget(0x666, 256, IPC_CREAT|0600) = 7"
 * or "... = -1 EEXIST".  line is valid until the observer returns.  errno may
 * be changed freely.  The observer must not call libshmutil.
 */
typedef void shmu_sys_observer(void *arg, const char *line);

/*
 * Make fn the observer of this process, or NULL for none, which is how a
 * process begins.  To be called before other threads use the library: it is
 * the one thing here that is not thread-safe.  A child keeps the observer.
 */
SHMU_API void shmu_sys_observe(shmu_sys_observer *fn, void *arg);

/* The symbol of an errno value that these calls may set, such as "ENOENT";
 * "E?" for others. */
SHMU_API const char *shmu_sys_errname(int err);

/* System V segments. */
SHMU_API int shmu_sys_shmget(key_t key, size_t size, int flags);
SHMU_API void *shmu_sys_shmat(int id, const void *addr, int flags);
SHMU_API int shmu_sys_shmdt(const void *addr);
SHMU_API int shmu_sys_shmctl(int id, int cmd, struct shmid_ds *buf);

/* POSIX objects and the files that stand in for them. */
SHMU_API int shmu_sys_shm_open(const char *name, int flags, mode_t mode);
SHMU_API int shmu_sys_shm_unlink(const char *name);
SHMU_API int shmu_sys_memfd_create(const char *name, unsigned int flags);
SHMU_API int shmu_sys_open(const char *path, int flags, ...);
SHMU_API int shmu_sys_openat(int dirfd, const char *path, int flags);
SHMU_API int shmu_sys_close(int fd);
SHMU_API int shmu_sys_fstat(int fd, struct stat *st);
SHMU_API int shmu_sys_lstat(const char *path, struct stat *st);
SHMU_API int shmu_sys_fchmod(int fd, mode_t mode);
SHMU_API int shmu_sys_fchown(int fd, uid_t uid, gid_t gid);
SHMU_API int shmu_sys_chmod(const char *path, mode_t mode);
SHMU_API int shmu_sys_chown(const char *path, uid_t uid, gid_t gid);
SHMU_API int shmu_sys_ftruncate(int fd, off_t size);
SHMU_API int shmu_sys_fallocate(int fd, int mode, off_t off, off_t len);
SHMU_API int shmu_sys_posix_fallocate(int fd, off_t off, off_t len);
SHMU_API ssize_t shmu_sys_pwrite(int fd, const void *buf, size_t len,
    off_t off);
SHMU_API int shmu_sys_fdatasync(int fd);
SHMU_API int shmu_sys_sync_file_range(int fd, off_t off, off_t len,
    unsigned int flags);
SHMU_API int shmu_sys_posix_fadvise(int fd, off_t off, off_t len, int advice);
SHMU_API int shmu_sys_linkat(int oldfd, const char *oldpath, int newfd,
    const char *newpath, int flags);
SHMU_API int shmu_sys_rename(const char *oldpath, const char *newpath);
SHMU_API int shmu_sys_unlink(const char *path);
SHMU_API int shmu_sys_mkfifo(const char *path, mode_t mode);

/* fcntl(2) with a command that takes a struct flock: F_OFD_SETLK and so on. */
struct flock;
SHMU_API int shmu_sys_lock(int fd, int cmd, struct flock *lock);

/* fcntl(2) with F_SETLEASE: F_RDLCK, F_WRLCK or F_UNLCK. */
SHMU_API int shmu_sys_lease(int fd, int type);

/* Mappings. */
SHMU_API void *shmu_sys_mmap(void *addr, size_t len, int prot, int flags,
    int fd, off_t off);
SHMU_API int shmu_sys_munmap(void *addr, size_t len);
SHMU_API void *shmu_sys_mremap(void *addr, size_t len, size_t newlen,
    int flags, ...);
SHMU_API int shmu_sys_msync(void *addr, size_t len, int flags);
SHMU_API int shmu_sys_mprotect(void *addr, size_t len, int prot);
SHMU_API int shmu_sys_madvise(void *addr, size_t len, int advice);
SHMU_API int shmu_sys_mlock(const void *addr, size_t len);
SHMU_API int shmu_sys_mlock2(const void *addr, size_t len, unsigned int flags);
SHMU_API int shmu_sys_munlock(const void *addr, size_t len);
SHMU_API int shmu_sys_mlockall(int flags);
SHMU_API int shmu_sys_munlockall(void);
SHMU_API int shmu_sys_mincore(void *addr, size_t len, unsigned char *vec);

/* cachestat(2), which libc has no wrapper for: the pages of a range of a file
 * by state, as Linux counts them. */
struct shmu_cachestat {
	uint64_t	cached;
	uint64_t	dirty;
	uint64_t	writeback;
	uint64_t	evicted;
	uint64_t	recently_evicted;
};

/* Fill out for len bytes at off of fd; len 0 means to the end.  Fails with
 * ENOSYS before Linux 6.5, EPERM for a file the caller could not write. */
SHMU_API int shmu_sys_cachestat(int fd, uint64_t off, uint64_t len,
    struct shmu_cachestat *out);

/*
 * futex(2) on a word that processes share, which libc has no wrapper for.  Wait
 * sleeps while *word is value, at most timeout (relative; NULL: for ever): 0
 * when woken, or -1 with EAGAIN (the word is another), ETIMEDOUT or EINTR.  A
 * mapping that may only be read is enough.  Wake wakes up to count sleepers
 * and returns how many those were.
 */
SHMU_API int shmu_sys_futex_wait(const uint32_t *word, uint32_t value,
    const struct timespec *timeout);
SHMU_API int shmu_sys_futex_wake(uint32_t *word, int count);

/* membarrier(2) with its MEMBARRIER_CMD_GLOBAL, which libc has no wrapper for:
 * when it returns, every thread of the machine has passed a full barrier.
 * Milliseconds.  ENOSYS or EINVAL where the kernel does not have it. */
SHMU_API int shmu_sys_membarrier(void);

SHMU_END

#endif
