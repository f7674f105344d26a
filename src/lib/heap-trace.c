/* SPDX-License-Identifier: MIT */
/*
 * heap-trace.c - events as they happen, through a ring in the heap
 *
 * Whoever allocates takes the next number, writes the row and then the number
 * into it; whoever traces reads the row whose number is next.  The ring is
 * never freed: a thread may be writing into it at any time.
 */
#include "config.h"

#include <string.h>

#include "heap-private.h"

#define ROWS	1024U

struct row {
	uint64_t	number;		/* of the event, from 1; 0: being
					 * written */
	uint64_t	off, size;
	uint32_t	thread;
	uint32_t	site;		/* and bit 31: freed */
	uint64_t	unused[4];
};

struct events {
	uint64_t	next;
	uint64_t	unused[7];
	struct row	rows[ROWS];
};

/* The ring of events, or NULL. */
static struct events *
ring(const struct shmu_heap *h)
{
	uint64_t off = ACQUIRE(&control(h)->trace);

	return off % 64 != 0 || off < h->l.data_off ||
	    !within(h, off, sizeof(struct events)) ?
	    NULL : (struct events *)(h->base + off);
}

void
shmu_h_trace(struct shmu_heap *h, uint32_t site, uint64_t off, uint64_t size,
    bool freed)
{
	struct events *e = ring(h);
	struct row *r;
	uint64_t n;

	if (e == NULL)
		return;
	n = __atomic_add_fetch(&e->next, 1, __ATOMIC_ACQ_REL);
	r = &e->rows[n % ROWS];
	__atomic_store_n(&r->number, 0, __ATOMIC_SEQ_CST);
	STORE(&r->off, off);
	STORE(&r->size, size);
	STORE(&r->thread, h->locker.self.pid);
	STORE(&r->site, site | (freed ? WORD_USED : 0));
	RELEASE(&r->number, n);
}

static void
order_all(struct shmu_heap *h, bool on)
{
	uint32_t i;

	for (i = 0; i < h->l.slots; i++) {
		struct heap_slot *s = &slots(h)[i];

		if (ACQUIRE(&s->state) == 0 || s == h->slot)
			continue;
		if (on)
			__atomic_fetch_or(&s->order, ORDER_TRACE,
			    __ATOMIC_SEQ_CST);
		else
			__atomic_fetch_and(&s->order, ~ORDER_TRACE,
			    __ATOMIC_SEQ_CST);
	}
}

static int
begin(struct shmu_heap *h)
{
	struct heap_control *c = control(h);

	if (c->tracer.pid != 0 && !shmu_owner_dead(&c->tracer) &&
	    !shmu_owner_same(&c->tracer, &h->locker.self)) {
		errno = EBUSY;
		return -1;
	}
	c->tracer = h->locker.self;
	order_all(h, true);
	return 0;
}

int
shmu_heap_trace_start(struct shmu_heap *h)
{
	uint64_t *word = shmu_heap_root(h, ".trace");
	int r;

	if (word == NULL)
		return -1;
	if (ACQUIRE(word) == 0 &&
	    shmu_heap_alloc_into_at(h, sizeof(struct events), word,
	    NULL) == -1 && errno != EEXIST)
		return -1;
	if (shmu_h_lock(h) == -1)
		return -1;
	RELEASE(&control(h)->trace, ACQUIRE(word));
	r = ring(h) == NULL ? -1 : 0;
	if (r == -1)
		errno = EBADMSG;
	else {
		h->trace_next = ACQUIRE(&ring(h)->next) + 1;
		r = begin(h);
	}
	shmu_h_unlock(h);
	return r;
}

int
shmu_heap_trace_next(struct shmu_heap *h, struct shmu_heap_event *out,
    uint64_t *lost)
{
	struct events *e = ring(h);
	uint64_t last, number;
	struct row *r;

	memset(out, 0, sizeof *out);
	if (e == NULL) {
		errno = EBADMSG;
		return -1;
	}
	for (;;) {
		last = ACQUIRE(&e->next);
		if (last < h->trace_next)
			return 0;
		if (last - h->trace_next >= ROWS) {
			*lost += last - h->trace_next - ROWS + 1;
			h->trace_next = last - ROWS + 1;
		}
		r = &e->rows[h->trace_next % ROWS];
		number = ACQUIRE(&r->number);
		/* A thread that died between number and row leaves a gap, which
		 * is seen once the ring is round. */
		if (number < h->trace_next)
			return 0;
		out->off = LOAD(&r->off);
		out->size = LOAD(&r->size);
		out->thread = LOAD(&r->thread);
		out->site = LOAD(&r->site) & WORD_SITE;
		out->freed = LOAD(&r->site) >> 31;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (number == h->trace_next && LOAD(&r->number) == number)
			break;
	}
	h->trace_next++;
	return 1;
}

void
shmu_h_trace_bury(struct shmu_heap *h)
{
	struct shmu_owner *tracer = &control(h)->tracer;

	if (tracer->pid == 0 || !shmu_owner_dead(tracer))
		return;
	order_all(h, false);
	memset(tracer, 0, sizeof *tracer);
}

int
shmu_heap_trace_stop(struct shmu_heap *h)
{
	if (shmu_h_lock(h) == -1)
		return -1;
	order_all(h, false);
	memset(&control(h)->tracer, 0, sizeof control(h)->tracer);
	shmu_h_unlock(h);
	return 0;
}
