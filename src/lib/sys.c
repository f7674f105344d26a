/* SPDX-License-Identifier: MIT */
/* sys.c - the system calls of shared memory, observed; see shmutil/sys.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel.h"
#include "names.h"
#include "shmutil/sys.h"

#define LINE	1024

/* The one global of the library. */
static struct {
	shmu_sys_observer	*fn;
	void			*arg;
} observer;

enum result { INT, POINTER };

void
shmu_sys_observe(shmu_sys_observer *fn, void *arg)
{
	observer.fn = fn;
	observer.arg = arg;
}

const char *
shmu_sys_errname(int err)
{
	static const struct { int err; const char *name; } table[] = {
#define E(x) { x, #x }
		E(EPERM), E(ENOENT), E(ESRCH), E(EINTR), E(EIO), E(ENXIO),
		E(EBADF), E(EAGAIN), E(ENOMEM), E(EACCES), E(EFAULT), E(EBUSY),
		E(EEXIST), E(EXDEV), E(ENODEV), E(ENOTDIR), E(EISDIR),
		E(EINVAL), E(ENFILE), E(EMFILE), E(ENOTTY), E(ETXTBSY),
		E(EFBIG), E(ENOSPC), E(ESPIPE), E(EROFS), E(EMLINK), E(EPIPE),
		E(ERANGE), E(ENAMETOOLONG), E(ENOSYS), E(ELOOP), E(EIDRM),
		E(EOVERFLOW), E(EOPNOTSUPP), E(ETIMEDOUT), E(ESTALE),
		E(EDQUOT), E(EHWPOISON), E(ENOTEMPTY)
#undef E
	};
	size_t i;

	for (i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].err == err)
			return table[i].name;
	return "E?";
}

/* Tell the observer "CALL = RESULT"; errno stays as the call left it. */
static void
observe(enum result kind, bool failed, intptr_t result, const char *fmt, ...)
{
	int err = errno, n;
	char line[LINE];
	va_list ap;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line)
		n = (int)sizeof line - 1;
	if (failed)
		snprintf(line + n, sizeof line - (size_t)n, " = -1 %s",
		    shmu_sys_errname(err));
	else
		snprintf(line + n, sizeof line - (size_t)n,
		    kind == POINTER ? " = %#jx" : " = %jd", (intmax_t)result);
	observer.fn(observer.arg, line);
	errno = err;
}

#define OBSERVE_INT(r, ...)						\
	do {								\
		if (observer.fn != NULL)				\
			observe(INT, (r) == -1, (r), __VA_ARGS__);	\
	} while (0)
#define OBSERVE_POINTER(p, ...)						\
	do {								\
		if (observer.fn != NULL)				\
			observe(POINTER, (intptr_t)(p) == -1,		\
			    (intptr_t)(p), __VA_ARGS__);		\
	} while (0)
