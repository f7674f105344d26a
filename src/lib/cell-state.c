/* SPDX-License-Identifier: MIT */
/* cell-state.c - who has a cell and who waits, and what is done when it goes */
#include "config.h"

#include <string.h>

#include "cell-queue.h"

/* Where parties go: those that there is no room for are counted. */
struct list {
	struct shmu_cell_state	*state;
	struct shmu_party	*parties;
	uint32_t		 room;
	const struct cell	*c;
	bool			 busy;		/* if it is asked for */
	bool			 ask;
};

/* Who, as the word for now: /proc is looked at when the bucket is free. */
static void
add(struct list *to, uint64_t word, bool waits)
{
	struct shmu_party *p;

	if (word == 0)
		return;
	if (to->ask && !to->busy &&
	    (!waits || to->c->type == SHMU_CELL_BARRIER))
		to->busy = !shmu_t_party_dead(to->c->t, word);
	if (to->state->parties < to->room) {
		p = &to->parties[to->state->parties];
		memset(p, 0, sizeof *p);
		p->owner.start = word;
		p->waits = waits;
		p->shared = (word & CELL_SHARED) != 0;
	}
	to->state->parties++;
}

static void
list_places(const struct cell *c, struct list *to)
{
	struct cell_places *p = c->payload;
	uint64_t *words, room, i;

	words = shmu_t_array(c, &p->holders, sizeof *words, &room);
	for (i = 0; i < room; i++)
		add(to, LOAD(&words[i]), false);
	to->state->taken = to->state->parties;
	to->state->places = c->type == SHMU_CELL_LOCK ? 1 :
	    (uint32_t)LOAD(&p->count);
	words = shmu_t_array(c, &p->tickets, sizeof *words, &room);
	for (i = 0; i < room; i++)
		add(to, LOAD(&words[i]), true);
}

static void
list_members(const struct cell *c, struct list *to)
{
	struct cell_barrier *b = c->payload;
	struct cell_member *m;
	uint64_t room, i;

	to->state->generation = LOAD(&b->generation);
	to->state->places = (uint32_t)LOAD(&b->count);
	m = shmu_t_array(c, &b->members, sizeof *m, &room);
	for (i = 0; i < room; i++)
		if (LOAD(&m[i].tag) >> 1 == to->state->generation)
			add(to, LOAD(&m[i].who), true);
	to->state->taken = to->state->parties;
}

static void
list_leases(const struct cell *c, struct list *to)
{
	struct cell_queue *q = c->payload;
	struct cell_lease *l;
	uint64_t room, i;

	if (LOAD(&q->gone) != 0)
		return;
	to->state->places = (uint32_t)LOAD(&q->items);
	to->state->taken = (uint32_t)(LOAD(&q->next) - LOAD(&q->first));
	to->state->closed = LOAD(&q->closed) != 0;
	l = shmu_t_array(c, &q->leases, sizeof *l, &room);
	for (i = 0; i < room; i++)
		if (shmu_t_leased(&l[i], LOAD(&q->first)))
			add(to, LOAD(&l[i].who), false);
	to->state->leases = to->state->parties;
}

/* The head of a cell of these types, or NULL with errno. */
static struct cell_head *
list_all(const struct cell *c, struct list *to)
{
	static const size_t sizes[] = {
		[SHMU_CELL_LOCK] = sizeof(struct cell_places),
		[SHMU_CELL_SEMAPHORE] = sizeof(struct cell_places),
		[SHMU_CELL_BARRIER] = sizeof(struct cell_barrier),
		[SHMU_CELL_QUEUE] = sizeof(struct cell_queue)
	};

	memset(to->state, 0, sizeof *to->state);
	if (c->type != SHMU_CELL_NONE && c->type < SHMU_CELL_LOCK) {
		errno = EPROTOTYPE;
		return NULL;
	}
	if (shmu_t_payload(c, c->type, c->type == SHMU_CELL_NONE ? 0 :
	    sizes[c->type]) == NULL)
		return NULL;
	if (c->type == SHMU_CELL_BARRIER)
		list_members(c, to);
	else if (c->type == SHMU_CELL_QUEUE)
		list_leases(c, to);
	else
		list_places(c, to);
	return c->payload;
}

int
shmu_cell_state(struct shmu_table *t, const void *key, size_t key_length,
    struct shmu_cell_state *out, struct shmu_party *parties, uint32_t room)
{
	struct list to = { .state = out, .parties = parties, .room = room };
	struct cell_head *head;
	struct cell c;
	bool stale = false;
	uint32_t i;

	if (shmu_t_take(t, key, key_length, &c) == -1)
		return -1;
	head = list_all(&c, &to);
	if (head != NULL)
		stale = shmu_t_stale(&c, head);
	shmu_t_leave(&c, false);
	for (i = 0; head != NULL && i < room && i < out->parties; i++) {
		struct shmu_party *p = &parties[i];

		shmu_t_party_owner(t, p->owner.start, &p->owner);
		p->dead = stale || shmu_owner_dead(&p->owner);
	}
	return head == NULL ? -1 : 0;
}

int
shmu_t_cell_busy(const struct cell *c)
{
	struct shmu_cell_state state;
	struct list to = { .state = &state, .c = c, .ask = true };
	struct cell_head *head = c->payload;

	if (c->type < SHMU_CELL_LOCK || c->length < sizeof *head ||
	    shmu_t_stale(c, head) || list_all(c, &to) == NULL || !to.busy)
		return 0;
	errno = EBUSY;
	return -1;
}

void
shmu_t_cell_empty(struct cell *c)
{
	struct cell_places *p;
	struct cell_barrier *b;
	struct cell_ring r;

	switch (c->type) {
	case SHMU_CELL_LOCK:
	case SHMU_CELL_SEMAPHORE:
		p = shmu_t_payload(c, c->type, sizeof *p);
		if (p == NULL)
			return;
		shmu_t_array_free(c, &p->holders);
		shmu_t_array_free(c, &p->tickets);
		return;
	case SHMU_CELL_BARRIER:
		b = shmu_t_payload(c, c->type, sizeof *b);
		if (b != NULL)
			shmu_t_array_free(c, &b->members);
		return;
	case SHMU_CELL_QUEUE:
		if (shmu_t_ring(c, &r) == 0)
			shmu_t_ring_drain(c, &r);
		return;
	default:
		return;
	}
}
