/* SPDX-License-Identifier: MIT */
/*
 * inventory.h - every segment of the machine, and who holds it
 *
 * An inventory is a list that is taken once: what the kernel lists as System V
 * segments, what the directory of POSIX objects has, and what is only found at
 * the processes that hold it: objects without a name, memfds, and anonymous
 * shared memory.  Each process is looked at once, however many segments there
 * are.  From that follows the state of each, and why.
 *
 * Errors: int functions return 0, or -1 with errno set; nothing here prints,
 * exits or touches a signal.  Sizes are bytes.  Threads: one inventory, one
 * thread at a time.  Fork: a child has a copy.  Crash: nothing is left behind.
 * Linux only.  The machine goes on meanwhile: what came or went during the look
 * may be there or not, but every item was there at some instant of it.
 */
#ifndef SHMUTIL_INVENTORY_H
#define SHMUTIL_INVENTORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "shmutil/segment.h"

SHMU_BEGIN

/* What an item is. */
enum shmu_item_kind {
	SHMU_ITEM_SYSV,		/* System V segment */
	SHMU_ITEM_POSIX,	/* POSIX object, or another entry of its
				 * directory */
	SHMU_ITEM_MEMFD,	/* memfd_create(2) */
	SHMU_ITEM_ANON,		/* anonymous memory, mapped shared */
	SHMU_ITEM_FILE		/* regular file */
};

/* What is known of the use of an item; the first that applies. */
enum shmu_state {
	SHMU_STATE_FOREIGN,	/* in the directory, but no shared memory */
	SHMU_STATE_DEST,	/* System V, removed: goes with its last
				 * holder */
	SHMU_STATE_UNLINKED,	/* POSIX or file without a name: likewise */
	SHMU_STATE_LIVE,	/* somebody holds it */
	SHMU_STATE_UNKNOWN,	/* nobody seen does, but not all can be seen */
	SHMU_STATE_UNFINISHED,	/* what a killed creation left */
	SHMU_STATE_ORPHAN,	/* nobody holds it or will: see
				 * shm-segment(7) */
	SHMU_STATE_UNUSED	/* nobody holds it */
};
#define SHMU_STATES	8

#define SHMU_COMMAND	16

/* One process that has an item. */
struct shmu_holder {
	pid_t		pid;
	uint64_t	start;		/* clock ticks after the machine's
					 * start */
	char		command[SHMU_COMMAND];	/* any bytes: to be escaped */
	int		mapped;		/* 0: only open */
	int		writable;	/* mapped or open for writing */
	int		fd;		/* a descriptor of it in that process,
					 * or -1 */
};

/* Members of an item that may be unknown. */
#define SHMU_KNOWN_SIZE		1U	/* size; otherwise it is at least
					 * that */
#define SHMU_KNOWN_ALLOCATED	2U	/* info.allocated */
#define SHMU_KNOWN_RESIDENT	4U	/* resident and swapped */
#define SHMU_KNOWN_OWNER	8U	/* uid, gid, mode and the times */

/*
 * One segment.  It and what it points to belong to the inventory.  info is as
 * shmu_segment_stat has it, but that allocated is told of System V as well.
 */
struct shmu_item {
	enum shmu_item_kind	 kind;
	enum shmu_state		 state;
	struct shmu_info	 info;
	unsigned int		 known;		/* SHMU_KNOWN_* */
	mode_t			 type;		/* S_IFMT bits; System V: 0 */
	uint64_t		 resident, swapped;
	uint64_t		 page;		/* size of its pages; 0:
						 * unknown */
	const char		*name;		/* any bytes: POSIX, without the
						 * slash; memfd; file, its path;
						 * NULL: none */
	const struct shmu_holder *holders;
	size_t			 nholders;
	pid_t			 via_pid;	/* where it was opened or can
						 * be, */
	int			 via_fd;	/* or -1 */
	uint32_t		 format;	/* enum shmu_format, 0: none of
						 * ours */
	uint32_t		 layout;	/* of that format */
	int			 looked;	/* private: 1 format was looked
						 * for */
	int			 proof;		/* private */
	size_t			 last;		/* private */
};

/* What is asked for. */
#define SHMU_INVENTORY_ANON	1U	/* anonymous memory too */
#define SHMU_INVENTORY_RESIDENT	2U	/* what is in RAM, of every item */
#define SHMU_INVENTORY_FORMAT	4U	/* the format of every item */
#define SHMU_INVENTORY_PROVE	8U	/* ask the kernel of every one, see
					 * look */
#define SHMU_INVENTORY_OTHERS	16U	/* the caller counts as no holder */
#define SHMU_INVENTORY_NO_LEASE	32U	/* ask the kernel of none */

