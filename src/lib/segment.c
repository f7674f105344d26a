/* SPDX-License-Identifier: MIT */
/* segment.c - open, map, describe and close any segment; see segment.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "info.h"
#include "kernel.h"
#include "shmutil/pages.h"
#include "shmutil/range.h"
#include "shmutil/segment.h"
#include "shmutil/sys.h"

static const struct shmu_segment closed = SHMU_SEGMENT_INIT;

/* Close seg and fail with err. */
static int
fail(struct shmu_segment *seg, int err)
{
	shmu_segment_close(seg);
	errno = err;
	return -1;
}

/* 0 when st is something to map, otherwise the errno that says what it is. */
static int
unfit(const struct stat *st, enum shmu_kind kind)
{
	if (S_ISDIR(st->st_mode))
		return EISDIR;
	if (S_ISLNK(st->st_mode))
		return ELOOP;
	if (!S_ISREG(st->st_mode))
		return ENODEV;
	return kind == SHMU_POSIX && st->st_nlink > 1 ? EMLINK : 0;
}

/* An O_PATH descriptor; of a symbolic link too, where links are not
 * followed. */
static void
look_named(struct shmu_segment *seg)
{
	char path[sizeof SHMU_POSIX_DIR + sizeof seg->op.name];

	if (seg->op.kind == SHMU_FILE) {
		seg->fd = shmu_sys_open(seg->op.path, O_PATH | O_CLOEXEC);
		return;
	}
	snprintf(path, sizeof path, "%s%s", SHMU_POSIX_DIR, seg->op.name);
	seg->fd = shmu_sys_open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* What err of open(2) or shm_open(3) says; glibc's shm_open has EINVAL for a
 * directory. */
static int
why_not(const struct shmu_operand *op, int err)
{
	char path[sizeof SHMU_POSIX_DIR + sizeof op->name];
	struct stat st;

	if (err != EINVAL || op->kind != SHMU_POSIX)
		return err == ENXIO ? ENODEV : err;
	snprintf(path, sizeof path, "%s%s", SHMU_POSIX_DIR, op->name);
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? EISDIR : err;
}

/*
 * O_NONBLOCK: a FIFO planted under the name must not make anybody wait.  It
 * also makes open(2) fail with EWOULDBLOCK while an inventory has a lease on
 * the object, for some microseconds; so it is tried for 5 s.
 */
static void
open_patiently(struct shmu_segment *seg, int flags)
{
	const struct timespec tick = { 0, 1000000 };
	int tries = 5000;

	do {
		seg->fd = seg->op.kind == SHMU_POSIX ?
		    shmu_sys_shm_open(seg->op.name, flags | O_NONBLOCK, 0) :
		    shmu_sys_open(seg->op.path, flags | O_NONBLOCK | O_CLOEXEC);
	} while (seg->fd == -1 && errno == EWOULDBLOCK && --tries > 0 &&
	    nanosleep(&tick, NULL) == 0);
}

static int
open_named(struct shmu_segment *seg, int flags)
{
	struct stat st;
	int err;

	if (flags == O_PATH)
		look_named(seg);
	else
		open_patiently(seg, flags);
	if (seg->fd == -1)
		return fail(seg, why_not(&seg->op, errno));
	if (shmu_sys_fstat(seg->fd, &st) == -1)
		return fail(seg, errno);
	err = unfit(&st, seg->op.kind);
	return err == 0 ? 0 : fail(seg, err);
}

/*
 * Open what another process holds.  The pidfd, held across, makes sure that
 * the pid meant one process throughout; the two stats, that the descriptor
 * meant one file.
 */
static int
open_held(struct shmu_segment *seg, int flags, int pidfd)
{
	struct pollfd gone = { pidfd, POLLIN, 0 };
	struct stat before, after;
	char path[64];
	int err;

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)seg->op.pid,
	    seg->op.fd);
	if (stat(path, &before) == -1)
		return fail(seg, errno == ENOENT ? EBADF : errno);
	err = unfit(&before, seg->op.kind);
	if (err != 0)
		return fail(seg, err);
	seg->fd = shmu_sys_open(path, flags | O_NONBLOCK | O_CLOEXEC);
	if (seg->fd == -1)
		return fail(seg, errno == ENOENT ? EBADF : errno);
	if (shmu_sys_fstat(seg->fd, &after) == -1)
		return fail(seg, errno);
	if (before.st_dev != after.st_dev || before.st_ino != after.st_ino ||
	    poll(&gone, 1, 0) != 0)
		return fail(seg, ESTALE);
	return 0;
}

