/* SPDX-License-Identifier: MIT */
/* attach.h - what the verbs of shm-attach share */
#ifndef ATTACH_H
#define ATTACH_H

#include <stddef.h>
#include <stdint.h>

#include "mapping.h"
#include "shmutil/segment.h"
#include "view.h"

/* What the options said, and the segment. */
struct attach {
	const char		*text;		/* the operand as typed */
	struct shmu_operand	 op;
	struct shmu_segment	 seg;
	struct view		 view;
	uint64_t		 length;	/* --length, or the size */
	int			 has_length;
	int			 readonly;
	struct mapping		 asked;
	int			 all;
	uint64_t		 count;		/* 0: no limit */
	double			 limit;		/* seconds, negative: none */
	double			 interval;	/* seconds */
};

/* Each verb gets its operands after SEGMENT, which are known to be of the right
 * form, and returns an exit status.  The view has begun; the verb chooses what
 * is mapped. */
typedef int attach_verb(struct attach *, char *argv[]);

attach_verb attach_read, attach_write, attach_fill;	/* attach-copy.c */
attach_verb attach_dump, attach_diff, attach_watch;	/* attach-show.c */
attach_verb attach_hold, attach_run;			/* attach-hold.c */

/* Open a->text and begin the view; prot is what the verb needs. */
int attach_open(struct attach *a, int prot);

/* Map all of it, with the options applied. */
int attach_map(struct attach *a);

/* The range [OFF [LEN]] of argv; LEN defaults to the rest.  A range that is not
 * within the segment is EXIT_NO. */
int attach_range(struct attach *a, char *argv[], uint64_t *off, uint64_t *len);

/* Map the window of an offset even if nothing is stored there, so that what
 * the options ask of a mapping is done or refused. */
int attach_touch(struct attach *a, uint64_t off, uint64_t len);

/* Say that something does not fit, with the sizes. */
int attach_no_room(const struct attach *a, const char *what, uint64_t len,
    uint64_t off);

#endif
