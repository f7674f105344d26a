/* SPDX-License-Identifier: MIT */
/* look.h - what the parts of the inventory share; see shmutil/inventory.h */
#ifndef SHMU_LIB_LOOK_H
#define SHMU_LIB_LOOK_H

#include <sys/stat.h>

#include "shmutil/header.h"
#include "shmutil/inventory.h"

/* A holder that was found, before all of one item are put together. */
struct found {
	size_t			item;
	struct shmu_holder	holder;
};

struct shmu_inventory {
	struct shmu_inventory_spec spec;
	struct shmu_item	*items;
	size_t			 n, room;
	struct found		*found;
	size_t			 nfound, found_room;
	struct shmu_holder	*holders;	/* by item */
	struct names		*names;		/* what items are called */
	int			 all;		/* everything was asked for */
	int			 dir;		/* of POSIX objects, or -1 */
	dev_t			 dev;		/* it is on */
	int			 mount;		/* which is a filesystem of its
						 * own */
	time_t			 now;
	int			 looked;
	/* What could not be seen. */
	int			 hidden;	/* /proc hides processes, */
	int			 outside;	/* as does our pid namespace, */
	int			 no_proc;	/* or it is another's, or
						 * none */
	size_t			 unseen;	/* processes that refused */
	pid_t			 unseen_pid;	/* one of them */
	int			 retries;	/* left, see probe.c */
};

/* A new item, all zero but what cannot be; NULL with ENOMEM.  inv->items can
 * move. */
struct shmu_item *shmu_look_add(struct shmu_inventory *inv);

/* Keep len bytes of name with the inventory; NULL with ENOMEM. */
const char *shmu_look_keep(struct shmu_inventory *inv, const char *name,
    size_t len);

/* Add all System V segments. */
int shmu_look_sysv(struct shmu_inventory *inv);

/* Find what of every item is in RAM. */
void shmu_look_resident(struct shmu_inventory *inv);

/* Where the namespaces of spec->ns are: the directory of POSIX objects, or -1
 * with errno; and a descriptor to read the System V list from, of which child,
 * to be waited for, writes what it reads there. */
int shmu_elsewhere_dir(pid_t pid);
int shmu_elsewhere_sysv(pid_t pid, pid_t *child);

/* Wait for that child; 0, or -1 with the errno it ended by. */
int shmu_elsewhere_wait(pid_t child);

/* "812/fd", of /proc: what is made for every process is not made by printf. */
#define SHMU_PROC_PATH	40
const char *shmu_proc_path(char buf[SHMU_PROC_PATH], pid_t pid,
    const char *file);

/* One shared mapping of a process. */
struct shmu_map {
	uint64_t	start, end;	/* addresses */
	uint64_t	offset;		/* in the file */
	uint64_t	page;		/* size of its pages, 0 unknown */
	ino_t		ino;
	dev_t		dev;
	int		writable;
	char		name[4200];	/* with " (deleted)" behind it; may be
					 * cut */
};

/*
 * Call each for the shared mappings of pid, until it returns -1.  *text is 0 at
 * first, and becomes 1 where the kernel must be read as text.  0; 1 when it has
 * no memory, so nothing else either: a thread of the kernel, or dead; or -1
 * with the errno of each, or of /proc.
 */
int shmu_maps(int proc, pid_t pid, int *text, struct shmu_map *map,
    int (*each)(void *, const struct shmu_map *), void *arg);

/* See what can be seen from here: before the look at processes. */
void shmu_look_place(struct shmu_inventory *inv);

/* Find all holders.  0, or -1 with ENOMEM. */
int shmu_look_holders(struct shmu_inventory *inv);

/* Whether every process that could hold something was seen. */
int shmu_look_complete(const struct shmu_inventory *inv);

/* Seconds since the last use; whether somebody is known to hold it. */
double shmu_look_idle(const struct shmu_inventory *inv,
    const struct shmu_item *item);
int shmu_look_held(const struct shmu_item *item);

/* Decide every state. */
void shmu_judge(struct shmu_inventory *inv);

/* What became of asking the kernel: item.proof. */
enum {
	PROOF_NONE,		/* not asked */
	PROOF_FREE,		/* nobody has it open or mapped */
	PROOF_HELD,		/* somebody has */
	PROOF_REFUSED		/* it does not answer: not ours, or no leases */
};

/* What became of looking for a header: item.looked. */
enum {
	HEADER_NOT_LOOKED,
	HEADER_NONE,		/* none of ours */
	HEADER_FOREVER,		/* tied to no process */
	HEADER_ALIVE,		/* its owner is not proven dead */
	HEADER_DEAD,		/* it is */
	HEADER_UNFINISHED,	/* the builder died */
	HEADER_ODD,		/* ours, but it cannot be read here */
	HEADER_REFUSED		/* it may not be read without changing times */
};

/* Ask, with lease, whether item is held; look, with header, for one. */
void shmu_probe(struct shmu_inventory *inv, struct shmu_item *item, int lease,
    int header);

/* The lease on fd: a PROOF.  It is kept while fd is open. */
int shmu_probe_lease(int fd, int *retries);

/* What the header in page, of an object of size bytes, says: a HEADER. */
int shmu_probe_header(const struct shmu_header *page, uint64_t size,
    struct shmu_item *item);

/* How sure it is that the creator of a System V segment is dead. */
enum creator {
	CREATOR_DEAD,
	CREATOR_ALIVE,
	CREATOR_LATER,		/* its number is one's that started later */
	CREATOR_UNSEEN
};
enum creator shmu_creator(const struct shmu_inventory *inv,
    const struct shmu_info *info);

#endif
