/* SPDX-License-Identifier: MIT */
/* cause.c - what an errno means for this segment; see cause.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cause.h"
#include "cli.h"
#include "names.h"

/* What stands under the name of a POSIX object or file now. */
static int
look(const struct shmu_operand *op, struct stat *st)
{
	char path[sizeof SHMU_POSIX_DIR + sizeof op->name];

	if (op->kind == SHMU_FILE)
		return stat(op->path, st);
	if (op->kind == SHMU_PIDFD)
		snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)op->pid,
		    op->fd);
	else
		snprintf(path, sizeof path, "%s%s", SHMU_POSIX_DIR, op->name);
	return op->kind == SHMU_PIDFD ? stat(path, st) : lstat(path, st);
}

static const char *
type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:	return "a directory";
	case S_IFIFO:	return "a FIFO";
	case S_IFLNK:	return "a symbolic link";
	case S_IFSOCK:	return "a socket";
	case S_IFCHR:
	case S_IFBLK:	return "a device";
	default:	return "a regular file";
	}
}

/* The directory of a file that is to be made: where the space would be. */
static const char *
directory(const struct shmu_operand *op, char *buf, size_t size)
{
	const char *slash;

	if (op->kind != SHMU_FILE)
		return SHMU_POSIX_DIR;
	slash = strrchr(op->path, '/');
	if (slash == NULL)
		return ".";
	snprintf(buf, size, "%.*s", slash == op->path ? 1 :
	    (int)(slash - op->path), op->path);
	return buf;
}

static int
exists(const char *text, const struct shmu_operand *op)
{
	struct shmid_ds ds;
	struct stat st;
	int id;

	if (op->kind == SHMU_KEY) {
		id = shmget(op->key, 0, 0);
		if (id != -1 && shmctl(id, IPC_STAT, &ds) == 0)
			return cli_fail(EXIT_NO, text,
			    "exists already as id %d with %zu bytes, mode "
			    "%04o; --existing opens it, --replace removes it "
			    "first",
			    id, (size_t)ds.shm_segsz, ds.shm_perm.mode & 0777U);
		return cli_fail(EXIT_NO, text,
		    "exists already, another user's; choose another key");
	}
	if (look(op, &st) == -1)
		return cli_fail(EXIT_NO, text,
		    "exists already; --existing opens it, --replace takes its "
		    "name");
	if (!S_ISREG(st.st_mode))
		return cli_fail(EXIT_NO, text,
		    "the name is taken by %s; choose another or remove it",
		    type_of(st.st_mode));
	return cli_fail(EXIT_NO, text, "exists already with %jd bytes, mode "
	    "%04o, owner %s; --existing opens it, --replace takes its name",
	    (intmax_t)st.st_size, (unsigned int)st.st_mode & 0777U,
	    names_user(st.st_uid));
}

/* asked 0: it is not known how much. */
static int
no_space(const char *text, const struct shmu_operand *op, uint64_t asked)
{
	char buf[4096];
	const char *dir;
	struct statvfs fs;

	if (op->kind == SHMU_KEY || op->kind == SHMU_PRIVATE)
		return cli_fail(EXIT_CANNOT, text, "a limit of System V is "
		    "reached: %" PRIu64 " segments (kernel.shmmni) or %" PRIu64
		    " pages in all (kernel.shmall); remove some, see shm-stat",
		    cli_kernel_limit("shmmni"), cli_kernel_limit("shmall"));
	dir = directory(op, buf, sizeof buf);
	if (statvfs(dir, &fs) == -1)
		return cli_fail(EXIT_CANNOT, text, "%s is full", dir);
	if (asked == 0)
		return cli_fail(EXIT_CANNOT, text,
		    "%s is full: %" PRIu64 " of %" PRIu64
		    " bytes are free; free some",
		    dir, (uint64_t)fs.f_bavail * fs.f_frsize,
		    (uint64_t)fs.f_blocks * fs.f_frsize);
	return cli_fail(EXIT_CANNOT, text,
	    "%s is full: %" PRIu64 " bytes asked, %" PRIu64 " of %" PRIu64
	    " free; free some or ask for less",
	    dir, asked, (uint64_t)fs.f_bavail * fs.f_frsize,
	    (uint64_t)fs.f_blocks * fs.f_frsize);
}

static int
sysv_limits(const char *text, const struct shmu_spec *spec)
{
	if ((spec->flags & SHMU_SPEC_HUGE) != 0)
		return cli_fail(EXIT_CANNOT, text, "this kernel has no huge "
		    "pages of that size; see ls /sys/kernel/mm/hugepages");
	return cli_fail(EXIT_CANNOT, text,
	    "%" PRIu64 " bytes are outside the limit of %" PRIu64
	    " (kernel.shmmax)",
	    spec->size, cli_kernel_limit("shmmax"));
}