#define FLAGS(table, value, none)					\
	shmu_names_flags((char[SHMU_NAMES_TEXT]){ 0 },			\
	    shmu_names_##table, (unsigned long)(value), none)
#define ONE(table, value)						\
	shmu_names_one((char[SHMU_NAMES_TEXT]){ 0 },			\
	    shmu_names_##table, (value))

/* Quote s as a C string; what is longer than 64 bytes ends in dots. */
#define TEXT	(4 * 64 + 8)
#define QUOTE(s)	quote((char[TEXT]){ 0 }, (s))

static const char *
quote(char buf[TEXT], const char *s)
{
	size_t i, n = 0;

	if (s == NULL)
		return "NULL";
	buf[n++] = '"';
	for (i = 0; s[i] != '\0' && i < 64; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < ' ' || c > '~')
			n += (size_t)snprintf(buf + n, 5, "\\x%02x", c);
		else {
			if (c == '"' || c == '\\')
				buf[n++] = '\\';
			buf[n++] = (char)c;
		}
	}
	strcpy(buf + n, s[i] != '\0' ? "\"..." : "\"");
	return buf;
}

static const char *
key_text(char buf[16], key_t key)
{
	if (key == IPC_PRIVATE)
		return "IPC_PRIVATE";
	snprintf(buf, 16, "%#x", (unsigned int)key);
	return buf;
}

/* The flags of shmget: a size of huge page and a mode among the symbols. */
static const char *
shmget_text(char buf[SHMU_NAMES_TEXT + 32], int flags)
{
	unsigned int huge = (unsigned int)flags >> SHM_HUGE_SHIFT &
			    SHM_HUGE_MASK;
	unsigned int mode = (unsigned int)flags & 0777;
	unsigned int rest = (unsigned int)flags & ~0777U &
	    ~((unsigned int)SHM_HUGE_MASK << SHM_HUGE_SHIFT);
	char words[SHMU_NAMES_TEXT], size[32] = "";

	shmu_names_flags(words, shmu_names_shmget, rest, "");
	if (huge != 0)
		snprintf(size, sizeof size, "|%u<<SHM_HUGE_SHIFT", huge);
	if (mode == 0 && words[0] == '\0')
		return "0";
	snprintf(buf, SHMU_NAMES_TEXT + 32, mode != 0 ? "%s%s%s%#o" : "%s%s",
	    words, size, words[0] != '\0' ? "|" : "", mode);
	return buf;
}

int
shmu_sys_shmget(key_t key, size_t size, int flags)
{
	int r = shmget(key, size, flags);

	OBSERVE_INT(r, "shmget(%s, %zu, %s)", key_text((char[16]){ 0 }, key),
	    size, shmget_text((char[SHMU_NAMES_TEXT + 32]){ 0 }, flags));
	return r;
}

void *
shmu_sys_shmat(int id, const void *addr, int flags)
{
	void *p = shmat(id, addr, flags);

	if (addr == NULL)
		OBSERVE_POINTER(p, "shmat(%d, NULL, %s)", id,
		    FLAGS(shmat, flags, "0"));
	else
		OBSERVE_POINTER(p, "shmat(%d, %p, %s)", id, addr,
		    FLAGS(shmat, flags, "0"));
	return p;
}

int
shmu_sys_shmdt(const void *addr)
{
	int r = shmdt(addr);

	OBSERVE_INT(r, "shmdt(%p)", addr);
	return r;
}

static const char *
shmid_text(char buf[128], int cmd, const struct shmid_ds *ds, int failed)
{
	if (ds == NULL || (failed && cmd != IPC_SET))
		return ds == NULL ? "NULL" : "...";
	if (cmd == IPC_SET)
		snprintf(buf, 128, "{uid=%u, gid=%u, mode=%#o}",
		    ds->shm_perm.uid, ds->shm_perm.gid,
		    ds->shm_perm.mode & 0777U);
	else if (cmd == IPC_STAT || cmd == SHM_STAT || cmd == SHM_STAT_ANY)
		snprintf(buf, 128, "{size=%zu, mode=%#o, nattch=%lu}",
		    (size_t)ds->shm_segsz, (unsigned int)ds->shm_perm.mode,
		    (unsigned long)ds->shm_nattch);
	else
		return "...";
	return buf;
}

int
shmu_sys_shmctl(int id, int cmd, struct shmid_ds *buf)
{
	int r = shmctl(id, cmd, buf);

	OBSERVE_INT(r, "shmctl(%d, %s, %s)", id, ONE(shmctl, cmd),
	    shmid_text((char[128]){ 0 }, cmd, buf, r == -1));
	return r;
}

int
shmu_sys_shm_open(const char *name, int flags, mode_t mode)
{
	int r = shm_open(name, flags, mode);

	OBSERVE_INT(r, "shm_open(%s, %s, %#o)", QUOTE(name),
	    FLAGS(open, flags, "0"), (unsigned int)mode);
	return r;
}

int
shmu_sys_shm_unlink(const char *name)
{
	int r = shm_unlink(name);

	OBSERVE_INT(r, "shm_unlink(%s)", QUOTE(name));
	return r;
}

int
shmu_sys_memfd_create(const char *name, unsigned int flags)
{
	int r = memfd_create(name, flags);

	OBSERVE_INT(r, "memfd_create(%s, %s)", QUOTE(name),
	    FLAGS(memfd, flags, "0"));
	return r;
}

int
shmu_sys_open(const char *path, int flags, ...)
{
	bool creates = (flags & O_CREAT) != 0 ||
		       (flags & O_TMPFILE) == O_TMPFILE;
	mode_t mode = 0;
	va_list ap;
	int r;

	if (creates) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	r = open(path, flags, mode);
	if (creates)
		OBSERVE_INT(r, "open(%s, %s, %#o)", QUOTE(path),
		    FLAGS(open, flags, "0"), (unsigned int)mode);
	else
		OBSERVE_INT(r, "open(%s, %s)", QUOTE(path),
		    FLAGS(open, flags, "0"));
	return r;
}

/* For what exists: it takes no mode. */
int
shmu_sys_openat(int dirfd, const char *path, int flags)
{
	int r = openat(dirfd, path, flags);

	OBSERVE_INT(r, "openat(%d, %s, %s)", dirfd, QUOTE(path),
	    FLAGS(open, flags, "0"));
	return r;
}

int
shmu_sys_close(int fd)
{
	int r = close(fd);

	OBSERVE_INT(r, "close(%d)", fd);
	return r;
}

static const char *
stat_text(char buf[96], const struct stat *st, int failed)
{
	if (failed)
		return "...";
	snprintf(buf, 96, "{size=%jd, mode=%#o}", (intmax_t)st->st_size,
	    (unsigned int)st->st_mode & 07777U);
	return buf;
}

int
shmu_sys_fstat(int fd, struct stat *st)
{
	int r = fstat(fd, st);

	OBSERVE_INT(r, "fstat(%d, %s)", fd,
	    stat_text((char[96]){ 0 }, st, r == -1));
	return r;
}

int
shmu_sys_lstat(const char *path, struct stat *st)
{
	int r = lstat(path, st);

	OBSERVE_INT(r, "lstat(%s, %s)", QUOTE(path),
	    stat_text((char[96]){ 0 }, st, r == -1));
	return r;
}

int
shmu_sys_fchmod(int fd, mode_t mode)
{
	int r = fchmod(fd, mode);

	OBSERVE_INT(r, "fchmod(%d, %#o)", fd, (unsigned int)mode);
	return r;
}

int
shmu_sys_fchown(int fd, uid_t uid, gid_t gid)
{
	int r = fchown(fd, uid, gid);

	OBSERVE_INT(r, "fchown(%d, %d, %d)", fd, (int)uid, (int)gid);
	return r;
}

int
shmu_sys_chmod(const char *path, mode_t mode)
{
	int r = chmod(path, mode);

	OBSERVE_INT(r, "chmod(%s, %#o)", QUOTE(path), (unsigned int)mode);
	return r;
}

int
shmu_sys_chown(const char *path, uid_t uid, gid_t gid)
{
	int r = chown(path, uid, gid);

	OBSERVE_INT(r, "chown(%s, %d, %d)", QUOTE(path), (int)uid, (int)gid);
	return r;
}

int
shmu_sys_ftruncate(int fd, off_t size)
{
	int r = ftruncate(fd, size);

	OBSERVE_INT(r, "ftruncate(%d, %jd)", fd, (intmax_t)size);
	return r;
}

int
shmu_sys_fallocate(int fd, int mode, off_t off, off_t len)
{
	int r = fallocate(fd, mode, off, len);

	OBSERVE_INT(r, "fallocate(%d, %s, %jd, %jd)", fd,
	    FLAGS(fallocate, mode, "0"), (intmax_t)off, (intmax_t)len);
	return r;
}

/* This and posix_fadvise return their error instead of setting errno. */
int
shmu_sys_posix_fallocate(int fd, off_t off, off_t len)
{
	int r = posix_fallocate(fd, off, len);

	if (observer.fn != NULL)
		observe(INT, false, r, "posix_fallocate(%d, %jd, %jd)", fd,
		    (intmax_t)off, (intmax_t)len);
	return r;
}

int
shmu_sys_posix_fadvise(int fd, off_t off, off_t len, int advice)
{
	int r = posix_fadvise(fd, off, len, advice);

	if (observer.fn != NULL)
		observe(INT, false, r, "posix_fadvise(%d, %jd, %jd, %s)", fd,
		    (intmax_t)off, (intmax_t)len, ONE(fadvise, advice));
	return r;
}

ssize_t
shmu_sys_pwrite(int fd, const void *buf, size_t len, off_t off)
{
	ssize_t r = pwrite(fd, buf, len, off);

	OBSERVE_INT(r, "pwrite(%d, ..., %zu, %jd)", fd, len, (intmax_t)off);
	return r;
}

int
shmu_sys_fdatasync(int fd)
{
	int r = fdatasync(fd);

	OBSERVE_INT(r, "fdatasync(%d)", fd);
	return r;
}

int
shmu_sys_sync_file_range(int fd, off_t off, off_t len, unsigned int flags)
{
	int r = sync_file_range(fd, off, len, flags);

	OBSERVE_INT(r, "sync_file_range(%d, %jd, %jd, %s)", fd, (intmax_t)off,
	    (intmax_t)len, FLAGS(range, flags, "0"));
	return r;
}

int
shmu_sys_linkat(int oldfd, const char *oldpath, int newfd, const char *newpath,
    int flags)
{
	int r = linkat(oldfd, oldpath, newfd, newpath, flags);

	OBSERVE_INT(r, "linkat(%s, %s, %s, %s, %s)",
	    oldfd == AT_FDCWD ? "AT_FDCWD" : "fd", QUOTE(oldpath),
	    newfd == AT_FDCWD ? "AT_FDCWD" : "fd", QUOTE(newpath),
	    FLAGS(linkat, flags, "0"));
	return r;
}

int
shmu_sys_rename(const char *oldpath, const char *newpath)
{
	int r = rename(oldpath, newpath);

	OBSERVE_INT(r, "rename(%s, %s)", QUOTE(oldpath), QUOTE(newpath));
	return r;
}

int
shmu_sys_unlink(const char *path)
{
	int r = unlink(path);

	OBSERVE_INT(r, "unlink(%s)", QUOTE(path));
	return r;
}

int
shmu_sys_mkfifo(const char *path, mode_t mode)
{
	int r = mkfifo(path, mode);

	OBSERVE_INT(r, "mkfifo(%s, %#o)", QUOTE(path), (unsigned int)mode);
	return r;
}

int
shmu_sys_lock(int fd, int cmd, struct flock *lock)
{
	int r = fcntl(fd, cmd, lock);

	OBSERVE_INT(r, "fcntl(%d, %s, {%s, start=%jd, len=%jd})", fd,
	    ONE(lock, cmd), ONE(flock, lock->l_type),
	    (intmax_t)lock->l_start, (intmax_t)lock->l_len);
	return r;
}

int
shmu_sys_lease(int fd, int type)
{
	int r = fcntl(fd, F_SETLEASE, type);

	OBSERVE_INT(r, "fcntl(%d, F_SETLEASE, %s)", fd, ONE(flock, type));
	return r;
}

void *
shmu_sys_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p = mmap(addr, len, prot, flags, fd, off);
	char hint[24] = "NULL";

	if (addr != NULL && observer.fn != NULL)
		snprintf(hint, sizeof hint, "%p", addr);
	OBSERVE_POINTER(p, "mmap(%s, %zu, %s, %s, %d, %jd)", hint, len,
	    FLAGS(prot, prot, "PROT_NONE"), FLAGS(mmap, flags, "0"), fd,
	    (intmax_t)off);
	return p;
}

