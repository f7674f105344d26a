/* SPDX-License-Identifier: MIT */
/*
 * cell-queue.c - push, close, and the ring of items
 *
 * A slot of the ring has the offset of an item, which shmu_heap_alloc_into and
 * shmu_heap_free_from put there and take from there, so that it is never lost
 * between the two.  What counts is the position: an item that stands at next
 * was not pushed, and a slot that is empty at first was popped.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cell-queue.h"

/* What a dead process's move of an item to a lease came to: see lease_first. */
static void
finish_move(const struct cell *c, struct cell_ring *r)
{
	uint64_t moving = LOAD(&r->q->moving), room;
	struct cell_lease *l = shmu_t_array(c, &r->q->leases, sizeof *l, &room);

	if (moving == 0)
		return;
	if (moving <= room && LOAD(&l[moving - 1].position) == r->first)
		RELEASE(&l[moving - 1].item, 0);
	else if (r->n != 0 && r->first > 0)
		RELEASE(&r->slots[(r->first - 1) % r->n], 0);
	RELEASE(&r->q->moving, 0);
}

/* All leases are of an earlier start of the machine. */
static void
renew(const struct cell *c, struct cell_ring *r)
{
	uint64_t room, i;
	struct cell_lease *l = shmu_t_array(c, &r->q->leases, sizeof *l, &room);

	if (!shmu_t_stale(c, &r->q->head))
		return;
	for (i = 0; i < room; i++)
		RELEASE(&l[i].who, LOAD(&l[i].who) | CELL_LOST);
	shmu_t_fresh(c, &r->q->head);
}

void
shmu_t_ring_advance(struct cell_ring *r)
{
	RELEASE(&r->q->first, ++r->first);
}

/* A pop or a push that was cut after the item was freed, or allocated. */
static void
finish(const struct cell *c, struct cell_ring *r)
{
	if (r->first < r->next && LOAD(&r->slots[r->first % r->n]) == 0)
		shmu_t_ring_advance(r);
	if (r->next - r->first < r->items &&
	    LOAD(&r->slots[r->next % r->n]) != 0)
		shmu_heap_free_from(shmu_table_heap(c->t),
		    &r->slots[r->next % r->n]);
}

/* As if all were popped, so that what is not gone yet is a queue still. */
void
shmu_t_ring_drain(const struct cell *c, struct cell_ring *r)
{
	struct shmu_heap *h = shmu_table_heap(c->t);
	struct cell_lease *l;
	uint64_t room, i;

	RELEASE(&r->q->gone, 1);		/* the commit */
	while (r->first < r->next) {
		shmu_heap_free_from(h, &r->slots[r->first % r->n]);
		shmu_t_ring_advance(r);
	}
	l = shmu_t_array(c, &r->q->leases, sizeof *l, &room);
	for (i = 0; i < room; i++)
		if (LOAD(&l[i].item) != 0)
			shmu_heap_free_from(h, &l[i].item);
	shmu_t_array_free(c, &r->q->ring);
	shmu_t_array_free(c, &r->q->leases);
	r->slots = NULL;
	r->n = r->items = 0;
	RELEASE(&r->q->closed, 0);
	RELEASE(&r->q->items, 0);
	RELEASE(&r->q->gone, 0);
}

int
shmu_t_ring(const struct cell *c, struct cell_ring *r)
{
	struct cell_queue *q = r->q = shmu_t_payload(c, SHMU_CELL_QUEUE,
	    sizeof *q);

	if (q == NULL)
		return -1;
	r->slots = shmu_t_array(c, &q->ring, sizeof *r->slots, &r->n);
	r->first = LOAD(&q->first);
	r->next = LOAD(&q->next);
	r->items = LOAD(&q->items);
	if (r->items > UINT32_MAX || r->next - r->first > r->items ||
	    (r->next != r->first && r->n <= r->items)) {
		errno = EBADMSG;
		return -1;
	}
	finish_move(c, r);
	renew(c, r);
	if (r->n > 0)
		finish(c, r);
	if (LOAD(&r->q->gone) != 0)
		shmu_t_ring_drain(c, r);
	return 0;
}

/* Make it, if need be, for so many items. */
static int
open_ring(struct cell *c, uint32_t items, struct cell_ring *r)
{
	struct cell_queue *q = shmu_t_open(c, SHMU_CELL_QUEUE, sizeof *q);

	if (q == NULL)
		return -1;
	if (shmu_t_ring(c, r) == -1)
		return -1;
	if (r->items == 0) {
		r->items = items == 0 ? SHMU_QUEUE_ITEMS : items;
		RELEASE(&q->items, r->items);
	}
	if (r->n > r->items)
		return 0;
	if (shmu_t_array_grow(c, &q->ring, sizeof *r->slots,
	    r->items + 1) == -1)
		return -1;
	return shmu_t_ring(c, r);
}

struct push {
	struct cell_wait	 w;
	uint32_t		 items;
	const void		*item;
	size_t			 length;
};

static int
append(struct cell *c, struct cell_ring *r, const struct push *p)
{
	struct shmu_heap *h = shmu_table_heap(c->t);
	uint64_t *slot = &r->slots[r->next % r->n];
	struct cell_item *item;

	if (p->length > SIZE_MAX - sizeof *item) {
		errno = ENOMEM;
		return -1;
	}
	if (shmu_heap_alloc_into(h, sizeof *item + p->length, slot) == -1)
		return -1;
	item = shmu_heap_at(h, LOAD(slot));
	if (shmu_heap_usable(h, item) < sizeof *item + p->length) {
		errno = EBADMSG;
		return -1;
	}
	item->length = p->length;
	if (p->length > 0)
		memcpy(item->bytes, p->item, p->length);
	RELEASE(&r->q->next, r->next + 1);	/* the commit */
	return 1;
}

static int
try(struct cell *c, struct cell_wait *w)
{
	const struct push *p = (const struct push *)w;
	struct cell_ring r;
	int done;

	if (open_ring(c, p->items, &r) == -1)
		return -1;
	if (LOAD(&r.q->closed) != 0) {
		errno = EPIPE;
		return -1;
	}
	if (r.next - r.first >= r.items)
		return 0;
	done = append(c, &r, p);
	w->changed = done == 1;
	return done;
}

int
shmu_queue_push(struct shmu_table *t, const void *key, size_t key_length,
    uint32_t items, const void *item, size_t length, struct shmu_claim *claim)
{
	/* Nobody's death makes room. */
	struct push p = {
		.w = { .t = t, .key = key, .key_length = key_length,
		    .claim = claim, .try = try },
		.items = items, .item = item, .length = length
	};

	return shmu_t_wait(&p.w);
}

static int
make(struct shmu_table *t, const void *key, size_t key_length,
    uint32_t items, bool closed)
{
	struct cell_ring r;
	struct cell c;
	int done;

	if (shmu_t_take(t, key, key_length, &c) == -1)
		return -1;
	done = open_ring(&c, items, &r);
	if (done == 0 && closed)
		RELEASE(&r.q->closed, 1);
	shmu_t_leave(&c, done == 0);
	return done;
}

int
shmu_queue_make(struct shmu_table *t, const void *key, size_t key_length,
    uint32_t items)
{
	return make(t, key, key_length, items, false);
}

int
shmu_queue_close(struct shmu_table *t, const void *key, size_t key_length)
{
	return make(t, key, key_length, 0, true);
}
