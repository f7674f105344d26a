/* SPDX-License-Identifier: MIT */
/*
 * cell-pop.c - pop and ack
 *
 * An item on lease stands in a record with who has it.  Of a dead one the
 * record is marked, and who pops then gets it by one store of its own name.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cell-queue.h"

#define LEASES_FIRST	8U

struct pop {
	struct cell_wait	 w;
	void			**item;
	size_t			*length;
};

/* The leases of a queue. */
struct leases {
	struct cell_lease	*all;
	uint64_t		 n;
};

static struct leases
leases_of(const struct cell *c, const struct cell_ring *r)
{
	struct leases l;

	l.all = shmu_t_array(c, &r->q->leases, sizeof *l.all, &l.n);
	return l;
}

/* Of those that are marked, the one that was pushed first. */
static struct cell_lease *
first_lost(const struct leases *l, uint64_t first)
{
	struct cell_lease *found = NULL;
	uint64_t i;

	for (i = 0; i < l->n; i++)
		if (shmu_t_leased(&l->all[i], first) &&
		    (LOAD(&l->all[i].who) & CELL_LOST) != 0 &&
		    (found == NULL ||
		    LOAD(&l->all[i].position) < LOAD(&found->position)))
			found = &l->all[i];
	return found;
}

/* Of those that who has, the one that it took first. */
static struct cell_lease *
oldest(const struct leases *l, uint64_t first, uint64_t who)
{
	struct cell_lease *found = NULL;
	uint64_t i;

	for (i = 0; i < l->n; i++)
		if (shmu_t_leased(&l->all[i], first) &&
		    LOAD(&l->all[i].who) == who &&
		    (found == NULL || LOAD(&l->all[i].turn) <
		    LOAD(&found->turn)))
			found = &l->all[i];
	return found;
}

/* Whether another than who has a lease in force. */
static bool
others(const struct leases *l, uint64_t first, uint64_t who)
{
	uint64_t i;

	for (i = 0; i < l->n; i++)
		if (shmu_t_leased(&l->all[i], first) &&
		    LOAD(&l->all[i].who) != who)
			return true;
	return false;
}

/* The item at off, copied for the caller: 0, or -1. */
static int
copy(const struct cell *c, uint64_t off, const struct pop *p)
{
	return shmu_t_item(c, off, p->item, p->length);
}

static int
undo_copy(const struct pop *p)
{
	int err = errno;

	free(*p->item);
	*p->item = NULL;
	errno = err;
	return -1;
}

static bool
leasing(const struct pop *p)
{
	return (p->w.claim->flags & SHMU_CLAIM_LEASE) != 0;
}

static uint64_t
next_turn(struct cell_queue *q)
{
	STORE(&q->turn, LOAD(&q->turn) + 1);
	return LOAD(&q->turn);
}

/* What a dead one had on lease. */
static int
pop_lost(struct cell *c, struct cell_ring *r, struct cell_lease *l,
    struct pop *p)
{
	uint64_t was = LOAD(&l->who) & CELL_WHO;

	if (copy(c, LOAD(&l->item), p) == -1)
		return -1;
	if (leasing(p)) {
		STORE(&l->turn, next_turn(r->q));
		RELEASE(&l->who, p->w.party);	/* the commit */
	} else if (shmu_heap_free_from(shmu_table_heap(c->t),
	    &l->item) == -1) {
		return undo_copy(p);
	}
	p->w.dead = was;
	return 1;
}

static struct cell_lease *
free_lease(const struct cell *c, struct cell_ring *r)
{
	struct leases l = leases_of(c, r);
	uint64_t i;

	for (i = 0; i < l.n && LOAD(&l.all[i].item) != 0; i++)
		continue;
	if (i < l.n)
		return &l.all[i];
	if (shmu_t_array_more(c, &r->q->leases, sizeof *l.all, LEASES_FIRST,
	    SHMU_CELL_PLACES) == -1)
		return NULL;
	l = leases_of(c, r);
	if (i < l.n)
		return &l.all[i];
	errno = EBADMSG;
	return NULL;
}

/* The store of first puts the lease in force and takes the item from the ring;
 * until then, and until its slot there is cleared, moving says which it is. */
