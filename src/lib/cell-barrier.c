/* SPDX-License-Identifier: MIT */
/*
 * cell-barrier.c - meet
 *
 * Who waits has a record with the number of the generation, and the store of
 * generation + 1 ends it.  Before that, where one has died, the records of the
 * others are marked as broken, each of which keeps its mark until its thread
 * has seen it: so a generation with a mark in it is broken, and whoever comes
 * first marks what is left and ends it.
 */
#include "config.h"

#include "cell-private.h"

#define BROKEN	UINT64_C(1)

struct meeting {
	struct cell_wait	 w;
	uint64_t		 count;
	uint64_t		 generation;
	uint64_t		*number;	/* to be filled, or NULL */
	bool			 begun, come;
};

/* The barrier with its records, checked. */
struct room {
	struct cell_barrier	*b;
	struct cell_member	*members;
	uint64_t		 n;
	uint64_t		 generation;
};

static void
enter(struct cell *c, struct cell_barrier *b, struct room *r)
{
	r->b = b;
	r->members = shmu_t_array(c, &b->members, sizeof *r->members, &r->n);
	r->generation = LOAD(&b->generation);
}

/* Whether it has come to the present generation. */
static bool
present(const struct room *r, const struct cell_member *m)
{
	return LOAD(&m->who) != 0 && LOAD(&m->tag) >> 1 == r->generation;
}

static void
next_generation(struct room *r)
{
	RELEASE(&r->b->generation, ++r->generation);
}

/* dead was there: tell all who are, and begin anew. */
static void
break_up(struct room *r, uint64_t dead)
{
	uint64_t i;

	for (i = 0; i < r->n; i++) {
		struct cell_member *m = &r->members[i];

		if (!present(r, m) || LOAD(&m->who) == dead)
			continue;
		STORE(&m->dead, dead);
		RELEASE(&m->tag, r->generation << 1 | BROKEN);
	}
	next_generation(r);
}

/* Finish what one who died had begun. */
static bool
tidy(struct room *r)
{
	uint64_t i;

	for (i = 0; i < r->n; i++)
		if (present(r, &r->members[i]) &&
		    (LOAD(&r->members[i].tag) & BROKEN) != 0) {
			break_up(r, LOAD(&r->members[i].dead));
			return true;
		}
	return false;
}

/* Nobody of an earlier start of the machine is there. */
static void
renew(struct cell *c, struct room *r)
{
	uint64_t i;

	if (!shmu_t_stale(c, &r->b->head))
		return;
	for (i = 0; i < r->n; i++)
		RELEASE(&r->members[i].who, 0);
	shmu_t_fresh(c, &r->b->head);
}

static struct cell_member *
find(const struct room *r, uint64_t who, uint64_t generation)
{
	uint64_t i;

	for (i = 0; i < r->n; i++)
		if (LOAD(&r->members[i].who) == who &&
		    LOAD(&r->members[i].tag) >> 1 == generation)
			return &r->members[i];
	return NULL;
}

/* A record that is no longer of use.  One that is marked is its thread's, until
 * that has seen it or is dead. */
static struct cell_member *
find_free(struct cell *c, const struct room *r, bool marked)
{
	uint64_t i;

	for (i = 0; i < r->n; i++) {
		struct cell_member *m = &r->members[i];
		bool mark = (LOAD(&m->tag) & BROKEN) != 0;

		if (LOAD(&m->who) == 0 || (!present(r, m) && (!mark ||
		    (marked && shmu_t_party_dead(c->t, LOAD(&m->who))))))
			return m;
	}
	return NULL;
}

static int
come(struct cell *c, struct room *r, struct meeting *mt)
{
	struct cell_member *m = find(r, mt->w.me, r->generation);

	mt->generation = r->generation;
	mt->come = true;
	if (m == NULL)
		m = find_free(c, r, false);
	if (m == NULL)
		m = find_free(c, r, r->n >= SHMU_CELL_PLACES);
	if (m == NULL) {
		if (shmu_t_array_more(c, &r->b->members, sizeof *m, 4,
		    UINT64_C(4) * SHMU_CELL_PLACES) == -1)
			return -1;
		enter(c, r->b, r);
		m = find_free(c, r, false);
	}
	if (m == NULL) {
		errno = EBADMSG;
		return -1;
	}
	RELEASE(&m->who, 0);
	STORE(&m->dead, 0);
	RELEASE(&m->tag, r->generation << 1);
	RELEASE(&m->who, mt->w.me);
	return 0;
}

