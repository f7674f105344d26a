/* SPDX-License-Identifier: MIT */
/* change.c - change and remove what exists; see shmutil/segment.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "allocate.h"
#include "kernel.h"
#include "shmutil/segment.h"
#include "shmutil/sys.h"

static int
fail(int err)
{
	errno = err;
	return -1;
}

int
shmu_allocate_more(int fd, uint64_t from, uint64_t size)
{
	int r;

	do
		r = shmu_sys_fallocate(fd, 0, (off_t)from,
		    (off_t)(size - from));
	while (r == -1 && errno == EINTR);
	return r;
}

int
shmu_allocate(int fd, uint64_t from, uint64_t size, int sparse)
{
	int r;

	if (size > INT64_MAX)
		return fail(ERANGE);
	r = sparse || size <= from ? shmu_sys_ftruncate(fd, (off_t)size) :
	    shmu_allocate_more(fd, from, size);
	if (r == -1) {
		int err = errno == EFBIG ? ERANGE : errno;

		/* Some filesystems keep what they had allocated till then. */
		if (size > from)
			shmu_sys_ftruncate(fd, (off_t)from);
		errno = err;
	}
	return r;
}

int
shmu_segment_resize(struct shmu_segment *seg, uint64_t size, int sparse)
{
	struct stat st;

	if (seg->fd == -1)
		return fail(EOPNOTSUPP);
	if (shmu_sys_fstat(seg->fd, &st) == -1)
		return -1;
	if (size == (uint64_t)st.st_size)
		return 0;
	return shmu_allocate(seg->fd, (uint64_t)st.st_size, size, sparse);
}

/* The path by which a descriptor that was opened to look is changed. */
static const char *
own_path(char buf[32], int fd)
{
	snprintf(buf, 32, "/proc/self/fd/%d", fd);
	return buf;
}

/* IPC_SET sets all three: what is not to change is set as it was. */
static int
ipc_set(struct shmu_segment *seg, const mode_t *mode, uid_t uid, gid_t gid)
{
	struct shmu_info info;
	struct shmid_ds ds;

	if (shmu_segment_stat(seg, &info) == -1)
		return -1;
	memset(&ds, 0, sizeof ds);
	ds.shm_perm.mode = (unsigned short)(mode != NULL ? *mode : info.mode);
	ds.shm_perm.uid = uid != (uid_t)-1 ? uid : info.uid;
	ds.shm_perm.gid = gid != (gid_t)-1 ? gid : info.gid;
	return shmu_sys_shmctl(seg->op.id, IPC_SET, &ds);
}

int
shmu_segment_set_mode(struct shmu_segment *seg, mode_t mode)
{
	char path[32];

	if (seg->op.kind == SHMU_ID)
		return ipc_set(seg, &mode, (uid_t)-1, (gid_t)-1);
	if (shmu_sys_fchmod(seg->fd, mode) == 0)
		return 0;
	return errno == EBADF ?
	    shmu_sys_chmod(own_path(path, seg->fd), mode) : -1;
}

int
shmu_segment_set_owner(struct shmu_segment *seg, uid_t uid, gid_t gid)
{
	char path[32];

	if (seg->op.kind == SHMU_ID)
		return ipc_set(seg, NULL, uid, gid);
	if (shmu_sys_fchown(seg->fd, uid, gid) == 0)
		return 0;
	return errno == EBADF ?
	    shmu_sys_chown(own_path(path, seg->fd), uid, gid) : -1;
}

int
shmu_segment_lock(struct shmu_segment *seg, int locked)
{
	if (seg->op.kind != SHMU_ID)
		return fail(EOPNOTSUPP);
	return shmu_sys_shmctl(seg->op.id, locked ? SHM_LOCK : SHM_UNLOCK, NULL);
}

/* Whether what op means now is what expect described. */
static int
unchanged(const struct shmu_operand *op, const struct shmu_info *expect)
{
	struct shmu_segment seg;
	struct shmu_info now;
	int r, err;

	if (shmu_segment_open(&seg, op, SHMU_LOOK) == -1)
		return -1;
	r = shmu_segment_stat(&seg, &now);
	err = errno;
	shmu_segment_close(&seg);
	if (r == -1)
		return fail(err);
	if (now.kind == SHMU_ID ? expect->kind == SHMU_ID &&
	    now.cpid == expect->cpid && now.ctime == expect->ctime &&
	    now.key == expect->key && now.size == expect->size :
	    expect->kind != SHMU_ID && now.dev == expect->dev &&
	    now.ino == expect->ino)
		return 0;
	return fail(ESTALE);
}

int
shmu_segment_remove(const struct shmu_operand *op,
    const struct shmu_info *expect)
{
	int id;

	if (expect != NULL && unchanged(op, expect) == -1)
		return -1;
	switch (op->kind) {
	case SHMU_POSIX:
		return shmu_sys_shm_unlink(op->name);
	case SHMU_FILE:
		return shmu_sys_unlink(op->path);
	case SHMU_KEY:
	case SHMU_ID:
		id = op->kind == SHMU_ID ? op->id :
		    shmu_sys_shmget(op->key, 0, 0);
		return id == -1 ? -1 : shmu_sys_shmctl(id, IPC_RMID, NULL);
	case SHMU_PIDFD:
		return fail(EOPNOTSUPP);
	default:
		return fail(EINVAL);
	}
}