static int
no_memory(const char *text, const struct shmu_spec *spec)
{
	if ((spec->flags & SHMU_SPEC_HUGE) != 0)
		return cli_fail(EXIT_CANNOT, text, "there are not enough free "
		    "huge pages; reserve some with sysctl vm.nr_hugepages");
	return cli_fail(EXIT_CANNOT, text,
	    "no memory for %" PRIu64 " bytes: the commit limit would be "
	    "exceeded; ask for less or use --sparse",
	    spec->size);
}

static int
too_large(const char *text, uint64_t asked)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_FSIZE, &r) == 0 && r.rlim_cur != RLIM_INFINITY)
		return cli_fail(EXIT_CANNOT, text, "%" PRIu64 " bytes are more "
		    "than the limit of %ju (RLIMIT_FSIZE, ulimit -f) allows",
		    asked, (uintmax_t)r.rlim_cur);
	return cli_fail(EXIT_CANNOT, text, "%" PRIu64 " bytes are more than it "
	    "can hold", asked);
}

int
cause_create(const char *text, const struct shmu_operand *op,
    const struct shmu_spec *spec, int err)
{
	char buf[4096];
	int sysv = op->kind == SHMU_KEY || op->kind == SHMU_PRIVATE;

	switch (err) {
	case EEXIST:
		return exists(text, op);
	case ENOSPC:
	case EDQUOT:
		return no_space(text, op, spec->size);
	case EBUSY:
		return cli_fail(EXIT_CANNOT, text,
		    "kernel.shm_rmid_forced is 1, so the kernel would remove "
		    "it as soon as this command ends; use a POSIX object "
		    "(/NAME)");
	case EINVAL:
		if (sysv)
			return sysv_limits(text, spec);
		break;
	case ENOMEM:
		return no_memory(text, spec);
	case ERANGE:
	case EFBIG:
		return too_large(text, spec->size);
	case EOPNOTSUPP:
		return cli_fail(EXIT_CANNOT, text,
		    "the filesystem of %s cannot allocate in advance; use "
		    "--sparse",
		    directory(op, buf, sizeof buf));
	case ENOENT:
	case ENOTDIR:
		return cli_fail(EXIT_CANNOT, text,
		    "the directory %s is not there",
		    directory(op, buf, sizeof buf));
	case EACCES:
		return cli_fail(EXIT_CANNOT, text, "no permission to create in "
		    "%s", sysv ? "this namespace" :
		    directory(op, buf, sizeof buf));
	case EPERM:
		return cli_fail(EXIT_CANNOT, text, (spec->flags &
		    SHMU_SPEC_HUGE) != 0 ? "huge pages need the group of "
		    "vm.hugetlb_shm_group or CAP_IPC_LOCK" :
		    (spec->flags & SHMU_SPEC_REPLACE) != 0 ?
		    "the one to replace is another user's" :
		    "only root may give it to another owner");
	case EISDIR:
		return cli_fail(EXIT_CANNOT, text, "the name is taken by a "
		    "directory");
	default:
		break;
	}
	return cli_fail(EXIT_CANNOT, text, "cannot be created: %s",
	    strerror(err));
}

static int
refused(const char *text, const struct shmu_operand *op)
{
	struct stat st;

	if (op->kind == SHMU_PIDFD)
		return cli_fail(EXIT_CANNOT, text, "reading another process's "
		    "descriptors needs its user, or CAP_SYS_PTRACE");
	if (op->kind == SHMU_POSIX || op->kind == SHMU_FILE) {
		if (look(op, &st) == 0)
			return cli_fail(EXIT_CANNOT, text,
			    "no permission: owner %s, mode %04o",
			    names_user(st.st_uid),
			    (unsigned int)st.st_mode & 0777U);
	}
	return cli_fail(EXIT_CANNOT, text,
	    "no permission; its owner can give it with shm-set --mode");
}

static int
gone(const char *text, const struct shmu_operand *op)
{
	if (op->kind == SHMU_POSIX)
		return cli_fail(EXIT_NO, text, "there is no such object in %s",
		    SHMU_POSIX_DIR);
	if (op->kind == SHMU_FILE)
		return cli_fail(EXIT_NO, text, "there is no such file");
	return cli_fail(EXIT_NO, text, "there is no segment with this %s",
	    op->kind == SHMU_KEY ? "key" : "id");
}