static uint64_t
attendance(const struct room *r)
{
	uint64_t i, n = 0;

	for (i = 0; i < r->n; i++)
		n += present(r, &r->members[i]);
	return n;
}

/* The generation that it came to is over. */
static int
result(struct room *r, struct meeting *mt)
{
	struct cell_member *m = find(r, mt->w.me, mt->generation);
	bool broken = m != NULL && (LOAD(&m->tag) & BROKEN) != 0;

	if (broken)
		mt->w.dead = LOAD(&m->dead);
	if (m != NULL)
		RELEASE(&m->who, 0);
	mt->come = false;
	if (mt->number != NULL)
		*mt->number = mt->generation + 1;
	if (!broken)
		return 1;
	errno = EOWNERDEAD;
	return -1;
}

/* The number is what the first said, or who may change it. */
static int
agree(struct cell_barrier *b, struct meeting *mt)
{
	bool first = !mt->begun;
	uint64_t count = LOAD(&b->count);

	mt->begun = true;
	if (count == mt->count || (count != 0 && !first))
		return 0;
	if (count != 0 && (mt->w.claim->flags & SHMU_CLAIM_RESIZE) == 0) {
		errno = ERANGE;
		return -1;
	}
	RELEASE(&b->count, mt->count);
	return 0;
}

static int
try(struct cell *c, struct cell_wait *w)
{
	struct meeting *mt = (struct meeting *)w;
	struct cell_barrier *b = shmu_t_open(c, SHMU_CELL_BARRIER, sizeof *b);
	struct room r;

	if (b == NULL || agree(b, mt) == -1)
		return -1;
	enter(c, b, &r);
	renew(c, &r);
	w->changed = tidy(&r);
	if (mt->come && r.generation != mt->generation)
		return result(&r, mt);
	if (find(&r, w->me, r.generation) == NULL && come(c, &r, mt) == -1)
		return -1;
	mt->come = true;
	mt->generation = r.generation;
	if (attendance(&r) < LOAD(&b->count))
		return 0;
	/* The last to come sees to it that the others have lived until then. */
	if (!w->looked) {
		w->look = true;
		return 0;
	}
	next_generation(&r);
	w->changed = true;
	return result(&r, mt);
}

static uint32_t
suspects(struct cell *c, struct cell_wait *w, uint64_t *who)
{
	struct cell_barrier *b = shmu_t_payload(c, SHMU_CELL_BARRIER,
	    sizeof *b);
	uint32_t found = 0;
	struct room r;
	uint64_t i;

	if (b == NULL)
		return 0;
	enter(c, b, &r);
	for (i = 0; i < r.n && found < SHMU_CELL_PLACES; i++)
		if (present(&r, &r.members[i]) &&
		    LOAD(&r.members[i].who) != w->me)
			who[found++] = LOAD(&r.members[i].who);
	return found;
}

static void
judged(struct cell *c, struct cell_wait *w, uint64_t who,
    enum shmu_fate fate)
{
	struct cell_barrier *b = shmu_t_payload(c, SHMU_CELL_BARRIER,
	    sizeof *b);
	struct room r;

	if (b == NULL || fate != SHMU_DEAD)
		return;
	enter(c, b, &r);
	if (find(&r, who, r.generation) == NULL)
		return;
	break_up(&r, who);
	w->changed = true;
}

static int
quit(struct cell *c, struct cell_wait *w)
{
	struct meeting *mt = (struct meeting *)w;
	struct cell_barrier *b = shmu_t_payload(c, SHMU_CELL_BARRIER,
	    sizeof *b);
	struct cell_member *m;
	struct room r;

	if (b == NULL || !mt->come)
		return 0;
	enter(c, b, &r);
	w->changed = tidy(&r);
	if (r.generation != mt->generation)
		return result(&r, mt);
	m = find(&r, w->me, mt->generation);
	if (m != NULL)
		RELEASE(&m->who, 0);
	return 0;
}

int
shmu_barrier_wait(struct shmu_table *t, const void *key, size_t key_length,
    uint32_t count, struct shmu_claim *claim, uint64_t *generation)
{
	struct meeting mt = {
		.w = { .t = t, .key = key, .key_length = key_length,
		    .claim = claim, .try = try, .suspects = suspects,
		    .judged = judged, .quit = quit },
		.count = count, .number = generation
	};

	if (count == 0 || count > SHMU_CELL_PLACES) {
		errno = EINVAL;
		return -1;
	}
	return shmu_t_wait(&mt.w);
}