static int
open_pidfd(struct shmu_segment *seg, int flags)
{
	int pidfd = (int)syscall(SYS_pidfd_open, seg->op.pid, 0U), r, err;

	/* There is none before Linux 5.3: then the two stats must do. */
	if (pidfd == -1 && (errno != ENOSYS ||
	    (kill(seg->op.pid, 0) == -1 && errno == ESRCH)))
		return fail(seg, errno);
	r = open_held(seg, flags, pidfd);
	err = errno;
	if (pidfd != -1)
		close(pidfd);
	errno = err;
	return r;
}

int
shmu_segment_open(struct shmu_segment *seg, const struct shmu_operand *op,
    enum shmu_access access)
{
	int flags = access == SHMU_WRITE ? O_RDWR : access == SHMU_READ ?
	    O_RDONLY : O_PATH;

	*seg = closed;
	seg->op = *op;
	switch (op->kind) {
	case SHMU_POSIX:
	case SHMU_FILE:
		return open_named(seg, flags);
	case SHMU_PIDFD:
		return open_pidfd(seg, flags);
	case SHMU_KEY:
		/* Asking for no permission finds it whatever its mode is. */
		seg->op.id = shmu_sys_shmget(op->key, 0, 0);
		seg->op.kind = SHMU_ID;
		return seg->op.id == -1 ? fail(seg, errno) : 0;
	case SHMU_ID:
		return 0;
	default:
		return fail(seg, EINVAL);
	}
}

static void
from_shmid(struct shmu_info *info, int id, const struct shmid_ds *ds)
{
	info->kind = SHMU_ID;
	info->size = ds->shm_segsz;
	info->mode = ds->shm_perm.mode & 0777;
	info->removed = (ds->shm_perm.mode & SHM_DEST) != 0;
	info->locked = (ds->shm_perm.mode & SHM_LOCKED) != 0;
	info->uid = ds->shm_perm.uid;
	info->gid = ds->shm_perm.gid;
	info->cuid = ds->shm_perm.cuid;
	info->cgid = ds->shm_perm.cgid;
	info->key = ds->shm_perm.__key;
	info->id = id;
	info->attached = ds->shm_nattch;
	info->cpid = ds->shm_cpid;
	info->lpid = ds->shm_lpid;
	info->atime = ds->shm_atime;
	info->dtime = ds->shm_dtime;
	info->ctime = ds->shm_ctime;
}

void
shmu_info_of_stat(struct shmu_info *info, enum shmu_kind kind,
    const struct stat *st)
{
	info->kind = kind;
	info->size = (uint64_t)st->st_size;
	info->allocated = (uint64_t)st->st_blocks * 512;
	info->mode = st->st_mode & 0777;
	info->removed = st->st_nlink == 0;
	info->uid = info->cuid = st->st_uid;
	info->gid = info->cgid = st->st_gid;
	info->id = -1;
	info->atime = st->st_atime;
	info->mtime = st->st_mtime;
	info->ctime = st->st_ctime;
	info->dev = st->st_dev;
	info->ino = st->st_ino;
	info->links = st->st_nlink;
}

/*
 * The row of id in the kernel's list, which all may read.  Its index is the
 * low bits of the id: 15, or 24 where ipcmni_extend is on.
 */
static int
stat_any(int id, struct shmid_ds *ds)
{
	if (shmu_sys_shmctl(id & 0x7fff, SHM_STAT_ANY, ds) == id ||
	    shmu_sys_shmctl(id & 0xffffff, SHM_STAT_ANY, ds) == id)
		return 0;
	errno = EACCES;
	return -1;
}