int
shmu_sys_munmap(void *addr, size_t len)
{
	int r = munmap(addr, len);

	OBSERVE_INT(r, "munmap(%p, %zu)", addr, len);
	return r;
}

void *
shmu_sys_mremap(void *addr, size_t len, size_t newlen, int flags, ...)
{
	void *where = NULL, *p;
	va_list ap;

	if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) {
		va_start(ap, flags);
		where = va_arg(ap, void *);
		va_end(ap);
	}
	p = mremap(addr, len, newlen, flags, where);
	OBSERVE_POINTER(p, "mremap(%p, %zu, %zu, %s)", addr, len, newlen,
	    FLAGS(mremap, flags, "0"));
	return p;
}

int
shmu_sys_msync(void *addr, size_t len, int flags)
{
	int r = msync(addr, len, flags);

	OBSERVE_INT(r, "msync(%p, %zu, %s)", addr, len,
	    FLAGS(msync, flags, "0"));
	return r;
}

int
shmu_sys_mprotect(void *addr, size_t len, int prot)
{
	int r = mprotect(addr, len, prot);

	OBSERVE_INT(r, "mprotect(%p, %zu, %s)", addr, len,
	    FLAGS(prot, prot, "PROT_NONE"));
	return r;
}

int
shmu_sys_madvise(void *addr, size_t len, int advice)
{
	int r = madvise(addr, len, advice);

	OBSERVE_INT(r, "madvise(%p, %zu, %s)", addr, len, ONE(madvise, advice));
	return r;
}

