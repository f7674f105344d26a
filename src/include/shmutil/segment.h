/* SPDX-License-Identifier: MIT */
/*
 * segment.h - create, open, map, change and remove segments of every kind
 *
 * A segment is a piece of memory that processes share: a System V segment, a
 * POSIX shared-memory object, a regular file mapped shared, or a regular file
 * or memfd that another process holds open.  One handle stands for any.
 *
 * Errors: int functions return 0, or -1 with errno set and nothing changed or
 * left behind, except where a System V segment was to be replaced.  Nothing
 * here prints, exits or touches a signal. Threads: different handles are
 * independent; one handle, one thread at a time. Fork: a child inherits the
 * mapping and the descriptor, and closes its own. Exec: descriptors are
 * close-on-exec, mappings are gone. Crash: what is not published is gone with
 * the process, except that a System V segment exists from shmget(2) on, and
 * that a file named .shmu-PID-X may stay where the filesystem has no O_TMPFILE
 * or a name was being replaced.
 */
#ifndef SHMUTIL_SEGMENT_H
#define SHMUTIL_SEGMENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "shmutil/operand.h"

SHMU_BEGIN

/* Where POSIX objects live on Linux. */
#define SHMU_POSIX_DIR	"/dev/shm"

#define SHMU_TEMPORARY	40

/* Owned by the caller.  SHMU_SEGMENT_INIT means closed. */
struct shmu_segment {
	struct shmu_operand	 op;	/* SHMU_KEY and SHMU_PRIVATE become
					 * SHMU_ID */
	int			 fd;	/* -1 for System V */
	void			*base;	/* of the mapping, or NULL */
	size_t			 length;	/* bytes mapped at base */
	void			*start;	/* private: page or attach address */
	size_t			 span;	/* private: bytes to unmap */
	char			 temporary[SHMU_TEMPORARY];	/* private */
};
#define SHMU_SEGMENT_INIT	{ { SHMU_ID, 0, -1, 0, -1, NULL, { 0 } }, \
				    -1, NULL, 0, NULL, 0, { 0 } }

/* What a new segment shall be. */
struct shmu_spec {
	uint64_t	size;		/* bytes, at least 1 */
	mode_t		mode;		/* exact, whatever the umask is */
	uid_t		uid;		/* (uid_t)-1: the caller's */
	gid_t		gid;		/* (gid_t)-1: the caller's */
	unsigned int	flags;		/* SHMU_SPEC_* */
	unsigned int	huge;		/* log2 of the huge page size, 0:
					 * default */
};
#define SHMU_SPEC_INIT	{ 0, 0600, (uid_t)-1, (gid_t)-1, 0, 0 }
#define SHMU_SPEC_SPARSE	1U	/* allocate nothing: a later SIGBUS is
					 * possible */
#define SHMU_SPEC_REPLACE	2U	/* take the name over from what has
					 * it */
#define SHMU_SPEC_HUGE		4U	/* System V: huge pages */

/* What there is to know of a segment.  Times are 0 when never or not kept. */
struct shmu_info {
	enum shmu_kind	kind;		/* SHMU_ID for System V */
	uint64_t	size;		/* bytes asked for */
	uint64_t	allocated;	/* bytes of RAM, swap or disk behind it;
					 * System V: 0 */
	mode_t		mode;		/* permission bits */
	int		removed;	/* marked for destruction, or
					 * unlinked */
	int		locked;		/* System V: SHM_LOCK */
	uid_t		uid, cuid;	/* owner; creator (System V) */
	gid_t		gid, cgid;
	key_t		key;		/* System V, 0 when private or
					 * removed */
	int		id;		/* System V */
	uint64_t	attached;	/* System V: attachments, not
					 * processes */
	pid_t		cpid, lpid;	/* System V: creator, last shmat or
					 * shmdt */
	time_t		atime, dtime, ctime, mtime;
	dev_t		dev;		/* others: the inode */
	ino_t		ino;
	uint64_t	links;
};

/*
 * Begin a segment that nobody can open yet.  POSIX and file: an unnamed file,
 * allocated to its size unless SPARSE, so a full filesystem is ENOSPC here and
 * not a SIGBUS later.  System V: the kernel knows no unnamed segment, so one
 * with a key exists at once with mode 0600, and belongs to the caller alone
 * until it is published.  The content is zero.
 * Fails with EEXIST (the name or key is taken and REPLACE is not set, or by
 * something else than a regular file), EINVAL
 * (size 0, a kind that cannot be created, or outside System V's limits), ERANGE
 * (more than an object can have), EOPNOTSUPP (the filesystem cannot allocate),
 * EBUSY (kernel.shm_rmid_forced would destroy it at once), ENOSPC, ENOMEM,
 * EPERM, EACCES and as open(2), fallocate(2), shmget(2).
 */
