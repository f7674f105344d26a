/* SPDX-License-Identifier: MIT */
/*
 * view.h - walk through a segment of any size in bounded memory
 *
 * What has a descriptor is mapped a window at a time.  System V can only be
 * attached whole, so there the pages behind are dropped from this process
 * instead; the segment keeps them.  Bytes are moved by system calls only
 * (read, write, shmu_segment_copy): a segment cut short by somebody else, or a
 * protection that forbids the access, is then EFAULT and not a signal.
 */
#ifndef VIEW_H
#define VIEW_H

#include "shmutil/segment.h"

#define VIEW_WINDOW	((size_t)16 << 20)

struct view {
	struct shmu_segment	*seg;
	int			 prot;
	/* Called after each mapping; 0, or -1 with errno, ECANCELED when it has
	 * said why itself.  May be NULL. */
	int			(*mapped)(struct shmu_segment *, void *);
	void			*arg;
	uint64_t		 from;	/* of the window now mapped */
	uint64_t		 size;	/* of the segment, as it was at first */
};

/* Begin; stats the segment.  0, or -1 with errno. */
int view_begin(struct view *v, struct shmu_segment *seg, int prot);

/*
 * The bytes at off, *len of them at most, *len cut to what the window has.
 * NULL with errno when it cannot be mapped; ERANGE: off is at the end or
 * beyond.
 */
void *view_at(struct view *v, uint64_t off, size_t *len);

/* End; the segment stays open. */
void view_end(struct view *v);

/*
 * Find what is stored at off or behind: [*from, *to), and 0; or 1 when all is
 * zero up to size.  Holes of a file are skipped, as are pages of a System V
 * segment that were never written, where the kernel tells.  Reading a hole
 * through a mapping would allocate it.
 */
int view_live(struct view *v, uint64_t off, uint64_t *from, uint64_t *to);

#endif