int
shmu_sys_mlock(const void *addr, size_t len)
{
	int r = mlock(addr, len);

	OBSERVE_INT(r, "mlock(%p, %zu)", addr, len);
	return r;
}

int
shmu_sys_mlock2(const void *addr, size_t len, unsigned int flags)
{
	int r = (int)syscall(SYS_mlock2, addr, len, flags);

	OBSERVE_INT(r, "mlock2(%p, %zu, %s)", addr, len,
	    FLAGS(mlock2, flags, "0"));
	return r;
}

int
shmu_sys_munlock(const void *addr, size_t len)
{
	int r = munlock(addr, len);

	OBSERVE_INT(r, "munlock(%p, %zu)", addr, len);
	return r;
}

int
shmu_sys_mlockall(int flags)
{
	int r = mlockall(flags);

	OBSERVE_INT(r, "mlockall(%s)", FLAGS(mlockall, flags, "0"));
	return r;
}

int
shmu_sys_munlockall(void)
{
	int r = munlockall();

	OBSERVE_INT(r, "munlockall()%s", "");
	return r;
}

int
shmu_sys_mincore(void *addr, size_t len, unsigned char *vec)
{
	int r = mincore(addr, len, vec);

	OBSERVE_INT(r, "mincore(%p, %zu, ...)", addr, len);
	return r;
}