static int
lease_first(struct cell *c, struct cell_ring *r, const struct pop *p)
{
	struct cell_lease *l = free_lease(c, r);
	uint64_t *slot = &r->slots[r->first % r->n];

	if (l == NULL)
		return -1;
	RELEASE(&r->q->moving, (uint64_t)(l - leases_of(c, r).all) + 1);
	RELEASE(&l->position, r->first);
	STORE(&l->who, p->w.party);
	STORE(&l->turn, next_turn(r->q));
	RELEASE(&l->item, LOAD(slot));
	shmu_t_ring_advance(r);			/* the commit */
	RELEASE(slot, 0);
	RELEASE(&r->q->moving, 0);
	return 1;
}

static int
pop_first(struct cell *c, struct cell_ring *r, struct pop *p)
{
	uint64_t *slot = &r->slots[r->first % r->n];

	if (copy(c, LOAD(slot), p) == -1)
		return -1;
	if (leasing(p))
		return lease_first(c, r, p) == 1 ? 1 : undo_copy(p);
	if (shmu_heap_free_from(shmu_table_heap(c->t), slot) == -1)
		return undo_copy(p);
	shmu_t_ring_advance(r);
	return 1;
}

static int
try(struct cell *c, struct cell_wait *w)
{
	struct pop *p = (struct pop *)w;
	struct cell_lease *lost;
	struct cell_ring r;
	struct leases l;
	int done = 0;

	if (c->type == SHMU_CELL_NONE)
		return 0;
	if (shmu_t_ring(c, &r) == -1)
		return -1;
	l = leases_of(c, &r);
	if (!w->looked && others(&l, r.first, w->party)) {
		w->look = true;
		return 0;
	}
	lost = first_lost(&l, r.first);
	if (lost != NULL)
		done = pop_lost(c, &r, lost, p);
	else if (r.first < r.next)
		done = pop_first(c, &r, p);
	else if (LOAD(&r.q->closed) != 0 && !others(&l, r.first, w->party)) {
		errno = EPIPE;
		return -1;
	}
	w->changed = done == 1;
	return done;
}

/* Each other that has a lease, once. */
static uint32_t
suspects(struct cell *c, struct cell_wait *w, uint64_t *who)
{
	uint32_t found = 0, k;
	struct cell_ring r;
	struct leases l;
	uint64_t i;

	if (shmu_t_ring(c, &r) == -1)
		return 0;
	l = leases_of(c, &r);
	for (i = 0; i < l.n && found < SHMU_CELL_PLACES; i++) {
		uint64_t word = LOAD(&l.all[i].who);

		if (!shmu_t_leased(&l.all[i], r.first) || word == w->party ||
		    (word & CELL_LOST) != 0)
			continue;
		for (k = 0; k < found && who[k] != word; k++)
			continue;
		if (k == found)
			who[found++] = word;
	}
	return found;
}

static void
judged(struct cell *c, struct cell_wait *w, uint64_t who,
    enum shmu_fate fate)
{
	struct cell_ring r;
	struct leases l;
	uint64_t i;

	if (fate != SHMU_DEAD || shmu_t_ring(c, &r) == -1)
		return;
	l = leases_of(c, &r);
	for (i = 0; i < l.n; i++)
		if (LOAD(&l.all[i].who) == who) {
			RELEASE(&l.all[i].who, who | CELL_LOST);
			w->changed = true;
		}
}

int
shmu_queue_pop(struct shmu_table *t, const void *key, size_t key_length,
    void **item, size_t *length, struct shmu_claim *claim)
{
	struct pop p = {
		.w = { .t = t, .key = key, .key_length = key_length,
		    .claim = claim, .try = try, .suspects = suspects,
		    .judged = judged },
		.item = item, .length = length
	};

	return shmu_t_wait(&p.w);
}

static int
acknowledge(struct cell *c, uint64_t party)
{
	struct cell_lease *lease;
	struct cell_ring r;
	struct leases l;

	if (shmu_t_ring(c, &r) == -1)
		return -1;
	l = leases_of(c, &r);
	lease = oldest(&l, r.first, party);
	if (lease == NULL) {
		errno = ENOENT;
		return -1;
	}
	return shmu_heap_free_from(shmu_table_heap(c->t), &lease->item);
}

int
shmu_queue_ack(struct shmu_table *t, const void *key, size_t key_length,
    pid_t pid)
{
	return shmu_t_give(t, key, key_length, pid, acknowledge);
}
