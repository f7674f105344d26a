/* SPDX-License-Identifier: MIT */
/*
 * create.c - make a segment complete before anyone can open it
 *
 * The one place of the code base that creates segments, so that modes,
 * allocation and exclusiveness are decided once.  See shmutil/segment.h.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "allocate.h"
#include "kernel.h"
#include "shmutil/segment.h"
#include "shmutil/sys.h"

static const struct shmu_segment closed = SHMU_SEGMENT_INIT;

static int
fail(int err)
{
	errno = err;
	return -1;
}

/* Where the name of op stands in the file system. */
static int
path_of(const struct shmu_operand *op, char path[PATH_MAX])
{
	int n = op->kind == SHMU_POSIX ?
	    snprintf(path, PATH_MAX, "%s%s", SHMU_POSIX_DIR, op->name) :
	    snprintf(path, PATH_MAX, "%s", op->path);

	return n < PATH_MAX ? 0 : fail(ENAMETOOLONG);
}

/* Leave the directory part of path, "." when it has none. */
static void
directory_of(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL)
		strcpy(path, ".");
	else
		slash[slash == path] = '\0';
}

/* Replace the last component of path by last. */
static int
beside(char path[PATH_MAX], const char *last)
{
	char *slash = strrchr(path, '/');
	size_t dir = slash == NULL ? 0 : (size_t)(slash - path) + 1;

	if (strlen(last) >= PATH_MAX - dir)
		return fail(ENAMETOOLONG);
	strcpy(path + dir, last);
	return 0;
}

/*
 * A last component that nobody else uses.  What a kill leaves under it is
 * complete or empty, called unfinished by its first letters, and in nobody's
 * way.
 */
static int
invent(char last[SHMU_TEMPORARY])
{
	unsigned long long r;

	if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
		return -1;
	snprintf(last, SHMU_TEMPORARY, ".shmu-%d-%llx", (int)getpid(), r);
	return 0;
}

/* An unnamed file in the directory of path; where the filesystem has none, one
 * of an invented name, kept in seg until it is published. */