int
cause_open(const char *text, const struct shmu_operand *op, int err)
{
	struct stat st;

	switch (err) {
	case ENOENT:
	case EIDRM:
		return gone(text, op);
	case EINVAL:
		if (op->kind == SHMU_PRIVATE)
			return cli_fail(EXIT_USAGE, text, "private is for "
			    "shm-create only; write the id it printed");
		if (op->kind == SHMU_ID || op->kind == SHMU_KEY)
			return gone(text, op);
		break;
	case EACCES:
	case EPERM:
		return refused(text, op);
	case ELOOP:
		if (op->kind == SHMU_POSIX)
			return cli_fail(EXIT_CANNOT, text, "this is a symbolic "
			    "link, which is not followed");
		break;
	case EISDIR:
	case ENODEV:
		return cli_fail(EXIT_CANNOT, text, "this is %s, not %s",
		    err == EISDIR ? "a directory" :
		    look(op, &st) == 0 ? type_of(st.st_mode) : "a special file",
		    op->kind == SHMU_FILE ? "a regular file" : "shared memory");
	case EMLINK:
		return cli_fail(EXIT_CANNOT, text,
		    "the object has a second name (a hard link), so it may be "
		    "somebody else's; refused");
	case ESRCH:
		return cli_fail(EXIT_NO, text, "there is no process %d",
		    (int)op->pid);
	case EBADF:
		return cli_fail(EXIT_NO, text,
		    "process %d has no descriptor %d", (int)op->pid, op->fd);
	case ESTALE:
		return cli_fail(EXIT_CANNOT, text, "it changed while it was "
		    "opened; try again");
	case ENOMEM:
		return cli_fail(EXIT_CANNOT, text, "no memory or address space "
		    "for the mapping");
	default:
		break;
	}
	return cli_fail(EXIT_CANNOT, text, "cannot be opened: %s",
	    strerror(err));
}

int
cause_semaphore(const char *text, const struct shmu_operand *op)
{
	if (op->kind != SHMU_POSIX || strncmp(op->name, "/sem.", 5) != 0)
		return EXIT_YES;
	return cli_fail(EXIT_CANNOT, text, "this is a named semaphore, not "
	    "shared memory; it belongs to sem_open(3) and sem_unlink(3)");
}

int
cause_change(const char *text, const struct shmu_operand *op, int err)
{
	switch (err) {
	case ENOENT:
	case EIDRM:
		return gone(text, op);
	case EINVAL:
		if (op->kind != SHMU_FILE)
			return cause_open(text, op, err);
		break;
	case EACCES:
	case EPERM:
		if (op->kind == SHMU_PIDFD)
			return cli_fail(EXIT_CANNOT, text, "no permission: not "
			    "yours, or its seals forbid it");
		return cli_fail(EXIT_CANNOT, text, "no permission: only its owner%s "
		    "and root may do this", op->kind == SHMU_KEY ||
		    op->kind == SHMU_ID ? ", its creator" : "");
	case ESTALE:
		return cli_fail(EXIT_CANNOT, text,
		    "another segment has its place now; nothing was done");
	case EISDIR:
		return cli_fail(EXIT_CANNOT, text, "this is a directory, not "
		    "shared memory");
	case ENOSPC:
	case EDQUOT:
		return cli_fail(EXIT_CANNOT, text,
		    "no space is left to grow; its size is as before");
	default:
		break;
	}
	return cli_fail(EXIT_CANNOT, text, "cannot be changed: %s",
	    strerror(err));
}

int
cause_fault(const char *text, struct shmu_segment *seg, uint64_t size,
    uint64_t off)
{
	struct shmu_info info;

	if (shmu_segment_stat(seg, &info) == 0 && info.size < size)
		return cli_fail(EXIT_CANNOT, text,
		    "was cut to %" PRIu64
		    " bytes by somebody else, at offset %" PRIu64,
		    info.size, off);
	return cli_fail(EXIT_CANNOT, text,
	    "offset %" PRIu64 " cannot be accessed: the mapping forbids it, or "
	    "there is no memory left for it",
	    off);
}

int
cause_lock(const char *text, uint64_t asked, int err)
{
	struct rlimit r;

	if ((err == ENOMEM || err == EPERM || err == EAGAIN) &&
	    getrlimit(RLIMIT_MEMLOCK, &r) == 0 && r.rlim_cur != RLIM_INFINITY)
		return cli_fail(EXIT_CANNOT, text, "cannot lock %" PRIu64
		    " bytes: the limit is %ju (RLIMIT_MEMLOCK, ulimit -l)",
		    asked, (uintmax_t)r.rlim_cur);
	return cli_fail(EXIT_CANNOT, text, "cannot lock %" PRIu64 " bytes: %s",
	    asked, strerror(err));
}
