/* SPDX-License-Identifier: MIT */
/*
 * inventory.h - every segment of the machine, and who holds it
 *
 * System V segments come from /proc/sysvipc/shm (from shmctl(SHM_STAT_ANY)
 * where there is no /proc), POSIX objects from their directory, and holders
 * from one pass over the maps and descriptors of all processes, however many
 * segments there are.  What a row points to belongs to the inventory.
 */
#ifndef INVENTORY_H
#define INVENTORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shmutil/segment.h"

/* One process that has a segment. */
struct holder {
	pid_t	pid;
	char	command[32];	/* as the kernel has it: to be escaped */
	int	mapped;		/* 0: only open */
	int	writable;	/* mapped or open for writing */
};

enum state {
	STATE_LIVE,		/* somebody holds it */
	STATE_UNUSED,		/* nobody does, seen with a complete view */
	STATE_ORPHAN,		/* unused and old enough; System V: and its
				 * creator is proven dead */
	STATE_UNKNOWN,		/* not everything could be seen */
	STATE_DEST,		/* removed, and goes with its last holder */
	STATE_UNFINISHED,	/* what a killed creation left */
	STATE_FOREIGN		/* in the directory, but no shared memory */
};

struct row {
	struct shmu_info	 info;
	char			*name;		/* POSIX: without the slash */
	char			*path;		/* file */
	mode_t			 type;		/* S_IFMT bits; 0: System V */
	int			 has_rss;
	uint64_t		 rss, swap;	/* bytes */
	struct holder		*holders;
	size_t			 nholders;
	enum state		 state;
};

struct inventory {
	struct row	*rows;
	size_t		 n, room;
	int		 partial;	/* some processes could not be seen: */
	size_t		 unseen;	/* how many of those listed, */
	pid_t		 unseen_pid;	/* and one of them */
	double		 age;		/* seconds unused, to be an orphan */
};
#define INVENTORY_INIT	{ NULL, 0, 0, 0, 0, 0, 4 * 3600.0 }

/* Add all System V segments, all entries of the POSIX directory.  0, or -1
 * with errno. */
int inventory_sysv(struct inventory *inv);
int inventory_posix(struct inventory *inv);

/* Add the one segment that op means; fails as shmu_segment_open and stat. */
int inventory_one(struct inventory *inv, const struct shmu_operand *op);

/* Find who holds each row, then decide each row's state.  0, or -1 with errno. */
int inventory_holders(struct inventory *inv);

/* Ask the page cache how much of each POSIX row is in RAM. */
void inventory_resident(struct inventory *inv);

/* The word for a state; and the reason for a row's, as one sentence. */
const char *inventory_state(enum state state);
const char *inventory_why(const struct inventory *inv, const struct row *row,
    char *buf, size_t size);

/* "process 1 cannot be seen": why an inventory is partial. */
const char *inventory_partial(const struct inventory *inv, char *buf,
    size_t size);

/* "812 sleep, 813 cat": the holders of a row, escaped, cut at size. */
const char *inventory_who(const struct row *row, char *buf, size_t size);

/* The operand that means this row. */
void inventory_operand(const struct row *row, struct shmu_operand *op);

/* The newest of the times a row was used at. */
time_t inventory_last_use(const struct shmu_info *info);

void inventory_free(struct inventory *inv);

#endif