int
shmu_segment_stat(struct shmu_segment *seg, struct shmu_info *info)
{
	struct shmid_ds ds;
	struct stat st;

	memset(info, 0, sizeof *info);
	memset(&ds, 0, sizeof ds);
	if (seg->op.kind == SHMU_ID) {
		if (shmu_sys_shmctl(seg->op.id, IPC_STAT, &ds) == -1 &&
		    (errno != EACCES || stat_any(seg->op.id, &ds) == -1))
			return -1;
		from_shmid(info, seg->op.id, &ds);
		return 0;
	}
	if (shmu_sys_fstat(seg->fd, &st) == -1)
		return -1;
	shmu_info_of_stat(info, seg->op.kind, &st);
	return 0;
}

static int
attach(struct shmu_segment *seg, uint64_t off, size_t len, int prot)
{
	int flags = ((prot & PROT_WRITE) == 0 ? SHM_RDONLY : 0) |
	    ((prot & PROT_EXEC) != 0 ? SHM_EXEC : 0);
	struct shmid_ds ds;
	void *p = shmu_sys_shmat(seg->op.id, NULL, flags);
	int err = 0;

	if (p == (void *)-1)
		return -1;
	seg->start = p;
	if (shmu_sys_shmctl(seg->op.id, IPC_STAT, &ds) == -1)
		err = errno;
	else if (!shmu_range_fits(off, len, ds.shm_segsz))
		err = ERANGE;
	if (err != 0) {
		shmu_segment_unmap(seg);
		errno = err;
		return -1;
	}
	seg->base = (char *)p + off;
	seg->span = ds.shm_segsz;
	return 0;
}

static int
map_file(struct shmu_segment *seg, uint64_t off, size_t len, int prot,
    bool ahead)
{
	uint64_t begin = shmu_range_down(off, shmu_pages_size());
	size_t lead = (size_t)(off - begin);
	struct stat st;
	void *p;

	if (shmu_sys_fstat(seg->fd, &st) == -1)
		return -1;
	if (!shmu_range_fits(off, len, ahead ? INT64_MAX :
	    (uint64_t)st.st_size) || len > SIZE_MAX - lead) {
		errno = ERANGE;
		return -1;
	}
	p = shmu_sys_mmap(NULL, len + lead, prot, MAP_SHARED, seg->fd,
	    (off_t)begin);
	if (p == MAP_FAILED)
		return -1;
	seg->start = p;
	seg->span = len + lead;
	seg->base = (char *)p + lead;
	return 0;
}

static int
map(struct shmu_segment *seg, uint64_t off, size_t len, int prot, bool ahead)
{
	int r;

	if (seg->start != NULL) {
		errno = EINVAL;
		return -1;
	}
	r = seg->op.kind == SHMU_ID ? attach(seg, off, len, prot) :
	    map_file(seg, off, len, prot, ahead);
	if (r == 0)
		seg->length = len;
	return r;
}

int
shmu_segment_map(struct shmu_segment *seg, uint64_t off, size_t len, int prot)
{
	return map(seg, off, len, prot, false);
}

int
shmu_segment_map_ahead(struct shmu_segment *seg, uint64_t off, size_t len,
    int prot)
{
	return map(seg, off, len, prot, true);
}

void
shmu_segment_unmap(struct shmu_segment *seg)
{
	if (seg->start == NULL)
		return;
	if (seg->op.kind == SHMU_ID)
		shmu_sys_shmdt(seg->start);
	else
		shmu_sys_munmap(seg->start, seg->span);
	seg->base = seg->start = NULL;
	seg->length = seg->span = 0;
}

void
shmu_segment_close(struct shmu_segment *seg)
{
	shmu_segment_unmap(seg);
	if (seg->fd != -1)
		shmu_sys_close(seg->fd);
	*seg = closed;
}

int
shmu_segment_copy(void *to, const void *from, size_t len, size_t *done)
{
	pid_t self = getpid();
	size_t n = 0;

	while (n < len) {
		struct iovec local = { (char *)to + n, len - n };
		struct iovec remote = {(void *)((uintptr_t)from + n), len - n};
		ssize_t r = process_vm_readv(self, &local, 1, &remote, 1, 0);

		if (r <= 0)
			break;
		n += (size_t)r;
	}
	if (done != NULL)
		*done = n;
	if (n == len)
		return 0;
	errno = EFAULT;
	return -1;
}
