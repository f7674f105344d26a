/* SPDX-License-Identifier: MIT */
/*
 * cut.h - an operation on a heap, or on what stands on one, cut everywhere
 *
 * The operation is run instruction by instruction.  Whenever the segment has
 * changed, a copy of it is what a kill at that instant would have left: it is
 * recovered, and must then hold what it held before the operation or after it.
 * One of so many of these states is recovered by a second handle, and that is
 * cut at every instruction in turn.
 */
#ifndef CUT_H
#define CUT_H

#include "heap-state.h"

enum cut_when { CUT_BEFORE, CUT_AFTER, CUT_NOW, CUT_TIMES };

/* What is cut.  The first members are the caller's, the others are counted. */
struct cut {
	struct shmu_heap	*heap;
	unsigned long		 every;	/* of so many states one */
	/* Recover the image and note what is in it; its flaws. */
	int			(*recover)(unsigned char *image,
				    enum cut_when when);
	/* Whether what is there now was there then, and all three in words. */
	bool			(*same)(enum cut_when then);
	void			(*show)(void);
	/* Attach the second handle to a copy of start, and let go of it. */
	struct shmu_heap	*(*attach)(const unsigned char *start);
	void			(*detach)(void);
	struct shmu_heap	*rescuer;
	unsigned long		 states, rescues, cuts;
	int			 bad;
};

/* Cut op: 0, or -1 where no process may be traced.  Fails the test. */
int cut_all(struct cut *c, void (*op)(void *));

#endif