int
shmu_sys_cachestat(int fd, uint64_t off, uint64_t len,
    struct shmu_cachestat *out)
{
	struct { uint64_t off, len; } range = { off, len };
	int r = (int)syscall(SYS_cachestat, fd, &range, out, 0U);

	OBSERVE_INT(r, "cachestat(%d, {off=%ju, len=%ju}, {cached=%ju}, 0)", fd,
	    (uintmax_t)off, (uintmax_t)len,
	    r == 0 ? (uintmax_t)out->cached : (uintmax_t)0);
	return r;
}

int
shmu_sys_futex_wait(const uint32_t *word, uint32_t value,
    const struct timespec *timeout)
{
	int r = (int)syscall(SHMU_SYS_FUTEX, word, FUTEX_WAIT, value, timeout,
	    NULL, 0);

	if (timeout == NULL)
		OBSERVE_INT(r, "futex(%p, FUTEX_WAIT, %u, NULL)",
		    (const void *)word, value);
	else
		OBSERVE_INT(r, "futex(%p, FUTEX_WAIT, %u, {%jd.%09ld})",
		    (const void *)word, value, (intmax_t)timeout->tv_sec,
		    timeout->tv_nsec);
	return r;
}

int
shmu_sys_futex_wake(uint32_t *word, int count)
{
	int r = (int)syscall(SHMU_SYS_FUTEX, word, FUTEX_WAKE, count, NULL,
	    NULL, 0);

	OBSERVE_INT(r, "futex(%p, FUTEX_WAKE, %d)", (void *)word, count);
	return r;
}

int
shmu_sys_membarrier(void)
{
	int r = (int)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);

	OBSERVE_INT(r, "membarrier(MEMBARRIER_CMD_GLOBAL, 0)%s", "");
	return r;
}
