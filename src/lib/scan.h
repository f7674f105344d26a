/* SPDX-License-Identifier: MIT */
/* scan.h - one look at every process, within the inventory */
#ifndef SHMU_LIB_SCAN_H
#define SHMU_LIB_SCAN_H

#include "look.h"

#define DELETED	" (deleted)"

struct scan {
	struct shmu_inventory	*inv;
	uint32_t		*slots;		/* hash: item + 1; 0: free */
	size_t			 mask, used;
	int			 proc;
	int			 as_text;
	pid_t			 pid;		/* the process being read: */
	int			 same_ns;	/* -1: not looked at yet */
	char			 ipc[40];	/* the ipc namespace listed, or
						 * "" */
	int			 named;		/* start and command are
						 * known */
	uint64_t		 start;
	char			 command[SHMU_COMMAND];
	struct shmu_map		 map;
};

/* Put every item into a table with room for more; 0, or -1 with ENOMEM. */
int shmu_scan_index(struct scan *s);

/* The item of an inode, or of the id of a System V segment: its index + 1; 0:
 * none. */
size_t shmu_scan_find(const struct scan *s, int sysv, dev_t dev, ino_t ino);

/* Add what has no name and was found at the process being read, called text by
 * the kernel; its index + 1, 0 when it is nothing to list, SIZE_MAX: ENOMEM. */
size_t shmu_scan_discover(struct scan *s, const char *text, dev_t dev,
    ino_t ino);

/* Note that the process being read holds an item; 0, or -1 with ENOMEM. */
int shmu_scan_note(struct scan *s, size_t at, int mapped, int writable, int fd);

/* Put the holders of each item together; 0, or -1 with ENOMEM. */
int shmu_scan_gather(struct scan *s);

#endif
