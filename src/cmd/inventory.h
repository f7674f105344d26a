/* SPDX-License-Identifier: MIT */
/*
 * inventory.h - every segment of the machine, and who holds it
 *
 * System V segments come from /proc/sysvipc/shm (from shmctl(SHM_STAT_ANY)
 * where there is no /proc), POSIX objects from their directory, and holders
 * from one pass over the maps and descriptors of all processes, however many
 * segments there are.  Rows belong to the inventory until inventory_free.
 */
#ifndef INVENTORY_H
#define INVENTORY_H

#include <stdint.h>
#include <sys/types.h>

#include "shmutil/segment.h"

/* One process that has a segment. */
struct holder {
	pid_t		 pid;
	char		 command[64];	/* as the kernel knows it; not escaped */
	int		 mapped;	/* 0: only open */
	int		 writable;	/* mapped or open for writing */
};

enum state {
	STATE_LIVE,		/* somebody holds it */
	STATE_UNUSED,		/* nobody does, seen with a complete view */
	STATE_ORPHAN,		/* unused, old enough, its makers proven dead */
	STATE_UNKNOWN,		/* not everything could be seen */
	STATE_DEST,		/* removed, and goes with its last holder */
	STATE_UNLINKED,		/* the same of a POSIX object */
	STATE_UNFINISHED,	/* what a killed creation left */
	STATE_FOREIGN		/* in the directory, and no shared memory */
};

struct row {
	struct shmu_info	 info;
	struct shmu_operand	 op;
	const char		*what;		/* of a foreign row: "directory" */
	int			 has_rss;
	uint64_t		 rss, swap;	/* bytes */
	struct holder		*holders;
	size_t			 nholders;
	enum state		 state;
	char			 why[160];	/* the reason for state */
};

struct inventory {
	struct row	*rows;
	size_t		 n, room;
	int		 partial;	/* holders of some processes unseen */
	size_t		 unseen;	/* how many processes */
};
#define INVENTORY_INIT	{ NULL, 0, 0, 0, 0 }

/* Add all System V segments, all entries of the POSIX directory.  0, or -1
 * with errno. */
int inventory_sysv(struct inventory *inv);
int inventory_posix(struct inventory *inv);

/* Add the one segment that op means, or fail as shmu_segment_open and stat. */
int inventory_one(struct inventory *inv, const struct shmu_operand *op);

/* Find who holds each row, and the objects without a name that processes hold;
 * these become rows when unlinked is set.  0, or -1 with ENOMEM. */
int inventory_holders(struct inventory *inv, int unlinked);

/* Decide each row's state and reason; age, in seconds, is how long ago the
 * last use of an orphan must be. */
void inventory_judge(struct inventory *inv, double age);

const char *inventory_state(enum state state);

void inventory_free(struct inventory *inv);

#endif