SHMU_API int shmu_segment_begin(struct shmu_segment *seg,
    const struct shmu_operand *op, const struct shmu_spec *spec);

/*
 * Give what was begun its owner, its exact mode and then its name; now others
 * can open it, complete.  REPLACE renames over a POSIX object or file in one
 * step: who has the old one mapped keeps it.  Of two that publish one name,
 * one gets EEXIST.  On failure the segment is abandoned.
 */
SHMU_API int shmu_segment_publish(struct shmu_segment *seg,
    const struct shmu_spec *spec);

/* Give up what was begun and not published; seg is closed. */
SHMU_API void shmu_segment_abandon(struct shmu_segment *seg);

/* Begin and publish. */
SHMU_API int shmu_segment_create(struct shmu_segment *seg,
    const struct shmu_operand *op, const struct shmu_spec *spec);

/* What a handle is opened for. */
enum shmu_access {
	SHMU_LOOK,	/* to stat and to change mode or owner: no permission
			 * asked */
	SHMU_READ,
	SHMU_WRITE	/* and read, and resize */
};

/*
 * Open what exists, at least for access.  POSIX: symbolic links
 * are not followed (ELOOP).  What is a directory (EISDIR) or otherwise no
 * regular file (ENODEV) is refused, as is an object with a second name
 * (EMLINK). SHMU_FILE follows links and takes files with several names.
 * SHMU_PIDFD: ESRCH without the process, EBADF without the descriptor, ESTALE
 * when it changed meanwhile; needs ptrace-read permission (EACCES).  System V
 * asks for nothing here: EACCES comes when it is mapped.
 */
SHMU_API int shmu_segment_open(struct shmu_segment *seg,
    const struct shmu_operand *op, enum shmu_access access);

/*
 * Map len bytes at off, shared; off and len need no alignment.  prot as
 * mmap(2).  System V is attached whole, and off and len choose within.
 * EINVAL when already mapped, ERANGE when the range is not within the segment.
 * base and length tell where it is.
 */
SHMU_API int shmu_segment_map(struct shmu_segment *seg, uint64_t off,
    size_t len, int prot);

/*
 * The same for what will grow: the range may reach beyond the end of a POSIX
 * object or file.  To touch what is not there is SIGBUS until somebody has
 * resized it, and then works without mapping anew.  System V, which never
 * grows, is ERANGE as above.
 */
SHMU_API int shmu_segment_map_ahead(struct shmu_segment *seg, uint64_t off,
    size_t len, int prot);

/* Unmap; nothing when not mapped. */
SHMU_API void shmu_segment_unmap(struct shmu_segment *seg);

/* Unmap and close; the segment itself stays.  Closing twice does nothing. */
SHMU_API void shmu_segment_close(struct shmu_segment *seg);

/* Fill info.  A System V segment that may not be read is looked up in the
 * kernel's list instead; EACCES where there is none (before Linux 4.17). */
SHMU_API int shmu_segment_stat(struct shmu_segment *seg,
    struct shmu_info *info);

/* Change the permission bits; uid or gid -1 leaves that one.  EPERM. */
SHMU_API int shmu_segment_set_mode(struct shmu_segment *seg, mode_t mode);
SHMU_API int shmu_segment_set_owner(struct shmu_segment *seg, uid_t uid,
    gid_t gid);

/*
 * Change the size of a POSIX object or file; what is mapped beyond a smaller
 * size is SIGBUS for whoever touches it.  Growth is allocated unless sparse.
 * System V is EOPNOTSUPP, as is a filesystem that cannot allocate; ENOSPC
 * leaves the old size; EPERM: the seals of a memfd.
 */
SHMU_API int shmu_segment_resize(struct shmu_segment *seg, uint64_t size,
    int sparse);

/* SHM_LOCK or SHM_UNLOCK of a System V segment; others EOPNOTSUPP. */
SHMU_API int shmu_segment_lock(struct shmu_segment *seg, int locked);

/*
 * Remove the name or key of op; the memory goes with its last user.  With
 * expect, what is there must still be what that described (creator, ctime, key
 * and size; or device, inode and kind), or nothing is done: ESTALE.  ENOENT or
 * EINVAL when it is gone, EPERM or EACCES when it is another's, EOPNOTSUPP for
 * SHMU_PIDFD.
 */
SHMU_API int shmu_segment_remove(const struct shmu_operand *op,
    const struct shmu_info *expect);

/*
 * Copy between a mapping that a peer may truncate and memory of the caller,
 * through the kernel: where plain access would die of SIGBUS or SIGSEGV this is
 * -1 with EFAULT, and *done, if not NULL, says how many bytes were copied.
 * About 3 us a call, so copy in large pieces.
 */
SHMU_API int shmu_segment_copy(void *to, const void *from, size_t len,
    size_t *done);

SHMU_END

#endif
