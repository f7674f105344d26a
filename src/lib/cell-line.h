/* SPDX-License-Identifier: MIT */
/*
 * cell-line.h - who has a place of a lock or a semaphore, and who waits in line
 *
 * All with the bucket held.
 */
#ifndef SHMU_LIB_CELL_LINE_H
#define SHMU_LIB_CELL_LINE_H

#include "cell-private.h"

#define LINE_NONE	UINT64_MAX

/* Who is there, as seen by one. */
struct line {
	uint64_t	*holders, *tickets;
	uint64_t	 holder_room, ticket_room;
	uint64_t	 held, ahead;		/* how many */
	uint64_t	 holder, before;	/* one of each, or 0 */
	uint64_t	 place, ticket;		/* a free place, my ticket; or
						 * LINE_NONE */
	bool		 exclusive, exclusive_ahead;
	bool		 mine;			/* the party has a place */
};

/* See who is there, for the party that me waits for. */
void shmu_t_line(const struct cell *c, struct cell_places *p, uint64_t party,
    uint64_t me, struct line *l);

/* Nobody of an earlier start of the machine has or wants anything. */
void shmu_t_line_renew(const struct cell *c, struct cell_places *p);

/* A free place: 0, with l->place, or -1. */
int shmu_t_line_place(const struct cell *c, struct cell_places *p,
    struct line *l);

/* Stand at the end, as ticket says, unless one is there already.  Where there
 * is no room one waits out of order until there is. */
void shmu_t_line_up(const struct cell *c, struct cell_places *p,
    struct line *l, uint64_t ticket);

/* Leave it: true if who was in it. */
bool shmu_t_line_drop(struct line *l, uint64_t who);

/* Pass over who has that ticket from now on. */
void shmu_t_line_pass(struct line *l, uint64_t ticket);

/* who is dead: true if he had a place or a ticket. */
bool shmu_t_line_bury(struct cell_places *p, struct line *l, uint64_t who);

#endif
