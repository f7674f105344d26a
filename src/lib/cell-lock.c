/* SPDX-License-Identifier: MIT */
/*
 * cell-lock.c - locks and semaphores
 *
 * Both are places with a record of who has each.  A lock that is not shared
 * takes them all.  Who has to wait draws a ticket, and has its turn when no
 * ticket before it could need what is free.  A ticket counts for nothing more
 * when its thread is dead, and is passed over, but kept, when its thread is
 * stopped or has not come for a whole slice.
 *
 * The store of a holder's word is what takes and what gives back.
 */
#include "config.h"

#include "cell-line.h"

#define LATE	100000000L	/* a slice, in nanoseconds, to miss a turn in */

struct place_wait {
	struct cell_wait	 w;
	enum shmu_cell_type	 type;
	uint64_t		 count;
	uint64_t		 shared;	/* CELL_SHARED, or 0 */
	uint64_t		 turns;
	bool			 begun;
};

/* Whether, but for those before in the line, there is a place. */
static bool
vacant(const struct cell_places *p, const struct place_wait *pw,
    const struct line *l)
{
	if (pw->type == SHMU_CELL_SEMAPHORE)
		return l->held < LOAD(&p->count);
	if (pw->shared != 0)
		return !l->exclusive && l->held < SHMU_CELL_PLACES;
	return l->held == 0;
}

static bool
my_turn(const struct cell_places *p, const struct place_wait *pw,
    const struct line *l)
{
	if (!vacant(p, pw, l))
		return false;
	if (pw->type == SHMU_CELL_SEMAPHORE)
		return l->held + l->ahead < LOAD(&p->count);
	return pw->shared != 0 ? !l->exclusive_ahead : l->ahead == 0;
}

static int
hold(struct cell *c, struct cell_places *p, struct place_wait *pw,
    struct line *l)
{
	if (shmu_t_line_place(c, p, l) == -1)
		return -1;
	pw->w.dead = LOAD(&p->head.dead);
	STORE(&p->head.turns, LOAD(&p->head.turns) + 1);
	RELEASE(&l->holders[l->place], pw->w.party | pw->shared);
	shmu_t_line_drop(l, pw->w.me);
	RELEASE(&p->head.dead, 0);
	return 1;
}

/* The number of places is what the first said, or who may change it. */
static int
agree(struct cell_places *p, struct place_wait *pw)
{
	bool resize = (pw->w.claim->flags & SHMU_CLAIM_RESIZE) != 0;

	bool first = !pw->begun;
	uint64_t count = LOAD(&p->count);

	if (pw->type != SHMU_CELL_SEMAPHORE)
		return 0;
	pw->begun = true;
	if (count == pw->count || (count != 0 && !first))
		return 0;
	if (count != 0 && !resize) {
		errno = ERANGE;
		return -1;
	}
	pw->w.changed = true;
	RELEASE(&p->count, pw->count);
	return 0;
}

static int
try(struct cell *c, struct cell_wait *w)
{
	struct place_wait *pw = (struct place_wait *)w;
	struct cell_places *p = shmu_t_open(c, pw->type, sizeof *p);
	struct line l;

	if (p == NULL || agree(p, pw) == -1)
		return -1;
	shmu_t_line_renew(c, p);
	shmu_t_line(c, p, w->party, w->me, &l);
	if (l.mine && pw->type == SHMU_CELL_LOCK) {
		errno = EDEADLK;
		return -1;
	}
	if (my_turn(p, pw, &l))
		return hold(c, p, pw, &l);
	w->holder = l.holder != 0 ? l.holder : l.before;
	pw->turns = LOAD(&p->head.turns);
	if ((w->claim->flags & SHMU_CLAIM_NOWAIT) == 0)
		shmu_t_line_up(c, p, &l, w->me | pw->shared);
	return 0;
}

