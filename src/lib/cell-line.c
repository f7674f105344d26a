/* SPDX-License-Identifier: MIT */
/*
 * cell-line.c - see cell-line.h
 *
 * Tickets are moved by a copy before the old one is cleared, so a death can
 * leave one twice: all of a thread's count as its own.
 */
#include "config.h"

#include "cell-line.h"

#define HOLDERS_FIRST	2U
#define TICKETS_FIRST	8U

static void
survey_holders(struct line *l, uint64_t party)
{
	uint64_t i, word;

	l->place = LINE_NONE;
	for (i = 0; i < l->holder_room; i++) {
		word = LOAD(&l->holders[i]);
		if (word == 0) {
			if (l->place == LINE_NONE)
				l->place = i;
			continue;
		}
		l->held++;
		l->holder = word;
		l->exclusive |= (word & CELL_SHARED) == 0;
		l->mine |= (word & CELL_WHO) == party;
	}
}

static void
survey_tickets(struct line *l, uint64_t me)
{
	uint64_t i, word;

	l->ticket = LINE_NONE;
	for (i = 0; i < l->ticket_room; i++) {
		word = LOAD(&l->tickets[i]);
		if ((word & CELL_WHO) == me) {
			l->ticket = i;
			break;
		}
		if (word == 0 || (word & CELL_IDLE) != 0)
			continue;
		if (l->before == 0)
			l->before = word;
		l->ahead++;
		l->exclusive_ahead |= (word & CELL_SHARED) == 0;
	}
}

void
shmu_t_line(const struct cell *c, struct cell_places *p, uint64_t party,
    uint64_t me, struct line *l)
{
	*l = (struct line){ 0 };
	l->holders = shmu_t_array(c, &p->holders, sizeof *l->holders,
	    &l->holder_room);
	l->tickets = shmu_t_array(c, &p->tickets, sizeof *l->tickets,
	    &l->ticket_room);
	survey_holders(l, party);
	survey_tickets(l, me);
}

void
shmu_t_line_renew(const struct cell *c, struct cell_places *p)
{
	uint64_t *words, room, i;

	if (!shmu_t_stale(c, &p->head))
		return;
	words = shmu_t_array(c, &p->holders, sizeof *words, &room);
	for (i = 0; i < room; i++)
		RELEASE(&words[i], 0);
	words = shmu_t_array(c, &p->tickets, sizeof *words, &room);
	for (i = 0; i < room; i++)
		RELEASE(&words[i], 0);
	shmu_t_fresh(c, &p->head);
}

int
shmu_t_line_place(const struct cell *c, struct cell_places *p, struct line *l)
{
	if (l->place != LINE_NONE)
		return 0;
	l->place = l->holder_room;
	if (shmu_t_array_more(c, &p->holders, sizeof *l->holders,
	    HOLDERS_FIRST, SHMU_CELL_PLACES) == -1)
		return -1;
	l->holders = shmu_t_array(c, &p->holders, sizeof *l->holders,
	    &l->holder_room);
	if (l->place < l->holder_room)
		return 0;
	errno = EBADMSG;
	return -1;
}

/* Move the tickets to the front: how many there are. */
static uint64_t
close_ranks(struct line *l)
{
	uint64_t from, to = 0, word;

	for (from = 0; from < l->ticket_room; from++) {
		word = LOAD(&l->tickets[from]);
		if (word == 0)
			continue;
		if (from != to) {
			RELEASE(&l->tickets[to], word);
			RELEASE(&l->tickets[from], 0);
		}
		to++;
	}
	return to;
}

void
shmu_t_line_up(const struct cell *c, struct cell_places *p, struct line *l,
    uint64_t ticket)
{
	uint64_t n = l->ticket_room;

	if (l->ticket != LINE_NONE) {
		if (LOAD(&l->tickets[l->ticket]) != ticket)
			RELEASE(&l->tickets[l->ticket], ticket);
		return;
	}
	while (n > 0 && LOAD(&l->tickets[n - 1]) == 0)
		n--;
	if (n == l->ticket_room)
		n = close_ranks(l);
	if (n == l->ticket_room &&
	    shmu_t_array_more(c, &p->tickets, sizeof *l->tickets,
	    TICKETS_FIRST, SHMU_CELL_PLACES) == 0)
		l->tickets = shmu_t_array(c, &p->tickets, sizeof *l->tickets,
		    &l->ticket_room);
	if (n < l->ticket_room)
		RELEASE(&l->tickets[n], ticket);
}

bool
shmu_t_line_drop(struct line *l, uint64_t who)
{
	bool any = false;
	uint64_t i;

	for (i = 0; i < l->ticket_room; i++)
		if ((LOAD(&l->tickets[i]) & CELL_WHO) == who) {
			RELEASE(&l->tickets[i], 0);
			any = true;
		}
	return any;
}

void
shmu_t_line_pass(struct line *l, uint64_t ticket)
{
	uint64_t i;

	for (i = 0; i < l->ticket_room; i++)
		if (LOAD(&l->tickets[i]) == ticket)
			RELEASE(&l->tickets[i], ticket | CELL_IDLE);
}

/* Who died is known before the place is free. */
bool
shmu_t_line_bury(struct cell_places *p, struct line *l, uint64_t who)
{
	bool any = false;
	uint64_t i;

	for (i = 0; i < l->holder_room; i++)
		if ((LOAD(&l->holders[i]) & CELL_WHO) == who) {
			RELEASE(&p->head.dead, who);
			RELEASE(&l->holders[i], 0);
			any = true;
		}
	return shmu_t_line_drop(l, who) || any;
}
