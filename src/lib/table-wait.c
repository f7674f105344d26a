/* SPDX-License-Identifier: MIT */
/* table-wait.c - wait for a change of a cell, and totals */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table-layout.h"

#define SLICE	INT64_C(250000000)	/* nanoseconds */
#define SECOND	INT64_C(1000000000)

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND + t.tv_nsec;
}

/* The value grows: read it until it fits. */
static int
read_whole(struct shmu_table *t, const void *key, size_t key_length,
    void **buf, uint64_t *size, struct shmu_cell *cell)
{
	void *p;

	for (;;) {
		if (shmu_table_get(t, key, key_length, *buf, *size,
		    cell) == -1)
			return -1;
		if (cell->length <= *size)
			return 0;
		p = realloc(*buf, cell->length);
		if (p == NULL)
			return -1;
		*buf = p;
		*size = cell->length;
	}
}

struct wish {
	const void		*key;
	size_t			 key_length;
	int			(*until)(const struct shmu_cell *,
				    const void *, void *);
	void			*arg;
	void			*buf;
	uint64_t		 size;
};

/* What until says of the cell now; -1 with errno when that is not known. */
static int
ask(struct shmu_table *t, struct wish *w, int *answer)
{
	struct shmu_cell cell;
	int r;

	/* Behind the entering: see shmu_t_unlock. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r = read_whole(t, w->key, w->key_length, &w->buf, &w->size, &cell);
	if (r == -1 && errno != ENOENT)
		return -1;
	*answer = r == -1 ? w->until(NULL, NULL, w->arg) :
	    w->until(&cell, cell.type == SHMU_CELL_BYTES ||
	    cell.type == SHMU_CELL_INTEGER ? w->buf : NULL, w->arg);
	return 0;
}

static int
wait_for(struct shmu_table *t, struct wish *w, struct shmu_event *event,
    const struct timespec *limit)
{
	int64_t end = limit == NULL ? INT64_MAX : now() +
	    (int64_t)limit->tv_sec * SECOND + limit->tv_nsec, left;
	struct timespec slice;
	uint32_t ticket;
	int answer;

	for (;;) {
		ticket = shmu_event_ticket(event);
		if (ask(t, w, &answer) == -1)
			return -1;
		if (answer != 0)
			return answer;
		left = end - now();
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		slice.tv_sec = 0;
		slice.tv_nsec = (long)(left < SLICE ? left : SLICE);
		if (shmu_event_sleep(event, ticket, &slice) == -1 &&
		    errno != ETIMEDOUT)
			return -1;
	}
}

int
shmu_table_wait(struct shmu_table *t, const void *key, size_t key_length,
    int (*until)(const struct shmu_cell *, const void *, void *), void *arg,
    const struct timespec *limit)
{
	struct wish w = { key, key_length, until, arg, NULL, 0 };
	struct shmu_event *event;
	int r, err;

	if (!shmu_t_writable(t, key_length))
		return -1;
	event = shmu_t_event(t, shmu_t_hash(t, key, key_length));
	shmu_event_enter(event);
	r = wait_for(t, &w, event, limit);
	err = errno;
	shmu_event_leave(event);
	free(w.buf);
	errno = err;
	return r;
}

static uint64_t
overflows(struct shmu_table *t, uint64_t b)
{
	const struct bucket *p = bucket_at(t, b);
	uint64_t n = 0, word;

	while (p != NULL && n < TABLE_HOPS) {
		word = LOAD(&p->slot[BUCKET_LAST]);
		if (!slot_link(word))
			break;
		p = slot_at(t, word);
		n++;
	}
	return n;
}

int
shmu_table_stat(struct shmu_table *t, struct shmu_table_stat *out)
{
	uint64_t b;

	if (!shmu_t_usable(t, 1))
		return -1;
	memset(out, 0, sizeof *out);
	out->cells = shmu_t_cells(t);
	out->buckets = buckets_now(t);
	for (b = 0; b < out->buckets; b++)
		out->overflows += overflows(t, b);
	out->size = ACQUIRE(&((const struct shmu_header *)t->base)->size);
	out->maximum = ((const struct shmu_header *)t->base)->maximum;
	out->repaired = LOAD(&t->c->repaired);
	return 0;
}