static int
unnamed(struct shmu_segment *seg, const char *path)
{
	char other[PATH_MAX];

	strcpy(other, path);
	directory_of(other);
	seg->fd = shmu_sys_open(other, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (seg->fd != -1 || (errno != EOPNOTSUPP && errno != EISDIR))
		return seg->fd;
	strcpy(other, path);
	if (invent(seg->temporary) == -1 || beside(other, seg->temporary) == -1)
		return -1;
	seg->fd = shmu_sys_open(other, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	return seg->fd;
}

/* Take the invented name away again, if seg has one. */
static void
forget(struct shmu_segment *seg)
{
	char path[PATH_MAX];

	if (seg->temporary[0] != '\0' && path_of(&seg->op, path) == 0 &&
	    beside(path, seg->temporary) == 0)
		shmu_sys_unlink(path);
	seg->temporary[0] = '\0';
}

static int
begin_file(struct shmu_segment *seg, const struct shmu_spec *spec)
{
	char path[PATH_MAX];
	struct stat st;
	int err;

	if (path_of(&seg->op, path) == -1)
		return -1;
	/* Known to be taken: say so before a great size is allocated.  What is
	 * no shared memory is not replaced either. */
	if (shmu_sys_lstat(path, &st) == 0 && (!S_ISREG(st.st_mode) ||
	    (spec->flags & SHMU_SPEC_REPLACE) == 0))
		return fail(EEXIST);
	if (unnamed(seg, path) == -1)
		return -1;
	if (shmu_allocate(seg->fd, 0, spec->size,
	    (spec->flags & SHMU_SPEC_SPARSE) != 0) == 0)
		return 0;
	err = errno;
	shmu_segment_abandon(seg);
	return fail(err);
}

/* Whether the kernel destroys a segment that no process is attached to. */
static int
forced_removal(void)
{
	char c = '0';
	int fd = open("/proc/sys/kernel/shm_rmid_forced", O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return 0;
	if (read(fd, &c, 1) != 1)
		c = '0';
	close(fd);
	return c != '0';
}

static int
flags_of(const struct shmu_spec *spec)
{
	unsigned int f = IPC_CREAT | IPC_EXCL | 0600U;

	if ((spec->flags & SHMU_SPEC_HUGE) != 0)
		f |= (unsigned int)SHM_HUGETLB | spec->huge << SHM_HUGE_SHIFT;
	if ((spec->flags & SHMU_SPEC_SPARSE) != 0)
		f |= (unsigned int)SHM_NORESERVE;
	return (int)f;
}

static int
begin_sysv(struct shmu_segment *seg, const struct shmu_spec *spec)
{
	key_t key = seg->op.kind == SHMU_KEY ? seg->op.key : IPC_PRIVATE;
	int old;

	if (spec->size > SIZE_MAX)
		return fail(ERANGE);
	if (forced_removal())
		return fail(EBUSY);
	if ((spec->flags & SHMU_SPEC_REPLACE) != 0 && key != IPC_PRIVATE) {
		old = shmu_sys_shmget(key, 0, 0);
		if (old != -1 && shmu_sys_shmctl(old, IPC_RMID, NULL) == -1)
			return -1;
	}
	seg->op.id = shmu_sys_shmget(key, (size_t)spec->size, flags_of(spec));
	seg->op.kind = SHMU_ID;
	return seg->op.id == -1 ? -1 : 0;
}

int
shmu_segment_begin(struct shmu_segment *seg, const struct shmu_operand *op,
    const struct shmu_spec *spec)
{
	*seg = closed;
	seg->op = *op;
	if (spec->size == 0) {
		*seg = closed;
		return fail(EINVAL);
	}
	switch (op->kind) {
	case SHMU_POSIX:
	case SHMU_FILE:
		return begin_file(seg, spec);
	case SHMU_KEY:
	case SHMU_PRIVATE:
		return begin_sysv(seg, spec);
	default:
		*seg = closed;	/* it must not be abandoned: it was there */
		return fail(EINVAL);
	}
}

/* Give the file of seg the name path, which must be free. */
static int
name(struct shmu_segment *seg, const char *path)
{
	char from[PATH_MAX];

	if (seg->temporary[0] != '\0') {
		strcpy(from, path);
		return beside(from, seg->temporary) == -1 ? -1 :
		    shmu_sys_linkat(AT_FDCWD, from, AT_FDCWD, path, 0);
	}
	snprintf(from, sizeof from, "/proc/self/fd/%d", seg->fd);
	if (shmu_sys_linkat(AT_FDCWD, from, AT_FDCWD, path,
	    AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != ENOENT || access("/proc/self/fd", F_OK) == 0)
		return -1;
	return shmu_sys_linkat(seg->fd, "", AT_FDCWD, path, AT_EMPTY_PATH);
}

/* The same where path may be taken: by way of an invented name, since only
 * rename(2) replaces. */
static int
rename_over(struct shmu_segment *seg, const char *path)
{
	char last[SHMU_TEMPORARY], other[PATH_MAX];

	strcpy(other, path);
	strcpy(last, seg->temporary);
	if (last[0] == '\0' && invent(last) == -1)
		return -1;
	if (beside(other, last) == -1)
		return -1;
	if (seg->temporary[0] == '\0' && name(seg, other) == -1)
		return -1;
	strcpy(seg->temporary, last);
	if (shmu_sys_rename(other, path) == -1)
		return -1;
	seg->temporary[0] = '\0';
	return 0;
}

static int
publish_file(struct shmu_segment *seg, const struct shmu_spec *spec)
{
	char path[PATH_MAX];

	if (path_of(&seg->op, path) == -1)
		return -1;
	if ((spec->uid != (uid_t)-1 || spec->gid != (gid_t)-1) &&
	    shmu_sys_fchown(seg->fd, spec->uid, spec->gid) == -1)
		return -1;
	if (shmu_sys_fchmod(seg->fd, spec->mode) == -1)
		return -1;
	return (spec->flags & SHMU_SPEC_REPLACE) != 0 ?
	    rename_over(seg, path) : name(seg, path);
}

static int
publish_sysv(struct shmu_segment *seg, const struct shmu_spec *spec)
{
	struct shmid_ds ds;

	if (spec->uid == (uid_t)-1 && spec->gid == (gid_t)-1 &&
	    spec->mode == 0600)
		return 0;
	memset(&ds, 0, sizeof ds);
	ds.shm_perm.uid = spec->uid != (uid_t)-1 ? spec->uid : geteuid();
	ds.shm_perm.gid = spec->gid != (gid_t)-1 ? spec->gid : getegid();
	ds.shm_perm.mode = (unsigned short)spec->mode;
	return shmu_sys_shmctl(seg->op.id, IPC_SET, &ds);
}

int
shmu_segment_publish(struct shmu_segment *seg, const struct shmu_spec *spec)
{
	int r = seg->op.kind == SHMU_ID ? publish_sysv(seg, spec) :
	    publish_file(seg, spec), err = errno;

	if (r == -1) {
		shmu_segment_abandon(seg);
		return fail(err);
	}
	forget(seg);
	return 0;
}

void
shmu_segment_abandon(struct shmu_segment *seg)
{
	if (seg->op.kind == SHMU_ID && seg->op.id != -1)
		shmu_sys_shmctl(seg->op.id, IPC_RMID, NULL);
	forget(seg);
	shmu_segment_close(seg);
}

int
shmu_segment_create(struct shmu_segment *seg, const struct shmu_operand *op,
    const struct shmu_spec *spec)
{
	if (shmu_segment_begin(seg, op, spec) == -1)
		return -1;
	return shmu_segment_publish(seg, spec);
}