/* Those who have the places, or those who come before where one is free. */
static uint32_t
suspects(struct cell *c, struct cell_wait *w, uint64_t *who)
{
	struct place_wait *pw = (struct place_wait *)w;
	struct cell_places *p = shmu_t_payload(c, pw->type, sizeof *p);
	uint64_t *words, n, i, now = shmu_t_now();
	uint32_t found = 0;
	struct line l;

	if (p == NULL)
		return 0;
	shmu_t_line(c, p, w->party, w->me, &l);
	words = l.holders;
	n = l.holder_room;
	if (vacant(p, pw, &l)) {
		words = l.tickets;
		n = l.ticket != LINE_NONE ? l.ticket : l.ticket_room;
	} else if (w->slept &&
	    now - LOAD(&p->head.looked) < (uint64_t)w->slice / 2000000) {
		return 0;	/* others have just looked */
	}
	STORE(&p->head.looked, now);
	for (i = 0; i < n && found < SHMU_CELL_PLACES; i++)
		if (LOAD(&words[i]) != 0)
			who[found++] = LOAD(&words[i]);
	return found;
}

static void
judged(struct cell *c, struct cell_wait *w, uint64_t who,
    enum shmu_fate fate)
{
	struct place_wait *pw = (struct place_wait *)w;
	struct cell_places *p = shmu_t_payload(c, pw->type, sizeof *p);
	struct line l;
	bool late;

	if (p == NULL)
		return;
	shmu_t_line(c, p, w->party, w->me, &l);
	late = w->slept && w->slice >= LATE &&
	    LOAD(&p->head.turns) == pw->turns;
	if (fate == SHMU_DEAD) {
		w->changed |= shmu_t_line_bury(p, &l, who & CELL_WHO);
	} else if (vacant(p, pw, &l) && (fate == SHMU_STOPPED || late)) {
		shmu_t_line_pass(&l, who);
		w->changed = true;
	}
}

static int
quit(struct cell *c, struct cell_wait *w)
{
	struct place_wait *pw = (struct place_wait *)w;
	struct cell_places *p = shmu_t_payload(c, pw->type, sizeof *p);
	struct line l;

	if (p == NULL)
		return 0;
	shmu_t_line(c, p, w->party, w->me, &l);
	w->changed = shmu_t_line_drop(&l, w->me);
	return 0;
}

static int
take(struct shmu_table *t, const void *key, size_t key_length,
    enum shmu_cell_type type, uint32_t count, struct shmu_claim *claim)
{
	struct place_wait pw = {
		.w = { .t = t, .key = key, .key_length = key_length,
		    .claim = claim, .try = try, .suspects = suspects,
		    .judged = judged, .quit = quit },
		.type = type, .count = count
	};

	if (type == SHMU_CELL_LOCK &&
	    (claim->flags & SHMU_CLAIM_SHARED) != 0)
		pw.shared = CELL_SHARED;
	return shmu_t_wait(&pw.w);
}

static int
release(struct cell *c, enum shmu_cell_type type, uint64_t party)
{
	struct cell_places *p = shmu_t_payload(c, type, sizeof *p);
	uint64_t *holders, room, i;

	if (p == NULL)
		return -1;
	shmu_t_line_renew(c, p);
	holders = shmu_t_array(c, &p->holders, sizeof *holders, &room);
	for (i = 0; i < room; i++)
		if ((LOAD(&holders[i]) & CELL_WHO) == party) {
			STORE(&p->head.turns, LOAD(&p->head.turns) + 1);
			RELEASE(&holders[i], 0);
			return 0;
		}
	errno = EPERM;
	return -1;
}

static int
release_lock(struct cell *c, uint64_t party)
{
	return release(c, SHMU_CELL_LOCK, party);
}

static int
release_place(struct cell *c, uint64_t party)
{
	return release(c, SHMU_CELL_SEMAPHORE, party);
}

int
shmu_lock_cell_take(struct shmu_table *t, const void *key, size_t key_length,
    struct shmu_claim *claim)
{
	return take(t, key, key_length, SHMU_CELL_LOCK, 0, claim);
}

int
shmu_lock_cell_give(struct shmu_table *t, const void *key, size_t key_length,
    pid_t pid)
{
	return shmu_t_give(t, key, key_length, pid, release_lock);
}

int
shmu_semaphore_take(struct shmu_table *t, const void *key, size_t key_length,
    uint32_t count, struct shmu_claim *claim)
{
	if (count == 0 || count > SHMU_CELL_PLACES) {
		errno = EINVAL;
		return -1;
	}
	return take(t, key, key_length, SHMU_CELL_SEMAPHORE, count, claim);
}

int
shmu_semaphore_give(struct shmu_table *t, const void *key, size_t key_length,
    pid_t pid)
{
	return shmu_t_give(t, key, key_length, pid, release_place);
}