struct shmu_inventory_spec {
	unsigned int	want;		/* SHMU_INVENTORY_* */
	double		age;		/* seconds unused that make an orphan */
	pid_t		ns;		/* list the namespaces of this process; 0:
					 * the caller's */
};
#define SHMU_INVENTORY_SPEC_INIT	{ 0, 4 * 3600.0, 0 }

struct shmu_inventory;

/*
 * A new, empty inventory; free it with shmu_inventory_free.  With spec->ns, all
 * that follows is of the namespaces of that process: the POSIX objects through
 * its root directory, System V through a child that enters its ipc namespace
 * and nothing else (a child of the caller, waited for before the return).
 * NULL with ENOMEM; ESRCH, EACCES or EPERM when there is no such process, or
 * the caller may not look (CAP_SYS_PTRACE, CAP_SYS_ADMIN).
 */
SHMU_API struct shmu_inventory *shmu_inventory_new(
    const struct shmu_inventory_spec *spec);
SHMU_API void shmu_inventory_free(struct shmu_inventory *inv);

/*
 * Add all System V segments and all entries of the POSIX directory.  System V
 * is read from /proc/sysvipc/shm, and where there is none from
 * shmctl(SHM_STAT_ANY), which does not tell what is resident.
 * ENOMEM; EACCES where the directory is closed.
 */
SHMU_API int shmu_inventory_all(struct shmu_inventory *inv);

/*
 * Add the one segment that op means.  Fails as shmu_segment_open; EINVAL when
 * there is no System V segment with that id.  The text of op is copied.
 */
SHMU_API int shmu_inventory_add(struct shmu_inventory *inv,
    const struct shmu_operand *op);

/*
 * Look at every process, once: find the holders of what was added and, after
 * shmu_inventory_all, what has no name; then decide the states.
 *
 * Where not every process can be seen, the kernel itself is asked whether a
 * POSIX object of the caller (or any, with CAP_LEASE) is held by anybody,
 * anywhere: it grants a write lease, fcntl(F_SETLEASE), only if not.  The lease
 * is given back at once; who opens the object in that microsecond waits for it,
 * and the caller may get a SIGURG then, which is ignored unless it is caught.
 * Of more than 256 objects only those old enough to be an orphan are asked
 * about, all of them with SHMU_INVENTORY_PROVE, none with NO_LEASE.
 *
 * No time of a segment is changed: System V segments are not attached, objects
 * are read with O_NOATIME or not at all.  ENOMEM.
 */
SHMU_API int shmu_inventory_look(struct shmu_inventory *inv);

/* The items, *n of them; valid until the inventory is added to or freed. */
SHMU_API const struct shmu_item *shmu_inventory_items(
    const struct shmu_inventory *inv, size_t *n);

/*
 * Why not everything could be seen, as a phrase such as "3 processes cannot be
 * seen, among them 812"; NULL when everything could.  *nameless, unless it is
 * NULL, says whether items without a name may be missing, and not only holders.
 */
SHMU_API const char *shmu_inventory_missing(const struct shmu_inventory *inv,
    char *buf, size_t size, int *nameless);

/* How many of the processes listed could not be looked at. */
SHMU_API size_t shmu_inventory_unseen(const struct shmu_inventory *inv);

/* One step of the rule that made the state: what was found, as a sentence, and
 * whether it speaks for removing the segment. */
#define SHMU_REASONS	8
#define SHMU_REASON_TEXT	192
struct shmu_reason {
	int	yes;
	char	text[SHMU_REASON_TEXT];
};

/* The reasons for the state of item, in the order of the rule, the deciding one
 * last; how many. */
SHMU_API size_t shmu_inventory_why(const struct shmu_inventory *inv,
    const struct shmu_item *item, struct shmu_reason reasons[SHMU_REASONS]);

/* The word for a state: "live". */
SHMU_API const char *shmu_state_word(enum shmu_state state);

/*
 * The operand that means item; op->path is the item's.  -1 with ENOENT when
 * there is none: it has no name, and nobody seen has a descriptor of it.
 */
SHMU_API int shmu_item_operand(const struct shmu_item *item,
    struct shmu_operand *op);

/* The newest of the times at which item was used: change, attach or read,
 * detach, write.  Access through a mapping leaves no time.  0: unknown. */
SHMU_API time_t shmu_item_used(const struct shmu_item *item);

/*
 * Remove what item was, if it still is: the same identity as
 * shmu_segment_remove checks, and, where held is 0, still without a holder.
 * System V: without an attachment, and of the formats of this library only what
 * is tied to a process proven dead.  POSIX: the write lease is had or, where it
 * cannot be asked for, it is the caller's word that nobody holds it.
 * ESTALE: it is not what it was; EBUSY: somebody holds it; EPERM and as
 * shmu_segment_remove.
 */
SHMU_API int shmu_item_remove(const struct shmu_item *item, int held);

SHMU_END

#endif
